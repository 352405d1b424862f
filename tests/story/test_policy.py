"""What a policy is told to do before it is switched on is what the running system then does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import runtime
from chalicelib.domain.invitation import Invitation
from infra import organisation as organisations
from infra.local.system import LocalSystem
from infra.rehearsal import rehearse
from infra.replay import mapping as mappings
from infra.replay import plan as plans
from infra.replay.cloudevents import read_events
from infra.replay.plan import Plan
from tests.infra.test_simulate_policy import EXAMPLES, MAPPING, made_up, stored, written
from tests.story.company import Company

pytestmark = pytest.mark.embedded

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 10:00 in Bogotá
DAY = timedelta(days=1)
APART = timedelta(minutes=1)
"""The running clock goes on while it works."""


def happened(number: int, day: float, customer: dict[str, str], type_: str = "sale.closed", **data: Any) -> Any:
    given = {"customer": {"id": f"c-{number}", **customer}, "department": "sales", "reference": f"R-{number}", **data}
    at = (MONDAY + day * DAY).isoformat()
    return {"specversion": "1.0", "id": f"E-{number}", "source": "/crm", "type": type_, "time": at, "data": given}


def business() -> list[Any]:
    """Six weeks of it: each reason that lies in the events themselves."""
    ana, pia = {"id": "ana", "email": "ana@example.com"}, {"id": "pia", "email": "Ana@Example.com"}
    luis, spam = {"id": "luis", "phone": "+573009998877"}, {"reason": "spam"}
    return [
        happened(1, 0, ana),
        happened(2, 1, pia),  # at the same address: she rests too
        happened(3, 2, luis),
        happened(4, 3, {"id": "eva", "email": "eva@tornillo.example.com"}),
        happened(5, 4, {"id": "sol", "email": "sol@example.com"}, "ticket.closed", attributes=spam),
        happened(6, 5, {"id": "max", "phone": "+13055550100"}),
        happened(7, 5.4, {"id": "leo", "email": "leo@example.com"}, "visit.made"),
        happened(8, 6, {"id": "ivy", "email": "ivy@example.com"}, "ticket.closed", reference="T-1"),
        happened(9, 7.5, {"id": "ivy", "email": "ivy@example.com"}, "ticket.closed", reference="T-1"),
        happened(10, 9, {"id": "gus", "email": "gus@example.com"}, contacts=[{**luis, "role": "user"}]),
        happened(11, 20, {"id": "tom", "email": "tom@example.com"}),
        {**happened(12, 20.01, {}), "type": "sale.cancelled", "data": {"event": {"source": "/crm", "id": "E-11"}}},
        happened(13, 31, ana),
        happened(14, 31.6, pia),
        happened(15, 40, luis, "invoice.issued"),
        happened(16, 40, {"id": "eli", "email": "eli@example.com"}, "invoice.issued"),
        happened(17, 41, {"id": "noe", "email": "noe@example.com"}, "invoice.issued"),
    ]


def from_stored_events(folder: Path) -> tuple[Plan, Path]:
    policy = folder / "new.yaml"
    policy.write_text((EXAMPLES / "tornillo.yaml").read_text())
    return read_events(stored(folder, *(each for each in business() if each["type"] != "visit.made"))), policy


def from_an_export(folder: Path) -> tuple[Plan, Path]:
    events, policy = written(made_up(2)[:30], folder)
    replaying = mappings.load(MAPPING)
    return plans.plan(plans.read_rows(events, replaying), replaying), policy


def decided(invitation: Invitation) -> tuple[Any, ...]:
    return invitation.channel, invitation.reason, invitation.rule, invitation.sent_at is not None


@pytest.mark.parametrize("past", [from_stored_events, from_an_export])
def test_the_running_system_decides_and_sends_as_it_was_told_beforehand(
    lazo: LocalSystem, tmp_path: Path, past: Any
) -> None:
    plan, policy = past(tmp_path)
    organisation = organisations.load(policy, plan.stops[0].at.date()).organisation
    told = {each.id: each for each in rehearse(organisation, plan.stops).invitations}

    company = Company.at(lazo.base_url, lazo.state)
    company.move_to(plan.stops[0].at)
    runtime.ports().library.publish(organisation, runtime.now())
    for stop in (each for each in plan.stops if each.events):
        company.move_to(max(stop.at, company.now()))
        assert company.post(list(stop.events)).status == 202
        company.settle()
    company.later("P60D")

    live = runtime.ports().invitations.get_many(list(told))
    assert {id_: decided(each) for id_, each in live.items()} == {id_: decided(each) for id_, each in told.items()}
    both = [(live[id_].sent_at, each.sent_at) for id_, each in told.items()]
    apart = [abs(then - now) for then, now in both if then and now]
    assert apart
    assert max(apart) < APART
    assert len(company.messages()) >= len(apart)
    assert len({each.reason for each in told.values()}) > 1
