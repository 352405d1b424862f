"""Of two events of one person that are handled at once, one is asked about and one rests, wherever they meet."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import pytest

from chalicelib.adapters.links import SignedLinks
from chalicelib.adapters.memory import Memory, ports
from chalicelib.adapters.names import KeyedNames
from chalicelib.domain.policy import invitation_id
from chalicelib.flows import invite
from chalicelib.ports import Ports
from tests.contract.subject import Subject
from tests.domain.cast import FRIDAY_1630, organisation, sale
from tests.world import PlainMessages

LINKS = SignedLinks("https://lazo.example", {1: b"k" * 32})
WHERE_THEY_MEET = ("invitations", "customers")
CALLS_MAX = 40


def ports_of(kept: Subject) -> Ports:
    """Return ports whose records are those of one store; what sends stays in memory."""
    plain = ports(Memory(), links=LINKS, messages=PlainMessages(LINKS), names=KeyedNames(b"pepper"))
    own = {field.name: getattr(kept, field.name) for field in fields(Ports) if hasattr(kept, field.name)}
    made = replace(plain, **own)
    made.library.publish(organisation(), FRIDAY_1630)
    return made


@dataclass
class Meeting:
    """A port before one of whose calls (counted over all ports) something else happens, once."""

    port: Any
    count: list[int]
    place: int
    happens: Callable[[], object]

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.port, name)

        def called(*args: Any, **more: Any) -> Any:
            self.count[0] += 1
            if self.count[0] == self.place:
                self.happens()
            return method(*args, **more)

        return called


def event(id_: str, customer: str, email: str) -> dict[str, Any]:
    second = 1 if id_.startswith("b") else 0
    envelope = {"id": id_, "time": f"2026-03-06T21:00:0{second}Z"}
    return sale(reference=id_, customer={"id": customer, "email": email}, envelope=envelope)


@pytest.mark.parametrize("who", ["one customer", "one address"])
def test_whatever_call_they_meet_at_one_is_asked_and_one_rests(kept: Subject, who: str) -> None:
    made = ports_of(kept)
    for place in range(1, CALLS_MAX):
        ids, count = (f"a-{place}", f"b-{place}"), [0]
        email = f"ana{place}@example.com"
        other = f"c-{place}" if who == "one customer" else f"d-{place}"
        meet = partial(invite.handle, made, event(ids[1], other, email.upper()), FRIDAY_1630)
        met = {name: Meeting(getattr(made, name), count, place, meet) for name in WHERE_THEY_MEET}
        invite.handle(replace(made, **met), event(ids[0], f"c-{place}", email), FRIDAY_1630)
        if count[0] < place:
            assert place > 4, "a decision takes some calls"
            return
        records = [invitation_id("/crm", id_, "after-sale", "customer") for id_ in ids]
        reasons = [each.reason for each in made.invitations.get_many(records).values()]
        assert sorted(reasons, key=str) == [None, "resting"], f"they met before call {place}"
    raise AssertionError("a decision takes more calls than anybody thought")
