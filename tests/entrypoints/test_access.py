"""Bruno signs in by mail or by token; nobody else becomes Bruno."""

from datetime import timedelta

import pytest

from chalicelib.entrypoints.session import SESSION, sealed, unsealed
from chalicelib.entrypoints.visit import inside
from chalicelib.flows.enter import known
from chalicelib.ports import Mail
from tests.domain.cast import FRIDAY_1630
from tests.entrypoints.desk import Desk
from tests.staffed import TOKENS, company

BRUNO = TOKENS["bruno"]
KEY = b"k" * 32


def _link(desk: Desk) -> str:
    mail = desk.world.memory.sent[-1]
    assert isinstance(mail, Mail)
    assert mail.tags["kind"] == "sign_in"
    return mail.text.partition("link=")[2]


def _ask(desk: Desk, email: str, **fields: str) -> str:
    return desk.post("/sign-in", email=email, **fields).text


def test_a_token_opens_a_session_that_leads_to_the_cases(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.sign_in("bruno")
    assert (answer.status, answer.header("Location")) == (303, "/cases")
    assert bruno_and_co.get("/cases").status == 200


def test_the_cookie_is_for_us_alone_and_ends_after_twelve_hours(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("bruno")
    cookie = next(each for each in bruno_and_co.set_cookies if each.startswith(SESSION))
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    bruno_and_co.world.now += timedelta(hours=12)
    assert bruno_and_co.get("/cases").header("Location") == "/sign-in?next=%2Fcases"


def test_a_session_lasts_until_just_before_its_twelve_hours(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("bruno")
    bruno_and_co.world.now += timedelta(hours=12) - timedelta(seconds=1)
    assert bruno_and_co.get("/cases").status == 200


def test_a_wrong_token_is_told_so_and_opens_nothing(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.post("/sign-in", token="guess")
    assert answer.status == 401
    assert not bruno_and_co.cookies


def test_signing_out_takes_the_session_away(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("bruno")
    assert bruno_and_co.post("/sign-out").status == 303
    assert SESSION not in bruno_and_co.cookies
    assert bruno_and_co.get("/cases").status == 303


def test_a_mail_lets_its_reader_in_once(bruno_and_co: Desk) -> None:
    _ask(bruno_and_co, "head-logistics@example.com", next="/cases?state=resolved")
    link = _link(bruno_and_co)
    assert 'name="link"' in bruno_and_co.get(f"/sign-in?link={link}").text
    browser = dict(bruno_and_co.cookies)
    answer = bruno_and_co.post("/sign-in", link=link)
    assert (answer.status, answer.header("Location")) == (303, "/cases?state=resolved")
    bruno_and_co.cookies = browser
    assert bruno_and_co.post("/sign-in", link=link).status == 410


def test_looking_at_the_link_uses_nothing_up(bruno_and_co: Desk) -> None:
    _ask(bruno_and_co, "head-logistics@example.com")
    link = _link(bruno_and_co)
    for _ in range(3):
        assert bruno_and_co.get(f"/sign-in?link={link}").status == 200
    assert bruno_and_co.post("/sign-in", link=link).status == 303


def test_the_link_opens_nothing_in_another_browser(bruno_and_co: Desk) -> None:
    _ask(bruno_and_co, "head-logistics@example.com")
    bruno_and_co.cookies.clear()
    assert bruno_and_co.post("/sign-in", link=_link(bruno_and_co)).status == 410


@pytest.mark.parametrize(("seconds", "status"), [(599, 303), (600, 410), (601, 410)])
def test_the_link_works_for_ten_minutes(bruno_and_co: Desk, seconds: int, status: int) -> None:
    bruno_and_co.world.now += timedelta(seconds=7)  # in the middle of a minute: what a link tells are whole ones
    _ask(bruno_and_co, "head-logistics@example.com")
    bruno_and_co.world.now += timedelta(seconds=seconds)
    assert bruno_and_co.post("/sign-in", link=_link(bruno_and_co)).status == status


def test_a_stranger_is_told_the_same_and_gets_no_mail(bruno_and_co: Desk) -> None:
    before = len(bruno_and_co.world.memory.sent)
    strange = _ask(bruno_and_co, "stranger@example.com")
    assert len(bruno_and_co.world.memory.sent) == before
    ours = _ask(bruno_and_co, "head-logistics@example.com")
    assert strange.replace("stranger@", "head-logistics@") == ours


def test_nobodys_mailbox_is_flooded_through_us(bruno_and_co: Desk) -> None:
    before = len(bruno_and_co.world.memory.sent)
    for _ in range(5):
        _ask(bruno_and_co, "HEAD-logistics@example.com ")
    assert len(bruno_and_co.world.memory.sent) == before + 1


def test_what_is_no_address_is_said_and_kept(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.post("/sign-in", email="bruno")
    assert answer.status == 422
    assert 'value="bruno"' in answer.text


def test_an_unknown_or_forged_link_is_not_found(bruno_and_co: Desk) -> None:
    assert bruno_and_co.get("/sign-in?link=nonsense").status == 404


def test_the_mark_of_a_link_is_no_token(bruno_and_co: Desk) -> None:
    _ask(bruno_and_co, "head-logistics@example.com")
    mark = next(each for each in bruno_and_co.world.memory.principals if each.startswith("link:"))
    assert bruno_and_co.get("/api/v1/cases", who=mark).status == 401
    assert bruno_and_co.post("/sign-in", token=mark).status == 401


@pytest.mark.parametrize(
    ("email", "role", "department"),
    [
        ("alba@example.com", "admin", None),
        ("carla@example.com", "leadership", None),
        ("logistics@example.com", "department", "logistics"),
        ("Head-Billing@Example.com", "department", "billing"),
    ],
)
def test_the_organisations_file_says_who_somebody_is(email: str, role: str, department: str | None) -> None:
    principal = known(email, company())
    assert principal is not None
    assert (principal.role, principal.department) == (role, department)


@pytest.mark.parametrize("email", ["", "@", "nobody@example.com", "a" * 400 + "@example.com"])
def test_others_are_nobody(email: str) -> None:
    assert known(email, company()) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, 303),
        ({"Sec_Fetch_Site": "none"}, 303),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "https://lazo.example"}, 303),
        ({}, 303),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "https://lazo.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://lazo.example.evil.example"}, 403),
    ],
)
def test_no_other_site_acts_through_a_browser_of_ours(bruno_and_co: Desk, headers: dict[str, str], status: int) -> None:
    bruno_and_co.sign_in("bruno")
    case = bruno_and_co.case("ORD-10070")
    answer = bruno_and_co.form(f"/cases/{case.id}/comment", {"version": "1", "text": "hola"}, **headers)
    assert answer.status == status
    assert bruno_and_co.case("ORD-10070").version == (2 if status == 303 else 1)


