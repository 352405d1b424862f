"""The demonstration: a year of the company, lived by the flows, and then in the table as if it had happened there."""

import importlib
import json
from datetime import timedelta

from chalicelib.domain import weekly
from chalicelib.domain.recognition import of_person
from chalicelib.flows import project
from infra import items
from infra.local import demo
from infra.local.system import LocalSystem
from tests.local.asking import ask


def test_a_year_has_passed_and_everything_is_counted(lazo: LocalSystem) -> None:
    ports = importlib.import_module("chalicelib.runtime").ports()
    before = lazo.clock.now()
    demo.demonstrate(lazo, ports, events=60)
    assert timedelta(0) < lazo.clock.now() - before < timedelta(hours=1)
    found = project.reconcile(ports, items.every())
    assert (found.differences, found.uncountable) == ((), 0)
    token = json.loads((lazo.state / "tokens.json").read_text())["api"]["leadership"]
    trend = ask(lazo.base_url + "/api/v1/trends?metric=response_rate", Authorization=f"Bearer {token}").json
    assert sum(point["n"] for point in trend["series"][0]["points"]) > 40
    staff = [one for each in ports.library.organisation().departments for one in each.people]
    year = {"first": before - timedelta(days=400), "last": lazo.clock.now(), "limit": 10}
    assert any(ports.cases.noted(of_person(one.id), **year) for one in staff), "nobody was praised in a whole year"
    monday = weekly.this_monday(lazo.clock.now(), ports.library.organisation())
    told = ports.cases.weekly("leadership")
    assert told.told in (monday - weekly.WEEK, monday - 2 * weekly.WEEK)
    assert told.due > lazo.clock.now() - timedelta(hours=1)
    kept = ask(lazo.base_url + "/_local/messages").json["messages"]
    assert all(message["sent_at"] < lazo.clock.now().isoformat() for message in kept)
