"""Plant bugs, one at a time, in a scratch copy, and show which invariant catches each: the test of the test."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.simulation.planted import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
SEEDS_MAX = 500
NO_BUG = Mutant("no bug", ())
CONTROL_SEEDS = 8  # one of each profile
COPIED = ("chalicelib", "tests/simulation")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.po", "test_*.py")


@dataclass(frozen=True)
class Caught:
    """What caught a planted bug: after how many seeds, and which invariant; None when nothing did."""

    mutant: Mutant
    seeds: int
    invariant: str | None


class DoesNotApply(Exception):
    """A patch's old text is not there exactly once: the code has moved on, and the patch must follow."""


class NotSound(Exception):
    """Without any bug the simulation ends badly: whatever it would catch proves nothing."""


def plant(mutant: Mutant, root: Path) -> None:
    """Write a bug into a copy. Raises DoesNotApply."""
    for patch in mutant.patches:
        path = root / "chalicelib" / patch.path
        text = path.read_text()
        if text.count(patch.old) != 1:
            raise DoesNotApply(f"{mutant.name}: {patch.path} has {text.count(patch.old)} times {patch.old!r}")
        path.write_text(text.replace(patch.old, patch.new))


def check_patches() -> None:
    """Raise DoesNotApply for the first patch whose place is gone, or SyntaxError where it leaves no Python."""
    for mutant in MUTANTS:
        changed: dict[str, str] = {}
        for patch in mutant.patches:
            text = changed.get(patch.path) or (ROOT / "chalicelib" / patch.path).read_text()
            if text.count(patch.old) != 1:
                raise DoesNotApply(f"{mutant.name}: {patch.path} has {text.count(patch.old)} times {patch.old!r}")
            changed[patch.path] = text.replace(patch.old, patch.new)
        for path, text in changed.items():
            compile(text, f"{path} with “{mutant.name}”", "exec")


def copy(source: Path, root: Path) -> None:
    """Copy what the simulation consists of."""
    for part in COPIED:
        shutil.copytree(source / part, root / part, ignore=LEFT_OUT)
    (root / "tests" / "__init__.py").touch()


def check_sound(source: Path) -> None:
    """Raise NotSound unless some seeds go by without a bug."""
    found = hunt(NO_BUG, CONTROL_SEEDS, source)
    if found.invariant:
        raise NotSound(f"without any bug: {found.invariant}")


def hunt(mutant: Mutant, seeds: int, source: Path) -> Caught:
    """Return what catches a bug, living through seed after seed in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        copy(source, root)
        plant(mutant, root)
        command = [sys.executable, "-m", "tests.simulation.hunt", str(seeds)]
        ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if ended.returncode:
        # What does not even run was not found out by an invariant: a bug like that proves nothing.
        raise DoesNotApply(f"{mutant.name}: {ended.stderr.strip()[-200:] or f'ended with {ended.returncode}'}")
    told = json.loads(ended.stdout)
    return Caught(mutant, told["seeds"], told["invariant"])


def main(*, seeds: int = SEEDS_MAX, workers: int = 2, names: tuple[str, ...] = ()) -> int:
    """Plant each bug, and print what caught it; returns 1 when one survived."""
    check_patches()
    console = Console()
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    caught = []
    with tempfile.TemporaryDirectory() as scratch:
        # As it is now: whoever goes on working meanwhile changes no bug under the simulation's hands.
        source = Path(scratch)
        copy(ROOT, source)
        check_sound(source)
        for each in track(_all(chosen, seeds, workers, source), "planted bugs", total=len(chosen), console=console):
            caught.append(each)
            console.print(f"{each.mutant.name}: {each.invariant or 'survives'} ({each.seeds} seeds)", markup=False)
    table = Table("planted bug", "caught by", "seeds", title="What caught which")
    for each in caught:
        table.add_row(each.mutant.name, each.invariant or "[red]nothing[/red]", str(each.seeds))
    console.print(table)
    survivors = [each.mutant.name for each in caught if each.invariant is None]
    console.print(
        f"{len(caught) - len(survivors)} of {len(caught)} caught; survivors: {', '.join(survivors) or 'none'}"
    )
    return 1 if survivors else 0


def _all(chosen: list[Mutant], seeds: int, workers: int, source: Path) -> Iterator[Caught]:
    with ThreadPoolExecutor(workers) as pool:
        hunts = [pool.submit(hunt, mutant, seeds, source) for mutant in chosen]
        yield from (done.result() for done in as_completed(hunts))


if __name__ == "__main__":
    sys.exit(main(names=tuple(sys.argv[1:])))
