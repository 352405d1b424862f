"""Carla's screen, the ledger, the board, everybody's own page: true figures, each with its uncertainty."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest

from chalicelib import runtime
from chalicelib.adapters.desk.frame import Desk as Reader
from chalicelib.adapters.desk.screen import Answers
from chalicelib.adapters.desk.trends import csv_of
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Pause, Pauses, Staff
from chalicelib.domain.rollup import Row, day_of
from chalicelib.domain.score import NOTHING
from chalicelib.domain.sending import BREAKER
from chalicelib.domain.terms import fingerprint
from chalicelib.domain.trend import DriversAnswer, Point, Said, Series, Trend
from chalicelib.ports import Counters, Principal
from tests.domain.cast import FRIDAY_1630, sale
from tests.entrypoints.desk import Desk, desk
from tests.flows.test_file import filed
from tests.staffed import TOKENS, busy, company, install, staff_app, uninstall, year
from tests.world import World

NOTHING_SAID = Said(DriversAnswer(survey=None, n=0, r2=None, formula="", drivers=()), {}, {}, 0, {})


@cache
def _year() -> World:
    return year()


@pytest.fixture
def carla() -> Iterator[Desk]:
    """Carla, signed in, reading English, after a year."""
    install(_year(), "https://lazo.example")
    here = desk(staff_app(), _year())
    here.sign_in("carla")
    here.get("/trends?lang=en")
    yield here
    uninstall()


@pytest.fixture
def filed_carla(carla: Desk) -> Desk:
    """Carla, once the year's day files are written."""
    if not _year().memory.day_files:
        filed(_year())
    return carla


def _as(here: Desk, who: str) -> Desk:
    here.cookies.clear()
    here.sign_in(who)
    here.get("/me?lang=en")
    return here


def test_the_screen_shows_what_the_company_asks_and_promises(carla: Desk) -> None:
    page = carla.get("/trends").text
    for told in ("Recommendation (NPS)", "Response rate", "Promises kept, as delivered", "Cases on time"):
        assert told in page
    assert "Satisfaction (CSAT)</span>" not in page
    assert page.count("n&nbsp;=&nbsp;") >= 6
    assert "noise" in page


def test_each_figure_of_the_table_is_the_counters_own(carla: Desk) -> None:
    rows = list(csv.reader(io.StringIO(carla.get("/trends.csv?metric=nps").text)))
    assert rows[0] == ["series", "start", "n", "value", "low", "high", "hidden"]
    answered = [each for each in _year().memory.invitations.values() if each.confirmed]
    by_month: dict[str, list[int]] = {}
    for each in answered:
        assert each.confirmed is not None
        assert each.first_confirmed_at is not None
        local = each.first_confirmed_at.astimezone(ZoneInfo("America/Bogota"))
        by_month.setdefault(f"{local:%Y-%m}-01", []).append(each.confirmed.rating)
    for _, start, n, value, *_ in rows[1:]:
        ratings = by_month[start]
        nps = 100 * (sum(r >= 9 for r in ratings) - sum(r <= 6 for r in ratings)) / len(ratings)
        assert int(n) == len(ratings)
        assert float(value) == pytest.approx(nps, abs=0.001)
    assert len(rows) > 10


def test_the_view_is_in_the_address(carla: Desk) -> None:
    page = carla.get("/trends?metric=sla_met&interval=quarter&filter=department:logistics").text
    assert "Cases on time" in page
    assert "Department: Dispatch" in page
    assert '<option value="quarter" selected>' in page
    assert '<option value="department:logistics" selected>' in page


def test_a_point_leads_closer(carla: Desk) -> None:
    page = carla.get("/trends?metric=nps&interval=month&from=2026-01-01&to=2026-04-01").text
    assert "/trends?metric=nps&amp;interval=week&amp;from=2026-02-01&amp;to=2026-03-01" in page


def _link(text: str, start: str) -> str:
    """Return the first address on a page that begins so."""
    return unescape(next(part for part in text.split('"') if part.startswith(start)))


