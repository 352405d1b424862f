"""Merge each day's lines into one file by column, for Athena: those of the days that have changed since the last time.

Whoever writes day files notes which days they are of. A note goes when all its days are written, so a run may die at
any point: the next writes the same files again. Two runs at once do no harm: of two that write one day, whoever has
not seen what the other wrote leaves its note for the next.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from chalicelib.domain.dayfile import KINDS, Told, folder, newest
from chalicelib.errors import Conflict, TooLarge
from chalicelib.ports import DayPlace, Ports

log = logging.getLogger("lazo")

DAY_BYTES_MAX = 64_000_000
"""Of one kind and day, as they are kept: ten times as much in memory."""


@dataclass(frozen=True)
class Merged:
    """What a run came to: files written, the lines in them, days that wait for the next run, and days that failed."""

    files: int = 0
    lines: int = 0
    left: int = 0
    failed: tuple[DayPlace, ...] = ()


def merge(ports: Ports, has_time: Callable[[], bool]) -> Merged:
    """Write what has changed, oldest first, as long as there is time."""
    if ports.columns.is_empty():
        _note_all(ports)
    notes = ports.columns.notes()
    done: dict[DayPlace, int] = {}
    failed: list[DayPlace] = []
    places = sorted({place for note in notes for place in note.places})
    for place in places:
        if not has_time():
            break
        try:
            done[place] = _written(ports, *place)
        except Conflict:
            log.info("another run writes %s of %s", *place)
        except Exception:
            # One bad day holds up no other: its note stays, and whoever looks after the function is told.
            log.exception("%s of %s could not be merged", *place)
            failed.append(place)
    ports.columns.forget([note for note in notes if done.keys() >= set(note.places)])
    left = len(places) - len(done) - len(failed)
    return Merged(len(done), sum(done.values()), left, tuple(failed))


def _note_all(ports: Ports) -> None:
    """Note every day that has files, a month of a kind at a time: nothing was written yet, or all is to be anew."""
    for kind in KINDS:
        for month in _months(ports.day_files.days(kind)):
            ports.day_files.note([folder(kind, day) + "/" for day in month])


def _months(days: Iterable[str]) -> Iterable[list[str]]:
    return (list(month) for _, month in groupby(days, key=lambda day: day[: len("2026-03")]))


def _written(ports: Ports, kind: Told, day: str) -> int:
    """Write one day and return how many lines; what is there is looked at first, so that no older file replaces it."""
    stands = ports.columns.stands(kind, day)
    end = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    files = list(ports.day_files.of_days(kind, day, end))
    size = sum(file.size for file in files)
    if size > DAY_BYTES_MAX:
        raise TooLarge(f"{size:,} bytes, of at most {DAY_BYTES_MAX:,}")
    lines = newest(ports.day_files.read(files))
    ports.columns.write(kind, day, lines, over=stands)
    return len(lines)
