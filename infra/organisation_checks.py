"""Find what a valid shape can still get wrong: names that lead nowhere, hours that never open, texts left out."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from chalicelib.domain import rollup, target
from chalicelib.domain.calendar import Calendar, check_opens, due, next_open, open_time
from chalicelib.domain.destination import destination
from chalicelib.domain.event import CANCELLATIONS, CLOSINGS, FULFILMENT
from chalicelib.domain.organisation import Department, Organisation, Program, Webhook
from chalicelib.domain.outgoing import KINDS
from chalicelib.domain.sms import fold, septets
from chalicelib.domain.survey import SCALES, Survey
from chalicelib.domain.terms import LANGUAGES, in_language, range_of
from chalicelib.errors import NeverOpen
from chalicelib.ports import Role
from infra.marked_yaml import Fault, Marked, Place
from infra.public_holidays import BY_LAW, own_calendars

ACKNOWLEDGE_DAYS_MAX = 14  # as the calendar on the wall counts them: a customer waits around the clock
RESOLVE_DAYS_MAX = 90
SLIP = 0.85  # how alike a word must be to a known one to be a slip of the pen
TAKEN = ("rating", "automatic", "action", "do_not_call")
"""Names of a form's own fields, which no question may have."""

ROLES = get_args(Role)

Ids = list[tuple[Place, Any]]


def nearest(name: Any, known: Iterable[str], alike: float = 0.6) -> str:
    """Return a suggestion to end a sentence with; nothing when no known name is like it."""
    near = difflib.get_close_matches(str(name).lower(), list(known), n=1, cutoff=alike)
    return f"; did you mean {near[0]}?" if near else ""


# ---------------------------------------------------------------- references, in the data as they were written


def references(marked: Marked) -> Iterator[Fault]:
    """Yield ids that are there twice and names that lead to nothing."""
    data = marked.data
    for kind in ("departments", "surveys", "programs", "counters", "causes", "webhooks"):
        yield from _twice(marked, _ids(data, kind))
    for place, survey in _items(data, "surveys"):
        yield from _within(marked, survey, place)
    roles = [(place, id_) for place, id_ in _ids(data, "departments") if id_ in ROLES]
    yield from (marked.fault(place, f"{id_} is the name of a role; choose another id") for place, id_ in roles)
    yield from _leading_nowhere(marked, "department", _named_departments(data), _ids(data, "departments"))
    surveys = [((*place, "survey"), program.get("survey")) for place, program in _items(data, "programs")]
    yield from _leading_nowhere(marked, "survey", surveys, _ids(data, "surveys"))
    programs = [((*place, "program"), counter.get("program")) for place, counter in _items(data, "counters")]
    yield from _leading_nowhere(marked, "program", programs, _ids(data, "programs"))


def _leading_nowhere(marked: Marked, kind: str, named: Ids, there: Ids) -> Iterator[Fault]:
    known = [id_ for _, id_ in there if isinstance(id_, str)]
    for place, id_ in named:
        if isinstance(id_, str) and id_ not in known:
            yield marked.fault(place, f"names {kind} {id_!r}, which is not here{_choice(id_, known)}")


def _choice(name: Any, known: Sequence[str]) -> str:
    return nearest(name, known) or f"; there is {', '.join(known) or 'none'}"