def _answered(first: str, end: str) -> list[Invitation]:
    """Return the year's answers of some local days."""
    every = [each for each in _year().memory.invitations.values() if each.confirmed and each.first_confirmed_at]
    days = {each.id: day_of(each.first_confirmed_at or each.occurred_at, "America/Bogota") for each in every}
    return [each for each in every if first <= days[each.id] < end]


def test_a_day_leads_to_its_answers(filed_carla: Desk) -> None:
    question = "metric=nps&interval=day&from=2026-02-01&to=2026-02-15&filter=department:logistics"
    link = _link(filed_carla.get(f"/trends?{question}").text, "/answers?")
    asked = dict(parse_qsl(link.partition("?")[2]))
    assert (asked["metric"], asked["filter"]) == ("nps", "department:logistics")
    counted = [each for each in _answered(asked["from"], asked["to"]) if "logistics" in each.departments]
    page = filed_carla.get(link).text
    assert counted
    assert page.count('class="what"') == len(counted)
    for each in counted:
        assert each.reference is not None
        assert each.reference in page


def test_each_row_of_the_table_leads_to_as_many_answers_as_it_counts(filed_carla: Desk) -> None:
    page = filed_carla.get("/trends?metric=nps&by=department&interval=month&from=2026-01-15&to=2026-02-20").text
    links = {unescape(part) for part in page.split('"') if part.startswith("/answers?") and "metric=" in part}
    rows = {unescape(a): int(n) for a, n in re.findall(r'"(/answers[^"]*)".*?<td class="figure">(\d+)</td></tr>', page)}
    assert set(rows) == links
    assert len(rows) > 4
    for link, n in rows.items():
        assert filed_carla.get(link).text.count('class="what"') == n


def test_an_answer_that_became_a_case_leads_to_it(filed_carla: Desk) -> None:
    page = filed_carla.get("/answers?from=2025-08-01&to=2025-08-15&metric=sla_met").text
    assert page.count("Became a case") == page.count('class="what"') > 0
    assert filed_carla.get(_link(page, "/cases/")).status == 200


def test_older_answers_stand_on_further_pages(filed_carla: Desk) -> None:
    link, seen = "/answers?from=2025-03-01&to=2026-02-20", 0
    while link:
        page = filed_carla.get(link).text
        seen += page.count('class="what"')
        older = re.search(r'button quiet" href="([^"]*)"', page)
        link = unescape(older[1]) if older else ""
    assert seen == len(_answered("2025-03-01", "2026-02-20")) > 100


def test_days_without_answers_say_what_to_do(carla: Desk) -> None:
    page = carla.get("/answers?from=2024-01-01&to=2024-01-02&metric=nps").text
    assert "No answers here" in page
    assert "All answers of these days" in page
    assert "/api/v1/export?from=2024-01-01&amp;to=2024-01-02&amp;format=csv" in page


def test_answers_that_cannot_be_told_are_refused_on_the_page(carla: Desk) -> None:
    answer = carla.get("/answers?metric=joy")
    assert answer.status == 422
    assert "is not one of nps, csat" in answer.text
    hostile = carla.get("/answers?filter=department:%3Cscript%3Ealert(1)%3C/script%3E")
    assert hostile.status == 200
    assert "<script>alert" not in hostile.text


def test_a_departments_points_lead_to_no_single_answer(carla: Desk) -> None:
    bruno = _as(carla, "bruno")
    for interval in ("week", "month"):
        assert "/answers" not in bruno.get(f"/trends?metric=nps&interval={interval}").text
    assert bruno.get("/answers").status == 403


@pytest.mark.parametrize(("metric", "leads"), [("sla_met", True), ("response_rate", False), ("kept_promise", True)])
def test_what_does_not_count_on_an_answers_day_leads_to_none(carla: Desk, metric: str, leads: bool) -> None:
    page = carla.get(f"/trends?metric={metric}&interval=day&from=2025-08-01&to=2025-08-20").text
    assert (f"metric={metric}" in "".join(re.findall(r'"/answers[^"]*"', page))) is leads
    by_person = carla.get(f"/trends?metric={metric}&by=person&interval=day&from=2025-08-01&to=2025-08-20").text
    assert f"metric={metric}" not in "".join(re.findall(r'"/answers[^"]*"', by_person))


