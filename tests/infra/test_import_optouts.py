"""Lists of people who want no mail come in every shape; nobody on them is asked, and no line is lost in silence."""

from pathlib import Path

import pytest

from infra.commands.import_optouts import decoded, read, take_over
from infra.commands.screen import Failed
from tests.world import World


def names(text: str) -> list[tuple[str, str]]:
    return [pair for wish in read(text, "CO")[0] for pair in wish.named]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("email\nana@example.com\n", [("email", "ana@example.com")]),
        ("Correo;Nombre\nana@example.com;Ana\n", [("email", "ana@example.com")]),
        ("nombre\tcelular\nAna\t300 123 4567\n", [("phone", "+573001234567")]),
        ("ana@example.com\nbeto@example.com\n", [("email", "ana@example.com"), ("email", "beto@example.com")]),
        ("Ana,+57 300 123 4567,ana@example.com\n", [("phone", "+573001234567"), ("email", "ana@example.com")]),
        ("customer,email\nc-981,\n", [("customer", "c-981")]),
        ("\ufeffemail\nana@example.com\n".encode().decode("utf-8-sig"), [("email", "ana@example.com")]),
        ("\n\n", []),
    ],
)
def test_addresses_phones_and_ids_are_found_in_every_usual_shape(text: str, named: list[tuple[str, str]]) -> None:
    assert names(text) == named


def test_lines_that_name_nobody_are_told_by_number_and_the_others_go_in() -> None:
    wishes, unreadable = read('email\nana@example.com\nnot an address@\n\nbeto@example.com\n" "\n', "CO")

    assert [wish.line for wish in wishes] == [2, 5]
    assert unreadable == [(3, "'not an address@' is not one e-mail address")]


def test_a_phone_of_nowhere_and_a_line_without_any_name_are_told() -> None:
    _, unreadable = read("nombre,celular\nAna,12\nBeto,\n", "CO")

    assert unreadable == [
        (2, "'12' is not a possible phone number of CO"),
        (3, "names no address, no phone and no customer"),
    ]


def test_a_list_saved_in_latin_1_is_read(tmp_path: Path) -> None:
    file = tmp_path / "bajas.csv"
    file.write_bytes("teléfono;correo electrónico\n;peña@example.com\n".encode("latin-1"))

    assert names(decoded(file)) == [("email", "peña@example.com")]


def test_a_list_that_is_not_there_fails_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"none\.csv cannot be opened: No such file or directory\."):
        decoded(tmp_path / "none.csv")


def test_who_is_on_the_list_is_not_asked_and_the_second_import_changes_nothing() -> None:
    world = World()
    wishes, _ = read("cliente,email,celular\nc-981,ana@example.com,3001234567\n", "CO")

    first = take_over(world.ports, wishes, world.now)
    customers, addresses = dict(world.memory.customers), dict(world.memory.addresses)
    second = take_over(world.ports, wishes, world.now)

    assert (first.people, first.addresses, first.known) == (1, 2, 0)
    assert (second.people, second.addresses, second.known) == (0, 0, 3)
    assert (world.memory.customers, world.memory.addresses) == (customers, addresses)
    customer = world.ports.customers.get(world.ports.names.customer("c-981"))
    assert customer is not None
    assert (customer.opted_out_at, customer.opted_out_how) == (world.now, "imported")


def test_one_wrong_cell_does_not_keep_the_rest_of_its_line_out() -> None:
    wishes, unreadable = read("email;celular\nana@example.com;12\n@;300 123 4567\n", "CO")

    assert [wish.named for wish in wishes] == [(("email", "ana@example.com"),), (("phone", "+573001234567"),)]
    assert unreadable == [
        (2, "'12' is not a possible phone number of CO"),
        (3, "'@' is not one e-mail address"),
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    wishes, unreadable = read('email,why\r\nana@example.com,"tired\r\nof it"\r\nnobody@,x\r\n', "CO")

    assert [wish.line for wish in wishes] == [2]
    assert [line for line, _ in unreadable] == [4]


@pytest.mark.parametrize(
    "raw",
    [
        "email;nombre\nana@example.com;Nuñez\n".encode("utf-16"),
        "\ufeffemail;nombre\nana@example.com;Nuñez\n".encode(),
        b"email;nombre\nana@example.com;\x81\x8d\n",
        b"email;nombre\nana@example.com;\0\n",
    ],
)
def test_whatever_a_spreadsheet_saves_is_read(raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bajas.csv"
    file.write_bytes(raw)

    assert names(decoded(file)) == [("email", "ana@example.com")]


def test_a_quote_that_nobody_closes_is_told_with_its_line() -> None:
    endless = 'email,why\nana@example.com,ok\n"' + "x" * 200_000

    with pytest.raises(Failed, match="line 3 begins a cell that nothing ends"):
        read(endless, "CO")
