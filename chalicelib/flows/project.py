"""Add what changed in the table to the counters, exactly once per record of its stream."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import (
    ALL,
    DIMENSIONS,
    DOMAIN,
    KINDS,
    SENDING,
    TEAM,
    Dimensions,
    Row,
    contributions,
    count_alike,
    day_of,
    dimensions_of,
    kind_name,
    pair_name,
)
from chalicelib.domain.routing import topics_of
from chalicelib.domain.survey import Survey
from chalicelib.errors import Conflict, LazoError
from chalicelib.ports import Change, Counters, Library, Ports

ROWS_MAX = 99  # of one transaction, beside its checkpoint
COUNTS_MAX = 250  # of one row in one transaction: DynamoDB's expressions end at 4 KB
SEQUENCE_DIGITS = 40
UNCOUNTED = "uncounted"
TRIES_MAX = 8
EVER = ("0001-01-01", "9999-12-31")

log = logging.getLogger("lazo")

Key = tuple[str, str, str, str]  # kind, dimension, value, day
Series = tuple[str, str, str]  # kind, dimension, value
Delta = dict[Key, dict[str, int]]


@dataclass(frozen=True)
class Projected:
    """What a batch of the stream came to: records that were new, those nobody could read, rows written."""

    records: int
    uncounted: int
    rows: int


def project(ports: Ports, changes: Sequence[Change], shard: str, now: datetime) -> Projected:
    """Count the records of a shard that its checkpoint does not hold yet; batches that change no count write nothing.

    Never raises for a record: it is counted as uncounted, since one that raised would hold up its shard. Raises
    Conflict when another invocation has written meanwhile; the batch then comes again.
    """
    # Filtered first: a re-batched stretch may straddle the checkpoint, and its older half must not count twice.
    last = ports.counters.checkpoint(shard)
    new = sorted((change for change in changes if _place(change) > last), key=_place)
    if not new:
        return Projected(0, 0, 0)
    counting = _Counting(ports.library, _dimensions(ports.library, new), now)
    rows = 0
    for part in _slices(new, counting):
        ports.counters.add(shard, part.as_rows(), last=last, end=part.end)
        last, rows = part.end, rows + len(part.delta)
    return Projected(len(new), counting.uncounted, rows)


def _place(change: Change) -> str:
    # Padded, since as plain strings 9 would come after 10.
    return change.sequence.zfill(SEQUENCE_DIGITS)


def _dimensions(library: Library, changes: Sequence[Change]) -> Dimensions:
    """Return what to count by, read anew when an item is of a later generation than the organisation we remember."""
    dimensions = dimensions_of(library.organisation())
    latest = max((side.generation for change in changes for side in (change.old, change.new) if side), default=0)
    return dimensions if latest <= dimensions.generation else dimensions_of(library.organisation(fresh=True))


class SurveyMissing(LazoError):
    """An answer names a survey version that was never published."""


@dataclass
class _Counting:
    """What counting one batch needs, and the records of it that could not be counted."""

    library: Library
    dimensions: Dimensions
    now: datetime
    uncounted: int = 0

    def delta(self, change: Change) -> Delta:
        """Return what a record changes: what the new image gives, less what the old one gave."""
        # Read outside: a table that is slow just now is no fault of the record, and the batch comes again.
        surveys = [self._survey(item) for item in (change.new, change.old)]
        try:
            delta = self._difference(change, surveys)
        except Exception:  # whatever an unknown writer left: the others go on, and `reconcile` tells of it
            log.exception("record %s could not be counted", change.sequence)
            delta = None
        return self._uncounted() if delta is None else delta

    def _survey(self, item: Invitation | Case | None) -> Survey | SurveyMissing | None:
        try:
            return _survey(item, self.library) if item else None
        except SurveyMissing as missing:
            return missing

    def _difference(self, change: Change, surveys: Sequence[Survey | SurveyMissing | None]) -> Delta | None:
        if not change.readable:
            return None
        if change.old and change.new and count_alike(change.old, change.new):
            return {}
        delta: Delta = {}
        for item, survey, sign in zip((change.new, change.old), surveys, (1, -1), strict=True):
            if isinstance(survey, SurveyMissing):
                raise survey
            for row in contributions(item, self.dimensions, survey) if item else ():
                _add(delta, (row.kind, row.dimension, row.value, row.day), row.counts, sign)
        return delta if _fits(delta) else None

    def _uncounted(self) -> Delta:
        self.uncounted += 1
        return {(UNCOUNTED, ALL, ALL, day_of(self.now, self.dimensions.zone)): {"records": 1}}


def counted(item: Invitation | Case, dimensions: Dimensions, library: Library) -> tuple[Row, ...]:
    """Return an item's contributions, with the survey that its answer was given to. Raises SurveyMissing."""
    return contributions(item, dimensions, _survey(item, library))


