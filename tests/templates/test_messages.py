"""Test what people are sent: that it reads well, weighs little, and that no name opens a door."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.messages import TemplateMessages, signed
from chalicelib.adapters.notices import recipients
from chalicelib.adapters.templates.catalogue import TEMPLATES
from chalicelib.domain.case import Case, Entry, Notice, open_case
from chalicelib.domain.digest import LINES_MAX
from chalicelib.domain.incident import Incident
from chalicelib.domain.invitation import Answer
from chalicelib.domain.organisation import Burst, Program, Sender, Signature, Staff
from chalicelib.domain.recognition import Praise
from chalicelib.domain.routing import RouteTo, Task, Why, route
from chalicelib.domain.sending import Sent
from chalicelib.domain.sms import segments, septets
from chalicelib.errors import Invalid
from chalicelib.ports import CaseView, Mail, Sms, Ticket
from tests.templates import cast

LANGUAGES = ("es", "en", "pt")
LINKS = SignedLinks("https://opina.eltornillo.example", {1: b"k" * 32})
MESSAGES = TemplateMessages(LINKS)
MAIL_BYTES_MAX = 60 * 1024
CLIPPED_BYTES = 100 * 1024
WORDS = "Llegó dos días tarde.\nNadie me llamó."


def mail(language: str = "es", metric: str = "nps", *, reminder: bool = False, **customer: Any) -> Mail:
    invitation = cast.invitation(language=language)
    message = MESSAGES.invitation(
        invitation, cast.ana(**customer), cast.survey(metric), cast.organisation(), reminder=reminder
    )
    assert isinstance(message, Mail)
    return message


def sms(language: str = "es", name: str | None = "Ana", reference: str | None = "ORD-10045", **company: Any) -> Sms:
    invitation = cast.invitation(language=language, channel="sms", reference=reference)
    organisation = cast.organisation(**company)
    message = MESSAGES.invitation(invitation, cast.ana(name=name), cast.survey(), organisation, reminder=False)
    assert isinstance(message, Sms)
    return message


def case_view(words: str = WORDS, **changes: Any) -> CaseView:
    answer = Answer(
        rating=2, choices={"drivers": ("late", "short")}, texts={"comment": words}, at=cast.NOW, how="button"
    )
    invitation, organisation = cast.invitation(confirmed=answer), cast.organisation()
    to = route(invitation, cast.survey(), answer, organisation, cast.NOW)
    opened = open_case(invitation, answer, to, organisation, cast.NOW)
    return CaseView(opened.case.model_copy(update=changes), invitation, cast.ana(), (opened.entry,))


def notice(kind: str = "opened", view: CaseView | None = None, days: float = 0, **more: Any) -> Mail:
    told = Notice.model_validate({"kind": kind, "department": "logistics", "at": cast.NOW, **more})
    now = cast.NOW + timedelta(days=days)
    return MESSAGES.notice(told, view or case_view(), cast.organisation(), now)


class Reader(HTMLParser):
    """Read a mail as a program would: its tags, links and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("metric", "marks"), [("nps", range(11)), ("csat", range(1, 6)), ("ces", range(1, 8))])
def test_the_ratings_are_links(language: str, metric: str, marks: range) -> None:
    sent = mail(language, metric)
    url = LINKS.url("answer", Ticket("f" * 32))
    links = Reader(sent.html).links
    assert [link for link in links if link.startswith(f"{url}/")] == [f"{url}/{mark}" for mark in marks]
    assert url in sent.text
    assert len(sent.html.encode()) < MAIL_BYTES_MAX


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_greets_by_name_and_says_what_it_is_about_in_both_parts(language: str) -> None:
    sent = mail(language)
    for part in (sent.text, " ".join(Reader(sent.html).words)):
        for fact in ("Ana Pérez", "ORD-10045", "Marta Ruiz", "17:00", "+57 601 555 0100"):
            assert fact in part
    assert f'lang="{language}"' in sent.html
    assert "<" not in sent.text