def test_a_split_draws_each_department_on_one_scale(carla: Desk) -> None:
    page = carla.get("/trends?metric=nps&by=department").text
    for name in ("Sales", "Dispatch", "Billing", "Reception"):
        assert f">{name}</a>" in page
    assert page.count('class="plot"') == 4


def test_every_drawing_has_a_title_and_a_description(carla: Desk) -> None:
    page = carla.get("/trends?metric=nps&by=department").text
    assert page.count('class="plot"') == page.count("<desc id=") == page.count('-t">Recommendation (NPS)')


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("metric=joy", "is not one of nps, csat"),
        ("metric=nps&by=planet", "is not one of department"),
        ("metric=nps&interval=hour", "is not one of day"),
        ("metric=nps&from=2026-05-01&to=2026-01-01", "is not before"),
        ("metric=nps&from=1996-01-01&to=2026-01-01&interval=day", "years before"),
        ("metric=nps&from=yesterday", "is not a date"),
        ("metric=nps&filter=" + "x" * 100_000, "dimension:value"),
        ("metric=nps&filter=planet:mars", "dimension:value"),
        ("metric=nps&colour=red", "is not one of metric, by"),
        ("metric=nps&by=department&filter=program:after-sale", "not counted together"),
    ],
)
def test_what_cannot_be_answered_is_said_above_the_fields(carla: Desk, query: str, told: str) -> None:
    answer = carla.get(f"/trends?{query}")
    assert answer.status == 422
    assert told in answer.text
    assert 'name="metric"' in answer.text
    assert carla.get(f"/trends.csv?{query}").status == 422


def test_what_is_wrong_with_a_question_is_said_in_the_readers_language_and_by_the_fields_own_name(carla: Desk) -> None:
    carla.get("/me?lang=es")
    page = carla.get("/trends?metric=nps&from=2026-05-01&to=2026-01-01").text
    told = "Los días deben empezar antes de terminar, y abarcar diez años como máximo."
    assert f'<a href="#f-from">Desde</a>: {told} <span class="soft small" lang="en">is not before `to`' in page
    page = carla.get("/trends?than_from=soon").text
    assert f'<a href="#f-than_from">En comparación con, desde</a>: {told}' in page


def test_the_period_that_has_not_ended_is_told_apart(carla: Desk) -> None:
    page = carla.get("/trends?metric=response_rate&interval=year").text
    assert 'class="point running"' in page
    assert "The hollow point's period has not ended" in page
    assert '<span class="soft">so far</span></th>' in page
    ended = carla.get("/trends?metric=response_rate&interval=month&from=2025-01-01&to=2026-01-01").text
    assert "running" not in ended.partition("<body")[2]
    assert "so far" not in ended


def test_hostile_questions_are_only_words(carla: Desk) -> None:
    answer = carla.get("/trends?metric=nps&filter=department:%3Cscript%3Ealert(1)%3C/script%3E{{7*7}}")
    assert answer.status == 200
    assert "<script>alert" not in answer.text


def test_before_the_first_answer_the_page_says_what_will_come(carla: Desk) -> None:
    install(busy(), "https://lazo.example")
    assert "Nothing to see yet" in carla.get("/trends", who="").text
    assert "Nobody yet" in carla.get("/recognition").text


def test_the_screen_reads_each_counter_once(carla: Desk) -> None:
    counted = _Counting(_year().ports.counters)
    runtime.use_ports(replace(_year().ports, counters=counted))
    assert carla.get("/trends").status == 200
    departments = 4
    assert len(counted.read) == len(set(counted.read)) <= 12 + 4 * departments


