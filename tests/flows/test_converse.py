"""Answers and wishes by text message."""

import pytest

from chalicelib.domain.inbound import understand
from chalicelib.flows import converse
from tests.domain.cast import DAY, NPS, sale
from tests.world import World

PHONE = "+573001234567"


def by_phone() -> World:
    world = World()
    world.tell(sale(customer={"id": "c-981", "phone": PHONE}))
    return world


def hear(world: World, *texts: str, sender: str = PHONE) -> list[str]:
    """Let texts arrive, each twice; return the replies."""
    before = len(world.memory.sent)
    for text in texts:
        for _ in range(2):
            converse.hear(world.ports, sender, text, f"{sender}{text}", world.now)
        world.settle()
    return world.sent[before:]


@pytest.mark.parametrize(
    ("text", "kind", "rating", "words"),
    [
        ("8 la entrega tardó", "rating", 8, "la entrega tardó"),
        (" 10! ", "rating", 10, ""),
        ("0", "rating", 0, ""),
        ("11", "words", None, "11"),
        ("8.5", "words", None, "8.5"),
        ("STOP", "stop", None, ""),
        ("Alto, por favor", "stop", None, ""),
        ("no más", "stop", None, ""),
        ("NÃO MAIS", "stop", None, ""),
        ("Salir", "stop", None, ""),
        ("ayuda", "help", None, ""),
        ("Ajuda?", "help", None, ""),
        ("START", "start", None, ""),
        ("no paren", "words", None, "no paren"),
        ("😊" * 1600, "words", None, "😊" * 1600),
        ("", "words", None, ""),
    ],
)
def test_what_a_text_means(text: str, kind: str, rating: int | None, words: str) -> None:
    heard = understand(text, NPS)
    assert (heard.kind, heard.rating, heard.words) == (kind, rating, words)


PROMISED = [
    "STOP",
    "END",
    "CANCEL",
    "QUIT",
    "UNSUBSCRIBE",
    "REVOKE",
    "ALTO",
    "BAJA",
    "PARAR",
    "PARE",
    "CANCELAR",
    "SALIR",
    "DETENER",
    "SAIR",
]
PHRASES = ["OPT OUT", "OPT-OUT", "OPTOUT", "NO MAS", "NO MÁS", "NÃO MAIS"]
FORMS = ("{}", "{lower}", "{title}", "  {}\n", "{}.", "¡{}!", "«{lower}»", '"{}"', "{}{mark}", "\u200b{}")


def forms(word: str) -> list[str]:
    """Return how people write a word: in any case, within marks and blanks, with an accent that it does not have."""
    accented = word.translate(str.maketrans("AEIOU", "ÁÉÍÓÚ"))
    given = {"lower": word.lower(), "title": word.title(), "mark": "!!"}
    return [*(form.format(word, **given) for form in FORMS), accented, accented.lower(), word.replace("A", "Ã")]


@pytest.mark.parametrize("word", [*PROMISED, *PHRASES])
def test_every_word_that_was_promised_is_heard_however_it_is_written(word: str) -> None:
    assert {form: understand(form, NPS).kind for form in forms(word)} == dict.fromkeys(forms(word), "stop")


@pytest.mark.parametrize("word", [*PROMISED, "OPT OUT"])
@pytest.mark.parametrize("rest", [" por favor", ", gracias", " please", "\ngracias", " 8", ": ya no"])
def test_it_is_heard_as_the_first_word_too(word: str, rest: str) -> None:
    assert understand(word + rest, NPS).kind == "stop"
    assert understand(word.lower() + rest, None).kind == "stop"


