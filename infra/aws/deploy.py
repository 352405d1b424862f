"""Deploy a packaged stage with the AWS CLI, asking before any change: `python -m infra.aws.deploy --stage dev`.

Refuses before anything changes what would fail halfway; afterwards publishes the organisation, lets its administrator
in, and sends a trial survey through the whole stack.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from infra.aws import deployed, first_steps, preflight
from infra.aws.package import PROJECT, CannotPackage, parameters
from infra.aws.preflight import CannotDeploy, Json, NotThere, Wanted, aws

NOT_YET = ("", "REVIEW_IN_PROGRESS")

Ask = Callable[[str], str]


def prepared(stage: str, organisation: str | None, *, project: Path) -> Wanted:
    """Return what is wanted, when all that can be checked beforehand is well. Raises CannotDeploy."""
    values = parameters(project, stage)
    out = project / "build/package" / stage
    packaged = preflight.check_packaged(stage, out)
    preflight.check_parameters(stage, values, packaged["Parameters"])
    published = preflight.read_organisation(organisation)
    return Wanted(stage, out, values, published, preflight.region_of(os.environ))


def agreed(ask: Ask, question: str) -> None:
    """Raise CannotDeploy unless somebody says yes."""
    if ask(f"{question} [yes/no] ").strip().lower() != "yes":
        raise CannotDeploy("Nothing was changed.")


def artefact_bucket(wanted: Wanted, ask: Ask) -> str:
    """Return the private bucket of this account for zips, made on first use."""
    account = aws("sts", "get-caller-identity", "--query", "Account", "--output", "text")
    name = f"lazo-artefacts-{account}-{wanted.region}"
    try:
        aws("s3api", "head-bucket", "--bucket", name)
    except NotThere:
        agreed(ask, f"Make the private bucket {name}, which holds what is deployed?")
        aws("s3", "mb", f"s3://{name}", "--region", wanted.region)
    return name


def change_set(wanted: Wanted, bucket: str) -> str:
    """Upload the zip and prepare the change, without making it; return its ARN, empty when nothing changes."""
    source, ready = str(wanted.out / "template.json"), str(wanted.out / "uploaded.json")
    upload = ("--s3-bucket", bucket, "--s3-prefix", wanted.stage, "--use-json", "--output-template-file", ready)
    aws("cloudformation", "package", "--template-file", source, *upload)
    given = ["--parameter-overrides", *(f"{name}={value}" for name, value in wanted.values.items())]
    stack = ["--stack-name", wanted.stack, "--template-file", ready, "--s3-bucket", bucket, "--region", wanted.region]
    options = ["--capabilities", "CAPABILITY_IAM", "--no-execute-changeset", "--no-fail-on-empty-changeset"]
    said = aws("cloudformation", "deploy", *stack, *options, *given)
    return next((word for word in said.split() if word.startswith("arn:")), "")


def changes_of(change: str, region: str) -> list[Json]:
    """Return what a change set would change."""
    found = aws("cloudformation", "describe-change-set", "--change-set-name", change, "--region", region)
    return list(json.loads(found)["Changes"])


def drop(wanted: Wanted, change: str, status: str) -> None:
    """Take a prepared change back, and the empty stack that the first one leaves."""
    aws("cloudformation", "delete-change-set", "--change-set-name", change, "--region", wanted.region)
    if status in NOT_YET:
        aws("cloudformation", "delete-stack", "--stack-name", wanted.stack, "--region", wanted.region)


def review(wanted: Wanted, change: str, ask: Ask) -> None:
    """Show a change, and have it agreed to. Raises CannotDeploy for one that loses what is stored."""
    changes = changes_of(change, wanted.region)
    if lost := preflight.lost(changes):
        raise CannotDeploy(
            f"This would replace or remove {', '.join(lost)}, and with it what is stored: not done. Undo that part of "
            "the change; another table or bucket is another stage, beside this one."
        )
    for each in changes:
        print("{Action:8} {LogicalResourceId} ({ResourceType})".format(**each["ResourceChange"]))
    agreed(ask, f"Change the stack {wanted.stack} in {wanted.region}?")


def execute(wanted: Wanted, change: str, status: str) -> None:
    """Make the prepared change and wait until it is done."""
    where = ("--stack-name", wanted.stack, "--region", wanted.region)
    aws("cloudformation", "execute-change-set", "--change-set-name", change, "--region", wanted.region)
    aws("cloudformation", "wait", f"stack-{'create' if status in NOT_YET else 'update'}-complete", *where)


def update(wanted: Wanted, status: str, ask: Ask) -> str:
    """Bring the stack up to date; return what became of it."""
    change = change_set(wanted, artefact_bucket(wanted, ask))
    if not change:
        return f"{wanted.stack} is up to date."
    try:
        review(wanted, change, ask)
    except CannotDeploy:
        drop(wanted, change, status)
        raise
    execute(wanted, change, status)
    return f"{wanted.stack} is deployed."


def deploy(stage: str, organisation: str | None, *, project: Path = PROJECT, ask: Ask = input) -> list[str]:
    """Show what would change, ask, change it, and take the first steps in it; return what to tell."""
    wanted = prepared(stage, organisation, project=project)
    status = preflight.stack_status(wanted)
    preflight.check_status(wanted, status)
    preflight.check_organisation(wanted, status)
    preflight.check_sender(wanted)
    print(update(wanted, status, ask))
    os.environ.update(deployed.environment(wanted.stage, wanted.region))
    return first_steps.take(wanted.organisation)


def main(arguments: list[str] | None = None) -> int:
    """Deploy a stage from the command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.aws.deploy", description=__doc__)
    parser.add_argument("--stage", default="dev", help="one of infra/aws/stages/ (default: dev)")
    parser.add_argument("--org", default=os.environ.get("ORG"), help="the organisation to publish (default: ORG)")
    options = parser.parse_args(arguments)
    try:
        for line in deploy(options.stage, options.org):
            print(line)
    except (CannotDeploy, CannotPackage, deployed.NotDeployed, first_steps.NotRight) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
