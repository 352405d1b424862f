"""Replay an export of past business through the whole running system, on its movable clock.

Rows become events at their own times; where the mapping names answers, the page is opened from the mail and its form
sent when the customer did so. Then what the system counted is compared with what independent code counts in the file.
The system must be fresh (make run FRESH=1), since no clock goes back behind events; the same replay again changes
nothing, which --twice shows.
"""

import argparse
import time
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra import organisation as organisations
from infra.commands import connection, replay_check
from infra.commands.connection import Connection, Local
from infra.commands.publish import grant
from infra.commands.screen import Failed, Screen
from infra.marked_yaml import Unreadable
from infra.publication import current, publish, successor
from infra.replay import mapping as mappings
from infra.replay import plan as plans
from infra.replay.client import Refused, System
from infra.replay.digest import digest
from infra.replay.engine import Tally, replay
from infra.replay.mapping import Replaying
from infra.replay.plan import Plan

BEFORE = timedelta(hours=1)
"""How long before the first event the organisation is published: by then every function has read it."""

SHOWN_MAX = 10  # rows and events that are told one by one


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the export and its mapping."""
    parser.add_argument("file", type=Path, help="the export, as CSV")
    parser.add_argument("--mapping", type=Path, required=True, help="what its columns mean, as in examples/replay/")
    parser.add_argument("--twice", action="store_true", help="replay again and show that no item changes")
    where = connection.default_state()
    parser.add_argument("--state", type=Path, default=where, help="of the running system (default: %(default)s)")
    parser.set_defaults(local=True, stage=None)  # an export is replayed on a clock that can be moved, and never on AWS


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Replay, compare, tell."""
    try:
        replaying = mappings.load(options.mapping)
        plan = plans.plan(plans.read_rows(options.file, replaying), replaying)
    except Unreadable as error:
        raise Failed(str(error)) from None
    if not plan.stops:
        raise Failed(f"{options.file} holds nothing that the mapping makes an event of.")
    system = connection.connect(options)
    assert system.local
    http = System(system.local.base_url, system.local.tokens()["events_secret"])
    try:
        _begin(http, system, system.local, options.mapping, replaying, plan)
        return _replayed(options, screen, system, http, replaying, plan)
    except Refused as error:
        raise Failed(f"The system refused what it should take. {error}") from None
    finally:
        http.close()


def _begin(http: System, system: Connection, local: Local, path: Path, replaying: Replaying, plan: Plan) -> None:
    """Set the clock before the first event and put the mapping's organisation in force. Raises Failed."""
    first = plan.stops[0].at
    wanted = None
    if replaying.organisation:
        try:
            file = path.parent / replaying.organisation
            wanted = organisations.load(file, first.date(), lambda data: override(data, replaying)).organisation
        except Unreadable as error:
            raise Failed(str(error)) from None
    went_back = http.move_clock(first - BEFORE)
    before = current(system.ports.library)
    if wanted and not went_back and before != successor(wanted, before):
        raise Failed(
            "Events have been accepted here already, so the clock cannot go back: start with FRESH=1 make run."
        )
    if wanted:
        published = publish(system.ports.library, wanted, http.now)
        grant(local, system, published.organisation)
    if not went_back:
        http.read_clock()


def override(data: dict[str, Any], replaying: Replaying) -> None:
    """Put a mapping's overrides into an organisation's file; `programs` into each of its programs."""
    for name, value in replaying.overrides.items():
        if name == "programs" and isinstance(value, dict):
            for program in data.get("programs") or ():
                program.update(value)
        else:
            data[name] = value


def _replayed(
    options: argparse.Namespace, screen: Screen, system: Connection, http: System, replaying: Replaying, plan: Plan
) -> int:
    assert system.local
    began = time.monotonic()
    tally = _once(screen, http, plan, "Replaying")
    seconds = time.monotonic() - began
    checks = []
    if replaying.answer:
        organisation = system.ports.library.organisation(fresh=True)
        departments = [department.id for department in organisation.departments]
        counted_by, files = organisation.trends.attributes, system.ports.day_files
        checks = replay_check.compare(options.file, replaying, system.local, departments, files, counted_by)
    if options.twice:
        before = digest(system.local.environment)
        _once(screen, http, plan, "Again")
        changed = before.differing(digest(system.local.environment))
        checks.append(replay_check.Check("Items changed by a second replay", 0, changed))
    return _tell(screen, plan, tally, checks, seconds)


def _once(screen: Screen, http: System, plan: Plan, text: str) -> Tally:
    with screen.progress(text, len(plan.stops)) as bar:
        return replay(http, plan, lambda stop: bar.step(said=f"{text} {stop.at:%Y-%m-%d}"))


def _tell(screen: Screen, plan: Plan, tally: Tally, checks: list[replay_check.Check], seconds: float) -> int:
    rate = plan.rows / seconds
    answers = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tally.answers.items())) or "none"
    screen.say(
        f"{plan.rows} rows in {seconds:.1f} s: {rate:.1f} rows per second, {len(plan.stops)} stops of the clock.",
        f"{tally.accepted} of {plan.events} events accepted; answers: {answers}.",
        *(f"row {number} says nothing: {why}" for number, why in plan.left_out[:SHOWN_MAX]),
        *(f"event {each['event']} was rejected: {each['errors']}" for each in tally.rejected[:SHOWN_MAX]),
    )
    rows = [(check.claim, check.expected, check.found, "yes" if check.holds else "NO") for check in checks]
    screen.show("What the file says and what was counted", ("claim", "file", "system", "equal"), rows)
    holds = all(check.holds for check in checks) and not tally.rejected
    screen.result(
        {
            "rows": plan.rows,
            "seconds": round(seconds, 1),
            "rows_per_second": round(rate, 1),
            "events": {"sent": plan.events, "accepted": tally.accepted, "rejected": tally.rejected},
            "answers": dict(tally.answers),
            "left_out": [{"row": number, "why": why} for number, why in plan.left_out],
            "checks": [{**asdict(check), "holds": check.holds} for check in checks],
            "holds": holds,
        }
    )
    return 0 if holds else 1
