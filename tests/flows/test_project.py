"""Test that counters equal a recount, whatever the stream and those who read it do."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.rollup import Row, contributions, dimensions_of, succeeding
from chalicelib.domain.trend import topics_over_time
from chalicelib.errors import Conflict
from chalicelib.flows.project import COUNTS_MAX, ROWS_MAX, Projected, project, rebuild, reconcile
from chalicelib.ports import Change, Counters, Ports
from tests.counting import AT, PURCHASE, answered, anything, asked, company, opened
from tests.world import World

Item = Invitation | Case


class Killed(Exception):
    """The process died here."""


@dataclass
class Faulty:
    """Counters whose process may die before a write, or after it and before its reply."""

    counters: Counters
    chance: random.Random
    kills: int = 0
    writes: list[int] = field(default_factory=list)

    def checkpoint(self, shard: str) -> str:
        return self.counters.checkpoint(shard)

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        assert len(rows) <= ROWS_MAX
        assert all(len(row.counts) <= COUNTS_MAX for row in rows)
        assert len({(row.kind, row.dimension, row.value, row.day) for row in rows}) == len(rows)
        self.writes.append(len(rows))
        dies = self.chance.choice(("before", "after", "", "", ""))
        self.kills += bool(dies)
        if dies == "before":
            raise Killed
        self.counters.add(shard, rows, last=last, end=end)
        if dies == "after":
            raise Killed

    def series(self, kind: str, dimension: str, value: str, first: str, last: str) -> dict[str, dict[str, int]]:
        return self.counters.series(kind, dimension, value, first, last)

    def values(self, kind: str, dimension: str) -> tuple[str, ...]:
        return self.counters.values(kind, dimension)

    def glance(self) -> Counters:
        return self


class Watched(Faulty):
    """Counters whose process never dies, but whose writes are looked at."""

    def add(self, shard: str, rows: Sequence[Row], *, last: str, end: str) -> None:
        assert len(rows) <= ROWS_MAX
        assert all(len(row.counts) <= COUNTS_MAX for row in rows)
        self.writes.append(len(rows))
        self.counters.add(shard, rows, last=last, end=end)


@dataclass
class Stream:
    """Records of several shards, delivered at least once: repeated, cut anew on each try, old stretches again."""

    ports: Ports
    chance: random.Random
    shards: dict[str, list[Change]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    sequence: int = 9 * 10**20

    def tell(self, shard: str, old: Item | None, new: Item | None) -> None:
        self.sequence += self.chance.randint(1, 10**20)  # 21 digits, then 22: plain strings would sort wrongly
        self.shards.setdefault(shard, []).append(Change(str(self.sequence), old, new))

    def drain(self) -> None:
        while open_ := [shard for shard, records in self.shards.items() if self.done[shard] < len(records)]:
            self._deliver(self.chance.choice(open_))

    def _deliver(self, shard: str) -> None:
        records, done = self.shards[shard], self.done[shard]
        batch = records[done : done + self.chance.randint(1, 40)]
        try:
            project(self.ports, batch, shard, AT)
        except Killed:
            self.faults += 1
            return
        if self.chance.random() < 0.3:
            self.faults += 1  # the reply was lost
            return
        self.done[shard] += len(batch)
        if self.chance.random() < 0.2:
            self.faults += 1
            start = self.chance.randrange(self.done[shard])
            again = records[start : min(self.done[shard], start + self.chance.randint(1, 60))]
            self._again(self.chance.sample(again, len(again)), shard)

    def _again(self, batch: list[Change], shard: str) -> None:
        try:
            assert project(self.ports, batch, shard, AT).rows == 0
        except Killed:
            raise AssertionError("an old stretch wrote something") from None


def world(organisation: Organisation | None = None) -> World:
    """A company in memory that counts."""
    made = World()
    made.publish(organisation or company())
    return made


def recount(items: Iterable[Item], organisation: Organisation, ports: Ports) -> dict[tuple[str, ...], int]:
    """Count every item by itself, and add up: what counters must equal."""
    total: Counter[tuple[str, ...]] = Counter()
    for item in items:
        version = item.survey_version if isinstance(item, Invitation) else None
        survey = ports.library.survey(version) if version else None
        for row in contributions(item, dimensions_of(organisation), survey):
            for name, count in row.counts.items():
                total[row.kind, row.dimension, row.value, row.day, name] += count
    return {key: count for key, count in total.items() if count}


def counters(made: World) -> dict[tuple[str, ...], int]:
    return {
        (*series, day, name): count
        for series, days in made.memory.rollups.items()
        for day, counts in days.items()
        for name, count in counts.items()
        if count
    }


def life(chance: random.Random, items: dict[str, Item], tell: Callable[[str, Item | None, Item | None], None]) -> None:
    """Let one item come into being, change or be deleted."""
    id_ = f"i-{chance.randrange(60)}"
    kept = anything(chance, id_)
    before = items.get(kept.id)
    if before and chance.random() < 0.05:
        del items[kept.id]
        tell(id_, before, None)
        return
    items[kept.id] = kept
    tell(id_, before, kept)


@pytest.mark.parametrize("seed", range(6))
def test_counters_equal_a_recount_whatever_happens_to_the_stream(seed: int) -> None:
    chance = random.Random(seed)
    made = world()
    faulty = Faulty(made.ports.counters, chance)
    stream = Stream(replace(made.ports, counters=faulty), chance)
    items: dict[str, Item] = {}
    shards = ["shard-1", "shard-2", "shard-3"]
    moved: dict[str, str] = {}
    for step in range(300):
        if step == 150:  # shards split: later records of an item are in a child of its shard
            moved = {shard: f"{shard}-{half}" for shard in shards for half in "ab"}
        shard_of = {f"i-{n}": moved.get(shards[n % 3], shards[n % 3]) for n in range(60)}
        life(chance, items, lambda id_, old, new, of=shard_of: stream.tell(of[id_], old, new))  # type: ignore[misc]
        if chance.random() < 0.1:
            stream.drain()
    stream.drain()
    assert counters(made) == recount(items.values(), company(), made.ports)
    assert not reconcile(made.ports, items.values()).differences
    assert faulty.kills > 10
    assert stream.faults > 10


def changes(items: Sequence[Item], start: int = 1) -> list[Change]:
    return [Change(f"{start + place:040d}", None, item) for place, item in enumerate(items)]


def test_a_batch_that_straddles_its_checkpoint_counts_its_newer_half_only() -> None:
    made = world()
    batch = changes([answered(9, f"i-{n}") for n in range(4)])
    project(made.ports, batch[:2], "s", AT)
    assert project(made.ports, batch, "s", AT).records == 2
    assert made.ports.counters.series("response", "all", "all", "2026-03-06", "2026-03-06") == {
        "2026-03-06": {"nps.9": 4}
    }


def test_the_same_record_twice_in_one_batch_counts_once() -> None:
    made = world()
    project(made.ports, changes([answered(9)]) * 2, "s", AT)
    assert made.memory.rollups["response", "all", "all"]["2026-03-06"] == {"nps.9": 1}


def test_records_that_change_no_count_write_nothing() -> None:
    made = world()
    scheduled, attempted = asked(state="scheduled"), asked(state="attempted")
    project(made.ports, [Change("1", None, scheduled)], "s", AT)
    assert made.ports.counters.checkpoint("s") == ""
    project(made.ports, [Change("2", scheduled, attempted)], "s", AT)
    assert made.ports.counters.checkpoint("s") == "2".zfill(40)
    project(made.ports, [Change("3", attempted, attempted.moved(state="sent"))], "s", AT)
    assert made.ports.counters.checkpoint("s") == "2".zfill(40)


def test_two_records_that_cancel_out_move_the_checkpoint_lest_one_comes_again_alone() -> None:
    made = world()
    item = answered(9)
    pair = [Change("1", None, item), Change("2", item, None)]
    assert project(made.ports, pair, "s", AT).rows == 0
    assert project(made.ports, pair[:1], "s", AT) == Projected(0, 0, 0)
    assert not counters(made)


def test_an_empty_batch_reads_and_writes_nothing_new() -> None:
    made = world()
    assert project(made.ports, [], "s", AT) == Projected(0, 0, 0)
    assert not made.memory.checkpoints


def test_a_record_that_cannot_be_read_is_counted_as_such_and_holds_up_nobody() -> None:
    made = world()
    batch = [Change("1", readable=False), *changes([answered(9)], start=2), Change("3", readable=False)]
    assert project(made.ports, batch, "s", AT).uncounted == 2
    assert made.memory.rollups["uncounted", "all", "all"] == {"2026-03-06": {"records": 2}}
    assert made.memory.rollups["response", "all", "all"]["2026-03-06"] == {"nps.9": 1}
    assert reconcile(made.ports, [answered(9)]).uncounted == 2


def test_an_answer_to_a_survey_that_nobody_published_is_uncounted() -> None:
    made = world()
    lost = answered(9, survey_version="f" * 32)
    assert project(made.ports, changes([lost]), "s", AT).uncounted == 1
    assert reconcile(made.ports, [lost]).uncountable == 1


def test_many_rows_are_written_in_slices_of_what_a_transaction_takes() -> None:
    made = world()
    chance = random.Random(5)
    items = {item.id: item for item in (anything(chance, f"i-{n}", days=200) for n in range(150))}
    watched = Watched(made.ports.counters, chance)
    project(replace(made.ports, counters=watched), changes(list(items.values())), "s", AT)
    assert len(watched.writes) > 10
    assert counters(made) == recount(items.values(), company(), made.ports)


def test_a_row_of_too_many_counts_is_cut_too() -> None:
    made = world()
    people = [answered(9, f"i-{n}", people=({"id": f"u-{n}", "department": "sales"},)) for n in range(200)]
    project(replace(made.ports, counters=Watched(made.ports.counters, random.Random(0))), changes(people), "s", AT)
    assert len(made.memory.rollups["response", "team", "sales"]["2026-03-06"]) == 600


def test_of_two_who_count_one_batch_at_once_one_loses() -> None:
    made = world()
    batch = changes([answered(9)])

    class Slow(Faulty):
        def checkpoint(self, shard: str) -> str:
            read = self.counters.checkpoint(shard)
            project(made.ports, batch, shard, AT)  # the zombie's twin is faster
            return read

    with pytest.raises(Conflict):
        project(replace(made.ports, counters=Slow(made.ports.counters, random.Random(0))), batch, "s", AT)
    assert made.memory.rollups["response", "all", "all"]["2026-03-06"] == {"nps.9": 1}


# Counting anew


@dataclass
class Live:
    """A company in memory whose stream is counted as it goes."""

    made: World
    counted: int = 0

    def count(self) -> None:
        new = self.made.memory.changes[self.counted :]
        self.counted += len(new)
        project(self.made.ports, new, "s", AT)

    @property
    def items(self) -> list[Item]:
        return [*self.made.memory.invitations.values(), *self.made.memory.cases.values()]


def put(made: World, *items: Item) -> None:
    for item in items:
        if isinstance(item, Case):
            made.ports.cases.save(item)
        else:
            made.ports.invitations.create(item)


def test_a_rebuild_reads_what_nobody_has_read_and_leaves_what_cannot_be_read() -> None:
    after = company()
    live = Live(world(after))
    unread = answered(2, "i-1", topics=None, texts={"comment": "Me cobraron dos veces"})
    gone = answered(2, "i-2", topics=("sales",))
    forgotten = answered(2, "i-3", topics=None).moved(erased=True)
    put(live.made, unread, gone, forgotten)
    live.count()
    assert rebuild(live.made.ports, live.items) == 1
    assert rebuild(live.made.ports, live.items) == 0
    live.count()
    found = {each.id: each.confirmed.topics for each in live.items if isinstance(each, Invitation) and each.confirmed}
    assert found == {"i-1": ("billing",), "i-2": ("sales",), "i-3": None}
    counted = live.made.ports.counters.series("response", "all", "all", "2026-03-01", "2026-03-31")["2026-03-06"]
    assert (counted["topic.billing"], counted["topic.sales"], counted["lows"]) == (1, 1, 2)
    assert reconcile(live.made.ports, live.items).differences == ()


def test_a_topic_that_is_added_later_is_found_in_older_answers_by_a_rebuild() -> None:
    before = company()
    live = Live(world(before))
    slow = answered(2, "i-1", topics=(), texts={"comment": "El montacargas estaba roto"})
    expired = answered(2, "i-2", topics=())
    other = answered(9, "i-3", topics=(), texts={"comment": "Todo bien"})
    put(live.made, slow, expired, other, opened("i-1"))
    live.count()
    topics = {**before.routing.topics, "logistics": {"es": ["montacarg"]}}
    routing = before.routing.model_copy(update={"topics": topics})
    live.made.publish(succeeding(before.model_copy(update={"routing": routing}), before))
    assert rebuild(live.made.ports, live.items) == 1
    assert rebuild(live.made.ports, live.items) == 0
    live.count()
    (counted,) = live.made.ports.counters.series("response", "all", "all", "2026-03-01", "2026-03-31").values()
    assert (counted["topic.logistics"], counted["topic_low.logistics"], counted["lows"]) == (1, 1, 2)
    assert reconcile(live.made.ports, live.items).differences == ()
    live.made.publish(before)
    assert rebuild(live.made.ports, live.items) == 1
    live.count()
    (counted,) = live.made.ports.counters.series("response", "all", "all", "2026-03-01", "2026-03-31").values()
    assert counted["topic.logistics"] == 0
    assert topics_over_time({AT.date(): counted}, "month") == {}


def test_a_rebuild_counts_everything_once_by_the_new_dimensions_while_items_move() -> None:
    before = company()
    live = Live(world(before))
    put(live.made, *(answered(n % 11, f"i-{n}", attributes={"region": "x", "plan": "gold"}) for n in range(20)))
    put(live.made, opened("i-3"), opened("i-4"))
    live.count()
    after = succeeding(company(attributes=("region", "plan")), before)
    live.made.publish(after)

    def while_it_runs() -> Iterable[Item]:
        for place, item in enumerate(live.items):
            if place == 5:
                later = live.made.memory.invitations["i-7"]
                live.made.ports.invitations.save(later.moved(unconfirmed=True))
            if place % 7 == 0:
                live.count()
            yield item

    assert rebuild(live.made.ports, while_it_runs()) == 22
    assert rebuild(live.made.ports, live.items) == 0
    live.count()
    found = reconcile(live.made.ports, live.items)
    assert (found.items, found.behind, found.differences) == (22, 0, ())
    gold = live.made.ports.counters.series("response.1", "plan", "gold", "2026-03-01", "2026-03-31")
    assert sum(gold["2026-03-06"][f"nps.{rating}"] for rating in range(11)) == 20


def test_a_process_that_remembers_the_company_of_before_reads_it_anew_for_a_later_item() -> None:
    made = world()
    stale, fresh = company(), succeeding(company(pairs=()), company())
    made.publish(fresh)

    @dataclass(frozen=True)
    class Remembering:
        survey = made.ports.library.survey
        publish = made.ports.library.publish
        pauses = made.ports.library.pauses
        save_pauses = made.ports.library.save_pauses
        keeping = made.ports.library.keeping
        save_keeping = made.ports.library.save_keeping

        def organisation(self, *, fresh: bool = False) -> Organisation:
            return made.ports.library.organisation() if fresh else stale

    ports = replace(made.ports, library=Remembering())
    project(ports, changes([answered(9, generation=1)]), "s", AT)
    assert made.memory.rollups["response.1", "all", "all"]["2026-03-06"] == {"nps.9": 1}


def test_a_day_counted_in_one_zone_is_never_taken_away_in_another() -> None:
    before = company()
    live = Live(world(before))
    late = answered(9, at=AT.replace(day=7, hour=2))
    put(live.made, late)
    live.count()
    live.made.publish(succeeding(before.model_copy(update={"zone": "UTC"}), before))
    live.made.ports.invitations.save(late.moved(unconfirmed=True))
    live.count()
    assert counters(live.made)["response", "all", "all", "2026-03-06", "nps.9"] == 1
    rebuild(live.made.ports, live.items)
    live.count()
    assert counters(live.made)["response.1", "all", "all", "2026-03-07", "nps.9"] == 1
    assert not reconcile(live.made.ports, live.items).differences


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda days: days.update({"2026-03-06": {"nps.9": 2}}), "nps.9"),
        (lambda days: days.pop("2026-03-06"), "nps.9"),
        (lambda days: days.update({"2026-03-07": {"nps.0": 1}}), "nps.0"),
    ],
)
def test_reconciling_tells_of_every_count_that_is_wrong(spoil: Callable[[Any], None], name: str) -> None:
    made = world()
    project(made.ports, changes([answered(9)]), "s", AT)
    spoil(made.memory.rollups["response", "all", "all"])
    assert [difference.name for difference in reconcile(made.ports, [answered(9)]).differences] == [name]


def test_reconciling_tells_of_a_series_that_no_item_has() -> None:
    made = world()
    project(made.ports, changes([answered(9, attributes={"region": "gone"})]), "s", AT)
    found = reconcile(made.ports, [])
    assert {("response", "region", "gone")} <= {difference.key[:3] for difference in found.differences}


def test_the_survey_of_these_tests_has_moments_and_promises() -> None:
    kinds = {question.kind for question in PURCHASE.questions}
    assert {"touchpoint", "promise", "value"} <= kinds