def _survey(item: Invitation | Case, library: Library) -> Survey | None:
    if not isinstance(item, Invitation) or item.confirmed is None or item.survey_version is None:
        return None
    survey = library.survey(item.survey_version)
    if survey is None:
        raise SurveyMissing(item.survey_version)
    return survey


@dataclass
class _Slice:
    """As much of a batch as one transaction takes."""

    delta: Delta = field(default_factory=dict)
    end: str = ""
    counts: bool = False
    """Whether any of its records counts: two that cancel out still move the checkpoint, lest one comes again alone."""

    def takes(self, more: Delta, end: str) -> bool:
        """Add a record's counts, unless that makes it too much for one transaction."""
        for key, counts in more.items():
            _add(self.delta, key, counts, 1)
        if not _fits(self.delta):
            for key, counts in more.items():
                _add(self.delta, key, counts, -1)
            return False
        self.end = end
        self.counts |= bool(more)
        return True

    def as_rows(self) -> list[Row]:
        return [Row(*key, counts) for key, counts in sorted(self.delta.items())]


def _slices(changes: Sequence[Change], counting: _Counting) -> Iterator[_Slice]:
    part = _Slice()
    seen = ""
    for change in changes:
        if _place(change) == seen:
            continue
        seen = _place(change)
        delta = counting.delta(change)
        if not part.takes(delta, seen):
            yield part
            part = _Slice()
            part.takes(delta, seen)
    if part.counts:
        yield part


def _add(delta: Delta, key: Key, counts: Mapping[str, int], sign: int) -> None:
    row = delta.get(key)
    if sign < 0 and row == counts:  # most writes change few of an item's counts
        del delta[key]
        return
    if row is None:
        row = delta[key] = {}
    for name, count in counts.items():
        total = row.get(name, 0) + sign * count
        if total:
            row[name] = total
        else:
            row.pop(name, None)
    if not row:
        del delta[key]


def _fits(delta: Delta) -> bool:
    return len(delta) <= ROWS_MAX and all(len(counts) <= COUNTS_MAX for counts in delta.values())


# Counting anew


@dataclass(frozen=True)
class Difference:
    """A count that is not what the items say."""

    key: Key
    name: str
    counter: int
    recount: int


@dataclass(frozen=True)
class Reconciled:
    """What a recount found: items read, those of another generation or unreadable, and every count that differs."""

    items: int
    behind: int
    uncountable: int
    uncounted: int
    differences: tuple[Difference, ...]


def reconcile(ports: Ports, items: Iterable[Invitation | Case]) -> Reconciled:
    """Count every item again and compare with the counters; nothing differs once the stream is drained.

    Items that change while they are read show as differences: run it when all is quiet.
    """
    dimensions = dimensions_of(ports.library.organisation(fresh=True))
    recount: Delta = {}
    total = behind = uncountable = 0
    for item in items:
        total, behind = total + 1, behind + (item.generation != dimensions.generation)
        try:
            rows = counted(item, dimensions, ports.library)
        except Exception:  # as when it was projected: told, and not in the way of the others
            log.exception("%s could not be counted", item.id)
            uncountable += 1
            continue
        for row in rows:
            _add(recount, (row.kind, row.dimension, row.value, row.day), row.counts, 1)
    differences = tuple(_differences(ports.counters, recount, dimensions))
    unread = ports.counters.series(UNCOUNTED, ALL, ALL, *EVER)
    uncounted = sum(counts.get("records", 0) for counts in unread.values())
    return Reconciled(total, behind, uncountable, uncounted, differences)


