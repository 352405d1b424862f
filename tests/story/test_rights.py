"""Each function may do what it does, and nothing else: its role against the calls that it makes in a story of all."""

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from botocore.exceptions import ClientError

from chalicelib import runtime
from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb.counters import DynamoCounters
from chalicelib.adapters.dynamodb.lane import Limits
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.domain.organisation import Webhook
from chalicelib.domain.rollup import Row
from chalicelib.errors import CarrierUnclear
from chalicelib.flows import expire
from infra.local.carrier import NUMBER
from infra.local.permissions import Permissions, Use, allows
from infra.local.resources import Json, client
from infra.local.system import LocalSystem
from tests.local.asking import ask
from tests.story.company import Company, link_in
from tests.story.test_bad_input import FORM
from tests.story.test_loop import answered_low, put_on_bus

pytestmark = pytest.mark.embedded

LUIS = {"id": "c-12", "name": "Luis Vega", "phone": "+573009998877"}
FUNCTIONS = (
    "APIHandler",
    "PublicPages",
    "Intake",
    "Due",
    "Views",
    "Project",
    "Publish",
    "Webhooks",
    "Files",
    "Parquet",
    "Sweep",
    "Audit",
    "Receipts",
)
QUEUE_READER = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
STREAM_READER = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")
LOGGER = ("logs:CreateLogStream", "logs:PutLogEvents")


@pytest.fixture(scope="module")
def rights(local_system: LocalSystem) -> Iterator[Permissions]:
    """What each function may do and has done, after a story that leads through all of them, each started cold."""
    local_system.rewind()
    rights = local_system.resources.permissions
    rights.start_cold = runtime.forget
    live_through(Company.of(local_system), local_system)
    yield rights
    rights.start_cold = None


def live_through(company: Company, lazo: LocalSystem) -> None:
    """Let everything happen to the company that a function has a right for."""
    hears_from(lazo, Webhook(id="crm", url="https://crm.example.com/lazo"))
    tells_events(company, lazo)
    meets_robots(company)
    case = answers_and_is_mended(company)
    assert company.press(company.counter(), rating="2").status == 200
    talks_by_text(company)
    reports(company)
    asks_about_its_data(company, lazo)
    our_people_look(company, case)
    counts_leave_their_lane(lazo)
    time_forgets(lazo, case)


def hears_from(lazo: LocalSystem, *webhooks: Webhook) -> None:
    """Publish webhooks: one that takes what it is told, one that never answers, and one that is inside."""
    silent = Webhook(id="silent", url="https://silent.example.com/")
    inside = Webhook(id="inside", url="https://169.254.169.254/latest")
    library, post = runtime.ports().library, lazo.carrier.post
    told = library.organisation()
    sale, *others = (each.model_copy(update={"daily_max": 1_000}) for each in told.programs)
    programs = (sale.model_copy(update={"delay": timedelta(0)}), *others)  # what is asked at once is nudged at once
    changes = {"webhooks": (*webhooks, silent, inside), "programs": programs}
    library.publish(told.model_copy(update=changes), runtime.now())

    def send(url: str, headers: object, body: bytes) -> None:
        if "silent" in url:
            raise CarrierUnclear("no answer")
        post(url, headers, body)  # type: ignore[arg-type]  # as given

    runtime.use_transport(send)


def tells_events(company: Company, lazo: LocalSystem) -> None:
    """Sell, by HTTP and by the bus, sell once more, take it back, and send what is no event."""
    company.sell("ORD-0", customer={"id": "c-0", "name": "Cero", "email": "cero@example.com"})
    put_on_bus(lazo, company.event("ORD-1", customer={"id": "c-1", "email": "uno@example.com"}), {"no": "event"})
    company.sell("ORD-2", customer={"id": "c-2", "email": "dos@example.com"})
    company.sell("ORD-3", customer={"id": "c-2", "email": "dos@example.com"})
    together = [
        company.event(f"INV-{n}", "invoice.issued", customer={"id": f"c-1{n}", "email": f"factura{n}@example.com"})
        for n in range(2)
    ]  # decided in one breath and due together: they share a timer
    assert company.post(together).status == 202
    back = {"event": {"source": "/crm", "id": "ORD-3"}}
    put_on_bus(lazo, {**company.event("ORD-3-back"), "type": "sale.cancelled", "data": back})
    company.settle()


