"""Create the overlay's resources in the embedded AWS, and say what its expressions have become.

The overlay is what `chalice package --merge-template` gets for AWS: patches on what Chalice generates, and typed
resources of its own. Those of the types below are created here; CloudFormation itself resolves every expression that
the local system needs (environment variables, event sources), as outputs of the same stack.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from chalice.package import YAMLTemplateSerializer

from infra.local.aws import CREDENTIALS, REGION, CannotStart
from infra.local.permissions import Permissions, grants_of

STACK = "lazo"
CREATE_SECONDS_MAX = 20.0

WEB = "APIHandler"
ROLES_NAMED_APART = {"ApiHandlerRole": WEB}
"""Chalice calls each role after its function, but for one."""

TYPES = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
        "AWS::Events::Rule",
        "AWS::S3::Bucket",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
        "AWS::SSM::Parameter",
        "AWS::SecretsManager::Secret",
    }
)

Json = dict[str, Any]


def client(service: str, endpoint: str) -> Any:
    """Return a boto3 client of the embedded AWS that tries once."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service's name
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


@dataclass(frozen=True)
class Overlay:
    """`infra/aws/overlay.yaml`, read."""

    content: Json

    @classmethod
    def read(cls, path: Path) -> "Overlay":
        """Read the file as Chalice does when it packages."""
        loaded = YAMLTemplateSerializer().load_template(path.read_text(), str(path))
        return cls(json.loads(json.dumps(loaded)))  # no aliases: each use of an anchor is a value of its own

    @property
    def resources(self) -> Json:
        """What this file itself declares, of the types that one machine has."""
        return {name: one for name, one in self.content["Resources"].items() if one.get("Type") in TYPES}

    @property
    def environment(self) -> Json:
        """The environment variables of all functions, unresolved."""
        function = self.content.get("Globals", {}).get("Function", {})
        variables: Json = function.get("Environment", {}).get("Variables", {})
        return variables

    @property
    def policies(self) -> dict[str, list[Json]]:
        """The statements of each function's role, unresolved, by the function's logical id."""
        roles = {name: one.get("Properties", {}) for name, one in self.content["Resources"].items()}
        return {
            ROLES_NAMED_APART.get(name, name.removesuffix("Role")): [
                statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]
            ]
            for name, role in roles.items()
            if "Policies" in role
        }

    def function_behind(self, route: str, method: str) -> str:
        """Say which function answers a route: the one of all routes, unless the overlay names another."""
        api = self.content["Resources"].get("RestAPI", {}).get("Properties", {})
        operation = api.get("DefinitionBody", {}).get("paths", {}).get(route, {}).get(method.lower(), {})
        found = re.search(r"functions/\$\{(\w+)\.Arn\}", json.dumps(operation))
        return found[1] if found else WEB

    @cached_property
    def dead_letter_queues(self) -> set[str]:
        """Logical ids of the queues that hold what has failed for good."""
        targets = _values_under(self.content["Resources"], {"deadLetterTargetArn", "DeadLetterConfig", "OnFailure"})
        return {name for name in self.resources if any(name in _names_in(target) for target in targets)}

    def event_source(self, logical_id: str) -> Json:
        """What the overlay says about the one event source of a generated function, unresolved."""
        properties = self.content["Resources"].get(logical_id, {}).get("Properties", {})
        sources = list(properties.get("Events", {}).values())
        invocation = {name: properties[name] for name in ("EventInvokeConfig",) if name in properties}
        return {**sources[0].get("Properties", {}), **invocation} if sources else {}

    def event_sources(self) -> dict[str, Json]:
        """All patched event sources, by the logical id of their function."""
        named = {name: self.event_source(name) for name in self.content["Resources"]}
        return {name: source for name, source in named.items() if source}


def _values_under(value: Any, names: set[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for one in value for found in _values_under(one, names)]
    if not isinstance(value, dict):
        return []
    inner = [found for one in value.values() for found in _values_under(one, names)]
    return [one for name, one in value.items() if name in names] + inner


def _names_in(expression: Any) -> set[str]:
    return set(re.findall(r"\w+", json.dumps(expression)))


@dataclass(frozen=True)
class Resources:
    """What exists in the embedded AWS."""

    overlay: Overlay
    names: dict[str, str]
    environment: dict[str, str]
    event_sources: dict[str, Json]
    permissions: Permissions

    def queues(self) -> list[str]:
        """Names of all queues, in the overlay's order."""
        found = self.overlay.resources.items()
        return [self.names[name].rsplit("/", 1)[-1] for name, one in found if one["Type"] == "AWS::SQS::Queue"]

    def topic(self, *logical_ids: str) -> str:
        """The ARN of the first of these topics that the overlay declares."""
        for logical_id in logical_ids:
            if logical_id in self.names:
                return self.names[logical_id]
        raise CannotStart(f"The overlay declares none of the topics {', '.join(logical_ids)}.")


def create(overlay: Overlay, endpoint: str, parameters: Mapping[str, str]) -> Resources:
    """Create the overlay's resources, or bring them up to date, and resolve what refers to them."""
    template, keys = _template(overlay)
    cloudformation = client("cloudformation", endpoint)
    declared = template["Parameters"]
    given = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items() if k in declared]
    stack = _apply(cloudformation, json.dumps(template), given)
    names = {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    }
    _turn_on_expiry(overlay, names, endpoint)
    values = {one["OutputKey"]: _reachable(one["OutputValue"], endpoint) for one in stack.get("Outputs", [])}
    environment = {key[1]: values[output] for output, key in keys.items() if key[0] == "environment"}
    sources: dict[str, Json] = {}
    for output, key in keys.items():
        if key[0] == "source":
            sources.setdefault(key[1], {})[key[2]] = json.loads(values[output])
    allowed = {key[1]: grants_of(json.loads(values[output])) for output, key in keys.items() if key[0] == "policy"}
    return Resources(overlay, names, environment, sources, Permissions(allowed))


