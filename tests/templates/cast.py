"""The cast of these tests: Ana who bought a pump, Bruno's dispatch, the company and its survey."""

from datetime import UTC, datetime

from chalicelib.domain.calendar import Calendar
from chalicelib.domain.customer import Customer
from chalicelib.domain.event import Person, Promise
from chalicelib.domain.invitation import Invitation, walked_in
from chalicelib.domain.organisation import Counter, Department, Organisation, Program, Routing, Sender, Staff
from chalicelib.domain.survey import Option, Question, Survey

NOW = datetime(2026, 3, 10, 22, 0, tzinfo=UTC)
LATE = datetime(2026, 3, 12, 15, 30, tzinfo=UTC)
CLOSES = datetime(2026, 3, 24, 22, 0, tzinfo=UTC)


def said(es: str, en: str, pt: str) -> dict[str, str]:
    """Return a sentence in every language."""
    return {"es": es, "en": en, "pt": pt}


HOSTILE = (
    "<b>Ana</b>",
    "{{7*7}}",
    "{% raw %}",
    "Ana 😊",
    "a" * 200,
    '"><script>alert(1)</script>',
    "&amp; ' %s %(name)s",
)

DRIVERS = Question(
    id="drivers",
    kind="drivers",
    ask_if="low",
    text=said("¿Qué le falló?", "What let you down?", "O que falhou?"),
    options=(
        Option(
            id="late",
            department="logistics",
            text=said("La entrega llegó tarde", "It came late", "A entrega atrasou"),
        ),
        Option(
            id="short",
            department="logistics",
            text=said("Llegó incompleta", "Something was missing", "Veio incompleta"),
        ),
        Option(
            id="invoice",
            department="billing",
            text=said("La factura tenía errores", "The invoice was wrong", "A fatura tinha erros"),
        ),
        Option(
            id="rude",
            department="sales",
            text=said("El trato no fue bueno", "I was treated badly", "O atendimento foi ruim"),
        ),
    ),
)
QUESTIONS = (
    Question(
        id="delivery",
        kind="touchpoint",
        text=said("La entrega", "The delivery", "A entrega"),
        department="logistics",
    ),
    Question(
        id="invoicing",
        kind="touchpoint",
        text=said("La factura", "The invoice", "A fatura"),
        department="billing",
    ),
    DRIVERS,
    Question(
        id="promise",
        kind="promise",
        text=said("¿Cumplimos lo que prometimos?", "Did we keep our promise?", "Cumprimos o que prometemos?"),
    ),
    Question(
        id="value",
        kind="value",
        text=said(
            "¿El producto hizo lo que necesitaba?", "Did it do what you needed?", "O produto fez o que precisava?"
        ),
    ),
    Question(
        id="comment",
        kind="text",
        text=said("Cuéntenos con sus palabras", "Tell us in your own words", "Conte com as suas palavras"),
    ),
    Question(
        id="praise",
        kind="text",
        ask_if="high",
        text=said("¿Quién lo hizo bien?", "Who did well?", "Quem foi bem?"),
    ),
)


def survey(metric: str = "nps", **changes: object) -> Survey:
    """Return the survey after a sale."""
    given = {
        "id": "after-sale",
        "metric": metric,
        "title": said("¿Cómo le fue con su compra?", "How was your purchase?", "Como foi a sua compra?"),
        "rating": said(
            "¿Qué tan probable es que nos recomiende?",
            "How likely are you to recommend us?",
            "Qual a probabilidade de nos recomendar?",
        ),
        "lowest": said("nada probable", "not at all", "nada provável"),
        "highest": said("muy probable", "very likely", "muito provável"),
        "questions": QUESTIONS,
        "thanks": said("Su opinión nos ayuda a mejorar.", "It helps us improve.", "Isso nos ajuda a melhorar."),
        **changes,
    }
    return Survey.model_validate(given)


COUNTER = Counter(
    id="shop",
    name=said("Mostrador de la 13", "Counter on 13th Street", "Balcão da rua 13"),
    department="reception",
    program="after-sale",
)


