"""A replay runs an export through the whole running system, and every figure that the file gives is found again."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.system import LocalSystem

PROJECT = Path(__file__).resolve().parents[2]
MADE_UP = PROJECT / "tests" / "infra" / "made_up.csv"
MAPPING = PROJECT / "examples" / "replay" / "marketplace.yaml"


def infra(*arguments: object) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "infra", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.embedded
def test_every_equality_holds_and_a_second_replay_changes_no_item(lazo: LocalSystem) -> None:
    code, told = infra("replay", MADE_UP, "--mapping", MAPPING, "--state", lazo.state, "--twice")

    assert (code, told["holds"]) == (0, True), told
    assert told["events"] == {"sent": 9, "accepted": 9, "rejected": []}
    assert told["answers"] == {"given": 5}
    assert {check["claim"]: check["found"] for check in told["checks"]} == {
        "Answers, each counted once": 5,
        "Answers of 1": 1,
        "Answers of 2": 1,
        "Answers of 3": 1,
        "Answers of 4": 1,
        "Answers of 5": 1,
        "Answers of 1 or 2, each with one case": 2,
        "Cases of other answers, or second ones": 0,
        "Cases whose department has no reason": 0,
        "Local months": 2,
        "Local months whose CSAT or interval differs": 0,
        "Months by state": 3,
        "Months by state whose CSAT or interval differs": 0,
        "Months by promise kept": 3,
        "Months by promise kept whose CSAT or interval differs": 0,
        "Items changed by a second replay": 0,
    }


@pytest.mark.embedded
def test_a_clock_that_cannot_go_back_is_told_with_what_to_do(lazo: LocalSystem, tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    first.write_text("\n".join(MADE_UP.read_text().splitlines()[:2]))
    infra("replay", first, "--mapping", MAPPING, "--state", lazo.state)
    other = tmp_path / "mapping.yaml"
    other.write_text(MAPPING.read_text().replace("window: 60d", "window: 30d"))
    (tmp_path / "marketplace-organisation.yaml").write_text(
        (MAPPING.parent / "marketplace-organisation.yaml").read_text()
    )

    code, told = infra("replay", MADE_UP, "--mapping", other, "--state", lazo.state)

    assert code == 1
    assert told["error"] == (
        "Events have been accepted here already, so the clock cannot go back: start with FRESH=1 make run."
    )


@pytest.mark.embedded
def test_try_sends_a_survey_whose_page_opens(lazo: LocalSystem) -> None:
    code, told = infra("try", "--program", "sale", "--to", "me@example.com", "--state", lazo.state, "--local")
    lazo.journey.move_to(lazo.clock.now() + timedelta(days=4))  # past any night, Sunday and holiday

    assert code == 0
    mails = list(lazo.mailbox.messages(to="me@example.com"))
    assert any(told["page"] in mail["text"] or told["page"] in mail["html"] for mail in mails)


@pytest.mark.embedded
def test_publish_puts_a_file_in_force_and_gives_new_departments_a_token(lazo: LocalSystem) -> None:
    file = MAPPING.parent / "marketplace-organisation.yaml"

    code, told = infra("publish", file, "--state", lazo.state, "--local")
    again, unchanged = infra("publish", file, "--state", lazo.state, "--local")

    assert (code, told["changed"]) == (0, True)
    assert (again, unchanged["changed"]) == (0, False)
    assert "returns" in json.loads((lazo.state / "tokens.json").read_text())["api"]


def test_a_machine_on_which_nothing_runs_is_told_so(tmp_path: Path) -> None:
    code, told = infra("publish", MAPPING.parent / "marketplace-organisation.yaml", "--state", tmp_path, "--local")

    assert code == 1
    assert told["error"] == (
        f"No system runs here ({tmp_path}/): start one with `make run`, or name a stage on AWS with --stage."
    )
