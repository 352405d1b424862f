"""Count every AWS call of this process, and every unit of the table by AWS's rules.

It hangs on botocore's events, so nothing is left out and no flow knows of it. A mirror of what the table holds says
what an item was before: what a write costs depends on that. The emulator's own figures are never read.
"""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import units
from bench.units import Image, Index

Key = tuple[str, str]
Json = Mapping[str, Any]
Look = Callable[[str, Key], Image | None]
"""Reads one item of a table past the meter."""

NAMED = re.compile(r"""["'](\w+)["']\s*[:=]\s*\?""")
"""The attribute that each parameter of a statement is of, in their order."""

PUBLIC_NAMES = ("INVITATION#", "CUSTOMER#", "ADDRESS#", "EVENT#", "ROLLUP#", "LANE#", "SURVEY#", "TOKEN#")


@dataclass(frozen=True)
class Charge:
    """Where units went: for which path, by which call, on which kind of item."""

    path: str
    call: str
    item: str


@dataclass
class Tally:
    """What was counted: calls, and units by where they went."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each call ("sqs.SendMessageBatch") was made for each path."""
    waits: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each service was waited for, for each path: calls under way together are waited for once."""
    reads: Counter[Charge] = field(default_factory=Counter)
    writes: Counter[Charge] = field(default_factory=Counter)

    def waits_of(self, path: str) -> dict[str, int]:
        """Return a path's waits by service."""
        return {service: count for (of, service), count in self.waits.items() if of == path}

    def calls_of(self, path: str) -> dict[str, int]:
        """Return a path's calls by name."""
        return {call: count for (of, call), count in self.calls.items() if of == path}

    def read_units(self, *paths: str) -> float:
        """Return the read units of some paths."""
        return sum(count for charge, count in self.reads.items() if charge.path in paths)

    def write_units(self, *paths: str) -> float:
        """Return the write units of some paths."""
        return sum(count for charge, count in self.writes.items() if charge.path in paths)


class Meter:
    """Counts while it is attached; `path` says for whom."""

    def __init__(self, indexes: Sequence[Index], look: Look) -> None:
        self.indexes = tuple(indexes)
        self.tally = Tally()
        self.path = "-"
        self.mirror: dict[tuple[str, Key], Image] = {}
        self._look = look
        self._under_way = 0

    def attach(self, session: Any) -> None:
        """Listen to every client that the session makes from now on."""
        session.register("before-parameter-build.*", self._asked)
        session.register("after-call.*", self._answered)

    def _asked(self, **told: Any) -> None:
        told["context"]["metered"] = told["params"]
        if not self._under_way:
            self.tally.waits[self.path, told["model"].service_model.service_name] += 1
        self._under_way += 1

    def _answered(self, **told: Any) -> None:
        self._under_way -= 1
        model, answer = told["model"], told["parsed"]
        error = answer.get("Error", {}).get("Code", "")
        self.count(model.service_model.service_name, model.name, told["context"]["metered"], answer, error)

    def count(self, service: str, operation: str, params: Json, answer: Json, error: str = "") -> None:
        """Count one call, whoever made it."""
        call = f"{service}.{operation}"
        # Each event of a call is paid for by itself.
        self.tally.calls[self.path, call] += len(params["Entries"]) if operation == "PutEvents" else 1
        if service == "dynamodb" and operation in _RULES:
            _RULES[operation](self, _Call(operation, params, answer, error))

    def charge_read(self, call: str, item: str, units_: float) -> None:
        """Note read units."""
        self.tally.reads[Charge(self.path, call, item)] += units_  # type: ignore[assignment]  # halves

    def write(self, call: "_Call", table: str, key: Key, new: Image | None, *, in_transaction: bool = False) -> None:
        """Note the write units of one item's change, and keep what it is now."""
        old = self.mirror.get((table, key))
        if call.error:
            charged = units.refused_units(old, new, in_transaction=in_transaction)
        else:
            charged = units.write_units(old, new, self.indexes, in_transaction=in_transaction)
            self._keep(table, key, new)
        self.tally.writes[Charge(self.path, call.operation, kind_of(key))] += charged

    def _keep(self, table: str, key: Key, new: Image | None) -> None:
        if new is None:
            self.mirror.pop((table, key), None)
        else:
            self.mirror[table, key] = new

    def look(self, table: str, key: Key) -> Image | None:
        """Return an item as it is now."""
        return self._look(table, key)

    def stored_bytes(self) -> int:
        """Return what everything that was written takes of the paid storage."""
        return sum(units.stored_bytes(image, self.indexes) for image in self.mirror.values())


