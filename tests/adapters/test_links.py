"""A token says one thing for one purpose, and whatever we did not write is a bad link."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.links import KEY_BYTES_MIN, TOKEN_CHARACTERS_MAX, SignedLinks
from chalicelib.domain.terms import fingerprint, keyed
from chalicelib.errors import BadLink
from chalicelib.ports import Purpose, Ticket

OLD, NEW = b"an old key, long enough", b"the new key, long enough"
LINKS = SignedLinks("https://lazo.example/", {1: OLD, 2: NEW})
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
NOW = datetime(2026, 3, 6, 21, 30, 15, tzinfo=UTC)
ANA = Ticket(fingerprint("/crm", "ORD-1", "sales", "customer"))

letters = "abcdefghijklmnopqrstuvwxyz234567"
ids = st.one_of(st.binary(min_size=16, max_size=16).map(bytes.hex), st.text(letters, min_size=26, max_size=26))
instants = st.integers(1, 10**9).map(lambda minutes: datetime.fromtimestamp(minutes * 60, UTC))
tickets = st.builds(Ticket, ids, st.none() | instants, st.integers(0, 2**16 - 1))


@given(tickets, st.sampled_from(PURPOSES))
def test_a_token_says_what_was_put_into_it(ticket: Ticket, purpose: Purpose) -> None:
    token = LINKS.token(purpose, ticket)
    assert LINKS.read(purpose, token) == ticket
    assert len(token) <= TOKEN_CHARACTERS_MAX


@given(tickets, st.sampled_from(PURPOSES), st.sampled_from(PURPOSES))
def test_a_token_is_good_for_one_purpose_only(ticket: Ticket, purpose: Purpose, other: Purpose) -> None:
    token = LINKS.token(purpose, ticket)
    if other != purpose:
        with pytest.raises(BadLink):
            LINKS.read(other, token)


@given(st.text() | st.text("abcXYZ019-_=.", max_size=70))
def test_whatever_we_did_not_write_is_a_bad_link(token: str) -> None:
    with pytest.raises(BadLink):
        LINKS.read("answer", token)


@given(st.binary(max_size=50))
def test_bytes_that_we_did_not_sign_are_a_bad_link(raw: bytes) -> None:
    with pytest.raises(BadLink):
        LINKS.read("answer", urlsafe_b64encode(raw).decode().rstrip("="))


@given(tickets, st.data())
def test_a_token_with_one_bit_changed_is_a_bad_link(ticket: Ticket, data: st.DataObject) -> None:
    raw = bytearray(urlsafe_b64decode(LINKS.token("stop", ticket) + "==="))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    with pytest.raises(BadLink):
        LINKS.read("stop", urlsafe_b64encode(bytes(raw)).decode().rstrip("="))


@given(tickets, st.data())
def test_no_token_has_a_second_spelling(ticket: Ticket, data: st.DataObject) -> None:
    token = LINKS.token("stop", ticket)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters())
    for other in (token[:place] + letter + token[place + 1 :], token[:place] + letter + token[place:], token[:place]):
        if other != token:
            with pytest.raises(BadLink):
                LINKS.read("stop", other)


@pytest.mark.parametrize("spelled", ["{}=", "{}==", " {}", "{}\n", "{}?x=1", "https://lazo.example/s/{}"])
def test_nothing_may_stand_around_a_token(spelled: str) -> None:
    with pytest.raises(BadLink):
        LINKS.read("answer", spelled.format(LINKS.token("answer", ANA)))


@pytest.mark.parametrize(
    ("purpose", "path"),
    [
        ("answer", "/s/"),
        ("mended", "/s/"),
        ("stop", "/u/"),
        ("privacy", "/privacy/"),
        ("case", "/c/"),
        ("sign_in", "/sign-in?link="),
    ],
)
def test_each_purpose_has_its_path(purpose: Purpose, path: str) -> None:
    assert LINKS.url(purpose, ANA) == f"https://lazo.example{path}{LINKS.token(purpose, ANA)}"


def test_the_newest_key_signs_and_the_old_one_still_opens() -> None:
    mailed = SignedLinks("https://lazo.example", {1: OLD}).token("answer", ANA)
    assert LINKS.read("answer", mailed) == ANA
    assert LINKS.token("answer", ANA) != mailed
    with pytest.raises(BadLink):
        SignedLinks("https://lazo.example", {1: OLD}).read("answer", LINKS.token("answer", ANA))


def test_a_key_that_was_given_up_opens_nothing() -> None:
    mailed = SignedLinks("https://lazo.example", {1: OLD}).token("answer", ANA)
    with pytest.raises(BadLink):
        SignedLinks("https://lazo.example", {2: NEW}).read("answer", mailed)
    with pytest.raises(BadLink):
        SignedLinks("https://lazo.example", {1: NEW, 2: NEW}).read("answer", mailed)


@pytest.mark.parametrize("seconds", [-60, -1, 0, 1, 59])
def test_a_link_never_ends_before_it_was_promised(seconds: int) -> None:
    promised = NOW + timedelta(seconds=seconds)
    read = LINKS.read("sign_in", LINKS.token("sign_in", Ticket(ANA.id, promised)))
    assert read.expires_at is not None
    assert promised <= read.expires_at < promised + timedelta(minutes=1)


def test_a_detail_may_stand_without_an_end() -> None:
    assert LINKS.read("case", LINKS.token("case", Ticket(ANA.id, None, 7))) == Ticket(ANA.id, None, 7)


def test_a_keyed_name_fits_as_well() -> None:
    ticket = Ticket(keyed(b"pepper", "customer", "c-981"))
    assert LINKS.read("privacy", LINKS.token("privacy", ticket)) == ticket


@pytest.mark.parametrize("id_", ["", "ORD-1", "AB" * 16, "ab" * 15, "a" * 25, "a" * 26 + "\n", "0" * 26, "ñ" * 26])
def test_other_ids_are_not_signed(id_: str) -> None:
    with pytest.raises(ValueError, match="a link names"):
        LINKS.token("answer", Ticket(id_))


@pytest.mark.parametrize("keys", [{}, {-1: NEW}, {256: NEW}, {1: NEW[: KEY_BYTES_MIN - 1]}])
def test_keys_that_sign_nothing_are_refused_at_the_start(keys: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="links need a key"):
        SignedLinks("https://lazo.example", keys)


def test_the_shortest_keys_and_the_last_number_are_taken() -> None:
    links = SignedLinks("https://lazo.example", {0: b"k" * KEY_BYTES_MIN, 255: b"l" * KEY_BYTES_MIN})
    assert links.read("answer", links.token("answer", ANA)) == ANA


def test_tokens_are_url_safe_and_differ() -> None:
    tokens = [LINKS.token("answer", Ticket(fingerprint(str(number)))) for number in range(500)]
    assert Counter(tokens).most_common(1)[0][1] == 1
    assert all(token.replace("-", "").replace("_", "").isalnum() for token in tokens)
