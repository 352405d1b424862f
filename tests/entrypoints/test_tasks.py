"""What a department does for a case that another leads: it is told, finds its task, does it; the lead leads."""

from datetime import timedelta

from chalicelib.flows import collect
from tests.domain.cast import sale
from tests.entrypoints.desk import Desk
from tests.world import World


def asked(desk: Desk) -> str:
    """Let a customer name what is dispatch's and what is billing's; return the case."""
    low(desk.world, "ORD-10099", ["late", "invoice"])
    return desk.case("ORD-10099").id


def low(world: World, reference: str, failed: list[str]) -> None:
    """Let a customer of her own answer with a low rating."""
    customer = {"id": f"c-{reference}", "name": "Rosa Lima", "email": f"rosa.{reference}@example.com"}
    world.tell(sale(customer=customer, reference=reference, envelope={"id": reference, "time": world.now.isoformat()}))
    invitation = next(each for each in world.memory.invitations.values() if each.reference == reference)
    collect.submit(world.ports, invitation.id, {"rating": ["2"], "failed": failed}, "button", world.now)
    world.settle()


def calls_for_help(world: World, id_: str) -> int:
    """Return how often billing was told that its help is needed."""
    to_billing = [mail for mail in world.memory.sent if mail.to == ("billing@example.com",)]
    alone = [mail for mail in to_billing if mail.tags == {"kind": "helping", "invitation": id_}]
    return len(alone) + sum(mail.text.count(f"helping:{id_}") for mail in to_billing)


def test_whoever_helps_is_told_once(bruno_and_co: Desk) -> None:
    id_ = asked(bruno_and_co)
    assert calls_for_help(bruno_and_co.world, id_) == 1
    bruno_and_co.world.wait(timedelta(hours=3))
    assert calls_for_help(bruno_and_co.world, id_) == 1


def test_what_is_done_before_its_mail_leaves_is_asked_of_nobody(bruno_and_co: Desk) -> None:
    world = bruno_and_co.world
    low(world, "ORD-10098", ["invoice"])
    id_ = asked(bruno_and_co)
    assert calls_for_help(world, id_) == 0, "it waits for a mail with others"
    version = bruno_and_co.case("ORD-10099").version
    assert bruno_and_co.move(id_, "done", who="billing", version=version, text="listo").status == 200
    world.wait(timedelta(minutes=10))
    assert calls_for_help(world, id_) == 0


def test_a_task_is_beside_the_queue_until_it_is_done(bruno_and_co: Desk) -> None:
    id_ = asked(bruno_and_co)
    heading = "Where others need your help"
    page = bruno_and_co.get("/cases?lang=en", who="billing").text
    assert page.index(heading) < page.index(f"/cases/{id_}")
    assert "the customer chose: La factura" in page
    assert heading not in bruno_and_co.get("/cases?lang=en", who="bruno").text
    assert heading in bruno_and_co.get("/cases?department=billing&lang=en", who="carla").text
    assert heading not in bruno_and_co.get("/cases?state=resolved&lang=en", who="billing").text
    bruno_and_co.sign_in("billing")
    case = bruno_and_co.get(f"/cases/{id_}?lang=en").text
    assert "Your task is done: say what" in case
    assert all(f"/cases/{id_}/{verb}" not in case for verb in ("acknowledge", "reassign", "contact", "resolve"))
    version = str(bruno_and_co.case("ORD-10099").version)
    assert bruno_and_co.post(f"/cases/{id_}/done", version=version, text=" ").status == 422
    done = bruno_and_co.post(f"/cases/{id_}/done", version=version, text="Nueva factura <b>enviada</b>")
    assert done.status == 303
    assert heading not in bruno_and_co.get("/cases?lang=en").text
    assert bruno_and_co.world.memory.notes["task:billing"] == set()
    led = bruno_and_co.get(f"/cases/{id_}?lang=en", who="bruno").text
    assert "Nueva factura &lt;b&gt;enviada&lt;/b&gt;" in led
    assert "Berta Gil" in led


def test_the_api_lets_whoever_helps_do_its_task_and_nothing_of_the_leads(bruno_and_co: Desk) -> None:
    id_ = asked(bruno_and_co)
    version = bruno_and_co.case("ORD-10099").version
    said = {"root_cause": "late_supplier", "action": "x"}
    assert bruno_and_co.move(id_, "resolve", who="billing", version=version, **said).status == 403
    assert bruno_and_co.move(id_, "acknowledge", who="billing", version=version).status == 403
    for who in ("bruno", "admin", "carla"):
        assert bruno_and_co.move(id_, "done", who=who, version=version, text="x").status == 403
    assert bruno_and_co.move(id_, "comment", who="billing", version=version, text="se revisa").status == 200
    assert bruno_and_co.move(id_, "done", who="billing", version=version, text="x").status == 409
    done = bruno_and_co.move(id_, "done", who="billing", version=version + 1, text="se corrigió")
    assert done.status == 200
    (task,) = done.json["tasks"]
    assert (task["department"], task["done_by"], task["why"]["rule"]) == ("billing", "Berta Gil", "driver")
    assert task["done_at"]
    assert (done.json["state"], done.json["timeline"][-1]["text"]) == ("open", "se corrigió")
    assert bruno_and_co.move(id_, "done", who="billing", version=version + 2, text="x").status == 422


def test_a_task_that_was_not_done_at_the_resolution_is_asked_for_anew_when_the_case_is_opened_again(
    bruno_and_co: Desk,
) -> None:
    id_ = asked(bruno_and_co)
    world = bruno_and_co.world
    world.wait(timedelta(minutes=10))
    version = bruno_and_co.case("ORD-10099").version
    bruno_and_co.move(id_, "acknowledge", version=version)
    said = {"root_cause": "late_supplier", "action": "se repuso"}
    assert bruno_and_co.move(id_, "resolve", version=version + 1, **said).status == 200
    assert world.memory.notes["task:billing"] == set()
    assert bruno_and_co.move(id_, "reopen", version=version + 2, reason="sigue mal").status == 200
    world.wait(timedelta(minutes=10))
    assert calls_for_help(world, id_) == 2
    assert f"/cases/{id_}" in bruno_and_co.get("/cases", who="billing").text