def _differences(counters: Counters, recount: Delta, dimensions: Dimensions) -> Iterator[Difference]:
    counted: dict[Series, dict[str, Mapping[str, int]]] = {each: {} for each in _series(counters, dimensions)}
    for (*series, day), counts in recount.items():
        counted.setdefault((series[0], series[1], series[2]), {})[day] = counts
    for each, days in sorted(counted.items()):
        kept = counters.series(*each, *EVER)
        for day in sorted({*kept, *days}):
            yield from _compared((*each, day), kept.get(day, {}), days.get(day, {}))


def _series(counters: Counters, dimensions: Dimensions) -> Iterator[Series]:
    """Return every series that was ever counted in this generation."""
    pairs = [pair_name(pair) for pair in dimensions.pairs]
    for kind in KINDS:
        name = kind_name(kind, dimensions.generation)
        for dimension in (ALL, TEAM, *DIMENSIONS, *dimensions.attributes, *pairs):
            yield from ((name, dimension, value) for value in counters.values(name, dimension))
    sending = kind_name(SENDING, dimensions.generation)
    for dimension in (ALL, DOMAIN):
        yield from ((sending, dimension, value) for value in counters.values(sending, dimension))


def _compared(key: Key, kept: Mapping[str, int], recount: Mapping[str, int]) -> Iterator[Difference]:
    for name in sorted({*kept, *recount}):
        if kept.get(name, 0) != recount.get(name, 0):
            yield Difference(key, name, kept.get(name, 0), recount.get(name, 0))


def rebuild(ports: Ports, items: Iterable[Invitation | Case]) -> int:
    """Give each item the present generation, so that the stream counts it anew, once, while everything is live.

    Answers whose words are still there are read anew as well where the topics of today find something else in them;
    and those that nobody has read.

    Returns how many were behind. Items written meanwhile by a process that remembers the organisation of before are
    behind again: run it until it returns 0.
    """
    organisation = ports.library.organisation(fresh=True)
    return sum(_lift(ports, item, organisation) for item in items)


def _lift(ports: Ports, item: Invitation | Case, organisation: Organisation) -> bool:
    for _ in range(TRIES_MAX):
        lifted = _lifted(item, organisation)
        if lifted is None:
            return False
        try:
            _save(ports, lifted)
        except Conflict:
            found = ports.cases.get(item.id) if isinstance(item, Case) else ports.invitations.get(item.id)
            if found is None:
                return False
            item = found
        else:
            return True
    raise Conflict(item.id)


def _lifted(item: Invitation | Case, organisation: Organisation) -> Invitation | Case | None:
    """Return an item as it counts today; None where it does already."""
    generation = organisation.trends.generation
    if isinstance(item, Case):
        changed = item.model_copy(update={"generation": generation, "revision": item.revision + 1})
        return None if item.generation == generation else changed
    read = _read(item, organisation)
    if (item.generation, item.confirmed) == (generation, read):
        return None
    return item.moved(generation=generation, confirmed=read)


def _save(ports: Ports, item: Invitation | Case) -> None:
    if isinstance(item, Case):
        ports.cases.save(item)
    else:
        ports.invitations.save(item)


def _read(invitation: Invitation, organisation: Organisation) -> Answer | None:
    """Return an answer with its topics by the present file; those whose words are gone keep what was read."""
    answer = invitation.confirmed
    if answer is None or invitation.erased or not (answer.texts or answer.topics is None):
        return answer
    return answer.model_copy(update={"topics": topics_of(answer, organisation)})
