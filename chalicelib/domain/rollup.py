"""Turn the image of an item into counts: trends are the derivative of the table."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import combinations_with_replacement, product
from operator import attrgetter
from urllib.parse import unquote
from zlib import crc32
from zoneinfo import ZoneInfo

from chalicelib.domain.case import Case
from chalicelib.domain.event import Person, Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.score import bucket_of
from chalicelib.domain.survey import Question, Survey
from chalicelib.domain.terms import fingerprint

ROWS_PER_KIND_MAX = 33  # three kinds change with one record at most, and a transaction takes 99 rows
PROMISE_ROWS_MAX = 30  # so that what was sent, in three rows at most, fits beside them
DEPARTMENTS_COUNTED_MAX = 5  # of those that one event names: further ones would not fit
PEOPLE_COUNTED_MAX = 4
DRIVERS_COUNTED_MAX = 8  # touchpoint questions whose moments are kept: 2^8 regressions is what reading them takes
VALUE_BYTES_MAX = 300  # of a key that may have 2 KB, twice for a pair

KINDS = ("decision", "response", "promise", "case")
SENDING = "sending"
"""What left and what came back, by UTC day and hour, and what opened links: read by the breaker, not by trends."""

DOMAIN = "domain"
DOMAIN_BUCKETS = 16
"""Domains stand in the names of counts, in a few rows: as values of their own there could be millions."""

ALL = "all"
TEAM = "team"
"""The dimension of a department's people, which only consistency reads."""

DIMENSIONS = ("department", "program", "touchpoint", "channel", "person", "role")
"""What everybody may count by; an organisation adds attributes of its own."""

Label = tuple[str, str]
"""A dimension and its value, both as they stand in keys."""

Tally = dict[Label, dict[str, int]]


@dataclass(frozen=True)
class Row:
    """One counter item: its key and what is added to it."""

    kind: str
    dimension: str
    value: str
    day: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """All that counting takes from the organisation, under the generation that names this very choice."""

    zone: str
    attributes: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    generation: int = 0


def dimensions_of(organisation: Organisation) -> Dimensions:
    """Return what an organisation counts by."""
    trends = organisation.trends
    return Dimensions(organisation.zone, trends.attributes, trends.pairs, trends.generation)


def contributions(item: Invitation | Case, dimensions: Dimensions, survey: Survey | None = None) -> tuple[Row, ...]:
    """Return what an item adds to the counters; nothing for a trial, or for an item of another generation.

    `survey` is the version that an invitation names, which never changes, so the same image always gives the same
    counts. What an old image gave is taken away when a new one takes its place: retries, corrections, late
    confirmations and erasure are all the same arithmetic.
    """
    if item.generation != dimensions.generation:
        return ()
    if isinstance(item, Case):
        return tuple(_of_case(item, dimensions))
    if item.trial:
        return ()
    return (
        *_of_decision(item, dimensions),
        *_of_answer(item, dimensions, survey),
        *_of_promises(item, dimensions),
        *_of_sending(item, dimensions),
    )


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEVER_COUNTED: Mapping[type[Invitation | Case], frozenset[str]] = {
    Invitation: _names("""
        version decided_at programs customer address language zone survey reference department rule send_at closes_at
        retries remind_at reminder instead_at carrier_id taken_by timer_for provisional confirm_at has_case held_until
        faults
    """),
    Case: _names("""
        version revision metric rating customer reference origin_department supporting tasks why to_count is_repeat
        lead_since moved_at previous_leads running_since reopenings acknowledge_from acknowledge_budget acknowledge_by
        acknowledged_at resolve_from resolve_budget promised_by resolve_used resolve_by resolved_at action ladder
        notices lease_until tell_heard_at ask_mended mended_said mended_words mended_confirm_at held_until faults
    """),
}
"""The fields that no count looks at: views, leases and timers are most of what is written. A new field is none of them
until somebody says so."""


def _counted_fields(kind: type[Invitation | Case]) -> Callable[[Invitation | Case], tuple[object, ...]]:
    return attrgetter(*(name for name in kind.model_fields if name not in NEVER_COUNTED[kind]))


_COUNTED_FIELDS = {kind: _counted_fields(kind) for kind in NEVER_COUNTED}