def test_the_session_is_no_way_into_the_api_for_another_site(bruno_and_co: Desk) -> None:
    bruno_and_co.sign_in("bruno")
    case = bruno_and_co.case("ORD-10070")
    path = f"/api/v1/cases/{case.id}/acknowledge"
    forged = bruno_and_co.call("POST", path, Sec_Fetch_Site="cross-site", If_Match='"1"')
    assert (forged.status, bruno_and_co.case("ORD-10070").version) == (403, 1)
    assert bruno_and_co.call("POST", path, Sec_Fetch_Site="same-origin", If_Match='"1"').status == 200


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/a\r\nX: y",
        "/" + "a" * 2000,
    ],
)
def test_nobody_is_sent_elsewhere_from_here(bruno_and_co: Desk, onward: str) -> None:
    assert inside(onward) == "/"
    answer = bruno_and_co.post("/sign-in", token="bruno", next=onward)
    assert answer.header("Location") == "/cases"


@pytest.mark.parametrize("onward", ["/cases", "/cases?state=resolved&department=x", "/trends?from=2026-01-01"])
def test_after_signing_in_one_is_where_one_wanted_to_be(bruno_and_co: Desk, onward: str) -> None:
    assert bruno_and_co.post("/sign-in", token="bruno", next=onward).header("Location") == onward


@pytest.mark.parametrize(
    ("who", "home"), [("bruno", "/cases"), ("carla", "/trends"), ("admin", "/trends"), ("marta", "/me")]
)
def test_everybodys_day_begins_on_a_page_of_their_own(bruno_and_co: Desk, who: str, home: str) -> None:
    assert bruno_and_co.sign_in(who).header("Location") == home
    assert bruno_and_co.get("/").header("Location") == home


def test_a_link_from_a_web_mailbox_finds_the_session(bruno_and_co: Desk) -> None:
    # The browser keeps a strict cookie to itself when another site leads here: our page asks once more.
    answer = bruno_and_co.get("/cases", Sec_Fetch_Site="cross-site")
    assert answer.status == 200
    assert 'http-equiv="refresh"' in answer.text
    assert "ORD-" not in answer.text
    assert bruno_and_co.get("/cases", Sec_Fetch_Site="same-origin").status == 303


def test_a_sealed_session_opens_again() -> None:
    now = FRIDAY_1630
    assert unsealed(sealed(BRUNO, now + timedelta(hours=1), KEY), KEY, now) == BRUNO


@pytest.mark.parametrize("place", [0, 5, 40, -1, -20])
def test_a_changed_session_is_nobodys(place: int) -> None:
    now = FRIDAY_1630
    text = sealed(BRUNO, now + timedelta(hours=1), KEY)
    other = "A" if text[place] != "A" else "B"
    changed = (
        text[:place] + other + text[place + 1 :] if place >= 0 else text[:place] + other + text[len(text) + place + 1 :]
    )
    assert changed != text
    assert unsealed(changed, KEY, now) is None


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "x" * 5000, "." + "a" * 43])
def test_what_was_never_a_session_is_nobodys(text: str) -> None:
    assert unsealed(text, KEY, FRIDAY_1630) is None


def test_another_key_opens_nothing() -> None:
    now = FRIDAY_1630
    assert unsealed(sealed(BRUNO, now + timedelta(hours=1), KEY), b"x" * 32, now) is None


@pytest.mark.parametrize(
    ("accepts", "cookie", "asked", "heading"),
    [
        ("en-GB,en;q=0.9", "", "", "Sign in"),
        ("fr,en;q=0.5,es;q=0.4", "", "", "Sign in"),
        ("en", "", "?lang=en", "Sign in"),
        ("fr", "", "?lang=xx", "Entrar"),
        ("en;q=nonsense", "", "", "Sign in"),
    ],
)
def test_pages_speak_the_readers_language(
    bruno_and_co: Desk, accepts: str, cookie: str, asked: str, heading: str
) -> None:
    assert f"<h1>{heading}</h1>" in bruno_and_co.get("/sign-in" + asked, Accept_Language=accepts).text


def test_a_chosen_language_is_remembered(bruno_and_co: Desk) -> None:
    bruno_and_co.get("/sign-in?lang=en", Accept_Language="es")
    assert bruno_and_co.cookies["lazo_language"] == "en"
    assert bruno_and_co.get("/sign-in", Accept_Language="es").header("Content-Language") == "en"


def test_head_answers_without_a_body(bruno_and_co: Desk) -> None:
    answer = bruno_and_co.call("HEAD", "/sign-in")
    assert (answer.status, answer.text) == (200, "")
