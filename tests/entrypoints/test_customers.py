"""Ana's pages: what each link does, and what it never does."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.domain.case import Move
from chalicelib.flows import recover
from chalicelib.ports import Principal, Ticket
from tests.domain.cast import DAY, sale
from tests.entrypoints.http import APP, FORM, PRESSED, Browser, installed, text
from tests.world import URL, World

BRUNO = Principal(id="bruno", role="department", name="Bruno", department="logistics")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.tell(sale())
    with installed(world):
        yield world


@pytest.fixture
def ana() -> Browser:
    return Browser(APP)


def path(world: World, purpose: str = "answer") -> str:
    ticket = Ticket(world.invitation.id)
    return world.ports.links.url(purpose, ticket).removeprefix(URL)  # type: ignore[arg-type]


def stored(world: World) -> str:
    """Everything of the answer, the consent and the case, without what marks a scan."""
    seen = {"viewed", "trapped", "version"}
    kept = [each.model_dump_json(exclude=seen) for each in world.memory.invitations.values()]
    for store in (world.memory.customers, world.memory.addresses, world.memory.cases):
        kept += [each.model_dump_json() for each in store.values()]
    return json.dumps(kept)


def test_opening_any_link_changes_no_rating_consent_or_case(world: World, ana: Browser) -> None:
    before = stored(world)
    links = [path(world), *(f"{path(world)}/{rating}" for rating in (*range(11), 99, "x"))]
    for link in [*links, path(world, "stop"), path(world, "privacy")]:
        assert ana.get(link).status_code == 200
        assert ana.head(link).status_code == 200
        assert ana.head(link).body == b""
    world.settle()
    assert stored(world) == before
    assert world.invitation.is_scanned


def test_what_is_on_record_is_noted_no_more(world: World, ana: Browser) -> None:
    for _ in range(2):
        ana.get(f"{path(world)}/9")
        ana.get(path(world))
        ana.head(f"{path(world)}/9")
    assert [view.rating for view in world.memory.views] == [9] * 4, "until the first note has been read"
    world.settle()
    ana.get(f"{path(world)}/9")
    ana.get(path(world))
    assert world.memory.views == []
    ana.get(f"{path(world)}/99")
    assert [view.rating for view in world.memory.views] == [99]


def test_the_form_says_which_link_opened_it(world: World, ana: Browser) -> None:
    assert '<input type="hidden" name="_seen" value="9">' in text(ana.get(f"{path(world)}/9"))
    assert "_seen" not in text(ana.get(path(world)))
    assert "_seen" not in text(ana.get(f"{path(world)}/99"))


def test_the_page_has_the_rating_of_the_link_chosen(world: World, ana: Browser) -> None:
    page = text(ana.get(f"{path(world)}/9"))
    assert page.count(" checked") == 1
    assert " checked" not in text(ana.get(path(world)))
    assert " checked" not in text(ana.get(f"{path(world)}/11"))


def test_a_press_is_counted_at_once_and_opens_the_case(world: World, ana: Browser) -> None:
    response = ana.post(path(world), {"rating": "2", "failed": ["late", "invoice"], "comment": "Llegó tarde"})
    assert response.status_code == 200
    assert (world.case.department, world.case.supporting) == ("logistics", ("billing",))


@pytest.mark.parametrize(
    "headers",
    [FORM, FORM | {"Sec-Fetch-Site": "same-origin"}, PRESSED | {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_post_that_no_browser_vouches_for_waits(world: World, ana: Browser, headers: dict[str, str]) -> None:
    assert ana.post(path(world), {"rating": "2"}, headers).status_code == 200
    assert (world.invitation.confirmed, world.memory.cases) == (None, {})
    world.wait(timedelta(minutes=2))
    assert world.case.rating == 2


def test_the_pages_own_script_waits_too(world: World, ana: Browser) -> None:
    ana.post(path(world), {"rating": "9", "automatic": "1"})
    assert world.invitation.confirmed is None


def test_nothing_typed_is_lost_on_error(world: World, ana: Browser) -> None:
    response = ana.post(path(world), {"failed": "late", "comment": "<b>Llegó</b> {{7*7}} 🙂", "kept": "no"})
    assert response.status_code == 422
    page = text(response)
    assert "&lt;b&gt;Llegó&lt;/b&gt; {{7*7}} 🙂" in page
    assert page.count(" checked") == 2
    assert world.invitation.confirmed is None


@pytest.mark.parametrize("rating", ["99", "-1", "nine", "1' OR 1=1", "\x00"])
def test_a_rating_off_the_scale_is_422(world: World, ana: Browser, rating: str) -> None:
    assert ana.post(path(world), {"rating": rating}).status_code == 422


def test_a_comment_of_100_kb_comes_back_whole(world: World, ana: Browser) -> None:
    response = ana.post(path(world), {"rating": "3", "comment": "ñ" * 50_000})
    assert response.status_code == 422
    assert "ñ" * 50_000 in text(response)


def test_an_answer_can_be_corrected_until_the_window_closes(world: World, ana: Browser) -> None:
    ana.post(path(world), {"rating": "9"})
    assert text(ana.get(path(world))).count(" checked") == 1
    ana.post(path(world), {"rating": "3"})
    assert world.invitation.confirmed
    assert world.invitation.confirmed.rating == 3
    world.wait(14 * DAY)
    assert ana.get(path(world)).status_code == 410
    late = ana.post(path(world), {"rating": "10", "comment": "demasiado tarde"})
    assert late.status_code == 410
    assert "demasiado tarde" in text(late)
    assert world.invitation.confirmed.rating == 3


@pytest.mark.parametrize("token", ["x", "a" * 44, "ñ", "%00", "." * 300])
def test_a_link_that_is_none_is_404_in_the_readers_language(world: World, ana: Browser, token: str) -> None:
    for place in ("/s/", "/u/", "/privacy/"):
        response = ana.get(place + token, **{"Accept-Language": "en"})
        assert response.status_code == 404
        assert 'lang="en"' in text(response)
        assert ana.post(place + token, {"rating": "1", "action": "erase"}).status_code == 404


def test_a_link_is_good_for_its_own_purpose_only(world: World, ana: Browser) -> None:
    answer = path(world).removeprefix("/s/")
    assert ana.post(f"/u/{answer}", {}).status_code == 404
    assert ana.post(f"/privacy/{answer}", {"action": "erase"}).status_code == 404
    assert world.invitation.erased is False


def test_one_click_ends_all_surveys_and_can_be_undone(world: World, ana: Browser) -> None:
    one_click = b"List-Unsubscribe=One-Click"
    assert ana.post(path(world, "stop"), one_click, FORM).status_code == 200
    assert all(customer.opted_out_at for customer in world.memory.customers.values())
    assert len(world.memory.addresses) == 2
    assert ana.post(path(world, "stop"), {"action": "undo"}).status_code == 200
    assert not any(customer.opted_out_at for customer in world.memory.customers.values())
    world.wait(400 * DAY)
    assert ana.get(path(world, "stop")).status_code == 200


def test_what_is_stored_can_be_copied_and_erased(world: World, ana: Browser) -> None:
    link = path(world, "privacy")
    assert ana.get(link).status_code == 200
    assert ana.post(link, {"action": "copy"}).status_code == 200
    assert world.sent[-1] == "copy"
    assert ana.post(link, {"action": "erase"}).status_code == 200
    assert all(customer.name is None for customer in world.memory.customers.values())
    assert ana.get(link).status_code == 200
    assert ana.get(path(world)).status_code == 410


def test_a_privacy_link_ends(world: World, ana: Browser) -> None:
    ticket = Ticket(world.invitation.id, world.invitation.privacy_until)
    link = world.ports.links.url("privacy", ticket).removeprefix(URL)
    world.wait(14 * DAY + timedelta(days=183) - timedelta(minutes=1))
    assert ana.get(link).status_code == 200
    world.wait(timedelta(minutes=2))
    assert ana.get(link).status_code == 410


def test_did_we_mend_it(world: World, ana: Browser) -> None:
    ana.post(path(world), {"rating": "2", "failed": "late"})
    for verb, said in (("acknowledge", {}), ("resolve", {"root_cause": "carrier", "action": "sent again"})):
        wanted = Move.model_validate({"verb": verb, "by": "bruno", **said})
        recover.act(world.ports, world.case.id, world.case.version, wanted, BRUNO, world.now)
    link = path(world, "mended")
    assert ana.get(link).status_code == 200
    assert ana.get(f"{link}/no").status_code == 200
    assert world.case.state == "resolved"
    assert ana.post(link, {"comment": "sigue roto"}).status_code == 422
    assert "sigue roto" in text(ana.post(link, {"rating": "maybe", "comment": "sigue roto"}))
    assert ana.post(link, {"rating": "no", "comment": "sigue roto"}).status_code == 200
    assert (world.case.state, world.case.mended) == ("open", "no")
    assert "sigue roto" in world.ports.cases.timeline(world.case.id)[-1].text
