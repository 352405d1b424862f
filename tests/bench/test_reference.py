"""Test that what is timed on a busy machine is told twice: as it was, and as it would be at the stated speed."""

import pytest

from bench.reference import STATED_MS
from bench.report import Budget
from bench.world import Used


def test_times_are_divided_by_how_much_longer_the_reference_took_beside_them() -> None:
    used = Used(samples={"due": [3.0, 3.0]}, references=[2 * STATED_MS, 9 * STATED_MS, 2 * STATED_MS])
    assert used.slowness == pytest.approx(2)
    assert used.cpu_ms == pytest.approx(6)
    assert used.stated_ms == pytest.approx(3)


def test_where_the_reference_was_not_made_times_stay_as_they_were() -> None:
    assert Used(samples={"due": [3.0]}).stated_ms == pytest.approx(3)


@pytest.mark.parametrize(
    ("found", "stated", "verdict"),
    [
        (1.0, 0.5, "within"),
        (1.5, 1.0, "1.5 × the limit, within at stated speed"),
        (3.0, 1.1, "3.0 × the limit"),
        (3.0, None, "3.0 × the limit"),
    ],
)
def test_what_was_measured_decides_first_and_is_never_hidden(found: float, stated: float | None, verdict: str) -> None:
    row = Budget("processor ms", 1.0, found, stated=stated).row()
    assert (row[2], row[4]) == (f"{found:.2f}", verdict)
