"""Deploying refuses early, before anything changes, and says what to do; then it changes only what was agreed to."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.aws import deploy as deploying
from infra.aws.deploy import deploy, main
from infra.aws.preflight import CannotDeploy, check_packaged, lost
from tests.infra.small import SMALL

STAGE = {"PublicUrl": "https://encuestas.tuerca.example", "MailDomain": "example.com", "LogDays": "30"}
TEMPLATE = {
    "Parameters": {
        "Stage": {},
        "PublicUrl": {"AllowedPattern": "https?://[^/ ]+", "Description": "What links begin with."},
        "MailDomain": {"Default": ""},
        "LogDays": {"Default": 30, "AllowedValues": [7, 30]},
    }
}
CHANGE = "arn:aws:cloudformation:us-east-1:000000000000:changeSet/c"
CHANGING = ("mb", "package", "deploy", "execute-change-set", "delete-stack")
"""Words of calls that change something, or prepare to."""

# Stands for the AWS CLI: notes each call, and answers what the test has laid down for its first words.
AWS = f"""#!{sys.executable}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "calls.jsonl", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
answers = json.loads((here / "answers.json").read_text())
code, text = answers.get(" ".join(sys.argv[1:3]), [0, ""])
print(text, file=sys.stderr if code else sys.stdout)
sys.exit(code)
"""

Json = dict[str, Any]


def change(name: str, action: str, replacement: str = "False") -> Json:
    """One line of a change set."""
    told = {"LogicalResourceId": name, "Action": action, "Replacement": replacement, "ResourceType": "AWS::X"}
    return {"ResourceChange": told}


class Account:
    """An AWS account, as its command line shows it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, list[Any]] = {
            "cloudformation describe-stacks": [0, "UPDATE_COMPLETE"],
            "sesv2 get-email-identity": [0, json.dumps({"VerifiedForSendingStatus": True})],
            "sts get-caller-identity": [0, "000000000000"],
            "cloudformation deploy": [0, f"Changeset created: {CHANGE}"],
            "cloudformation describe-change-set": [0, json.dumps({"Changes": [change("Due", "Modify")]})],
        }
        (folder / "bin").mkdir()
        (folder / "bin/aws").write_text(AWS)
        (folder / "bin/aws").chmod(0o755)

    def says(self, call: str, text: object, code: int = 0) -> None:
        """Lay down what a call answers."""
        self.answers[call] = [code, text if isinstance(text, str) else json.dumps(text)]

    def project(self, **parameters: str) -> Path:
        """Return a project with a stage that is packaged."""
        (self.folder / "bin/answers.json").write_text(json.dumps(self.answers))
        stages, out = self.folder / "infra/aws/stages", self.folder / "build/package/dev"
        stages.mkdir(parents=True, exist_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        (stages / "dev.json").write_text(json.dumps({**STAGE, **parameters}))
        (out / "template.json").write_text(json.dumps(TEMPLATE))
        return self.folder

    def calls(self) -> list[list[str]]:
        """Return what was asked of AWS."""
        noted = self.folder / "bin/calls.jsonl"
        return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []

    def changed(self) -> list[str]:
        """Return the calls that change something."""
        return [call[1] for call in self.calls() if call[1] in CHANGING]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Account(tmp_path)


@pytest.fixture
def organisation(tmp_path: Path) -> str:
    (tmp_path / "tuerca.yaml").write_text(SMALL + "admins: [ana@example.com]\n")
    return str(tmp_path / "tuerca.yaml")


def yes(question: str) -> str:
    return "yes"


def no(question: str) -> str:
    return "no"


# ---- refused before anything changes


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "nowhere"]) == 1
    assert "no stage 'nowhere'" in capsys.readouterr().err


def test_a_missing_aws_cli_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotDeploy, match="AWS CLI is not installed"):
        check_packaged("dev", tmp_path)


def test_what_was_not_packaged_is_not_deployed(account: Account) -> None:
    with pytest.raises(CannotDeploy, match="make package STAGE=dev first"):
        check_packaged("dev", account.folder)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"PublicUrl": ""}, "PublicUrl is missing: What links begin with"),
        ({"PublicUrl": "https://lazo-dev.example.com"}, "PublicUrl is still an example"),
        ({"PublicUrl": "encuestas"}, "PublicUrl must look like"),
        ({"LogDays": "8"}, "LogDays must be one of 7, 30, and is '8'"),
        ({"MailDomian": "example.com"}, "no parameter MailDomian"),
    ],
)
def test_parameters_that_are_missing_or_wrong_are_named(
    account: Account, parameters: dict[str, str], said: str
) -> None:
    with pytest.raises(CannotDeploy, match=said):
        deploy("dev", None, project=account.project(**parameters), ask=yes)
    assert account.calls() == []


def test_a_first_deployment_needs_an_organisation(account: Account) -> None:
    account.says("cloudformation describe-stacks", "Stack with id lazo-dev does not exist", 254)
    with pytest.raises(CannotDeploy, match="Which organisation"):
        deploy("dev", None, project=account.project(), ask=yes)
    assert account.changed() == []


