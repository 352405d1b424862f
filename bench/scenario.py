"""Live the month that the design prices: surveys sent, a fifth answered, a tenth of those low, all through real code.

Paths name what something was done for: `survey/…`, `answer/…`, `case/…` are the bill; others stand apart.
"""

import json
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from math import ceil
from typing import Any

from bench import company
from bench.http import PRESSED, request
from bench.world import World
from chalicelib.domain.policy import invitation_id
from chalicelib.ports import Principal, Ticket
from infra.aws import bill
from infra.local import receipts
from infra.local.pumps import notifications

EVENTS_PER_SECOND = 1_000_000 / (30 * 24 * 3600)
"""A million a month, as evenly as can be: 0.39 a second. Business hours only would be four times as many at once."""
DECISIONS_PER_BATCH = 100
ANSWERS_PER_BATCH = 20
ANSWERED_EACH = 5
LOW_EACH = 10  # of the answered
TOKEN = "bench-token-of-an-administrator"

Json = dict[str, Any]


def decide(world: World, events: Iterable[Json], path: str = "survey", *, together: int | None = None) -> list[str]:
    """Bring events by the bus, one at a time, and have them counted; return the ids of their invitations."""
    ids = decide_only(world, events, path, together=together)
    count(world, f"{path}/count", len(ids), DECISIONS_PER_BATCH)
    return ids


def decide_only(world: World, events: Iterable[Json], path: str, *, together: int | None = None) -> list[str]:
    """Bring events by the bus, one at a time, in the morning; they reach the function in what its window gathers."""
    world.wait_for_morning()
    ids: list[str] = []
    waiting = iter(events)
    with world.path(f"{path}/decide"):
        while batch := list(islice(waiting, together or in_a_window(world))):
            world.charge("eventbridge_events", len(batch))
            world.charge("sqs_requests", len(batch))  # the rule's target
            world.bring("intake", *map(company.from_bus, batch))
            ids += [_id(event["source"], event["id"]) for event in batch]
    return ids


def in_a_window(world: World) -> int:
    """Return how many events share an invocation when a month's million comes evenly, as the stack sets its window.

    Each of Lambda's pollers gathers by itself.
    """
    source = world.overlay["Resources"]["Intake"]["Properties"]["Events"]["IntakeSqsEventSource"]["Properties"]
    seconds = source.get("MaximumBatchingWindowInSeconds", 0)
    gathered = seconds * EVENTS_PER_SECOND / bill.prices()["assumptions"]["pollers"]
    return int(max(1, min(source.get("BatchSize", 1), gathered)))


def id_of(name: str) -> str:
    """Return the id of the invitation that the sale of this name leads to."""
    return _id(company.SOURCE, f"ORD-{name}")


def _id(source: str, event: str) -> str:
    return invitation_id(source, event, company.PROGRAM, "customer")


def send(
    world: World,
    ids: list[str],
    after: timedelta = company.DELAY,
    path: str = "survey",
    *,
    each: int = DECISIONS_PER_BATCH,
) -> None:
    """Let time pass until they are due, and the sweep hand them on."""
    world.now += after + timedelta(minutes=1)
    with world.path(f"{path}/send"):
        world.schedules["sweep"].invoke({**SCHEDULED, "time": world.now.isoformat()})
        world.work_off("due")
    left = world.invitation(ids[-1])
    if left.state != "sent":
        raise RuntimeError(f"the last mail has not left: its invitation is {left.state}")
    count(world, f"{path}/count", len(ids), each)


