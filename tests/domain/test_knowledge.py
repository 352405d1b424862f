"""What mended cases like a new one, without anybody's name."""

from typing import Any

import pytest

from chalicelib.domain.case import Case, open_case
from chalicelib.domain.invitation import Answer
from chalicelib.domain.knowledge import FOUND_MAX, LESSONS_MAX, Past, lessons, matching, nameless
from chalicelib.domain.routing import RouteTo, Why
from tests.domain.cast import DAY, FRIDAY_1630, organisation
from tests.domain.test_response import asked


def case(id_: str = "new", **more: Any) -> Case:
    answer = Answer(rating=2, at=FRIDAY_1630, how="button", choices={"failed": tuple(more.pop("drivers", ()))})
    to = RouteTo("logistics", Why(rule="driver", text="late"))
    opened = open_case(asked(), answer, to, organisation(), FRIDAY_1630).case
    return opened.model_copy(update={"id": id_, **more})


def mended(id_: str, words: str = "", *names: str, **more: Any) -> Past:
    done = {"root_cause": "route", "action": f"did {id_}", "resolved_at": FRIDAY_1630, "state": "resolved", **more}
    return Past(case(id_, **done), words, names)


def actions(words: str, past: list[Past], **new: Any) -> list[str]:
    return [lesson.action for lesson in lessons(case(**new), words, past)]


def test_a_shared_driver_or_similar_words_make_cases_alike() -> None:
    past = [mended("driver", drivers=["late"]), mended("words", "Entregaron tarde el taladro"), mended("other", "caro")]
    assert actions("la entrega del taladro", past, drivers=["late"]) == ["did driver", "did words"]


def test_the_most_alike_comes_first_then_what_the_customer_calls_mended_then_the_latest() -> None:
    past = [
        mended("old", drivers=["late"]),
        mended("latest", drivers=["late"], resolved_at=FRIDAY_1630 + DAY),
        mended("agreed", drivers=["late"], mended="yes"),
        mended("both", "nadie avisó", drivers=["late"]),
    ]
    assert actions("nadie avisó", past, drivers=["late"]) == ["did both", "did agreed", "did latest"]
    assert LESSONS_MAX == 3


def test_what_was_not_mended_and_the_case_itself_teach_nothing() -> None:
    past = [
        mended("no", drivers=["late"], mended="no"),
        mended("new", drivers=["late"]),
        mended("open", drivers=["late"], root_cause=None),
    ]
    assert actions("", past, drivers=["late"]) == []


@pytest.mark.parametrize("words", ["", "que muy con", "!!!"])
def test_words_that_are_in_every_sentence_make_nothing_alike(words: str) -> None:
    assert actions(words, [mended("past", words)]) == []


def test_nobody_is_named() -> None:
    past = mended(
        "x", "", "Ana María Pérez", drivers=["late"], reference="ORD-77", action="Llamé a ANA y a su hijo: ORD-77"
    )
    (lesson,) = lessons(case(drivers=["late"]), "", [past])
    assert lesson.action == "Llamé a … y a su hijo: …-…"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("escribí a ana@example.com ayer", "escribí a … ayer"),
        ("al +57 300 123 4567, dos veces", "al …, dos veces"),
        ("cambié 12 tornillos", "cambié 12 tornillos"),
    ],
)
def test_addresses_and_telephones_are_left_out(text: str, bare: str) -> None:
    assert nameless(text, ()) == bare


def found(words: str, *past: Past) -> list[str]:
    return [lesson.action for lesson in matching(words, past, lambda each: f"ruta {' '.join(each.case.drivers)}")]


def test_what_has_most_of_the_words_is_found_first_then_what_the_customer_calls_mended_then_the_latest() -> None:
    past = (
        mended("old", "el taladro"),
        mended("latest", "un taladro", resolved_at=FRIDAY_1630 + DAY),
        mended("agreed", "taladros", mended="yes"),
        mended("both", "taladro sin factura"),
        mended("other", "caro"),
    )
    assert found("Taladro, ¿factura?", *past) == ["did both", "did agreed", "did latest", "did old"]


def test_words_are_looked_for_in_what_was_said_done_caused_and_chosen() -> None:
    past = (mended("said", "Llovía"), mended("done", action="Otro camión"), mended("chosen", drivers=["late"]))
    assert [found(words, *past) for words in ("lloviendo", "camiones", "late", "rutas")] == [
        ["did said"],
        ["Otro camión"],
        ["did chosen"],
        ["did said", "Otro camión", "did chosen"],
    ]


def test_nobody_is_found_by_name_address_or_number() -> None:
    action = "Llamé a Lucía al 300 123 4567, pedido ORD77, lucia@example.com"
    past = mended("x", "Soy Lucía Pérez", "Lucía Pérez", reference="ORD77", action=action)
    for words in ("Lucía", "perez", "300 123 4567", "3001234567", "ORD77", "lucia@example.com", "example"):
        assert found(words, past) == []
    assert found("pedido", past) == ["Llamé a … al …, pedido …, …"]


def test_what_was_not_mended_and_what_was_forgotten_is_not_found() -> None:
    assert found("taladro", mended("no", "taladro", mended="no"), mended("forgotten", "taladro", action=None)) == []
    assert found("que muy", mended("short", "que muy")) == []


@pytest.mark.parametrize("more", [0, 1])
def test_so_many_are_shown_and_no_more(more: int) -> None:
    past = [mended(str(number), "taladro") for number in range(FOUND_MAX - 1 + 2 * more)]
    assert len(found("taladro", *past)) == FOUND_MAX - 1 + more


def test_the_small_words_of_names_are_not_hidden() -> None:
    assert nameless("Salió de la bodega de los Alpes", ["Paula de la Torre", "Los Alpes"]) == (
        "Salió de la bodega de los …"
    )