def meets_robots(company: Company) -> None:
    """Let a scanner open every link of a mail, and a program answer."""
    link = link_in(company.mail("uno@example.com"), "/s/")
    for rating in ("1", "9", "4"):
        for method in ("GET", "HEAD"):
            assert ask(f"{link}/{rating}", method).status == 200
    answered = link_in(company.mail("dos@example.com"), "/s/")
    assert ask(answered, "POST", "rating=1", Content_Type=FORM).status == 200
    company.later("PT5M")


def answers_and_is_mended(company: Company) -> Json:
    """Let Ana be let down, the department mend it, and Ana say so."""
    case = answered_low(company, "ORD-10")
    company.move("logistics", case, "acknowledge")
    company.move("logistics", case, "contact", how="phone", outcome="ok")
    company.move("logistics", case, "resolve", root_cause="route", action="Entregado hoy")
    company.settle()
    question = link_in(company.messages("ana@example.com")[-1], "/s/")
    assert company.open(question).status == 200
    company.press(question, rating="no")
    company.later("P1D")  # reminders, breaches
    return case


def talks_by_text(company: Company) -> None:
    """Let Luis, who has only a phone, answer by text and then stop."""
    company.sell("ORD-20", customer=LUIS)
    company.later("PT4H")
    company.text(LUIS["phone"], NUMBER, "2 la entrega tardó")
    company.text(LUIS["phone"], NUMBER, "STOP")


def reports(company: Company) -> None:
    """Let a mail bounce."""
    company.sell("ORD-30", customer={"id": "c-3", "email": "tres@example.com"})
    company.later("P1D")
    company.report(company.mail("tres@example.com"), "bounce")


def asks_about_its_data(company: Company, lazo: LocalSystem) -> None:
    """Let customers read, stop, copy and erase by their links, also what has failed about them."""
    mail = company.messages("cero@example.com")[0]
    for path in ("/u/", "/s/"):
        assert company.open(link_in(mail, path)).status == 200
    page = company.open(link_in(mail, "/s/")).body.decode()
    privacy = privacy_of(page)
    assert company.open(privacy).status == 200
    assert company.submit(privacy, {"action": "copy"}).status == 200
    assert company.submit(link_in(mail, "/u/"), {"List-Unsubscribe": "One-Click"}).status == 200
    lies_dead(lazo, "INTAKE_DLQ_URL", company.event("ORD-90", customer={"id": "c-0", "email": "cero@example.com"}))
    uses = {"id": "c-9", "role": "user", "email": "nueve@example.com"}
    both = company.event("ORD-91", customer={"id": "c-0", "email": "cero@example.com"}, contacts=[uses])
    lies_dead(lazo, "INTAKE_DLQ_URL", both, {"no": "event"})
    lies_dead(lazo, "RECEIPTS_DLQ_URL", {"no": "report"})
    assert company.submit(privacy, {"action": "erase"}).status == 200
    company.settle()


def lies_dead(lazo: LocalSystem, queue: str, *bodies: Json) -> None:
    """Lay messages among dead letters, whole, as those that failed too often lie there."""
    sqs, url = client("sqs", lazo.aws.endpoint), lazo.resources.environment[queue]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))


def privacy_of(page: str) -> str:
    """Return the link to what is stored."""
    return next(part for part in page.split('"') if "/privacy/" in part)


def our_people_look(company: Company, case: Json) -> None:
    """Let our people sign in by mail, look at everything and take it home."""
    door, carla = f"{company.base_url}/sign-in", "carla.gomez@tornillo.example.com"
    asked = company.submit(door, {"email": carla}).headers["Set-Cookie"].split(";")[0]
    link = parse_qs(urlsplit(link_in(company.messages(carla)[-1], "/sign-in")).query)["link"][0]
    entered = ask(door, "POST", urlencode({"link": link}), Cookie=asked, Content_Type=FORM)
    assert entered.status == 303
    for path in ("cases", f"cases/{case['id']}", "cases?state=resolved", "trends?metric=nps&interval=month"):
        assert company.api("leadership", path).status == 200
    assert company.api("leadership", "ledger?customer=c-981").status == 200
    first, last = company.now().date().replace(day=1), company.now().date().replace(day=28)
    assert company.api("leadership", f"export?from={first}&to={last}").body.strip()
    leads = f"Bearer {company.tokens['api']['leadership']}"
    assert "ORD-10" in ask(f"{company.base_url}/answers", Authorization=leads).body.decode()


