"""The standing cast: Ana the customer, Bruno who runs dispatch, Carla the general manager, and their company."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.event import Closing, parse_event
from chalicelib.domain.organisation import Department, Organisation, Program, Sender, Sla, Staff
from chalicelib.domain.survey import Option, Question, Survey

FRIDAY_1630 = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)  # 16:30 in Bogotá
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NINE_TO_FIVE = Calendar(zone="America/Bogota", hours={"mon-fri": ["09:00-17:00"]})
ALWAYS = {"daily": ["00:00-24:00"]}


def text(spanish: str) -> dict[str, str]:
    """A sentence in the languages of the company."""
    return {"es": spanish, "en": spanish, "pt": spanish}


NPS = Survey(
    id="purchase",
    metric="nps",
    title=text("Tu compra"),
    rating=text("¿Nos recomendarías?"),
    lowest=text("No"),
    highest=text("Sí"),
    thanks=text("Gracias"),
    questions=(
        Question(
            id="failed",
            kind="drivers",
            text=text("¿Qué falló?"),
            ask_if="low",
            options=(
                Option(id="late", text=text("Llegó tarde"), department="logistics"),
                Option(id="invoice", text=text("La factura"), department="billing"),
                Option(id="other", text=text("Otra cosa")),
            ),
        ),
        Question(id="delivery", kind="touchpoint", text=text("La entrega"), department="logistics"),
        Question(id="kept", kind="promise", text=text("¿Cumplimos?")),
        Question(id="worth", kind="value", text=text("¿Te sirvió?")),
        Question(id="praise", kind="text", text=text("¿Qué te gustó?"), ask_if="high"),
        Question(id="comment", kind="text", text=text("¿Algo más?")),
    ),
)


def department(id_: str, **more: Any) -> Department:
    """A department with Bruno or somebody like him at its head."""
    return Department(
        id=id_,
        name=text(id_.title()),
        alert_to=(f"{id_}@example.com",),
        head=Staff(id=f"head-{id_}", name=f"Head of {id_}", email=f"head-{id_}@example.com"),
        **{"sla": Sla(acknowledge=4 * HOUR, resolve=16 * HOUR), **more},
    )


def program(**more: Any) -> Program:
    """The program that asks after a sale, around the clock unless said otherwise."""
    given = {"id": "after-sale", "name": text("Compra"), "on": ("sale.closed",), "survey": "purchase", "hours": ALWAYS}
    return Program.model_validate({**given, **more})


def organisation(**more: Any) -> Organisation:
    """Ferretería El Tornillo, with as much changed as a test needs."""
    given: dict[str, Any] = {
        "name": "Ferretería El Tornillo",
        "zone": "America/Bogota",
        "contact": text("Llámanos al 601 555 0100"),
        "sender": Sender(name="El Tornillo", email="hola@tornillo.example", reply_to="servicio@tornillo.example"),
        "calendar": NINE_TO_FIVE,
        "departments": tuple(department(id_) for id_ in ("sales", "logistics", "billing", "reception")),
        "leadership": ("carla@example.com",),
        "surveys": (NPS,),
        "programs": (program(),),
        "routing": {"arbiter": "reception", "topics": {"billing": {"es": ["factur", "cobr"]}}},
    }
    return Organisation.model_validate({**given, **more})


def sale(**data: Any) -> dict[str, Any]:
    """A closed sale to Ana, as a CRM sends it; keywords replace parts of `data`, `envelope` parts of the event."""
    envelope = data.pop("envelope", {})
    given = {
        "customer": {"id": "c-981", "name": "Ana Pérez", "email": "ana@example.com", "phone": "+573001234567"},
        "reference": "ORD-10045",
        "department": "sales",
        "people": [{"id": "u-7", "name": "Marta Ruiz", "department": "sales", "role": "seller"}],
        "attributes": {"region": "Bogotá"},
        "promises": [{"kind": "delivery", "department": "logistics", "promised": "2026-03-10T17:00:00-05:00"}],
    }
    event = {"specversion": "1.0", "id": "ORD-10045", "source": "/crm", "type": "sale.closed"}
    return {**event, "time": "2026-03-06T21:00:00Z", **envelope, "data": {**given, **data}}


def closing(**data: Any) -> Closing:
    """The same sale as an event."""
    event = parse_event(sale(**data), closings=frozenset(), now=FRIDAY_1630)
    assert isinstance(event, Closing)
    return event
