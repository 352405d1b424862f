"""Run the small application as `make run` runs Lazo, for tests that stop and kill it."""

import sys

from infra.local.run import main
from tests.local.sample import SAMPLE

if __name__ == "__main__":
    sys.exit(main(SAMPLE))
