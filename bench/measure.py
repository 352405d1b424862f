"""Run every measurement, each in a world of its own, and gather the figures."""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from bench import cold, company, month, scenario, steps
from bench.account import Account, fixed, kept
from bench.meter import Tally
from bench.world import OVERLAY, Used, World, running
from chalicelib.adapters.dynamodb.keys import LANES
from infra.aws import bill
from infra.local.resources import Overlay

MILLION = 1_000_000
WARM = 30  # surveys before anything is timed: code is loaded, connections stand
PROFILED = 100  # surveys whose function calls are counted
TOGETHER = (1, 5, 25, 100)
"""How many events are decided together, where what that saves is measured."""
REMIND_AFTER = timedelta(days=3)

Json = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is run. The figures are for one survey, so that few surveys say much the same as many."""

    surveys: int = 1000
    timed: int = 200
    beside: int = 100
    """Surveys by text message, with a reminder, and opened by machines."""
    timers: int = 2000
    cases: int = 10_000
    starts: int = 5
    days_before: int = 4
    days: int = 3


FULL = Size(surveys=10_000, timed=500, beside=500, timers=20_000, cases=100_000, starts=9, days_before=8, days=4)


@dataclass
class Found:
    """What was found, for `latest.json` and for the tables."""

    latest: Json = field(default_factory=dict)
    figures: Json = field(default_factory=dict)
    paths: list[tuple[str | float, ...]] = field(default_factory=list)
    """Of each path, for one survey or answer: invocations, function calls, processor ms, of these the AWS client's,
    the former at the stated speed, write units, read units."""
    units: list[tuple[str, str, str, float, float]] = field(default_factory=list)
    """Path, call, item, write units, read units, for one survey."""


def measure(size: Size, say: Say) -> Found:
    """Measure everything."""
    found = Found()
    found.latest |= {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "surveys": size.surveys}
    found.latest |= {"machine": f"{platform.machine()}, Python {platform.python_version()}"}
    say(f"timing {size.timed} surveys")
    with running(company.company(), is_metered=False) as timed:
        _warm(timed)
        _live(timed, size.timed, size)
        _client(found, timed, size)
        _together(found, timed)
        calls = _function_calls(timed, size)
    busy = _busy(size, say)
    say(f"counting {size.surveys} surveys")
    with running(company.company(), is_metered=True) as counted:
        account = Account(counted, timed, bill.prices())
        low = _live(counted, size.surveys, size)
        stored = kept(counted, size.surveys)
        _each(found, account, size, low)
        _month(found, counted, size, busy)
        found.figures |= {"kept": stored, "fixed": fixed(account, Overlay.read(OVERLAY).content)}
        _tables(found, account, size, calls)
        _batches(found, counted, say)
        _together(found, counted)
        _beside(found, counted, low, size, say)
    _reminders(found, account, size, say)
    _cold(found, size, say)
    say("packaging")
    found.latest["zip_bytes"] = _or_reason(steps.zip_size)
    _bill(found)
    return found


def _warm(world: World) -> None:
    ids = scenario.decide(world, company.closings(WARM, "warm"), "warm")
    scenario.send(world, ids, path="warm")
    scenario.report_deliveries(world, ids, path="warm")
    scenario.follow(world, scenario.answer(world, ids))  # to their end: no alert of theirs falls due beside surveys
    world.used.clear()
    world.now += timedelta(days=1)


def _live(world: World, surveys: int, size: Size, name: str = "") -> list[str]:
    """Live the scenario and what is told apart from it; return who was let down."""
    ids = scenario.decide(world, company.closings(surveys, f"{name}s", world.now))
    scenario.send(world, ids)
    scenario.report_deliveries(world, ids)
    low = scenario.answer(world, ids[:: scenario.ANSWERED_EACH])
    scenario.follow(world, low)
    scenario.scan(world, ids[1 :: scenario.ANSWERED_EACH][: size.beside])
    with world.path("sweep"):
        world.now += timedelta(minutes=1)
        world.schedules["sweep"].invoke({**scenario.SCHEDULED, "time": world.now.isoformat()})
    texts = scenario.decide(world, company.closings(size.beside, f"{name}t", world.now, channel="sms"), "sms")
    scenario.send(world, texts, path="sms")
    scenario.report_deliveries(world, texts, "sms", "sms")
    return low


def _client(found: Found, timed: World, size: Size) -> None:
    """Say what the AWS client takes of the processor's time."""
    answers = size.timed / scenario.ANSWERED_EACH
    survey = [timed.used[path] for path in ("survey/decide", "survey/send")]
    answer = [timed.used[path] for path in ("answer/page", "answer/submit")]
    client = sum(each.client_ms for each in answer) / answers
    found.latest |= {
        "reference_mail_ms": median(each for used in timed.used.values() for each in used.references),
        "cpu_ms_per_survey_at_stated_speed": _mean(survey, size.timed, "stated_ms"),
        "cpu_ms_per_answer_at_stated_speed": sum(each.stated_ms - each.client_ms / each.slowness for each in answer)
        / answers,
        "cpu_ms_per_survey": _mean(survey, size.timed),
        "cpu_ms_per_survey_of_which_aws_client": sum(each.client_ms for each in survey) / size.timed,
        "cpu_ms_per_answer": _mean(answer, answers) - client,  # the budget is without the database
        "cpu_ms_per_answer_with_aws_client": _mean(answer, answers),
        "cpu_ms_counting_per_survey": timed.used["survey/count"].cpu_ms / size.timed,
        "cpu_ms_counting_per_answer": timed.used["answer/count"].cpu_ms / answers,
    }


