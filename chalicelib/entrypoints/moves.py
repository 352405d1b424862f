"""Read what somebody wants to do with a case: its version, the move, and what the move must say."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from chalicelib.domain.case import ALLOWED, HELPERS_MOVES, MAY_SAY, NEEDS, Move
from chalicelib.domain.event import problem_of
from chalicelib.errors import Invalid, PreconditionMissing, Problem
from chalicelib.ports import Principal

FIELDS = ("department", "reason", "text", "how", "outcome", "reached", "root_cause", "action")
"""All that a move may say; what each must say is in NEEDS."""

VERBS = tuple(dict.fromkeys((*ALLOWED, *HELPERS_MOVES)))
"""Every move that somebody can want: a lead's, and those of whoever helps."""

_VERSION = re.compile(r'\s*(?:W/)?"?([1-9][0-9]{0,8})"?\s*')


def wanted_version(given: str) -> int:
    """Return the version that somebody acts upon. Raises PreconditionMissing without one, Invalid for another text."""
    if not given.strip():
        raise PreconditionMissing('a move needs the version that it was decided on, as in If-Match: "3"')
    found = _VERSION.fullmatch(given)
    if found is None:
        raise Invalid(Problem("/version", 'must be the version of a case, as in If-Match: "3"'))
    return int(found[1])


def wanted_move(verb: str, given: Mapping[str, Any], principal: Principal) -> Move:
    """Return the move that somebody wants; blanks count as nothing said. Raises Invalid with each fault."""
    if verb not in VERBS:
        raise Invalid(Problem("/move", f"is not one of {', '.join(VERBS)}"))
    strange = sorted(name for name in given if name not in FIELDS)
    if strange:
        takes = ", ".join((*NEEDS.get(verb, ()), *MAY_SAY.get(verb, ()))) or "nothing"
        raise Invalid(*(Problem(f"/{name[:100]}", f"is unknown; {verb} takes {takes}") for name in strange))
    said = {name: cleaned(value) for name, value in given.items()}
    try:
        return Move.model_validate({"verb": verb, "by": principal.name, **said})
    except ValidationError as error:
        raise Invalid(*(problem_of(fault) for fault in error.errors())) from error


def cleaned(value: Any) -> Any:
    """Return what was said without control characters; line breaks stay, blanks alone are nothing."""
    if not isinstance(value, str):
        return value
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in plain if char in "\n\t\u200d\ufe0f" or char.isprintable()).strip() or None