def test_the_mail_can_be_stopped_with_one_click() -> None:
    headers = mail().headers
    stop = LINKS.url("stop", Ticket("f" * 32))
    assert headers["List-Unsubscribe"] == f"<{stop}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Feedback-ID"] == "after-sale:invitation:lazo"
    assert stop in mail().text
    assert stop in Reader(mail().html).links


def test_a_mailbox_that_stops_surveys_is_named_when_there_is_one() -> None:
    messages = TemplateMessages(LINKS, unsubscribe_to="baja@eltornillo.example")
    sent = messages.invitation(cast.invitation(), cast.ana(), cast.survey(), cast.organisation(), reminder=False)
    assert isinstance(sent, Mail)
    assert sent.headers["List-Unsubscribe"].endswith(">, <mailto:baja@eltornillo.example?subject=unsubscribe>")


def test_a_program_may_sign_with_its_own_name_and_mailbox() -> None:
    own = Signature(name="El Tornillo · Taller", reply_to="taller@eltornillo.example")
    program = Program.model_validate(
        {"id": "workshop", "name": {"es": "Taller"}, "on": ("sale.closed",), "survey": cast.survey().id, "sender": own}
    )
    assert signed(cast.organisation(programs=(program,)), "workshop").name == "El Tornillo · Taller"
    assert signed(cast.organisation(programs=(program,)), "workshop").reply_to == "taller@eltornillo.example"


def test_answers_to_a_mail_always_reach_a_mailbox_that_somebody_owns() -> None:
    nameless = Sender(name="El Tornillo", email="hola@eltornillo.example")
    assert signed(cast.organisation(sender=nameless)).reply_to == "reception@eltornillo.example"
    assert signed(cast.organisation(), "gone").reply_to == "ayuda@eltornillo.example"
    assert signed(cast.organisation(), "gone", department="billing").reply_to == "billing@eltornillo.example"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_administrator_reads_why_nothing_is_sent_and_how_to_go_on(language: str) -> None:
    company = cast.organisation(language=language, admins=("alba@eltornillo.example",))
    written = MESSAGES.paused(Sent(512, 21), company)
    assert written.to == ("alba@eltornillo.example",)
    for part in (written.text, written.html):
        assert "21" in part
        assert "512" in part
        assert "python -m infra resume" in part
        assert "https://opina.eltornillo.example/sending" in part


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("pause", [False, True])
def test_leadership_reads_what_lets_down_many_since_when_and_whether_surveys_wait(language: str, pause: bool) -> None:
    company = cast.organisation(language=language, incidents=Burst(answers_min=7, pause=pause))
    since = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)
    named = Incident(id="late<b>", since=since, opened_at=since, department="logistics")
    written = MESSAGES.incident(named, company)
    assert written.to == company.leadership
    assert "late<b>" in written.subject
    for part in (written.text, written.html):
        assert "7" in part
        assert "16:30" in part
        assert "https://opina.eltornillo.example/incidents" in part
    assert "<b>" not in written.html
    assert len(written.text.split("\n\n")) > 2
    waits = {"es": "Mientras tanto", "en": "meanwhile", "pt": "Enquanto isso"}[language]
    assert (waits in written.text) == (waits in written.html) == pause


def test_on_a_desk_every_part_of_a_mail_is_as_wide_as_the_others() -> None:
    for name in (
        "invitation",
        "mended",
        "heard",
        "copy",
        "notice",
        "digest",
        "paused",
        "weekly",
        "praise",
        "incident",
        "sign_in",
    ):
        html = (TEMPLATES / "mail" / f"{name}.html").read_text("utf-8")
        parts = re.findall(r'<div class="(?:soft|card ink)" style="([^"]*)"', html)
        assert len(parts) >= 2, name
        assert all("max-width:600px" in style for style in parts), name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("heads", [False, True])