@pytest.mark.parametrize("word", PROMISED)
def test_a_word_that_only_begins_like_it_is_none(word: str) -> None:
    assert understand(f"{word}X", NPS).kind == "words"
    assert understand(f"la entrega {word.lower()}x tarde", NPS).kind == "words"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("START", "start"),
        ("UNSTOP", "start"),
        ("ALTA", "start"),
        ("INICIAR", "start"),
        ("COMENZAR", "start"),
        ("COMEÇAR", "start"),
        ("HELP", "help"),
        ("INFO", "help"),
        ("AYUDA", "help"),
        ("AJUDA", "help"),
    ],
)
def test_words_to_return_and_for_help_are_heard_in_all_forms(word: str, kind: str) -> None:
    for form in forms(word):
        assert understand(form, NPS).kind == kind, form
    assert understand(f"{word} por favor", None).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "no quiero más mensajes",
        "No quiero recibir más encuestas, gracias",
        "No me escriban más!!",
        "por favor no me manden mas",
        "no vuelvan a escribirme",
        "Dejen de mandarme mensajes",
        "déjenme en paz",
        "bórrenme de la lista",
        "quiero darme de baja",
        "no más mensajes por favor",
        "Não quero mais receber mensagens",
        "não me mandem mais",
        "Parem de me enviar mensagens",
        "me deixem em paz",
        "me tirem da lista",
        "Please stop",
        "Don't text me again",
        "don’t send me any more surveys",
        "I don't want any more messages",
        "leave me alone",
        "take me off your list",
        "No more texts",
        "I want to unsubscribe",
    ],
)
def test_a_plain_wish_to_be_left_alone_stops_whatever_the_keywords_are(text: str) -> None:
    assert understand(text, NPS).kind == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "no quiero más demoras",
        "no mandaron más correos",
        "no me llegaron más mensajes",
        "dejaron de enviar el pedido",
        "quítenme ese cobro",
        "no quiero más tornillos de esa marca",
        "the text on the box says stop",
        "don't send this brand again",
        "não mandaram mais nada",
        "no quiero recibir el pedido roto",
        "quiero dar de baja el contrato de la bodega",
    ],
)
def test_a_complaint_is_no_wish_to_be_left_alone(text: str) -> None:
    assert understand(text, NPS).kind == "words"


def test_a_rating_with_a_wish_to_be_left_alone_is_heard_as_both() -> None:
    world = by_phone()
    assert hear(world, "2 no me escriban más") == ["stopped", "opened"]
    assert world.invitation.confirmed
    assert world.invitation.confirmed.rating == 2
    customer = world.ports.customers.get(world.invitation.customer)
    assert customer
    assert customer.opted_out_at


def test_a_rating_and_then_a_comment() -> None:
    world = by_phone()
    assert hear(world, "2", "llegó roto") == ["thanks_low", "opened", "comment", "corrected"]
    assert world.invitation.confirmed
    assert (world.invitation.confirmed.rating, world.invitation.confirmed.how) == (2, "sms")
    assert list(world.invitation.confirmed.texts.values()) == ["llegó roto"]


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("10", "thanks_high"),
        ("9 todo muy bien", "thanks_high"),
        ("9 pero me cobraron de más", "thanks"),
        ("8", "thanks"),
        ("8 la factura llegó mal", "thanks"),
        ("7", "thanks"),
    ],
)
def test_nobody_is_glad_of_a_rating_that_tells_of_a_failure(said: str, reply: str) -> None:
    assert hear(by_phone(), said) == [reply]


def test_what_cannot_be_read_gets_one_helpful_reply() -> None:
    world = by_phone()
    assert hear(world, "¿quién es?", "¿hola?") == ["unreadable"]


def test_stop_is_confirmed_once_and_heard_by_every_channel() -> None:
    world = by_phone()
    assert hear(world, "BAJA") == ["stopped"]
    both = {"id": "c-981", "phone": PHONE, "email": "ana@example.com"}
    world.wait(31 * DAY)
    world.tell(sale(customer=both, envelope={"id": "ORD-2", "time": "2026-04-06T21:00:00Z"}))
    assert [each.reason for each in world.memory.invitations.values()] == [None, "opted_out"]
    assert hear(world, "START") == ["started"]


def test_a_stranger_is_heard_when_they_want_to_be_left_alone_and_else_ignored() -> None:
    world = by_phone()
    assert hear(world, "8", sender="+573009999999") == []
    assert hear(world, "stop", sender="+573009999999") == ["stopped"]


def test_after_the_window_the_text_is_answered_kindly() -> None:
    world = by_phone()
    world.wait(15 * DAY)
    assert hear(world, "9") == ["closed"]