def counts_leave_their_lane(lazo: LocalSystem) -> None:
    """Let a counter that is no longer counted on leave for an item of its own, after two writes instead of hundreds."""
    with lazo.resources.permissions.acting("Project"):
        counters = DynamoCounters(
            Table(clients.dynamodb(), lazo.resources.names["Table"]), Limits(ages=1, writes=1, batches=1)
        )
        for n in range(4):
            row = Row("response", "all", "all", f"2026-01-0{n + 1}", {"n": 1})
            counters.add("shard", [row], last=counters.checkpoint("shard"), end=f"{n + 1:040}")


def time_forgets(lazo: LocalSystem, case: Json) -> None:
    """Let retention look years ahead of time, and let it find an open case, which is listed once more."""
    with lazo.resources.permissions.acting("Due"):
        expire.look(runtime.ports(), "words", runtime.now() + timedelta(days=3_000))
        expire.words(runtime.ports(), case["id"], runtime.now())


def made_by_aws(lazo: LocalSystem, function: str) -> set[Use]:
    """Return what Lambda does under a function's role: read its trigger, put aside what failed, write its log."""
    source = lazo.resources.event_sources.get(function, {})
    patch = lazo.resources.overlay.content["Resources"][function]["Properties"]
    log = f"local-{patch['LoggingConfig']['LogGroup']['Ref']}-Arn"
    made = {Use(action, log) for action in LOGGER}
    made |= {Use(action, source["Queue"]) for action in QUEUE_READER if "Queue" in source}
    made |= {Use(action, source["Stream"]) for action in STREAM_READER if "Stream" in source}
    for settings in (source, source.get("EventInvokeConfig", {})):
        if failed := settings.get("DestinationConfig", {}).get("OnFailure"):
            made.add(Use("sqs:SendMessage", failed["Destination"]))
    return made


def test_every_function_has_a_role_of_its_own(rights: Permissions) -> None:
    assert sorted(rights.grants) == sorted(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_nothing_that_it_does_not_do(
    rights: Permissions, local_system: LocalSystem, function: str
) -> None:
    served = made_by_aws(local_system, function)
    assert rights.refused == []
    left = set(rights.grants[function]) - rights.used.get(function, set())
    unused = {grant for grant in left if not any(allows(grant, use) for use in served)}
    assert unused == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_lambda_may_do_what_it_does_in_a_function_s_name(
    rights: Permissions, local_system: LocalSystem, function: str
) -> None:
    served = made_by_aws(local_system, function)
    missing = {use for use in served if not any(allows(grant, use) for grant in rights.grants[function])}
    assert missing == set()


def test_a_call_that_a_role_does_not_allow_is_refused_as_aws_refuses_it(
    rights: Permissions, local_system: LocalSystem
) -> None:
    table = clients.dynamodb()
    name = local_system.resources.names["Table"]
    with rights.acting("PublicPages"):
        table.get_item(TableName=name, Key={"pk": {"S": "none"}, "sk": {"S": "none"}})
        with pytest.raises(ClientError, match=r"PublicPages is not authorized to perform dynamodb:PutItem"):
            table.put_item(TableName=name, Item={"pk": {"S": "x"}, "sk": {"S": "x"}})
        with pytest.raises(ClientError, match="dynamodb:UpdateItem"):
            table.transact_write_items(
                TransactItems=[{"Update": {"TableName": name, "Key": {}, "UpdateExpression": "SET a = b"}}]
            )
        with pytest.raises(ClientError, match="secretsmanager:GetSecretValue"):
            clients.secretsmanager().get_secret_value(SecretId=local_system.resources.environment["SECRETS_ID"])
    assert len(rights.refused) == 3
    rights.refused.clear()