def count_alike(old: Invitation | Case, new: Invitation | Case) -> bool:
    """Say whether two images of an item differ in nothing that is counted; then so do their contributions."""
    fields = _COUNTED_FIELDS[type(new)]
    return fields(old) == fields(new)


def kind_name(kind: str, generation: int) -> str:
    """Return the kind as it stands in keys: each generation counts in rows of its own."""
    return f"{kind}.{generation}" if generation else kind


def day_of(at: datetime, zone: str) -> str:
    """Return the local date of an instant, as in 2026-03-06."""
    try:
        return at.astimezone(ZoneInfo(zone)).date().isoformat()
    except OverflowError:  # a promise for the year 9999 is odd, yet no reason to count nothing
        return at.date().isoformat()


# Decisions


def _of_decision(invitation: Invitation, dimensions: Dimensions) -> Iterator[Row]:
    tally: Tally = {}
    _add(tally, _labels(invitation, invitation.departments, dimensions), _decided(invitation))
    yield from _rows("decision", day_of(invitation.occurred_at, dimensions.zone), tally, dimensions)


def _decided(invitation: Invitation) -> dict[str, int]:
    # What is only planned counts when it has left or was given up: one write for each survey instead of two.
    # Whoever came to a counter was not asked: such answers have no rate.
    if invitation.state == "scheduled" or invitation.counter:
        return {}
    if invitation.state == "skipped":
        return {f"skipped.{invitation.reason}": 1}
    if invitation.state == "failed":
        return {"invited": 1, "failed": 1}
    fate = {"invited": 1, "soft_bounced": len(invitation.soft_bounced), "texted": int(invitation.instead is not None)}
    if invitation.bounced:
        return fate | {"bounced": 1}
    answered, unconfirmed = bool(invitation.first_confirmed_at), invitation.unconfirmed
    return fate | {"sent": 1, "answered": int(answered), "unconfirmed": int(unconfirmed)}


# What was sent


def _of_sending(invitation: Invitation, dimensions: Dimensions) -> Iterator[Row]:
    """Count mails and those that came back for good, each in the hour in which it left."""
    kind = kind_name(SENDING, dimensions.generation)
    days: dict[str, dict[str, int]] = {}
    mails = _mailed(invitation)
    for at in mails:
        counts = days.setdefault(day_of(at, "UTC"), {})
        counts[hour_name("sent", at)] = counts.get(hour_name("sent", at), 0) + 1
    if mails and (invitation.bounced or invitation.instead):
        days[day_of(mails[-1], "UTC")][hour_name("bounced", mails[-1])] = 1
    yield from (Row(kind, ALL, ALL, day, counts) for day, counts in days.items())
    opened = invitation.viewed or invitation.trapped or invitation.first_confirmed_at
    if mails and opened and invitation.domain:
        named = {f"opened.{invitation.domain}": 1} | (
            {f"scanned.{invitation.domain}": 1} if invitation.is_scanned else {}
        )
        yield Row(kind, DOMAIN, domain_bucket(invitation.domain), day_of(mails[0], "UTC"), named)


def _mailed(invitation: Invitation) -> list[datetime]:
    """Return when its mails left, the last one last; a text message in a mail's place makes the mail no less sent."""
    is_mail = invitation.channel == "email" or invitation.instead is not None
    if not is_mail or invitation.state not in ("attempted", "sent"):
        return []
    return [at for at in (invitation.sent_at, invitation.reminded_at) if at]


def hour_name(what: str, at: datetime) -> str:
    """Return the name of a count of one UTC hour, as in sent.14."""
    return f"{what}.{at.astimezone(UTC).hour:02d}"


def domain_bucket(domain: str) -> str:
    """Return the row in which a domain is counted."""
    return str(crc32(domain.encode()) % DOMAIN_BUCKETS)


# Answers


def _of_answer(invitation: Invitation, dimensions: Dimensions, survey: Survey | None) -> Iterator[Row]:
    answer, first = invitation.confirmed, invitation.first_confirmed_at
    if answer is None or first is None or invitation.metric is None:
        return
    tally: Tally = {}
    _add(tally, _labels(invitation, invitation.departments, dimensions), _said(answer, invitation.metric, survey))
    for question in _asked(survey, "promise"):
        departments = _answerable(question, invitation)
        kept = {f"kept.{said}": 1 for said in answer.choices.get(question.id, ())}
        _add(tally, _labels(invitation, departments, dimensions), kept)
    for person in invitation.people[:PEOPLE_COUNTED_MAX]:
        if person.department:
            _add(tally, [(TEAM, encode(person.department))], _of_person(person, answer, invitation.metric))
    yield from _rows("response", day_of(first, dimensions.zone), tally, dimensions)


