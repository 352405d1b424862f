"""The clock stops wherever something is due on its way, in order, never early, and leaves nothing behind."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.durations import duration, instant
from infra.local.journey import BackwardsMove, Stalled
from infra.local.schedules import Schedule, UnreadableSchedule
from infra.local.system import LocalSystem
from tests.local import sample
from tests.local.asking import ask

MARCH = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)


def dues() -> list[tuple[str, datetime]]:
    return [what for name, what in sample.seen if name == "due"]


def test_things_fall_due_in_order_each_at_its_own_instant(system: LocalSystem) -> None:
    system.journey.move_to(MARCH)
    for name, hours in (("late", 30), ("soon", 1), ("later", 400)):
        sample.put_due(name, MARCH + timedelta(hours=hours))
    system.journey.move_to(MARCH + timedelta(hours=48))
    assert [name for name, _ in dues()] == ["soon", "late"]
    for (_, at), hours in zip(dues(), (1, 30), strict=True):
        assert timedelta(0) <= at - (MARCH + timedelta(hours=hours)) < timedelta(seconds=5)


def test_what_becomes_due_on_the_way_is_handled_on_the_same_way(system: LocalSystem) -> None:
    system.journey.move_to(MARCH)
    second = (MARCH + timedelta(hours=2)).isoformat()
    sample.put_due("first-step", MARCH + timedelta(hours=1), again=f"second-step@{second}")
    system.journey.move_to(MARCH + timedelta(hours=3))
    assert [name for name, _ in dues()] == ["first-step", "second-step"]


@pytest.mark.parametrize(("seconds", "handled"), [(-1, 0), (0, 1)])
def test_a_move_up_to_the_instant_handles_it_and_a_second_before_does_not(
    system: LocalSystem, seconds: int, handled: int
) -> None:
    system.journey.move_to(MARCH)
    sample.put_due("edge", MARCH + timedelta(hours=1))
    system.journey.move_to(MARCH + timedelta(hours=1, seconds=seconds))
    assert len(dues()) == handled


def test_a_daily_schedule_fires_each_day_of_a_jump_and_the_sweep_only_where_needed(system: LocalSystem) -> None:
    system.journey.move_to(MARCH)
    system.journey.move_to(MARCH + timedelta(days=3))
    days = [what for name, what in sample.seen if name == "daily"]
    assert [(day.day, day.hour) for day in days] == [(7, 8), (8, 8), (9, 8)]
    assert sample.calls["sweep"] == 3  # one at each stop


def test_a_jump_past_nothing_calls_nothing(system: LocalSystem) -> None:
    system.journey.move_to(MARCH)
    sample.calls.clear()
    system.journey.move_to(MARCH + timedelta(hours=3))
    assert not sample.calls


def test_a_move_comes_to_an_end_while_requests_keep_coming(system: LocalSystem) -> None:
    is_over = threading.Event()

    def keep_sending() -> None:
        while not is_over.is_set():
            ask(system.base_url + "/send", "POST", {"name": "more"})

    sender = threading.Thread(target=keep_sending)
    with system.awake():
        sender.start()
        try:
            for _ in range(5):
                system.journey.move_to(system.clock.now() + timedelta(hours=1))
        finally:
            is_over.set()
            sender.join()
    assert ("work", "more") in sample.seen


def test_the_clock_goes_back_before_the_first_event_only(system: LocalSystem) -> None:
    system.journey.move_to(MARCH)
    system.journey.move_to(MARCH - timedelta(days=1))
    sample.put("first")
    with pytest.raises(BackwardsMove):
        system.journey.move_to(MARCH - timedelta(days=2))


def test_something_that_never_moves_on_is_named_instead_of_waited_for(
    system: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.journey.move_to(MARCH)
    monkeypatch.setattr(system.journey, "next_due", lambda until: MARCH)
    with pytest.raises(Stalled, match="2026-03-06T21:30:00"):
        system.journey.settle()


def test_items_expire_by_the_systems_clock(system: LocalSystem) -> None:
    system.journey.move_to(MARCH)
    end = str(int((MARCH + timedelta(days=10)).timestamp()))
    item: dict[str, Any] = {"pk": {"S": "THING#gone"}, "sk": {"S": "THING"}, "expires": {"N": end}}
    dynamodb = sample.client("dynamodb")
    dynamodb.put_item(TableName=system.resources.names["Table"], Item=item)
    key = {"pk": item["pk"], "sk": item["sk"]}
    for days, is_there in ((9, True), (11, False)):
        system.journey.move_to(MARCH + timedelta(days=days))
        assert ("Item" in dynamodb.get_item(TableName=system.resources.names["Table"], Key=key)) == is_there


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT3H", timedelta(hours=3)),
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("P400D", timedelta(days=400)),
        ("P2W", timedelta(weeks=2)),
        ("PT1M30.5S", timedelta(seconds=90.5)),
    ],
)
def test_durations_are_read(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "3H", "-PT3H", "P1Y", "PT3H ", "P4000D", "P" + "9" * 400 + "D"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        duration(text)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-06T21:30:00", "9999-01-01T00:00:00Z", "1999-12-31T00:00:00Z"]
)
def test_other_instants_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        instant(text)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(5 minutes)", "2026-03-06T21:35:00+00:00"),
        ("cron(0 8 * * ? *)", "2026-03-07T08:00:00+00:00"),
        ("cron(15 7 ? * MON *)", "2026-03-09T07:15:00+00:00"),
        ("cron(0/20 21-22 * * ? *)", "2026-03-06T21:40:00+00:00"),
        ("cron(0 0 1 JAN,JUL ? *)", "2026-07-01T00:00:00+00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00:00+00:00"),
    ],
)
def test_schedules_fire_when_eventbridge_fires_them(expression: str, expected: str) -> None:
    fire = Schedule(expression).after(MARCH)
    assert fire is not None
    assert fire.isoformat() == expected


@pytest.mark.parametrize("expression", ["at(2026-03-06T21:30:00)", "cron(0 8 L * ? *)"])
def test_other_schedules_are_refused(expression: str) -> None:
    with pytest.raises(UnreadableSchedule):
        Schedule(expression).after(MARCH)
