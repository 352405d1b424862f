"""Make links and names from secrets when they are first needed, and anew when a key was rotated."""

from collections.abc import Callable, Mapping
from functools import cached_property

from chalicelib.adapters.links import SignedLinks, key_number
from chalicelib.adapters.names import KeyedNames
from chalicelib.domain.terms import Channel
from chalicelib.ports import Purpose, Ticket

Keys = Callable[[int | None], Mapping[int, bytes]]
"""Returns the keys as they are now; given a number, one that must be among them if it is anywhere."""


class FreshLinks:
    """Links signed with the keys as they are now: the function that opens pages reads nothing else secret."""

    def __init__(self, base: str, keys: Keys) -> None:
        self._base, self._keys = base, keys
        self._made: tuple[Mapping[int, bytes], SignedLinks] | None = None

    def url(self, purpose: Purpose, ticket: Ticket) -> str:
        return self._links().url(purpose, ticket)

    def page(self, path: str) -> str:
        return self._links().page(path)

    def read(self, purpose: Purpose, token: str) -> Ticket:
        return self._links(key_number(token)).read(purpose, token)

    def _links(self, number: int | None = None) -> SignedLinks:
        keys = self._keys(number)
        if self._made is None or self._made[0] != keys:
            self._made = keys, SignedLinks(self._base, keys)
        return self._made[1]


class LateNames:
    """Keyed names whose pepper is read when the first name is needed."""

    def __init__(self, pepper: Callable[[], bytes]) -> None:
        self._pepper = pepper

    @cached_property
    def _names(self) -> KeyedNames:
        return KeyedNames(self._pepper())

    def customer(self, id_: str) -> str:
        return self._names.customer(id_)

    def address(self, channel: Channel, address: str) -> str:
        return self._names.address(channel, address)
