"""Load what serves a request when it is first asked for: a start pays for what customers wait for, and for no more."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from chalice import Chalice


class LateChalice(Chalice):
    """An app whose blueprints may be registered by the first request that needs them."""

    later: tuple[str, ...] = ()
    """Modules whose blueprints have not been registered yet, in the order in which they are looked through."""

    def serve(self, names: Sequence[str], *, later: Sequence[str] = ()) -> None:
        """Register the blueprints of some modules now, and those of others once somebody asks for a path of theirs."""
        for name in names:
            self.register_blueprint(import_module(f"chalicelib.entrypoints.{name}").bp)
        self.later += tuple(later)

    def reach(self, path: str | None) -> None:
        """Register blueprints until one has this path, or until all are there."""
        while self.later and path not in self.routes:
            self.serve(self.later[:1])
            self.later = self.later[1:]

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer a request."""
        self.reach(event.get("requestContext", {}).get("resourcePath"))
        return super().__call__(event, context)
