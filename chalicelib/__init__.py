"""Lazo: ask the customer, keep the answer, mend what failed."""

import sys
from types import ModuleType


def _leave_out_plugins() -> None:
    """Spare each start pydantic's search for plugins among all installed packages: none of ours is one."""
    none = ModuleType("pydantic.plugin._loader")
    none.get_plugins = tuple  # type: ignore[attr-defined]  # what it would find
    sys.modules.setdefault(none.__name__, none)


_leave_out_plugins()