@dataclass(frozen=True)
class _Call:
    operation: str
    params: Json
    answer: Json
    error: str


def kind_of(key: Key) -> str:
    """Return what kind of item a key names, without any id.

    >>> kind_of(("INVITATION#4f…", "CASE#000001"))
    'INVITATION/CASE#'
    """
    partition = key[0].partition("#")[0]
    sort, number, _ = key[1].partition("#")
    return partition if partition != "INVITATION" or sort == "INVITATION" else f"{partition}/{sort}{number}"


def plain(image: Json) -> Image:
    """Return an item of DynamoDB's JSON with its binary values as bytes."""
    return {name: _bytes_in(value) for name, value in image.items()}


def _bytes_in(value: Json) -> Any:
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: b64decode(content) if isinstance(content, str) else content}
    return value


def _key(image: Json) -> Key:
    return image["pk"]["S"], image["sk"]["S"]


def _get(meter: Meter, call: _Call) -> None:
    consistent = bool(call.params.get("ConsistentRead"))
    size = units.size_of(call.answer.get("Item"))
    meter.charge_read(call.operation, kind_of(_key(call.params["Key"])), units.read(size, consistent=consistent))


def _get_batch(meter: Meter, call: _Call) -> None:
    for table, asked in call.params["RequestItems"].items():
        found = {_key(image): image for image in call.answer.get("Responses", {}).get(table, ())}
        for key in map(_key, asked["Keys"]):
            charged = units.read(units.size_of(found.get(key)), consistent=bool(asked.get("ConsistentRead")))
            meter.charge_read(call.operation, kind_of(key), charged)


def _query(meter: Meter, call: _Call) -> None:
    items: Iterable[Image] = call.answer.get("Items", ())
    size = sum(map(units.size_of, items))
    index = call.params.get("IndexName")
    item = f"index {index}" if index else _queried(call.params)
    meter.charge_read(call.operation, item, units.read(size, consistent=bool(call.params.get("ConsistentRead"))))


def _queried(params: Json) -> str:
    texts = [value["S"] for value in params.get("ExpressionAttributeValues", {}).values() if "S" in value]
    return next((text.partition("#")[0] for text in texts if text.startswith(PUBLIC_NAMES)), "?")


def _put(meter: Meter, call: _Call, *, in_transaction: bool = False) -> None:
    image = call.params["Item"]
    meter.write(call, call.params["TableName"], _key(image), image, in_transaction=in_transaction)


def _delete(meter: Meter, call: _Call, *, in_transaction: bool = False) -> None:
    meter.write(call, call.params["TableName"], _key(call.params["Key"]), None, in_transaction=in_transaction)


def _update(meter: Meter, call: _Call, *, in_transaction: bool = False) -> None:
    # What an expression makes of an item is read, not worked out a second time.
    table, key = call.params["TableName"], _key(call.params["Key"])
    meter.write(call, table, key, meter.look(table, key), in_transaction=in_transaction)


def _statements(meter: Meter, call: _Call) -> None:
    """Count a batch of PartiQL writes: each by itself, with an answer of its own."""
    asked: list[Json] = call.params["Statements"]
    answers: list[Json] = call.answer.get("Responses") or [{}] * len(asked)
    for statement, answer in zip(asked, answers, strict=True):
        text: str = statement["Statement"]
        kind, table = text.split(" ", 1)[0], text.split('"')[1]
        given = dict(zip(NAMED.findall(text), statement["Parameters"], strict=True))
        error = call.error or answer.get("Error", {}).get("Code", "")
        made = _Call(f"Batch{kind.title()}", given, answer, error)
        meter.write(made, table, _key(given), meter.look(table, _key(given)))


def _transaction(meter: Meter, call: _Call) -> None:
    for action in call.params["TransactItems"]:
        ((kind, params),) = action.items()
        _ACTIONS[kind](meter, _Call(f"Transact{kind}", params, call.answer, call.error), in_transaction=True)


def _check(meter: Meter, call: _Call, *, in_transaction: bool = False) -> None:
    table, key = call.params["TableName"], _key(call.params["Key"])
    meter.write(call, table, key, meter.mirror.get((table, key)), in_transaction=in_transaction)


_ACTIONS: dict[str, Any] = {"Put": _put, "Update": _update, "Delete": _delete, "ConditionCheck": _check}
_RULES: dict[str, Callable[[Meter, _Call], None]] = {
    "GetItem": _get,
    "BatchGetItem": _get_batch,
    "Query": _query,
    "PutItem": _put,
    "UpdateItem": _update,
    "DeleteItem": _delete,
    "TransactWriteItems": _transaction,
    "BatchExecuteStatement": _statements,
}
