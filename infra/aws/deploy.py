"""Deploy a packaged stage with the AWS CLI, asking before any change: `python -m infra.aws.deploy --stage dev`."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.aws.package import PROJECT, CannotPackage, parameters


class CannotDeploy(Exception):
    """Nothing was changed; the message says what to do."""


def aws(*arguments: str) -> str:
    """Run the AWS CLI and return what it prints."""
    done = subprocess.run(["aws", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise CannotDeploy(f"aws {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def check_ready(out: Path, values: dict[str, str]) -> None:
    """Raise CannotDeploy while something that AWS would refuse halfway is still missing."""
    if not shutil.which("aws"):
        raise CannotDeploy("The AWS CLI is not installed: see https://docs.aws.amazon.com/cli/.")
    if not (out / "template.json").exists():
        raise CannotDeploy(f"Nothing is packaged for this stage: make package STAGE={values['Stage']} first.")
    if "example.com" in values["PublicUrl"]:
        raise CannotDeploy(f"infra/aws/stages/{values['Stage']}.json still has an example as PublicUrl: give your own.")


def artefact_bucket(account: str, region: str) -> str:
    """Return the private bucket of this account for zips, made on first use."""
    name = f"lazo-artefacts-{account}-{region}"
    known = subprocess.run(["aws", "s3api", "head-bucket", "--bucket", name], capture_output=True)
    if known.returncode:
        aws("s3", "mb", f"s3://{name}", "--region", region)
    return name


def change_set(stage: str, out: Path, values: dict[str, str], region: str) -> str:
    """Upload the zip and prepare the change, without making it; return what the AWS CLI says of it."""
    account = aws("sts", "get-caller-identity", "--query", "Account", "--output", "text")
    bucket = artefact_bucket(account, region)
    source, ready = str(out / "template.json"), str(out / "uploaded.json")
    upload = ("--s3-bucket", bucket, "--s3-prefix", stage, "--use-json", "--output-template-file", ready)
    aws("cloudformation", "package", "--template-file", source, *upload)
    given = ["--parameter-overrides", *(f"{name}={value}" for name, value in values.items())]
    stack = ["--stack-name", f"lazo-{stage}", "--template-file", ready, "--s3-bucket", bucket, "--region", region]
    options = ["--capabilities", "CAPABILITY_IAM", "--no-execute-changeset", "--no-fail-on-empty-changeset"]
    return aws("cloudformation", "deploy", *stack, *options, *given)


def replaced(changes: list[dict[str, dict[str, str]]]) -> list[str]:
    """Return what the change set would replace or remove although it holds data."""
    kept = {"Table", "DayFiles", "LinkKeys", "Secrets"}
    found = (change["ResourceChange"] for change in changes)
    return [
        change["LogicalResourceId"]
        for change in found
        if change["LogicalResourceId"] in kept
        and (change.get("Replacement", "False") != "False" or change["Action"] == "Remove")
    ]


def execute(stage: str, change: str, region: str) -> None:
    """Make the prepared change and wait until it is done."""
    where = ("--stack-name", f"lazo-{stage}", "--region", region)
    status = aws("cloudformation", "describe-stacks", *where, "--query", "Stacks[0].StackStatus", "--output", "text")
    kind = "create" if status == "REVIEW_IN_PROGRESS" else "update"
    aws("cloudformation", "execute-change-set", "--change-set-name", change, "--region", region)
    aws("cloudformation", "wait", f"stack-{kind}-complete", *where)


def deploy(stage: str, *, project: Path = PROJECT) -> str:
    """Show what would change, ask, and change it."""
    values = parameters(project, stage)
    out = project / "build/package" / stage
    check_ready(out, values)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or aws("configure", "get", "region")
    said = change_set(stage, out, values, region)
    if "arn:" not in said:
        return "Nothing to change."
    arn = next(word for word in said.split() if word.startswith("arn:"))
    changes = json.loads(aws("cloudformation", "describe-change-set", "--change-set-name", arn, "--region", region))
    if lost := replaced(changes["Changes"]):
        raise CannotDeploy(f"This would replace or remove {', '.join(lost)}, and with it what is stored: not done.")
    for change in changes["Changes"]:
        print("{Action:8} {LogicalResourceId} ({ResourceType})".format(**change["ResourceChange"]))
    if input(f"Change the stack lazo-{stage} in {region}? [yes/no] ") != "yes":
        return "Nothing was changed."
    execute(stage, arn, region)
    return f"lazo-{stage} is deployed."


def main(arguments: list[str] | None = None) -> int:
    """Deploy a stage from the command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.aws.deploy", description=__doc__)
    parser.add_argument("--stage", default="dev", help="one of infra/aws/stages/ (default: dev)")
    options = parser.parse_args(arguments)
    try:
        print(deploy(options.stage))
    except (CannotDeploy, CannotPackage) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
