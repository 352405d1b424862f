"""Refuse a deployment that would fail or harm, before anything is changed."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.organisation import Organisation
from infra import organisation as organisations
from infra.aws.deployed import stack_of
from infra.marked_yaml import Unreadable
from infra.organisation_checks import nearest

KEPT = frozenset({"Table", "DayFiles", "LinkKeys", "Secrets"})
"""What holds data: a change that replaces or removes one of these is never made."""

Json = dict[str, Any]


class CannotDeploy(Exception):
    """Nothing was changed; the message says what to do."""


class NotThere(CannotDeploy):
    """AWS says that it has no such thing."""


_UNKNOWN = ("NotFoundException", "ResourceNotFoundException", "does not exist", "Not Found", "404")


def aws(*arguments: str) -> str:
    """Run the AWS CLI and return what it prints. Raises CannotDeploy, or NotThere."""
    done = subprocess.run(["aws", *arguments], capture_output=True, text=True)
    if done.returncode:
        said = f"aws {' '.join(arguments[:2])} failed: {done.stderr.strip()}"
        raise NotThere(said) if any(word in done.stderr for word in _UNKNOWN) else CannotDeploy(said)
    return done.stdout.strip()


@dataclass(frozen=True)
class Wanted:
    """What somebody wants deployed: a packaged stage, and the organisation to publish, if any."""

    stage: str
    out: Path
    values: Mapping[str, str]
    organisation: Organisation | None
    region: str

    @property
    def stack(self) -> str:
        """The stack's name."""
        return stack_of(self.stage)


def check_packaged(stage: str, out: Path) -> Json:
    """Return the packaged template. Raises CannotDeploy when there is none, or no AWS CLI."""
    if not shutil.which("aws"):
        raise CannotDeploy("The AWS CLI is not installed: see https://docs.aws.amazon.com/cli/.")
    if not (out / "template.json").exists():
        raise CannotDeploy(f"Nothing is packaged for this stage: make package STAGE={stage} first.")
    found: Json = json.loads((out / "template.json").read_text())
    return found


def check_parameters(stage: str, values: Mapping[str, str], declared: Mapping[str, Json]) -> None:
    """Raise CannotDeploy for parameters that are missing, unknown, examples, or not what the template takes."""
    faults = [*_unknown(values, declared), *_missing(values, declared), *_unfit(values, declared)]
    if "example.com" in values.get("PublicUrl", ""):
        faults.append("PublicUrl is still an example: give your own")
    if faults:
        raise CannotDeploy(f"infra/aws/stages/{stage}.json: {'; '.join(faults)}.")


def _unknown(values: Mapping[str, str], declared: Mapping[str, Json]) -> Iterable[str]:
    return (f"there is no parameter {name}{nearest(name, declared)}" for name in values if name not in declared)


def _missing(values: Mapping[str, str], declared: Mapping[str, Json]) -> Iterable[str]:
    for name, one in declared.items():
        if "Default" not in one and not values.get(name):
            yield f"{name} is missing: {one.get('Description', 'it has no default')}"


def _unfit(values: Mapping[str, str], declared: Mapping[str, Json]) -> Iterable[str]:
    for name, value in values.items():
        one = declared.get(name, {})
        allowed, pattern = one.get("AllowedValues"), one.get("AllowedPattern")
        if allowed and value not in map(str, allowed):
            yield f"{name} must be one of {', '.join(map(str, allowed))}, and is {value!r}"
        elif pattern and value and not re.fullmatch(pattern, value):
            yield f"{name} must look like {pattern}, and is {value!r}"


def read_organisation(file: str | None) -> Organisation | None:
    """Return what ORG names. Raises CannotDeploy for a file that cannot be published."""
    if not file:
        return None
    try:
        return organisations.load(Path(file), datetime.now(UTC).date()).organisation
    except Unreadable as error:
        raise CannotDeploy(f"The organisation cannot be published:\n{error}") from None


