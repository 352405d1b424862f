"""Test the customer's pages: what they say, that nothing typed runs or is lost, what they weigh."""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from html import escape
from typing import Any

import pytest

from chalicelib.adapters import pages
from chalicelib.adapters.pages import Page
from chalicelib.adapters.templates import sentence
from chalicelib.domain.invitation import Answer
from chalicelib.domain.response import Filled
from chalicelib.errors import Problem
from tests.templates import cast

LANGUAGES = ("es", "en", "pt")
ACTION = "/s/token"
PAGE_BYTES_MAX = 14 * 1024
PAGE_GZIP_BYTES_MAX = 5 * 1024


def survey_page(language: str = "es", metric: str = "nps", name: str | None = None, **more: Any) -> Page:
    invitation = cast.invitation(language=language, **({"reference": name} if name else {}))
    customer = cast.ana(name=name) if name else cast.ana()
    links = {"privacy_url": "/privacy/p", "stop_url": "/u/u"}
    survey = cast.survey(metric)
    return pages.survey_page(
        invitation, survey, cast.organisation(), action=ACTION, customer=customer, **{**links, **more}
    )


def typed(text: str) -> Filled:
    return Filled(2, ratings={"delivery": 1}, choices={"drivers": ("late",)}, texts={"comment": text})


