"""Bruno's pages: the queue, a case, its forms, and the link in an alert."""

from datetime import timedelta

import pytest

from chalicelib.domain.terms import TEXT_MAX
from chalicelib.entrypoints.http import FORM_BYTES_MAX
from chalicelib.ports import Ticket
from tests.entrypoints.desk import Answer, Desk

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}{% raw %}\u202e%s %(name)s'


@pytest.fixture
def bruno(bruno_and_co: Desk) -> Desk:
    """Bruno, signed in, reading English."""
    bruno_and_co.sign_in("bruno")
    bruno_and_co.get("/cases?lang=en")
    return bruno_and_co


def _order(page: str, *words: str) -> bool:
    places = [page.index(word) for word in words]
    return places == sorted(places)


def test_what_is_due_first_stands_first(bruno: Desk) -> None:
    page = bruno.get("/cases").text
    assert _order(page, "Lucía Pérez", "Jorge Ramírez", "Andrés Mejía", "Paula Cárdenas")
    assert "3 are late." in page
    assert "1 d 7 h late" in page
    assert "Constructora Los Alpes" not in page


def test_what_was_mended_has_a_list_of_its_own(bruno: Desk) -> None:
    page = bruno.get("/cases?state=resolved").text
    assert "Sofía Aguirre" in page
    assert "Lucía Pérez" not in page


def test_an_empty_queue_says_what_will_appear(bruno: Desk) -> None:
    bruno.world.memory.cases.clear()
    assert "Nothing is waiting" in bruno.get("/cases").text
    assert "Nothing mended yet" in bruno.get("/cases?state=resolved").text


