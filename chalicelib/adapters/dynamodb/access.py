"""Keep who may read and act, under the hashes of their tokens."""

from datetime import datetime
from math import ceil

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import decode_as, encode_principal
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.ports import Principal


class DynamoAccess:
    """Tokens in the table: whoever reads it can open nothing with what is there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def principal(self, token: str) -> Principal | None:
        return decode_as(Principal, self._table.get(keys.token(token)))

    def grant(self, token: str, principal: Principal, until: datetime | None = None) -> None:
        ends = {keys.TTL: {"N": str(ceil(until.timestamp()))}} if until else {}
        self._table.replace(encode_principal(token, principal) | ends)

    def take(self, token: str) -> Principal | None:
        return decode_as(Principal, self._table.take(keys.token(token)))
