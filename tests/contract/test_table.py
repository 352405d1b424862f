"""What the table itself holds: indexes, hashes, images of its stream, and what its failures mean."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import decode, encode_invitation
from chalicelib.adapters.dynamodb.counters import DynamoCounters
from chalicelib.adapters.dynamodb.invitations import DynamoInvitations
from chalicelib.adapters.dynamodb.lane import Limits
from chalicelib.adapters.dynamodb.stream import change_of
from chalicelib.adapters.dynamodb.table import Put, Table, is_conflict
from chalicelib.adapters.memory import Memory
from chalicelib.domain.organisation import Department, Staff
from chalicelib.domain.rollup import Row
from chalicelib.domain.survey import Survey
from chalicelib.errors import Conflict, Invalid, Overloaded, Unwritten
from chalicelib.ports import Change, Principal
from tests.contract.cast import HOUR, NOW, answered, case, customer, entry, id_of, invitation, next_of, organisation
from tests.contract.subject import Embedded, Subject, in_memory, on_dynamodb


@pytest.fixture
def kept(embedded: Embedded) -> Subject:
    """The stores on DynamoDB."""
    return on_dynamodb(embedded)


def test_the_due_index_holds_what_is_due_and_nothing_else(kept: Subject, embedded: Embedded) -> None:
    first = invitation()
    kept.invitations.create(first)
    assert embedded.index("due") == [keys.invitation(first.id)]
    kept.invitations.save_with_case(answered(first), case(), entry())
    assert embedded.index("due") == [keys.case(first.id)]
    resolved = next_of(case(), state="resolved", resolved_at=NOW, ladder=(), notices=())
    kept.cases.save(resolved)
    assert embedded.index("due") == []
    kept.customers.save(customer())
    assert embedded.index("due") == []


def test_the_department_index_holds_every_case_once(kept: Subject, embedded: Embedded) -> None:
    first = invitation()
    kept.invitations.create(first)
    assert embedded.index("department") == []
    kept.invitations.save_with_case(answered(first), case(), entry())
    kept.cases.save(next_of(case(), state="resolved", resolved_at=NOW))
    assert embedded.index("department") == [keys.case(first.id)]


def test_no_token_is_in_the_table(kept: Subject, embedded: Embedded) -> None:
    kept.access.grant("a very secret token", Principal(id="u-1", role="admin", name="Carla"))
    (item,) = embedded.items()
    everything = repr(item) + repr(decode(item))
    assert "secret" not in everything
    assert "Carla" in everything


def test_a_one_time_token_forgets_itself(kept: Subject, embedded: Embedded) -> None:
    until = NOW + timedelta(minutes=15, milliseconds=1)
    kept.access.grant("t", Principal(id="u-1", role="admin", name="Carla"), until)
    (item,) = embedded.items()
    assert int(item["ttl"]["N"]) == int(until.timestamp()) + 1


def test_every_publication_stays_on_record(kept: Subject, embedded: Embedded) -> None:
    kept.library.publish(organisation(), NOW)
    kept.library.publish(organisation(name="El Tornillo SA"), NOW + HOUR)
    found = sorted(item["sk"]["S"] for item in embedded.items() if item["pk"]["S"] == "ORGANISATION")
    assert found == ["CURRENT", "VERSION#2026-03-06T21:30:00.000Z", "VERSION#2026-03-06T22:30:00.000Z"]


def _noise(number: int) -> str:
    return "".join(id_of(1_000 * number + place) for place in range(40))


def test_an_organisation_too_large_to_keep_is_refused_whole(kept: Subject, embedded: Embedded) -> None:
    staff = tuple(Staff(id=id_of(number), name=_noise(number)[:200]) for number in range(5_000))
    huge = Department(id="huge", name={"es": "h"}, alert_to=("h@example.com",), head=staff[0], people=staff)
    with pytest.raises(Invalid, match="350,000"):
        kept.library.publish(organisation(departments=(*organisation().departments, huge)), NOW)
    assert embedded.items() == []


def test_lanes_are_added_up_whichever_there_are(embedded: Embedded) -> None:
    counters = DynamoCounters(embedded.table())
    for number in range(40):
        counters.add(f"shard-{number}", [Row("case", "all", "all", "2026-03-06", {"n": 1})], last="", end="1")
    lanes = {item["pk"]["S"] for item in embedded.items() if item["pk"]["S"].startswith("LANE#")}
    assert len(lanes) == keys.LANES
    assert counters.series("case", "all", "all", "2026-03-06", "2026-03-06") == {"2026-03-06": {"n": 40}}


AT_ONCE = Limits(ages=1, batches=1)
"""Every row leaves its lane as soon as it is counted."""


class Watched(Table):
    """A table that remembers its updates."""

    updates = 0

    def update(self, **update: Any) -> None:
        """Count, and do it."""
        self.updates += 1
        super().update(**update)


def test_a_known_value_is_entered_once(embedded: Embedded) -> None:
    row = Row("case", "all", "all", "2026-03-06", {"n": 1})
    first, later = (Watched(embedded.dynamodb, embedded.table_name) for _ in range(2))
    counters = DynamoCounters(first, AT_ONCE)
    counters.add("s", [row], last="", end="1")
    counters.add("s", [row], last="1", end="2")
    DynamoCounters(later, AT_ONCE).add("s", [row], last="2", end="3")  # a process that starts later reads first
    assert (first.updates, later.updates) == (1, 0)


def changes(embedded: Embedded) -> list[Change]:
    """Return the table's stream as Lambda would hand it over."""
    return [change_of(record) for record in embedded.aws.records(embedded.table_name, 0, 1_000)["records"]]


