"""DynamoDB's units: each expectation is worked out by hand from AWS's rules."""

from pathlib import Path

import pytest

from bench.units import Image, Index, indexes_of, read, refused_units, size_of, stored_bytes, write_units

DUE = Index("due", ("due", "due_at"))
LIST = Index("department", ("department_list", "department_at"))
BOTH = (DUE, LIST)
PROJECT = Path(__file__).resolve().parents[2]

Json = dict[str, dict[str, object]]


def item(letters: int = 0, **texts: str) -> Image:
    """Return an item of Ana's invitation: `letters` more bytes, and some texts."""
    filler: Json = {"x": {"S": "a" * (letters - 1)}} if letters else {}
    return {"pk": {"S": "I#1"}, "sk": {"S": "I"}, **filler, **{name: {"S": text} for name, text in texts.items()}}


BARE = size_of(item())  # pk 2 + 3, sk 2 + 1


def test_names_and_values_count_in_utf_8() -> None:
    assert BARE == 8
    assert size_of({"año": {"S": "señal"}}) == 4 + 6


@pytest.mark.parametrize(
    ("number", "size"),
    [("0", 2), ("7", 2), ("12", 2), ("123", 3), ("1234", 3), ("-7", 3), ("1200", 2), ("0.5", 2), ("100000000", 2)],
)
def test_a_number_takes_a_byte_for_two_digits_and_one_more(number: str, size: int) -> None:
    assert size_of({"n": {"N": number}}) == 1 + size


def test_lists_and_maps_take_three_bytes_and_one_for_each_element() -> None:
    assert size_of({"l": {"L": [{"S": "ab"}, {"BOOL": True}]}}) == 1 + 3 + (1 + 2) + (1 + 1)
    assert size_of({"m": {"M": {"ab": {"S": "c"}, "d": {"NULL": True}}}}) == 1 + 3 + (1 + 2 + 1) + (1 + 1 + 1)


def test_sets_and_bytes_take_what_they_hold() -> None:
    assert size_of({"s": {"SS": ["ab", "c"]}}) == 4
    assert size_of({"b": {"B": b"12345"}}) == 6


def test_a_write_counts_whole_kilobytes_of_the_larger_item() -> None:
    assert write_units(None, item(1024 - BARE), ()) == 1
    assert write_units(None, item(1025 - BARE), ()) == 2
    assert write_units(item(3000), item(), ()) == 3


def test_a_new_item_with_a_timer_costs_two() -> None:
    assert write_units(None, item(due="3", due_at="2026"), BOTH) == 2


def test_half_of_an_indexs_key_puts_nothing_into_it() -> None:
    assert write_units(None, item(due="3"), BOTH) == 1


def test_a_claim_that_ends_the_timer_costs_two() -> None:
    assert write_units(item(due="3", due_at="2026"), item(), BOTH) == 2


def test_a_claim_that_moves_the_timer_costs_three() -> None:
    assert write_units(item(due="3", due_at="2026-11"), item(due="3", due_at="2026-12"), BOTH) == 3


def test_a_write_that_leaves_the_timer_alone_costs_one() -> None:
    armed = item(due="3", due_at="2026")
    assert write_units(armed, item(900, due="3", due_at="2026"), BOTH) == 1


def test_a_projected_attribute_that_changes_is_one_write_of_the_index() -> None:
    index = Index("all", ("due",), None)
    assert write_units(item(due="3"), item(10, due="3"), (index,)) == 2


def test_a_transaction_doubles_the_item_and_its_index_entries() -> None:
    assert write_units(None, item(due="3", due_at="2026"), BOTH, in_transaction=True) == 4


def test_a_refused_write_costs_its_larger_size_and_no_index() -> None:
    assert refused_units(item(due="3", due_at="2026"), item(1500)) == 2
    assert refused_units(None, item(), in_transaction=True) == 2


def test_deleting_nothing_costs_one() -> None:
    assert write_units(None, None, BOTH) == 1


@pytest.mark.parametrize(
    ("size", "consistent", "units"), [(0, True, 1), (0, False, 0.5), (4096, True, 1), (4097, True, 2), (4097, False, 1)]
)
def test_reads_count_four_kilobytes(size: int, consistent: bool, units: float) -> None:
    assert read(size, consistent=consistent) == units


def test_what_is_kept_has_a_hundred_bytes_more_for_each_entry() -> None:
    armed = item(due="3", due_at="2026")
    entry = BARE + (3 + 1) + (6 + 4)
    assert stored_bytes(armed, BOTH) == size_of(armed) + 100 + entry + 100


def test_the_indexes_are_those_of_the_stack() -> None:
    indexes = indexes_of(PROJECT / "infra" / "aws" / "overlay.yaml")
    assert DUE in indexes
    assert LIST in indexes
