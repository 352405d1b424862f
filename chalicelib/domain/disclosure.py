"""Hide small cells, and as many others as it takes that no sum of what is visible gives one away.

Whoever reads all that is visible has a system of linear equations: its unknowns are how many responses each series had
before each date at which a period begins, and each visible cell is one equation, the difference of two of them (for a
total: summed over its parts). A hidden cell can be worked out exactly when it is a combination of visible ones.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from chalicelib.domain.period import Interval, end_of, periods, start_of

SMALL_MAX = 4
"""The highest number of responses that is told to nobody who may not read single answers."""

CLOSED: tuple[Interval, ...] = ("quarter", "month", "week")
"""The intervals that such readers see, once they have ended."""

TOTAL = ""
"""The row of the total: no part has an empty name."""

PRIME = 2**61 - 1  # numbers modulo a prime never grow; that two differ by just this many is out of the question

Daily = Mapping[date, int]
Place = tuple[str, Interval, date]
"""A cell by its row, its interval and its first day."""

Vector = dict[int, int]
"""Factors by unknown, none of them 0."""


def hidden(total: Daily, parts: Mapping[str, Daily], today: date) -> frozenset[Place]:
    """Return which closed cells of a total and of the parts that add up to it are not told.

    Cells are decided in the order in which they close, knowing what was told before and nothing of what comes, so that
    what is decided stays. The total is decided alone: it is the same whatever it is split by.
    """
    days = [day for daily in (total, *parts.values()) for day, n in daily.items() if n > 0]
    if not days:
        return frozenset()
    calendar = _Calendar.since(start_of(min(days), "quarter"), today)
    of_total = _Telling(calendar, {TOTAL: total}).decided()
    if not parts:
        return of_total
    return of_total | _Telling(calendar, parts, split={place[1:] for place in of_total}).decided()


@dataclass(frozen=True)
class _Calendar:
    """The closed periods since the first answer's quarter, and the dates at which they begin and end."""

    periods: tuple[tuple[Interval, date, date], ...]
    dates: tuple[date, ...]
    place: dict[date, int]

    @classmethod
    def since(cls, first: date, today: date) -> "_Calendar":
        closed = tuple(
            (interval, max(start, first), end_of(start, interval))
            for interval in CLOSED
            for start in periods(first, today, interval)
            if end_of(start, interval) <= today
        )
        dates = tuple(sorted({each for _, start, end in closed for each in (start, end)}))
        return cls(closed, dates, {at: place for place, at in enumerate(dates)})

    def before_each_date(self, daily: Daily) -> list[int]:
        """Return how many of a series there were before each date."""
        between = [0] * len(self.dates)
        for day, n in daily.items():
            place = bisect_right(self.dates, day)
            if place < len(between):
                between[place] += n
        return list(accumulate(between))


@dataclass(frozen=True, slots=True)
class _Cell:
    row: str
    interval: Interval
    start: date
    end: date
    n: int

    @property
    def place(self) -> Place:
        """The cell's name; the first week may have begun before there was anything to count."""
        return self.row, self.interval, start_of(self.start, self.interval)

    @property
    def is_small(self) -> bool:
        return 0 < self.n <= SMALL_MAX

    @property
    def order(self) -> tuple[int, int, str]:
        """Larger cells are told first, so that the next smallest is the one to go."""
        return -self.n, CLOSED.index(self.interval), self.row


