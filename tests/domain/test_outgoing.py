"""What a write tells other programs, and what it never tells."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.case import Entry, State
from chalicelib.domain.customer import Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.outgoing import (
    KINDS,
    RETRY_AFTER,
    Origin,
    Outgoing,
    Post,
    again,
    event_of,
    is_move,
    outgoing,
)
from chalicelib.domain.routing import Why
from tests.counting import AT, answered, asked, opened

HERE = Origin("/lazo/test", "https://lazo.example")
ANA = Customer(key="ana", id="c-981", name="Ana Pérez", email="ana@example.com", phone="+573001234567", version=3)
LATER = AT + timedelta(hours=2)


def told(old: Any, new: Any, line: Entry | None = None) -> Outgoing:
    """Return what a write tells; it must tell something."""
    what = outgoing(old, new, line)
    assert what
    return what


def line(version: int, move: str, to_state: State = "acknowledged") -> Entry:
    """A line of the timeline, written by Bruno."""
    who = {"by": "bruno@example.com", "text": "hablé con Ana Pérez"}
    return Entry(version=version, at=LATER, move=move, from_state="open", to_state=to_state, department="sales", **who)


def test_the_first_answer_and_each_correction_are_told_under_ids_of_their_own() -> None:
    first, second = answered(2, version=4), answered(9, version=5, at=LATER)
    before, after = told(asked(version=3), first), told(first, second)
    assert (before.kind, before.facts["rating"], before.facts["corrected"]) == ("response.confirmed", 2, False)
    assert (after.kind, after.facts["rating"], after.facts["corrected"]) == ("response.confirmed", 9, True)
    assert before.id != after.id
    assert told(asked(version=3), first) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, asked()),
        (None, answered(2)),
        (asked(), None),
        (asked(), asked(version=2, state="attempted")),
        (asked(), answered(2, trial=True)),
        (answered(2), answered(2, version=2, generation=1)),
        (answered(2, texts={"comment": "llegó roto"}), answered(2, version=2)),
        (answered(2, texts={"comment": "llegó roto"}), answered(2, version=2, erased=True)),
        (asked(), asked(version=2, provisional=answered(2).confirmed)),
    ],
)
def test_most_writes_of_an_invitation_tell_nothing(old: Invitation | None, new: Invitation | None) -> None:
    assert outgoing(old, new) is None


def test_words_that_are_added_later_are_a_correction_and_are_not_told_themselves() -> None:
    what = told(answered(2), answered(2, version=2, texts={"comment": "llegó roto"}))
    assert what.facts["corrected"] is True
    assert "roto" not in what.model_dump_json()


def test_a_case_tells_its_opening_its_moves_and_its_end_once_each() -> None:
    first = opened(id_="i-1")
    moved = first.model_copy(update={"version": 2, "state": "acknowledged"})
    ended = moved.model_copy(update={"version": 3, "state": "resolved", "resolved_at": LATER, "root_cause": "carrier"})
    noted = ended.model_copy(update={"version": 4})
    said = [told(None, first), told(first, moved, line=line(2, "acknowledge"))]
    said += [told(moved, ended, line=line(3, "resolve", "resolved")), told(ended, noted, line=line(4, "comment"))]
    assert [what.kind for what in said] == ["case.opened", "case.moved", "case.resolved", "case.moved"]
    assert [what.facts["move"] for what in said] == [None, "acknowledge", "resolve", "comment"]
    assert said[2].facts["root_cause"] == "carrier"
    assert said[1].at == LATER
    assert len({what.id for what in said}) == 4


def test_an_alert_an_erasure_and_a_restored_case_are_no_moves() -> None:
    case = opened()
    alerted = case.model_copy(update={"revision": 2, "notices": ()})
    assert not is_move(case, alerted)
    assert outgoing(case, alerted) is None
    assert outgoing(None, case.model_copy(update={"version": 7})) is None
    assert outgoing(case, None) is None


def test_neither_the_customers_words_nor_our_peoples_leave() -> None:
    by_words = opened(why=Why(rule="words", text="the customer wrote: robaron"), action="llamé a Ana Pérez")
    first = told(None, by_words)
    moved = told(by_words, by_words.model_copy(update={"version": 2}), line=line(2, "contact"))
    whole = first.model_dump_json() + moved.model_dump_json()
    assert first.facts["why"] == {"rule": "words", "text": ""}
    for word in ("robaron", "Pérez", "bruno"):
        assert word not in whole
    assert told(None, opened()).facts["why"] == {"rule": "driver", "text": "the customer chose: Llegó tarde"}


def test_who_opts_out_is_told_once_until_they_come_back() -> None:
    out = ANA.model_copy(update={"version": 4, "opted_out_at": AT, "opted_out_how": "sms", "recent": ("i-2", "i-1")})
    what = told(ANA, out)
    assert (what.kind, what.item, what.at, what.facts) == ("customer.opted_out", "i-2", AT, {"how": "sms"})
    assert outgoing(out, out.model_copy(update={"version": 5, "rest_by": "i-3"})) is None
    assert outgoing(out, ANA.model_copy(update={"version": 5})) is None
    assert outgoing(ANA, Customer(key="ana", version=4, erased_at=AT)) is None
    again_out = out.model_copy(update={"version": 6})
    assert told(ANA.model_copy(update={"version": 5}), again_out).id != what.id
    assert told(None, out).kind == "customer.opted_out"


def test_the_event_names_the_customer_as_the_crm_does_and_no_other_way() -> None:
    invitation = answered(2, version=4, reference="ORD-10045", event_id="ORD-10045", has_case=True)
    event = event_of(told(asked(version=3), invitation), invitation, ANA, HERE).as_json()
    assert {name: value for name, value in event.items() if name != "data"} == {
        "specversion": "1.0",
        "id": told(asked(version=3), invitation).id,
        "source": "/lazo/test",
        "type": "response.confirmed",
        "subject": "i-1",
        "time": "2026-03-06T22:00:00Z",
        "datacontenttype": "application/json",
    }
    data = event["data"]
    assert data["reference"] == "ORD-10045"
    assert data["event"] == {"source": "/crm", "id": "ORD-10045"}
    assert data["customer"] == {"id": "c-981"}
    assert data["url"] == "https://lazo.example/cases/i-1"
    for word in ("Pérez", "ana@example.com", "+57", "Marta"):
        assert word not in json.dumps(event, ensure_ascii=False)


def test_what_waits_leads_to_nobody_and_a_late_retry_does_not_name_who_was_erased() -> None:
    invitation = answered(2, version=4, reference="ORD-10045", event_id="ORD-10045")
    what = told(asked(version=3), invitation)
    kept = Post(webhook="crm", what=what).model_dump_json()
    for word in ("c-981", "ORD-10045", "Pérez", "example.com"):
        assert word not in kept
    gone = invitation.moved(erased=True, event_id=None, reference=None)
    event = event_of(what, gone, Customer(key="ana", version=9, erased_at=LATER), HERE)
    assert (event.id, event.data["rating"]) == (what.id, 2)
    assert (event.data["reference"], event.data["event"], event.data["customer"]) == (None, None, None)
    assert event_of(what, None, None, HERE).data["customer"] is None


def test_an_event_without_a_subject_leaves_it_out() -> None:
    out = Customer(key="ana", version=1, opted_out_at=AT)
    assert "subject" not in event_of(told(None, out), None, out, HERE).as_json()


def test_retries_grow_from_seconds_to_hours_and_end_after_a_day() -> None:
    post: Post | None = Post(webhook="crm", what=told(None, opened()))
    at, waits = AT, []
    while post and (post := again(post, at)) and post.not_before:
        waits.append(post.not_before - at)
        at = post.not_before
    assert len(waits) == len(RETRY_AFTER)
    assert all(0.8 * planned <= wait <= 1.2 * planned for wait, planned in zip(waits, RETRY_AFTER, strict=True))
    assert waits[0] <= timedelta(seconds=6)
    assert timedelta(hours=19) < at - AT < timedelta(hours=29)


def test_what_failed_together_does_not_come_back_together() -> None:
    posts = [Post(webhook=f"w-{n}", what=told(None, opened())) for n in range(50)]
    assert len({post.not_before for one in posts if (post := again(one, AT))}) == 50


def test_every_kind_of_the_contract_is_told() -> None:
    assert set(KINDS) == {
        "response.confirmed",
        "case.opened",
        "case.moved",
        "case.resolved",
        "customer.opted_out",
    }
