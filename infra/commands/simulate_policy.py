"""Live through past business under another policy, before it is switched on: nobody is written to, nothing is stored.

The events are an export with a mapping (as for `replay`), or CloudEvents as JSON lines, in a file or a folder of them.
The flows that run live decide here too, in memory, so what is told is what would have happened. Where the mapping names
answers, whoever answered then answers here as well, if asked; otherwise --response and --low say what to expect.
"""

import argparse
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalicelib.domain.score import wilson
from infra import organisation as organisations
from infra.aws import bill
from infra.commands.screen import Failed, Screen
from infra.marked_yaml import Unreadable
from infra.rehearsal import Rehearsal, rehearse
from infra.replay import mapping as mappings
from infra.replay import plan as plans
from infra.replay.cloudevents import read_events
from infra.replay.plan import Plan

SHOWN_MAX = 10


@dataclass(frozen=True)
class Share:
    """A share of the past: how many of how many."""

    count: int
    of: int

    def expected(self, of: float) -> dict[str, float]:
        """Return what so many lead to, with the interval of the share (Wilson, 95 %)."""
        low, high = wilson(self.count, self.of)
        return {"n": round(of * self.count / self.of, 1), "low": round(of * low, 1), "high": round(of * high, 1)}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the policy and the past."""
    parser.add_argument("--organisation", type=Path, required=True, help="the file with the changed policy")
    parser.add_argument("--events", type=Path, required=True, help="an export (CSV), or CloudEvents as JSON lines")
    parser.add_argument("--mapping", type=Path, help="what an export's columns mean, as in examples/replay/")
    parser.add_argument("--response", type=_share, metavar="R", help="share that answers, where the past does not say")
    parser.add_argument("--low", type=_share, metavar="L", help="share of the answers that are low, likewise")


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Live through the past; tell what the policy makes of it."""
    try:
        plan = _plan(options)
        if not plan.stops:
            raise Failed(f"{options.events} holds nothing that is an event.")
        organisation = organisations.load(options.organisation, plan.stops[0].at.date()).organisation
    except Unreadable as error:
        raise Failed(str(error)) from None
    with screen.progress("Living through it", len(plan.stops)) as bar:
        done = rehearse(organisation, plan.stops, lambda stop: bar.step(said=f"Living through it {stop.at:%Y-%m-%d}"))
    told = result(done, plan, options.response, options.low)
    _tell(screen, told, plan)
    screen.result(told)
    return 1 if told["rejected"] else 0


def _plan(options: argparse.Namespace) -> Plan:
    if options.events.suffix == ".csv" and not options.mapping:
        raise Failed("An export needs --mapping, which says what its columns mean: see examples/replay/.")
    if not options.mapping:
        return read_events(options.events)
    replaying = mappings.load(options.mapping)
    return plans.plan(plans.read_rows(options.events, replaying), replaying)


def result(done: Rehearsal, plan: Plan, response: float | None = None, low: float | None = None) -> dict[str, Any]:
    """Return everything that is told, for programs."""
    asked, per_person = len(done.asked), done.asks_per_person()
    first, last = plan.stops[0].at, plan.stops[-1].at
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "events": done.events,
        "rejected": [{"event": id_, "detail": why} for id_, why in done.rejected],
        "left_out": [{"row": number, "why": why} for number, why in plan.left_out],
        "decisions": len(done.invitations),
        "invitations": asked,
        "skipped": dict(sorted(done.skipped().items())),
        "skipped_by_rule": [
            {"program": program, "reason": reason, "rule": rule, "n": n}
            for (program, reason, rule), n in sorted(done.skipped_by_rule().items())
        ],
        "people": len({each.customer for each in done.invitations}),
        "people_asked": len(per_person),
        "people_asked_more_than_once": sum(count > 1 for count in per_person.values()),
        "answers_given": dict(sorted(done.answers.items())),
        "expected_answers": _expected(_rate(plan, response), asked),
        "expected_cases": _expected(_case_rate(done, response, low), asked),
        "cases": _cases(done, last - first),
        "messages": dict(sorted(done.messages().items())),
        **_cost(done, asked),
    }


