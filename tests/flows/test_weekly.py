"""Once a week leadership and each head read the page's own numbers, in their hours and in their language."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.messages import TemplateMessages
from chalicelib.domain.event import Promise
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.flows import weekly, work
from chalicelib.flows.project import project
from chalicelib.ports import Change, DueKey, Mail, Ports, Principal, Sms, Word
from tests.counting import AT, answered, company
from tests.entrypoints.desk import desk
from tests.staffed import install, staff_app, uninstall
from tests.world import URL, World

MONDAY_9 = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)


class Carrier:
    """Takes mails, or fails as it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.mails: list[Mail] = []

    def mail(self, mail: Mail) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.mails.append(mail)
        return "taken"

    def text(self, sms: Sms) -> str:
        raise AssertionError("nobody is texted")

    def begin(self, message: Mail | Sms) -> Word:
        raise AssertionError("no customer is asked")


def carla_and_heads(**more: object) -> Organisation:
    """The company with heads, of whom Berta reads Portuguese."""
    found = company()
    departments = [
        each.model_copy(update={"language": "pt" if each.id == "billing" else None}) for each in found.departments
    ]
    return found.model_copy(update={"departments": tuple(departments), **more})


def _answer(week: int, number: int) -> Invitation:
    at = MONDAY_9 - (week + 1) * WEEK + number * MINUTE
    return answered(10 if number % (2 + week) else 2, f"a{week}-{number}", at=at, occurred_at=at)


def lived(carrier: Carrier, answers: int = 12, weeks: int = 3) -> tuple[World, Ports]:
    """Some weeks of answers, counted, up to the Friday before."""
    world = World()
    world.publish(carla_and_heads())
    items = [_answer(week, number) for week in range(weeks) for number in range(answers)]
    changes = [Change(str(place), None, item) for place, item in enumerate(items, start=1)]
    project(world.ports, changes, "s", MONDAY_9)
    messages = TemplateMessages(SignedLinks(URL, {1: b"k" * 32}))
    world.ports = replace(world.ports, carrier=carrier, messages=messages)
    world.now = MONDAY_9 - timedelta(days=3)
    weekly.arm(world.ports, world.now)
    return world, world.ports


def due(ports: Ports, now: datetime) -> list[str]:
    """The mailboxes that are due."""
    return sorted(key.id for key in ports.timers.due(now, 100) if isinstance(key, DueKey) and key.kind == "weekly")


def pump(world: World, ports: Ports, now: datetime) -> None:
    """Take whatever is due."""
    for key in list(ports.timers.due(now, 100)):
        work.take(ports, key, now)


def test_leadership_and_each_head_are_told_once_as_the_week_opens() -> None:
    carrier = Carrier()
    world, ports = lived(carrier)
    pump(world, ports, MONDAY_9 - timedelta(milliseconds=1))
    assert carrier.mails == []
    for _ in range(3):
        pump(world, ports, MONDAY_9)
    told = [mail.to for mail in carrier.mails]
    # Billing and reception have answered nobody: there is nothing to tell.
    assert sorted(told) == [("carla@example.com",), ("head-logistics@example.com",), ("head-sales@example.com",)]
    pump(world, ports, MONDAY_9 + WEEK - MINUTE)
    assert len(carrier.mails) == 3
    assert due(ports, MONDAY_9 + WEEK) == [
        "billing:head",
        "leadership",
        "logistics:head",
        "praise",
        "reception:head",
        "sales:head",
    ]


def test_two_workers_at_once_send_one_mail() -> None:
    carrier = Carrier()
    _, ports = lived(carrier)
    for _ in range(2):
        work.take(ports, DueKey("weekly", "leadership"), MONDAY_9)
    assert len(carrier.mails) == 1


@pytest.mark.parametrize("lost", [CarrierRefused("slow down", permanent=False), CarrierUnclear("no reply")])
def test_what_the_carrier_did_not_take_comes_again_after_its_lease(lost: Exception) -> None:
    carrier = Carrier(lost)
    _, ports = lived(carrier)
    key = DueKey("weekly", "leadership")
    work.take(ports, key, MONDAY_9)
    work.take(ports, key, MONDAY_9 + MINUTE)
    assert carrier.mails == []
    work.take(ports, key, MONDAY_9 + 2 * MINUTE)
    assert len(carrier.mails) == 1
    work.take(ports, key, MONDAY_9 + 5 * MINUTE)
    assert len(carrier.mails) == 1


def test_an_address_that_is_refused_for_good_holds_no_later_week_up() -> None:
    carrier = Carrier(CarrierRefused("no such mailbox", permanent=True))
    _, ports = lived(carrier)
    work.take(ports, DueKey("weekly", "leadership"), MONDAY_9)
    assert "leadership" not in due(ports, MONDAY_9 + WEEK - MINUTE)
    assert "leadership" in due(ports, MONDAY_9 + WEEK)


def test_a_fault_is_counted_and_tried_an_hour_later() -> None:
    carrier = Carrier(RuntimeError("broken"))
    _, ports = lived(carrier)
    key = DueKey("weekly", "leadership")
    with pytest.raises(RuntimeError):
        work.take(ports, key, MONDAY_9)
    # The lease had begun, and then the hour.
    assert "leadership" not in due(ports, MONDAY_9 + 59 * MINUTE)
    work.take(ports, key, MONDAY_9 + 60 * MINUTE)
    assert len(carrier.mails) == 1


def test_a_department_that_is_gone_is_told_nothing_more() -> None:
    carrier = Carrier()
    world, ports = lived(carrier)
    left = carla_and_heads()
    departments = tuple(each for each in left.departments if each.id != "sales")
    world.publish(left.model_copy(update={"departments": departments, "retired_departments": ("sales",)}))
    pump(world, ports, MONDAY_9)
    assert ("head-sales@example.com",) not in [mail.to for mail in carrier.mails]
    assert "sales:head" not in due(ports, MONDAY_9 + 10 * WEEK)


