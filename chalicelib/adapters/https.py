"""Post to public machines over https, to the very address that was checked, within a few seconds.

Whoever chooses a webhook's address chooses what our network is asked to open. So a name is resolved once, all that it
resolves to must be public, and the connection goes to one of those addresses by number: a name that resolves otherwise
a moment later changes nothing. Redirects are not followed, for they would lead past all of this.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from http.client import HTTPConnection, HTTPException
from threading import Timer

from chalicelib.domain.destination import Destination, destination, is_public
from chalicelib.errors import CarrierRefused, CarrierUnclear

CONNECT_SECONDS_MAX = 4.0
POST_SECONDS_MAX = 10.0  # from the connection to the last header of the answer, however slowly it drips
ADDRESSES_MAX = 3  # of one name that are tried

GONE = 410
MOVED_FOR_GOOD = (301, 308)

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, Destination, float], socket.socket]


def resolve(host: str, port: int) -> list[str]:
    """Return what a name resolves to, in the order in which this machine would try it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[4][0]) for place in found))


def connect(address: str, to: Destination, seconds: float) -> socket.socket:
    """Return a connection to an address by number, which is not encrypted before its handshake."""
    raw = socket.create_connection((address, to.port), timeout=seconds)
    try:
        return _trust().wrap_socket(raw, server_hostname=to.host, do_handshake_on_connect=False)
    except BaseException:
        raw.close()
        raise


@cache
def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class PublicHttps:
    """Posts; what resolves and what connects can be handed in."""

    def __init__(self, resolve: Resolve = resolve, connect: Connect = connect) -> None:
        self._resolve, self._connect = resolve, connect

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Post a body once. Raises CarrierRefused or CarrierUnclear unless the answer is 2xx.

        What goes wrong is told without the address: it may hold a secret, as Slack's do.
        """
        to = _allowed(url)
        with self._open(to) as connection:
            status = _answer(connection, to, headers, body)
        _judge(status)

    @contextmanager
    def _open(self, to: Destination) -> Iterator[HTTPConnection]:
        opened = self._connected(to)
        connection = HTTPConnection(to.host, to.port)
        connection.sock = opened
        timer = Timer(POST_SECONDS_MAX, _break_off, [opened])
        timer.daemon = True
        timer.start()
        try:
            yield connection
        finally:
            timer.cancel()
            connection.close()

    def _connected(self, to: Destination) -> socket.socket:
        failure = "no address"
        for address in self._addresses(to)[:ADDRESSES_MAX]:
            try:
                return self._connect(address, to, CONNECT_SECONDS_MAX)
            except OSError as error:
                failure = type(error).__name__
        raise CarrierRefused(f"no connection to {to.host}: {failure}", permanent=False)

    def _addresses(self, to: Destination) -> list[str]:
        try:
            found = self._resolve(to.host, to.port)
        except (OSError, UnicodeError) as error:
            raise CarrierRefused(f"{to.host} cannot be resolved: {type(error).__name__}", permanent=False) from error
        # One that is not public condemns all: no name of a public machine leads inside as well.
        if not all(is_public(address) for address in found):
            raise CarrierRefused(f"{to.host} leads to an address that is not public", permanent=True)
        return sorted(found, key=lambda address: ":" in address)


def _allowed(url: str) -> Destination:
    try:
        return destination(url)
    except ValueError as error:
        raise CarrierRefused(f"the address {error}", permanent=True) from error


def _break_off(opened: socket.socket) -> None:
    # Of the plain socket below: whoever reads meanwhile, in another thread, is told that nothing more will come.
    with suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)


def _answer(connection: HTTPConnection, to: Destination, headers: Mapping[str, str], body: bytes) -> int:
    try:
        if isinstance(connection.sock, ssl.SSLSocket):
            connection.sock.do_handshake()
    except OSError as error:
        raise CarrierRefused(f"no trusted connection to {to.host}: {type(error).__name__}", permanent=False) from error
    try:
        connection.putrequest("POST", to.target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": to.authority, "Connection": "close", **headers}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse().status  # of the answer's body nothing is read
    except (OSError, HTTPException) as error:
        raise CarrierUnclear(f"{to.host} has not answered: {type(error).__name__}") from error


def _judge(status: int) -> None:
    if 200 <= status < 300:
        return
    if status == GONE:
        raise CarrierRefused("410: wants no more events", permanent=True)
    if status in MOVED_FOR_GOOD:
        raise CarrierRefused(f"{status}: has moved, and redirects are not followed", permanent=True)
    raise CarrierRefused(f"answered {status}", permanent=False)