def _said(answer: Answer, metric: str, survey: Survey | None) -> dict[str, int]:
    rated = {f"t.{question}.{rating}": 1 for question, rating in answer.ratings.items()}
    counts = {f"{metric}.{answer.rating}": 1} | rated
    return counts | _quadrant(answer, survey) | _moments(answer, metric, survey) | _spoken(answer, survey)


def _spoken(answer: Answer, survey: Survey | None) -> dict[str, int]:
    """Return what its words speak of, and, of a low answer, what is said to have failed."""
    if answer.topics is None:
        return {}
    said = {f"topic.{topic}": 1 for topic in answer.topics}
    if survey is None or not survey.is_low(answer.rating):
        return said
    failed = [choice for question in _asked(survey, "drivers") for choice in answer.choices.get(question.id, ())]
    low = {f"topic_low.{topic}": 1 for topic in answer.topics}
    return said | low | {f"failed.{choice}": 1 for choice in failed} | {"lows": 1}


def _quadrant(answer: Answer, survey: Survey | None) -> dict[str, int]:
    """Return value against satisfaction: one can get what was paid for and still be lost."""
    if survey is None:
        return {}
    satisfied = "low" if survey.is_low(answer.rating) else "high"
    said = [answer.choices.get(question.id, ()) for question in _asked(survey, "value")]
    return {f"value.{choice}_{satisfied}": 1 for chosen in said[:1] for choice in chosen}


def driver_set(survey: Survey) -> tuple[str, tuple[str, ...]]:
    """Return the touchpoint questions that everyone is asked, and the name under which their moments are kept.

    Answers add up only with those that were asked the same, so another set of questions has another name.
    """
    everyones = [question.id for question in _asked(survey, "touchpoint") if question.ask_if is None]
    ids = tuple(everyones[:DRIVERS_COUNTED_MAX])
    return fingerprint(survey.metric, *ids)[:6], ids


def _moments(answer: Answer, metric: str, survey: Survey | None) -> dict[str, int]:
    if survey is None:
        return {}
    name, ids = driver_set(survey)
    if not ids or any(id_ not in answer.ratings for id_ in ids):
        return {}
    values = [answer.rating, *(answer.ratings[id_] for id_ in ids)]
    sums = {f"m.{name}.{place}": value for place, value in enumerate(values)}
    pairs = combinations_with_replacement(range(len(values)), 2)
    return {f"m.{name}.n": 1} | sums | {f"m.{name}.{i}{j}": values[i] * values[j] for i, j in pairs}


def _answerable(question: Question, invitation: Invitation) -> tuple[str, ...]:
    """Return whose promise a question is about: its own department's, else those of the event's promises."""
    if question.department:
        return (question.department,)
    promised = dict.fromkeys(promise.department for promise in invitation.promises if promise.department)
    return tuple(promised) or invitation.departments


def _of_person(person: Person, answer: Answer, metric: str) -> dict[str, int]:
    # The name comes last: it may hold dots.
    sums = {"n": 1, "s": answer.rating, "q": answer.rating**2}
    return {f"{name}.{metric}.{person.id}": value for name, value in sums.items()}


def _asked(survey: Survey | None, kind: str) -> list[Question]:
    return [question for question in survey.questions if question.kind == kind] if survey else []


# Promises


def _of_promises(invitation: Invitation, dimensions: Dimensions) -> Iterator[Row]:
    """Count an event's promises once, on the day of the promised instant (numbers: of the event).

    Whether an unfulfilled one is broken depends on the time of reading: it is the part of `due` that nobody kept.
    """
    days: dict[str, Tally] = {}
    for promise in invitation.promises if invitation.primary else ():
        day = _promised_on(promise, invitation, dimensions.zone)
        labels = _labels(invitation, (promise.department,) if promise.department else (), dimensions)
        if _fits(days, day, labels):
            _add(days.setdefault(day, {}), labels, _delivered(promise, invitation.occurred_at))
    for day, tally in days.items():
        yield from _rows("promise", day, tally, dimensions)


