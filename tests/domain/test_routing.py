"""Whose a low rating is, and why."""

from typing import Any

import pytest

from chalicelib.domain.event import Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.routing import folded, route, speaks_of, topics_of
from tests.domain.cast import DAY, FRIDAY_1630, NPS, organisation
from tests.domain.test_response import asked


def routed(invitation: Invitation | None = None, company: Any = None, **said: Any) -> tuple[str, str]:
    answer = Answer(rating=2, at=FRIDAY_1630, how="button", **said)
    to = route(invitation or asked(), NPS, answer, company or organisation(), FRIDAY_1630)
    return to.department, to.why.rule


def test_the_driver_that_the_customer_chose_comes_first() -> None:
    assert routed(choices={"failed": ("invoice",)}, texts={"comment": "cobraron"}) == ("billing", "driver")


def test_a_driver_of_no_department_leaves_it_to_the_words() -> None:
    said: dict[str, Any] = {"choices": {"failed": ("other",)}, "texts": {"comment": "Me COBRARON de más"}}
    assert routed(**said) == ("billing", "words")


def test_a_broken_promise_speaks_when_the_customer_does_not() -> None:
    late = asked(promises=(Promise(kind="delivery", department="logistics", promised=FRIDAY_1630 - DAY),))
    assert routed(late) == ("logistics", "promise")
    open_ = asked(promises=(Promise(kind="delivery", department="logistics", promised=FRIDAY_1630 + DAY),))
    assert routed(open_) == ("sales", "event")


def test_the_arbiter_takes_what_nobody_else_can() -> None:
    bare = asked(promises=(), departments=(), department=None)
    assert routed(bare) == ("reception", "arbiter")
    assert routed(asked(promises=(), departments=("closed-last-year",))) == ("reception", "arbiter")


def test_several_failures_make_one_case_with_support() -> None:
    answer = Answer(rating=2, at=FRIDAY_1630, how="button", choices={"failed": ("late", "invoice")})
    to = route(asked(), NPS, answer, organisation(), FRIDAY_1630)
    assert (to.department, to.supporting) == ("logistics", ("billing",))
    assert to.why.text == "the customer chose: Llegó tarde"


@pytest.mark.parametrize(
    ("given", "plain"), [("¡Tardó MUCHÍSIMO!", "tardo muchisimo"), ("", ""), ("não-entregue", "nao entregue")]
)
def test_words_are_compared_without_case_accents_or_marks(given: str, plain: str) -> None:
    assert folded(given) == plain


TOPICS = {
    "sales": {"es": ["nadie resolv", "trat mal"]},
    "billing": {"es": ["cobr", "cobr de mas", "factur"]},
    "logistics": {"es": ["tard", "nadie resolv garant"], "pt": ["atras"]},
}


@pytest.mark.parametrize(
    ("words", "department", "said"),
    [
        ("Nadie me resolvió la garantía", "logistics", "nadie me resolvio la garantia"),
        ("nadie nunca me resolvió", "sales", "nadie nunca me resolvio"),
        ("Me trataron muy mal y la factura tampoco", "sales", "trataron muy mal"),
        ("me cobraron de más", "billing", "cobraron de mas"),
        ("atrasou", "logistics", "atrasou"),
    ],
)
def test_a_phrase_says_more_than_its_words(words: str, department: str, said: str) -> None:
    company = organisation(routing={"arbiter": "reception", "topics": TOPICS})
    answer = Answer(rating=2, at=FRIDAY_1630, how="button", texts={"comment": words})
    to = route(asked(), NPS, answer, company, FRIDAY_1630)
    assert (to.department, to.why.text) == (department, f"the customer wrote: {said}")


@pytest.mark.parametrize(
    "words",
    ["resolvió nadie", "nadie vino a la casa el lunes ni me resolvió", "trató de ayudarme todo el mal día que fue"],
)
def test_words_in_another_order_or_far_apart_are_no_phrase(words: str) -> None:
    company = organisation(routing={"arbiter": "reception", "topics": {"billing": TOPICS["sales"]}})
    assert routed(company=company, texts={"comment": words})[1] != "words"


def test_what_a_longer_topic_is_made_of_says_nothing_for_another_department() -> None:
    topics = {"billing": {"es": ["devol plata"]}, "logistics": {"es": ["devol", "despach"]}}
    company = organisation(routing={"arbiter": "reception", "topics": topics})
    answer = Answer(rating=2, at=FRIDAY_1630, how="button", texts={"comment": "No devolvieron la plata"})
    to = route(asked(), NPS, answer, company, FRIDAY_1630)
    assert (to.department, to.why.sure, to.supporting) == ("billing", 1.0, ())
    between = answer.model_copy(update={"texts": {"comment": "Que devuelva, digo, devolver despachos plata"}})
    assert route(asked(), NPS, between, company, FRIDAY_1630).supporting == ("logistics",)
    apart = answer.model_copy(update={"texts": {"comment": "No devolvieron la plata, ni la devolución sirvió"}})
    assert route(asked(), NPS, apart, company, FRIDAY_1630).why.sure == 0.75


@pytest.mark.parametrize(
    ("topic", "words", "speaks"),
    [
        ("iva.", "El IVA está mal", True),
        ("iva.", "Iván no vino", False),
        ("iva", "Iván no vino", True),
        ("sin iva. mal", "sin el IVA, mal hecho", True),
        ("sin iva. mal", "sin Iván, mal", False),
        ("re-cobro.", "re cobro", True),
        ("re-cobro.", "re cobros", False),
        (".", "iva", False),
    ],
)
def test_a_topics_word_with_a_full_stop_is_that_word_alone(topic: str, words: str, speaks: bool) -> None:
    company = organisation(routing={"arbiter": "reception", "topics": {"billing": {"es": [topic]}}})
    assert (speaks_of(words, "billing", company) > 0) == speaks


def test_how_sure_the_words_are_is_their_share_of_all_that_speak() -> None:
    company = organisation(routing={"arbiter": "reception", "topics": TOPICS})
    answer = Answer(rating=2, at=FRIDAY_1630, how="button", texts={"comment": "La factura, y me trataron mal"})
    to = route(asked(), NPS, answer, company, FRIDAY_1630)
    assert (to.department, to.why.sure, to.supporting) == ("sales", 0.75, ("billing",))


@pytest.mark.parametrize("topic", ["", "¡!", "  "])
def test_a_topic_without_letters_speaks_of_nothing(topic: str) -> None:
    company = organisation(routing={"arbiter": "reception", "topics": {"billing": {"es": [topic]}}})
    assert routed(company=company, texts={"comment": "tarde"})[1] != "words"


def test_an_answer_speaks_of_each_department_that_its_words_name_the_most_first() -> None:
    company = organisation(
        routing={
            "arbiter": "reception",
            "topics": {"billing": {"es": ["factur", "cobr"]}, "logistics": {"es": ["tard", "nadie avis"]}},
        }
    )
    both = Answer(rating=9, texts={"comment": "Nadie avisó. La factura, bien."}, at=FRIDAY_1630, how="button")
    assert topics_of(both, company) == ("logistics", "billing")
    assert speaks_of(both.verbatim, "logistics", company) == 3
    assert speaks_of(both.verbatim, "billing", company) == 1
    assert speaks_of(both.verbatim, "sales", company) == 0
    silent = Answer(rating=9, at=FRIDAY_1630, how="button")
    assert topics_of(silent, company) == ()