def _rate(plan: Plan, given: float | None) -> Share | float | None:
    """Return the share of the past that answered: of its closings, those with an answer."""
    closings = sum("customer" in (event.get("data") or {}) for stop in plan.stops for event in stop.events)
    if plan.answers and closings and given is None:
        return Share(plan.answers, closings)
    return given


def _case_rate(done: Rehearsal, response: float | None, low: float | None) -> Share | float | None:
    answered = done.answers["recorded"]
    if answered and done.asked and response is None and low is None:
        return Share(len(done.memory.cases), len(done.asked))
    return response * low if response is not None and low is not None else None


def _expected(rate: Share | float | None, asked: int) -> dict[str, Any] | None:
    if rate is None:
        return None
    if isinstance(rate, float):
        return {"n": round(rate * asked, 1), "low": None, "high": None, "of": "what was given"}
    return {**rate.expected(asked), "of": f"{rate.count} of {rate.of} in the past"}


def _cases(done: Rehearsal, span: timedelta) -> dict[str, Any]:
    by_week = done.cases_by_week()
    weeks = max(1.0, span / timedelta(weeks=1))
    departments = Counter[str]()
    for (_, department), count in by_week.items():
        departments[department] += count
    return {
        "n": sum(by_week.values()),
        "by_department": {
            department: {"n": count, "a_week": round(count / weeks, 2), "busiest_week": _busiest(by_week, department)}
            for department, count in sorted(departments.items())
        },
        "by_week": [{"week": week, "department": name, "n": n} for (week, name), n in sorted(by_week.items())],
    }


def _busiest(by_week: Counter[tuple[str, str]], department: str) -> int:
    return max(count for (_, name), count in by_week.items() if name == department)


def _cost(done: Rehearsal, asked: int) -> dict[str, Any]:
    """Return what AWS and the carriers take for all this, at list prices, the monthly fixed part left out."""
    counted, given, messages = bill.figures(), bill.prices(), done.messages()
    answers, cases = done.answers["recorded"] / max(asked, 1), len(done.memory.cases) / max(asked, 1)
    lines: list[bill.Line] = []
    for channel in ("email", "sms"):
        sent, reminded = messages[channel], messages[f"{channel}_reminders"]
        if sent:
            use = bill.Use(sent, answers, cases, channel, reminded / sent)
            lines += [*bill.running(use, counted, given), *bill.messages(use, given)]
    usd = bill.total(lines)
    return {"usd": round(usd, 2), "prices": given["date"]}


def _tell(screen: Screen, told: dict[str, Any], plan: Plan) -> None:
    screen.say(
        f"{told['events']} events from {told['from'][:10]} to {told['to'][:10]}: {told['invitations']} invitations to"
        f" {told['people_asked']} of {told['people']} people,"
        f" {told['people_asked_more_than_once']} of them more than once.",
        *(f"row {number} says nothing: {why}" for number, why in plan.left_out[:SHOWN_MAX]),
        *(f"event {each['event']} would be refused: {each['detail']}" for each in told["rejected"][:SHOWN_MAX]),
    )
    skipped = [(each["program"], each["reason"], each["rule"], each["n"]) for each in told["skipped_by_rule"]]
    screen.show("Left in peace", ("program", "reason", "rule", "n"), skipped)
    screen.show("Messages", ("kind", "n"), list(told["messages"].items()))
    for what in ("answers", "cases"):
        expected = told[f"expected_{what}"]
        screen.say(f"Expected {what}: {_said(expected)}")
    rows = [
        (name, each["n"], each["a_week"], each["busiest_week"]) for name, each in told["cases"]["by_department"].items()
    ]
    screen.show("Cases, by the department that gets them", ("department", "n", "a week", "busiest week"), rows)
    screen.say(f"Cost: ${told['usd']} at the list prices of {told['prices']}, messages included.")


def _said(expected: dict[str, Any] | None) -> str:
    if expected is None:
        return "unknown, since the past holds no answers; --response 0.2 --low 0.1 says what to expect."
    between = f" ({expected['low']} to {expected['high']})" if expected["low"] is not None else ""
    return f"{expected['n']}{between}, from {expected['of']}."
