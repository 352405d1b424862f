"""Say what day files hold of events, decisions, answers and cases: what analysis takes, nothing that leads to a person.

A line tells of one version of one id; readers keep the highest version of each id, so a line that is written twice,
late or in another file does no harm. No names, addresses, words, references or customers: those stand in the table
alone, where they can be erased.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal, get_args

from chalicelib.domain.case import Case, State
from chalicelib.domain.event import Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.metric import METRICS
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import DEPARTMENTS_COUNTED_MAX, day_of, encode
from chalicelib.domain.terms import Frozen, Instant, fingerprint

SCHEMA_VERSION = 1
"""Goes up when a field changes its meaning or goes away; readers pass over fields that they do not know."""

SUFFIX = ".jsonl.gz"

Told = Literal["responses", "decisions", "cases", "events"]
Kind = Literal["responses", "decisions", "cases", "events", "kept"]
KINDS: tuple[Told, ...] = get_args(Told)
"""What analysis reads."""

KEPT: Kind = "kept"
"""The ids of a day's decisions and no more: by these lists retention finds what has become old."""


class DayRow(Frozen):
    """What all lines have: `version` tells which of two lines of one `id` holds."""

    kind: ClassVar[Told]

    schema_version: int = SCHEMA_VERSION
    id: str
    version: int
    generation: int
    program: str
    touchpoint: str | None
    channel: str | None
    department: str | None
    attributes: dict[str, str]
    """Those that the organisation counts by, and no others: a CRM may send anything."""


class ResponseRow(DayRow):
    """One confirmed answer, under the local day of its first confirmation."""

    kind: ClassVar[Told] = "responses"

    first_confirmed_at: Instant
    answered_at: Instant
    occurred_at: Instant
    how: str
    survey: str | None
    survey_version: str | None
    metric: str | None
    rating: int
    ratings: dict[str, int]
    choices: dict[str, tuple[str, ...]]
    has_words: bool
    topics: tuple[str, ...] = ()
    """The departments that the words speak of, as routing reads them."""
    language: str
    departments: tuple[str, ...]
    has_case: bool
    erased: bool


class ExportRow(ResponseRow):
    """One answer with what leads to a person, for who may see it: never in a file, blank after an erasure."""

    day: str
    customer: str | None = None
    reference: str | None = None
    texts: dict[str, str] = {}


class DecisionRow(DayRow):
    """One decision to ask or not, once it has left or was given up, under the local day of its event."""

    kind: ClassVar[Told] = "decisions"

    occurred_at: Instant
    decided_at: Instant
    source: str
    label: str
    state: str
    reason: str | None
    survey: str | None
    survey_version: str | None
    language: str
    departments: tuple[str, ...]
    promises: tuple[Promise, ...]
    primary: bool
    sent_at: Instant | None
    reminder: str | None
    reminded_at: Instant | None
    bounced: bool
    cancelled: bool
    unconfirmed: bool
    scanned: bool
    erased: bool


class CaseRow(DayRow):
    """One case as it stands, under the local day of its opening."""

    kind: ClassVar[Told] = "cases"

    moves: int
    state: State
    metric: str
    rating: int
    origin_department: str | None
    supporting: tuple[str, ...]
    rule: str
    drivers: tuple[str, ...]
    opened_at: Instant
    acknowledge_by: Instant
    resolve_by: Instant
    first_acknowledged_at: Instant | None
    resolved_at: Instant | None
    acknowledge_breached: bool
    resolve_breached: bool
    seconds_led: dict[str, float]
    """By department, up to the last change of lead or state; they add up to the customer's clock of a resolved case."""
    handoffs: int
    returns: int
    reopenings: int
    contacts_reached: int
    contacts_missed: int
    root_cause: str | None
    mended: str | None


class EventRow(DayRow):
    """One event, asked about or not, once it was or will not be, under its own local day.

    Its id is that of the record that carries its promises, which joins it with decisions, responses and cases; the
    shop's own number may be a reference, and stays in the table.
    """

    kind: ClassVar[Told] = "events"

    source: str
    occurred_at: Instant
    decided_at: Instant
    programs: tuple[str, ...]
    """All that decided about it; empty where one alone did."""
    departments: tuple[str, ...]
    promises: tuple[Promise, ...]
    erased: bool


ROWS: dict[Told, type[DayRow]] = {row.kind: row for row in (ResponseRow, DecisionRow, CaseRow, EventRow)}


