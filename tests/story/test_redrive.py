"""Dead letters get another try when what made them fail is mended, and what was refused stays where it is."""

import io
import json

import pytest

from chalicelib import runtime
from chalicelib.errors import NotFound
from infra.commands.line import main
from infra.commands.screen import Screen
from infra.local.system import LocalSystem
from tests.story.company import Company, Json, link_in
from tests.story.test_loop import put_on_bus

pytestmark = pytest.mark.embedded


def infra(lazo: LocalSystem, *arguments: str) -> Json:
    screen = Screen(as_json=True, out=io.StringIO(), err=io.StringIO())
    assert main([*arguments, "--local", "--state", str(lazo.state), "--json"], screen) == 0
    lazo.application.use_clock(lazo.clock.now)  # the command, in this process for once, has brought its own
    assert isinstance(screen.out, io.StringIO)
    result: Json = json.loads(screen.out.getvalue())
    return result


def test_an_event_that_failed_is_asked_about_once_all_is_mended(company: Company, lazo: LocalSystem) -> None:
    library = runtime.ports().library
    object.__setattr__(runtime.ports(), "library", Broken())
    put_on_bus(lazo, company.event("ORD-1"), {"no": "event"})
    lazo.settle()
    object.__setattr__(runtime.ports(), "library", library)
    put_on_bus(lazo, {"no": "event either"})
    lazo.settle()
    assert lazo.queues()["IntakeDlq"]["visible"] == 3

    # What failed goes back, and what is no event is refused anew, now with its reason, beside the one that had one.
    assert infra(lazo, "redrive", "intake") == {"queue": "intake", "moved": 2, "refused": 1}
    company.later("PT3H")
    assert company.mail("ana@example.com")["subject"]
    assert [message["reason"] != "" for message in lazo.messages_in("IntakeDlq")] == [True, True]


class Broken:
    """A library whose table cannot be read."""

    def __getattr__(self, name: str) -> object:
        raise NotFound("the organisation")


def test_what_failed_about_somebody_who_is_forgotten_lies_there_no_longer(company: Company, lazo: LocalSystem) -> None:
    company.sell("ORD-1")
    company.sell("ORD-2", customer={"id": "c-2", "name": "Pia Sol", "email": "pia@example.com"})
    company.later("PT3H")
    mail = company.mail("ana@example.com")
    library = runtime.ports().library
    object.__setattr__(runtime.ports(), "library", Broken())
    put_on_bus(lazo, company.event("ORD-3"), company.event("ORD-4", customer={"id": "c-2", "email": "pia@example.com"}))
    lazo.settle()
    object.__setattr__(runtime.ports(), "library", library)
    receives = runtime.ports().customers
    object.__setattr__(runtime.ports(), "customers", Broken())
    company.report(mail, "bounce")
    object.__setattr__(runtime.ports(), "customers", receives)
    assert [lazo.queues()[queue]["visible"] for queue in ("IntakeDlq", "ReceiptsDlq")] == [2, 1]

    assert company.submit(link_in(mail, "/privacy/"), {"action": "erase"}).status == 200
    company.settle()
    assert lazo.messages_in("ReceiptsDlq") == []
    (letter,) = lazo.messages_in("IntakeDlq")
    assert "pia@example.com" in letter["body"]
    assert [each["reason"] for each in company.decisions("ORD-3")] == ["erased"]
    company.later("PT3H")
    assert len(company.messages("ana@example.com")) == 1


def test_an_empty_queue_moves_nothing(company: Company, lazo: LocalSystem) -> None:
    assert infra(lazo, "redrive", "due") == {"queue": "due", "moved": 0, "refused": 0}
