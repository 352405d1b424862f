"""Run the real handlers on the embedded AWS, one invocation at a time, and watch what each takes.

The table, the queues and the carrier run in processes of their own: what `time.process_time` says of an invocation is
our code and its AWS client, and nothing else.
"""

import gzip
import importlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from cProfile import Profile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from statistics import median
from typing import Any, cast

from bench.meter import Key, Meter, plain
from bench.reference import STATED_MS, reference_ms
from bench.units import Image, indexes_of
from chalicelib import runtime
from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb import codec, keys
from chalicelib.adapters.dynamodb.lane import Lane, read_lane
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.ports import Ports
from infra.local import pumps, resources
from infra.local.aws import CREDENTIALS, EmbeddedAws
from infra.local.functions import Context, Function, Reasons
from infra.local.prepare import PROJECT

OVERLAY = PROJECT / "infra" / "aws" / "overlay.yaml"
PARAMETERS = {"Stage": "bench", "DeletionProtection": "false", "PublicUrl": "https://lazo.example.com"}
LOG_PREFIX_BYTES = 170  # instant, level, logger and request's id, which Lambda puts around each line as JSON
POLLED = 2  # requests that Lambda makes for a batch of a queue: one receives it, one deletes it
SAMPLES_MIN = 10
SUNDAY = 6
BEGINNING = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # a Tuesday, ten in the morning in Bogotá

Json = dict[str, Any]


@dataclass
class Used:
    """What the invocations of one path took, by function."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    """The processor's milliseconds of each invocation, by function."""
    references: list[float] = field(default_factory=list)
    """The reference's milliseconds, once after each invocation; where the processor's time is measured."""
    client_ms: float = 0.0
    """Of these, what the AWS client took; told only where the client is timed."""
    calls: int = 0
    """How many functions were called, where that is counted."""
    log_bytes: int = 0
    beside: Counter[str] = field(default_factory=Counter)
    """What AWS does and charges for around our code, by the name of its price."""

    def invocations(self, function: str | None = None) -> int:
        """Return how often functions were called."""
        return sum(len(each) for name, each in self.samples.items() if function in (None, name))

    @property
    def cpu_ms(self) -> float:
        """The processor time of all: of many like calls the median counts, since a shared machine disturbs some."""
        return sum(_total(each) for each in self.samples.values())

    @property
    def slowness(self) -> float:
        """How many times slower the machine was just then than the one for which the budgets are stated."""
        return median(self.references) / STATED_MS if self.references else 1.0

    @property
    def stated_ms(self) -> float:
        """The processor time of all as it would be at the speed for which the budgets are stated."""
        return self.cpu_ms / self.slowness


def _total(samples: list[float]) -> float:
    return median(samples) * len(samples) if len(samples) >= SAMPLES_MIN else sum(samples)


class _Lines(logging.Handler):
    """Counts what would be written to the log."""

    def __init__(self, world: "World") -> None:
        super().__init__(logging.INFO)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.now_used.log_bytes += len(self.format(record).encode()) + LOG_PREFIX_BYTES


class Watched(Function):
    """One handler, whose every invocation is watched."""

    world: "World"

    def invoke(self, event: Json) -> Any:
        """Call the handler; an empty call at the end of a window is not counted."""
        if event.get("isFinalInvokeForWindow"):
            return super().invoke(event)
        with self.world.watching(self.name):
            return super().invoke(event)