def organisation(**changes: object) -> Organisation:
    """Return the hardware shop: sales, logistics, billing, and reception that decides when nobody else does."""
    given = {
        "name": "Ferretería El Tornillo",
        "zone": "America/Bogota",
        "contact": said(
            "Llámenos al +57 601 555 0100 o escriba a ayuda@eltornillo.example.",
            "Call +57 601 555 0100 or write to ayuda@eltornillo.example.",
            "Ligue para +57 601 555 0100 ou escreva para ayuda@eltornillo.example.",
        ),
        "sender": Sender(
            name="Ferretería El Tornillo",
            email="hola@eltornillo.example",
            reply_to="ayuda@eltornillo.example",
            sms="Ferreteria El Tornillo",
        ),
        "calendar": Calendar(zone="America/Bogota", hours={"mon-fri": ["08:00-18:00"]}),
        "departments": (
            department("sales", "Ventas", "Sales", "Vendas", "sofia"),
            department("logistics", "Despachos", "Dispatch", "Expedição", "bruno"),
            department("billing", "Facturación", "Billing", "Faturamento", "felipe", language="pt"),
            department("reception", "Recepción", "Reception", "Recepção", "rosa"),
        ),
        "leadership": ("carla@eltornillo.example",),
        "surveys": (survey(),),
        "routing": Routing(arbiter="reception"),
        **changes,
    }
    return Organisation.model_validate(given)


def with_counter(**changes: object) -> Organisation:
    """Return the same shop with a code on the wall of its counter."""
    program = Program(
        id="after-sale", name=said("Compra", "Purchase", "Compra"), on=("sale.closed",), survey=survey().id
    )
    return organisation(programs=(program,), counters=(COUNTER,), **changes)


def department(id_: str, es: str, en: str, pt: str, head: str, **more: object) -> Department:
    """Return a department with its head."""
    return Department.model_validate(
        {
            "id": id_,
            "name": said(es, en, pt),
            "alert_to": (f"{id_}@eltornillo.example",),
            "head": Staff(id=head, name=head.title(), email=f"{head}@eltornillo.example"),
            **more,
        }
    )


def ana(**changes: object) -> Customer:
    """Return Ana, who gives a mail five seconds."""
    given = {
        "key": "k-ana",
        "version": 1,
        "id": "c-981",
        "name": "Ana Pérez",
        "email": "ana@example.com",
        "phone": "+573001234567",
        "language": "es",
        "zone": "America/Bogota",
        **changes,
    }
    return Customer.model_validate(given)


def walk_in(language: str = "es", **changes: object) -> Invitation:
    """Return the record of somebody who scanned the counter's code."""
    company = with_counter()
    made = walked_in(COUNTER, company.programs[0], survey(), "0" * 32, language, NOW)
    return made.model_copy(update=changes)


def invitation(**changes: object) -> Invitation:
    """Return the invitation that Ana got about her order."""
    given = {
        "id": "f" * 32,
        "source": "/crm",
        "event_id": "ORD-10045",
        "touchpoint": "sale.closed",
        "occurred_at": NOW,
        "decided_at": NOW,
        "program": "after-sale",
        "label": "customer",
        "customer": "k-ana",
        "address": "a-ana",
        "domain": "example.com",
        "channel": "email",
        "language": "es",
        "zone": "America/Bogota",
        "survey": "after-sale",
        "survey_version": survey().version,
        "metric": "nps",
        "reference": "ORD-10045",
        "department": "sales",
        "departments": ("sales", "logistics"),
        "people": (Person(id="u-7", name="Marta Ruiz", department="sales", role="seller"),),
        "promises": (
            Promise(
                kind="delivery",
                department="logistics",
                promised=NOW,
                fulfilled=datetime(2026, 3, 12, 15, 30, tzinfo=UTC),
            ),
            Promise(kind="quantity", department="logistics", promised=10.0, fulfilled=8.0, better="higher"),
        ),
        "state": "sent",
        "sent_at": NOW,
        "closes_at": CLOSES,
        **changes,
    }
    return Invitation.model_validate(given)