class _Counting:
    """Counters that note what is read of them."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self.read: list[tuple[str, ...]] = []

    def series(self, *asked: str) -> dict[str, dict[str, int]]:
        self.read.append(asked)
        return self._counters.series(*asked)

    def values(self, *asked: str) -> tuple[str, ...]:
        self.read.append(asked)
        return self._counters.values(*asked)

    def glance(self) -> "_Counting":
        return self

    def checkpoint(self, shard: str) -> str:
        return self._counters.checkpoint(shard)

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        raise AssertionError("a page counts nothing")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._counters, name)


def test_a_department_sees_its_own_closed_periods_only(carla: Desk) -> None:
    bruno = _as(carla, "bruno")
    page = bruno.get("/trends").text
    assert "Trends of Dispatch" in page
    assert "Departments compared" not in page
    assert '<option value="day"' not in page
    assert "Billing" not in page
    assert bruno.get("/trends?filter=department:billing").status == 403
    assert bruno.get("/trends?metric=nps&interval=day").status == 422
    months = [row[1] for row in csv.reader(io.StringIO(bruno.get("/trends.csv?metric=nps").text))][1:]
    assert f"{_year().now:%Y-%m}-01" not in months


def test_small_cells_stay_hidden_on_the_page_too(carla: Desk) -> None:
    bruno = _as(carla, "bruno")
    page = bruno.get("/trends?metric=nps&interval=week").text
    assert "not shown: fewer than 5 answers" in page
    rows = list(csv.reader(io.StringIO(bruno.get("/trends.csv?metric=nps&interval=week").text)))
    hidden = [row for row in rows if row[6] == "yes"]
    assert hidden
    assert all(row[2:6] == ["", "", "", ""] for row in hidden)


def test_targets_are_told_with_what_has_come_of_them(carla: Desk) -> None:
    page = carla.get("/trends?lang=en").text
    assert "Would recommend us" in page
    assert "not reached" in page
    assert "Targets" in _as(carla, "bruno").get("/trends").text
    assert "Would recommend us" not in _as(carla, "bruno").get("/trends").text


def test_somebodys_own_page_has_the_targets_of_their_role(carla: Desk) -> None:
    page = _as(carla, "marta").get("/me").text
    assert "Targets of your role" in page
    assert "−90" in page


def test_leadership_sees_promises_in_four_fields_and_sales_and_service(carla: Desk) -> None:
    page = carla.get("/trends").text
    for told in ("Delivered, and felt as kept", "Sales and service"):
        assert told in page
    bruno = _as(carla, "bruno").get("/trends").text
    assert "Sales and service" not in bruno


def test_two_stretches_of_days_are_compared_as_they_were_chosen(carla: Desk) -> None:
    end = _year().now.date().replace(day=1)
    first, middle = end - timedelta(days=60), end - timedelta(days=30)
    asked = f"from={middle}&to={end}&than_from={first}&than_to={middle}"
    page = carla.get(f"/trends?metric=nps&{asked}").text
    instants = [each.first_confirmed_at for each in _year().memory.invitations.values() if each.confirmed]
    days = [at.astimezone(ZoneInfo("America/Bogota")).date() for at in instants if at]
    assert "compared with" in page
    assert "against" in page
    assert f"n&nbsp;=&nbsp;{sum(middle <= day < end for day in days)}" in page
    assert f"than_from={first}" in page


def test_days_to_compare_with_that_are_none_are_refused_beside_their_field(carla: Desk) -> None:
    refused = carla.get("/trends?metric=nps&than_from=2026-13-01")
    assert refused.status == 422
    assert 'href="#f-than_from"' in refused.text


def test_what_customers_write_about_leads_to_their_words(filed_carla: Desk) -> None:
    page = filed_carla.get("/trends?metric=nps&from=2026-01-01&to=2026-03-01").text
    assert "What customers write about" in page
    link = _link(page, "/answers?from=2026-01-01&amp;to=2026-03-01&amp;topic=")
    asked = dict(parse_qsl(link.partition("?")[2]))
    assert asked["topic"] == "billing"
    spoken = [each for each in _answered("2026-01-01", "2026-03-01") if each.confirmed and each.confirmed.rating <= 3]
    assert spoken
    assert f"answers: {len(spoken)}, of them low: {len(spoken)}" in page
    words = filed_carla.get(link).text
    assert "words about Billing" in words
    telling, _, every = words.partition('<h2 id="d-')
    assert telling.count('class="what"') == min(3, len(spoken))
    assert every.count('class="what"') == len(spoken)
    for each in spoken:
        assert f"En {each.reference} la factura" in every


def test_words_that_were_erased_are_told_no_more(filed_carla: Desk) -> None:
    link = "/answers?from=2026-01-01&to=2026-03-01&topic=billing"
    spoken = [each for each in _answered("2026-01-01", "2026-03-01") if each.confirmed and each.confirmed.rating <= 3]
    kept = spoken[0]
    assert kept.confirmed is not None
    memory = _year().memory
    gone = kept.model_copy(
        update={"erased": True, "reference": None, "confirmed": kept.confirmed.model_copy(update={"texts": {}})}
    )
    memory.invitations[kept.id] = gone
    try:
        page = filed_carla.get(link).text
    finally:
        memory.invitations[kept.id] = kept
    assert f"En {kept.reference} la factura" not in page
    assert "The customer asked to be forgotten" in page


def test_a_topic_that_is_none_is_refused_with_those_that_are(carla: Desk) -> None:
    answer = carla.get("/answers?topic=joy")
    assert answer.status == 422
    assert "topic: is not one of billing" in answer.text


def test_who_is_asked_and_who_answers_stands_by_department(carla: Desk) -> None:
    page = carla.get("/trends?metric=nps&from=2026-01-01&to=2026-03-01").text
    _, _, section = page.partition('id="h-asking"')
    asked = [
        each
        for each in _year().memory.invitations.values()
        if "sales" in each.departments and "2026-01-01" <= day_of(each.occurred_at, "America/Bogota") < "2026-03-01"
    ]
    sent = [each for each in asked if each.state != "skipped"]
    assert f"asked {len(sent)} of {len(asked)} (" in section
    assert "h-asking" not in _as(carla, "bruno").get("/trends?metric=nps").text


def test_what_failed_and_what_goes_along_stand_beside_the_trend(carla: Desk) -> None:
    page = carla.get("/trends?metric=nps&from=2025-03-01&to=2026-03-01").text
    assert "What failed, as customers say" in page
    assert "Llegó tarde" in page
    bruno = _as(carla, "bruno").get("/trends?metric=nps").text
    for told in ("What failed", "What customers write about", "What goes along"):
        assert told not in bruno


def test_an_agent_has_no_trends(carla: Desk) -> None:
    marta = _as(carla, "marta")
    for path in ("/trends", "/trends.csv", "/recognition", "/ledger", "/cases"):
        assert marta.get(path).status == 403


def test_a_spreadsheet_runs_nothing_of_ours() -> None:
    point = Point(start=FRIDAY_1630.date(), n=1, value=-5.0, low=None, high=None, counts={})
    trend = Trend(
        metric="nps", interval="month", by="person", formula="", series=(Series(key="=1+1", points=(point,)),)
    )
    answers = Answers(lambda asked: trend, lambda *_: (), lambda *_: NOTHING_SAID, lambda *_: {}, lambda *_: NOTHING)
    rows = csv_of(Reader(company(), TOKENS["carla"], FRIDAY_1630, "en"), {"by": "person"}, answers)
    assert rows[1] == ["'=1+1", "2026-03-06", "1", "-5", "", "", ""]


# The ledger


def test_the_ledger_tells_what_became_of_an_event(carla: Desk) -> None:
    page = carla.get("/ledger?event=/crm|ORD-00000").text
    assert "sale.closed · ORD-00000" in page
    assert "Asked" in page or "Answered" in page


def test_the_ledger_tells_a_customers_last_decisions(carla: Desk) -> None:
    assert "ORD-03005" in carla.get("/ledger?customer=c-ORD-03005").text


def test_the_ledger_says_why_somebody_was_not_asked() -> None:
    world = busy()
    world.tell(sale(customer={"id": "c-0", "email": "cliente0@example.com"}, envelope={"id": "again"}))
    install(world, "https://lazo.example")
    try:
        page = desk(staff_app(), world).get("/ledger?event=/crm|again&lang=en", who="admin").text
        assert "Not asked" in page
        assert "was asked a short while ago" in page
    finally:
        uninstall()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("event=/crm|nothing", 404),
        ("customer=nobody", 404),
        ("event=nonsense", 422),
        ("customer=a&event=/b|c", 422),
        ("colour=red", 422),
        ("customer=" + "x" * 201, 422),
    ],
)
def test_the_ledger_answers_every_question(carla: Desk, query: str, status: int) -> None:
    assert carla.get(f"/ledger?{query}").status == status


def test_a_department_reads_the_ledger_of_its_own_events(carla: Desk) -> None:
    ours = next(each for each in _year().memory.invitations.values() if "logistics" not in each.departments)
    theirs = next(each for each in _year().memory.invitations.values() if "logistics" in each.departments)
    bruno = _as(carla, "bruno")
    assert bruno.get(f"/ledger?event=/crm|{ours.event_id}").status == 404
    assert bruno.get(f"/ledger?event=/crm|{theirs.event_id}").status == 200


# Recognition, and one's own page


def test_the_board_ranks_by_what_is_certain(carla: Desk) -> None:
    page = carla.get("/recognition").text
    shown = [part.partition("<")[0] for part in page.split("<li><strong>")[1:]]
    assert shown == ["Dispatch", "Sales", "Marta Ruiz"]
    assert "Billing" not in page


def test_an_administrator_lets_sending_go_on_and_leadership_only_looks(bruno_and_co: Desk) -> None:
    ports, world = bruno_and_co.world.ports, bruno_and_co.world
    pause = Pause(id=BREAKER, reason="paused", why="21 of 512 mails", since=world.now)
    ports.library.save_pauses(Pauses(version=1, pauses=(pause,)))
    carla = _as(bruno_and_co, "carla")
    assert "21 of 512 mails" in carla.get("/sending").text
    assert "Let sending go on" not in carla.get("/sending").text
    assert carla.post("/sending").status == 403
    alba = _as(bruno_and_co, "admin")
    assert "Let sending go on" in alba.get("/sending").text
    assert "Sending goes on." in alba.post("/sending").text
    assert ports.library.pauses().pauses == ()


def test_everybody_sees_their_own_ratings_beside_the_teams(carla: Desk) -> None:
    page = _as(carla, "marta").get("/me").text
    assert "Recommendation (NPS)" in page
    assert "You" in page
    assert "Sales" in page


def test_a_head_reads_the_pages_of_their_people_and_nobody_elses(carla: Desk) -> None:
    organisation = carla.world.ports.library.organisation()
    sales = next(each for each in organisation.departments if each.id == "sales")
    marta = Staff(id="u-7", name="Marta Ruiz")
    led = sales.model_copy(update={"people": (marta,)})
    changed = [led if each.id == "sales" else each for each in organisation.departments]
    carla.world.publish(organisation.model_copy(update={"departments": tuple(changed)}))
    head = Principal(id="head", role="department", name="Head", department="sales", person=sales.head.id)
    colleague = head.model_copy(update={"id": "other", "person": "u-8"})
    for token, principal in (("head", head), ("colleague", colleague)):
        carla.world.ports.access.grant(token, principal)
    assert 'href="/me?person=u-7"' in carla.get("/me", who="head").text
    page = carla.get("/me?person=u-7&lang=en", who="head").text
    assert "<h1>Marta Ruiz</h1>" in page
    assert "Recommendation (NPS)" in page
    assert carla.get("/me?person=u-99", who="head").status == 404
    for who in ("colleague", "marta", "bruno", "carla", "admin"):
        other = "u-7" if who != "marta" else sales.head.id
        assert carla.get(f"/me?person={other}", who=who).status == 404, who


def test_a_token_without_a_person_has_no_page_of_its_own(carla: Desk) -> None:
    assert "A page for persons" in _as(carla, "bruno").get("/me").text


def test_few_answers_are_not_told_even_to_oneself() -> None:
    world = busy()
    install(world, "https://lazo.example")
    try:
        page = desk(staff_app(), world).get("/me?lang=en", who="marta").text
        assert "Nothing to see yet" in page
    finally:
        uninstall()


def test_ids_open_nothing(carla: Desk) -> None:
    assert carla.get(f"/cases/{fingerprint('a', 'b')}").status == 404