def _items(data: Any, key: str, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    items = data.get(key) if isinstance(data, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield (*place, key, index), item


def _ids(data: Any, key: str, place: Place = ()) -> Ids:
    return [((*found, "id"), item.get("id")) for found, item in _items(data, key, place)]


def _twice(marked: Marked, ids: Ids) -> Iterator[Fault]:
    first: dict[Any, int] = {}
    for place, id_ in ids:
        if id_ is not None and id_ in first:
            yield marked.fault(place, f"{id_} is there twice, first on line {first[id_]}; each needs an id of its own")
        first.setdefault(id_, marked.line(place))


def _within(marked: Marked, survey: dict[str, Any], place: Place) -> Iterator[Fault]:
    yield from _twice(marked, _ids(survey, "questions", place))
    for found, question in _items(survey, "questions", place):
        yield from _twice(marked, _ids(question, "options", found))
        if question.get("id") in TAKEN:
            yield marked.fault((*found, "id"), f"{question['id']} is a field that every form has; choose another id")


def _named_departments(data: Any) -> Ids:
    routing = data.get("routing")
    named: Ids = []
    if isinstance(routing, dict):
        named = [(("routing", "arbiter"), routing["arbiter"])] if "arbiter" in routing else []
        named += [(("routing", "topics", id_), id_) for id_ in routing.get("topics") or ()]
    named += [((*place, "department"), counter.get("department")) for place, counter in _items(data, "counters")]
    for place, survey in _items(data, "surveys"):
        for found, question in _items(survey, "questions", place):
            both = [(found, question), *_items(question, "options", found)]
            named += [((*each, "department"), one.get("department")) for each, one in both]
    return named


# ---------------------------------------------------------------- what the whole cannot be


def impossible(marked: Marked, organisation: Organisation, today: date) -> Iterator[Fault]:
    """Yield what would fail later, when a customer waits: zones, hours, promises that nobody can keep."""
    closed = list(_never_open(marked, organisation, today))
    yield from closed
    if not closed:
        for index, department in enumerate(organisation.departments):
            yield from _promises(marked, organisation, department, ("departments", index, "sla"), today)
    for index, survey in enumerate(organisation.surveys):
        yield from _scale(marked, survey, ("surveys", index))
    for index, program in enumerate(organisation.programs):
        yield from _moments(marked, program, ("programs", index))
        yield from _rules(marked, program, ("programs", index))
        yield from _nobody(marked, organisation, index)
    yield from _webhooks(marked, organisation)
    yield from _miscounted(marked, organisation)


def _miscounted(marked: Marked, organisation: Organisation) -> Iterator[Fault]:
    for fault in rollup.faults(organisation):
        place, _, text = fault.partition(": ")
        yield marked.fault(tuple(place.split(".")), text)
    for index, text in target.faults(organisation):
        yield marked.fault(("trends", "targets", index), text)


def _never_open(marked: Marked, organisation: Organisation, today: date) -> Iterator[Fault]:
    for index, program in enumerate(organisation.programs):
        if program.hours is not None:
            hours: dict[str, Any] = {"zone": organisation.zone, "hours": program.hours}
            yield from _when_open(marked, hours, ("programs", index, "hours"), today)
    for country, allowed in organisation.customer_hours.items():
        hours = {"zone": organisation.zone, "hours": allowed.hours, "holidays": allowed.holidays}
        yield from _when_open(marked, hours, ("customer_hours", country), today)
    yield from _closed(marked, organisation.calendar, ("calendar", "hours"), today)
    for own, _ in own_calendars(marked.data):
        department = organisation.departments[int(own[1])]
        yield from _closed(marked, organisation.calendar_of(department.id), (*own, "hours"), today)


def _when_open(marked: Marked, hours: dict[str, Any], place: Place, today: date) -> Iterator[Fault]:
    try:
        calendar = Calendar.model_validate(hours)
    except ValidationError as error:
        yield marked.fault(place, error.errors()[0]["msg"].removeprefix("Value error, "))
    else:
        yield from _closed(marked, calendar, place, today)


def _closed(marked: Marked, calendar: Calendar, place: Place, today: date) -> Iterator[Fault]:
    try:
        check_opens(calendar, today)
    except NeverOpen:
        yield marked.fault(place, "never opens: give hours to at least one day that is not a holiday")


def _promises(
    marked: Marked, organisation: Organisation, department: Department, place: Place, today: date
) -> Iterator[Fault]:
    sla, own = department.sla, organisation.calendar_of(department.id)
    if sla.resolve < sla.acknowledge:
        text = f"{_spoken(sla.resolve)} is shorter than acknowledge ({_spoken(sla.acknowledge)}); make it longer"
        yield marked.fault((*place, "resolve"), text)
    for name, within, calendar, days_max in (
        ("acknowledge", sla.acknowledge, own, ACKNOWLEDGE_DAYS_MAX),
        ("resolve", sla.resolve, organisation.calendar, RESOLVE_DAYS_MAX),
    ):
        days = _days(within, calendar, today)
        if days is None or days > days_max:
            taken = "more than a year" if days is None else f"{days} days"
            text = f"{_spoken(within)} of open time takes {taken} here; promise at most {days_max} days"
            yield marked.fault((*place, name), text)


def _days(within: timedelta, calendar: Calendar, today: date) -> int | None:
    if within > timedelta(days=366):
        return None
    try:
        start = next_open(datetime.combine(today, time(12), UTC), calendar)
        return (due(start, within, calendar) - start).days
    except NeverOpen:
        return None


def _spoken(within: timedelta) -> str:
    hours, seconds = divmod(int(within.total_seconds()), 3600)
    return f"{hours} h" + (f" {seconds // 60} min" if seconds >= 60 else "")


def _scale(marked: Marked, survey: Survey, place: Place) -> Iterator[Fault]:
    low, high = SCALES[survey.metric]
    if survey.low_max is not None and not low <= survey.low_max < high:
        text = f"must lie between {low} and {high - 1} on the scale of {survey.metric}, not {survey.low_max}"
        yield marked.fault((*place, "low_max"), text)


def _moments(marked: Marked, program: Program, place: Place) -> Iterator[Fault]:
    for index, moment in enumerate(program.on):
        if moment in CANCELLATIONS or moment == FULFILMENT:
            text = f"{moment} closes nothing, so nobody is asked about it; name a closing such as sale.closed"
            yield marked.fault((*place, "on", index), text)


def _rules(marked: Marked, program: Program, place: Place) -> Iterator[Fault]:
    for kind, rules in (("when", program.when), ("unless", program.unless)):
        for name, values in rules.items():
            text = next(filter(None, map(_unreadable_rule, values)), None if values else "needs at least one value")
            if text:
                yield marked.fault((*place, kind, name), text)
    for name in program.when.keys() & program.unless.keys():
        if set(program.when[name]) <= set(program.unless[name]):
            text = f"leaves out all that `when.{name}` lets in, so nobody is asked"
            yield marked.fault((*place, "unless", name), text)


def _unreadable_rule(wanted: str) -> str | None:
    bounds = range_of(wanted)
    if bounds and bounds[0] > bounds[1]:
        return f"{wanted!r} is empty: write the smaller number first"
    if bounds is None and wanted.strip()[:1] in ("<", ">", "="):
        return f"must compare with a number, as in '>= 50000', '< 100' or '10..20', not {wanted!r}"
    return None


def _nobody(marked: Marked, organisation: Organisation, index: int) -> Iterator[Fault]:
    program, place = organisation.programs[index], ("programs", index)
    if program.sample == 0:
        yield marked.fault(
            (*place, "sample"), "is 0, so nobody is ever asked; write `paused: true` to stop for a while"
        )
    if program.too_old_after <= timedelta(0):
        yield marked.fault((*place, "too_old_after"), "must be longer than nothing, or every event is too old")
    for other in organisation.programs[:index]:
        if _outrun(program, other):
            text = (
                f"never asks anybody: {other.id} asks the same contact about the same event, and lets that person rest"
                f" for {other.rest_days} days; give {other.id} a rule (`when`) or a `sample`, or this a longer `delay`"
            )
            yield marked.fault(place, text)
            return


def _outrun(program: Program, other: Program) -> bool:
    """Say whether another program, before this one in the file, always takes the rest first."""
    asks_all = not other.when and not other.unless and other.sample == 1 and not other.paused and not other.daily_max
    same = set(program.on) <= set(other.on) and program.contact == other.contact
    reaches = set(program.channels) <= set(other.channels)
    return asks_all and same and reaches and program.delay < other.delay + timedelta(days=other.rest_days)


def _webhooks(marked: Marked, organisation: Organisation) -> Iterator[Fault]:
    for index, webhook in enumerate(organisation.webhooks):
        yield from _webhook(marked, webhook, ("webhooks", index))


def _webhook(marked: Marked, webhook: Webhook, place: Place) -> Iterator[Fault]:
    try:
        destination(webhook.url)
    except ValueError as error:
        yield marked.fault((*place, "url"), str(error))
    for index, kind in enumerate(webhook.kinds):
        if kind not in KINDS:
            yield marked.fault((*place, "kinds", index), f"{kind} is nothing that we tell{_choice(kind, KINDS)}")


# ---------------------------------------------------------------- what may be meant, but is worth a look


def doubtful(marked: Marked, organisation: Organisation) -> Iterator[Fault]:
    """Yield what is possible but seldom meant: texts in one language only, drivers that nobody owns."""
    yield from _languages(marked, organisation)
    for index, program in enumerate(organisation.programs):
        yield from _odd(marked, organisation, program, ("programs", index))
    for index, survey in enumerate(organisation.surveys):
        yield from _ownerless(marked, survey, ("surveys", index))
    yield from _unsigned_texts(marked, organisation)
    yield from _texts_anywhere(marked, organisation)
    if not organisation.causes:
        yield marked.fault((), "has no causes: any words will do as the root cause of a case, and none can be counted")


def _unsigned_texts(marked: Marked, organisation: Organisation) -> Iterator[Fault]:
    # One character outside the alphabet would turn a text of one segment into three, so that it is left out instead.
    name = organisation.sender.sms or organisation.name
    if septets(name) is None and any("sms" in program.channels for program in organisation.programs):
        place = ("sender", "sms") if organisation.sender.sms else ("sender",)
        text = f"{name!r} has letters that text messages lack, so these leave the name out; write sms: {fold(name)}"
        yield marked.fault(place, text)


def _texts_anywhere(marked: Marked, organisation: Organisation) -> Iterator[Fault]:
    if not organisation.sender.sms_to and any("sms" in program.channels for program in organisation.programs):
        text = 'names no countries for text messages, so they go wherever a phone is; write sms_to: ["+57"]'
        yield marked.fault(("sender",), text)


def _languages(marked: Marked, organisation: Organisation) -> Iterator[Fault]:
    texts = list(_texts(organisation, ()))
    used = {tag.split("-")[0] for _, text in texts for tag in text}
    wanted = [tag for tag in LANGUAGES if tag in used or tag == organisation.language]
    for place, text in texts:
        written = {tag.split("-")[0] for tag in text}
        missing = [tag for tag in wanted if tag not in written]
        if missing:
            seen = in_language(text, organisation.language)
            yield marked.fault(place, f"has no text in {', '.join(missing)}; who reads that sees {seen[:40]!r}")
        for tag in text:
            if tag.split("-")[0] not in LANGUAGES:
                yield marked.fault((*place, tag), f"is none of the languages that Lazo writes: {', '.join(LANGUAGES)}")


def _texts(value: Any, place: Place) -> Iterator[tuple[Place, dict[str, str]]]:
    if isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            inner = getattr(value, name)
            if info.annotation == dict[str, str]:
                yield (*place, name), inner
            else:
                yield from _texts(inner, (*place, name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*place, index))


def _odd(marked: Marked, organisation: Organisation, program: Program, place: Place) -> Iterator[Fault]:
    for index, moment in enumerate(program.on):
        meant = "" if moment in CLOSINGS else nearest(moment, CLOSINGS, SLIP)
        if meant:
            yield marked.fault((*place, "on", index), f"{moment} is a type of its own{meant}")
    if 0 < program.rest_days_after_answer <= program.rest_days:
        text = f"changes nothing: whoever is asked rests for {program.rest_days} days, answered or not"
        yield marked.fault((*place, "rest_days_after_answer"), text)
    law = BY_LAW.get(organisation.country)
    if law and program.hours is not None and _minutes(program.hours) > _minutes(law):
        text = f"may be longer than the law of {organisation.country} allows; without `hours` its own hours are kept"
        yield marked.fault((*place, "hours"), text)


def _minutes(hours: dict[str, list[str]]) -> int:
    """Return how many minutes of a plain week are open."""
    monday = datetime(2023, 1, 2, tzinfo=UTC)
    calendar = Calendar(zone="UTC", hours=hours)
    return int(open_time(monday, monday + timedelta(days=7), calendar).total_seconds()) // 60


def _ownerless(marked: Marked, survey: Survey, place: Place) -> Iterator[Fault]:
    for number, question in enumerate(survey.questions):
        for index, option in enumerate(question.options if question.kind == "drivers" else ()):
            if option.department is None:
                at = (*place, "questions", number, "options", index)
                yield marked.fault(at, "is a driver of no department: a case that names it goes by the other rules")
