"""Secrets are read seldom, and at once where a link names a key that is not known yet."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.fresh import FreshLinks
from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.secrets import ANEW_AFTER, FRESH_FOR, Secrets
from chalicelib.errors import BadLink
from chalicelib.ports import Ticket

ID = "0123456789abcdef" * 2
OLD, NEW = "o" * 32, "n" * 32


class Vault:
    """Keeps secrets, and counts who reads them."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
        self.keys = {"1": OLD}
        self.reads = 0

    def read(self, id_: str) -> dict[str, str]:
        self.reads += 1
        return dict(self.keys)

    def links(self) -> FreshLinks:
        """Links of a function of its own."""
        return FreshLinks("https://lazo.example", Secrets(self.read, "keys", "secrets", lambda: self.now).link_keys)


def token(links: FreshLinks) -> str:
    return links.url("answer", Ticket(ID)).rsplit("/", 1)[-1]


@pytest.fixture
def vault() -> Vault:
    return Vault()


def test_a_link_signed_with_a_new_key_opens_where_the_key_was_not_known(vault: Vault) -> None:
    page, mail = vault.links(), vault.links()
    assert page.read("answer", token(mail)).id == ID
    vault.keys["2"] = NEW
    vault.now += FRESH_FOR  # the function that mails has read it; the one that serves pages a moment before had not
    signed_anew = token(mail)
    page_late = vault.links()
    vault.keys.pop("2")
    page_late.url("answer", Ticket(ID))
    vault.keys["2"] = NEW
    vault.now += ANEW_AFTER
    assert page_late.read("answer", signed_anew).id == ID


def test_whoever_makes_numbers_up_has_keys_read_a_few_times_a_minute(vault: Vault) -> None:
    page = vault.links()
    forged = SignedLinks("https://lazo.example", {9: b"f" * 32}).token("answer", Ticket(ID))
    for _ in range(60):
        vault.now += timedelta(seconds=1)
        with pytest.raises(BadLink):
            page.read("answer", forged)
    assert vault.reads <= 60 // ANEW_AFTER.seconds + 1


def test_what_is_known_is_read_once_in_a_quarter_of_an_hour(vault: Vault) -> None:
    page = vault.links()
    known = token(page)
    for _ in range(14):
        vault.now += timedelta(minutes=1)
        page.read("answer", known)
    assert vault.reads == 1
    vault.now += timedelta(minutes=1)
    page.read("answer", known)
    assert vault.reads == 2


def test_what_is_no_token_reads_nothing_anew(vault: Vault) -> None:
    page = vault.links()
    page.url("answer", Ticket(ID))
    vault.now += timedelta(minutes=1)
    with pytest.raises(BadLink):
        page.read("answer", "nonsense")
    assert vault.reads == 1
