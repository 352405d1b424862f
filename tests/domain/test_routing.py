"""Whose a low rating is, and why."""

from typing import Any

import pytest

from chalicelib.domain.event import Promise
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.routing import folded, route
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
