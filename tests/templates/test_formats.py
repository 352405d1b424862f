"""Test how instants, numbers and durations are written, against the locale database that does not ship."""

from datetime import UTC, datetime

import pytest
from babel import Locale

from chalicelib.adapters.templates import formats

AT = datetime(2026, 3, 11, 3, 30, tzinfo=UTC)
"""Half past ten in the evening of the tenth, in Bogotá."""


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_months_and_weekdays_are_those_of_the_locale_database(language: str) -> None:
    locale = Locale.parse({"pt": "pt_BR"}.get(language, language))
    assert formats.MONTHS[language] == tuple(locale.months["format"]["wide"][month] for month in range(1, 13))
    assert formats.WEEKDAYS[language] == tuple(locale.days["format"]["wide"][day] for day in range(7))


@pytest.mark.parametrize(
    ("language", "moment", "date"),
    [
        ("es", "martes 10 de marzo, 22:30", "10 de marzo de 2026"),
        ("en", "Tuesday 10 March, 22:30", "10 March 2026"),
        ("pt", "terça-feira, 10 de março, 22:30", "10 de março de 2026"),
    ],
)
def test_an_instant_is_told_in_the_readers_zone_and_language(language: str, moment: str, date: str) -> None:
    assert formats.moment(AT, "America/Bogota", language=language) == moment
    assert formats.date(AT, "America/Bogota", language=language) == date


@pytest.mark.parametrize(
    ("value", "digits", "language", "text"),
    [
        (1234.5, 1, "es", "1.234,5"),
        (1234.5, 1, "en", "1,234.5"),
        (-0.04, 1, "pt", "0,0"),
        (-7, 0, "es", "−7"),
        (1234567, 0, "pt", "1.234.567"),
    ],
)
def test_a_number_has_the_marks_of_its_language(value: float, digits: int, language: str, text: str) -> None:
    assert formats.number(value, digits, language=language) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 min"), (59, "0 min"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (5400, "1 h 30 min"),
     (86399, "23 h 59 min"), (86400, "1 d"), (95400, "1 d 2 h"), (-5, "0 min")],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text
