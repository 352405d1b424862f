"""Read and write the table: conditions on versions, batches, transactions, and what their failures mean."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.dynamodb.codec import Image, text_key
from chalicelib.adapters.dynamodb.keys import Key, id_of, sparse_names
from chalicelib.errors import Conflict, Overloaded, Unwritten

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_MAX = 100  # keys of one BatchGetItem
STATEMENTS_MAX = 25  # writes of one BatchExecuteStatement
TRANSACTION_MAX = 100  # writes of one TransactWriteItems
TRIES_MAX = 8
FIRST_WAIT_SECONDS = 0.02  # doubled each time: 2.5 s in all

LOST = frozenset({"ConditionalCheckFailedException", "TransactionConflictException"})
"""Errors that say: somebody else wrote first."""

LOST_STATEMENTS = frozenset({"ConditionalCheckFailed", "DuplicateItem"})
"""Errors of one write of a batch that say the same."""

PASSING_STATEMENTS = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)
"""Errors of one write of a batch after which it may be tried again."""

LOST_REASONS = frozenset({"None", "ConditionalCheckFailed", "TransactionConflict"})
"""Reasons of a cancelled transaction that say the same; any other is a fault."""


@dataclass(frozen=True)
class Put:
    """An item, and the version `v` that it may replace: 0 or "" where there must be none yet."""

    image: Image
    over: int | str

    def request(self, table: str) -> dict[str, Any]:
        """Return the call's parameters."""
        request = {"TableName": table, "Item": self.image}
        if not self.over:
            return {**request, "ConditionExpression": "attribute_not_exists(pk)"}
        over = {"S": self.over} if isinstance(self.over, str) else {"N": str(self.over)}
        return {**request, "ConditionExpression": "v = :over", "ExpressionAttributeValues": {":over": over}}

    @property
    def key(self) -> Key:
        """The item's key."""
        return self.image["pk"]["S"], self.image["sk"]["S"]

    def statement(self, table: str) -> dict[str, Any]:
        """Return the same as a PartiQL statement with its parameters, for a batch of writes."""
        if not self.over:
            return {"Statement": _insert(table, tuple(self.image)), "Parameters": [*self.image.values()]}
        kept = {name: value for name, value in self.image.items() if name not in ("pk", "sk")}
        over = {"S": self.over} if isinstance(self.over, str) else {"N": str(self.over)}
        return {
            "Statement": _update(table, tuple(kept), sparse_names(self.key)),
            "Parameters": [*kept.values(), self.image["pk"], self.image["sk"], over],
        }


@lru_cache  # items of a kind are alike
def _insert(table: str, names: tuple[str, ...]) -> str:
    values = ", ".join(f"'{name}': ?" for name in names)
    return f'INSERT INTO "{table}" VALUE {{{values}}}'


@lru_cache
def _update(table: str, kept: tuple[str, ...], sparse: tuple[str, ...]) -> str:
    # An update leaves what it does not name: what an item may have and this one has not, it must take away.
    gone = [name for name in sparse if name not in kept]
    changes = " ".join([*(f'SET "{name}" = ?' for name in kept), *(f'REMOVE "{name}"' for name in gone)])
    return f'UPDATE "{table}" {changes} WHERE "pk" = ? AND "sk" = ? AND "v" = ?'


@dataclass(frozen=True)
class PutNewer:
    """An item that may replace one of an earlier version, whichever, or none."""

    image: Image

    def request(self, table: str) -> dict[str, Any]:
        """Return the call's parameters."""
        return {
            "TableName": table,
            "Item": self.image,
            "ConditionExpression": "attribute_not_exists(pk) OR v < :v",
            "ExpressionAttributeValues": {":v": self.image["v"]},
        }