def stack_status(wanted: Wanted) -> str:
    """Return the stack's status, empty when there is none yet."""
    where = ("--stack-name", wanted.stack, "--region", wanted.region)
    try:
        return aws("cloudformation", "describe-stacks", *where, "--query", "Stacks[0].StackStatus", "--output", "text")
    except NotThere:
        return ""


def check_status(wanted: Wanted, status: str) -> None:
    """Raise CannotDeploy for a stack that CloudFormation would not change now, with what to do first."""
    where = f"--stack-name {wanted.stack} --region {wanted.region}"
    if status == "ROLLBACK_COMPLETE":
        raise CannotDeploy(
            f"The first deployment of {wanted.stack} failed and was taken back; such a stack cannot be changed. Why it "
            f"failed: aws cloudformation describe-stack-events {where}. Then remove what is left of it "
            f"(aws cloudformation delete-stack {where}) and deploy again."
        )
    if status.endswith("_FAILED"):
        raise CannotDeploy(
            f"{wanted.stack} is stuck ({status}): see why with aws cloudformation describe-stack-events {where}, mend "
            f"that, and let it go back (aws cloudformation continue-update-rollback {where}) before you deploy."
        )
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise CannotDeploy(f"{wanted.stack} is being changed already ({status}): wait until that is done.")


def region_of(given: Mapping[str, str]) -> str:
    """Return the region that is meant. Raises CannotDeploy when nothing names one."""
    named = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION")
    if named:
        return named
    try:
        return aws("configure", "get", "region")
    except CannotDeploy:
        raise CannotDeploy("In which region? Set AWS_REGION, or aws configure set region.") from None


def check_organisation(wanted: Wanted, status: str) -> None:
    """Raise CannotDeploy for a first deployment without an organisation, or one in which nobody administers."""
    if wanted.organisation is None and status in ("", "REVIEW_IN_PROGRESS"):
        raise CannotDeploy(f"Which organisation? make deploy STAGE={wanted.stage} ORG=my-company.yaml")
    if wanted.organisation and not wanted.organisation.admins:
        raise CannotDeploy("The organisation names nobody under `admins`: who shall sign in first?")


def check_sender(wanted: Wanted) -> None:
    """Raise CannotDeploy while the mails of the organisation would be refused: SES has not verified who sends them."""
    if wanted.organisation is None:
        return
    sender = wanted.organisation.sender.email
    domain = sender.rpartition("@")[2]
    found = [known for known in (_identity(name, wanted.region) for name in (sender, domain)) if known]
    if any(known["VerifiedForSendingStatus"] for known in found):
        return
    if found:
        raise CannotDeploy(f"SES has not verified {domain} yet, so no mail would leave. {records(domain, found[-1])}")
    if wanted.values.get("MailDomain") != domain:
        raise CannotDeploy(
            f"SES does not know {domain}, from which the organisation sends ({sender}): "
            f'say "MailDomain": "{domain}" in infra/aws/stages/{wanted.stage}.json and the stack holds it.'
        )


def _identity(name: str, region: str) -> Json:
    try:
        found: Json = json.loads(aws("sesv2", "get-email-identity", "--email-identity", name, "--region", region))
    except NotThere:
        return {}
    return found


def records(domain: str, identity: Json) -> str:
    """Say which records prove to SES that a domain is ours."""
    tokens = identity.get("DkimAttributes", {}).get("Tokens", [])
    told = [f"\n  {token}._domainkey.{domain} CNAME {token}.dkim.amazonses.com" for token in tokens]
    return "Publish these records and deploy again when SES has seen them:" + "".join(told)


def lost(changes: Iterable[Json]) -> list[str]:
    """Return what a change set would replace or remove although it holds data."""
    found = (change["ResourceChange"] for change in changes)
    return [
        change["LogicalResourceId"]
        for change in found
        if change["LogicalResourceId"] in KEPT
        and (change.get("Replacement", "False") != "False" or change["Action"] == "Remove")
    ]
