"""Write what was answered, decided and mended into day files, as the table's stream tells of it.

Nothing here is done exactly once, and nothing has to be: a line that is written twice is read once, by its version.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from chalicelib.domain.dayfile import KINDS, Line, file_name, lines_of, newest, shape_of
from chalicelib.ports import Change, Ports

log = logging.getLogger("lazo")


@dataclass(frozen=True)
class Told:
    """What a batch of the stream came to: lines handed over, records that could not be read."""

    lines: int
    untold: int


def tell(ports: Ports, changes: Sequence[Change]) -> Told:
    """Hand over a line for each item that tells something new. Raises Overloaded; the batch then comes again."""
    shape = shape_of(ports.library.organisation())
    lines: list[Line] = []
    untold = 0
    for change in changes:
        try:
            lines += lines_of(change.old, change.new, shape)
            untold += not change.readable
        except (TypeError, ValueError):  # whatever an unknown writer left: the others go on
            log.exception("record %s tells nothing that could be filed", change.sequence)
            untold += 1
    last = newest(lines)
    if last:
        ports.day_files.hand_over(last)
    return Told(len(last), untold)


def write(ports: Ports, lines: Sequence[Line]) -> int:
    """Write a file for each kind and day among some lines; return how many."""
    groups = [(key, list(group)) for key, group in groupby(newest(lines), key=lambda line: (line.kind, line.day))]
    for (kind, day), group in groups:
        ports.day_files.write(kind, day, group)
    # After the files: who dies between has its lines come again, and a note before them could be taken away too early.
    ports.day_files.note([file_name(kind, day, group) for (kind, day), group in groups if kind in KINDS])
    return len(groups)
