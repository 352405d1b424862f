"""Publish an organisation: what the company was before decides what must still be looked up, and how it counts."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import succeeding
from chalicelib.errors import NotFound
from chalicelib.ports import Library


@dataclass(frozen=True)
class Published:
    """What is in force now; `changed` says whether it was not before."""

    organisation: Organisation
    changed: bool
    counts_anew: bool = False
    """Whether what is older counts only after a rebuild."""
    reads_anew: bool = False
    """Whether the words of older answers are read by other topics only after a rebuild."""


def publish(library: Library, organisation: Organisation, now: datetime) -> Published:
    """Put an organisation in force; the same one again changes nothing."""
    before = current(library)
    after = successor(organisation, before)
    if after == before:
        return Published(after, changed=False)
    if after.programs_since is None:
        after = after.model_copy(update={"programs_since": now})
    library.publish(after, now)
    counts_anew = before is not None and before.trends.generation != after.trends.generation
    reads_anew = before is not None and before.routing.topics != after.routing.topics
    return Published(after, changed=True, counts_anew=counts_anew, reads_anew=reads_anew)


def current(library: Library) -> Organisation | None:
    """Return the organisation in force; None before the first publication."""
    try:
        return library.organisation(fresh=True)
    except NotFound:
        return None


def successor(organisation: Organisation, before: Organisation | None) -> Organisation:
    """Return an organisation as it follows another: what went is remembered.

    Of programs, lest a duplicate asks again; of departments, for the cases that they led.
    """
    if before is None:
        return succeeding(organisation.model_copy(update={"programs_since": None}), None)
    asked = [*organisation.retired_programs, *before.retired_programs, *(program.id for program in before.programs)]
    led = [*organisation.retired_departments, *before.every_department]
    retired = {
        "programs_since": before.programs_since if organisation.asking == before.asking else None,
        "retired_programs": _gone(asked, {program.id for program in organisation.programs}),
        "retired_departments": _gone(led, {department.id for department in organisation.departments}),
    }
    return succeeding(organisation.model_copy(update=retired), before)


def _gone(once: Sequence[str], present: Set[str]) -> tuple[str, ...]:
    return tuple(id_ for id_ in dict.fromkeys(once) if id_ not in present)
