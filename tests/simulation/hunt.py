"""Live through seeds until one is violated, and say which invariant it was: what runs in a mutant's copy."""

import json
import sys

from tests.simulation.simulation import simulate

DAYS, EVENTS = 12, 160
"""A shorter life than a whole seed's: most bugs need few days, and many lives find more than long ones."""


def main() -> None:
    """Print how many seeds it took, and the invariant."""
    most = int(sys.argv[1])
    for seed in range(most):
        result = simulate(seed, days=DAYS, events=EVENTS, story=False)
        if result.violation:
            print(json.dumps({"seeds": seed + 1, "invariant": result.invariant}))
            return
    print(json.dumps({"seeds": most, "invariant": None}))


if __name__ == "__main__":
    main()