def test_the_stream_tells_what_became_of_what(kept: Subject, embedded: Embedded) -> None:
    first = invitation()
    kept.invitations.create(first)
    kept.invitations.save_with_case(answered(first), case(), entry())
    kept.customers.save(customer())
    told = changes(embedded)
    assert [(change.old, change.new) for change in told if change.new] == [
        (None, first),
        (first, answered(first)),
        (None, case()),
    ]
    assert all(change.readable for change in told)
    assert [change.sequence for change in told] == sorted({change.sequence for change in told})
    assert {len(change.sequence) for change in told} == {40}


def test_the_memory_tells_the_same(kept: Subject, embedded: Embedded) -> None:
    memory = Memory()
    for stores in (kept, in_memory(memory)):
        stores.invitations.create(invitation())
        stores.invitations.create(invitation())
        stores.invitations.save_with_case(answered(invitation()), case(), entry())
        stores.cases.save(next_of(case(), notices=()))
    told = [(change.old, change.new) for change in changes(embedded) if change.new]
    assert told == [(change.old, change.new) for change in memory.changes]


@pytest.mark.parametrize("broken", [{}, {"v": {"N": "1"}}, {"v": {"N": "1"}, "body": {"B": "AAAA"}}])
def test_a_record_that_cannot_be_read_is_told_as_such(embedded: Embedded, broken: dict[str, Any]) -> None:
    embedded.table().replace({"pk": {"S": f"INVITATION#{id_of(1)}"}, "sk": {"S": "INVITATION"}} | broken)
    (change,) = changes(embedded)
    assert not change.readable
    assert change.new is None


class Sparing:
    """A client whose batches return one item at a time, `gives` times."""

    def __init__(self, client: Any, gives: int) -> None:
        self.client = client
        self.gives = gives

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803  # boto3's
        """Read the first key only."""
        ((name, asked),) = RequestItems.items()
        if not self.gives:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        self.gives -= 1
        first, rest = asked["Keys"][:1], asked["Keys"][1:]
        found = self.client.batch_get_item(RequestItems={name: {**asked, "Keys": first}})
        return {**found, "UnprocessedKeys": {name: {**asked, "Keys": rest}} if rest else {}}


def test_keys_that_were_not_read_are_asked_for_again(embedded: Embedded, kept: Subject) -> None:
    for number in range(4):
        kept.invitations.create(invitation(number))
    waits: list[float] = []
    client: Any = Sparing(embedded.dynamodb, gives=4)
    table = Table(client, embedded.table_name, sleep=waits.append)
    assert len(table.get_many([keys.invitation(id_of(number)) for number in range(4)])) == 4
    assert waits == [0.02, 0.04, 0.08]