def _template(overlay: Overlay) -> tuple[Json, dict[str, tuple[str, ...]]]:
    known = {*overlay.resources, *overlay.content.get("Parameters", {})}
    keys: dict[str, tuple[str, ...]] = {}
    outputs: Json = {}

    def ask(value: Any, *key: str) -> None:
        output = f"Value{len(keys)}"
        keys[output], outputs[output] = key, {"Value": value}

    for name, value in overlay.environment.items():
        ask(_only_known(value, known), "environment", name)
    for function, source in overlay.event_sources().items():
        for name, value in source.items():
            ask(_as_json(_only_known(value, known)), "source", function, name)
    for function, statements in overlay.policies.items():
        ask(_as_json(_only_known(statements, known)), "policy", function)
    sections: Json = {name: overlay.content[name] for name in ("Conditions", "Mappings") if name in overlay.content}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        **sections,
        "Parameters": overlay.content.get("Parameters", {}),
        "Resources": {name: _plain(one, known) for name, one in overlay.resources.items()},
        "Outputs": outputs,
    }, keys


def _plain(resource: Json, known: set[str]) -> Json:
    kept = {name: value for name, value in resource.items() if name != "DependsOn"}
    return dict(_only_known(kept, known))


def _only_known(value: Any, known: set[str]) -> Any:
    """Put a name where an expression refers to something that one machine does not have (a key, an API)."""
    if isinstance(value, list):
        return [_only_known(one, known) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return value if _is_known(value["Ref"], known) else f"local-{value['Ref']}"
    if set(value) == {"Fn::GetAtt"}:
        parts = value["Fn::GetAtt"] if isinstance(value["Fn::GetAtt"], list) else value["Fn::GetAtt"].split(".")
        return value if parts[0] in known else f"local-{'-'.join(parts)}"
    if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        return {"Fn::Sub": re.sub(r"\$\{([^!}]+)\}", lambda found: _sub(found, known), value["Fn::Sub"])}
    return {name: _only_known(one, known) for name, one in value.items()}


def _is_known(name: str, known: set[str]) -> bool:
    return name in known or name.startswith("AWS::")


def _sub(found: re.Match[str], known: set[str]) -> str:
    return found[0] if _is_known(found[1].split(".")[0], known) else f"local-{found[1].replace('.', '-')}"


def _as_json(value: Any) -> Any:
    """Return an expression whose value is the JSON of `value`, resolved inside out by Fn::Join."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::If"):
        return {"Fn::Join": ["", ['"', value, '"']]}
    if isinstance(value, dict):
        pairs = [part for name, one in value.items() for part in (json.dumps(name) + ":", _as_json(one), ",")]
        return {"Fn::Join": ["", ["{", *pairs[:-1], "}"]]}
    if isinstance(value, list):
        parts = [part for one in value for part in (_as_json(one), ",")]
        return {"Fn::Join": ["", ["[", *parts[:-1], "]"]]}
    return json.dumps(value)


def _apply(cloudformation: Any, template: str, parameters: list[Json]) -> Json:
    request = {"StackName": STACK, "TemplateBody": template, "Parameters": parameters}
    try:
        cloudformation.create_stack(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise
        try:
            cloudformation.update_stack(**request)
        except ClientError as refusal:
            if "No updates" not in str(refusal):
                raise
    return _completed(cloudformation)


def _completed(cloudformation: Any) -> Json:
    until = time.monotonic() + CREATE_SECONDS_MAX
    while time.monotonic() < until:
        stack: Json = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        status = stack["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            break
        time.sleep(0.02)
    if not status.endswith("_COMPLETE") or "ROLLBACK" in status:
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        reasons = [e["ResourceStatusReason"] for e in events if "FAILED" in e["ResourceStatus"]]
        raise CannotStart(f"The overlay's resources could not be created ({status}): {'; '.join(reasons)}")
    return stack


def _turn_on_expiry(overlay: Overlay, names: dict[str, str], endpoint: str) -> None:
    # The embedded CloudFormation passes over this property.
    dynamodb = client("dynamodb", endpoint)
    for name, resource in overlay.resources.items():
        setting = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if not setting:
            continue
        present = dynamodb.describe_time_to_live(TableName=names[name])["TimeToLiveDescription"]
        if present["TimeToLiveStatus"] == "DISABLED":
            dynamodb.update_time_to_live(TableName=names[name], TimeToLiveSpecification=setting)


def _reachable(value: str, endpoint: str) -> str:
    # A queue's address carries the port under which the embedded AWS ran when the queue was made.
    return re.sub(r"^http://[\w.]+:\d+(?=/\d{12}/)", endpoint, value)
