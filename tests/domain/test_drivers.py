"""Test the drivers against a published analysis, and where regressions usually break."""

import csv
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.drivers import DRIVERS_MAX, Drivers, Moments, general_dominance, moments

VECTORS = Path(__file__).parents[1] / "vectors"
DRIVERS = json.loads((VECTORS / "drivers.json").read_text())

quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def attitude(*names: str) -> Moments:
    with (VECTORS / "attitude.csv").open(newline="") as file:
        return moments([[int(row[name]) for name in names] for row in csv.DictReader(file)], names)


def made_up(rows: int, drivers: int, seed: int = 1) -> list[list[float]]:
    dice = Random(seed)
    table: list[list[float]] = []
    for _ in range(rows):
        ratings = [float(dice.randint(1, 5)) for _ in range(drivers)]
        table.append([ratings[0] + ratings[1] / 2 + dice.gauss(0, 1), *ratings])
    return table


def of(table: list[list[float]]) -> Drivers:
    return general_dominance(moments(table, ["rating", *"abcdefgh"[: len(table[0]) - 1]]))


@pytest.mark.parametrize("case", DRIVERS["cases"])
def test_general_dominance_agrees_with_the_published_analysis(case: dict[str, object]) -> None:
    drivers = general_dominance(attitude("rating", *DRIVERS["cases"][0]["drivers"]))
    assert drivers.n == 30
    assert drivers.r2 == pytest.approx(case["r2"], abs=0.0006)
    assert drivers.shares == pytest.approx(case["general_dominance"], abs=float(str(case["tolerance"])))


@pytest.mark.parametrize("subset", DRIVERS["subsets_r2"])
def test_r2_of_some_drivers_agrees_with_the_published_analysis(subset: dict[str, object]) -> None:
    names = [str(name) for name in list(subset["drivers"])]  # type: ignore[call-overload]
    assert general_dominance(attitude("rating", *names)).r2 == pytest.approx(subset["r2"], abs=0.0006)


@quick
@given(st.lists(st.tuples(*[st.integers(1, 5)] * 4), min_size=6, max_size=40))
def test_shares_are_never_negative_and_add_up_to_r2(rows: list[tuple[int, ...]]) -> None:
    drivers = general_dominance(moments(rows, ["rating", "a", "b", "c"]))
    if drivers.r2 is not None:
        assert 0 <= drivers.r2 <= 1
        assert min(drivers.shares.values()) >= 0
        assert sum(drivers.shares.values()) == pytest.approx(drivers.r2, abs=1e-9)


def test_the_order_of_drivers_changes_nothing() -> None:
    table = made_up(60, 4)
    turned = general_dominance(moments([[r, *reversed(x)] for r, *x in table], ["rating", "d", "c", "b", "a"]))
    assert turned.shares == pytest.approx(of(table).shares)


def test_twins_share_equally_what_one_of_them_explains() -> None:
    table = made_up(50, 2)
    alone, twins = of(table), of([[*row, row[1]] for row in table])
    assert twins.r2 == pytest.approx(alone.r2)
    assert twins.shares["a"] == pytest.approx(twins.shares["c"])


def test_a_driver_that_is_the_sum_of_two_others_adds_nothing_to_r2() -> None:
    table = made_up(50, 2)
    drivers = of([[*row, row[1] + row[2]] for row in table])
    assert drivers.r2 == pytest.approx(of(table).r2)
    assert sum(drivers.shares.values()) == pytest.approx(drivers.r2)


def test_a_driver_that_never_varies_has_no_share() -> None:
    table = made_up(50, 2)
    drivers = of([[*row, 4.0] for row in table])
    assert drivers.shares["c"] == 0
    assert drivers.shares["a"] == pytest.approx(of(table).shares["a"])


def test_a_driver_that_is_the_outcome_explains_it_all() -> None:
    drivers = of([[x, x] for x in (1.0, 2.0, 4.0, 5.0)])
    assert drivers.r2 == pytest.approx(1)
    assert drivers.shares == pytest.approx({"a": 1})


def test_an_outcome_that_never_varies_has_no_drivers() -> None:
    assert of([[5.0, float(i % 3)] for i in range(20)]) == Drivers(20, None, {})


def test_it_takes_two_answers_more_than_drivers() -> None:
    table = made_up(20, 3)
    assert of(table[:4]) == Drivers(4, None, {})
    assert of(table[:5]).r2 is not None
    assert general_dominance(moments([], ["rating", "a"])) == Drivers(0, None, {})
    assert general_dominance(moments([[3], [4], [5]], ["rating"])) == Drivers(3, None, {})


def test_moments_add_up_over_days() -> None:
    table, names = made_up(30, 2), ("rating", "a", "b")
    first, second = moments(table[:10], names), moments(table[10:], names)
    both = Moments(
        names,
        first.n + second.n,
        tuple(map(sum, zip(first.sums, second.sums, strict=True))),
        tuple(map(sum, zip(first.products, second.products, strict=True))),
    )
    assert general_dominance(both).shares == pytest.approx(of(table).shares)


def test_eight_drivers_are_weighed_and_nine_are_refused() -> None:
    assert DRIVERS_MAX == 8
    eight = general_dominance(moments(made_up(200, 8), ["rating", *"abcdefgh"]))
    assert sum(eight.shares.values()) == pytest.approx(eight.r2)
    with pytest.raises(ValueError, match="at most 8"):
        general_dominance(moments(made_up(200, 9), ["rating", *"abcdefghi"]))


def test_a_million_answers_are_as_exact_as_a_hundred() -> None:
    hundred = [[float(int(value)) for value in row] for row in made_up(100, 3)]
    sums = moments(hundred, ["rating", "a", "b", "c"])
    million = Moments(
        sums.names, 10_000 * sums.n, tuple(10_000 * s for s in sums.sums), tuple(10_000 * p for p in sums.products)
    )
    assert general_dominance(million).shares == pytest.approx(of(hundred).shares, abs=1e-9)
