"""Test the scores against published vectors, at the scales' boundaries, and by their properties."""

import json
import math
from collections import Counter
from pathlib import Path
from statistics import mean, median, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.score import (
    BUCKET_MAX,
    NOTHING,
    UNKNOWN,
    Estimate,
    bucket_of,
    ces,
    ces_mean,
    csat,
    estimate_change,
    holm,
    mean_of,
    median_seconds,
    nps,
    nps_change,
    seconds_of,
    share,
    share_change,
    wilson,
)

VECTORS = Path(__file__).parents[1] / "vectors"
NPS = json.loads((VECTORS / "nps.json").read_text())
CSAT = json.loads((VECTORS / "csat.json").read_text())
WILSON = json.loads((VECTORS / "wilson.json").read_text())

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
sizes = st.integers(0, 400)
ratings_0_10 = st.dictionaries(st.integers(0, 10), st.integers(0, 300), max_size=11)
ratings_1_7 = st.dictionaries(st.integers(1, 7), st.integers(0, 300), max_size=7)
durations = st.lists(st.floats(0, 3e8), min_size=1, max_size=60)


def as_counts(promoters: int, passives: int, detractors: int) -> dict[int, int]:
    return {9: promoters // 2, 10: promoters - promoters // 2, 7: passives, 0: detractors // 2, 6: -(-detractors // 2)}


def holds_its_value(estimate: Estimate) -> bool:
    assert estimate.value is not None
    low = -math.inf if estimate.low is None else estimate.low
    return low <= estimate.value <= (math.inf if estimate.high is None else estimate.high)


# Shares


@pytest.mark.parametrize(("successes", "failures", "low", "high"), WILSON["cases"])
def test_wilson_agrees_with_the_vectors(successes: int, failures: int, low: float, high: float) -> None:
    bounds = wilson(successes, successes + failures, z=1.96)
    assert bounds == pytest.approx((low, high), abs=WILSON["tolerance"], rel=0)


@quick
@given(sizes, sizes)
def test_wilson_holds_the_share_and_mirrors_its_complement(successes: int, failures: int) -> None:
    n = successes + failures
    low, high = wilson(successes, n)
    mirrored = wilson(failures, n)
    assert 0 <= low <= high <= 1
    assert (low, high) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]))
    assert n == 0 or low <= successes / n <= high


@quick
@given(sizes, st.integers(1, 400))
def test_wilson_narrows_with_ten_times_the_answers(successes: int, failures: int) -> None:
    low, high = wilson(successes, successes + failures)
    narrower = wilson(10 * successes, 10 * (successes + failures))
    assert narrower[1] - narrower[0] < high - low


def test_wilson_touches_the_end_exactly_when_all_agree() -> None:
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0


def test_a_share_of_nothing_is_nothing() -> None:
    assert share(0, 0) == csat({}) == ces({}) == nps({}) == ces_mean({}) == median_seconds({}) == NOTHING
    assert mean_of(0, 0, 0) == NOTHING
    assert csat({5: 0}) == NOTHING
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_correction_read_before_what_it_corrects_breaks_nothing() -> None:
    assert csat({5: 3, 1: -1}) == csat({5: 3})
    assert nps({10: 2, 0: -2}) == nps({10: 2})
    assert share(3, 2).value == 100
    assert median_seconds({10: -1}) == NOTHING


@pytest.mark.parametrize("case", CSAT["cases"])
def test_csat_agrees_with_the_vectors(case: dict[str, object]) -> None:
    counts = {int(rating): n for rating, n in dict(case["counts"]).items()}  # type: ignore[call-overload]
    estimate = csat(counts)
    assert estimate.n == sum(counts.values())
    assert estimate.value == pytest.approx(case["csat"], abs=5e-5)
    if "wilson_percent" in case:
        assert (estimate.low, estimate.high) == pytest.approx(case["wilson_percent"], abs=5e-3)


@pytest.mark.parametrize(("rating", "percent"), [(1, 0), (3, 0), (4, 100), (5, 100)])
def test_csat_counts_from_four(rating: int, percent: float) -> None:
    assert csat({rating: 1}).value == percent