def test_who_is_praised_reads_it_in_their_language_with_nothing_of_it_run(language: str, heads: bool) -> None:
    company = cast.organisation(language=language)
    sales = company.departments[0].model_copy(
        update={"people": (Staff(id="u-7", name="Marta <b>Ruiz", email="marta@eltornillo.example"),)}
    )
    sales = sales.model_copy(update={"head": sales.head.model_copy(update={"email": "head@eltornillo.example"})})
    company = company.model_copy(update={"departments": (sales, *company.departments[1:])})
    praised = Praise("i-1", cast.NOW, "nps", 10, "<script>x</script> Muy\r\namable " * 60, "gone", ("Marta <b>Ruiz",))
    written = MESSAGES.praise(sales.head.id if heads else "u-7", (praised, praised), company)
    assert written.to == (("head" if heads else "marta") + "@eltornillo.example",)
    own = {"es": "su trabajo", "en": "your work", "pt": "o seu trabalho"}[language]
    assert written.subject.endswith(own) != heads
    for part in (written.text, written.html):
        assert "https://opina.eltornillo.example/me" in part
        assert {"es": "10 de 10", "en": "10 of 10", "pt": "10 de 10"}[language] in part
    assert "<script" not in written.html
    assert "<b>" not in written.html
    assert len(written.html.encode()) < MAIL_BYTES_MAX


def test_nothing_in_a_mail_is_fetched_from_anywhere() -> None:
    for sent in (mail(), notice()):
        assert not {"img", "link", "script", "iframe"} & set(Reader(sent.html).tags)
        assert "url(" not in sent.html
        assert "@import" not in sent.html


