"""Time fresh processes: from nothing to the first answer that was served from the table, function by function.

Against `python -c "import chalice"`, since the machine does not matter so: the smallest of several runs of each, taken
in turn. Each function gets what it gets on AWS; its imports alone are timed as well. What counts is the processor's
time, which other work on the machine disturbs least; the time on the clock stands beside it. What starts is what
packaging stages, templates compiled; bytecode is there, as in a zip that ships it (`python -m infra.aws.package
--with-pyc`): a first start of each, which makes it, is not counted.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from bench import company, scenario
from bench.http import PRESSED, request
from bench.world import World
from chalicelib.adapters.queues import due_body
from chalicelib.ports import Due
from infra.aws.archive import stage_source
from infra.local.prepare import PROJECT

BARE = "import chalice"
SOURCE = PROJECT / "build" / "bench-source"
BYTECODE = str(PROJECT / "build" / "bench-bytecode")
_NOT_ON_AWS = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")  # the second would find this project before what was staged
RUN = """
import importlib, json, sys
class Context:
    function_name = "bench"; aws_request_id = "0"; memory_limit_in_mb = 512
    def get_remaining_time_in_millis(self): return 30000
event = json.load(open(sys.argv[1]))
if len(sys.argv) > 4:
    from datetime import datetime
    from chalicelib import runtime
    at = datetime.fromisoformat(sys.argv[4])
    runtime.use_clock(lambda: at)
answer = getattr(importlib.import_module(sys.argv[2]), sys.argv[3])(event, Context())
assert not (answer or {}).get("batchItemFailures"), answer
assert (answer or {}).get("statusCode", 200) == 200, answer
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class Took:
    """One process: what it took of the processor, and on the clock, in milliseconds."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Start:
    """A function's start, the best of its runs: to its first answer, and its imports alone."""

    first: Took
    imports: Took


def starts(world: World, runs: int) -> tuple[dict[str, Start], Took]:
    """Return each function's start, and what bare Python with chalice takes."""
    stage_source(PROJECT, SOURCE)
    modules = {each.name: each.handler_string.rpartition(".")[::2] for each in world.app.event_sources}
    modules |= {"pages": ("app", "app"), "web": ("app", "app")}
    known = {name: modules[name] for name in sorted(modules) if name in _MAKE}
    fresh = _events(world)
    firsts: dict[str, list[Took]] = {name: [] for name in known}
    imports: dict[str, list[Took]] = {name: [] for name in known}
    bare: list[Took] = []
    for name, (module, handler) in known.items():
        _first(world, name, next(fresh[name]), module, handler)
    for _ in range(runs):
        for name, (module, handler) in known.items():
            bare.append(_timed("-c", BARE))
            imports[name].append(_timed("-c", f"import {module}", serves=name))
            firsts[name].append(_first(world, name, next(fresh[name]), module, handler))
    return {name: Start(_best(firsts[name]), _best(imports[name])) for name in known}, _best(bare)


def _best(runs: list[Took]) -> Took:
    return Took(min(each.cpu_ms for each in runs), min(each.wall_ms for each in runs))


def _first(world: World, name: str, event: Json, module: str, handler: str) -> Took:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(event, file)
        file.flush()
        return _timed("-c", RUN, file.name, module, handler, world.now.isoformat(), serves=name)


def _timed(*arguments: str, serves: str = "") -> Took:
    before, start = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_ON_AWS}
    environment |= {"PYTHONPYCACHEPREFIX": BYTECODE, "SERVES": serves}  # as the stack says it to the API's functions
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, getrusage(RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(cpu * 1000, wall * 1000)


def _events(world: World) -> dict[str, Iterator[Json]]:
    """Return for each function events of which each makes it do its work."""
    return {name: _each(make, world) for name, make in _MAKE.items()}


def _each(make: Callable[[World, int], Json], world: World) -> Iterator[Json]:
    number = 0
    while True:
        yield make(world, number)
        number += 1


def _decided(world: World, name: str, number: int) -> str:
    return scenario.decide(world, company.closings(1, f"cold{name}{number}", world.now), "cold")[0]


def _sent(world: World, name: str, number: int) -> str:
    id_ = _decided(world, name, number)
    scenario.send(world, [id_], path="cold")
    return id_


def _pages(world: World, number: int) -> Json:
    token = scenario.token_of(world, _sent(world, "p", number))
    return request("GET", "/s/{token}/{rating}", {"token": token, "rating": "9"})


def _web(world: World, number: int) -> Json:
    token = scenario.token_of(world, _sent(world, "w", number))
    return request("POST", "/s/{token}", {"token": token}, headers=PRESSED, form=company.form(low=False, number=1))


def _intake(world: World, number: int) -> Json:
    event = next(company.closings(1, f"coldi{number}", world.now))
    return {"Records": [company.from_bus(event)]}


def _due(world: World, number: int) -> Json:
    id_ = _decided(world, "d", number)
    world.now += company.DELAY + timedelta(minutes=1)
    return {"Records": [company.message(due_body(Due("invitation", (id_,), "cold")))]}


def _views(world: World, number: int) -> Json:
    id_ = _sent(world, "v", number)
    return {"Records": [company.message(json.dumps({"id": id_, "rating": 9, "at": world.now.isoformat()}))]}


def _receipts(world: World, number: int) -> Json:
    return scenario.delivered(world, _sent(world, "r", number))


def _project(world: World, number: int) -> Json:
    pump = world.streams["project"]
    at = world.aws.pending()["streams"].get(pump.table, 0)
    scenario.decide_only(world, company.closings(1, f"coldc{number}", world.now), "cold")
    records = world.aws.records(pump.table, at, 100)["records"]
    return {"Records": [each for each in records if _is_counted(each)], "shardId": f"shardId-cold{number}", "state": {}}


def _is_counted(record: Json) -> bool:
    return bool(record["dynamodb"]["Keys"]["pk"]["S"].startswith("INVITATION#"))


def _sweep(world: World, number: int) -> Json:
    _decided(world, "s", number)
    world.now += company.DELAY + timedelta(minutes=1)
    return {**scenario.SCHEDULED, "time": world.now.isoformat()}


_MAKE: dict[str, Callable[[World, int], Json]] = {
    "pages": _pages,
    "web": _web,
    "intake": _intake,
    "due": _due,
    "views": _views,
    "receipts": _receipts,
    "project": _project,
    "sweep": _sweep,
}