def _promised_on(promise: Promise, invitation: Invitation, zone: str) -> str:
    return day_of(promise.promised if isinstance(promise.promised, datetime) else invitation.occurred_at, zone)


def _fits(days: Mapping[str, Tally], day: str, labels: Iterable[Label]) -> bool:
    """Say whether a promise has its rows: the first few of an event always, further ones not in part."""
    new = set(labels) - set(days.get(day, ()))
    return len(new) + sum(map(len, days.values())) <= PROMISE_ROWS_MAX


def _delivered(promise: Promise, at: datetime) -> dict[str, int]:
    if promise.fulfilled is None:
        # A number that was never told is not broken: nobody knows.
        return {f"due.{promise.kind}": int(isinstance(promise.promised, datetime))}
    outcome = "kept" if promise.kept(at) else "late"
    return {f"due.{promise.kind}": 1, f"{outcome}.{promise.kind}": 1}


# Cases


def _of_case(case: Case, dimensions: Dimensions) -> Iterator[Row]:
    tally: Tally = {}
    _add(tally, _labels(case, (case.department,), dimensions), _followed(case))
    yield from _rows("case", day_of(case.opened_at, dimensions.zone), tally, dimensions)


def _followed(case: Case) -> dict[str, int]:
    counts = {"opened": 1, "resolved" if case.state == "resolved" else "open": 1} | _breaches(case) | _times(case)
    for name, number in (("handoffs", case.handoffs), ("returns", case.returns)):
        counts |= {name: number, f"{name}.squares": number**2}
    if case.contacts_reached or case.contacts_missed:
        counts |= {"contacts.reached": case.contacts_reached, "contacts.missed": case.contacts_missed}
    if case.mended in ("yes", "no"):
        counts[f"mended.{case.mended}"] = 1
    if case.root_cause:
        counts[f"cause.{case.root_cause}"] = 1
    # The answers to yes-or-no questions stand among a case's choices, and let nobody down.
    return counts | {f"driver.{driver}": 1 for driver in case.drivers if driver not in ("yes", "no")}


def _breaches(case: Case) -> dict[str, int]:
    # A timer that rings at the promised instant itself finds nothing breached yet; its rung tells.
    rungs = {fired.name for fired in case.fired}
    flags = {"acknowledge": case.acknowledge_breached, "resolve": case.resolve_breached}
    broken = {promise for promise, flag in flags.items() if flag or f"{promise}:head" in rungs}
    return {f"breached.{promise}": 1 for promise in broken} | {"breached": int(bool(broken))}


def _times(case: Case) -> dict[str, int]:
    counts = {}
    if case.first_acknowledged_at:
        counts[f"ack.{bucket_of((case.first_acknowledged_at - case.opened_at).total_seconds())}"] = 1
    if case.state == "resolved":
        counts[f"res.{bucket_of(sum(case.spent.values()))}"] = 1
    return counts


# Rows


def _labels(item: Invitation | Case, departments: Iterable[str], dimensions: Dimensions) -> list[Label]:
    """Return every dimension and value that an item counts under, in the order in which they have their place."""
    values = _values(item, departments, dimensions)
    single = [(dimension, value) for dimension, found in values.items() for value in found]
    return [(ALL, ALL), *single, *(label for pair in dimensions.pairs for label in _paired(pair, values))]


def _values(item: Invitation | Case, departments: Iterable[str], dimensions: Dimensions) -> dict[str, list[str]]:
    people = item.people[:PEOPLE_COUNTED_MAX]
    return {
        "department": _each(list(dict.fromkeys(departments))[:DEPARTMENTS_COUNTED_MAX]),
        "program": _one(item.program),
        "touchpoint": _one(item.touchpoint),
        "channel": _one(item.channel if isinstance(item, Case) else item.came_by),
        **{name: _one(item.attributes.get(name)) for name in dimensions.attributes},
        "role": _each([person.role for person in people]),
        "person": _each([person.id for person in people]),
    }


def _one(value: str | None) -> list[str]:
    return [encode(value)] if value else []


def _each(values: list[str] | list[str | None]) -> list[str]:
    return list(dict.fromkeys([encode(value) for value in values if value]))


def _paired(pair: tuple[str, str], values: Mapping[str, list[str]]) -> Iterator[Label]:
    for both in product(values.get(pair[0], ()), values.get(pair[1], ())):
        yield pair_name(pair), "&".join(both)