def test_keys_that_are_never_read_are_an_error(embedded: Embedded) -> None:
    client: Any = Sparing(embedded.dynamodb, gives=0)
    table = Table(client, embedded.table_name, sleep=lambda seconds: None)
    with pytest.raises(Overloaded, match="1 items"):
        table.get_many([keys.invitation(id_of(1))])


def cancelled(*reasons: str) -> ClientError:
    """Return the error of a cancelled transaction."""
    told: Any = [{"Code": reason} for reason in reasons]
    response: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": told}
    return ClientError(response, "TransactWriteItems")


def test_a_lost_race_is_a_conflict_and_a_fault_is_not() -> None:
    assert is_conflict(cancelled("None", "ConditionalCheckFailed"))
    assert is_conflict(cancelled("TransactionConflict", "None"))
    assert is_conflict(ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem"))
    assert is_conflict(ClientError({"Error": {"Code": "TransactionConflictException"}}, "PutItem"))
    assert not is_conflict(cancelled("ConditionalCheckFailed", "ValidationError"))
    assert not is_conflict(cancelled("ThrottlingError"))
    assert not is_conflict(cancelled())
    assert not is_conflict(ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "PutItem"))


def test_a_fault_goes_on_as_it_is(embedded: Embedded) -> None:
    nowhere = Table(embedded.dynamodb, "no-such-table")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        nowhere.put(Put(encode_invitation(invitation()), over=0))


def test_a_creation_that_meets_a_lock_decides_nothing(embedded: Embedded) -> None:
    class Locked:
        """A table whose items are locked by a transaction."""

        def put_item(self, **request: Any) -> None:
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "PutItem")

        def get_item(self, **request: Any) -> dict[str, Any]:
            return {}

    client: Any = Locked()
    with pytest.raises(Conflict):
        DynamoInvitations(Table(client, "table")).create(invitation())


def test_surveys_are_kept_whole_and_small(kept: Subject, embedded: Embedded) -> None:
    kept.library.publish(organisation(), NOW)
    (item,) = [item for item in embedded.items() if item["pk"]["S"].startswith("SURVEY#")]
    survey = kept.library.survey(item["pk"]["S"].partition("#")[2])
    assert isinstance(survey, Survey)
    assert item["pk"]["S"] == f"SURVEY#{survey.version}"
    assert len(item["body"]["B"]) < len(survey.model_dump_json())


class Busy:
    """A client whose batches answer for some writes that the table was busy, as often as is said."""

    def __init__(self, client: Any, code: str, times: int) -> None:
        self._client, self.code, self.times = client, code, times
        self.asked: list[int] = []

    def batch_execute_statement(self, *, Statements: list[Any]) -> Any:  # noqa: N803  # AWS's own name
        """Refuse the last statement while there are times left, and pass the others on."""
        self.asked.append(len(Statements))
        if not self.times:
            return self._client.batch_execute_statement(Statements=Statements)
        self.times -= 1
        answers = (
            self._client.batch_execute_statement(Statements=Statements[:-1])["Responses"] if Statements[1:] else []
        )
        return {"Responses": [*answers, {"Error": {"Code": self.code, "Message": "not now"}}]}


@pytest.mark.parametrize("code", ["ThrottlingError", "TransactionConflict", "InternalServerError"])
def test_one_write_of_a_batch_that_meets_a_busy_table_is_tried_again_alone(embedded: Embedded, code: str) -> None:
    busy, waits = Busy(embedded.dynamodb, code, 2), list[float]()
    invitations = DynamoInvitations(Table(busy, embedded.table_name, sleep=waits.append))  # type: ignore[arg-type]  # the one call
    made = [invitation(number) for number in range(3)]
    assert invitations.create_many(made) == {each.id for each in made}
    assert busy.asked == [3, 1, 1]
    assert 0 < waits[0] <= 0.02
    assert 0.02 <= waits[1] <= 0.04


