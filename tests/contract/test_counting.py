"""Count a table's real stream into its real rollups: what is written, read back, changed and rebuilt reconciles."""

import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.stream import change_of
from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.rollup import succeeding
from chalicelib.flows.project import project, rebuild, reconcile
from chalicelib.flows.report import trends
from chalicelib.ports import Change, Ports, Principal
from tests.contract.subject import Embedded, on_dynamodb
from tests.counting import AT, SURVEYS, answered, anything, company
from tests.world import World

CARLA = Principal(id="carla", role="leadership", name="Carla")
SHARD = "shardId-00000000000000000000-00000000"


@pytest.fixture
def ports(embedded: Embedded) -> Ports:
    """A company that counts, on DynamoDB."""
    stores = on_dynamodb(embedded)
    made = replace(
        World().ports,
        invitations=stores.invitations,
        cases=stores.cases,
        library=stores.library,
        counters=stores.counters,
    )
    made.library.publish(company(), AT)
    return made


def changes(embedded: Embedded) -> list[Change]:
    """Return what the table's stream tells of invitations and cases."""
    records: list[dict[str, Any]] = embedded.aws.records(embedded.table_name, 0, 10_000)["records"]
    own = [record for record in records if record["dynamodb"]["Keys"]["pk"]["S"].startswith("INVITATION#")]
    return [change_of(record) for record in own]


def test_the_stream_of_a_real_table_is_counted_exactly(embedded: Embedded, ports: Ports) -> None:
    chance = random.Random(11)
    kept: dict[str, Invitation | Case] = {}
    for step in range(150):
        item = anything(chance, f"i-{step % 50}")
        before = kept.get(item.id)
        kept[item.id] = _save(ports, item, before)
    told = changes(embedded)
    assert len(told) >= 150
    for start in range(0, len(told), 20):
        project(ports, told[max(0, start - 7) : start + 20], SHARD, AT)
    assert ports.counters.checkpoint(SHARD) >= told[-5].sequence
    found = reconcile(ports, kept.values())
    assert (found.items, found.uncounted, found.differences) == (len(kept), 0, ())


def _save(ports: Ports, item: Invitation | Case, before: Invitation | Case | None) -> Invitation | Case:
    if isinstance(item, Case):
        item = item.model_copy(update={"revision": before.revision + 1 if isinstance(before, Case) else 1})
        ports.cases.save(item)
    elif before is None:
        ports.invitations.create(item)
    else:
        item = item.model_copy(update={"version": before.version + 1})
        ports.invitations.save(item)
    return item


def test_a_rebuild_on_a_real_table_counts_by_what_is_new(embedded: Embedded, ports: Ports) -> None:
    items = [answered(9, f"i-{n}", attributes={"plan": "R&D #1"}) for n in range(5)]
    for item in items:
        ports.invitations.create(item)
    project(ports, changes(embedded), SHARD, AT)
    ports.library.publish(succeeding(company(attributes=("plan",), pairs=()), company()), AT)
    assert rebuild(ports, items) == 5
    project(ports, changes(embedded), SHARD, AT)
    found = trends(ports, {"metric": ["nps"], "by": ["plan"], "to": ["2026-04-01"]}, CARLA, AT)
    assert [(series.key, series.points[0].n) for series in found.series] == [("R&D #1", 5)]


def test_every_survey_of_these_tests_is_published(ports: Ports) -> None:
    assert all(ports.library.survey(survey.version) for survey in SURVEYS.values())