@pytest.mark.parametrize(("rating", "percent"), [(1, 0), (4, 0), (5, 100), (7, 100)])
def test_ces_counts_from_five(rating: int, percent: float) -> None:
    assert ces({rating: 1}).value == percent


# Net Promoter Score


@pytest.mark.parametrize("case", NPS["cases"])
def test_nps_agrees_with_the_vectors(case: dict[str, object]) -> None:
    estimate = nps(as_counts(*(int(str(case[group])) for group in ("promoters", "passives", "detractors"))))
    assert estimate.value == pytest.approx(case["nps"], abs=5e-5)
    assert (estimate.low, estimate.high) == pytest.approx(case["adjusted"], abs=1e-3)  # one is rounded twice


@pytest.mark.parametrize("case", NPS["difference"])
def test_the_change_of_nps_agrees_with_the_vectors(case: dict[str, object]) -> None:
    before, after = list(case["before"]), list(case["after"])  # type: ignore[call-overload]
    change = nps_change(as_counts(*before), as_counts(*after))
    assert change.value == pytest.approx(case["difference"])
    assert change.se == pytest.approx(case["se"], abs=5e-5)
    assert change.z == pytest.approx(case["z"], abs=5e-5)
    assert change.p == pytest.approx(case["p"], abs=5e-5)
    assert (change.low, change.high) == pytest.approx((15 - 1.959964 * 10.7587, 15 + 1.959964 * 10.7587), abs=1e-3)
    assert not change.significant


@pytest.mark.parametrize(("rating", "points"), [(0, -100), (6, -100), (7, 0), (8, 0), (9, 100), (10, 100)])
def test_nps_groups_end_at_six_and_eight(rating: int, points: float) -> None:
    assert nps({rating: 1}).value == points


def test_one_answer_leaves_nearly_all_of_the_scale_open() -> None:
    estimate = nps({10: 1})
    assert (estimate.n, estimate.value, estimate.high) == (1, 100, 100)
    assert estimate.low == pytest.approx(-48.5, abs=0.01)


@quick
@given(ratings_0_10)
def test_nps_stays_on_its_scale_and_inside_its_interval(counts: dict[int, int]) -> None:
    estimate = nps(counts)
    if estimate.value is not None and estimate.low is not None and estimate.high is not None:
        assert -100 <= estimate.low <= estimate.value <= estimate.high <= 100


@quick
@given(sizes, sizes, sizes)
def test_nps_is_symmetric(promoters: int, passives: int, detractors: int) -> None:
    one, other = nps({10: promoters, 8: passives, 0: detractors}), nps({10: detractors, 8: passives, 0: promoters})
    if one.value is not None and one.low is not None and other.value is not None and other.high is not None:
        assert one.value == -other.value
        assert one.low == pytest.approx(-other.high)


@quick
@given(ratings_0_10, st.integers(0, 6), st.integers(9, 10))
def test_a_detractor_won_over_raises_nps(counts: dict[int, int], from_rating: int, to_rating: int) -> None:
    worse, better = Counter(counts) + Counter([from_rating]), Counter(counts) + Counter([to_rating])
    assert (nps(worse).value or 0) < (nps(better).value or 0)


@quick
@given(ratings_0_10, ratings_0_10)
def test_a_change_of_nps_turned_round_changes_its_sign(before: dict[int, int], after: dict[int, int]) -> None:
    there, back = nps_change(before, after), nps_change(after, before)
    assert there.p == pytest.approx(back.p)
    assert there.significant == back.significant
    if there.value is not None and there.low is not None and there.high is not None:
        assert there.value == pytest.approx(-(back.value or 0))
        assert -200 <= there.low <= there.value <= there.high <= 200
        assert there.significant == (not there.low <= 0 <= there.high)


def test_three_times_the_answers_make_the_same_change_no_noise() -> None:
    before, after = as_counts(50, 30, 20), as_counts(60, 25, 15)
    thrice = nps_change({r: 3 * n for r, n in before.items()}, {r: 3 * n for r, n in after.items()})
    assert not nps_change(before, after).significant
    assert thrice.significant


def test_one_answer_each_is_noise_however_far_apart() -> None:
    change = nps_change({0: 1}, {10: 1})
    assert change.value == 200
    assert not change.significant
    assert change.low is not None
    assert change.low < 0