def test_a_reminder_says_that_it_is_the_last() -> None:
    assert "última vez" in mail(reminder=True).text
    assert "última vez" in mail(reminder=True).html
    assert "última vez" not in mail().text
    assert mail(reminder=True).tags == {"invitation": "f" * 32, "kind": "reminder"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hostile", cast.HOSTILE)
def test_whatever_people_are_called_is_text_and_nothing_else(language: str, hostile: str) -> None:
    clean, given = Reader(mail(language).html), mail(language, name=hostile)
    read = Reader(given.html)
    assert read.tags == clean.tags
    assert hostile in "".join(read.words)
    assert hostile in given.text


def test_a_line_break_in_a_title_stays_out_of_the_subject() -> None:
    survey = cast.survey(title={"es": "¿Qué tal?\r\nBcc: todos@example.com"})
    sent = MESSAGES.invitation(cast.invitation(), cast.ana(), survey, cast.organisation(), reminder=False)
    assert isinstance(sent, Mail)
    assert "\n" not in sent.subject
    assert "\r" not in sent.subject


def test_two_customers_of_one_program_get_their_own_names_and_links() -> None:
    other = cast.invitation(id="e" * 32, reference=None, people=())
    sent = MESSAGES.invitation(other, cast.ana(name="Bea"), cast.survey(), cast.organisation(), reminder=False)
    assert isinstance(sent, Mail)
    assert "Ana" in mail().html
    assert "Bea" in sent.html
    assert "Ana" not in sent.html
    assert "Marta" not in sent.html
    assert LINKS.url("answer", Ticket("e" * 32)) in sent.html


def test_who_has_no_address_is_not_written_to() -> None:
    with pytest.raises(Invalid):
        mail(email=None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["Ana", "Ñusta", "José", "Ana 😊", "a" * 200, None, "€" * 40])
@pytest.mark.parametrize("reference", ["ORD-10045", "r" * 200, "Pedido nº 7", None])
def test_a_text_is_one_segment_whatever_people_are_called(
    language: str, name: str | None, reference: str | None
) -> None:
    sent = sms(language, name, reference)
    assert segments(sent.text) == 1
    assert septets(sent.text) is not None
    assert LINKS.url("answer", Ticket("f" * 32)) in sent.text
    assert sent.text.startswith("Ferreteria El Tornillo: ")


def test_a_text_has_name_and_reference_when_they_fit_and_the_way_out() -> None:
    url = LINKS.url("answer", Ticket("f" * 32))
    assert sms().text == f"Ferreteria El Tornillo: Ana, ¿qué tal le fue con ORD-10045? {url} Salir: BAJA"
    assert sms(name="Íñigo").text.startswith("Ferreteria El Tornillo: ¿Qué tal le fue con ORD-10045?")


def test_a_company_that_does_not_agree_to_be_folded_is_left_out_of_texts() -> None:
    sender = cast.organisation().sender.model_copy(update={"sms": None})
    assert "Ferreter" not in sms(sender=sender).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_whether_it_was_mended_is_asked_on_both_channels(language: str, channel: Any) -> None:
    message = MESSAGES.mended(case_view().case, cast.ana(language=language), cast.organisation(), channel)
    url = LINKS.url("mended", Ticket("f" * 32))
    if isinstance(message, Sms):
        assert segments(message.text) == 1
        assert url in message.text
    else:
        assert {f"{url}/yes", f"{url}/no"} <= set(Reader(message.html).links)
        assert f"{url}/yes" in message.text
        assert message.tags["kind"] == "mended"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_the_customer_is_told_that_somebody_has_picked_it_up(language: str, channel: Any) -> None:
    message = MESSAGES.heard(case_view().case, cast.ana(language=language), cast.organisation(), channel)
    assert "ORD-10045" in message.text
    if isinstance(message, Sms):
        assert segments(message.text) == 1
    else:
        assert "ORD-10045" in message.subject
        assert cast.organisation().department("logistics").name[language] in message.text  # type: ignore[union-attr]
        assert "/s/" not in message.html


def test_bruno_reads_what_went_wrong_why_it_is_his_and_by_when() -> None:
    sent = notice()
    assert sent.subject == "Caso nuevo: Ana Pérez · 2 de 10 · ORD-10045"
    for part in (sent.text, " ".join("".join(Reader(sent.html).words).split())):
        for fact in (
            "Ana Pérez", "ORD-10045", "2 de 10", "La entrega llegó tarde · Llegó incompleta", "Nadie me llamó.",
            "el cliente marcó: La entrega llegó tarde", "miércoles 11 de marzo, 11:00", "viernes 13 de marzo, 11:00",
            "prometido: martes 10 de marzo, 17:00", "entregado: jueves 12 de marzo, 10:30", "Recibir el caso",
        ):  # fmt: skip
            assert fact in part, fact


def test_several_alerts_are_one_mail_with_a_button_each() -> None:
    views = [case_view(), case_view(version=7, words="La factura <b>no</b> llegó.")]
    late = Notice(kind="escalation", department="logistics", at=cast.NOW, promise="acknowledge", rung="warning")
    opened = Notice(kind="opened", department="logistics", at=cast.NOW)
    sent = MESSAGES.digest([(opened, views[0]), (late, views[1])], cast.organisation(), cast.NOW)
    assert sent.subject == "2 casos lo necesitan"
    assert sent.to == ("logistics@eltornillo.example",)
    links = [link for link in Reader(sent.html).links if "/c/" in link]
    assert [LINKS.read("case", link.rpartition("/")[2]).detail for link in links] == [views[0].case.version, 7]
    for part in (sent.text, " ".join("".join(Reader(sent.html).words).split())):
        for fact in ("Caso nuevo", "Por vencer, nadie lo ha recibido", "Nadie me llamó.", "<b>no</b>", "ORD-10045"):
            assert fact in part, fact
    assert all(link in sent.text for link in links)
    assert len(sent.html.encode()) < MAIL_BYTES_MAX


def test_the_longest_digest_is_not_cut_off_by_a_mailbox() -> None:
    view = case_view(words="mucho " * 800)
    opened = Notice(kind="opened", department="logistics", at=cast.NOW)
    sent = MESSAGES.digest([(opened, view)] * LINES_MAX, cast.organisation(), cast.NOW)
    assert len(sent.html.encode()) < CLIPPED_BYTES


def test_the_button_of_an_alert_knows_the_version_that_it_was_written_for() -> None:
    (link,) = [link for link in Reader(notice(view=case_view(version=7)).html).links if "/c/" in link]
    ticket = LINKS.read("case", link.rpartition("/")[2])
    assert (ticket.id, ticket.detail) == ("f" * 32, 7)
    assert ticket.expires_at == cast.NOW + timedelta(days=14)


def test_a_case_in_hand_is_to_be_seen_and_not_to_be_picked_up() -> None:
    assert "Ver el caso" in notice("corrected", case_view(state="acknowledged")).text
    assert "Recibir antes de" not in notice("corrected", case_view(state="acknowledged")).text


@pytest.mark.parametrize(
    ("more", "subject", "to"),
    [
        ({"kind": "opened"}, "Caso nuevo", "logistics@"),
        ({"kind": "handed_over"}, "Le pasaron un caso", "logistics@"),
        ({"kind": "returned"}, "Le devolvieron un caso", "logistics@"),
        ({"kind": "reopened"}, "No quedó resuelto", "logistics@"),
        ({"kind": "corrected"}, "Cambió su respuesta", "logistics@"),
        ({"kind": "overdue_on_arrival"}, "Le llega atrasado", "bruno@"),
        ({"promise": "acknowledge", "rung": "warning"}, "Por vencer, nadie lo ha recibido", "logistics@"),
        ({"promise": "acknowledge", "rung": "head"}, "Vencido, nadie lo ha recibido", "bruno@"),
        ({"promise": "acknowledge", "rung": "leadership"}, "Muy vencido, nadie lo ha recibido", "carla@"),
        ({"promise": "resolve", "rung": "warning"}, "Por vencer, sin resolver", "logistics@"),
        ({"promise": "resolve", "rung": "head"}, "Vencido, sin resolver", "bruno@"),
        ({"promise": "resolve", "rung": "leadership"}, "Muy vencido, sin resolver", "carla@"),
    ],
)
def test_each_notice_says_at_once_what_it_is_and_goes_to_whom_it_concerns(
    more: dict[str, Any], subject: str, to: str
) -> None:
    sent = notice(**{"kind": "escalation", **more})
    assert sent.subject.startswith(f"{subject}: Ana Pérez")
    assert sent.to == (f"{to}eltornillo.example",)
    assert subject in sent.html
    assert len(sent.html.encode()) < MAIL_BYTES_MAX


def test_a_customer_let_down_again_is_told_to_whom_it_reaches() -> None:
    sent = notice("escalation", promise="resolve", rung="warning", reaches="head", view=case_view(is_repeat=True))
    assert sent.to == ("bruno@eltornillo.example",)
    assert "A este cliente ya le fallamos en los últimos 90 días." in sent.text
    assert "Otra vez" in sent.html
    assert "Otra vez" not in notice().html


def test_whoever_helps_reads_its_own_part_who_leads_and_that_no_clock_runs() -> None:
    own = Why(rule="driver", text="the customer chose: La factura")
    view = case_view(tasks=(Task(department="sales", why=own),), supporting=("sales",))
    sent = notice("helping", department="sales", view=view)
    assert sent.subject.startswith("Se necesita su ayuda: Ana Pérez")
    assert "Despachos lleva este caso y habla con el cliente" in sent.text
    assert "Por qué usted: el cliente marcó: La factura\n" in sent.text
    assert "Tomarlo antes" not in sent.text
    assert Reader(sent.html).links == [f"https://opina.eltornillo.example/cases/{view.case.id}"], (
        "no link makes the lead's move"
    )
    assert "antes hay que entrar" in sent.text
    assert "no se necesita cuenta" not in sent.text


def test_a_hand_over_tells_the_reason_that_was_given() -> None:
    view = case_view()
    passed = Entry(
        version=2, at=cast.NOW, by="Sofía", move="reassign", from_state="open", to_state="open",
        department="logistics", text="<i>No es nuestro</i>",
    )  # fmt: skip
    sent = notice("handed_over", CaseView(view.case, view.invitation, view.customer, (*view.timeline, passed)))
    assert "«<i>No es nuestro</i>»" in sent.text
    assert "«&lt;i&gt;No es nuestro&lt;/i&gt;»" in sent.html


def test_a_department_reads_its_own_language_and_one_that_is_gone_leaves_its_cases_to_the_arbiter() -> None:
    assert notice(department="billing").subject.startswith("Caso novo: ")
    assert notice(department="gone").to == ("reception@eltornillo.example",)


def test_a_head_without_an_address_is_reached_by_the_department() -> None:
    organisation = cast.organisation()
    (first, *others) = organisation.departments
    headless = first.model_copy(update={"head": first.head.model_copy(update={"email": None})})
    told = Notice(kind="escalation", department="sales", at=cast.NOW, promise="resolve", rung="head")
    changed = organisation.model_copy(update={"departments": (headless, *others)})
    assert recipients(told, changed) == ("sales@eltornillo.example",)


@pytest.mark.parametrize("hostile", cast.HOSTILE)
def test_what_the_customer_wrote_is_shown_and_does_nothing(hostile: str) -> None:
    clean, sent = Reader(notice().html), notice(view=case_view(words=f"{hostile}\n{hostile}"))
    assert Reader(sent.html).tags == clean.tags
    assert "".join(Reader(sent.html).words).count(hostile) == 2


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Why(rule="words", text="the customer wrote: tarde"), "el cliente escribió: tarde"),
        (Why(rule="promise", text="a promise was broken: delivery"), "se incumplió una promesa: entrega"),
        (Why(rule="promise", text="a promise was broken: montaje"), "se incumplió una promesa: montaje"),
        (Why(rule="event", text="the event came from sales"), "empezó en Ventas"),
        (Why(rule="arbiter", text="nothing else names a department"), "nada más señala a un área"),
        (Why(rule="incident", text="something of tomorrow"), "something of tomorrow"),
    ],
)
def test_every_reason_is_told_in_the_departments_language(why: Why, said: str) -> None:
    assert f"Por qué usted: {said}\n" in notice(view=case_view(why=why)).text


