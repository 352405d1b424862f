"""The plug is pulled at any moment, and the company goes on: nothing contradicts itself, and little is lost.

`make kills TIMES=50` for as many kills, with the images of `make run`.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.keeper import IMAGE_EVERY_SECONDS
from tests.local.lazo_run import PROJECT, Run, free_port, running
from tests.story.company import Company, Json, link_in

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

KILLS = int(os.environ.get("LAZO_KILLS") or 3)
# Few kills take images more often, so that there is much to lose in little time; many take them as `make run` does.
IMAGE_SECONDS = IMAGE_EVERY_SECONDS if KILLS > 3 else 1.0
LOST_SECONDS_MAX = IMAGE_SECONDS + 5.0
LIVED_SECONDS = (IMAGE_SECONDS * 0.4, IMAGE_SECONDS * 2.5 + 1.0)
KILLS_OF_ONE_STATE = 5
DEAL_EVERY_SECONDS = 0.05
MOVE_EVERY_SECONDS = 0.8
ALERTS_TOGETHER = "PT10M"  # alerts after the first wait a few minutes for each other
CUT = (OSError, http.client.HTTPException)
LOW = 6


@dataclass
class Act:
    """Something that was acknowledged, and how one sees whether it is still so."""

    name: str
    at: float
    is_kept: Callable[[], bool]
    forget: Callable[[], None] = lambda: None


@dataclass
class Life:
    """The company's life up to a kill: sales and answers by one, clock moves by another."""

    company: Company
    chance: random.Random
    sold: list[str] = field(default_factory=list)
    answered: dict[str, int] = field(default_factory=dict)

    def live(self, seconds: float, run: Run) -> tuple[list[Act], list[Act], float]:
        """Live so long, then pull the plug; return what each of the two was told, and when it was pulled."""
        with ThreadPoolExecutor(2) as pool:
            deals, moves = pool.submit(self._until_cut, self._deal), pool.submit(self._until_cut, self._move)
            time.sleep(seconds)
            run.kill()
            killed_at = time.monotonic()
            return deals.result(), moves.result(), killed_at

    def _until_cut(self, act: Callable[[list[Act]], None]) -> list[Act]:
        told: list[Act] = []
        try:
            while True:
                act(told)
        except CUT:
            return told

    def _deal(self, told: list[Act]) -> None:
        time.sleep(DEAL_EVERY_SECONDS)
        unanswered = [id_ for id_ in self.sold if id_ not in self.answered]
        if unanswered and self.chance.random() < 0.5:
            self._answer(self.chance.choice(unanswered), told)
        else:
            self.sell(f"ORD-{len(self.sold)}", told)

    def sell(self, id_: str, told: list[Act]) -> None:
        """Sell something to a new customer."""
        reply = self.company.post(self.company.event(id_, customer=customer(id_)))
        while reply.status == 401:  # the clock has moved between signing and sending
            reply = self.company.post(self.company.event(id_, customer=customer(id_)))
        assert reply.status == 202, reply.body
        if id_ not in self.sold:
            self.sold.append(id_)
        told.append(Act(f"sale {id_}", time.monotonic(), lambda: bool(self.company.decisions(id_))))

    def _answer(self, id_: str, told: list[Act]) -> None:
        mails = self.company.messages(address(id_))
        if not mails:
            return
        rating = self.chance.randrange(11)
        reply = self.company.submit(link_in(mails[0], "/s/"), {"rating": str(rating), "failed": "late"})
        assert reply.status == 200, reply.body
        self.answered[id_] = rating
        told.append(Act(f"answer {id_}", time.monotonic(), lambda: self._is_answered(id_), lambda: self._forget(id_)))

    def _is_answered(self, id_: str) -> bool:
        return any(each["answered_at"] for each in self.company.decisions(id_))

    def _forget(self, id_: str) -> None:
        self.answered.pop(id_, None)

    def _move(self, told: list[Act]) -> None:
        time.sleep(MOVE_EVERY_SECONDS)
        self.company.later("PT45M")
        reached = self.company.ahead() - timedelta(minutes=1)
        told.append(Act("move", time.monotonic(), lambda: self.company.ahead() > reached))