def _mean(used: list[Used], things: float, what: str = "cpu_ms") -> float:
    return float(sum(getattr(each, what) for each in used) / things)


def _function_calls(world: World, size: Size) -> dict[str, float]:
    """Return the function calls of each step, for one survey, answer, case: no load of the machine changes them."""
    few = replace(size, surveys=PROFILED, beside=PROFILED // 5)
    world.now += timedelta(days=365)  # the telephones are the same again, and rest no more
    with world.counting_calls() as used:
        _live(world, PROFILED, few, "f")
    return {path: each.calls / _things(path, few) for path, each in used.items()}


def _each(found: Found, account: Account, size: Size, low: list[str]) -> None:
    answers = len(range(0, size.surveys, scenario.ANSWERED_EACH))
    found.figures["each"] = {
        "survey_email": account.each(["survey/"], size.surveys),
        "survey_sms": account.each(["sms/"], size.beside),
        "answer": account.each(["answer/"], answers),
        "case": account.each(["case/"], max(1, len(low))),
        "case_followed": account.each(["followed/"], max(1, len(low))),
        "view": account.each(["view/"], size.beside),
    }


def _busy(size: Size, say: Say) -> month.Counting:
    """Count a busy month in a company of its own: rows of other days would leave the lane in the days that count."""
    say(f"counting {size.days_before + size.days} days of a busy month")
    with running(company.company(), is_metered=True) as world:
        (id_,) = scenario.decide(world, company.closings(1, "one", world.now), "one")
        return month.count_days(world, world.invitation(id_), before=size.days_before, days=size.days)


def _month(found: Found, world: World, size: Size, busy: month.Counting) -> None:
    """Put what counting takes in the middle of a busy month in the place of what it took in an empty table."""
    each, tally = found.figures["each"], world.meter.tally
    answers = len(range(0, size.surveys, scenario.ANSWERED_EACH))
    writes, reads = "dynamodb_write_units", "dynamodb_read_units"
    quiet_writes = tally.write_units("survey/count") / size.surveys
    for name in ("survey_email", "survey_sms"):
        each[name][writes] += busy.writes_per_survey - quiet_writes
        each[name][reads] += busy.reads_per_survey - _lane_reads(tally, "survey/count") / size.surveys
    each["answer"][writes] += busy.writes_per_answer - tally.write_units("answer/count") / answers
    each["answer"][reads] += busy.reads_per_answer - _lane_reads(tally, "answer/count") / answers
    found.latest |= {
        "write_units_per_silent_survey": each["survey_email"][writes],
        "read_units_per_silent_survey": each["survey_email"][reads],
        "write_units_per_answer": each["answer"][writes],
        "counting_in_a_busy_month": asdict(busy),
    }


def _lane_reads(tally: Tally, path: str) -> float:
    return sum(units for charge, units in tally.reads.items() if (charge.path, charge.item) == (path, "LANE"))


def _tables(found: Found, account: Account, size: Size, calls: dict[str, float]) -> None:
    tally = account.counted.meter.tally
    for path in sorted(account.counted.used):
        used, timed = account.counted.used[path], account.timed.used.get(path)
        things = _things(path, size)
        client = timed.client_ms / timed.invocations() * used.invocations() if timed and timed.invocations() else 0.0
        cpu_ms = account.cpu_ms(path)
        stated_ms = cpu_ms / timed.slowness if timed else cpu_ms
        totals = (used.invocations(), cpu_ms, client, stated_ms, tally.write_units(path), tally.read_units(path))
        invoked, *means = (total / things for total in totals)
        found.paths.append((path, invoked, calls.get(path, 0.0), *means))
    places = {*tally.writes, *tally.reads}
    for place in sorted(places, key=lambda each: (each.path, each.call, each.item)):
        things = _things(place.path, size)
        units = (tally.writes[place] / things, tally.reads[place] / things)
        found.units.append((place.path, place.call, place.item, *units))


def _things(path: str, size: Size) -> int:
    """Return how many surveys, answers, cases or views a path was for."""
    kind = path.partition("/")[0]
    answers = len(range(0, size.surveys, scenario.ANSWERED_EACH))
    cases = max(1, answers // scenario.LOW_EACH)
    known = {"survey": size.surveys, "answer": answers, "case": cases, "followed": cases}
    known["receipt"] = size.surveys
    return known.get(kind, size.beside if kind in ("sms", "view") else 1)


def _together(found: Found, world: World) -> None:
    """Say what a decision takes by how many are made together: processor time where timed, units where counted."""
    decisions, tally = 2 * TOGETHER[-1], world.meter.tally
    for together in TOGETHER:
        kind = f"together {together}"
        path = f"{kind}/decide"
        events = company.closings(decisions, f"d{together}-", world.now)
        scenario.decide_only(world, events, kind, together=together)
        told = found.latest.setdefault("decision_by_batch", {}).setdefault(str(together), {})
        if calls := sum(tally.calls_of(path).values()):
            told["calls"] = calls / decisions
            told["write_units"] = tally.write_units(path) / decisions
            told["read_units"] = tally.read_units(path) / decisions
        else:
            told["cpu_ms"] = world.used[path].cpu_ms / decisions
            told["cpu_ms_of_which_aws_client"] = world.used[path].client_ms / decisions
        _forget(world, (kind,))


def _batches(found: Found, world: World, say: Say) -> None:
    say("counting at other batches")
    answers, decisions = {}, {}
    for each, things in ((1, 10), (10, 20), (20, 40), (100, 100)):
        with _apart(world, "batch"):
            ids = scenario.decide_only(world, company.closings(things, f"b{each}-", world.now), "batch")
            scenario.send(world, ids, path="batch", each=each)
            decisions[str(each)] = world.meter.tally.write_units("batch/count") / things
        with _apart(world, "answer"):
            scenario.answer(world, ids, each=each)
            answers[str(each)] = world.meter.tally.write_units("answer/count") / things
    found.latest["counter_write_units_per_answer_by_batch"] = answers
    found.latest["counter_write_units_per_decision_by_batch"] = decisions


@contextmanager
def _apart(world: World, *kinds: str) -> Iterator[None]:
    """Forget what was counted for some paths, before and after."""
    _forget(world, kinds)
    yield
    _forget(world, kinds)


def _forget(world: World, kinds: tuple[str, ...]) -> None:
    for counter in (world.meter.tally.writes, world.meter.tally.reads):
        for place in [each for each in counter if each.path.partition("/")[0] in kinds]:
            del counter[place]


def _beside(found: Found, world: World, low: list[str], size: Size, say: Say) -> None:
    ids = scenario.decide(world, company.closings(1, "page", world.now), "beside")
    scenario.send(world, ids, path="beside")
    found.latest["page_bytes"], found.latest["page_gzip_bytes"] = steps.page_sizes(world, ids[0])
    invitation = world.invitation(ids[0])
    say("reading trends")
    trends = _trends(world, ids[0])
    found.latest["trend_read_units_of_all_lanes"] = trends.pop("all_lanes")
    found.latest["trend_read_units"] = trends
    say(f"letting {size.timers:,} timers fall due in one minute")
    took = steps.burst(world, invitation, size.timers)
    found.latest["timers"] = {**asdict(took), "per_second": took.timers / took.seconds}
    say(f"opening a queue of {size.cases:,} cases")
    case = world.ports.cases.get(low[0]) if low else None
    found.latest["queue_page"] = asdict(steps.queue_page(world, case, size.cases)) if case else None


def _trends(world: World, id_: str) -> dict[str, float]:
    """Return the read units of a month's trend; of one lane, whose cells a thousand answers fill, and of all."""
    found: dict[str, float] = {}
    for name, responses, lanes in (("1000", 1000, 1), ("1000000", MILLION, 1), ("all_lanes", MILLION, LANES)):
        # A year on, so that each month is filled once.
        world.now += timedelta(days=365)
        found[name] = steps.trend_units(world, world.invitation(id_), responses, lanes)
    return found


def _reminders(found: Found, account: Account, size: Size, say: Say) -> None:
    say(f"reminding {size.beside} customers")
    with running(company.company(reminds=True), is_metered=True) as world:
        ids = scenario.decide(world, company.closings(size.beside, "r", world.now))
        scenario.send(world, ids)
        scenario.report_deliveries(world, ids)
        scenario.send(world, ids, REMIND_AFTER)
        scenario.report_deliveries(world, ids)
        reminded = Account(world, account.timed, account.given).each(["survey/"], size.beside)
    silent = account.each(["survey/"], size.surveys)
    more = {price: reminded[price] - silent.get(price, 0.0) for price in reminded}
    found.figures["each"]["reminder"] = {price: quantity for price, quantity in more.items() if quantity > 0}
    found.latest["write_units_per_reminder"] = more["dynamodb_write_units"]


def _cold(found: Found, size: Size, say: Say) -> None:
    say(f"starting each function {size.starts} times")
    with running(company.company(), is_metered=False) as world:
        starts, bare = cold.starts(world, size.starts)
    found.latest |= {
        "cold_ratio": {name: start.first.cpu_ms / bare.cpu_ms for name, start in starts.items()},
        "import_ratio": {name: start.imports.cpu_ms / bare.cpu_ms for name, start in starts.items()},
        "cold_ratio_by_the_clock": {name: start.first.wall_ms / bare.wall_ms for name, start in starts.items()},
        "cold_cpu_ms": {name: start.first.cpu_ms for name, start in starts.items()},
        "bare_python_with_chalice_ms": bare.cpu_ms,
    }


def _or_reason(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:  # without a network there are no packages to pack; the other figures stand
        return f"not measured: {error}"


def _bill(found: Found) -> None:
    use, given = bill.Use(MILLION, reminders=1.0, views=1.0), bill.prices()
    lines = bill.running(use, found.figures, given)
    found.latest |= {
        "bill_usd_per_million": bill.total(lines),
        "bill_lines": [asdict(line) for line in lines],
        "bill_apart_lines": [asdict(line) for line in bill.apart(use, found.figures, given)],
        "bill_fixed_usd_per_month": bill.total(bill.fixed(found.figures, given)),
        "bill_messages_usd_per_million": bill.total(bill.messages(bill.Use(MILLION), given)),
        "prices": given["date"],
    }
    found.figures |= {name: found.latest[name] for name in ("measured_at", "surveys", "machine")}
