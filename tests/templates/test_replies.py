"""Every answer to a text message is one segment, signed, in the customer's language."""

from typing import get_args

import pytest

from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.messages import TemplateMessages
from chalicelib.adapters.texts import REPLIES
from chalicelib.domain.inbound import understand
from chalicelib.domain.sms import segments, septets
from chalicelib.flows.converse import Reply
from tests.templates import cast

MESSAGES = TemplateMessages(SignedLinks("https://lazo.example", {1: b"k" * 32}))
KINDS = get_args(Reply)
LANGUAGES = ("es", "en", "pt")


def reply(kind: str, language: str, **company: object) -> str:
    """Return what a customer reads."""
    return MESSAGES.reply(kind, "+573001234567", language, cast.organisation(**company)).text


def test_there_is_an_answer_of_every_kind() -> None:
    assert set(REPLIES) == set(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_one_segment_and_says_who_answers(kind: str, language: str) -> None:
    said = reply(kind, language)
    assert septets(said) is not None
    assert segments(said) == 1
    assert said.startswith("Ferreteria El Tornillo: ")
    sent = MESSAGES.reply(kind, "+573001234567", language, cast.organisation())
    assert (sent.to, sent.tags) == ("+573001234567", {"kind": kind})


@pytest.mark.parametrize("kind", KINDS)
def test_each_language_has_words_of_its_own(kind: str) -> None:
    assert len({reply(kind, language) for language in LANGUAGES}) == 3
    assert reply(kind, "es-CO") == reply(kind, "es")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "wish"), [("started", "stop"), ("help", "stop"), ("unreadable", "stop"), ("stopped", "start")]
)
def test_the_word_that_an_answer_offers_is_one_that_we_understand(kind: str, wish: str, language: str) -> None:
    offered = [word for word in reply(kind, language).split() if word.isupper() and len(word) > 2]
    assert understand(offered[-1], None).kind == wish


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_asks_for_help_or_comes_too_late_is_told_whom_to_call(language: str) -> None:
    for kind in ("help", "closed"):
        assert "+57 601 555 0100" in reply(kind, language)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "company",
    [
        {"contact": {"es": "Escríbanos 💌"}},
        {"contact": {"es": "x" * 400}},
        {"contact": {"es": "Llámenos\nahora"}},
        {"name": "Ñ" * 190, "sender": cast.organisation().sender.model_copy(update={"sms": None})},
        {"name": "Ferretería 💥", "sender": cast.organisation().sender.model_copy(update={"sms": None})},
    ],
)
def test_what_does_not_fit_is_left_out(kind: str, company: dict[str, object]) -> None:
    said = reply(kind, "es", **company)
    assert segments(said) == 1
    assert septets(said) is not None
    assert said == said.strip()
