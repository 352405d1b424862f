"""Say what the functions of a deployed stage are told: the names of all that its stack holds."""

from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

WEB = "APIHandler"


class NotDeployed(Exception):
    """There is no such stage where we look, or we may not look; the message says what to do."""


def stack_of(stage: str) -> str:
    """Return the name of a stage's stack."""
    return f"lazo-{stage}"


def environment(stage: str, region: str | None = None) -> dict[str, str]:
    """Return the environment of a stage's functions, and its region. Raises NotDeployed."""
    try:
        session = boto3.Session(region_name=region)
        told = told_to_functions(session.client("cloudformation"), session.client("lambda"), stage)
    except (BotoCoreError, ClientError) as error:
        raise NotDeployed(
            f"The stage {stage!r} cannot be looked at ({error}). Is it deployed (`make deploy STAGE={stage}`), and are "
            "AWS_PROFILE and AWS_REGION those of its account?"
        ) from None
    return {**told, "AWS_DEFAULT_REGION": str(session.region_name)}


def told_to_functions(stacks: "CloudFormationClient", functions: Any, stage: str) -> dict[str, str]:
    """Return the environment of a stage's functions."""
    found = stacks.describe_stack_resource(StackName=stack_of(stage), LogicalResourceId=WEB)
    name = found["StackResourceDetail"].get("PhysicalResourceId", "")
    return dict(functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"])
