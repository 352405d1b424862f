"""Run the real entrypoints and adapters over the embedded AWS, with faults at each of its calls.

World, invariants and oracles are those of the fast depth: after each call the table's items are read, past all faults,
into the memory that they look at.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib import runtime
from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb import codec, keys
from chalicelib.adapters.outlet import post_of
from chalicelib.adapters.queues import due_of, view_of
from chalicelib.domain.case import Case, Entry
from chalicelib.domain.customer import Address, Customer
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.outgoing import CloudEvent, Post
from chalicelib.domain.receipt import Receipt
from chalicelib.domain.timer import Timer
from chalicelib.domain.weekly import Weekly
from chalicelib.ports import Carrier, Early, Mail, Outlet, Sms, Word
from infra.local.functions import Function
from infra.local.system import LocalSystem
from tests.simulation.company import WEBHOOKS
from tests.simulation.engine import DELAY_MAX, Engine, subjects_of
from tests.simulation.faults import PROFILES, Context, Died, Profile, carrier_error, gated
from tests.simulation.simulation import Result, live_through
from tests.simulation.stream import Consumer
from tests.simulation.writer import PlainWriter

DAYS, EVENTS = 3, 50
ENTRYPOINTS = "chalicelib.entrypoints"
LAMBDAS = {
    "intake": "consumers.intake",
    "due": "consumers.due",
    "views": "consumers.views",
    "sweep": "consumers.sweep",
    "receipts": "consumers.receipts",
    "project": "project.project",
    "publish": "publish.publish",
    "webhooks": "publish.webhooks",
}
QUEUES = {
    "intake": "INTAKE_QUEUE_URL",
    "due": "DUE_QUEUE_URL",
    "views": "VIEWS_QUEUE_URL",
    "webhooks": "WEBHOOKS_QUEUE_URL",
}
RECEIVED_MAX = 10
RECORDS_MAX = 100_000
NAMED = re.compile(r"""["'](\w+)["']\s*[:=]\s*\?""")
"""The attribute that each parameter of a statement is of, in their order."""

SENDS = frozenset({"SendEmail", "SendTextMessage"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchExecuteStatement"})
SES_KINDS = {"delivery": "Delivery", "bounce": "Bounce", "soft_bounce": "Bounce", "complaint": "Complaint"}
SMS_KINDS = {
    "delivery": "TEXT_DELIVERED",
    "bounce": "TEXT_INVALID",
    "soft_bounce": "TEXT_UNREACHABLE",
    "complaint": "TEXT_SPAM",
}
SCHEDULED = {
    "version": "0",
    "id": "s",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-03-09T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}
Json = dict[str, Any]


class Failed(Exception):
    """A consumer reported its message as failed."""


class NotedCarrier:
    """The real carriers, and a note of each message that reached them, reply or not."""

    def __init__(self, carrier: Carrier, engine: "DeepEngine") -> None:
        self._carrier, self._engine = carrier, engine

    def mail(self, mail: Mail) -> str:
        return self._noted(mail, self._carrier.mail)

    def text(self, sms: Sms) -> str:
        return self._noted(sms, self._carrier.text)

    def begin(self, message: Mail | Sms) -> Word:
        """Wait at once: a fault meets one message at a time."""
        taken = self._noted(message, lambda message: self._carrier.begin(message)())
        return lambda: taken

    def _noted(self, message: Any, hand: Callable[[Any], str]) -> str:
        self._engine.reached = False
        try:
            return hand(message)
        finally:
            if self._engine.reached:
                self._engine.memory.sent.append(message)


class NotedOutlet:
    """The real outlet, and a note of each event that the bus took. What is to wait waits in the model of the queue."""

    def __init__(self, outlet: Outlet, engine: "DeepEngine") -> None:
        self._outlet, self._engine = outlet, engine

    def announce(self, events: Sequence[CloudEvent]) -> None:
        self._outlet.announce(events)
        self._engine.memory.announced.extend(events)

    def enqueue(self, posts: Sequence[Post], after: timedelta = timedelta(0)) -> None:
        # The embedded queue counts a delay by the clock on the wall.
        self._outlet.enqueue(posts)

    def give_up(self, post: Post, reason: str) -> None:
        self._outlet.give_up(post, reason)
        self._engine.memory.given_up.append((post, reason))


class DeepEngine(Engine):
    """The engine, with AWS behind its ports and the consumers that Lambda would call."""

    def __init__(self, seed: int, profile: Profile, system: LocalSystem) -> None:
        self.system = system
        self.reached = False
        self.touched: list[tuple[str, str]] = []
        self.queued: set[str] = set()
        self.written = 0
        self.fault_after: tuple[str, str] | None = None
        super().__init__(seed, profile)

    def __post_init__(self) -> None:
        super().__post_init__()
        real = runtime.ports()
        self.links, self.names, self.writer = real.links, real.names, PlainWriter(real.links)  # type: ignore[assignment]
        self.bare = replace(real, carrier=NotedCarrier(real.carrier, self), messages=self.writer)
        self.bare = replace(self.bare, outlet=NotedOutlet(real.outlet, self))
        self.ports = gated(self.bare, self._around)
        runtime.use_ports(self.ports)
        runtime.use_clock(lambda: self.stack[-1].now if self.stack else self.now)
        runtime.use_transport(self._take_post)
        roles = self.system.resources.permissions
        self.lambdas = {name: Function.load(name, f"{ENTRYPOINTS}.{where}", roles) for name, where in LAMBDAS.items()}
        self.handlers = {
            **{name: lambda body, now, name=name: self._consume(name, body) for name in QUEUES},  # type: ignore[misc]
            "receipts": lambda body, now: self.lambdas["receipts"].invoke(_notification(body)),
        }

    def _take_events(self, bodies: list[Any], now: datetime) -> list[Exception | None]:
        records = [
            {"messageId": f"m-{place}", "receiptHandle": "r", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
            for place, body in enumerate(bodies)
        ]
        answer = self.lambdas["intake"].invoke({"Records": records})
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        return [Failed("intake") if record["messageId"] in failed else None for record in records]

    def _consume(self, name: str, body: str) -> None:
        record = {"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
        answer = self.lambdas[name].invoke({"Records": [record]})
        if answer and answer["batchItemFailures"]:
            raise Failed(name)

    def name_of(self, body: str) -> str | None:
        return due_of(body).name

    def _sweep_once(self, now: datetime) -> int:
        found: Json = self.lambdas["sweep"].invoke(dict(SCHEDULED))
        return int(found["due"])

    @property
    def reads(self) -> tuple[str, ...]:
        return ("stream", "publish")

    def consumers(self) -> tuple[Consumer, ...]:
        return (
            Consumer("stream", lambda: self.written, self._records, partial(self._take_records, "project")),
            Consumer("publish", lambda: self.written, self._records, partial(self._take_records, "publish"), 3),
        )

    def _records(self, since: int) -> tuple[list[tuple[str, Json]], int]:
        found = self.system.aws.records(runtime.settings().table_name, since, RECORDS_MAX)
        return [(each["dynamodb"]["Keys"]["pk"]["S"], each) for each in found["records"]], found["position"]

    def _take_records(self, name: str, batch: Sequence[Json], shard: str, now: datetime) -> None:
        self.lambdas[name].invoke({"Records": list(batch), "shardId": shard, "state": {}})

    def _take_post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Be the program that a webhook leads to: it takes what it is told, or not, and at times its reply is lost."""
        refusal = self.chances.refusal(self.stack[-1])
        if refusal is None or refusal == "reply lost":
            webhook = next(each.id for each in WEBHOOKS if each.url == url)
            self.memory.posted.append((webhook, CloudEvent.model_validate_json(body)))
        if refusal:
            self.tell(f"webhook {refusal}")
            raise carrier_error(refusal)

    # The gate before each port: what befalls its AWS calls is decided in the hooks

    def _around(self, port: str, method: str, call: Callable[[], Any]) -> Any:
        if not self.stack:
            return call()
        context = self.stack[-1]
        if context.race_call == 0:
            self._race(context, f"{port}.{method}")
        context.race_call -= 1
        before = len(self.memory.sent)
        try:
            return call()
        finally:
            self.sync()
            for message in self.memory.sent[before:]:
                self._handed(context, message, f"m-{len(self.memory.sent)}")
            self._look(context)

    def before_call(self, model: Any, params: Json) -> None:
        """Decide what becomes of one call of AWS; called by botocore."""
        self.fault_after = None
        if not self.stack:
            return
        context = self.stack[-1]
        if model.name in WRITES:
            self.touched += _keys_of(json.loads(params["body"]))
            self.written += 1
        if model.name.startswith("SendMessage"):
            self.queued.add(json.loads(params["body"])["QueueUrl"])
        place, context.calls = context.calls, context.calls + 1
        if place != context.fault_call or context.fault is None:
            return
        self.happened.append(f"fault {context.name}")
        self.tell(f"{context.name}: {context.fault} {model.name}", depth=context.depth)
        self._fail_before(context, model.name)

    def _fail_before(self, context: Context, operation: str) -> None:
        fault = context.fault or ""
        if fault == "dies before":
            raise Died
        if fault == "throttled":
            error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
            raise ClientError(error, operation)  # type: ignore[arg-type]
        if fault == "timed out" and context.chance.random() < 0.5:
            raise ReadTimeoutError(endpoint_url="aws")
        self.fault_after = (fault, operation)

    def after_call(self, model: Any, parsed: Json) -> None:
        """Lose the reply of a call that was done; called by botocore."""
        self.reached = self.reached or model.name in SENDS
        fault, self.fault_after = self.fault_after, None
        if fault is None:
            return
        if fault[0] == "dies after":
            raise Died
        if fault[0] == "applied, but an error" and model.name == "BatchExecuteStatement":
            lost = {"Error": {"Code": "ConditionalCheckFailed", "Message": "its own write"}}
            parsed["Responses"] = [lost] * len(parsed["Responses"])
            return
        if fault[0] == "applied, but an error" and model.name in WRITES:
            # A client that tries again meets its own write.
            error = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "its own write"}}
            raise ClientError(error, model.name)  # type: ignore[arg-type]
        raise ReadTimeoutError(endpoint_url="aws")

    # The memory that the invariants look at

    def sync(self) -> None:
        """Read what was written, past all faults."""
        touched, self.touched = list(dict.fromkeys(self.touched)), []
        for pk, sk in touched:
            image = self._item(pk, sk)
            if pk.startswith("TIMER#"):
                self._keep_timer(sk, image)
                continue
            kept = codec.decode(image) if image and "body" in image else None
            if kept is not None:
                self._keep(pk, kept)

    def _item(self, pk: str, sk: str) -> Json | None:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        request = {"TableName": runtime.settings().table_name, "Key": key, "ConsistentRead": True}
        item: Json | None = self.system.aws.call("DynamoDB_20120810.GetItem", request).get("Item")
        return item

    def _keep(self, pk: str, kept: Any) -> None:
        memory = self.memory
        if isinstance(kept, Invitation) and kept != memory.invitations.get(kept.id):
            memory.put_invitation(kept)
        if isinstance(kept, Case) and kept != memory.cases.get(kept.id):
            memory.put_case(kept, self._line(kept))
        if isinstance(kept, Entry) and kept.version in memory.entries.get(pk.partition("#")[2], {}):
            memory.entries[pk.partition("#")[2]][kept.version] = kept
        self._keep_name(kept)

    def _keep_timer(self, sk: str, image: Json | None) -> None:
        if image is None:
            self.memory.timers.pop(sk, None)
            return
        at, _, name = sk.partition("#")
        ids, tries = tuple(image["ids"]["S"].split()), int(image["tries"]["N"])
        self.memory.timers[sk] = Timer(datetime.fromisoformat(at), ids, name, tries)

    def _keep_name(self, kept: Any) -> None:
        memory = self.memory
        if isinstance(kept, Customer):
            memory.customers[kept.key] = kept
        if isinstance(kept, Address):
            memory.addresses[kept.key] = kept
        if isinstance(kept, Early):
            memory.early[kept.key] = kept
        if isinstance(kept, Weekly):
            memory.put_weekly(kept)  # or no sweep is planned for it

    def _line(self, case: Case) -> Entry | None:
        before = self.memory.cases.get(case.id)
        if before and before.version == case.version:
            return None
        image = self._item(*keys.entry(case.id, case.version))
        entry = codec.decode(image) if image else None
        return entry if isinstance(entry, Entry) else None

    # The queues: what AWS keeps is carried on to the model, which delivers it as wildly as SQS may

    def drain(self) -> None:
        self._drain_inbox()
        self._drain_hints()
        self._arm()
        for stream in self.streams:
            stream.look()

    def _drain_inbox(self) -> None:
        for body in self._received("intake"):
            event = json.loads(body)
            self.send("intake", body, f"event {event.get('id')}", *map(self.names.customer, subjects_of(event)))

    def _drain_hints(self) -> None:
        for body in self._received("due"):
            due = due_of(body)
            self.send("due", body, self.called_by(due), *self.subjects_of(due))
        for body in self._received("views"):
            view = view_of(body)
            self.send("views", body, f"view {self.label(view.id)} {view.rating}", view.id)
        for body in self._received("webhooks"):
            self._send_post(body)

    def _send_post(self, body: str) -> None:
        post = post_of(body)
        wait = max(timedelta(0), post.not_before - self.now) if post.not_before else timedelta(0)
        key = f"post {post.what.kind} of {self.label(post.what.item or '')} to {post.webhook}"
        self.send("webhooks", body, key, after=min(wait, DELAY_MAX))

    def send(self, queue: str, body: Any, key: str, *subjects: str, after: timedelta = timedelta(0)) -> None:
        written = json.dumps(body) if queue == "intake" and not isinstance(body, str) else body
        super().send(queue, written, key, *subjects, after=after)

    def meaning(self, queue: str, body: Any) -> Any:
        if queue == "views":
            return view_of(body)
        return json.loads(body) if queue == "intake" else body

    def _received(self, name: str) -> list[str]:
        url = getattr(runtime.settings(), f"{name}_queue_url")
        bodies: list[str] = []
        if url not in self.queued:
            return bodies
        self.queued.discard(url)
        while True:
            request = {"QueueUrl": url, "MaxNumberOfMessages": RECEIVED_MAX, "WaitTimeSeconds": 0}
            messages = self.system.aws.call("AmazonSQS.ReceiveMessage", request).get("Messages", [])
            if not messages:
                return bodies
            for message in messages:
                bodies.append(message["Body"])
                handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                self.system.aws.call("AmazonSQS.DeleteMessage", handle)


def _keys_of(request: Json) -> list[tuple[str, str]]:
    if "Statements" in request:
        named = [
            dict(zip(NAMED.findall(each["Statement"]), each["Parameters"], strict=True))
            for each in request["Statements"]
        ]
        return [(key["pk"]["S"], key["sk"]["S"]) for key in named]
    writes = [next(iter(each.values())) for each in request.get("TransactItems", [])] or [request]
    found = [write.get("Item") or write.get("Key") or {} for write in writes]
    return [(key["pk"]["S"], key["sk"]["S"]) for key in found if "pk" in key]


def _notification(receipt: Receipt) -> Json:
    """Return what SNS brings of a carrier's report."""
    tags = {"invitation": receipt.invitation, "kind": receipt.about}
    known = {name: value for name, value in tags.items() if value}
    if receipt.channel == "sms":
        to = receipt.addresses[0]
        message: Json = {"eventType": SMS_KINDS[receipt.kind], "messageId": "m", "destinationPhoneNumber": to}
        message["context"] = known
    else:
        mail = {"messageId": "m", "destination": list(receipt.addresses)}
        mail["tags"] = {name: [value] for name, value in known.items()}  # type: ignore[assignment]
        bounce = {"bounceType": "Permanent" if receipt.kind == "bounce" else "Transient"}
        message = {"eventType": SES_KINDS[receipt.kind], "mail": mail, "bounce": bounce}
    sns: Json = {"Message": json.dumps(message), "Subject": None, "MessageAttributes": {}}
    return {"Records": [{"EventSource": "aws:sns", "Sns": sns}]}


@contextmanager
def hooked(engine_of: Callable[[], DeepEngine | None]) -> Iterator[None]:
    """Let every client that is made in this block tell the engine of its calls."""

    def before(model: Any, params: Json, **_: Any) -> None:
        engine = engine_of()
        if engine:
            engine.before_call(model, params)

    def after(model: Any, parsed: Json, **_: Any) -> None:
        engine = engine_of()
        if engine:
            engine.after_call(model, parsed)

    session = clients.session()
    session.register("before-call", before, unique_id="simulation-before")
    session.register("after-call", after, unique_id="simulation-after")
    try:
        yield
    finally:
        session.unregister("before-call", before, unique_id="simulation-before")
        session.unregister("after-call", after, unique_id="simulation-after")


def simulate_deep(seed: int, system: LocalSystem, *, days: int = DAYS, events: int = EVENTS) -> Result:
    """Live through one seed on the embedded AWS, whose state goes back to its beginning first."""
    system.rewind()
    _know_secrets()
    engine: DeepEngine | None = None
    with hooked(lambda: engine):
        runtime.forget()
        try:
            engine = DeepEngine(seed, PROFILES[seed % len(PROFILES)], system)
            return live_through(engine, days=days, events=events)
        finally:
            runtime.use_ports(None)
            system.rewind()


def _know_secrets() -> None:
    """Let the stage's secrets be the same each time, since names and with them the order of things follow from them."""
    given, keep = runtime.settings(), clients.secretsmanager()
    keep.put_secret_value(SecretId=given.secrets_id, SecretString=json.dumps({"root": "r" * 32}))
    keep.put_secret_value(SecretId=given.link_keys_id, SecretString=json.dumps({"1": "k" * 32}))