def test_a_lone_answer_cannot_turn_the_direction_of_a_change() -> None:
    change = nps_change({10: 1}, {10: 195, 0: 5})
    assert change.value == pytest.approx(-5)
    assert (change.p, change.significant) == (1.0, False)


def test_many_who_all_changed_their_minds_are_a_change() -> None:
    assert nps_change({0: 40}, {10: 40}).significant


def test_a_change_from_nothing_is_unknown() -> None:
    assert nps_change({}, {9: 4}) == nps_change({9: 4}, {}) == share_change((0, 0), (1, 2)) == UNKNOWN
    assert estimate_change(NOTHING, Estimate(3, 1, 0, 2)) == UNKNOWN


# Means


def test_the_mean_effort_and_its_interval_are_students() -> None:
    answers = [7, 6, 6, 5, 3, 7, 2, 6, 5, 7]
    estimate = ces_mean(Counter(answers))
    half = 2.2622 * stdev(answers) / math.sqrt(10)
    assert (estimate.n, estimate.value) == (10, mean(answers))
    assert (estimate.low, estimate.high) == pytest.approx((mean(answers) - half, mean(answers) + half), abs=1e-3)


def test_the_mean_effort_of_one_answer_leaves_the_whole_scale_open() -> None:
    assert ces_mean({6: 1}) == Estimate(1, 6, 1, 7)


def test_equal_answers_are_no_certainty() -> None:
    two, fifty = ces_mean({7: 2}), ces_mean({7: 50})
    assert (two.value, two.high, fifty.high) == (7, 7, 7)
    assert two.low is not None
    assert fifty.low is not None
    assert 1 < two.low < fifty.low < 7
    assert fifty.low == pytest.approx(7 - 6 * (1 - wilson(50, 50)[0]))


@quick
@given(ratings_1_7)
def test_the_mean_effort_stays_on_its_scale_and_inside_its_interval(counts: dict[int, int]) -> None:
    estimate = ces_mean(counts)
    if estimate.value is not None and estimate.low is not None and estimate.high is not None:
        assert 1 <= estimate.low <= estimate.value <= estimate.high <= 7


def test_hand_offs_per_case_come_from_sum_and_squares() -> None:
    cases = [0, 0, 1, 0, 3, 0, 1, 0]
    estimate = mean_of(sum(cases), sum(n * n for n in cases), len(cases))
    half = 2.3646 * stdev(cases) / math.sqrt(8)
    assert estimate.value == mean(cases)
    assert estimate.low == 0
    assert estimate.high == pytest.approx(mean(cases) + half, abs=1e-3)


def test_a_hundred_cases_without_a_hand_off_leave_room_for_some() -> None:
    estimate = mean_of(0, 0, 100)
    assert (estimate.value, estimate.low) == (0, 0)
    assert estimate.high == pytest.approx(0.037, abs=5e-4)


def test_one_case_has_a_mean_without_interval() -> None:
    assert mean_of(2, 4, 1) == Estimate(1, 2, None, None)
    assert estimate_change(mean_of(2, 4, 1), mean_of(3, 5, 4)).p == 1.0


# Durations


@pytest.mark.parametrize(("seconds", "bucket"), [(-3, 0), (0, 0), (0.99, 0), (1, 1), (1.04, 1), (1.06, 2)])
def test_durations_under_a_second_are_bucket_zero(seconds: float, bucket: int) -> None:
    assert bucket_of(seconds) == bucket


def test_ten_years_are_the_last_bucket_and_so_is_all_beyond() -> None:
    assert bucket_of(10 * 365.25 * 86_400) == bucket_of(1e12) == BUCKET_MAX == 402


def test_each_bucket_is_stood_for_by_a_duration_of_its_own() -> None:
    assert [bucket_of(seconds_of(bucket)) for bucket in range(BUCKET_MAX + 1)] == list(range(BUCKET_MAX + 1))
    assert seconds_of(0) == 0


@quick
@given(st.floats(1, 3.1e8), st.floats(1, 3.1e8))
def test_a_bucket_is_at_most_two_and_a_half_percent_off_and_keeps_the_order(one: float, other: float) -> None:
    assert seconds_of(bucket_of(one)) == pytest.approx(one, rel=0.025)
    assert (one <= other) <= (bucket_of(one) <= bucket_of(other))


