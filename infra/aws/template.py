"""Check, complete and lint the template that Chalice generated and merged with the overlay."""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cfnlint.api import lint_file
from cfnlint.config import ManualArgs
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

Template = dict[str, Any]

# What cfn-lint reports and we accept, each with its reason.
ACCEPTED: dict[str, str] = {}

_SHARED = ("CodeUri", "Runtime", "Architectures")


class BadTemplate(Exception):
    """The template must not be deployed; `problems` says why, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def check(template: Template) -> None:
    """Raise BadTemplate for patches that patch nothing and for functions without a policy of their own.

    A mistyped name in the overlay is added silently by the merge, and both lints pass it.
    """
    problems = [
        *_stray_resources(template),
        *_stray_events(template),
        *_stray_methods(template),
        *_bare_roles(template),
        *_mixed(template, ""),
    ]
    if problems:
        raise BadTemplate(problems)


def _stray_resources(template: Template) -> Iterator[str]:
    for name, resource in template["Resources"].items():
        if "Type" not in resource:
            yield f"Resources.{name}: the overlay patches it, but Chalice generated no such resource."


def _stray_events(template: Template) -> Iterator[str]:
    for name, resource in template["Resources"].items():
        for event, source in resource.get("Properties", {}).get("Events", {}).items():
            if "Type" not in source:
                yield f"Resources.{name}.Events.{event}: the overlay patches it, but Chalice generated no such trigger."


def _stray_methods(template: Template) -> Iterator[str]:
    body = template["Resources"].get("RestAPI", {}).get("Properties", {}).get("DefinitionBody", {})
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if "type" not in operation.get("x-amazon-apigateway-integration", {}):
                yield f"{method.upper()} {path}: the overlay patches it, but the app has no such route and method."


def _bare_roles(template: Template) -> Iterator[str]:
    for name, resource in template["Resources"].items():
        for policy in resource.get("Properties", {}).get("Policies", []):
            if any(statement["Effect"] == "Deny" for statement in policy["PolicyDocument"]["Statement"]):
                yield f"Resources.{name}: the overlay gives this function no policy, so it could do nothing."


def _mixed(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        functions = [key for key in value if key == "Ref" or key.startswith("Fn::")]
        if functions and len(value) > 1:
            yield f"{place}: the overlay's {functions[-1]} was merged into Chalice's {functions[0]}: give the latter."
        for key, inner in value.items():
            yield from _mixed(inner, f"{place}.{key}".lstrip("."))


def complete(template: Template) -> Template:
    """Return a copy in which the overlay's own functions run the same code as Chalice's, without shared parts.

    Chalice writes YAML with aliases, which CloudFormation does not read; what is returned is plain JSON.
    """
    plain: Template = json.loads(json.dumps(template))
    model = plain["Resources"]["APIHandler"]["Properties"]
    for resource in plain["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            for key in _SHARED:
                resource["Properties"].setdefault(key, copy.deepcopy(model[key]))
    return plain


class _NoManagedPolicies(ManagedPolicyLoader):
    """Names of managed policies are looked up in AWS; this template uses none."""

    def __init__(self) -> None:
        """Need no client of AWS."""

    def load(self) -> dict[str, str]:
        return {}


def translate(template: Template, parameters: dict[str, str]) -> Template:
    """Return the plain CloudFormation template that AWS will make of this SAM template."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    source = json.loads(json.dumps(template))
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "to-be-uploaded", "Key": "deployment.zip"}
    try:
        translated: Template = transform(source, parameters, _NoManagedPolicies())
    except InvalidDocumentException as invalid:
        raise BadTemplate([cause.message for cause in invalid.causes]) from invalid
    return translated


def lint(path: Path) -> None:
    """Raise BadTemplate with whatever cfn-lint has to say about this file."""
    matches = lint_file(path, config=ManualArgs(regions=["us-east-1"], ignore_checks=list(ACCEPTED)))
    if matches:
        raise BadTemplate([f"{path.name}:{match.linenumber}: {match.rule.id} {match.message}" for match in matches])