class World:
    """The system without its pumps' threads: whoever measures calls each function."""

    def __init__(self, aws: EmbeddedAws, made: resources.Resources, meter: Meter, *, is_timed: bool) -> None:
        self.is_timed = is_timed
        self._profile: Profile | None = None
        self.aws = aws
        self.resources = made
        self.meter = meter
        self.now = BEGINNING
        self.overlay = resources.Overlay.read(OVERLAY).content
        self.used: dict[str, Used] = {}
        self.app = importlib.import_module("app").app
        triggers = pumps.discover(self.app, made, aws, Reasons())
        self.queues = {each.name: each for each in triggers.pumps if isinstance(each, pumps.QueuePump)}
        self.streams = {each.name: each for each in triggers.pumps if isinstance(each, pumps.StreamPump)}
        self.schedules = {each.name: self._watched(each) for each, _ in triggers.schedules}
        pumped: list[pumps.QueuePump | pumps.StreamPump] = [*self.queues.values(), *self.streams.values()]
        for pump in pumped:
            pump.function = self._watched(pump.function)

    def _watched(self, function: Function) -> Watched:
        watched = Watched(function.name, function.handler, function.permissions)
        object.__setattr__(watched, "world", self)
        return watched

    @property
    def ports(self) -> Ports:
        """What the flows use."""
        return runtime.ports()

    @property
    def table(self) -> str:
        """The table's name."""
        return self.resources.names["Table"]

    @property
    def now_used(self) -> Used:
        """What the present path has taken."""
        return self.used.setdefault(self.meter.path, Used())

    @contextmanager
    def path(self, name: str) -> Iterator[None]:
        """Count what happens in this block for a path."""
        before, self.meter.path = self.meter.path, name
        try:
            yield
        finally:
            self.meter.path = before

    @contextmanager
    def counting_calls(self) -> Iterator[dict[str, Used]]:
        """Count the functions that are called in this block, apart from what was timed before."""
        before, self.used = self.used, {}
        self.is_timed, self._profile = False, Profile()
        try:
            yield self.used
        finally:
            self.used, self.is_timed, self._profile = before, True, None

    @contextmanager
    def watching(self, function: str) -> Iterator[None]:
        """Count this block as one invocation."""
        if self._profile:
            with self._profile as profile:
                yield
            self.now_used.calls += sum(each.callcount for each in profile.getstats())
            profile.clear()
            return
        start = time.process_time()
        yield
        self.now_used.samples.setdefault(function, []).append((time.process_time() - start) * 1000)
        if self.is_timed:
            self.now_used.references.append(reference_ms())

    def wait_for_morning(self) -> None:
        """Let time pass until it is ten in the morning on a day when customers may be written to."""
        at = self.now.replace(hour=BEGINNING.hour, minute=0, second=0, microsecond=0)
        while at < self.now or at.weekday() == SUNDAY:
            at += timedelta(days=1)
        self.now = at

    def charge(self, price: str, quantity: float) -> None:
        """Note what AWS charges for around our code."""
        self.now_used.beside[price] += quantity  # type: ignore[assignment]  # gigabytes

    def ask(self, function: str, event: Json) -> Json:
        """Send one HTTP request to the app; raise unless it is answered as it should be."""
        with self.watching(function):
            answer: Json = self.app(event, Context(function))
        self.charge("api_requests", 1)
        self.charge("out_gb", len(gzip.compress(answer["body"].encode(), 6)) / 1e9)
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{event['httpMethod']} {event['path']}: {answer['statusCode']} {answer['body'][:300]}")
        return answer

    def bring(self, function: str, *records: Json) -> None:
        """Hand messages to a queue's function as one batch."""
        answer = self.queues[function].function.invoke({"Records": list(records)})
        self.charge("sqs_requests", POLLED * ceil(len(records) / pumps.RECEIVE_MAX))
        if answer and answer.get("batchItemFailures"):
            raise RuntimeError(f"{function} has failed; the log says more")

    def work_off(self, function: str) -> None:
        """Let a queue's function take everything that waits, in batches of its own size."""
        pump = self.queues[function]
        while waiting := self.aws.pending()["queues"].get(pump.queue, [0])[0]:
            pump.step()
            # However large the batch: a request receives, or deletes, no more than ten messages.
            self.charge("sqs_requests", POLLED * ceil(min(waiting, pump.batch_size) / pumps.RECEIVE_MAX))

    def lanes(self) -> list[Lane]:
        """Return what the counters have gathered and not yet written to their rows."""
        keys_ = [keys.lane(number) for number in range(keys.LANES)]
        images = [image for key in keys_ if (image := self.look(key))]
        return [read_lane(int(image["v"]["N"]), image["body"]["B"]) for image in images]

    def look(self, key: Key) -> Image | None:
        """Return an item as it is now, past the meter."""
        return _look(self.aws, self.table, key)

    def invitation(self, id_: str) -> Invitation:
        """Return an invitation as it is now, past the meter."""
        image = self.look(keys.invitation(id_))
        found = codec.decode_as(Invitation, dict(image) if image else None)
        if found is None:
            raise RuntimeError(f"there is no invitation {id_}")
        return found

    def unread(self) -> int:
        """Return how many records of the table's stream the counters have not seen."""
        pump = self.streams["project"]
        return int(self.aws.pending()["streams"].get(pump.table, 0)) - pump.position

    def follow_stream(self, records: int) -> None:
        """Let everything that reads the stream catch up, so many records at a time, and write the day files."""
        for pump in self.streams.values():
            pump.batch_size = records
            while pump.is_ready(self.aws.pending()):
                pump.step()
        if "files" in self.queues:
            self.work_off("files")


