"""The first start on a strange machine: one clear sentence for what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.aws.package import PROJECT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "infra").mkdir()
    for name in ("Makefile", "infra/prepare.sh", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def make(clone: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | environment
    done = subprocess.run(["make", *arguments], cwd=clone, env=kept, capture_output=True, text=True)
    return done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("make:")]


@pytest.mark.parametrize("target", ["run", "check", "package"])
def test_an_old_python_is_named_with_what_is_needed(clone: Path, target: str) -> None:
    old = clone / "python3.9"
    old.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.18'\nexit 1\n")
    old.chmod(0o755)
    code, said = make(clone, target, f"PYTHON={old}")
    assert code != 0
    assert said == [
        f"Lazo needs Python 3.11 or newer, and {old} is Python 3.9.18: install a newer one, "
        "or name yours with PYTHON=/path/to/python3.11."
    ]


def test_a_python_that_is_not_there_is_said_to_be_missing(clone: Path) -> None:
    code, said = make(clone, "run", "PYTHON=/nowhere/python3")
    assert code != 0
    assert len(said) == 1
    assert "/nowhere/python3 is not found" in said[0]


@pytest.mark.parametrize("target", ["test", "robots"])
def test_without_a_chromium_the_tests_stop_before_anything_is_installed(clone: Path, target: str) -> None:
    code, said = make(clone, target, "CHROMIUM=/nowhere/chromium")
    assert code != 0
    assert len(said) == 1
    assert "apt-get install chromium" in said[0]
    assert not (clone / ".venv").exists()


def test_without_a_network_the_first_start_says_so_and_the_next_one_tries_again(clone: Path) -> None:
    (clone / "requirements-dev.txt").write_text("a-package-of-nowhere==1.0\n")
    index = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    code, said = make(clone, "run", **index, PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="")
    assert code != 0
    assert len(said) == 1
    assert said[0].startswith("The package index cannot be reached: connect this machine to the network")
    assert not (clone / ".venv/.ready").exists()