@quick
@given(durations)
def test_the_median_is_within_resolution_and_inside_its_interval(seconds: list[float]) -> None:
    estimate = median_seconds(Counter(bucket_of(value) for value in seconds))
    assert estimate.n == len(seconds)
    assert estimate.value == pytest.approx(median(seconds), rel=0.025, abs=1)
    assert holds_its_value(estimate)
    assert (estimate.low is None) == (len(seconds) < 6)


def test_the_interval_of_the_median_runs_from_the_40th_to_the_61st_of_a_hundred() -> None:
    estimate = median_seconds(dict.fromkeys(range(1, 101), 1))
    assert (estimate.low, estimate.high) == pytest.approx((1.05**39, 1.05**61))
    assert estimate.value == (seconds_of(50) + seconds_of(51)) / 2


def test_the_median_of_five_has_no_interval_and_of_six_has_their_extremes() -> None:
    assert median_seconds(dict.fromkeys(range(1, 6), 1)) == Estimate(5, seconds_of(3), None, None)
    six = median_seconds(dict.fromkeys(range(1, 7), 1))
    assert (six.low, six.high) == pytest.approx((1, 1.05**6))


def test_the_interval_of_the_median_is_never_narrower_than_its_bucket() -> None:
    instant, hour = median_seconds({0: 500}), median_seconds({bucket_of(3600): 500})
    assert (instant.value, instant.low, instant.high) == (0, 0, 1)
    assert hour.low is not None
    assert hour.high == pytest.approx(1.05 * hour.low)


# Changes


def test_the_change_of_a_share_agrees_with_newcombes_example() -> None:
    change = share_change((48, 80), (56, 70), z=1.96)
    assert change.value == pytest.approx(20)
    assert (change.low, change.high) == pytest.approx((5.24, 33.39), abs=5e-3)
    pearson = 150 * (48 * 14 - 32 * 56) ** 2 / (80 * 70 * 104 * 46)
    assert change.z == pytest.approx(math.sqrt(pearson))
    assert change.significant


def test_the_same_share_twice_is_no_change() -> None:
    change = share_change((0, 10), (0, 30))
    assert (change.value, change.p, change.significant) == (0, 1, False)


@quick
@given(sizes, st.integers(1, 400), sizes, st.integers(1, 400))
def test_a_change_of_share_holds_its_value_and_turns_round(k1: int, m1: int, k2: int, m2: int) -> None:
    there, back = share_change((k1, k1 + m1), (k2, k2 + m2)), share_change((k2, k2 + m2), (k1, k1 + m1))
    assert there.value is not None
    assert there.low is not None
    assert there.high is not None
    assert -100 <= there.low <= there.value <= there.high <= 100
    assert back.high == pytest.approx(-there.low)
    assert there.p == pytest.approx(back.p)


def test_a_median_that_moved_out_of_reach_is_a_change_and_one_that_did_not_is_noise() -> None:
    before = median_seconds({100: 40, 101: 40, 102: 40})
    assert estimate_change(before, median_seconds({130: 40, 131: 40, 132: 40})).significant
    assert not estimate_change(before, median_seconds({50: 20, 101: 5, 150: 20})).significant
    assert estimate_change(before, before).p == 1.0


def test_the_test_and_the_interval_of_a_change_say_the_same() -> None:
    change = estimate_change(Estimate(9, 10, 8, 12), Estimate(9, 7, 6, 8))
    assert change.value == -3
    assert (change.low, change.high) == pytest.approx((-3 - math.hypot(1, 2), -3 + math.hypot(1, 2)))
    assert change.significant


def test_holm_agrees_with_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert holm([]) == []
    assert holm([0.05]) == [True]
    assert holm([0.0501]) == [False]


@quick
@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_holds_at_least_what_bonferroni_holds_and_no_more_than_each_alone(p_values: list[float]) -> None:
    for p, held in zip(p_values, holm(p_values), strict=True):
        assert (p <= 0.05 / len(p_values)) <= held <= (p <= 0.05)
