"""Deploying refuses early, before anything changes, and says what to do."""

import json
from pathlib import Path

import pytest

from infra.aws.deploy import CannotDeploy, check_ready, main, replaced


def change(name: str, action: str, replacement: str = "False") -> dict[str, dict[str, str]]:
    return {"ResourceChange": {"LogicalResourceId": name, "Action": action, "Replacement": replacement}}


@pytest.fixture
def path_with_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "aws").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "nowhere"]) == 1
    assert "no stage 'nowhere'" in capsys.readouterr().err


def test_a_missing_aws_cli_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotDeploy, match="AWS CLI is not installed"):
        check_ready(tmp_path, {"Stage": "dev", "PublicUrl": "https://lazo.example.org"})


def test_what_was_not_packaged_is_not_deployed(path_with_aws: Path) -> None:
    with pytest.raises(CannotDeploy, match="make package STAGE=dev first"):
        check_ready(path_with_aws, {"Stage": "dev", "PublicUrl": "https://lazo.example.org"})


def test_the_example_address_is_not_deployed(path_with_aws: Path) -> None:
    (path_with_aws / "template.json").write_text(json.dumps({}))
    with pytest.raises(CannotDeploy, match="an example as PublicUrl"):
        check_ready(path_with_aws, {"Stage": "dev", "PublicUrl": "https://lazo-dev.example.com"})


def test_a_change_that_would_lose_what_is_stored_is_found() -> None:
    changes = [
        change("Table", "Modify", "True"),
        change("DayFiles", "Remove"),
        change("LinkKeys", "Modify"),
        change("Intake", "Modify", "True"),
        change("Secrets", "Modify", "Conditional"),
    ]
    assert replaced(changes) == ["Table", "DayFiles", "Secrets"]


def test_a_new_stack_loses_nothing() -> None:
    assert replaced([change("Table", "Add")]) == []