SCHEDULED: Json = {
    "version": "0",
    "id": "bench",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


def report_deliveries(world: World, ids: list[str], channel: str = "email", path: str = "survey") -> None:
    """Let the carrier report that each message was delivered; apart from the bill unless a stage asks for it."""
    asked = world.overlay["Parameters"]["DeliveryReceipts"]["Default"] == "true" or channel == "sms"
    with world.path(f"{path}/receipt" if asked else f"receipt/{path}"):
        for id_ in ids:
            world.charge("sns_publishes", 1)
            world.queues["receipts"].function.invoke(delivered(world, id_, channel))


def delivered(world: World, id_: str, channel: str = "email") -> Json:
    """Return the notification of a delivered message, as SNS hands it to the function."""
    to_event = notifications("arn:aws:sns:us-east-1:000000000000:receipts")
    told = {"Message": json.dumps(_delivery(world, id_, channel)), "MessageId": id_}
    return to_event([company.message(json.dumps(told))])


def _delivery(world: World, id_: str, channel: str) -> Json:
    record = {
        "id": f"0100-{id_}",
        "channel": channel,
        "to": ["lucia@mail.example.org" if channel == "email" else "+573000000001"],
        "sent_at": world.now.isoformat(),
        "tags": [{"Name": "invitation", "Value": id_}],
        "context": {"invitation": id_},
        "text": "",
        "from": "",
        "headers": {},
    }
    return receipts.receipt(record, "delivery", world.now)


def answer(world: World, ids: list[str], *, each: int = ANSWERS_PER_BATCH, low_each: int = LOW_EACH) -> list[str]:
    """Let each customer open the page and press the button once; return the ids of those let down.

    Views wait for each other as the records of the stream do, the same seconds: so many answers share a batch of each.
    Half of the customers press while their view still waits, and so bring it with them; half take longer.
    """
    forms = [company.form(low=number % low_each == low_each - 1, number=number) for number in range(len(ids))]
    for start in range(0, len(ids), each):
        part = list(zip(ids, forms, strict=True))[start : start + each]
        for id_, filled in part:
            _open(world, id_, filled["rating"], "answer")
        for id_, filled in part[::2]:
            _press(world, id_, filled)
        _note(world, "answer")
        for id_, filled in part[1::2]:
            _press(world, id_, filled)
    count(world, "answer/count", len(ids), each)
    return [id_ for id_, filled in zip(ids, forms, strict=True) if "failed" in filled]


def _open(world: World, id_: str, rating: str, path: str) -> None:
    """Open the link of one rating, as a person or a machine does."""
    with world.path(f"{path}/page"):
        asked = {"token": token_of(world, id_), "rating": rating}
        world.ask("pages", request("GET", "/s/{token}/{rating}", asked))


def _note(world: World, path: str) -> None:
    with world.path(f"{path}/view"):
        world.work_off("views")


def _press(world: World, id_: str, filled: dict[str, str]) -> None:
    """Send the form of the page that the rating's link has opened."""
    with world.path("answer/submit"):
        form = {**filled, "_seen": filled["rating"]}
        world.ask("web", request("POST", "/s/{token}", {"token": token_of(world, id_)}, headers=PRESSED, form=form))
    if "failed" in filled:
        with world.path("case/alert"):
            world.work_off("due")


def token_of(world: World, id_: str) -> str:
    """Return the token of an invitation's link."""
    return world.ports.links.url("answer", Ticket(id_)).rpartition("/")[2]


def scan(world: World, ids: list[str]) -> None:
    """Let a scanner open one link of each mail."""
    for start in range(0, len(ids), ANSWERS_PER_BATCH):
        for id_ in ids[start : start + ANSWERS_PER_BATCH]:
            _open(world, id_, "10", "view")
        _note(world, "view")
    count(world, "view/count", len(ids), DECISIONS_PER_BATCH)


def follow(world: World, ids: list[str]) -> None:
    """Let the department look at each case, acknowledge and resolve it; the customer is asked whether it helped."""
    world.ports.access.grant(TOKEN, Principal(id="admin", role="admin", name="Administration"))
    for id_ in ids:
        with world.path("followed/moves"):
            seen = _case(world, "GET", "/api/v1/cases/{id}", id_)
            seen = _case(world, "POST", "/api/v1/cases/{id}/{move}", id_, move="acknowledge", version=seen["version"])
            said = {"root_cause": _cause(world), "action": "Se entregó de nuevo y se llamó al cliente."}
            _case(world, "POST", "/api/v1/cases/{id}/{move}", id_, said, move="resolve", version=seen["version"])
            world.work_off("due")
    count(world, "followed/count", len(ids), ANSWERS_PER_BATCH)


def _cause(world: World) -> str:
    return world.ports.library.organisation().causes[0].id


def _case(
    world: World, method: str, resource: str, id_: str, said: Json | None = None, *, move: str = "", version: int = 0
) -> Json:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json", "if-match": f'"{version}"'}
    path = {"id": id_, "move": move} if move else {"id": id_}
    asked = request(method, resource, path, headers=headers, body=json.dumps(said or {}) if move else None)
    found: Json = json.loads(world.ask("web", asked)["body"])
    return found


def count(world: World, path: str, things: int, each: int) -> None:
    """Let the readers of the stream catch up, in batches that hold the records of so many decisions or answers."""
    with world.path(path):
        world.follow_stream(max(1, ceil(world.unread() * each / max(things, 1))))