def all_pages(language: str, hostile: str) -> dict[str, Page]:
    given, organisation, customer = {"reference": hostile}, cast.organisation(name=hostile), cast.ana(name=hostile)
    invitation = cast.invitation(language=language, has_case=True, **given)
    survey, rating = cast.survey(title={language: hostile}, thanks={language: hostile}), Problem("/rating", "missing")
    answered = cast.invitation(language=language, confirmed=Answer(rating=2, at=cast.NOW, how="button"), **given)
    filled = typed(f"{hostile}\n{hostile}")
    about: dict[str, Any] = {"action": ACTION, "customer": customer}
    return {
        "survey": pages.survey_page(invitation, survey, organisation, chosen=2, **about),
        "wrong": pages.survey_page(invitation, survey, organisation, filled=filled, problems=[rating], **about),
        "thanks": pages.thanks_page(invitation, survey, organisation, action=ACTION, rating=2, department="sales"),
        "closed": pages.closed_page(invitation, organisation, survey=survey, filled=filled),
        "busy": pages.busy_page(organisation, language),
        "expired": pages.expired_page(organisation, language),
        "missing": pages.not_found_page(organisation, language),
        "error": pages.error_page(organisation, language),
        "stop": pages.unsubscribe_page(organisation, language, action="/u/u"),
        "stopped": pages.unsubscribed_page(organisation, language, action="/u/u"),
        "again": pages.resubscribed_page(organisation, language, action="/u/u"),
        "mended": pages.mended_page(invitation, organisation, comment=hostile, problems=[rating], **about),
        "told": pages.mended_thanks_page(invitation, organisation, mended=True),
        "privacy": pages.privacy_page(customer, [answered], organisation, language, action="/privacy/p"),
        "copied": pages.copied_page(organisation, language, sent=True),
        "erased": pages.erased_page(organisation, language),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hostile", cast.HOSTILE)
def test_whatever_people_are_called_is_text_and_nothing_else(language: str, hostile: str) -> None:
    for name, page in all_pages(language, hostile).items():
        assert escape(hostile, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page.html, name
        assert page.html.count("<script") == (1 if name in ("survey", "wrong") else 0), name
        assert "<b>" not in page.html, name
        assert page.html.startswith(f'<!doctype html>\n<html lang="{language}">'), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_shows_a_blank_that_was_not_filled(language: str) -> None:
    for name, page in all_pages(language, "Ana").items():
        assert not re.search("[\ue000\ue001]|None|Undefined|\\{\\{", page.html), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_counters_page_is_in_the_readers_language_small_and_asks_for_nothing_personal(language: str) -> None:
    company = cast.with_counter()
    page = pages.survey_page(cast.walk_in(language), cast.survey(), company, action="/q/token/nonce")
    assert cast.COUNTER.name[language] in page.html
    assert len(page.html.encode()) <= PAGE_BYTES_MAX
    assert len(gzip.compress(page.html.encode())) <= PAGE_GZIP_BYTES_MAX
    for personal in ("do_not_call", "Ana", "ORD-10045", "/99", 'data-send="1"'):
        assert personal not in page.html
    low = cast.walk_in(language, has_case=True)
    thanks = pages.thanks_page(low, cast.survey(), company, action="/q/token", rating=2, department="reception")
    asks = {"es": "escríbanos", "en": "please write to us", "pt": "escreva para nós"}
    assert asks[language] in thanks.html
    assert asks[language] not in pages.thanks_page(low, cast.survey(), company, action="/q/token", rating=9).html


def test_only_our_own_style_and_script_may_run() -> None:
    page = survey_page(chosen=2)
    policy = page.headers["Content-Security-Policy"]
    for kind in ("style", "script"):
        found = re.findall(f"<{kind}>(.*?)</{kind}>", page.html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert len(found) == 1
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_leaks_and_nothing_is_kept() -> None:
    headers = survey_page(chosen=2).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "noindex" in headers["X-Robots-Tag"]
    assert not re.search(r'(src|href)="(https?:)?//', survey_page(chosen=2).html)


def test_a_page_without_script_allows_none() -> None:
    assert "script-src 'none'" in pages.not_found_page(cast.organisation(), "es").headers["Content-Security-Policy"]


def test_who_is_unhappy_may_ask_not_to_be_called_and_the_box_stays_ticked() -> None:
    box = '<input type="checkbox" name="do_not_call" value="1"'
    assert f"{box}>" in survey_page(chosen=2).html
    assert f"{box} checked>" in survey_page(filled=Filled(2, no_call=True)).html
    assert f'<div class="card low off"><div class="many"><label>{box}' in survey_page(chosen=10).html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_the_survey_page_weighs_little(language: str, metric: str) -> None:
    filled = typed("Llegó tarde.\n" * 20)
    for page in (survey_page(language, metric, chosen=2), survey_page(language, metric, filled=filled)):
        assert len(page.html.encode()) <= PAGE_BYTES_MAX
        assert len(gzip.compress(page.html.encode())) <= PAGE_GZIP_BYTES_MAX


@pytest.mark.parametrize(("metric", "marks"), [("nps", range(11)), ("csat", range(1, 6)), ("ces", range(1, 8))])
def test_every_rating_of_the_scale_is_one_radio(metric: str, marks: range) -> None:
    found = re.findall(r'name="rating" value="(\d+)"', survey_page(metric=metric).html)
    assert found == [str(mark) for mark in marks]


def test_the_rating_of_the_link_is_chosen_and_only_that() -> None:
    html = survey_page(chosen=9).html
    assert re.findall(r'name="rating" value="(\d+)"[^>]* checked', html) == ["9"]
    assert not re.search("<input[^>]* checked", survey_page().html)


@pytest.mark.parametrize(
    ("chosen", "first", "hidden"),
    [(6, "drivers", ["praise"]), (7, "praise", ["drivers", "do_not_call"]), (None, "delivery", [])],
)
def test_a_low_and_a_high_rating_are_asked_in_their_own_order(
    chosen: int | None, first: str, hidden: list[str]
) -> None:
    html = survey_page(chosen=chosen).html
    assert re.findall(r'name="([a-z]+)"', html.partition('name="rating" value="10"')[2])[0] == first
    off = [
        re.findall(r'name="([a-z_]+)"', block)[0] for block in html.split('<div class="card')[1:] if "off" in block[:12]
    ]
    assert off == hidden


def test_the_questions_for_low_and_for_high_follow_what_is_chosen_without_script() -> None:
    html = survey_page(chosen=2).html
    assert "form:has(.lo:checked) .low" in html
    assert html.count('class="lo"') == 7
    assert html.count('class="hi"') == 4


def test_the_hidden_link_is_there_for_machines_only() -> None:
    (link,) = re.findall(r'<a href="/s/token/99"[^>]*>', survey_page().html)
    assert 'tabindex="-1"' in link
    assert 'aria-hidden="true"' in link


@pytest.mark.parametrize(
    ("more", "sends"),
    [
        ({"chosen": 2}, True),
        ({}, False),
        ({"chosen": 2, "filled": Filled(9)}, False),
        ({"filled": Filled(2), "problems": [Problem("/comment", "too_long")]}, False),
    ],
)
def test_only_a_rating_that_came_by_a_link_may_be_sent_by_the_script(more: dict[str, Any], sends: bool) -> None:
    assert ('data-send="1"' in survey_page(**more).html) == sends


def test_a_wrong_form_comes_back_with_all_that_was_typed_and_the_fault_beside_its_field() -> None:
    filled = typed("Llegó tarde\n  y mal <ñ> 😊")
    page = survey_page(filled=filled, problems=[Problem("/comment", "too_long")])
    assert page.status == 422
    assert ">\nLlegó tarde\n  y mal &lt;ñ&gt; 😊</textarea>" in page.html
    assert re.search(r'name="rating" value="2"[^>]* checked', page.html)
    assert re.search(r'name="delivery" value="1"[^>]* checked', page.html)
    assert re.search(r'name="drivers" value="late"[^>]* checked', page.html)
    assert '<p class="wrong" id="q-comment-wrong">' in page.html
    assert 'aria-describedby="q-comment-wrong"' in page.html
    assert '<a href="#q-comment">' in page.html


def test_an_answer_given_earlier_is_shown_to_be_corrected() -> None:
    given = Answer(rating=2, texts={"comment": "tarde"}, at=cast.NOW, how="button")
    page = survey_page(filled=pages.filled_from(given))
    assert page.status == 200
    assert "Ya respondió" in page.html
    assert "tarde</textarea>" in page.html


def test_the_page_says_until_when_in_the_customers_own_time() -> None:
    assert "martes 24 de marzo, 17:00" in survey_page().html


@pytest.mark.parametrize(
    ("rating", "has_case", "department", "says"),
    [(2, True, "logistics", "Despachos"), (2, True, None, "ya es un caso"), (2, False, "logistics", None),
     (9, True, "logistics", None)],
)  # fmt: skip
def test_the_thanks_promise_only_what_is_true(
    rating: int, has_case: bool, department: str | None, says: str | None
) -> None:
    invitation = cast.invitation(has_case=has_case)
    given: dict[str, Any] = {"action": ACTION, "rating": rating, "department": department}
    html = pages.thanks_page(invitation, cast.survey(), cast.organisation(), **given).html
    assert f"{rating} de 10" in html
    assert (says in html) if says else ("es un caso" not in html)


def test_a_closed_survey_shows_what_was_typed_and_how_to_reach_people() -> None:
    page = pages.closed_page(
        cast.invitation(), cast.organisation(), survey=cast.survey(), filled=typed("tarde <y> mal")
    )
    assert page.status == 410
    assert "tarde &lt;y&gt; mal</textarea>" in page.html
    assert "2 de 10" in page.html
    assert "+57 601 555 0100" in page.html


@pytest.mark.parametrize(
    ("make", "status"),
    [(pages.not_found_page, 404), (pages.expired_page, 410), (pages.error_page, 500)],
)
def test_pages_that_cannot_help_say_how_to_reach_people(make: Callable[..., Page], status: int) -> None:
    assert make(cast.organisation(), "fr").status == status
    assert make(cast.organisation(), "es").html.count("+57 601 555 0100") == 1
    assert make(None, "en").status == status  # before the first publication nobody is known to be reached


def test_a_survey_of_somebody_forgotten_names_no_day_until_which_it_could_be_answered() -> None:
    said = sentence("You asked us to erase your data, so it can no longer be answered.", "es")
    for erased in (False, True):
        page = pages.closed_page(cast.invitation(erased=erased), cast.organisation())
        assert (page.status, said in page.html) == (410, erased)
        assert ("Se podía responder" in page.html) is not erased


def test_unsubscribing_takes_a_press_and_can_be_undone() -> None:
    organisation = cast.organisation()
    asks = pages.unsubscribe_page(organisation, "es", action="/u/u").html
    done = pages.unsubscribed_page(organisation, "es", action="/u/u").html
    assert '<form method="post" action="/u/u">' in asks
    assert 'value="undo"' not in asks
    assert '<input type="hidden" name="action" value="undo">' in done


def test_mended_or_not_is_asked_with_the_same_field() -> None:
    page = pages.mended_page(cast.invitation(), cast.organisation(), action=ACTION, chosen="no")
    assert re.findall(r'name="rating" value="(\w+)"', page.html) == ["yes", "no"]
    assert re.findall(r'name="rating" value="(\w+)"[^>]* checked', page.html) == ["no"]
    assert page.status == 200


def test_my_data_are_shown_without_giving_my_addresses_to_whoever_has_the_link() -> None:
    html = pages.privacy_page(cast.ana(), [cast.invitation()], cast.organisation(), "es", action="/privacy/p").html
    assert "a•••@example.com" in html
    assert "ana@example.com" not in html
    assert "3001234567" not in html
    assert 'name="action" value="copy"' in html
    assert 'name="action" value="erase"' in html


@pytest.mark.parametrize(
    ("tag", "shown"),
    [("es", "espanhol"), ("en-US", "inglês (US)"), ("pt", "português"), ("de", "de"), ("de-AT", "de-AT")],
)
def test_her_language_is_called_by_its_name(tag: str, shown: str) -> None:
    page = pages.privacy_page(cast.ana(language=tag), [], cast.organisation(), "pt", action="/privacy/p")
    assert f"<dt>Idioma</dt><dd>{shown}</dd>" in page.html


def test_who_was_erased_has_nothing_left_to_show_or_to_press() -> None:
    gone = cast.ana(id=None, name=None, email=None, phone=None, erased_at=cast.NOW)
    html = pages.privacy_page(gone, [], cast.organisation(), "es", action="/privacy/p").html
    assert sentence("Nothing that leads to you.", "es") in html
    assert "<form" not in html
