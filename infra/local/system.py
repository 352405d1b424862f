"""Assemble the whole system on one machine: embedded AWS, carrier, application, pumps, clock, gateway."""

import contextlib
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from infra.local import pumps, resources
from infra.local.application import Application
from infra.local.aws import CREDENTIALS, CannotStart, EmbeddedAws
from infra.local.carrier import NUMBER, Carrier, CarrierServer
from infra.local.clock import Clock
from infra.local.dispatcher import Dispatcher
from infra.local.functions import Reasons
from infra.local.gateway import Gateway, bind
from infra.local.journey import Journey
from infra.local.keeper import IMAGE_EVERY_SECONDS, Gate, Keeper
from infra.local.mailbox import Mailbox
from infra.local.outbox import ReceiptPump
from infra.local.timetable import Timetable

IMAGE_FILE = "aws.image"
MAILBOX_FILE = "mailbox.jsonl"
LOG_FILE = "lazo.log"
LOCK_FILE = "lock"
LOCK_SECONDS_MAX = 3.0

LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:here:1"
"""Stands for the layer with PyArrow, which this machine has among its packages."""

# What the overlay asks of a stage.
PARAMETERS = {"Stage": "local", "DeletionProtection": "false", "SmsIdentity": NUMBER, "ParquetLayer": LAYER}

# What a person has set up for AWS itself must not lead any call there.
FOREIGN_SETTINGS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION")

Json = dict[str, Any]


