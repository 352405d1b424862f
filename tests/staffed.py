"""A company in memory, served over HTTP: cases in every state, and the tokens of those who work here."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from threading import Thread
from typing import Any

from chalice import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalDevServer

from app import app
from chalicelib import runtime
from chalicelib.adapters.secrets import Secrets
from chalicelib.domain.case import Move
from chalicelib.domain.organisation import Cause, Organisation, Staff, Target, Trends
from chalicelib.flows import project, recover
from chalicelib.ports import Principal
from chalicelib.settings import Settings
from tests.domain.cast import DAY, FRIDAY_1630, HOUR, department, organisation, sale
from tests.world import World

TOKENS = {
    "bruno": Principal(id="api:logistics", role="department", name="Bruno Díaz", department="logistics"),
    "billing": Principal(id="api:billing", role="department", name="Berta Gil", department="billing"),
    "carla": Principal(id="carla@example.com", role="leadership", name="Carla Ríos"),
    "admin": Principal(id="api:admin", role="admin", name="Alba"),
    "marta": Principal(id="marta@example.com", role="agent", name="Marta Ruiz", department="sales", person="u-7"),
}

NAMES = {
    "sales": {"es": "Ventas", "en": "Sales", "pt": "Vendas"},
    "logistics": {"es": "Despachos", "en": "Dispatch", "pt": "Expedição"},
    "billing": {"es": "Facturación", "en": "Billing", "pt": "Faturamento"},
    "reception": {"es": "Recepción", "en": "Reception", "pt": "Recepção"},
}
CAUSES = (
    Cause(id="late_supplier", text={"es": "El proveedor se atrasó", "en": "The supplier was late"}),
    Cause(id="wrong_pick", text={"es": "Alistamos mal el pedido", "en": "We picked the wrong goods"}),
)
TARGETS = (
    Target(metric="delivered_promise", promise="delivery", value=99, department="logistics"),
    Target(metric="sla_met", value=1, department="logistics"),
    Target(metric="nps", value=40, department="sales", name={"es": "Recomendación", "en": "Would recommend us"}),
    Target(metric="nps", value=-90, role="seller"),
)
Story = tuple[str, str, int, dict[str, str]]
STORIES: tuple[Story, ...] = (
    (
        "Lucía Pérez",
        "ORD-10045",
        2,
        {
            "failed": "late",
            "comment": "La entrega tardó una semana más de lo prometido y nadie me llamó. Tuve que parar la obra.",
        },
    ),
    ("Andrés Mejía", "ORD-10052", 4, {"failed": "late", "comment": "Llegaron ocho sacos de diez."}),
    ("Paula Cárdenas", "ORD-10061", 6, {"failed": "late"}),
    (
        "Jorge Ramírez",
        "ORD-10070",
        1,
        {
            "failed": "late",
            "comment": "Prometieron el martes. Nadie contesta el teléfono, y en la tienda me mandan a despachos.",
        },
    ),
    ("Sofía Aguirre", "ORD-10077", 3, {"failed": "late", "comment": "El conductor dejó todo en la calle."}),
    ("Constructora Los Alpes", "ORD-10083", 0, {"failed": "invoice", "comment": "Me cobraron dos veces el flete."}),
)


def company(**more: Any) -> Organisation:
    """The company, with names in three languages and its causes."""
    people = {"sales": (Staff(id="u-7", name="Marta Ruiz", role="seller"),)}
    departments = tuple(
        department(id_).model_copy(update={"name": name, "people": people.get(id_, ())}) for id_, name in NAMES.items()
    )
    given = {"trends": Trends(targets=TARGETS), **more}
    return organisation(departments=departments, causes=CAUSES, admins=("alba@example.com",), **given)


def busy() -> World:
    """A company on a Tuesday: two late, one passed on, one waiting, one mended, one that belongs to billing."""
    return _busy().twin()


@cache
def _busy() -> World:
    world = World()
    world.publish(company())
    for token, principal in TOKENS.items():
        world.ports.access.grant(token, principal)
    for place, (name, reference, rating, fields) in enumerate(STORIES):
        world.tell(_sale(name, reference, place))
        asked = next(each for each in world.memory.invitations.values() if each.reference == reference)
        world.answer(asked.id, rating, press="button", **fields)
        world.wait(HOUR * 5)
    _move(world, "ORD-10077", "acknowledge")
    _move(world, "ORD-10077", "resolve", root_cause="wrong_pick", action="Recogimos todo y lo entregamos dentro.")
    _move(world, "ORD-10052", "reassign", department="sales", reason="Se vendió lo que no había.")
    world.wait(HOUR * 40)
    _move(world, "ORD-10052", "acknowledge")
    world.wait(HOUR * 3)
    _move(world, "ORD-10052", "reassign", department="logistics", reason="Había diez sacos en la bodega.")
    world.wait(HOUR * 2)
    _move(world, "ORD-10061", "acknowledge")
    _move(world, "ORD-10061", "contact", how="phone", outcome="Pide que la llamemos mañana.")
    _move(world, "ORD-10061", "wait", reason="Mira si le sirve otra marca.")
    world.wait(DAY)
    return world


def _sale(name: str, reference: str, place: int) -> dict[str, Any]:
    mail = f"cliente{place}@example.com"
    customer = {"id": f"c-{place}", "name": name, "email": mail, "phone": f"+57300123450{place}"}
    return sale(customer=customer, reference=reference, envelope={"id": reference})


def _move(world: World, reference: str, verb: str, **said: str) -> None:
    case = next(each for each in world.memory.cases.values() if each.reference == reference)
    move = Move.model_validate({"verb": verb, "by": "Bruno Díaz", **said})
    recover.take(world.ports, case, move, world.now)
    world.settle()


def install(world: World, public_url: str = "http://127.0.0.1") -> None:
    """Let the entrypoints serve this world."""
    runtime.use_clock(lambda: world.now)
    runtime.use_ports(world.ports)
    runtime.use_secrets(Secrets(lambda _: {"root": "r" * 32}, "links", "secrets", lambda: world.now))
    given = dict.fromkeys(Settings.__dataclass_fields__, "-") | {"public_url": public_url}
    runtime.use_settings(Settings(**given))


def uninstall() -> None:
    """Take everything back that `install` has put in place."""
    runtime.use_ports(None)
    runtime.use_secrets(None)
    runtime.use_settings(None)


@cache
def staff_app() -> Chalice:
    """The app itself: Chalice registers a blueprint once per process, so all tests share it."""
    return app


class _Handler(ChaliceRequestHandler):
    """Answers at once and says nothing of it."""

    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def served(app: Chalice) -> Iterator[str]:
    """Serve an app on a free port of this machine; gives its address."""
    server = LocalDevServer(app, Config(), "127.0.0.1", 0, handler_cls=_Handler)
    port = server.server.server_address[1]
    thread = Thread(target=server.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.server.shutdown()
        server.server.server_close()
        thread.join()


MONTHS = 13
ANSWERS_A_MONTH = 24


def year() -> World:
    """The same company after a year: dispatch was bad last summer and has mended its ways."""
    world = World(now=FRIDAY_1630 - 396 * DAY)
    world.publish(company())
    for token, principal in TOKENS.items():
        world.ports.access.grant(token, principal)
    chance = Random(7)
    for month in range(MONTHS):
        for place in range(ANSWERS_A_MONTH):
            _one(world, chance, f"ORD-{month:02d}{place:03d}", bad=0.45 if 4 <= month <= 7 else 0.12)
            world.wait(DAY * 30 / ANSWERS_A_MONTH)
    project.project(world.ports, world.memory.changes, "shard", world.now)
    return world


def _one(world: World, chance: Random, reference: str, *, bad: float) -> None:
    late = chance.random() < bad
    promised = world.now + DAY if not late else world.now - DAY
    fulfilled = world.now - 2 * HOUR
    event = sale(
        customer={"id": f"c-{reference}", "name": f"Cliente {reference}", "email": f"{reference}@example.com".lower()},
        reference=reference,
        department=chance.choice(["sales", "reception"]),
        promises=[
            {
                "kind": "delivery",
                "department": chance.choice(["logistics", "logistics", "billing"]),
                "promised": promised.isoformat(),
                "fulfilled": fulfilled.isoformat(),
            }
        ],
        envelope={"id": reference, "time": (world.now - HOUR).isoformat()},
    )
    world.tell(event)
    if chance.random() < 0.3:
        return
    asked = next(each for each in world.memory.invitations.values() if each.reference == reference)
    rating = chance.choice([0, 2, 3, 5, 6, 7]) if late else chance.choice([7, 8, 9, 9, 10, 10, 6])
    kept_ = "no" if late and chance.random() < 0.8 else "yes"
    words = f"En {reference} la factura salió mal y nadie contestó." if rating <= 3 else "Todo bien."
    world.answer(asked.id, rating, failed="late", kept=kept_, comment=words)
    if rating <= 6 and chance.random() < 0.9:
        world.wait(HOUR * chance.choice([1, 3, 20]))
        _move(world, reference, "acknowledge")
        world.wait(HOUR * chance.choice([4, 20, 60]))
        _move(world, reference, "resolve", root_cause="late_supplier", action="Se entregó con disculpas.")
