"""Live through many seeds on several cores, and tell what they found."""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing import get_context

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.simulation.simulation import Result, simulate

TOLD_EVERY = 100
"""How many seeds go by without a word where no progress bar can be drawn."""


def live(seeds: Sequence[int], *, days: int, events: int, workers: int) -> Iterator[Result]:
    """Yield what became of each seed, in order."""
    one = partial(simulate, days=days, events=events, story=False)
    if len(seeds) <= 1:
        yield from map(one, seeds)
        return
    one(seeds[0], days=1, events=10)  # builds what all of them need
    # Each in a copy of this process, which ends with it: nothing is ever taken apart, nor looked through for that.
    with get_context("fork").Pool(workers, gc.disable, maxtasksperchild=1) as pool:
        yield from pool.imap(one, seeds)


def live_with_progress(seeds: Sequence[int], *, days: int, events: int, workers: int) -> list[Result]:
    """Return what became of each seed, showing how far we are and what was found so far."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    found: list[Result] = []
    with Progress(*columns) as progress:
        task = progress.add_task("seeds", total=len(seeds))
        for result in live(seeds, days=days, events=events, workers=workers):
            found.append(result)
            if result.violation:
                progress.console.print(
                    f"[red]seed {result.seed} ({result.profile}): {result.violation}[/red]", markup=True
                )
            progress.advance(task)
            if not progress.console.is_terminal and len(found) % TOLD_EVERY == 0:
                print(totals(found), flush=True)
    return found


def totals(results: Sequence[Result]) -> str:
    """Return in a few lines what was lived through."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    violated = [result for result in results if result.violation]
    cpu = sum(result.cpu_seconds for result in results)
    lived = ", ".join(
        f"{counts[name]:,} {name}" for name in ("invitations", "sent", "answered", "cases", "moves", "runs")
    )
    return (
        f"{len(results)} seeds, {len(violated)} with a violation; {lived};"
        f" {cpu:.0f} s of CPU, {cpu / max(1, len(results)):.2f} s each"
    )