class _Stopwatch:
    """Times the AWS client, from its being called to its answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        session = clients.session()
        session.register("before-parameter-build.*", self._start)
        session.register("after-call.*", self._stop)

    def _start(self, **told: Any) -> None:
        told["context"]["bench_start"] = time.process_time()

    def _stop(self, **told: Any) -> None:
        self._world.now_used.client_ms += (time.process_time() - told["context"]["bench_start"]) * 1000


@contextmanager
def _logging(world: World) -> Iterator[None]:
    """Let our own lines be counted, down to the level that the stack keeps."""
    ours, lines = logging.getLogger("lazo"), _Lines(world)
    before = ours.level
    ours.setLevel(world.overlay["Globals"]["Function"]["LoggingConfig"]["ApplicationLogLevel"])
    logging.getLogger().addHandler(lines)
    yield
    logging.getLogger().removeHandler(lines)
    ours.setLevel(before)


@contextmanager
def running(organisation: Organisation, *, is_metered: bool) -> Iterator[World]:
    """Yield a world in which an organisation is in force; its ports are built anew, and metered if wanted."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="lazo-bench-") as folder, _carrier(folder) as carrier:
        aws = EmbeddedAws.start(None)
        try:
            os.environ.update(_addresses(aws, carrier))
            made = resources.create(resources.Overlay.read(OVERLAY), aws.endpoint, PARAMETERS)
            os.environ.update(made.environment)
            world = _world(aws, made, organisation, is_metered=is_metered)
            with _logging(world):
                yield world
        finally:
            clients.session.cache_clear()
            runtime.forget()
            runtime.use_clock(lambda: datetime.now(UTC))
            aws.stop()
            os.environ.clear()
            os.environ.update(before)


def _world(aws: EmbeddedAws, made: resources.Resources, organisation: Organisation, *, is_metered: bool) -> World:
    meter = Meter(indexes_of(OVERLAY), lambda table, key: _look(aws, table, key))
    runtime.forget()
    clients.session.cache_clear()  # a new session, whose clients tell the meter and no later world
    world = World(aws, made, meter, is_timed=not is_metered)
    if is_metered:
        meter.attach(clients.session())
    else:
        _Stopwatch(world)
    runtime.use_clock(lambda: world.now)
    world.ports.library.publish(organisation, world.now)
    return world


def _addresses(aws: EmbeddedAws, carrier: str) -> dict[str, str]:
    return {
        **CREDENTIALS,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ENDPOINT_URL_SESV2": carrier,
        "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": carrier,
    }


@contextmanager
def _carrier(folder: str) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.carrier", folder]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield cast("Any", process.stdout).readline().strip()
    finally:
        process.communicate()


def _look(aws: EmbeddedAws, table: str, key: Key) -> Image | None:
    wanted = {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
    request = {"TableName": table, "Key": wanted, "ConsistentRead": True}
    found = aws.call("DynamoDB_20120810.GetItem", request).get("Item")
    return plain(found) if found else None
