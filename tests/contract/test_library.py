"""What every library promises."""

from datetime import timedelta

import pytest

from chalicelib.domain.organisation import Pause, Pauses
from chalicelib.domain.retention import Keeping
from chalicelib.errors import Conflict, NotFound
from chalicelib.ports import DueKey
from tests.contract.cast import NOW, organisation, survey
from tests.contract.subject import Subject


def test_before_the_first_publication_there_is_nothing(kept: Subject) -> None:
    with pytest.raises(NotFound):
        kept.library.organisation()
    assert kept.library.survey(survey().version) is None


def test_what_was_published_is_found_with_its_surveys(kept: Subject) -> None:
    kept.library.publish(organisation(), NOW)
    assert kept.library.organisation() == organisation()
    found = kept.library.survey(survey().version)
    assert found == survey()
    assert found is not None
    assert found.version == survey().version


def test_another_process_finds_it_too(kept: Subject) -> None:
    kept.library.publish(organisation(), NOW)
    assert kept.again().library.organisation() == organisation()
    assert kept.again().library.survey(survey().version) == survey()


def test_the_latest_publication_counts_at_once_for_whoever_made_it(kept: Subject) -> None:
    kept.library.publish(organisation(), NOW)
    kept.library.organisation()
    kept.library.publish(organisation(name="El Tornillo SA"), NOW)
    assert kept.library.organisation().name == "El Tornillo SA"


def test_another_process_follows_within_half_a_minute(kept: Subject) -> None:
    kept.library.publish(organisation(), NOW)
    kept.library.organisation()
    kept.again().library.publish(organisation(name="El Tornillo SA"), NOW)
    kept.clock.now += timedelta(seconds=30)
    assert kept.library.organisation().name == "El Tornillo SA"


def test_whoever_must_know_reads_past_what_was_kept(kept: Subject) -> None:
    kept.library.publish(organisation(), NOW)
    kept.library.organisation()
    kept.again().library.publish(organisation(name="El Tornillo SA"), NOW)
    assert kept.library.organisation(fresh=True).name == "El Tornillo SA"


def test_a_clock_set_back_does_not_hold_an_old_publication(kept: Subject) -> None:
    kept.library.publish(organisation(), NOW)
    kept.library.organisation()
    kept.again().library.publish(organisation(name="El Tornillo SA"), NOW)
    kept.clock.now -= timedelta(days=1)
    assert kept.library.organisation().name == "El Tornillo SA"


def test_a_survey_once_published_opens_for_ever(kept: Subject) -> None:
    old, new = survey(), survey("¿Qué tal su compra?")
    kept.library.publish(organisation(surveys=(old,)), NOW)
    kept.library.publish(organisation(surveys=(new,)), NOW + timedelta(days=1))
    assert kept.again().library.survey(old.version) == old
    assert kept.again().library.survey(new.version) == new


def test_what_stops_asking_is_read_by_everybody_within_half_a_minute(kept: Subject) -> None:
    other = kept.again()
    assert other.library.pauses() == Pauses()
    pause = Pause(id="breaker", reason="paused", why="4 % of mails bounced", since=NOW)
    kept.library.save_pauses(Pauses(version=1, pauses=(pause,)))
    assert kept.library.pauses().pauses == other.library.pauses(fresh=True).pauses == (pause,)
    other.clock.now += timedelta(seconds=30)
    assert other.library.pauses().pauses == (pause,)


def test_of_two_who_pause_at_once_one_reads_again(kept: Subject) -> None:
    kept.library.save_pauses(Pauses(version=1))
    with pytest.raises(Conflict):
        kept.library.save_pauses(Pauses(version=1))
    kept.library.save_pauses(Pauses(version=2))


def test_how_far_retention_has_come_is_kept_by_whoever_read_it_last_and_is_due(kept: Subject) -> None:
    assert kept.library.keeping("words") is None
    first = Keeping(id="words").moved(NOW, "kept/day=2026-03-06/a.jsonl.gz", 7)
    kept.library.save_keeping(first)
    assert kept.again().library.keeping("words") == first
    assert list(kept.timers.due(NOW, 10)) == [DueKey("keeping", "words")]
    with pytest.raises(Conflict):
        kept.library.save_keeping(first)
    kept.library.save_keeping(first.moved(NOW + timedelta(days=1), first.reached))
    assert list(kept.timers.due(NOW, 10)) == []
    assert kept.library.keeping("people") is None