def test_more_than_a_page_is_offered_as_the_next(bruno: Desk) -> None:
    page = bruno.get("/cases?limit=1").text
    assert "Show more" in page
    following = page.partition('class="button quiet" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert bruno.get(following).status == 200


def test_leadership_chooses_a_department(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("carla")
    page = bruno_and_co.get("/cases?lang=en").text
    assert "Cases of all departments" in page
    assert "Constructora Los Alpes" in page
    chosen = bruno_and_co.get("/cases?department=billing").text
    assert "Cases of Billing" in chosen
    assert "Lucía Pérez" not in chosen


def test_a_case_says_what_why_and_by_when(bruno: Desk) -> None:
    page = bruno.get(f"/cases/{bruno.case('ORD-10052').id}").text
    for told in (
        "Llegaron ocho sacos de diez.",
        "the customer chose: Llegó tarde",
        "Marta Ruiz",
        "broken",
        "Tuesday 10 March, 13:00",
        "tel:+573001234501",
        "mailto:cliente1@example.com",
        "Había diez sacos en la bodega.",
        "Passed on 2 times.",
        "Times are those of America/Bogota.",
    ):
        assert told in page
    assert 'aria-label="Dispatch: 2 d 3 h, Sales: 1 d 19 h"' in page


def test_a_customer_who_asked_not_to_be_called_is_offered_no_phone(bruno: Desk) -> None:
    case = bruno.case("ORD-10070")
    kept = bruno.world.memory.customers
    kept[case.customer] = kept[case.customer].model_copy(update={"do_not_call": True})
    page = bruno.get(f"/cases/{case.id}").text
    assert "tel:" not in page
    assert "Asked not to be called" in page


def test_whoever_ticks_the_box_is_written_to_and_not_called(bruno: Desk) -> None:
    case = bruno.case("ORD-10070")
    bruno.world.answer(case.id, 1, do_not_call="1", comment="No me llamen.")
    page = bruno.get(f"/cases/{case.id}").text
    assert "tel:" not in page
    assert "Asked not to be called" in page
    bruno.world.answer(case.id, 1, comment="Bueno, llamen.")
    assert "tel:" in bruno.get(f"/cases/{case.id}").text


def test_a_move_by_the_form_leads_back_to_the_case(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    answer = bruno.post(f"/cases/{id_}/acknowledge", version="1")
    assert (answer.status, answer.header("Location")) == (303, f"/cases/{id_}?done=acknowledge")
    page = bruno.get(answer.header("Location")).text
    assert "It is yours now." in page
    assert bruno.case("ORD-10070").state == "acknowledged"


def test_only_moves_that_are_possible_are_offered(bruno: Desk) -> None:
    page = bruno.get(f"/cases/{bruno.case('ORD-10070').id}").text
    offered = {verb for verb in ("acknowledge", "return", "reassign", "comment", "contact") if f'/{verb}"' in page}
    assert offered == {"acknowledge", "return", "reassign", "comment", "contact"}
    assert '/resolve"' not in page
    assert '/reopen"' not in page


def test_leadership_is_offered_no_move(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("carla")
    id_ = bruno_and_co.case("ORD-10070").id
    page = bruno_and_co.get(f"/cases/{id_}").text
    assert f'action="/cases/{id_}/' not in page
    assert bruno_and_co.post(f"/cases/{id_}/acknowledge", version="1").status == 403


def test_what_is_missing_is_said_beside_its_field_and_what_was_typed_stays(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    bruno.post(f"/cases/{id_}/acknowledge", version="1")
    answer = bruno.post(f"/cases/{id_}/resolve", version="2", root_cause="", action="Se repuso todo.")
    assert answer.status == 422
    assert 'id="resolve-root_cause-wrong">Please fill this in.' in answer.text
    assert "Se repuso todo.</textarea>" in answer.text
    assert 'id="resolve-action-wrong"' not in answer.text
    assert bruno.case("ORD-10070").state == "acknowledged"


def test_a_text_that_is_too_long_is_kept_and_said(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    long = "x" * (TEXT_MAX + 1)
    answer = bruno.post(f"/cases/{id_}/comment", version="1", text=long)
    assert answer.status == 422
    assert long in answer.text
    assert "At most 5,000 characters; this has 5001." in answer.text


def test_a_cause_that_is_not_on_the_list_is_refused(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    bruno.post(f"/cases/{id_}/acknowledge", version="1")
    answer = bruno.post(f"/cases/{id_}/resolve", version="2", root_cause="magic", action="x")
    assert answer.status == 422
    assert "late_supplier" in answer.text


def test_who_comes_second_sees_what_changed_and_loses_nothing(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    bruno.move(id_, "comment", who="admin", version=1, text="Ya lo llamé yo.")
    answer = bruno.post(f"/cases/{id_}/reassign", version="1", department="billing", reason="Fue la factura.")
    assert answer.status == 409
    problem = answer.text.partition('class="problem"')[2].partition("</div>")[0]
    assert "Ya lo llamé yo." in problem
    assert "Case opened" not in problem
    assert "Fue la factura.</textarea>" in answer.text
    assert '<option value="billing" selected>' in answer.text
    assert 'name="version" value="2"' in answer.text
    assert (
        bruno.post(f"/cases/{id_}/reassign", version="2", department="billing", reason="Fue la factura.").status == 303
    )


def test_what_was_typed_into_a_form_that_is_gone_can_be_copied(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    bruno.move(id_, "acknowledge", version=1)
    bruno.move(id_, "resolve", version=2, root_cause="wrong_pick", action="x")
    answer = bruno.post(f"/cases/{id_}/wait", version="2", reason="Espero su respuesta.")
    assert answer.status == 409
    assert "Espero su respuesta.</textarea>" in answer.text


def test_a_move_that_the_state_forbids_is_refused_with_what_was_typed(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    answer = bruno.post(f"/cases/{id_}/wait", version="1", reason="Espero su respuesta.")
    assert answer.status == 422
    assert "is not possible any more" in answer.text
    assert "Espero su respuesta.</textarea>" in answer.text


def test_a_form_without_its_version_is_refused(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    assert bruno.post(f"/cases/{id_}/acknowledge").status == 428
    assert bruno.post(f"/cases/{id_}/acknowledge", version="x").status == 422
    assert bruno.case("ORD-10070").version == 1


def test_a_move_that_does_not_exist_changes_nothing(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    assert bruno.post(f"/cases/{id_}/explode", version="1").status == 422
    assert bruno.call("GET", f"/cases/{id_}/acknowledge").status == 405
    assert bruno.case("ORD-10070").version == 1


def test_another_departments_case_is_no_page(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10083").id
    assert bruno.get(f"/cases/{id_}").status == 404
    assert bruno.post(f"/cases/{id_}/acknowledge", version="1").status == 404
    assert "Me cobraron" not in bruno.get(f"/cases/{id_}").text


def test_looking_changes_nothing(bruno: Desk) -> None:
    before = dict(bruno.world.memory.cases)
    for path in ("/cases", f"/cases/{bruno.case('ORD-10070').id}", f"/cases/{bruno.case('ORD-10070').id}/acknowledge"):
        bruno.get(path)
        bruno.call("HEAD", path)
    assert bruno.world.memory.cases == before


def _nothing_of_it_runs(answer: Answer) -> None:
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "onerror=alert" not in answer.text.replace("&#34;&gt;&lt;img src=x onerror=alert(1)&gt;", "")
    assert "49" not in answer.text.partition("alert(1)&gt;")[2][:20]
    assert "'unsafe-inline'" not in answer.header("Content-Security-Policy")


def test_hostile_words_are_words_wherever_they_come_from(bruno: Desk) -> None:
    case = bruno.case("ORD-10070")
    memory = bruno.world.memory
    memory.customers[case.customer] = memory.customers[case.customer].model_copy(update={"name": HOSTILE})
    asked = memory.invitations[case.id]
    assert asked.confirmed is not None
    said = asked.confirmed.model_copy(update={"texts": {"comment": HOSTILE}})
    memory.invitations[case.id] = asked.model_copy(update={"confirmed": said, "reference": HOSTILE})
    memory.cases[case.id] = case.model_copy(update={"reference": HOSTILE})
    bruno.move(case.id, "comment", version=1, text=HOSTILE)
    for path in ("/cases", f"/cases/{case.id}", f"/cases/{case.id}?done={HOSTILE[:8]}"):
        _nothing_of_it_runs(bruno.get(path))
    _nothing_of_it_runs(bruno.post(f"/cases/{case.id}/reassign", version="1", department=HOSTILE, reason=HOSTILE))
    _nothing_of_it_runs(bruno.post(f"/cases/{case.id}/reassign", version="2", department=HOSTILE, reason=""))


def test_a_form_of_any_size_is_not_read(bruno: Desk) -> None:
    id_ = bruno.case("ORD-10070").id
    assert bruno.post(f"/cases/{id_}/comment", version="1", text="x" * FORM_BYTES_MAX).status == 413


def test_answers_by_phone_are_marked_as_such(bruno: Desk) -> None:
    case = bruno.case("ORD-10070")
    asked = bruno.world.memory.invitations[case.id]
    assert asked.confirmed is not None
    told = asked.confirmed.model_copy(update={"how": "phone"})
    bruno.world.memory.invitations[case.id] = asked.model_copy(update={"confirmed": told})
    assert "told us by phone" in bruno.get(f"/cases/{case.id}").text


# The link in an alert


def _link(desk: Desk, reference: str = "ORD-10070", *, version: int = 1, days: int = 14) -> str:
    ticket = Ticket(desk.case(reference).id, desk.world.now + timedelta(days=days), version)
    return desk.world.ports.links.url("case", ticket).removeprefix("https://lazo.example")


def test_an_alert_shows_its_case_without_an_account(bruno_and_co: Desk) -> None:
    page = bruno_and_co.get(_link(bruno_and_co) + "?lang=en").text
    assert "Jorge Ramírez" in page
    assert "Pick it up" in page
    assert "mailto:" not in page
    assert "tel:" not in page
    assert "Lucía Pérez" not in page


def test_looking_at_an_alert_picks_nothing_up(bruno_and_co: Desk) -> None:
    link = _link(bruno_and_co)
    for method in ("GET", "HEAD", "GET"):
        assert bruno_and_co.call(method, link).status == 200
    assert bruno_and_co.case("ORD-10070").version == 1


def test_the_button_of_an_alert_picks_the_case_up(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.post(_link(bruno_and_co))
    assert answer.status == 200
    case = bruno_and_co.case("ORD-10070")
    assert (case.state, case.version) == ("acknowledged", 2)
    assert bruno_and_co.world.ports.cases.timeline(case.id)[-1].by == "Despachos, por correo"


def test_a_second_press_is_told_what_has_happened(bruno_and_co: Desk) -> None:
    link = _link(bruno_and_co)
    bruno_and_co.post(link)
    answer = bruno_and_co.post(link)
    assert answer.status == 409
    assert "Tomado" in answer.text
    assert bruno_and_co.case("ORD-10070").version == 2


def test_a_late_press_is_told_what_has_happened_since_and_may_try_again(bruno_and_co: Desk) -> None:
    link = _link(bruno_and_co)
    id_ = bruno_and_co.case("ORD-10070").id
    bruno_and_co.move(id_, "comment", version=1, text="Ya lo llamé yo.")
    assert "Ya lo llamé yo." in bruno_and_co.get(link).text
    answer = bruno_and_co.post(link)
    assert answer.status == 409
    assert "Ya lo llamé yo." in answer.text
    assert 'name="version" value="2"' in answer.text
    assert bruno_and_co.post(link, version="2").status == 200


def test_whoever_picks_a_case_up_by_mail_reads_that_it_is_theirs(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.post(_link(bruno_and_co))
    assert answer.status == 200
    assert "Desde que se escribió este correo" not in answer.text
    assert '<p class="notice" role="status">' in answer.text
    assert "Desde que se escribió este correo" in bruno_and_co.get(_link(bruno_and_co)).text


def test_an_alert_of_a_case_that_is_mended_offers_nothing(bruno_and_co: Desk) -> None:
    link = _link(bruno_and_co, "ORD-10077")
    page = bruno_and_co.get(link).text
    assert '<form method="post" action="/c/' not in page
    assert bruno_and_co.post(link).status == 409


@pytest.mark.parametrize(("days", "status"), [(13, 200), (15, 410)])
def test_an_alerts_link_has_an_end(bruno_and_co: Desk, days: int, status: int) -> None:
    link = _link(bruno_and_co)
    bruno_and_co.world.now += timedelta(days=days)
    assert bruno_and_co.get(link).status == status
    assert bruno_and_co.post(link).status == status


def test_a_link_for_something_else_is_not_found(bruno_and_co: Desk) -> None:
    id_ = bruno_and_co.case("ORD-10070").id
    answer_link = bruno_and_co.world.ports.links.url("answer", Ticket(id_)).rpartition("/")[2]
    for token in (answer_link, "nonsense", id_, _link(bruno_and_co).rpartition("/")[2][:-2] + "AA"):
        assert bruno_and_co.get(f"/c/{token}").status == 404
        assert bruno_and_co.post(f"/c/{token}").status == 404


def test_another_site_cannot_press_the_button(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.form(_link(bruno_and_co), {}, Sec_Fetch_Site="cross-site")
    assert (answer.status, bruno_and_co.case("ORD-10070").version) == (403, 1)


def test_a_case_shows_what_mended_cases_like_it_without_names(bruno: Desk) -> None:
    cases = bruno.world.memory.cases
    resolved = next(each for each in cases.values() if each.resolved_at and each.department == "logistics")
    open_ = next(each for each in cases.values() if not each.resolved_at and each.department == "logistics")
    done = {"root_cause": "carrier", "action": "Sofía got a new drill on Monday", "drivers": ("late",)}
    cases[resolved.id] = resolved.model_copy(update=done)
    cases[open_.id] = open_.model_copy(update={"drivers": ("late",)})
    page = bruno.get(f"/cases/{open_.id}").text
    assert "What mended cases like this" in page
    assert "… got a new drill on Monday" in page
    assert "What mended cases like this" not in bruno.get(f"/cases/{resolved.id}").text


def test_billing_finds_what_dispatch_has_mended_and_no_name(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("billing")
    page = bruno_and_co.get("/knowledge?words=todo+en+la+calle&lang=en").text
    for told in ("We picked the wrong goods", "Recogimos todo y lo entregamos dentro.", "Dispatch", "Llegó tarde"):
        assert told in page
    for hidden in ("Sofía", "Aguirre", "ORD-10077", "El conductor", "cliente4", bruno_and_co.case("ORD-10077").id):
        assert hidden not in page


def test_the_search_begins_with_its_box_and_keeps_what_was_typed(bruno: Desk) -> None:
    assert 'href="/knowledge"' in bruno.get("/cases").text
    assert "Looked into" not in bruno.get("/knowledge").text
    nothing = bruno.get("/knowledge?words=paraguas&department=billing")
    assert (nothing.status, "Nothing found" in nothing.text) == (200, True)
    assert 'value="paraguas"' in nothing.text
    assert '<option value="billing" selected>' in nothing.text


@pytest.mark.parametrize(
    "asked",
    ["words=que", f"words={'a' * 201}", "words=calle&department=nowhere", "words=calle&cursor=x", "like=calle"],
)
def test_a_search_that_cannot_be_is_refused(bruno: Desk, asked: str) -> None:
    assert bruno.get(f"/knowledge?{asked}").status == 422


def test_hostile_words_stay_words(bruno: Desk) -> None:
    page = bruno.get("/knowledge?words=%3Cscript%3Ealert(1)%3C%2Fscript%3E").text
    assert "<script>alert" not in page
