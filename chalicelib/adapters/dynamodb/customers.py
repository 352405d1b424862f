"""Keep people and addresses."""

from collections.abc import Sequence

from chalicelib.adapters.dynamodb import keys
from chalicelib.adapters.dynamodb.codec import decode, decode_as, encode_address, encode_customer, encode_past
from chalicelib.adapters.dynamodb.table import Put, Table
from chalicelib.domain.customer import Address, Customer, Past


class DynamoCustomers:
    """People and addresses in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, key: str, *, consistent: bool = True) -> Customer | None:
        return decode_as(Customer, self._table.get(keys.customer(key), consistent=consistent))

    def get_many(self, names: Sequence[str]) -> dict[str, Customer]:
        images = self._table.get_many([keys.customer(key) for key in names])
        found = (decode_as(Customer, image) for image in images)
        return {customer.key: customer for customer in found if customer}

    def address(self, key: str) -> Address | None:
        return decode_as(Address, self._table.get(keys.address(key)))

    def several(
        self, names: Sequence[str], address_names: Sequence[str], *, consistent: bool = True
    ) -> tuple[dict[str, Customer], dict[str, Address]]:
        wanted = [*map(keys.customer, names), *map(keys.address, address_names)]
        kept = [decode(image) for image in self._table.get_many(wanted, consistent=consistent)]
        customers = {each.key: each for each in kept if isinstance(each, Customer)}
        return customers, {each.key: each for each in kept if isinstance(each, Address)}

    def save(self, customer: Customer) -> None:
        self._table.put(Put(encode_customer(customer), over=customer.version - 1))

    def save_address(self, address: Address) -> None:
        self._table.put(Put(encode_address(address), over=address.version - 1))

    def save_many(self, customers: Sequence[Customer]) -> set[str]:
        lost = self._table.put_many([Put(encode_customer(each), over=each.version - 1) for each in customers])
        return {each.key for each in customers if keys.customer(each.key) in lost}

    def save_addresses(self, addresses: Sequence[Address]) -> set[str]:
        lost = self._table.put_many([Put(encode_address(each), over=each.version - 1) for each in addresses])
        return {each.key for each in addresses if keys.address(each.key) in lost}

    def put_away(self, pasts: Sequence[Past]) -> None:
        # Named by what it holds: one that is there already says the same.
        self._table.put_many([Put(encode_past(each), over=0) for each in pasts])

    def past(self, key: str) -> tuple[str, ...]:
        images = self._table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :past)",
            ExpressionAttributeValues={":pk": {"S": keys.customer(key)[0]}, ":past": {"S": keys.PAST}},
            ConsistentRead=True,
        )
        found = (decode_as(Past, image) for image in images)
        return tuple(dict.fromkeys(id_ for past in found if past for id_ in past.decisions))
