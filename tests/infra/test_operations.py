"""What goes off has a page that says what to do, and what is measured is looked at."""

import json
import re
from typing import Any

import pytest

from chalicelib.entrypoints import journal
from infra.aws.package import OVERLAY, PROJECT
from infra.local.resources import Overlay

RUNBOOK = PROJECT / "docs/operating.md"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def resources() -> Json:
    content: Json = Overlay.read(PROJECT / OVERLAY).content["Resources"]
    return content


def of_type(resources: Json, kind: str) -> dict[str, Json]:
    return {name: one["Properties"] for name, one in resources.items() if one.get("Type") == kind}


def alarms(resources: Json) -> dict[str, Json]:
    return of_type(resources, "AWS::CloudWatch::Alarm")


def test_each_alarm_has_an_entry_in_the_runbook_and_each_entry_an_alarm(resources: Json) -> None:
    found = [one["AlarmName"]["Fn::Sub"] for one in alarms(resources).values()]
    found += [one["Budget"]["BudgetName"]["Fn::Sub"] for one in of_type(resources, "AWS::Budgets::Budget").values()]
    entries = re.findall(r"^\| `lazo-STAGE-([a-z-]+)` \|", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(name.removeprefix("lazo-${Stage}-") for name in found) == sorted(entries)


def test_each_alarm_tells_somebody_and_says_what_silence_means(resources: Json) -> None:
    for name, alarm in alarms(resources).items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        assert alarm["TreatMissingData"] in ("breaching", "notBreaching"), name


def test_heartbeats_alarm_when_nothing_is_heard(resources: Json) -> None:
    beating = {name for name, one in alarms(resources).items() if one["TreatMissingData"] == "breaching"}
    assert beating == {"SilenceAlarm", "AuditSilenceAlarm"}


def test_every_dead_letter_queue_is_looked_at(resources: Json) -> None:
    watched = set(re.findall(r"\w+Dlq", json.dumps(alarms(resources)["DeadLettersAlarm"])))
    assert watched == {name for name in of_type(resources, "AWS::SQS::Queue") if name.endswith("Dlq")}


def test_every_metric_of_ours_is_named_in_one_place_and_looked_at(resources: Json) -> None:
    (dashboard,) = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    shown = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    lines = [line for widget in shown["widgets"] for line in widget["properties"]["metrics"]]
    looked_at = {line[1] for line in lines if line[0] == journal.NAMESPACE}
    looked_at |= {one["MetricName"] for one in alarms(resources).values() if one.get("Namespace") == journal.NAMESPACE}
    assert looked_at == set(journal.METRICS)


def test_the_auditor_may_only_look(resources: Json) -> None:
    (policy,) = resources["AuditRole"]["Properties"]["Policies"]
    actions = [
        action
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    assert [action for action in actions if not action.startswith("logs:")] == ["dynamodb:Query"]
