"""Turn `holidays: {country: CO}` into the dates of three years, which are stored when publishing."""

import difflib
from collections.abc import Iterator
from datetime import date
from importlib import resources
from typing import Any

import holidays
import phonenumbers

from infra.marked_yaml import Fault, Marked, Place

YEARS = 3  # this one and the two after it: publishing again each year keeps them fresh
BY_LAW = {"CO": {"mon-fri": ["07:00-19:00"], "sat": ["08:00-15:00"]}}
"""Countries whose law says when a company may write to people, and in no others. Colombia: Ley 2300 de 2023, art. 3:
never on Sundays and holidays."""

KEYS = ("country", "region", "add", "except")


def resolve(marked: Marked, today: date) -> Iterator[Fault]:
    """Fill in, on every calendar of an organisation, what it may leave out; yield what cannot be resolved.

    A department's calendar takes the organisation's zone and holidays unless it names its own.
    """
    data = marked.data
    default = data.get("calendar")
    if not isinstance(default, dict):
        return
    default.setdefault("zone", data.get("zone", "UTC"))
    yield from _dates(marked, default, ("calendar",), today)
    for place, calendar in own_calendars(data):
        calendar.setdefault("zone", default["zone"])
        if "holidays" in calendar:
            yield from _dates(marked, calendar, place, today)
        else:
            calendar["holidays"] = default.get("holidays", [])


def customer_hours(marked: Marked, today: date) -> Iterator[Fault]:
    """Fill in when customers may be written to: the law's hours where we know of one, each with its country's days off.

    A country of the file is written as its hours alone, as in CO: {mon-fri: 08:00-17:00}.
    """
    written = marked.data.get("customer_hours") or {}
    if not isinstance(written, dict):
        yield marked.fault(("customer_hours",), "must map countries to hours, as in {CO: {mon-fri: 08:00-17:00}}")
        return
    known = holidays.list_supported_countries()
    strange = [each for each in written if each not in known or each not in _ZONES]
    for country in strange:
        yield marked.fault(("customer_hours", country), f"must be a country of two capital letters, not {country!r}")
    written = {country: hours for country, hours in written.items() if country not in strange}
    marked.data["customer_hours"] = {
        country: _of_country(country, hours, today) for country, hours in {**BY_LAW, **written}.items()
    }


def _of_country(country: str, hours: Any, today: date) -> dict[str, Any]:
    code = phonenumbers.country_code_for_region(country)
    alone = len(phonenumbers.region_codes_for_country_code(code)) == 1
    return {
        "zones": _ZONES[country],
        "calling_code": f"+{code}" if alone else None,
        "hours": hours,
        "holidays": _of_three_years({"country": country}, today),
    }


def _zones_by_country() -> dict[str, list[str]]:
    """Return each country's zones, as the zone database lists them."""
    found: dict[str, list[str]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_comment = line.split("\t")
            found.setdefault(country, []).append(zone)
    return found


_ZONES = _zones_by_country()


def own_calendars(data: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the departments' own calendars, each with its place."""
    departments = data.get("departments")
    for index, department in enumerate(departments if isinstance(departments, list) else []):
        calendar = department.get("calendar") if isinstance(department, dict) else None
        if isinstance(calendar, dict):
            yield ("departments", index, "calendar"), calendar


def _dates(marked: Marked, calendar: dict[str, Any], place: Place, today: date) -> Iterator[Fault]:
    wanted = calendar.get("holidays")
    if not isinstance(wanted, dict):
        return
    calendar["holidays"] = []
    faults = list(_misnamed(marked, wanted, (*place, "holidays")))
    yield from faults
    if not faults:
        calendar["holidays"] = _of_three_years(wanted, today)


def _of_three_years(wanted: dict[str, Any], today: date) -> list[Any]:
    years = range(today.year, today.year + YEARS)
    public = holidays.country_holidays(wanted["country"], subdiv=wanted.get("region"), years=years)
    left_out = {str(day) for day in wanted.get("except") or ()}
    return [*(day.isoformat() for day in sorted(public) if str(day) not in left_out), *(wanted.get("add") or ())]


def _misnamed(marked: Marked, wanted: dict[str, Any], place: Place) -> Iterator[Fault]:
    for key in wanted:
        if key not in KEYS:
            yield marked.fault((*place, key), f"is not known here{_meant(key, KEYS)}; known are {', '.join(KEYS)}")
    for key in ("add", "except"):
        if not isinstance(wanted.get(key) or [], list):
            yield marked.fault((*place, key), "must be a list of dates, as in [2026-12-24]")
    yield from _nowhere(marked, wanted.get("country"), wanted.get("region"), place)


def _nowhere(marked: Marked, country: Any, region: Any, place: Place) -> Iterator[Fault]:
    known = holidays.list_supported_countries()
    if country not in known:
        text = f"must be a country of two capital letters whose holidays are known, as in CO; not {country!r}"
        yield marked.fault((*place, "country"), text)
    elif region is not None and region not in known[country]:
        choice = ", ".join(known[country]) or "none: leave it out"
        yield marked.fault((*place, "region"), f"is no region of {country} with holidays of its own; there is {choice}")


def _meant(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
