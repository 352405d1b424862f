"""The page on scale says what its arithmetic says, and keys spread as that takes for granted."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import keys
from chalicelib.domain.policy import invitation_id
from infra.aws import scale
from infra.aws.package import OVERLAY, PROJECT
from infra.local.resources import Overlay

PAGE = (PROJECT / "docs/scale.md").read_text()
MANY = 100_000
NOW = datetime(2026, 3, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def at_once() -> dict[str, int]:
    """How many of each function may run at once, as the overlay has it."""
    found: dict[str, Any] = Overlay.read(PROJECT / OVERLAY).event_sources()
    return {
        name: source["ScalingConfig"]["MaximumConcurrency"]
        for name, source in found.items()
        if "ScalingConfig" in source
    }


def test_the_page_holds_the_table_that_is_computed() -> None:
    assert all(row in PAGE for row in scale.rows())


def test_what_the_page_says_of_the_hottest_key_holds() -> None:
    largest = scale.largest_day()
    assert f"{largest:,} surveys a day no key" in PAGE
    assert scale.load(largest).hottest_key <= scale.KEY_WRITES_MAX < scale.load(largest + 100_000).hottest_key
    raised = scale.largest_day(due_shards=32, lanes=32)
    assert f"{raised:,}" in PAGE
    assert raised > 100_000_000


def test_twenty_thousand_due_at_once_leave_within_two_minutes(at_once: dict[str, int]) -> None:
    seconds = scale.seconds_to_send(20_000, at_once["Due"])
    assert seconds <= 120 - 10  # the sweep before it takes some
    assert f"in {seconds:.0f} s" in PAGE


def test_a_backlog_of_two_hours_is_caught_up(at_once: dict[str, int]) -> None:
    waiting, arriving = round(1_000_000 * 2 / scale.HOURS_OPEN), 1_000_000 / (scale.HOURS_OPEN * 60)
    minutes = scale.minutes_to_catch_up(waiting, arriving, at_once["Due"])
    assert f"{waiting:,} messages are due and {arriving:,.0f} more" in PAGE
    assert f"in {minutes:.1f} minutes" in PAGE


@pytest.mark.parametrize(("function", "seconds"), [("Due", scale.SEND_SECONDS), ("Intake", scale.INTAKE_SECONDS)])
def test_where_concurrency_ends_is_on_the_page(at_once: dict[str, int], function: str, seconds: float) -> None:
    a_day = at_once[function] / seconds * scale.HOURS_OPEN * 3600 / scale.PEAK
    (said,) = re.findall(rf"\| ([\d,]+) \| [^|]*`{function}`", PAGE)
    assert abs(int(said.replace(",", "")) - a_day) / a_day < 0.02


def test_timers_spread_evenly_over_their_shards() -> None:
    ids = (invitation_id("/crm", f"ORD-{n}", "sale", "customer") for n in range(MANY))
    counts = Counter(keys.due_shard(id_) for id_ in ids)
    assert sorted(counts) == keys.due_shards()
    assert max(counts.values()) <= 1.02 * MANY / keys.DUE_SHARDS


def test_a_thousand_shards_of_the_stream_spread_over_the_lanes() -> None:
    shards = (f"shardId-{1_700_000_000_000 + 977 * n:020}-{n * 2654435761 % 2**32:08x}" for n in range(1_000))
    counts = Counter(keys.lane_of(shard) for shard in shards)
    assert len(counts) == keys.LANES
    assert max(counts.values()) <= scale.UNEVEN * 1_000 / keys.LANES
