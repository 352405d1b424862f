"""What every store of invitations promises."""

from datetime import timedelta

import pytest

from chalicelib.domain.event import Delivered, EventRef
from chalicelib.errors import Conflict
from chalicelib.ports import Early
from tests.contract.cast import NOW, answered, case, entry, id_of, invitation, next_of
from tests.contract.subject import Embedded, Subject, on_dynamodb


def test_a_decision_is_taken_once(kept: Subject) -> None:
    first = invitation()
    assert kept.invitations.create(first) is True
    assert kept.invitations.create(first) is False
    assert kept.invitations.create(invitation(state="skipped", reason="resting", send_at=None)) is False
    assert kept.invitations.get(first.id) == first


def test_an_unknown_invitation_is_none(kept: Subject) -> None:
    assert kept.invitations.get(id_of(404)) is None
    assert kept.invitations.get_many([id_of(404)]) == {}
    assert kept.invitations.get_many([], consistent=False) == {}


def test_what_is_kept_comes_back_to_the_microsecond(kept: Subject) -> None:
    precise = invitation(send_at=NOW.replace(microsecond=123456))
    kept.invitations.create(precise)
    assert kept.invitations.get(precise.id) == precise


def test_a_version_follows_the_one_before(kept: Subject) -> None:
    first = invitation()
    kept.invitations.create(first)
    second = first.moved(state="attempted", send_at=None)
    kept.invitations.save(second)
    assert kept.invitations.get(first.id) == second


def test_of_two_claimers_one_loses(kept: Subject) -> None:
    first = invitation()
    kept.invitations.create(first)
    kept.invitations.save(first.moved(state="attempted", send_at=None))
    with pytest.raises(Conflict):
        kept.invitations.save(first.moved(state="attempted", send_at=None))


@pytest.mark.parametrize("version", [1, 3])
def test_a_version_out_of_turn_is_a_conflict(kept: Subject, version: int) -> None:
    kept.invitations.create(invitation())
    with pytest.raises(Conflict):
        kept.invitations.save(invitation(version=version, state="attempted"))
    assert kept.invitations.get(id_of(1)) == invitation()


@pytest.mark.parametrize("version", [1, 2])
def test_nothing_can_be_saved_that_was_never_created(kept: Subject, version: int) -> None:
    with pytest.raises(Conflict):
        kept.invitations.save(invitation(version=version))
    assert kept.invitations.get(id_of(1)) is None


def test_many_are_read_at_once(kept: Subject) -> None:
    made = [invitation(number) for number in range(230)]
    for each in made:
        kept.invitations.create(each)
    ids = [each.id for each in made]
    assert kept.invitations.get_many([*ids, id_of(404), ids[0]]) == {each.id: each for each in made}


def test_a_low_answer_comes_with_its_case(kept: Subject) -> None:
    first = invitation()
    kept.invitations.create(first)
    kept.invitations.save_with_case(answered(first), case(), entry())
    assert kept.invitations.get(first.id) == answered(first)
    assert kept.cases.get(first.id) == case()
    assert kept.cases.timeline(first.id) == (entry(),)


def test_an_answer_and_its_case_are_written_both_or_neither(kept: Subject) -> None:
    first = invitation()
    kept.invitations.create(first)
    kept.invitations.save_with_case(answered(first), case(), entry())
    second = answered(first)
    for stale in (
        (second, next_of(case()), entry(2)),  # the invitation was written by somebody else
        (second.moved(), case(), entry(2)),  # the case is there already
        (second.moved(), case(revision=3), entry(2)),  # the case is older than that
        (second.moved(), next_of(case()), entry(1)),  # the line is there already
    ):
        with pytest.raises(Conflict):
            kept.invitations.save_with_case(*stale)
        assert kept.invitations.get(first.id) == second
        assert kept.cases.get(first.id) == case()
        assert kept.cases.timeline(first.id) == (entry(),)


def test_a_correction_writes_upon_the_case_that_is_there(kept: Subject) -> None:
    first = invitation()
    kept.invitations.create(first)
    kept.invitations.save_with_case(answered(first), case(), entry())
    corrected = answered(first).moved()
    kept.invitations.save_with_case(corrected, next_of(case(), version=2, rating=9), entry(2))
    found = kept.cases.get(first.id)
    assert found is not None
    assert (found.rating, found.revision) == (9, 2)
    assert [line.version for line in kept.cases.timeline(first.id)] == [1, 2]


