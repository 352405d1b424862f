"""Make the company that is measured, and what happens in it: the example company, with its own variety of events."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bench.world import BEGINNING
from chalicelib.domain.organisation import Organisation
from infra import organisation as organisations
from infra.local.prepare import EXAMPLE

PROGRAM = "sale"
SOURCE = "/crm"
DELAY = timedelta(hours=2)
REGIONS = ("Bogotá", "Medellín", "Cali", "Barranquilla", "Bucaramanga")
STORES = ("norte", "sur", "centro", "virtual")
PRODUCTS = ("bomba", "taladro", "pintura", "cemento", "tubería", "cable", "llave", "escalera", "lámpara", "grifo")
SELLERS = (("u-7", "Andrés Peña"), ("u-8", "Paula Rojas"), ("u-9", "Óscar Niño"))
COMMENT = "Llegó tarde y nadie me llamó para avisar; el domiciliario fue amable."

Json = dict[str, Any]


def company(*, reminds: bool = False) -> Organisation:
    """Return the example company; its sales are asked about once, with a reminder or without."""
    loaded = organisations.load(EXAMPLE, BEGINNING.date()).organisation
    programs = [
        each.model_copy(update={"remind_after": timedelta(days=3) if reminds else None}) if each.id == PROGRAM else each
        for each in loaded.programs
    ]
    # They have asked about the same for a month: in the first days after a change, more ids are looked up.
    return loaded.model_copy(update={"programs": tuple(programs), "programs_since": BEGINNING - timedelta(days=30)})


def closings(count: int, prefix: str, at: datetime = BEGINNING, *, channel: str = "email") -> Iterator[Json]:
    """Yield sales of different customers, as a CRM tells of them: a promise, a seller, three attributes."""
    chance = random.Random(f"{prefix}{count}")
    for number in range(count):
        yield _closing(f"{prefix}{number:07d}", at, chance, channel)


def _closing(id_: str, at: datetime, chance: random.Random, channel: str) -> Json:
    seller, name = chance.choice(SELLERS)
    address = {"email": f"{id_}@mail.example.org"} if channel == "email" else {"phone": f"+57300{id_[-7:]}"}
    customer = {"id": f"c-{id_}", "name": "Lucía Pérez", "language": "es", "timezone": "America/Bogota", **address}
    promised = at - timedelta(hours=chance.randint(1, 40))
    delivered = promised + timedelta(hours=chance.choice((-20, -4, -1, 3)))
    return {
        "specversion": "1.0",
        "id": f"ORD-{id_}",
        "source": SOURCE,
        "type": "sale.closed",
        "time": at.isoformat(),
        "data": {
            "customer": customer,
            "reference": f"ORD-{id_}",
            "department": "sales",
            "people": [{"id": seller, "name": name, "department": "sales", "role": "seller"}],
            "attributes": {name: chance.choice(values) for name, values in _ATTRIBUTES.items()},
            "promises": [
                {
                    "kind": "delivery",
                    "department": "logistics",
                    "promised": promised.isoformat(),
                    "fulfilled": min(delivered, at).isoformat(),
                }
            ],
        },
    }


_ATTRIBUTES = {"region": REGIONS, "store": STORES, "product": PRODUCTS}


def from_bus(event: Json) -> Json:
    """Return the message that EventBridge's rule puts into the intake queue, as Lambda hands it over."""
    envelope = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": event["type"],
        "source": "crm",
        "account": "000000000000",
        "time": event["time"],
        "region": "us-east-1",
        "resources": [],
        "detail": event,
    }
    return message(json.dumps(envelope, ensure_ascii=False))


def message(body: str) -> Json:
    """Return a queue's message as Lambda hands it over."""
    return {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:queue",
        "awsRegion": "us-east-1",
    }


def form(*, low: bool, number: int) -> dict[str, str]:
    """Return what a customer sends: a rating, and of every third one all the questions."""
    if low:
        return {"rating": str(number % 7), "failed": "late", "delivery": "2", "promise": "no", "what": COMMENT}
    whole = {"advice": "5", "price": "4", "payment": "5", "delivery": "4", "promise": "yes", "value": "yes"}
    return {"rating": str(9 + number % 2), **({} if number % 3 else {**whole, "whom": "Paula, muy clara."})}