def test_a_table_that_stays_busy_is_told_and_the_neighbours_are_written(embedded: Embedded) -> None:
    busy = Busy(embedded.dynamodb, "ProvisionedThroughputExceeded", 99)
    invitations = DynamoInvitations(Table(busy, embedded.table_name, sleep=lambda _: None))  # type: ignore[arg-type]  # the one call
    with pytest.raises(Overloaded, match="1 items"):
        invitations.create_many([invitation(1), invitation(2)])
    kept = on_dynamodb(embedded).invitations
    assert set(kept.get_many([id_of(1), id_of(2)])) == {id_of(1)}


def test_what_would_never_be_written_is_an_error(embedded: Embedded) -> None:
    busy = Busy(embedded.dynamodb, "ValidationError", 1)
    invitations = DynamoInvitations(Table(busy, embedded.table_name))  # type: ignore[arg-type]  # the one call
    with pytest.raises(Unwritten, match="ValidationError"):
        invitations.create_many([invitation(1), invitation(2)])


@pytest.mark.parametrize("code", ["ValidationError", "ProvisionedThroughputExceeded"])
def test_what_could_not_be_written_is_named_apart_from_what_lost_and_what_was_written(
    embedded: Embedded, code: str
) -> None:
    kept = on_dynamodb(embedded).invitations
    made = [invitation(number) for number in range(3)]
    kept.create_many(made)
    kept.save(made[0].moved())
    busy = Busy(embedded.dynamodb, code, 99)
    invitations = DynamoInvitations(Table(busy, embedded.table_name, sleep=lambda _: None))  # type: ignore[arg-type]  # the one call
    with pytest.raises(Unwritten) as told:
        invitations.save_many([each.moved(trapped=True) for each in made])
    assert (set(told.value.lost), set(told.value.names)) == ({made[0].id}, {made[2].id})
    assert [each.trapped for each in kept.get_many([each.id for each in made]).values()].count(True) == 1


def test_what_the_first_try_wrote_is_known_though_the_second_fails(embedded: Embedded) -> None:
    class Broken(Busy):
        """A client that is busy once and then out of reach."""

        def batch_execute_statement(self, *, Statements: list[Any]) -> Any:  # noqa: N803  # AWS's own name
            """Refuse the last statement, and then everything."""
            if not self.times:
                raise ClientError({"Error": {"Code": "InternalServerError"}}, "BatchExecuteStatement")
            return super().batch_execute_statement(Statements=Statements)

    client: Any = Broken(embedded.dynamodb, "ThrottlingError", 1)
    invitations = DynamoInvitations(Table(client, embedded.table_name, sleep=lambda _: None))
    with pytest.raises(Unwritten) as told:
        invitations.create_many([invitation(1), invitation(2)])
    assert (sorted(told.value.lost), sorted(told.value.names)) == ([], [id_of(2)])


def test_a_batch_leaves_items_as_single_writes_do_index_and_all(kept: Subject, embedded: Embedded) -> None:
    made = [invitation(number) for number in range(26)]
    kept.invitations.create_many(made)
    created = embedded.items()
    assert sorted(embedded.index("due")) == sorted(keys.invitation(each.id) for each in made)
    sent = [each.moved(state="sent", send_at=None, sent_at=NOW) for each in made]
    kept.invitations.save_many(sent)
    assert embedded.index("due") == []
    wanted = {repr(sorted(encode_invitation(each).items())) for each in sent}
    assert {repr(sorted(item.items())) for item in embedded.items()} == wanted
    due = [each.moved(remind_at=NOW + HOUR) for each in sent]
    kept.invitations.save_many(due)
    assert len(embedded.index("due")) == (26 if due[0].due_at else 0)
    assert {repr(sorted(item.items())) for item in created} == {
        repr(sorted(encode_invitation(each).items())) for each in made
    }


def test_every_attribute_that_an_item_may_lack_is_known_to_batches() -> None:
    due, still = invitation(), invitation(send_at=None, state="sent")
    assert set(encode_invitation(due)) - set(encode_invitation(still)) == set(keys.sparse_names(keys.invitation("x")))
    assert set(keys.due_keys(case())) | set(keys.department_keys(case())) == set(keys.sparse_names(keys.case("x")))
