"""Break an organisation's file in every way people do, and read what they are told."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.marked_yaml import Unreadable
from infra.organisation import load, read
from tests.infra.small import SMALL, with_line

TODAY = date(2026, 3, 6)

BROKEN = yaml.safe_load((Path(__file__).parent / "broken_organisations.yaml").read_text())


@pytest.mark.parametrize("case", BROKEN, ids=[f"line {one['line']}: {' / '.join(one['write'])[:50]}" for one in BROKEN])
def test_a_broken_file_is_told_line_place_and_what_would_be_right(case: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as caught:
        read(with_line(case["line"], *case["write"]), "company.yaml", TODAY)

    assert str(caught.value).splitlines() == [f"company.yaml:{each}" for each in case["told"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: must be the description of an organisation, beginning with `name:`"),
        ("- a list", "1: must be the description of an organisation, beginning with `name:`"),
        ("&a [*a]", "1: is nested more than 20 levels deep"),
        ("[" * 1500, "1: is nested more than 20 levels deep"),
        ("a: \x00", "1: is not readable text: unacceptable character #x0000: special characters are not allowed"),
        ("# " + "x" * 1_048_576, "1: is larger than 1048576 bytes"),
    ],
)
def test_a_file_that_is_no_organisation_is_refused_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text, "company.yaml", TODAY)

    assert str(caught.value) == f"company.yaml:{told}"


def test_a_few_bytes_that_stand_for_billions_are_refused() -> None:
    levels = [
        f"{name}: &{name} [{', '.join([f'*{inner}'] * 10)}]" for inner, name in zip("abcde", "bcdef", strict=True)
    ]

    with pytest.raises(Unreadable) as caught:
        read("\n".join(["a: &a [x, x, x, x, x, x, x, x, x, x]", *levels]), "company.yaml", TODAY)

    assert str(caught.value) == "company.yaml:1: holds more than 50000 values, aliases followed"


def test_a_file_that_is_not_utf8_is_told_its_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: x\ncontact: Llámenos\n".encode("latin-1"))

    with pytest.raises(Unreadable) as caught:
        load(file, TODAY)

    assert str(caught.value) == f"{file}:2: is not UTF-8 text; save it as UTF-8"


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        load(tmp_path / "none.yaml", TODAY)

    assert str(caught.value) == f"{tmp_path / 'none.yaml'}:1: cannot be opened: No such file or directory"


def test_every_fault_is_told_at_once_in_the_order_of_the_file() -> None:
    text = with_line(14).replace("delay: 2h", "delay: soon").replace("arbiter: sales", "arbiter: sale")

    with pytest.raises(Unreadable) as caught:
        read(text, "company.yaml", TODAY)

    assert [fault.line for fault in caught.value.faults] == [12, 27, 46]


def test_short_forms_mean_what_people_mean_by_them() -> None:
    found = read(SMALL, "company.yaml", TODAY).organisation

    logistics, sales = found.departments
    assert found.leadership == ("carla@example.com",)
    assert logistics.name == {"es": "Despachos"}
    assert logistics.sla.resolve.total_seconds() == 18 * 3600
    assert found.programs[0].on == ("sale.closed",)
    assert found.programs[0].window.days == 14
    assert sales.calendar is not None
    assert sales.calendar.hours == {"mon-sat": ["08:00-12:00", "14:00-18:00"], "sun": []}


def test_words_that_other_readers_of_yaml_take_for_booleans_and_times_stay_words() -> None:
    text = SMALL.replace("    delay: 2h", "    delay: 2h\n    when: {gift: no, at: 08:30, amount: [10, 2.5]}")

    assert read(text, "company.yaml", TODAY).organisation.programs[0].when == {
        "gift": ["no"],
        "at": ["08:30"],
        "amount": ["10", "2.5"],
    }


def test_holidays_are_the_dates_of_three_years_from_publishing_on() -> None:
    found = read(SMALL, "company.yaml", date(2026, 12, 31)).organisation.calendar.holidays

    assert {day.year for day in found} == {2026, 2027, 2028}
    assert date(2026, 6, 8) in found  # Corpus Christi, observed on a Monday as Colombia does
    assert date(2026, 7, 20) in found


def test_days_off_may_be_added_and_worked() -> None:
    text = SMALL.replace("{country: CO}", "{country: CO, add: [2026-12-24], except: [2026-07-20]}")

    found = read(text, "company.yaml", TODAY).organisation.calendar.holidays

    assert date(2026, 12, 24) in found
    assert date(2026, 7, 20) not in found


def test_a_department_with_hours_of_its_own_keeps_the_companys_zone_and_holidays() -> None:
    found = read(SMALL, "company.yaml", TODAY).organisation

    assert found.calendar_of("sales").holidays == found.calendar.holidays
    assert found.calendar_of("sales").zone == "America/Bogota"


def test_a_department_may_work_on_holidays() -> None:
    text = SMALL.replace("sun: closed}", "sun: closed}\n      holidays: []")

    assert read(text, "company.yaml", TODAY).organisation.calendar_of("sales").holidays == ()


def test_a_text_that_one_language_lacks_is_a_warning_not_a_fault() -> None:
    text = SMALL.replace("    name: Ventas", "    name: {es: Ventas, en: Sales}")

    told = [warning.said("company.yaml") for warning in read(text, "company.yaml", TODAY).warnings]

    assert told[0] == "company.yaml:5: contact: has no text in en; who reads that sees 'Llámenos al 555 0100.'"
    assert not any("departments.sales" in each for each in told)


def test_a_closing_that_is_almost_a_known_one_and_a_driver_of_nobody_are_warnings() -> None:
    text = SMALL.replace("on: sale.closed", "on: sale.close").replace(", department: logistics}", "}")

    assert [warning.said("company.yaml") for warning in read(text, "company.yaml", TODAY).warnings] == [
        "company.yaml:26: programs.sale.on[1]: sale.close is a type of its own; did you mean sale.closed?",
        "company.yaml:43: surveys.purchase.questions.failed.options.late: is a driver of no department: a case that"
        " names it goes by the other rules",
    ]


def test_a_name_that_text_messages_cannot_write_is_a_warning_with_one_that_they_can() -> None:
    text = SMALL.replace("sender: {name: La Tuerca,", "sender: {name: La Tuerca, sms: Ferretería,")

    assert [warning.said("company.yaml") for warning in read(text, "company.yaml", TODAY).warnings] == [
        "company.yaml:6: sender.sms: 'Ferretería' has letters that text messages lack, so these leave the name out;"
        " write sms: Ferreteria"
    ]


def test_texts_that_may_go_to_any_country_are_a_warning() -> None:
    text = SMALL.replace(' sms_to: ["+57"],', "")

    assert [warning.said("company.yaml") for warning in read(text, "company.yaml", TODAY).warnings] == [
        "company.yaml:6: sender: names no countries for text messages, so they go wherever a phone is; write sms_to:"
        ' ["+57"]'
    ]


def test_a_file_without_causes_is_warned_that_none_can_be_counted() -> None:
    text = SMALL.replace("causes:\n  - {id: carrier, text: El transportador}\n", "")

    assert [warning.said("company.yaml") for warning in read(text, "company.yaml", TODAY).warnings] == [
        "company.yaml:1: has no causes: any words will do as the root cause of a case, and none can be counted"
    ]


def test_an_override_changes_the_file_before_it_is_checked() -> None:
    def earlier(data: dict[str, object]) -> None:
        data["zone"] = "America/Sao_Paulo"

    assert read(SMALL, "company.yaml", TODAY, earlier).organisation.zone == "America/Sao_Paulo"