def test_a_case_without_words_customer_or_reference_still_reads() -> None:
    answer = Answer(rating=2, at=cast.NOW, how="button")
    invitation = cast.invitation(confirmed=answer, reference=None, promises=())
    to = RouteTo("logistics", Why(rule="arbiter", text="nothing else names a department"))
    case: Case = open_case(invitation, answer, to, cast.organisation(), cast.NOW).case
    sent = notice(view=CaseView(case, invitation, None))
    assert sent.subject == "Caso nuevo: un cliente · 2 de 10"
    assert "None" not in sent.text + sent.html


def test_a_sign_in_mail_holds_its_link_once() -> None:
    sent = MESSAGES.sign_in("carla@eltornillo.example", "https://x.example/sign-in?link=abc&n=1", cast.organisation())
    assert Reader(sent.html).links == ["https://x.example/sign-in?link=abc&n=1"]
    assert "https://x.example/sign-in?link=abc&n=1" in sent.text
    assert sent.to == ("carla@eltornillo.example",)


def test_a_copy_holds_everything_that_is_stored() -> None:
    given = cast.invitation(confirmed=Answer(rating=2, texts={"comment": "<b>tarde</b>"}, at=cast.NOW, how="button"))
    sent = MESSAGES.copy(cast.ana(), [given], cast.organisation())
    found = re.search(r"\{.*\}", sent.text, re.DOTALL)
    assert found
    kept = json.loads(found[0])
    assert kept["customer"]["email"] == "ana@example.com"
    assert kept["surveys"][0]["confirmed"]["texts"] == {"comment": "<b>tarde</b>"}
    assert "<b>" not in sent.html
