"""What every store of tokens promises."""

from datetime import timedelta

from chalicelib.ports import Principal
from tests.contract.cast import NOW
from tests.contract.subject import Subject

BRUNO = Principal(id="u-3", role="department", name="Bruno Díaz", department="logistics")
CARLA = Principal(id="u-1", role="leadership", name="Carla")


def test_an_unknown_token_is_nobody(kept: Subject) -> None:
    assert kept.access.principal("never given") is None
    assert kept.access.principal("") is None


def test_a_token_stands_for_whom_it_was_given(kept: Subject) -> None:
    kept.access.grant("bruno's token", BRUNO)
    kept.access.grant("carla's token", CARLA)
    assert kept.access.principal("bruno's token") == BRUNO
    assert kept.access.principal("carla's token") == CARLA
    assert kept.access.principal("Bruno's token") is None


def test_a_token_given_again_stands_for_the_last(kept: Subject) -> None:
    kept.access.grant("t", BRUNO)
    kept.access.grant("t", BRUNO.model_copy(update={"department": "sales"}))
    found = kept.access.principal("t")
    assert found is not None
    assert found.department == "sales"


def test_a_token_is_taken_once(kept: Subject) -> None:
    kept.access.grant("t", BRUNO, NOW + timedelta(minutes=15))
    assert kept.access.take("t") == BRUNO
    assert kept.access.take("t") is None
    assert kept.access.principal("t") is None