def test_early_news_waits_under_the_name_of_its_event(kept: Subject) -> None:
    ref = EventRef(source="/crm", id="ORD-7")
    told = Delivered(news=EventRef(source="/wms", id="D-1").key, at=NOW, kind="delivery", fulfilled=NOW)
    first = Early(key=ref.key, version=1, fulfilments=(told,))
    assert kept.invitations.early(ref.key) is None
    kept.invitations.save_early(first)
    assert kept.invitations.early(ref.key) == first
    with pytest.raises(Conflict):
        kept.invitations.save_early(first)
    second = first.model_copy(update={"version": 2, "cancelled_at": NOW})
    kept.invitations.save_early(second)
    assert kept.invitations.early(ref.key) == second
    assert kept.invitations.earlies([ref.key, "nobody's"]) == [second]
    assert kept.invitations.earlies([ref.key], consistent=False) == [second]
    assert kept.invitations.earlies([]) == []


def test_no_more_places_are_given_than_there_are(kept: Subject) -> None:
    taken = [kept.invitations.take_place("sale/2026-03-06", 2, NOW) for _ in range(3)]
    assert taken == [True, True, False]
    assert kept.again().invitations.take_place("sale/2026-03-07", 2, NOW)
    kept.invitations.give_place_back("sale/2026-03-06")
    assert kept.again().invitations.take_place("sale/2026-03-06", 2, NOW)
    assert not kept.invitations.take_place("sale/2026-03-06", 2, NOW)


def test_places_and_news_go_by_themselves(embedded: Embedded) -> None:
    kept = on_dynamodb(embedded)
    kept.invitations.take_place("sale/2026-03-06", 2, NOW)
    kept.invitations.take_place("sale/2026-03-06", 2, NOW + timedelta(hours=1))
    kept.invitations.save_early(Early(key="a", version=1, kept_until=NOW))
    kept.invitations.save_early(Early(key="b", version=1))
    ends = {item["pk"]["S"]: item.get("ttl", {}).get("N") for item in embedded.items()}
    at = str(int(NOW.timestamp()))
    assert ends == {"PLACES#sale/2026-03-06": str(int(at) + 3600), "EVENT#a": at, "EVENT#b": None}


def test_many_decisions_are_taken_each_by_itself(kept: Subject) -> None:
    made = [invitation(number) for number in range(60)]
    kept.invitations.create(made[7])
    kept.invitations.create(made[31].model_copy(update={"state": "skipped", "reason": "resting", "send_at": None}))
    won = kept.invitations.create_many(made)
    assert won == {each.id for each in made} - {made[7].id, made[31].id}
    found = kept.invitations.get_many([each.id for each in made])
    assert found[made[31].id].reason == "resting"
    assert {id_: each for id_, each in found.items() if id_ != made[31].id} == {
        each.id: each for each in made if each.id != made[31].id
    }


def test_many_versions_follow_the_ones_before_each_by_itself(kept: Subject) -> None:
    made = [invitation(number) for number in range(30)]
    kept.invitations.create_many(made)
    kept.invitations.save(made[3].moved(state="skipped", reason="cancelled", send_at=None))
    claimed = [each.moved(state="attempted", send_at=None) for each in [*made, invitation(404)]]
    assert kept.invitations.save_many(claimed) == {made[3].id, id_of(404)}
    found = kept.invitations.get_many([each.id for each in claimed])
    assert found == {each.id: each for each in claimed if each.id not in (made[3].id, id_of(404))} | {
        made[3].id: made[3].moved(state="skipped", reason="cancelled", send_at=None)
    }
    assert kept.invitations.create_many([]) == kept.invitations.save_many([]) == set()


def test_a_batch_names_each_invitation_once(kept: Subject) -> None:
    with pytest.raises(ValueError, match="once"):
        kept.invitations.create_many([invitation(), invitation()])
    assert kept.invitations.get(id_of(1)) is None
