"""Publish an organisation: what the company was before decides what must still be looked up, and how it counts."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import succeeding
from chalicelib.errors import NotFound
from chalicelib.ports import Library


@dataclass(frozen=True)
class Published:
    """What is in force now; `changed` says whether it was not before, `counts_anew` whether trends need a rebuild."""

    organisation: Organisation
    changed: bool
    counts_anew: bool


def publish(library: Library, organisation: Organisation, now: datetime) -> Published:
    """Put an organisation in force; the same one again changes nothing."""
    before = current(library)
    after = successor(organisation, before)
    if after == before:
        return Published(after, changed=False, counts_anew=False)
    library.publish(after, now)
    counts_anew = before is not None and before.trends.generation != after.trends.generation
    return Published(after, changed=True, counts_anew=counts_anew)


def current(library: Library) -> Organisation | None:
    """Return the organisation in force; None before the first publication."""
    try:
        return library.organisation(fresh=True)
    except NotFound:
        return None


def successor(organisation: Organisation, before: Organisation | None) -> Organisation:
    """Return an organisation as it follows another: programs that went are remembered, lest a duplicate asks again."""
    if before is None:
        return succeeding(organisation, None)
    present = {program.id for program in organisation.programs}
    once = [*organisation.retired_programs, *before.retired_programs, *(program.id for program in before.programs)]
    retired = tuple(id_ for id_ in dict.fromkeys(once) if id_ not in present)
    return succeeding(organisation.model_copy(update={"retired_programs": retired}), before)
