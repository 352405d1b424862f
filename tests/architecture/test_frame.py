"""The project's own promises: commands, pinned packages, no patched tests, accepted ways to import."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {"run", "test", "check", "bench", "simulate", "simulate-mutants", "robots", "package", "deploy", "help"}
PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(\[[a-z0-9,-]+\])?==(?P<version>[\w.]+)\s*(?P<reason>#.*)?$")


def pins(name: str) -> dict[str, tuple[str, str]]:
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        if line and not line.startswith(("#", "-")):
            pin = PIN.match(line)
            assert pin, f"{name}: {line!r} is not pinned to one version"
            found[pin["name"].lower().replace("_", "-")] = (pin["version"], pin["reason"] or "")
    return found


def test_help_has_one_line_for_each_command() -> None:
    said = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^make ([a-z-]+) +\S", said, re.MULTILINE)
    assert len(lines) == len(set(lines))
    assert set(lines) >= COMMANDS


def test_every_page_is_in_the_index_and_no_link_between_pages_leads_nowhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    targets = {page: re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()) for page in pages}
    lost = [f"{page.name}: {to}" for page, found in targets.items() for to in found if not (page.parent / to).exists()]
    assert lost == []
    told = {(ROOT / "docs" / to).resolve() for to in targets[ROOT / "docs/README.md"]}
    assert told >= set((ROOT / "docs").glob("*.md")) - {ROOT / "docs/README.md"}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_each_package_is_pinned_and_says_why_it_is_there(name: str) -> None:
    without = [package for package, (_, reason) in pins(name).items() if not reason and package != "boto3-stubs"]
    assert without == []


def test_what_is_pinned_by_hand_agrees_with_the_constraints() -> None:
    constraints = {package: version for package, (version, _) in pins("constraints.txt").items()}
    for name in ("requirements.txt", "requirements-dev.txt"):
        for package, (version, _) in pins(name).items():
            assert constraints[package] == version, package


def test_nothing_ships_that_the_runtime_has_or_only_building_needs() -> None:
    shipped = set(pins("requirements.txt"))
    assert shipped.isdisjoint({"boto3", "botocore", "chalice", "holidays", "babel", "mjml-python", "pyyaml"})


def test_no_test_patches_what_it_tests() -> None:
    banned = re.compile(r"mock\.patch|import patch\b")
    found = [
        path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py") if banned.search(path.read_text())
    ]
    assert [path for path in found if path != "tests/architecture/test_frame.py"] == []


def test_each_accepted_lint_exception_has_its_reason() -> None:
    bare = re.compile(r"# (noqa(: [A-Z0-9, ]+)?|type: ignore(\[[a-z, -]+\])?)$", re.MULTILINE)
    places = [path for folder in ("chalicelib", "infra") for path in (ROOT / folder).rglob("*.py")]
    assert [path.relative_to(ROOT).as_posix() for path in places if bare.search(path.read_text())] == []