def pair_name(pair: tuple[str, str]) -> str:
    """Return the dimension under which a pair of dimensions is counted."""
    return "&".join(pair)


@lru_cache(maxsize=4096)  # the same few departments, people and products, again and again
def encode(value: str) -> str:
    """Return a value as it stands in keys: composed, short, without the signs that keys and pairs are made with.

    A value too long for a key keeps its beginning and is told apart by a hash.

    >>> encode("R&D #1")
    'R%26D %231'
    """
    plain = unicodedata.normalize("NFC", value.encode("utf-8", "replace").decode())
    safe = plain.replace("%", "%25").replace("&", "%26").replace("#", "%23")
    if len(safe.encode()) <= VALUE_BYTES_MAX:
        return safe
    return encode(plain[:50] + "~" + sha256(plain.encode()).hexdigest()[:12])


def decode(value: str) -> str:
    """Return a value as people know it."""
    return unquote(value)


def _add(tally: Tally, labels: Iterable[Label], counts: Mapping[str, int]) -> None:
    if not counts:
        return
    held = {name: count for name, count in counts.items() if count}
    for label in labels:
        row = tally.get(label)
        if row:
            for name, count in held.items():
                row[name] = row.get(name, 0) + count
        else:
            tally[label] = held.copy()


def _rows(kind: str, day: str, tally: Tally, dimensions: Dimensions) -> Iterator[Row]:
    name = kind_name(kind, dimensions.generation)
    for (dimension, value), counts in list(tally.items())[:ROWS_PER_KIND_MAX]:
        if counts:
            yield Row(name, dimension, value, day, counts)


# The organisation's file


def rows_max(organisation: Organisation) -> int:
    """Return how many rows one answer may take as an organisation counts, with all that an event may name."""
    trends = organisation.trends
    pairs = sum(_many(first) * _many(second) for first, second in trends.pairs)
    return 1 + sum(map(_many, DIMENSIONS)) + len(trends.attributes) + pairs + _many(TEAM)


def _many(dimension: str) -> int:
    if dimension == "department":
        return DEPARTMENTS_COUNTED_MAX
    return PEOPLE_COUNTED_MAX if dimension in ("person", "role", TEAM) else 1


def faults(organisation: Organisation) -> tuple[str, ...]:
    """Return what is wrong with what an organisation counts by; nothing when all is well."""
    trends = organisation.trends
    taken = [name for name in trends.attributes if name in (*DIMENSIONS, ALL, TEAM)]
    odd = [name for name in trends.attributes if encode(name) != name or ":" in name]
    known = {*DIMENSIONS, *trends.attributes}
    unknown = [name for pair in trends.pairs for name in pair if name not in known]
    return (
        *(f"trends.attributes: {name} is counted by already" for name in taken),
        *(f"trends.attributes: {name} must be short and without #, %, & and :" for name in odd),
        *(f"trends.pairs: {name} is not one of {', '.join(sorted(known))}" for name in unknown),
        *_twice(trends.attributes, trends.pairs),
        *_too_many(organisation),
    )


def _twice(attributes: tuple[str, ...], pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    if len(set(attributes)) < len(attributes):
        yield "trends.attributes: each counts once"
    if len({frozenset(pair) for pair in pairs}) < len(pairs) or any(first == second for first, second in pairs):
        yield "trends.pairs: each pair has two dimensions, and counts once, in either order"


def _too_many(organisation: Organisation) -> Iterator[str]:
    rows = rows_max(organisation)
    if rows > ROWS_PER_KIND_MAX:
        yield f"trends: an answer may take {rows} rows of {ROWS_PER_KIND_MAX}: count by fewer attributes or pairs"


def succeeding(organisation: Organisation, before: Organisation | None) -> Organisation:
    """Return an organisation as it may be published after another: a generation on when it counts differently.

    Then every older item has to be rebuilt to count again. Published as it stands instead, images counted by day of
    one zone would be taken away on days of another.
    """
    generation = before.trends.generation if before else organisation.trends.generation
    if before and _counts_by(organisation) != _counts_by(before):
        generation += 1
    return organisation.model_copy(update={"trends": organisation.trends.model_copy(update={"generation": generation})})


def _counts_by(organisation: Organisation) -> tuple[object, ...]:
    trends = organisation.trends
    return organisation.zone, frozenset(trends.attributes), frozenset(trends.pairs)
