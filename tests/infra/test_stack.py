"""The whole stack, as CloudFormation gets it, is created in the embedded AWS."""

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from chalicelib.settings import Settings
from infra.aws import template
from infra.aws.deployed import NotDeployed, environment, told_to_functions
from infra.aws.package import PROJECT, generate
from infra.aws.preflight import lost
from infra.local.aws import CREDENTIALS, EmbeddedAws
from infra.local.resources import client

pytestmark = pytest.mark.embedded

STACK = "lazo-dev"
SECONDS_MAX = 60
PARAMETERS = {
    "Stage": "dev",
    "PublicUrl": "https://encuestas.example.org",
    "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/c",
    "MailDomain": "example.org",
    "AlarmEmail": "ops@example.org",
    "MonthlyBudget": "50",
    "DeletionProtection": "false",
    "ParquetLayer": "arn:aws:lambda:us-east-1:123456789012:layer:AWSSDKPandas-Python311-Arm64:7",
}
BEYOND = {"AWS::Budgets::Budget"}
"""What the embedded AWS does not have; linted, and never created before AWS does."""

QUEUES = {
    "Intake": "IntakeQueue",
    "Due": "DueQueue",
    "Views": "ViewsQueue",
    "Webhooks": "WebhooksQueue",
    "Files": "FilesQueue",
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What CloudFormation makes of the template of the real app."""
    folder = tmp_path_factory.mktemp("stack")
    return template.translate(generate(PROJECT, folder / "source", folder, "dev"), PARAMETERS)


class Stack:
    """A stack in an AWS of its own."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.cloudformation = client("cloudformation", aws.endpoint)
        self.s3 = client("s3", aws.endpoint)
        self.s3.create_bucket(Bucket="to-be-uploaded")
        self.s3.put_object(Bucket="to-be-uploaded", Key="deployment.zip", Body=b"PK\x05\x06" + bytes(18))

    def wanted(self, contents: Json) -> Json:
        """Upload a template, too large to be sent along, and return the request for it."""
        body = json.dumps(as_embedded(contents)).encode()
        self.s3.put_object(Bucket="to-be-uploaded", Key="template.json", Body=body)
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()]
        url = f"{self.aws.endpoint}/to-be-uploaded/template.json"
        return {"StackName": STACK, "TemplateURL": url, "Parameters": given, "Capabilities": ["CAPABILITY_IAM"]}

    def create(self, contents: Json) -> None:
        """Create the stack, and wait until it stands."""
        self.cloudformation.create_stack(**self.wanted(contents))
        assert self.settled()["StackStatus"] == "CREATE_COMPLETE", self.failures()

    def changes(self, contents: Json) -> list[Json]:
        """Return what would change, without changing it."""
        named = {"StackName": STACK, "ChangeSetName": "wanted"}
        self.cloudformation.create_change_set(**self.wanted(contents), ChangeSetName="wanted", ChangeSetType="UPDATE")
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until:
            found = self.cloudformation.describe_change_set(**named)
            if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
                self.cloudformation.delete_change_set(**named)
                return list(found["Changes"])
            time.sleep(0.05)
        raise AssertionError("the change set is never ready")

    def settled(self) -> Json:
        """Return the stack when it is at rest."""
        until = time.monotonic() + SECONDS_MAX
        while time.monotonic() < until:
            found: Json = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return found
            time.sleep(0.05)
        raise AssertionError("the stack never comes to rest")

    def failures(self) -> list[str]:
        """Return what could not be created, and why."""
        events = self.cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [each for each in events if "FAILED" in each["ResourceStatus"]]
        return [f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}" for each in failed]

    def names(self) -> dict[str, str]:
        """Return the physical names, by logical ids."""
        found = self.cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        assert {each["ResourceStatus"] for each in found} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def as_embedded(contents: Json) -> Json:
    """Return the template for an AWS without budgets, whose alarms compute nothing: each metric gets one of its own."""
    plain = copy.deepcopy(contents)
    for name, resource in contents["Resources"].items():
        if resource["Type"] in BEYOND:
            del plain["Resources"][name]
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            settings = plain["Resources"].pop(name)["Properties"]
            for each in settings.pop("Metrics"):
                if stat := each.get("MetricStat"):
                    own = {**stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]}
                    own["AlarmName"] = {"Fn::Sub": f"{name}-{each['Id']}"}
                    plain["Resources"][f"{name}{each['Id']}"] = {
                        "Type": "AWS::CloudWatch::Alarm",
                        "Properties": {**settings, **own},
                    }
    return plain