class _Telling:
    """Decides cell by cell what is told of some rows, and of their total where it is split into them."""

    def __init__(
        self, calendar: _Calendar, rows: Mapping[str, Daily], split: set[tuple[Interval, date]] | None = None
    ) -> None:
        self.calendar = calendar
        self.rows = {row: place for place, row in enumerate(sorted(rows))}
        self.cells = [cell for row, daily in rows.items() for cell in self._cells(row, daily)]
        self.total_hidden = split
        self.hidden: set[Place] = set()
        self.known = _Known()

    def _cells(self, row: str, daily: Daily) -> Iterator[_Cell]:
        before, place = self.calendar.before_each_date(daily), self.calendar.place
        for interval, start, end in self.calendar.periods:
            yield _Cell(row, interval, start, end, max(0, before[place[end]] - before[place[start]]))

    def decided(self) -> frozenset[Place]:
        """Return what is hidden once every period has closed."""
        ending: dict[date, list[_Cell]] = defaultdict(list)
        for cell in self.cells:
            ending[cell.end].append(cell)
        for at in self.calendar.dates:
            self._close(at, sorted(ending[at], key=lambda cell: cell.order))
        return frozenset(self.hidden)

    def _close(self, at: date, cells: Sequence[_Cell]) -> None:
        self._close_totals(at)
        for cell in cells:
            if cell.is_small:
                self._hide(cell)
        for cell in cells:
            if not cell.is_small and not self.known.tell(self._vector([cell.row], cell.start, cell.end)):
                self._hide(cell)
        self._open_totals(at)

    def _hide(self, cell: _Cell) -> None:
        self.hidden.add(cell.place)
        self.known.protect(self._vector([cell.row], cell.start, cell.end))

    def _open_totals(self, at: date) -> None:
        """Reckon with the totals of the periods that begin: what is told of the parts meanwhile must bear them."""
        for _, start, end in self.calendar.periods if self.total_hidden is not None else ():
            if start == at:
                self.known.tell(self._vector(self.rows, start, end))

    def _close_totals(self, at: date) -> None:
        """Take back the totals that are hidden after all; the parts must not tell of them."""
        told: list[Vector] = []
        gone: list[Vector] = []
        for interval, start, end in self.calendar.periods if self.total_hidden is not None else ():
            if end == at:
                is_gone = (interval, start_of(start, interval)) in (self.total_hidden or ())
                (gone if is_gone else told).append(self._vector(self.rows, start, end))
        if gone or not all(vector in self.known.told for vector in told):
            self.known.settle(told, gone)

    def _vector(self, rows: Iterable[str], start: date, end: date) -> Vector:
        first, last, width = self.calendar.place[start], self.calendar.place[end], len(self.rows)
        ends = {last * width + self.rows[row]: 1 for row in rows}
        return ends | {first * width + self.rows[row]: PRIME - 1 for row in rows}


class _Known:
    """What follows from all that was told: equations solved for their latest unknowns, each of them in one only."""

    def __init__(self) -> None:
        self.told: list[Vector] = []
        self.solved: dict[int, Vector] = {}
        self.protected: list[Vector] = []
        self.open: list[Vector] = []

    def tell(self, vector: Vector) -> bool:
        """Add an equation, unless something that is protected would follow from it."""
        new = _scaled(self._reduced(vector))
        if new and new in self.open:
            return False
        self.told.append(vector)
        if new:
            self._solve(new)
        return True

    def protect(self, vector: Vector) -> None:
        """Let nothing be told any more from which this would follow; too late where it does already."""
        left = _scaled(self._reduced(vector))
        if left:
            self.protected.append(vector)
            self.open.append(left)

    def settle(self, told: Sequence[Vector], hidden: Sequence[Vector]) -> None:
        """Take equations back that were reckoned with but are hidden after all, and add those that were told."""
        known = [each for each in self.told if each not in hidden and each not in told]
        protected = [*self.protected, *hidden]
        self.told, self.solved, self.protected, self.open = [], {}, [], []
        for vector in (*known, *told):
            self.tell(vector)
        for vector in protected:
            self.protect(vector)

    def _solve(self, new: Vector) -> None:
        unknown = max(new)
        for other, solution in self.solved.items():
            if unknown in solution:
                self.solved[other] = _less(solution, new, solution[unknown])
        self.open = [_scaled(_less(left, new, left[unknown])) if unknown in left else left for left in self.open]
        self.solved[unknown] = new

    def _reduced(self, vector: Vector) -> Vector:
        left = vector
        for unknown, factor in vector.items():
            if unknown in self.solved:
                left = _less(left, self.solved[unknown], factor)
        return left


def _less(vector: Vector, other: Vector, factor: int) -> Vector:
    """Return vector - factor · other."""
    left = dict(vector)
    for unknown, value in other.items():
        total = (left.get(unknown, 0) - factor * value) % PRIME
        if total:
            left[unknown] = total
        else:
            left.pop(unknown, None)
    return left


def _scaled(vector: Vector) -> Vector:
    """Return the vector with a factor of 1 for its latest unknown, so that equal equations look alike."""
    if not vector:
        return vector
    inverse = pow(vector[max(vector)], -1, PRIME)
    return {unknown: value * inverse % PRIME for unknown, value in vector.items()}
