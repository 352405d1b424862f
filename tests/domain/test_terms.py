"""Test what every stored value shares: how it is copied, and how its texts and instants are read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ValidationError

from chalicelib.domain.customer import Customer
from chalicelib.domain.event import Closing, Contact, EventRef
from chalicelib.domain.terms import aware_utc, no_controls

AT = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize("update", [None, {}, {"name": "Lucía Pérez"}, {"version": 3, "recent": ("a",)}])
def test_a_changed_copy_is_what_pydantic_would_make(update: dict[str, object] | None) -> None:
    kept = Customer(key="k", email="lucia@example.com")
    copied, pydantics = kept.model_copy(update=update), BaseModel.model_copy(kept, update=update)
    assert copied == pydantics
    assert copied.model_fields_set == pydantics.model_fields_set
    assert copied.model_dump_json(exclude_unset=True) == pydantics.model_dump_json(exclude_unset=True)
    assert kept == Customer(key="k", email="lucia@example.com")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(copied, "name", "somebody else")  # noqa: B010  # a type checker would not let it pass


def test_a_deep_copy_shares_nothing() -> None:
    kept = Closing(ref=EventRef(source="/crm", id="1"), touchpoint="sale.closed", at=AT, customer=Contact(id="c"))
    assert kept.model_copy(deep=True) == kept
    assert kept.model_copy(deep=True).attributes is not kept.attributes


def test_an_instant_of_anywhere_is_kept_in_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=-5)))
    assert aware_utc(there) == AT
    assert aware_utc(there).tzinfo is aware_utc(AT).tzinfo is UTC
    with pytest.raises(ValueError, match="offset"):
        aware_utc(AT.replace(tzinfo=None))


@pytest.mark.parametrize("text", ["", "Lucía Pérez", "a\N{NO-BREAK SPACE}b", "👩‍🔧", "e\u0301"])
def test_a_text_of_one_line_stays_as_it_is(text: str) -> None:
    assert no_controls(text) == text


@pytest.mark.parametrize("text", ["a\r\nb", "a\x00", "\x7f", "a\u0085b", "a\u2028b", "a\u2029b", "\ud83d"])
def test_what_would_break_out_of_a_line_or_is_half_a_character_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"control characters|surrogates"):
        no_controls(text)