class Table:
    """One table, by its name."""

    def __init__(self, client: "DynamoDBClient", name: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def get(self, key: Key, *, consistent: bool = True) -> Image | None:
        """Return one item; None where there is none."""
        found = self._client.get_item(TableName=self._name, Key=text_key(key), ConsistentRead=consistent)
        image: Image | None = found.get("Item")
        return image

    def get_many(self, keys: Sequence[Key], *, consistent: bool = True) -> list[Image]:
        """Return those of the items that exist, in no order; raises Overloaded when not all could be read."""
        wanted = list(dict.fromkeys(keys))
        images: list[Image] = []
        for start in range(0, len(wanted), BATCH_MAX):
            images += self._get_batch([text_key(key) for key in wanted[start : start + BATCH_MAX]], consistent)
        return images

    def _get_batch(self, keys: list[Image], consistent: bool) -> list[Image]:
        images: list[Image] = []
        request: Any = {self._name: {"Keys": keys, "ConsistentRead": consistent}}
        for tried in range(TRIES_MAX):
            found = self._client.batch_get_item(RequestItems=request)
            images += found["Responses"].get(self._name, [])
            request = found.get("UnprocessedKeys")
            if not request:
                return images
            self._sleep(FIRST_WAIT_SECONDS * 2**tried)
        raise Overloaded(f"{len(request[self._name]['Keys'])} items could not be read")

    def put(self, put: Put | PutNewer) -> None:
        """Write one item; raises Conflict when its condition does not hold."""
        with conflicts():
            self._client.put_item(**put.request(self._name))

    def put_many(self, puts: Sequence[Put]) -> set[Key]:
        """Write items, each by itself, and return the keys of those whose condition did not hold.

        Raises Unwritten when some could not be, by the ids in their keys. An item may be there once only.
        """
        if len({put.key for put in puts}) < len(puts):
            raise ValueError("one batch writes an item once")
        lost: set[Key] = set()
        failed: dict[Key, str] = {}
        for start in range(0, len(puts), STATEMENTS_MAX):
            self._put_batch(puts[start : start + STATEMENTS_MAX], lost, failed)
        if failed:
            detail = f"{len(failed)} items could not be written: {', '.join(sorted(set(failed.values())))}"
            raise Unwritten(detail, (id_of(pk) for pk, _ in failed), (id_of(pk) for pk, _ in lost))
        return lost

    def _put_batch(self, puts: Sequence[Put], lost: set[Key], failed: dict[Key, str]) -> None:
        """Write items, and note those that lost, and those that could not be written with what was said of them."""
        busy: dict[Key, str] = {}
        for tried in range(TRIES_MAX):
            answers = self._answers(puts, is_first=not tried)
            said = {put.key: error for put, error in zip(puts, answers, strict=True) if error}
            lost.update(key for key, code in said.items() if code in LOST_STATEMENTS)
            busy = {key: code for key, code in said.items() if code in PASSING_STATEMENTS}
            failed.update((key, code) for key, code in said.items() if key not in lost and key not in busy)
            puts = [put for put in puts if put.key in busy]
            if not puts:
                return
            self._sleep(random.uniform(0.5, 1) * FIRST_WAIT_SECONDS * 2**tried)
        failed.update(busy)

    def _answers(self, puts: Sequence[Put], *, is_first: bool) -> list[str | None]:
        """Write items in one call, and return the code of each error. Raises what is wrong with the call as a whole."""
        statements: Any = [put.statement(self._name) for put in puts]
        try:
            answers = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except (ClientError, BotoCoreError) as error:
            if is_first:
                raise
            # What the tries before have written must not be forgotten for it.
            return [type(error).__name__] * len(puts)
        return [answer.get("Error", {}).get("Code") for answer in answers]

    def replace(self, image: Image) -> None:
        """Write one item whatever is there."""
        self._client.put_item(TableName=self._name, Item=image)

    def take(self, key: Key) -> Image | None:
        """Delete one item and return what it was: of several who take it at once, one gets it."""
        taken = self._client.delete_item(TableName=self._name, Key=text_key(key), ReturnValues="ALL_OLD")
        image: Image | None = taken.get("Attributes")
        return image

    def write(self, puts: Sequence[Put], updates: Sequence[dict[str, Any]] = ()) -> None:
        """Write all or none; raises Conflict when a condition does not hold, or another transaction is under way."""
        items: list[Any] = [{"Put": put.request(self._name)} for put in puts]
        items += [{"Update": {"TableName": self._name, **update}} for update in updates]
        with conflicts():
            self._client.transact_write_items(TransactItems=items)

    def update(self, **update: Any) -> None:
        """Change one item's attributes, whatever they are."""
        self._client.update_item(TableName=self._name, **update)

    def query(self, *, page: int | None = None, **query: Any) -> Iterator[Image]:
        """Return items in the order of their sort keys, fetched a page at a time while they are wanted."""
        request: dict[str, Any] = {"TableName": self._name, **query, **({"Limit": page} if page else {})}
        while True:
            found = self._client.query(**request)
            yield from found["Items"]
            if "LastEvaluatedKey" not in found:
                return
            request["ExclusiveStartKey"] = found["LastEvaluatedKey"]


@contextmanager
def conflicts() -> Iterator[None]:
    """Raise Conflict for errors that say that somebody else wrote first."""
    try:
        yield
    except ClientError as error:
        if is_conflict(error):
            raise Conflict(str(error)) from error
        raise


def is_conflict(error: ClientError) -> bool:
    """Say whether an error means that somebody else wrote first."""
    code = error.response["Error"]["Code"]
    if code != "TransactionCanceledException":
        return code in LOST
    reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    return bool(reasons) and set(reasons) <= LOST_REASONS
