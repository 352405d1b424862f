"""Measure the figures that stand beside the bill: sizes, reads of trends, timers, long queues."""

import gzip
import json
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench import scenario, variants
from bench.http import request
from bench.units import Image
from bench.world import World
from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb import codec, keys
from chalicelib.adapters.dynamodb.counters import DynamoCounters
from chalicelib.adapters.dynamodb.lane import Limits
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.rollup import Row, contributions, dimensions_of
from chalicelib.domain.terms import fingerprint, keyed
from chalicelib.ports import Principal
from infra.aws import package

DAYS = 30
WRITE_BATCH = 25
VARIETY_MAX = 60  # different answers of one day and lane; more are counted several times
ADMIN = Principal(id="admin", role="admin", name="Administration")

Json = dict[str, Any]


def page_sizes(world: World, id_: str) -> tuple[int, int]:
    """Return the bytes of the largest survey page there is, plain and as it travels: the app's, or one drawn alike."""
    asked = request("GET", "/s/{token}/{rating}", {"token": scenario.token_of(world, id_), "rating": "9"})
    sent = world.ask("pages", asked)["body"]
    html = max(sent, variants.largest(world.ports.library.organisation()).html, key=lambda each: len(each.encode()))
    return len(html.encode()), len(gzip.compress(html.encode(), 6))


def zip_size() -> int:
    """Return the bytes of the deployment zip, made anew."""
    return package.package("dev").zip_bytes


# Trends


def trend_units(world: World, invitation: Invitation, responses: int, lanes: int) -> float:
    """Return the read units of a month's NPS by day, when so many answers were counted in so many lanes."""
    _fill(world, invitation, responses, lanes)
    first = world.now.date() - timedelta(days=DAYS - 1)
    asked = {"metric": "nps", "interval": "day", "from": str(first), "to": str(world.now.date() + timedelta(days=1))}
    path = f"trend/{responses}/{lanes}"
    world.ports.access.grant(scenario.TOKEN, ADMIN)
    with world.path(path):
        headers = {"authorization": f"Bearer {scenario.TOKEN}"}
        answer = world.ask("web", request("GET", "/api/v1/trends", {}, query=asked, headers=headers))
    counted = sum(point["n"] for series in json.loads(answer["body"])["series"] for point in series["points"])
    if abs(counted - responses) > DAYS * lanes:
        raise RuntimeError(f"the trend shows {counted} answers of {responses}")
    reads = world.meter.tally.reads.items()
    return sum(units for charge, units in reads if charge.path == path and charge.item in ("ROLLUP", "LANE"))


def _fill(world: World, invitation: Invitation, responses: int, lanes: int) -> None:
    """Count so many answers, evenly over a month's days and some lanes; none of them waits in its lane."""
    counters = DynamoCounters(Table(clients.dynamodb(), world.table), Limits(ages=1, batches=1))
    cell = responses / (DAYS * lanes)
    for lane, shard in enumerate(_shards()[:lanes]):
        rows: list[Row] = []
        for day in range(DAYS):
            number = lane * DAYS + day
            count = int(cell * (number + 1)) - int(cell * number)
            rows.append(_cell(world, invitation, world.now - timedelta(days=day), count))
        last = counters.checkpoint(shard)
        counters.add(shard, rows, last=last, end=str(int(last or 0) + 1).zfill(40))


