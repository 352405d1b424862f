"""Draw the code that hangs at a counter: whoever scans it answers there, without a name.

Counters are in the organisation's file, under `counters`. The code is good until the counter's id changes or it leaves
the file; print it again after the oldest link key was taken away.
"""

import argparse
from pathlib import Path

import segno

from chalicelib.ports import Ticket
from infra.commands import connection
from infra.commands.screen import Failed, Screen
from infra.organisation_checks import nearest

SCALE = 8  # of a drawing that is printed at any size


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add which counter, where to draw, and which system."""
    parser.add_argument("counter", help="the counter's id in the organisation's file")
    parser.add_argument("--svg", type=Path, help="the file to draw the code in")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Say where the counter's page is, and draw its code."""
    system = connection.connect(options)
    organisation = system.ports.library.organisation()
    counter = organisation.counter(options.counter)
    if counter is None:
        known = [each.id for each in organisation.counters]
        there = nearest(options.counter, known) or f"; there is {', '.join(known) or 'none'}"
        raise Failed(f"There is no counter {options.counter!r}{there}", known=known)
    page = system.ports.links.url("counter", Ticket(counter.ticket))
    if options.svg:
        draw(page, options.svg)
        screen.say(f"The code of {counter.id} is in {options.svg}.")
    screen.say(f"Its page: {page}")
    screen.result({"counter": counter.id, "page": page, "svg": str(options.svg) if options.svg else None})
    return 0


def draw(page: str, file: Path) -> None:
    """Draw a page's address as a code that a phone reads from paper, even when a quarter of it is torn."""
    segno.make_qr(page, error="q").save(str(file), kind="svg", scale=SCALE)