def customer(id_: str) -> Json:
    """Return the customer of a sale."""
    return {"id": f"c-{id_}", "name": f"Cliente {id_}", "email": address(id_)}


def address(id_: str) -> str:
    """Return the address of a sale's customer."""
    return f"{id_.lower()}@example.com"


def check_losses(life: Life, told: list[Act], killed_at: float) -> float:
    """Check that what is left is a beginning of what was told, and is old enough; return the seconds lost."""
    kept = [act.is_kept() for act in told]
    alive = kept.index(False) if False in kept else len(kept)
    assert not any(kept[alive:]), [(act.name, one) for act, one in zip(told, kept, strict=True)]
    lost = told[alive:]
    for act in lost:
        act.forget()
    seconds = killed_at - lost[0].at if lost else 0.0
    assert seconds <= LOST_SECONDS_MAX, f"{lost[0].name} was told {seconds:.1f} s before the kill"
    return seconds


def check_that_all_agrees(life: Life) -> None:
    """Check each sale against the mailbox, and each low answer against the cases and their alerts."""
    company, mails = life.company, life.company.messages()
    sent = [mail["to"] for mail in mails]
    for id_ in life.sold:
        (decision,) = company.decisions(id_)
        wanted = {"scheduled": (0,), "attempted": (0, 1)}.get(decision["state"], (1, 2))  # two with its reminder
        assert sent.count(address(id_)) in wanted, (id_, decision)
        assert bool(decision["answered_at"]) == (id_ in life.answered), (id_, decision)
    low = {id_ for id_, rating in life.answered.items() if rating <= LOW}
    cases = company.api("admin", "cases?limit=200").json["cases"]
    assert sorted(case["reference"] for case in cases) == sorted(low)
    for id_ in low:
        # Alone, or with others of those minutes.
        assert any(id_ in mail["text"].split() and mail["to"] != address(id_) for mail in mails), id_


def check_counters(state: Path) -> None:
    """Check that a recount finds what the counters say."""
    command = [sys.executable, "-m", "infra", "reconcile", "--local", "--json", "--state", str(state)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["differences"], found["uncounted"], found["uncountable"]) == (0, 0, 0)


def test_a_kill_at_any_moment_loses_seconds_and_contradicts_nothing(tmp_path: Path) -> None:
    chance, losses = random.Random(20), list[float]()
    while len(losses) < KILLS:
        state = tmp_path / f"state-{len(losses)}"
        losses += kill_and_kill_again(state, min(KILLS_OF_ONE_STATE, KILLS - len(losses)), chance)
    print(f"\n{len(losses)} kills: at most {max(losses):.1f} s lost, {sum(losses) / len(losses):.1f} s on average")


def kill_and_kill_again(state: Path, kills: int, chance: random.Random) -> list[float]:
    """Live, be killed, start again, check; return the seconds that each kill has lost."""
    losses: list[float] = []
    port = free_port()
    with running(state, port, LOCAL_IMAGE_SECONDS=str(IMAGE_SECONDS)) as run:
        life = begun(Company.at(run.base_url, state), chance)
        told = life.live(chance.uniform(*LIVED_SECONDS), run)
    for number in range(1, kills + 1):
        with running(state, port, LOCAL_IMAGE_SECONDS=str(IMAGE_SECONDS)) as run:
            losses.append(after_a_kill(life, *told))
            check_counters(state)
            print(f"kill {number} of {state.name}: {losses[-1]:.1f} s lost, {len(life.sold)} sales", flush=True)
            if number < kills:
                told = life.live(chance.uniform(*LIVED_SECONDS), run)
    return losses


def begun(company: Company, chance: random.Random) -> Life:
    """Begin on a Tuesday morning."""
    company.begin()
    return Life(company, chance)


def after_a_kill(life: Life, dealt: list[Act], moved: list[Act], killed_at: float) -> float:
    """Check all that a kill may have harmed; the CRM then sends again what it is not sure of."""
    life.company.settle()
    seconds = max(check_losses(life, dealt, killed_at), check_losses(life, moved, killed_at))
    for id_ in life.sold:
        if not life.company.decisions(id_):
            life.sell(id_, [])
    life.company.later(ALERTS_TOGETHER)
    check_that_all_agrees(life)
    return seconds
