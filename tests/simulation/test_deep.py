"""The real consumers and adapters keep the same invariants over the embedded AWS."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.simulation, pytest.mark.embedded]

ROOT = Path(__file__).parents[2]
STORM = 6
"""Deaths, errors, races and duplicates at once."""


def test_the_real_consumers_and_adapters_keep_every_invariant() -> None:
    # In a process of its own: what it puts in place of ports and clocks reaches no other test.
    command = [sys.executable, "-m", "tests.simulation", "--deep", "--seed", str(STORM)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "no violation" in ended.stdout