def test_an_organisation_with_faults_is_refused_with_their_lines(account: Account, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(SMALL.replace("arbiter: sales", "arbiter: nobody"))
    with pytest.raises(CannotDeploy, match="nobody"):
        deploy("dev", str(tmp_path / "wrong.yaml"), project=account.project(), ask=yes)
    assert account.changed() == []


def test_an_organisation_in_which_nobody_administers_is_refused(account: Account, tmp_path: Path) -> None:
    (tmp_path / "nobody.yaml").write_text(SMALL)
    with pytest.raises(CannotDeploy, match="nobody under `admins`"):
        deploy("dev", str(tmp_path / "nobody.yaml"), project=account.project(), ask=yes)
    assert account.changed() == []


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name lazo-dev --region us-east-1"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name lazo-dev"),
        ("UPDATE_IN_PROGRESS", "wait until that is done"),
    ],
)
def test_a_stack_that_cannot_be_changed_now_is_said_to_be_so(
    account: Account, organisation: str, status: str, advice: str
) -> None:
    account.says("cloudformation describe-stacks", status)
    with pytest.raises(CannotDeploy, match=advice):
        deploy("dev", organisation, project=account.project(), ask=yes)
    assert account.changed() == []


def test_a_region_that_nobody_names_is_asked_for(
    account: Account, organisation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    account.says("configure get", "", 1)
    with pytest.raises(CannotDeploy, match="In which region"):
        deploy("dev", organisation, project=account.project(), ask=yes)


def test_a_sender_that_ses_has_not_verified_is_refused_with_the_records_to_publish(
    account: Account, organisation: str
) -> None:
    waiting = {"VerifiedForSendingStatus": False, "DkimAttributes": {"Tokens": ["t1", "t2"]}}
    account.says("sesv2 get-email-identity", waiting)
    with pytest.raises(CannotDeploy, match=r"t1\._domainkey\.example\.com CNAME t1\.dkim\.amazonses\.com"):
        deploy("dev", organisation, project=account.project(), ask=yes)
    assert account.changed() == []


def test_a_sender_that_nobody_will_ever_verify_is_refused(account: Account, organisation: str) -> None:
    account.says("sesv2 get-email-identity", "An error occurred (NotFoundException)", 254)
    with pytest.raises(CannotDeploy, match=r'say "MailDomain": "example\.com"'):
        deploy("dev", organisation, project=account.project(MailDomain=""), ask=yes)
    assert account.changed() == []


def test_a_failure_of_aws_is_no_missing_identity(account: Account, organisation: str) -> None:
    account.says("sesv2 get-email-identity", "An error occurred (AccessDeniedException)", 254)
    with pytest.raises(CannotDeploy, match=r"sesv2 get-email-identity failed: .*AccessDenied"):
        deploy("dev", organisation, project=account.project(), ask=yes)
    assert account.changed() == []


# ---- prepared, and taken back


def test_a_change_that_would_replace_the_table_is_taken_back(account: Account, organisation: str) -> None:
    account.says("cloudformation describe-change-set", {"Changes": [change("Table", "Modify", "True")]})
    with pytest.raises(CannotDeploy, match="replace or remove Table"):
        deploy("dev", organisation, project=account.project(), ask=yes)
    assert "execute-change-set" not in account.changed()
    assert ["cloudformation", "delete-change-set", "--change-set-name", CHANGE, "--region", "us-east-1"] in (
        account.calls()
    )


def test_a_no_changes_nothing_and_leaves_no_empty_stack(account: Account, organisation: str) -> None:
    account.says("cloudformation describe-stacks", "Stack with id lazo-dev does not exist", 254)
    with pytest.raises(CannotDeploy, match="Nothing was changed"):
        deploy("dev", organisation, project=account.project(), ask=no)
    assert account.changed() == ["package", "deploy", "delete-stack"]


def test_not_even_a_bucket_is_made_unasked(account: Account, organisation: str) -> None:
    account.says("s3api head-bucket", "An error occurred (404) when calling HeadBucket: Not Found", 254)
    with pytest.raises(CannotDeploy, match="Nothing was changed"):
        deploy("dev", organisation, project=account.project(), ask=no)
    assert account.changed() == []


# ---- changed


def test_a_yes_changes_the_stack_and_waits_for_it(account: Account, organisation: str) -> None:
    project = account.project()
    wanted = deploying.prepared("dev", organisation, project=project)
    assert deploying.update(wanted, "UPDATE_COMPLETE", yes) == "lazo-dev is deployed."
    made = [call for call in account.calls() if call[1] in ("execute-change-set", "wait")]
    assert [call[:3] for call in made] == [
        ["cloudformation", "execute-change-set", "--change-set-name"],
        ["cloudformation", "wait", "stack-update-complete"],
    ]
    (prepared,) = [call for call in account.calls() if call[1] == "deploy"]
    assert "--no-execute-changeset" in prepared
    assert "PublicUrl=https://encuestas.tuerca.example" in prepared
    assert "Stage=dev" in prepared


def test_a_new_stack_is_waited_for_as_such(account: Account, organisation: str) -> None:
    wanted = deploying.prepared("dev", organisation, project=account.project())
    deploying.update(wanted, "", yes)
    assert ["cloudformation", "wait", "stack-create-complete"] in [call[:3] for call in account.calls()]


def test_where_nothing_changes_nobody_is_asked(account: Account, organisation: str) -> None:
    account.says("cloudformation deploy", "No changes to deploy. Stack lazo-dev is up to date")
    wanted = deploying.prepared("dev", organisation, project=account.project())
    assert deploying.update(wanted, "UPDATE_COMPLETE", no) == "lazo-dev is up to date."


def test_a_change_that_would_lose_what_is_stored_is_found() -> None:
    changes = [
        change("Table", "Modify", "True"),
        change("DayFiles", "Remove"),
        change("LinkKeys", "Modify"),
        change("Intake", "Modify", "True"),
        change("Secrets", "Modify", "Conditional"),
    ]
    assert lost(changes) == ["Table", "DayFiles", "Secrets"]


def test_a_new_stack_loses_nothing() -> None:
    assert lost([change("Table", "Add")]) == []
