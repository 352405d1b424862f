"""Write instants, numbers and durations as the reader's language does, without a locale database at run time."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

# fmt: off
MONTHS = {
    "es": (
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
        "noviembre", "diciembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    "pt": (
        "janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
        "novembro", "dezembro",
    ),
}
WEEKDAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "pt": ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
}
# fmt: on
DAY = {"es": "{day} de {month}", "en": "{day} {month}", "pt": "{day} de {month}"}
DATE = {"es": "{day} de {month} de {year}", "en": "{day} {month} {year}", "pt": "{day} de {month} de {year}"}
MOMENT = {"es": "{weekday} {date}, {clock}", "en": "{weekday} {date}, {clock}", "pt": "{weekday}, {date}, {clock}"}
MARKS = {"es": (".", ","), "en": (",", "."), "pt": (".", ",")}
"""The mark between thousands, then the decimal mark."""


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def date(at: datetime, zone: str, *, language: str) -> str:
    """Return a day with its year, as in «10 de marzo de 2026»."""
    return _spelled(DATE[language], at.astimezone(_zone(zone)), language)


def day(at: datetime, zone: str, *, language: str) -> str:
    """Return a day without its year, as in «10 de marzo»."""
    return _spelled(DAY[language], at.astimezone(_zone(zone)), language)


def clock(at: datetime, zone: str) -> str:
    """Return the time of day, as in «17:00»."""
    return at.astimezone(_zone(zone)).strftime("%H:%M")


def moment(at: datetime, zone: str, *, language: str) -> str:
    """Return a day and its time, as in «martes 10 de marzo, 17:00»."""
    local = at.astimezone(_zone(zone))
    parts = {"date": _spelled(DAY[language], local, language), "weekday": WEEKDAYS[language][local.weekday()]}
    return MOMENT[language].format(**parts, clock=local.strftime("%H:%M"))


def _spelled(pattern: str, local: datetime, language: str) -> str:
    return pattern.format(day=local.day, month=MONTHS[language][local.month - 1], year=local.year)


def number(value: float, digits: int = 0, *, language: str) -> str:
    """Return a number with its thousands apart, as in «1.234,5» (Spanish); minus is a minus sign, not a hyphen.

    >>> number(-1234.56, 1, language="es")
    '−1.234,6'
    """
    thousands, decimal = MARKS[language]
    plain = f"{abs(value):,.{digits}f}".translate({ord(","): thousands, ord("."): decimal})
    return "−" + plain if value < 0 and plain.strip("0.,") else plain


def percent(share: float, digits: int = 0, *, language: str) -> str:
    """Return a share given in percent, as in «12,5 %»; a non-breaking space keeps it on one line."""
    mark = "%" if language == "en" else "\u00a0%"
    return number(share, digits, language=language) + mark


def duration(seconds: float) -> str:
    """Return elapsed time with the two largest of days, hours and minutes, as in «2 d 3 h» or «15 min».

    >>> duration(95_400), duration(42)
    ('1 d 2 h', '0 min')
    """
    minutes = int(max(0.0, seconds)) // 60
    days, hours, left = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {left} min" if left else f"{hours} h"
    return f"{left} min"


def filters(language: str) -> dict[str, Callable[..., Any]]:
    """Return what templates may write after a bar, as in {{ closes_at|moment(zone) }}."""
    spoken: tuple[Callable[..., str], ...] = (date, day, moment, number, percent)
    bound = {each.__name__: partial(each, language=language) for each in spoken}
    return {**bound, "clock": clock, "duration": duration}
