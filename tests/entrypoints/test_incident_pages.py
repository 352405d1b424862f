"""Leadership's page of incidents, and praise on the pages of those who earned it."""

from collections.abc import Iterator

import pytest

from chalicelib.domain.organisation import Burst
from chalicelib.ports import Principal
from tests.domain.cast import sale
from tests.entrypoints.desk import Desk, desk
from tests.staffed import company, install, staff_app, uninstall
from tests.world import World

PRAISE = "Marta me llamó el mismo día <b>y todo llegó completo</b>."


@pytest.fixture
def here() -> Iterator[Desk]:
    """A company that counts three as an incident, with nobody signed in."""
    world = World()
    world.publish(company(incidents=Burst(answers_min=3, pause=True)))
    install(world, "https://lazo.example")
    yield desk(staff_app(), world)
    uninstall()


def answered(here: Desk, number: int, rating: int, **fields: str) -> str:
    world, before = here.world, set(here.world.memory.invitations)
    customer = {"id": f"c-{number}", "name": f"Ana {number}", "email": f"ana{number}@example.com"}
    envelope = {"id": f"ORD-{number}", "time": world.now.isoformat()}
    world.tell(sale(envelope=envelope, reference=f"ORD-{number}", customer=customer))
    (id_,) = set(world.memory.invitations) - before
    world.answer(id_, rating, press="button", **fields)
    return id_


def test_leadership_sees_an_incident_with_its_cases_and_closes_it(here: Desk) -> None:
    ids = [answered(here, number, 2, failed="late") for number in range(3)]
    here.sign_in("carla")
    assert "Incidente" in here.get("/incidents?lang=es").text
    page = here.get("/incidents?lang=en").text
    assert "Llegó tarde" in page
    assert all(f'href="/cases/{id_}"' in page for id_ in ids)
    assert "Nobody is asked meanwhile about what Dispatch had a part in." in page
    assert "3 not mended yet" in page
    assert "Part of an incident" in here.get(f"/cases/{ids[0]}").text
    closed = here.post("/incidents", driver="late")
    assert closed.status == 200
    assert "Closed. Surveys go on." in closed.text
    assert "closed by Carla Ríos" in closed.text
    assert here.world.memory.pauses.pauses == ()


def test_a_department_sees_that_its_case_is_part_of_one_and_no_more(here: Desk) -> None:
    ids = [answered(here, number, 2, failed="late") for number in range(3)]
    here.sign_in("bruno")
    page = here.get(f"/cases/{ids[0]}?lang=en").text
    assert "Part of an incident" in page
    assert 'href="/incidents"' not in page
    assert here.get("/incidents").status == 403
    assert here.post("/incidents", driver="late").status == 403
    assert here.world.memory.incidents["late"].is_open


@pytest.mark.parametrize("driver", ["", "none", "<script>", "á" * 300])
def test_what_is_no_incident_cannot_be_closed(here: Desk, driver: str) -> None:
    here.sign_in("carla")
    assert here.post("/incidents", driver=driver).status == 404
    assert "<script>alert" not in here.get("/incidents").text


def test_a_closing_that_another_site_sends_is_refused(here: Desk) -> None:
    for number in range(3):
        answered(here, number, 2, failed="late")
    here.sign_in("carla")
    assert here.form("/incidents", {"driver": "late"}, Sec_Fetch_Site="cross-site").status == 403
    assert here.world.memory.incidents["late"].is_open


def _head(here: Desk) -> None:
    sales = here.world.ports.library.organisation().department("sales")
    assert sales
    head = Principal(id="head", role="department", name="Head", department="sales", person=sales.head.id)
    here.world.ports.access.grant("head", head)


def test_praise_reaches_who_earned_it_and_their_head_and_nobody_else(here: Desk) -> None:
    answered(here, 1, 10, praise=PRAISE)
    _head(here)
    for who, shown in (("marta", True), ("head", True), ("bruno", False), ("carla", False)):
        page = here.get("/me?lang=en", who=who).text
        assert ("Marta me llamó" in page) == shown, who
        assert "<b>y todo" not in page


def test_praise_without_words_or_from_a_middling_rating_is_none(here: Desk) -> None:
    answered(here, 1, 10)
    answered(here, 2, 8, comment="Bien, gracias.")
    assert "What customers praised" not in here.get("/me?lang=en", who="marta").text


def test_praise_shows_once_and_goes_when_it_is_corrected_down_or_erased(here: Desk) -> None:
    id_ = answered(here, 1, 9, praise=PRAISE)
    here.world.answer(id_, 10, praise=PRAISE)
    assert here.get("/me?lang=en", who="marta").text.count("Marta me llamó") == 1
    here.world.answer(id_, 3, comment="Marta me llamó, pero llegó roto.")
    assert "Marta me llamó" not in here.get("/me?lang=en", who="marta").text
