"""Compute what a number of surveys a day asks of each key, function and quota: `python -m infra.aws.scale`.

docs/scale.md holds the result and says what breaks first; a test holds the page against this arithmetic, and the spread
over keys that it takes for granted against the code that spreads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.lane import Limits
from chalicelib.flows.work import SWEEP_MAX

SIZES = (100, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
"""Surveys a day."""

KEY_WRITES_MAX = 1_000
"""Write units a second that DynamoDB gives to one key."""

HOURS_OPEN = 12  # nobody is written to at night
PEAK = 2  # the busiest second against the mean of those hours
ANSWERED, CASES = 0.2, 0.02

UNITS_PER_SURVEY = 9  # writes with counters, case and one reminder, as `make bench` counts them, rounded up
INDEX_WRITES_PER_SURVEY = 4  # of the due index: planned, moved to its reminder (out and in), ended
RECORDS_PER_SURVEY = 4  # of the stream
RECORDS_PER_BATCH = 100
LISTED_PER_CASE = 4  # writes of a department's list: opened, its date moved (out and in), resolved
BATCH_UNITS = 4  # of a batch's own item; beside it, a share of its lane's
UNEVEN = 1.5  # the fullest of a few lanes or shards against the mean

INTAKE_SECONDS = 0.03  # an event's wall time: five calls of the table
SEND_SECONDS = 0.065  # a send's: four calls of the table, one of SES
PAGE_SECONDS = 0.03


@dataclass(frozen=True)
class Load:
    """What one size asks in its busiest second."""

    a_day: int
    surveys: float
    due_shard_writes: float
    lane_units: float
    department_writes: float
    table_units: float
    intake_at_once: int
    send_at_once: int
    web_at_once: int

    @property
    def hottest_key(self) -> float:
        """Write units a second of the busiest key there is."""
        return max(self.due_shard_writes, self.lane_units, self.department_writes)


def load(a_day: int, *, due_shards: int = keys.DUE_SHARDS, lanes: int = keys.LANES) -> Load:
    """Return what surveys of a day ask in their busiest second; one department leads every case."""
    surveys = a_day / (HOURS_OPEN * 3600) * PEAK
    batches = surveys * RECORDS_PER_SURVEY / RECORDS_PER_BATCH
    return Load(
        a_day=a_day,
        surveys=surveys,
        due_shard_writes=surveys * INDEX_WRITES_PER_SURVEY / due_shards,
        lane_units=batches / lanes * UNEVEN * (BATCH_UNITS + Limits().bytes_max / 1024 / Limits().batches),
        department_writes=surveys * CASES * LISTED_PER_CASE,
        table_units=surveys * UNITS_PER_SURVEY,
        intake_at_once=ceil(surveys * INTAKE_SECONDS),
        send_at_once=ceil(surveys * SEND_SECONDS),
        web_at_once=ceil(surveys * ANSWERED * 2 * PAGE_SECONDS),
    )


def largest_day(*, due_shards: int = keys.DUE_SHARDS, lanes: int = keys.LANES) -> int:
    """Return how many surveys a day keep every key within its writes, as the code stands."""
    return int(KEY_WRITES_MAX / (load(1_000_000, due_shards=due_shards, lanes=lanes).hottest_key / 1_000_000))


def seconds_to_send(due: int, at_once: int) -> float:
    """Return how long a burst takes that is due in one moment, with a sweep a minute behind it at the worst."""
    return due / (at_once / SEND_SECONDS)


def minutes_to_catch_up(waiting: int, arriving_a_minute: float, at_once: int) -> float:
    """Return how long a backlog takes while new timers go on falling due."""
    done = min(SWEEP_MAX, at_once / SEND_SECONDS * 60)
    return waiting / (done - arriving_a_minute)


def rows(sizes: Sequence[int] = SIZES) -> list[str]:
    """Return the table of the page, a line for each size."""
    found = map(load, sizes)
    return [
        f"| {one.a_day:,} | {one.surveys:,.2f} | {one.due_shard_writes:,.1f} | {one.lane_units:,.1f} "
        f"| {one.department_writes:,.1f} | {one.table_units:,.0f} | {one.intake_at_once} | {one.send_at_once} "
        f"| {one.web_at_once} |"
        for one in found
    ]


if __name__ == "__main__":
    print("\n".join(rows()))
    print(f"every key within {KEY_WRITES_MAX:,} units a second up to {largest_day():,} surveys a day")
