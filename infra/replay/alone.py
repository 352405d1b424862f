"""Replay an export through a system of its own, which is gone afterwards: what `make check-replay` runs."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.local.aws import CannotStart
from infra.local.prepare import lazo
from infra.local.system import LocalSystem

MAPPING = Path("examples") / "replay" / "marketplace.yaml"


def main() -> int:
    """Start, replay and compare, stop; 0 when every figure is found again."""
    file, mapping = os.environ.get("FILE", ""), os.environ.get("MAPPING") or str(MAPPING)
    if not Path(file).is_file():
        print(f"FILE must name an export that {mapping} describes: make check-replay FILE=orders.csv", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as state:
        try:
            system = LocalSystem.start(lazo(), Path(state))
        except CannotStart as error:
            print(error, file=sys.stderr)
            return 1
        try:
            command = [sys.executable, "-m", "infra", "replay", file, "--mapping", mapping, "--state", state]
            return subprocess.run(command, check=False).returncode
        finally:
            system.stop()


if __name__ == "__main__":
    sys.exit(main())
