"""Say whether an organisation's file can be published, and on which line what would be right."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra import organisation as organisations
from infra.commands.screen import Failed, Screen
from infra.marked_yaml import Fault, Unreadable


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file."""
    parser.add_argument("file", type=Path, help="the organisation, as in examples/tornillo.yaml")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Read the file and tell what is in it."""
    loaded = checked(options.file, screen)
    found = loaded.organisation
    counts = {
        "departments": len(found.departments),
        "programs": len(found.programs),
        "surveys": len(found.surveys),
        "holidays": len(found.calendar.holidays),
    }
    screen.say(f"{options.file} is good: {', '.join(f'{count} {name}' for name, count in counts.items())}.")
    warnings = [fact(warning) for warning in loaded.warnings]
    screen.result({"file": str(options.file), "name": found.name, **counts, "warnings": warnings})
    return 0


def checked(file: Path, screen: Screen) -> organisations.Loaded:
    """Return what a file holds, saying what is worth a look. Raises Failed with every fault."""
    try:
        loaded = organisations.load(file, datetime.now(UTC).date())
    except Unreadable as error:
        raise Failed(str(error), file=error.file, faults=[fact(fault) for fault in error.faults]) from None
    screen.say(*(f"worth a look: {warning.said(str(file))}" for warning in loaded.warnings))
    return loaded


def fact(fault: Fault) -> dict[str, Any]:
    """Return a fault for programs."""
    return {"line": fault.line, "where": fault.where, "detail": fault.text}