class LocalSystem:
    """The running system. `base_url`, `clock`, `mailbox`, `settle()`, `queues()` are what tests and pages use."""

    def __init__(
        self, application: Application, state: Path, port: int, *, is_kept: bool, is_awake: bool, image_seconds: float
    ) -> None:
        self.application = application
        self.image_seconds = image_seconds
        self.state = state
        self.is_kept = is_kept
        self.is_awake = is_awake
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(state)
        self.server = bind(port)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}"
        self._log: IO[bytes] = open(state / LOG_FILE, "ab", buffering=0)  # noqa: SIM115  # open for the system's life

    @classmethod
    def start(
        cls,
        application: Application,
        state: Path,
        *,
        port: int = 0,
        is_kept: bool = True,
        is_awake: bool = True,
        image_seconds: float = IMAGE_EVERY_SECONDS,
    ) -> "LocalSystem":
        """Start everything and serve.

        With `is_kept` the state survives a stop, and a kill but for the last `image_seconds`. Without `is_awake`
        handlers run in `settle` and clock moves only, so that a test decides when.
        """
        system = cls(application, state, port, is_kept=is_kept, is_awake=is_awake, image_seconds=image_seconds)
        try:
            system._start_aws()
            system._start_application()
            system._serve()
        except BaseException:
            system._abandon()
            raise
        return system

    def _start_aws(self) -> None:
        self.aws = EmbeddedAws.start(self.state if self.is_kept else None, self._log, (self._lock.fileno(),))
        self._kept = self.aws.companion() or {}
        self.is_new = not self._kept
        self.was_unclean = bool(self._kept) and not self._kept["is_clean"]
        self.clock = Clock(timedelta(seconds=self._kept.get("offset_seconds", 0.0)))
        self._marked_at = self.clock.now()
        self.mailbox = Mailbox(self.state / MAILBOX_FILE, self.clock.now)
        self.mailbox.shorten(self._kept.get("mailbox", 0))
        self.carrier = Carrier(self.mailbox, self.aws.ring)
        self.carrier_server = CarrierServer(self.carrier)
        self.carrier_server.start()

    def _start_application(self) -> None:
        overlay = resources.Overlay.read(self.application.overlay)
        for name in FOREIGN_SETTINGS:
            os.environ.pop(name, None)
        os.environ.update(self._addresses())
        self.resources = resources.create(overlay, self.aws.endpoint, {**PARAMETERS, "PublicUrl": self.base_url})
        self._take_over()
        self.app = self.application.load()
        self._install()
        self.reasons = Reasons()
        # Chalice's logger writes to the screen and passes nothing on; here all logs go where the root logger's go.
        self.app.log.handlers.clear()
        self.app.log.propagate = True
        logging.getLogger().addHandler(self.reasons)
        triggers = pumps.discover(self.app, self.resources, self.aws, self.reasons)
        self.streams = [pump for pump in triggers.pumps if isinstance(pump, pumps.StreamPump)]
        self.timetable = Timetable(triggers.schedules, self.clock.now)
        topic = self.resources.topic("ReceiptsTopic")
        self.receipts = ReceiptPump(self.aws, self.carrier, self.clock.now, topic)
        self.gate = Gate()
        self.keeper = Keeper(self.aws, self.gate, self._companion, self._floors, self.image_seconds)
        self.dispatcher = Dispatcher(
            self.aws, [*triggers.pumps, self.receipts], self.timetable, self.clock.now, self.keeper.keep
        )
        self.journey = Journey(self.clock, self.dispatcher, self.gate, self.aws, self._next_due, self._has_events)
        self._recall(self._kept)

    def _take_over(self) -> None:
        """Make this process's environment that of this system: tests may have started another one meanwhile."""
        os.environ.update(self._addresses())
        os.environ.update(self.resources.environment)

    def _install(self) -> None:
        """Let the application read this system's clock, and post into its mailbox instead of to the world."""
        self.application.use_clock(self.clock.now)
        self.application.use_transport(self.carrier.post)

    def _addresses(self) -> dict[str, str]:
        carrier = self.carrier_server.endpoint
        return {
            **CREDENTIALS,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            "AWS_ENDPOINT_URL_SESV2": carrier,
            "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2": carrier,
        }

    def _serve(self) -> None:
        self.application.prepare(self)
        self.keeper.take(is_clean=False, wait=True)
        self.gateway = Gateway(self)
        self.server.serve(self.gateway)
        if self.is_awake:
            self.dispatcher.start(first=self._make_good)

    def _make_good(self) -> None:
        """Finish what an earlier run has left; after an unclean stop, see whether the counters agree."""
        self.dispatcher.run_until_quiet()
        if self.was_unclean:
            self.application.reconcile(self)

    def stop(self) -> None:
        """Take no more requests, finish what waits, keep the state, end."""
        self.server.stop()
        self.dispatcher.stop()
        self.keeper.take(is_clean=True, wait=True)
        self._abandon()

    def _abandon(self) -> None:
        self.server.stop()
        if hasattr(self, "reasons"):
            logging.getLogger().removeHandler(self.reasons)
        if hasattr(self, "carrier_server"):
            self.carrier_server.stop()
            self.mailbox.close()
        if hasattr(self, "aws"):
            self.aws.stop()
        self._log.close()
        self._lock.close()

    def _next_due(self, until: datetime) -> datetime | None:
        logical, index = self.application.due_index
        table, timers = self.resources.names[logical], self.application.timers
        found = [self.aws.least(table, index), self.aws.first(table, timers) if timers else None]
        least = min((each.partition("#")[0] for each in found if each), default=None)
        at = datetime.fromisoformat(least).astimezone(UTC) if least else None
        return at if at and at <= until else None

    def _has_events(self) -> bool:
        table = self.resources.names[self.application.due_index[0]]
        return self.aws.holds(table, self.application.event_prefixes)

    def _companion(self) -> Json:
        return {
            "mailbox": self.mailbox.size,
            "offset_seconds": self.clock.offset.total_seconds(),
            "outbox": list(self.carrier.outbox),
            "positions": {pump.name: pump.position for pump in self.streams},
            "reasons": self.reasons.save(),
            "timetable": self.timetable.save(),
        }

    def _floors(self) -> dict[str, int]:
        floors: dict[str, int] = {}
        for pump in self.streams:
            floors[pump.table] = min(pump.position, floors.get(pump.table, pump.position))
        return floors

    def _recall(self, companion: Json) -> None:
        self.carrier.outbox.clear()
        self.carrier.outbox.extend((message, kind) for message, kind in companion.get("outbox", []))
        for pump in self.streams:
            pump.position = companion.get("positions", {}).get(pump.name, 0)
        self.reasons.load(companion.get("reasons", {}))
        self.timetable.load(companion.get("timetable", {}))

    def settle(self) -> None:
        """Handle all that can be handled at the present time."""
        self.journey.settle()

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Let handlers run by themselves in this block, as they do outside of tests."""
        self.dispatcher.start()
        try:
            yield
        finally:
            self.dispatcher.stop()

    def mark(self) -> None:
        """Remember the present state, for `rewind`."""
        with self.dispatcher.held():
            self.dispatcher.run_until_quiet()
            self.aws.mark(self._companion(), self._floors())
            self._marked_at = self.clock.now()

    def rewind(self) -> None:
        """Go back to the mark: table, queues, mailbox, clock and all."""
        with self.dispatcher.held(), self.gate.closed():
            companion = self.aws.rewind()
            self.mailbox.shorten(companion["mailbox"])
            self.clock.move_to(self._marked_at)
            self.timetable.restart()
            self._recall(companion)
            self._take_over()
            self._install()
            self.application.forget()

    def queues(self) -> dict[str, Json]:
        """Return what waits in each queue of the overlay, by its logical id: `{visible, in_flight, delayed}`."""
        counts = self.aws.pending()["queues"]
        named = {pumps.queue_name(physical): name for name, physical in self.resources.names.items()}
        return {
            named[queue]: dict(zip(("visible", "in_flight", "delayed"), counts[queue], strict=True))
            for queue in self.resources.queues()
        }

    def messages_in(self, logical_id: str, limit: int = 50) -> list[Json]:
        """Return a queue's oldest messages, each with the reason of its last failure."""
        found = self.aws.messages(pumps.queue_name(self.resources.names[logical_id]), limit)
        return [{**message, "reason": self._reason(message)} for message in found]

    def _reason(self, message: Json) -> str:
        # Who lays a message into the dead letters himself says why; else its handler has failed.
        told = (message["message_attributes"] or {}).get("reason", {}).get("StringValue")
        return told or self.reasons.of(message["id"])


def _locked(state: Path) -> IO[bytes]:
    # The lock passes to the child processes, so that a new start waits for the last image of a killed one.
    file = open(state / LOCK_FILE, "wb")  # noqa: SIM115  # held for the system's life
    until = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            if time.monotonic() > until:
                file.close()
                raise CannotStart(f"Another Lazo is running on {state}; stop it first.") from None
            time.sleep(0.1)


def empty(state: Path) -> None:
    """Forget everything that a system has kept there. Raises CannotStart while one is running."""
    if not state.exists():
        return
    with _locked(state):
        for kept in state.iterdir():
            if kept.is_dir():
                shutil.rmtree(kept)
            elif kept.name != LOCK_FILE:
                kept.unlink()