def test_weeks_that_were_missed_are_one_mail_about_the_last() -> None:
    carrier = Carrier()
    _, ports = lived(carrier)
    work.take(ports, DueKey("weekly", "leadership"), MONDAY_9 + timedelta(hours=30))
    (mail,) = carrier.mails
    assert "2 – 8 de marzo de 2026" in mail.subject


@pytest.mark.parametrize(
    ("late", "opens"),
    [
        (MONDAY_9 + timedelta(hours=8), MONDAY_9 + timedelta(days=1)),  # five in the afternoon: closed from now on
        (MONDAY_9 + timedelta(hours=18), MONDAY_9 + timedelta(days=1)),  # in the small hours
    ],
)
def test_a_mail_that_was_held_up_waits_for_the_companys_hours(late: datetime, opens: datetime) -> None:
    carrier = Carrier()
    _, ports = lived(carrier)
    key = DueKey("weekly", "leadership")
    for _ in range(2):
        work.take(ports, key, late)
    assert carrier.mails == []
    assert "leadership" not in due(ports, opens - MINUTE)
    assert "leadership" in due(ports, opens)
    work.take(ports, key, opens)
    assert len(carrier.mails) == 1


def test_a_mail_that_is_late_within_hours_leaves_at_once() -> None:
    carrier = Carrier()
    _, ports = lived(carrier)
    work.take(ports, DueKey("weekly", "leadership"), MONDAY_9 + timedelta(hours=8) - MINUTE)
    assert len(carrier.mails) == 1


def test_a_week_of_which_there_is_nothing_to_tell_is_no_mail() -> None:
    carrier = Carrier()
    world, ports = lived(carrier, answers=0)
    pump(world, ports, MONDAY_9)
    assert carrier.mails == []


def test_a_head_whose_week_is_too_small_to_show_gets_no_mail_about_it() -> None:
    carrier = Carrier()
    world, ports = lived(carrier, answers=4, weeks=1)
    pump(world, ports, MONDAY_9)
    # What was sent counts four as well: leadership sees every cell, a head none of these.
    assert [mail.to for mail in carrier.mails] == [("carla@example.com",)]


def test_every_number_of_the_mail_is_the_pages() -> None:
    carrier = Carrier()
    world, ports = lived(carrier)
    pump(world, ports, MONDAY_9)
    world.ports.access.grant("carla", Principal(id="carla@example.com", role="leadership", name="Carla"))
    world.ports.access.grant("head", Principal(id="head", role="department", name="Head", department="logistics"))
    world.now = MONDAY_9
    install(world, URL)
    try:
        for who, to in (("carla", "carla@example.com"), ("head", "head-logistics@example.com")):
            mail = next(each for each in carrier.mails if each.to == (to,))
            here = desk(staff_app(), world)
            here.sign_in(who)
            (link,) = re.findall(rf"{URL}(/trends\?\S+)", mail.text)
            page = unescape(here.get(link).text)
            assert figures(mail.text), who
            for figure in figures(mail.text):
                assert figure in page, (who, figure)
            news = mail.text.split("\n")[2]
            assert f'<p class="news">{news}</p>' in page
    finally:
        uninstall()


def figures(text: str) -> list[str]:
    """Values, intervals and steps as the mail writes them."""
    body = text.partition("\n\n")[2]
    values = re.findall(r": ([−\d][^\n(]*?) \(", body)
    between = re.findall(r": [−\d][^\n(]*?\(([^)\n]* … [^)\n]*)\), n", body)
    steps = re.findall(r"^  ([+−]\S+ ?\S* \([^)]*\) \S+ [^:\n]*): ", body, re.MULTILINE)
    return [*values, *between, *steps]


def test_each_departments_value_has_its_interval() -> None:
    carrier = Carrier()
    world, ports = lived(carrier)
    promised = AT - timedelta(days=1)
    late = Promise(kind="delivery", department="logistics", promised=promised, fulfilled=AT)
    items = [answered(9, f"p-{number}", at=AT, occurred_at=AT, promises=(late,)) for number in range(6)]
    project(ports, [Change(str(900 + place), None, item) for place, item in enumerate(items)], "t", MONDAY_9)
    pump(world, ports, MONDAY_9)
    text = next(mail.text for mail in carrier.mails if mail.to == ("carla@example.com",))
    assert (
        "Promesas cumplidas, según lo entregado: 0\u00a0% (0\u00a0% … 39\u00a0%), n\u00a0=\u00a06"
        in text.partition("-- ")[2]
    )


def test_each_reads_in_the_own_language() -> None:
    carrier = Carrier()
    world, ports = lived(carrier)
    items = [answered(10, f"b-{number}", at=AT, departments=("billing",), occurred_at=AT) for number in range(9)]
    project(ports, [Change(str(900 + place), None, item) for place, item in enumerate(items)], "t", MONDAY_9)
    pump(world, ports, MONDAY_9)
    subjects = {mail.to[0]: mail.subject for mail in carrier.mails}
    assert subjects["carla@example.com"] == "La semana de Ferretería El Tornillo: 2 – 8 de marzo de 2026"
    assert subjects["head-billing@example.com"].startswith("A semana de ")
    portuguese = next(mail for mail in carrier.mails if mail.to == ("head-billing@example.com",))
    assert "Ver tudo" in portuguese.text
    assert 'lang="pt"' in portuguese.html
    assert date(2026, 3, 2).isoformat() not in portuguese.subject