@dataclass(frozen=True)
class Shape:
    """What lines take from the organisation: its days, the attributes it counts by, its list of causes."""

    zone: str
    attributes: tuple[str, ...] = ()
    causes: frozenset[str] = frozenset()

    def day(self, at: datetime) -> str:
        """Return the local day of an instant."""
        return day_of(at, self.zone)

    def of(self, attributes: dict[str, str]) -> dict[str, str]:
        """Return the attributes that are counted by."""
        return {name: attributes[name] for name in self.attributes if name in attributes}


def shape_of(organisation: Organisation) -> Shape:
    """Return what lines take from an organisation."""
    causes = frozenset(cause.id for cause in organisation.causes)
    return Shape(organisation.zone, organisation.trends.attributes, causes)


@dataclass(frozen=True)
class Line:
    """One line of a day file, and where it belongs."""

    kind: Kind
    day: str
    id: str
    version: int
    text: str


def lines_of(old: Invitation | Case | None, new: Invitation | Case | None, shape: Shape) -> Iterator[Line]:
    """Return what is new in an item's image: nothing when no field of a line has changed, nothing of trials."""
    before = {model: told for model, told, _ in _told(old, shape)} if old else {}
    for model, told, at in _told(new, shape) if new else ():
        was = before.get(model)
        if was is None or was | {"version": told["version"]} != told:
            row = model(**told)
            yield Line(row.kind, shape.day(at), row.id, row.version, row.model_dump_json())
    if isinstance(new, Invitation) and _is_kept(new) and not _is_kept(old):
        yield kept_line(new, shape.day(new.decided_at))


def kept_line(invitation: Invitation, day: str) -> Line:
    """Return the line that lists an invitation under the day of its decision."""
    return Line(KEPT, day, invitation.id, 1, f'{{"id":"{invitation.id}","version":1}}')


def _is_kept(item: Invitation | Case | None) -> bool:
    # What is only planned will be sent or given up, and is listed then: trials too, which hold an address.
    return isinstance(item, Invitation) and item.state != "scheduled"


def newest(lines: Iterable[Line]) -> list[Line]:
    """Return the highest version of each id of each kind and day, in the order of days and ids."""
    found: dict[tuple[str, str, str], Line] = {}
    for line in lines:
        key = (line.kind, line.day, line.id)
        if key not in found or found[key].version < line.version:
            found[key] = line
    return [found[key] for key in sorted(found)]


def file_name(kind: Kind, day: str, lines: Sequence[Line]) -> str:
    """Return the name of the file of these lines: its folders are the partitions that Athena and DuckDB read.

    It follows from the lines, so that writing them twice makes one file, and no other lines ever take its place.
    """
    return f"{folder(kind, day)}/{fingerprint(*(line.text for line in lines))}{SUFFIX}"


def folder(kind: Kind, day: str) -> str:
    """Return where the files of a kind and day are."""
    return f"{kind}/day={day}"


def column_file_name(kind: Told, day: str) -> str:
    """Return the name of the one file by column of a kind and day, under the same partitions."""
    return f"{folder(kind, day)}/data_0.parquet"


NOTES = "changed/"


def note_name(names: Sequence[str]) -> str:
    """Return the name of the note that some files were written.

    It follows from the files and not from their days: a note that is taken away while others of the same days come in
    must not take theirs with it.
    """
    return f"{NOTES}{fingerprint(*sorted(names))}.json"


def place_in(name: str) -> tuple[str, str]:
    """Return the kind and the day of a file's name.

    >>> place_in("responses/day=2026-03-06/0f.jsonl.gz")
    ('responses', '2026-03-06')
    """
    kind, _, rest = name.partition("/day=")
    return kind, rest.partition("/")[0]


def _told(item: Invitation | Case, shape: Shape) -> Iterator[tuple[type[DayRow], dict[str, Any], datetime]]:
    """Return which rows an item has, with their fields and the instant of their day: few of them become lines."""
    if isinstance(item, Case):
        yield CaseRow, _of_case(item, shape), item.opened_at
    elif not item.trial:
        # What is only planned may still change: one line for each survey instead of two.
        # Nobody decided to ask whoever came to a counter.
        if item.state != "scheduled" and not item.counter:
            yield DecisionRow, _of_decision(item, shape), item.occurred_at
            if item.primary:
                yield EventRow, _picked(EventRow, item, shape), item.occurred_at
        if item.confirmed and item.first_confirmed_at:
            yield ResponseRow, _of_response(item, item.confirmed, shape), item.first_confirmed_at


def response_row(invitation: Invitation, answer: Answer, shape: Shape) -> ResponseRow:
    """Return what is told of a confirmed answer: that there were words, and not which."""
    return ResponseRow(**_of_response(invitation, answer, shape))


