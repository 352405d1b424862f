"""Bring all that another stage held into this one, which has asked nobody yet, and go on from there.

The file is from `export --everything`. Old links open, timers go on, late duplicates ask nobody again, and no other
program is told anything twice; counters derive from this stage's own stream. Run it again after an interruption.
"""

import argparse
from itertools import islice
from pathlib import Path

from infra import items, stage_file
from infra.commands import connection
from infra.commands.screen import Bar, Failed, Screen

WRITTEN_AT_ONCE = 25


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and which system."""
    parser.add_argument("file", type=Path, help="what `export --everything` has written")
    parser.add_argument("--take-over", action="store_true", help="the stage that it is from sends nothing any more")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Write what the file holds, when it is whole and this stage has its secrets."""
    if not options.take_over:
        raise Failed(
            "What was planned there will be sent from here. Stop that stage first (docs/operating.md, moving a stage), "
            "so that nobody is written to twice; then say --take-over."
        )
    system = connection.connect(options)
    count = _fitting(options.file)
    with screen.progress("Writing items", count) as bar:
        there = _restored(options.file, bar)
    if system.local:
        system.local.ask("/_local/settle", {})
    screen.say(f"{count:,} items, {there:,} of them here already; `python -m infra reconcile` compares the counters.")
    screen.result({"items": count, "there": there})
    return 0


def _fitting(file: Path) -> int:
    """Return how many items a file has. Raises Failed for one that is not whole, or keyed by other secrets."""
    try:
        secrets, count = stage_file.check(file)
    except stage_file.NotWhole as error:
        raise Failed(str(error), file=str(file)) from None
    if missing := secrets.missing_in(stage_file.known()):
        raise Failed(
            f"This stage does not have the {', '.join(missing)} of that one: nobody would be found again, and no link "
            "would open. Copy both secrets first (docs/operating.md, moving a stage).",
            missing=missing,
        )
    return count


def _restored(file: Path, bar: Bar) -> int:
    """Write the wording first, since all else is counted by it; return how many items were there already."""
    for image in stage_file.read(file):
        if items.is_wording(image):
            items.restore_wording(image)
            bar.step()
    rest = (image for image in stage_file.read(file) if not items.is_wording(image))
    there = 0
    while images := list(islice(rest, WRITTEN_AT_ONCE)):
        there += items.restore(images)
        bar.step(len(images))
    return there
