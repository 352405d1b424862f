"""Mend what the embedded AWS leaves out, so that streams, sequence numbers and expiry are as on AWS."""

import copy
import importlib
import threading
from collections.abc import Callable
from typing import Any

Item = dict[str, Any]
Answer = tuple[int, dict[str, str], Any]
Key = tuple[str, str] | None

TTL_PRINCIPAL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def load_dynamodb() -> Any:
    """Import the table service without its reaper, which would expire items by the machine's clock."""
    start = threading.Thread.start

    def start_unless_reaper(self: threading.Thread) -> None:
        if self.name != "dynamodb-ttl-reaper":
            start(self)

    threading.Thread.start = start_unless_reaper  # type: ignore[method-assign]  # the reaper starts at import
    try:
        return importlib.import_module("ministack.services.dynamodb")
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]  # put back


def stream_partiql(dynamodb: Any) -> None:
    """Let PartiQL writes emit stream records, and aborted transactions none."""

    def insert_key(table: Item, parsed: Item) -> Key:
        item = parsed.get("item", {})
        item = item["M"] if set(item) == {"M"} else item
        return _key_of(dynamodb, table, item)

    def where_key(table: Item, parsed: Item) -> Key:
        pk, sk, _, error = dynamodb._partiql_key_target(table, parsed)
        return None if error else (pk, sk)

    for name, key in (("_partiql_insert", insert_key), ("_partiql_update", where_key), ("_partiql_delete", where_key)):
        setattr(dynamodb, name, _emitting(dynamodb, getattr(dynamodb, name), key))
    dynamodb._execute_transaction = _all_or_nothing(dynamodb, dynamodb._execute_transaction)


def _key_of(dynamodb: Any, table: Item, item: Item) -> tuple[str, str]:
    sk = dynamodb._extract_key_val(item.get(table["sk_name"])) if table["sk_name"] else "__no_sort__"
    return dynamodb._extract_key_val(item.get(table["pk_name"])), sk


def _emitting(
    dynamodb: Any, write: Callable[..., Answer], key_of: Callable[[Item, Item], Key]
) -> Callable[..., Answer]:
    def image(table: Item, key: tuple[str, str]) -> Item | None:
        item: Item | None = table["items"].get(key[0], {}).get(key[1])
        return copy.deepcopy(item)

    def write_and_emit(table: Item, parsed: Item, *rest: Any) -> Answer:
        key = key_of(table, parsed)
        before = image(table, key) if key else None
        answer = write(table, parsed, *rest)
        if key and answer[0] == 200 and (after := image(table, key)) != before:
            kind = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
            dynamodb._emit_stream_event(table["TableName"], kind, before, after)
        return answer

    return write_and_emit


def _all_or_nothing(dynamodb: Any, execute: Callable[[Item], Answer]) -> Callable[[Item], Answer]:
    def execute_or_take_back(request: Item) -> Answer:
        before = {scope: len(records) for scope, records in dynamodb._stream_records._data.items()}
        answer = execute(request)
        if answer[0] != 200:
            for scope, records in dynamodb._stream_records._data.items():
                del records[before.get(scope, 0) :]
        return answer

    return execute_or_take_back


def number_by_counting(dynamodb: Any) -> None:
    """Number stream records 1, 2, 3, …: a machine whose clock is set back must not reorder them."""

    def next_number() -> str:
        with dynamodb._stream_seq_lock:
            dynamodb._stream_seq_counter += 1
            return f"{dynamodb._stream_seq_counter:030d}"

    dynamodb._next_stream_seq = next_number


def poll_at_once(sqs: Any) -> None:
    """Let a long poll of an empty queue end at once: here it has seen all of it, where AWS may have missed a part."""
    receive = sqs._HANDLERS["ReceiveMessage"]

    async def at_once(data: dict[str, Any], address: str) -> Any:
        return await receive({**data, "WaitTimeSeconds": 0}, address)

    sqs._HANDLERS["ReceiveMessage"] = at_once


def expire(dynamodb: Any, now: float) -> int:
    """Delete the items whose time to live has passed at `now` (epoch seconds); return how many."""
    expired = 0
    for (account, region, name), setting in list(dynamodb._ttl_settings.all_items()):
        table = dynamodb._tables.get_scoped(account, region, name)
        if table and setting.get("TimeToLiveStatus") == "ENABLED":
            expired += sum(_remove(dynamodb, table, *due) for due in _expired(table, setting["AttributeName"], now))
    return expired


def _expired(table: Item, attribute: str, now: float) -> list[tuple[str, str]]:
    due = []
    for pk, rows in table["items"].items():
        for sk, item in rows.items():
            ends = item.get(attribute, {}).get("N")
            if ends is not None and float(ends) <= now:
                due.append((pk, sk))
    return due


def _remove(dynamodb: Any, table: Item, pk: str, sk: str) -> int:
    item = table["items"][pk][sk]
    dynamodb._remove_item(table, pk, sk)
    dynamodb._emit_stream_event(table["TableName"], "REMOVE", item, None)
    dynamodb._stream_records[table["TableName"]][-1]["userIdentity"] = TTL_PRINCIPAL
    return 1
