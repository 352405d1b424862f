"""Run the simulation: many seeds with a progress bar, or one seed exactly, with its story."""

import argparse
import os
import sys

from rich.console import Console

from tests.simulation import crash_points, mutants
from tests.simulation.batch import live_with_progress, totals
from tests.simulation.shrink import shrink
from tests.simulation.simulation import Result, simulate

console = Console()
STORY_LINES_MAX = 400


def main() -> int:
    """Do what the command line, or the Makefile's variables, ask for."""
    given = _arguments()
    if given.mutants:
        return mutants.main(seeds=given.seeds or mutants.SEEDS_MAX, workers=given.workers)
    if given.pairs:
        return crash_points.main(workers=given.workers)
    if given.deep:
        return _deep(given)
    if given.seed is not None:
        return _one(given)
    results = live_with_progress(
        range(given.first, given.first + (given.seeds or 300)),
        days=given.days,
        events=given.events,
        workers=given.workers,
    )
    console.print(totals(results))
    violated = [result for result in results if result.violation]
    for result in violated[: given.stories]:
        _gift(result, given)
    return 1 if violated else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=_variable("SEEDS"), help="how many seeds (300)")
    parser.add_argument("--first", type=int, default=_variable("FIRST") or 0, help="the first of them (0)")
    parser.add_argument("--seed", type=int, default=_variable("SEED"), help="replay this one exactly, with its story")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--workers", type=int, default=_variable("WORKERS") or 2)
    parser.add_argument("--stories", type=int, default=3, help="of how many violations to tell a shrunk story (3)")
    parser.add_argument("--whole", action="store_true", help="with --seed: the whole story instead of its end")
    parser.add_argument("--mutants", action="store_true", help="plant bugs, and show which invariant catches each")
    parser.add_argument(
        "--deep",
        action="store_true",
        default=bool(_variable("DEEP")),
        help="run the real entrypoints and adapters over the embedded AWS, short lives of 50 events",
    )
    parser.add_argument(
        "--pairs",
        action="store_true",
        default=bool(_variable("PAIRS")),
        help="kill the process at every pair of calls of each main flow",
    )
    return parser.parse_args()


def _variable(name: str) -> int | None:
    value = os.environ.get(name, "")
    return int(value) if value else None


def _one(given: argparse.Namespace) -> int:
    result = simulate(given.seed, days=given.days, events=given.events)
    if result.violation:
        _gift(result, given)
        return 1
    story = result.story if given.whole else result.story[-20:]
    console.print("\n".join(story), markup=False, highlight=False)
    console.print(f"seed {result.seed} ({result.profile}): no violation, hash {result.hash}, {result.counts}")
    return 0


def _deep(given: argparse.Namespace) -> int:
    from infra.local.prepare import lazo  # here, as all that follows: the fast depth needs no embedded AWS
    from infra.local.testing import running
    from tests.simulation.deep import simulate_deep

    seeds = [given.seed] if given.seed is not None else range(given.first, given.first + (given.seeds or 1))
    violated = 0
    with running(lazo()) as system:
        for seed in seeds:
            result = simulate_deep(seed, system)
            violated += result.violation is not None
            if result.violation or given.whole:
                console.print("\n".join(result.story[-STORY_LINES_MAX:]), markup=False, highlight=False)
            console.print(
                f"deep seed {seed} ({result.profile}): {result.violation or 'no violation'},"
                f" hash {result.hash}, {result.counts}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
    return 1 if violated else 0


def _gift(result: Result, given: argparse.Namespace) -> None:
    """Tell a violation as a short story."""
    with console.status(f"shrinking seed {result.seed}") as status:
        short = shrink(
            result,
            days=given.days,
            events=given.events,
            note=lambda left, runs: status.update(f"shrinking seed {result.seed}: {left} things left, {runs} runs"),
        )
    console.rule(f"seed {result.seed} ({result.profile}), hash {result.hash}")
    console.print(f"step {len(short.happened)}: {result.violation}", style="red", markup=False)
    console.print("\n".join(short.story[-STORY_LINES_MAX:]), markup=False, highlight=False)
    console.print(f"replay: make simulate SEED={result.seed}")


if __name__ == "__main__":
    sys.exit(main())
