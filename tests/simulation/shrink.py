"""Make a failing seed's story short: leave out all that it does without."""

from collections.abc import Callable

from tests.simulation.simulation import Result, simulate

RUNS_MAX = 160


def shrink(
    result: Result, *, days: int, events: int, note: Callable[[int, int], None] = lambda left, runs: None
) -> Result:
    """Return the same violation with as little happening as we find (delta debugging, Zeller and Hildebrandt 2002)."""
    best = simulate(result.seed, days=days, events=events)
    names = list(dict.fromkeys(best.happened))
    excluded: frozenset[str] = frozenset()
    runs, size = 0, max(1, len(names) // 2)
    while size and runs < RUNS_MAX:
        place, shorter = 0, False
        while place < len(names) and runs < RUNS_MAX:
            part = frozenset(names[place : place + size])
            tried = simulate(result.seed, days=days, events=events, excluded=excluded | part)
            runs += 1
            if tried.invariant == result.invariant:
                excluded, best, shorter = excluded | part, tried, True
                names = [name for name in dict.fromkeys(tried.happened) if name not in excluded]
                note(len(names), runs)
            else:
                place += size
        if not shorter or size > 1:
            size //= 2
    return best
