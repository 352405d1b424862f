"""The command line: help for people, one JSON value for programs, an exit code for both."""

import io
import json
import re
from pathlib import Path

import pytest

from infra.aws.package import PROJECT
from infra.commands.line import COMMANDS, main, parser
from infra.commands.screen import Screen
from tests.infra.small import SMALL, with_line


@pytest.fixture
def screen() -> Screen:
    return Screen(as_json=False, out=io.StringIO(), err=io.StringIO())


@pytest.fixture
def programs() -> Screen:
    return Screen(as_json=True, out=io.StringIO(), err=io.StringIO())


def said(screen: Screen) -> tuple[str, str]:
    assert isinstance(screen.out, io.StringIO)
    assert isinstance(screen.err, io.StringIO)
    return screen.out.getvalue(), screen.err.getvalue()


def test_every_command_is_in_the_help_with_a_line_of_its_own() -> None:
    text = parser().format_help()

    assert all(f"    {name}" in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])

    assert left.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_every_command_is_in_the_operators_handbook_and_nothing_else_is() -> None:
    section = (PROJECT / "docs/operating.md").read_text().split("## Commands")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for cell in first_cells for name in re.findall(r"`([a-z-]+)[^`]*`", cell)}
    assert told == set(COMMANDS)


def test_a_good_file_is_told_in_one_line(tmp_path: Path, screen: Screen) -> None:
    file = tmp_path / "company.yaml"
    file.write_text(SMALL)

    assert main(["validate", str(file)], screen) == 0
    assert said(screen)[0].startswith(f"{file} is good: 2 departments, 1 programs, 1 surveys, ")


def test_a_broken_file_fails_with_each_line_for_people(tmp_path: Path, screen: Screen) -> None:
    file = tmp_path / "company.yaml"
    file.write_text(with_line(28, "    delay: soon"))

    assert main(["validate", str(file)], screen) == 1
    assert said(screen) == (
        "",
        f"{file}:28: programs.sale.delay: must be a duration with its unit, as in 2h, 3d or PT4H, not 'soon'\n",
    )


def test_a_broken_file_fails_with_the_same_for_programs(tmp_path: Path, programs: Screen) -> None:
    file = tmp_path / "company.yaml"
    file.write_text(with_line(28, "    delay: soon"))

    assert main(["validate", str(file)], programs) == 1
    told = json.loads(said(programs)[0])
    assert told["faults"] == [
        {
            "line": 28,
            "where": "programs.sale.delay",
            "detail": "must be a duration with its unit, as in 2h, 3d or PT4H, not 'soon'",
        }
    ]


def test_what_is_worth_a_look_fails_nothing(tmp_path: Path, screen: Screen) -> None:
    file = tmp_path / "company.yaml"
    file.write_text(with_line(26, "    on: sale.close"))

    assert main(["validate", str(file)], screen) == 0
    assert said(screen)[0].startswith(f"worth a look: {file}:26: programs.sale.on[1]: sale.close is a type of its own")


def test_a_misspelt_command_is_told_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["valdate"])

    assert left.value.code == 2
    assert "choose from" in capsys.readouterr().err