@pytest.fixture(scope="module")
def stack(translated: Json) -> Iterator[Stack]:
    """The stack, created."""
    aws = EmbeddedAws.start(None)
    try:
        made = Stack(aws)
        made.create(translated)
        yield made
    finally:
        aws.stop()


def test_every_resource_is_created(stack: Stack, translated: Json) -> None:
    assert set(stack.names()) == set(as_embedded(translated)["Resources"])


def test_every_function_is_told_what_it_reads_and_runs_what_the_code_registers(stack: Stack) -> None:
    lambda_, names = client("lambda", stack.aws.endpoint), stack.names()
    found = {each["FunctionName"]: each for each in lambda_.list_functions()["Functions"]}
    assert len(found) == 13
    for each in found.values():
        told = each["Environment"]["Variables"]
        assert {field.name.upper() for field in fields(Settings)} <= set(told)
        assert told["TABLE_NAME"] == names["Table"]
        assert told["INTAKE_QUEUE_URL"] == names["IntakeQueue"]
        assert told["PUBLIC_URL"] == PARAMETERS["PublicUrl"]
    assert found[names["Intake"]]["Handler"] == "chalicelib.entrypoints.consumers.intake"
    assert found[names["PublicPages"]]["Handler"] == "app.app"
    assert found[names["PublicPages"]]["Role"] != found[names["APIHandler"]]["Role"]


def test_operators_are_told_what_the_functions_of_a_stage_are_told(stack: Stack) -> None:
    found = told_to_functions(stack.cloudformation, client("lambda", stack.aws.endpoint), "dev")
    assert {field.name.upper() for field in fields(Settings)} <= set(found)
    assert found["TABLE_NAME"] == stack.names()["Table"]


def test_a_stage_that_is_not_deployed_is_said_to_be_so(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": stack.aws.endpoint}.items():
        monkeypatch.setenv(name, value)
    assert environment("dev", "us-east-1")["AWS_DEFAULT_REGION"] == "us-east-1"
    with pytest.raises(NotDeployed, match="make deploy STAGE=qa"):
        environment("qa", "us-east-1")


def test_every_trigger_is_wired_to_what_it_reads(stack: Stack) -> None:
    names = stack.names()
    mapped = client("lambda", stack.aws.endpoint).list_event_source_mappings()["EventSourceMappings"]
    wired = {(each["FunctionArn"].rsplit(":", 1)[-1], each["EventSourceArn"].split("/")[0]) for each in mapped}
    expected = {(names[function], names[queue].rsplit("/", 1)[-1]) for function, queue in QUEUES.items()}
    assert {(function, source.rsplit(":", 1)[-1]) for function, source in wired if ":sqs:" in source} == expected
    streams = {function for function, source in wired if ":dynamodb:" in source}
    assert streams == {names["Project"], names["Publish"]}


def test_links_carry_no_stage_when_the_certificate_is_given(stack: Stack) -> None:
    (mapping,) = client("apigateway", stack.aws.endpoint).get_base_path_mappings(domainName="encuestas.example.org")[
        "items"
    ]
    assert mapping["basePath"] == "(none)"
    assert mapping["restApiId"] == stack.names()["RestAPI"]
    assert mapping["stage"] == "api"


def test_the_table_is_as_the_code_needs_it(stack: Stack) -> None:
    dynamodb, name = client("dynamodb", stack.aws.endpoint), stack.names()["Table"]
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert {each["IndexName"] for each in table["GlobalSecondaryIndexes"]} == {"due", "department"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_template_that_would_replace_the_table_is_seen_in_its_change_set(stack: Stack, translated: Json) -> None:
    harmless = copy.deepcopy(translated)
    harmless["Resources"]["Sweep"]["Properties"]["Timeout"] = 40
    assert lost(stack.changes(harmless)) == []
    harmful = copy.deepcopy(translated)
    harmful["Resources"]["Table"]["Properties"]["KeySchema"][0]["AttributeName"] = "due"
    del harmful["Resources"]["LinkKeys"]
    assert sorted(lost(stack.changes(harmful))) == ["LinkKeys", "Table"]