def _of_response(invitation: Invitation, answer: Answer, shape: Shape) -> dict[str, Any]:
    said = {name: getattr(answer, name) for name in ("rating", "ratings", "choices", "how")}
    first = invitation.first_confirmed_at or answer.at
    told = {"first_confirmed_at": first, "answered_at": answer.at, "has_words": any(answer.texts.values())}
    told["topics"] = answer.topics or ()
    return _picked(ResponseRow, invitation, shape, **said, **told)


def _of_decision(invitation: Invitation, shape: Shape) -> dict[str, Any]:
    # Not its rule, which may quote a carrier and so an address.
    return _picked(DecisionRow, invitation, shape, scanned=invitation.is_scanned)


def _of_case(case: Case, shape: Shape) -> dict[str, Any]:
    # Not why it was routed in words, which may be the customer's own. Without a list of causes the root cause is free
    # text, and may name somebody.
    cause = case.root_cause if case.root_cause in shape.causes else None
    counted = {"version": case.revision, "moves": case.version, "seconds_led": case.spent}
    return _picked(CaseRow, case, shape, **counted, rule=case.why.rule, root_cause=cause)


def _picked(model: type[DayRow], item: Invitation | Case, shape: Shape, **told: Any) -> dict[str, Any]:
    """Return the fields of a row: what it is told, and the rest as the item has it under the same name."""
    given = {"schema_version": SCHEMA_VERSION, "attributes": shape.of(item.attributes), **told}
    given["channel"] = item.channel if isinstance(item, Case) else item.came_by
    return given | {name: getattr(item, name) for name in model.model_fields if name not in given}


# The answers behind a point

Place = tuple[str, str, str]
"""Where an answer stands: its day, its first confirmation, its id."""

ANSWERED = tuple(name for name, metric in METRICS.items() if metric.kind in ("response", "case"))
"""What is counted on the day of an answer: cases too, which are opened by one."""

ASKED_BY = {"kept_promise": "promise", "value_satisfaction": "value"}
"""Which kind of question a metric counts, where it is not the rating."""


@dataclass(frozen=True)
class Looking:
    """Which answers somebody looks at: of the days from first up to, without, end, those that one point counts."""

    first: date
    end: date
    filter: tuple[str, str] | None = None
    metric: str | None = None
    before: Place | None = None
    topic: str | None = None
    """The department that their words speak of."""


@dataclass(frozen=True)
class Looked:
    """Answers, the newest first; `next` is the cursor of those before them, None at the end."""

    looking: Looking
    rows: tuple[ExportRow, ...]
    next: str | None


def is_findable(dimension: str, metric: str | None) -> bool:
    """Say whether answers can be told apart by a dimension as a metric counts them.

    Day files name nobody, a case counts for whoever leads it at present, and whom a promise's question is about stands
    in the event.
    """
    if dimension in ("person", "role"):
        return False
    by_answer = metric is None or (METRICS[metric].kind == "response" and metric != "kept_promise")
    return dimension != "department" or by_answer


@dataclass(frozen=True)
class Counted:
    """Tells the answers that a point counts from all others."""

    looking: Looking
    organisation: Organisation

    def takes(self, row: ResponseRow) -> bool:
        """Say whether the point counts this one."""
        is_about = self.looking.topic is None or self.looking.topic in row.topics
        return is_about and self._is_under(row) and self._is_measured(row)

    def _is_under(self, row: ResponseRow) -> bool:
        if self.looking.filter is None:
            return True
        dimension, value = self.looking.filter
        return encode(value) in [encode(each) for each in _values(row, dimension) if each]

    def _is_measured(self, row: ResponseRow) -> bool:
        metric = self.looking.metric
        if metric is None:
            return True
        if METRICS[metric].kind == "case":
            return row.has_case
        if metric not in ASKED_BY:
            return row.metric == metric.removesuffix("_mean")
        return any(id_ in row.choices for id_ in self._questions(ASKED_BY[metric]))

    def _questions(self, kind: str) -> set[str]:
        surveys = self.organisation.surveys
        return {question.id for survey in surveys for question in survey.questions if question.kind == kind}


def _values(row: ResponseRow, dimension: str) -> tuple[str | None, ...]:
    if dimension == "department":
        return tuple(dict.fromkeys(row.departments))[:DEPARTMENTS_COUNTED_MAX]
    if dimension in ("program", "touchpoint", "channel"):
        return (getattr(row, dimension),)
    return (row.attributes.get(dimension),)