def _shards() -> list[str]:
    """Return a shard for each lane."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < keys.LANES:
        found.setdefault(keys.lane_of(f"shardId-{number}"), f"shardId-{number}")
        number += 1
    return [found[lane] for lane in range(keys.LANES)]


def _cell(world: World, invitation: Invitation, at: datetime, count: int) -> Row:
    organisation = world.ports.library.organisation()
    survey, dimensions = organisation.survey(invitation.survey or ""), dimensions_of(organisation)
    variety = min(count, VARIETY_MAX)
    total: dict[str, int] = {}
    for number in range(variety):
        share = count // variety + (number < count % variety)
        given = _answered(invitation, at, number)
        rows = contributions(given, dimensions, survey)
        row = next(row for row in rows if (row.kind, row.dimension) == ("response", "all"))
        for name, value in row.counts.items():
            total[name] = total.get(name, 0) + value * share
    return Row(row.kind, row.dimension, row.value, row.day, total)


def _answered(invitation: Invitation, at: datetime, number: int) -> Invitation:
    ratings = {name: 1 + (number + place) % 5 for place, name in enumerate(("advice", "price", "payment", "delivery"))}
    given = Answer(rating=number % 11, ratings=ratings if number % 2 else {}, at=at, how="button")
    return invitation.moved(confirmed=given, first_confirmed_at=at)


# Timers


@dataclass(frozen=True)
class Burst:
    """How long a number of timers took that fell due in one minute, on this machine."""

    timers: int
    seconds: float


def burst(world: World, invitation: Invitation, timers: int) -> Burst:
    """Let so many invitations fall due at once, and handle them one function at a time."""
    world.wait_for_morning()
    put(world, _armed(world, invitation, timers))
    start = time.perf_counter()
    with world.path("burst"):
        world.schedules["sweep"].invoke({**scenario.SCHEDULED, "time": world.now.isoformat()})
        world.work_off("due")
    return Burst(timers, time.perf_counter() - start)


def _armed(world: World, invitation: Invitation, timers: int) -> Iterator[Image]:
    customer = world.ports.customers.get(invitation.customer)
    assert customer
    for number in range(timers):
        key = keyed(b"bench", "customer", str(number))
        mail = f"burst{number}@mail.example.org"
        address = world.ports.names.address("email", mail)
        changes = {"id": fingerprint("burst", str(number)), "customer": key, "address": address, "version": 1}
        state = {"state": "scheduled", "send_at": world.now, "sent_at": None, "carrier_id": None, "closes_at": None}
        yield codec.encode_invitation(invitation.model_copy(update={**changes, **state}))
        yield codec.encode_customer(customer.model_copy(update={"key": key, "email": mail, "rest_by": None}))


def put(world: World, images: Iterable[Image]) -> None:
    """Write items past the meter, as fast as may be."""
    batch: list[Image] = []
    for image in images:
        batch.append(image)
        if len(batch) == WRITE_BATCH:
            _write(world, batch)
            batch = []
    if batch:
        _write(world, batch)


def _write(world: World, images: Sequence[Image]) -> None:
    requests = [{"PutRequest": {"Item": json_of(image)}} for image in images]
    world.aws.call("DynamoDB_20120810.BatchWriteItem", {"RequestItems": {world.table: requests}})


def json_of(image: Image) -> Json:
    """Return an item as JSON takes it: bytes in base64."""
    packed = {name: {"B": b64encode(value["B"]).decode()} for name, value in image.items() if "B" in value}
    return {**image, **packed}


# A long queue


@dataclass(frozen=True)
class Queue:
    """What one page of a department's queue takes, among so many open cases."""

    cases: int
    cpu_ms: float
    read_units: float
    calls: int
    wall_ms: float


def queue_page(world: World, case: Case, cases: int) -> Queue:
    """Fill a department's queue, and open its first page of fifty."""
    put(world, _queued(world, case, cases))
    world.ports.access.grant(scenario.TOKEN, ADMIN)
    headers = {"authorization": f"Bearer {scenario.TOKEN}"}
    asked = request("GET", "/api/v1/cases", {}, query={"department": case.department}, headers=headers)
    world.ask("web", asked)  # once before: code is loaded, the organisation is read
    start = time.perf_counter()
    with world.path("queue"):
        found = json.loads(world.ask("web", asked)["body"])
    wall_ms = (time.perf_counter() - start) * 1000
    if len(found["cases"]) != 50:
        raise RuntimeError(f"the queue's first page shows {len(found['cases'])} cases")
    tally = world.meter.tally
    calls = sum(tally.calls_of("queue").values())
    return Queue(cases, world.used["queue"].cpu_ms, tally.read_units("queue"), calls, wall_ms)


def _queued(world: World, case: Case, cases: int) -> Iterator[Image]:
    invitation = world.invitation(case.id)
    for number in range(cases):
        id_ = fingerprint("queued", str(number))
        opened = {"state": "open", "resolved_at": None, "resolve_by": case.resolve_by + timedelta(seconds=number)}
        yield codec.encode_case(case.model_copy(update={"id": id_, **opened}))
        if number < 100:
            yield codec.encode_invitation(invitation.model_copy(update={"id": id_}))
