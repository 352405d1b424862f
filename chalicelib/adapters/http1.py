"""Post over one kept connection and read the answer, as HTTP/1.1 has it and AWS uses it.

The standard library's client loads its e-mail parser for the headers, which costs a start 25 ms and each call most of
its time. Nothing here is tried again: who asks decides that.
"""

import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

HEAD_BYTES_MAX = 64 * 1024
RECEIVE_BYTES = 64 * 1024
LAST_SECONDS = 0.05
"""Given to an answer that is late already: it may have come while others were waited for."""


class NotConnected(Exception):
    """There is no connection: nothing has left."""


class TimedOut(Exception):
    """It took too long: while connecting nothing has left, later it may have."""


class Broken(Exception):
    """The connection broke, or what came is no answer: what was sent may have arrived."""


@dataclass(frozen=True)
class Reply:
    """An answer; its headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    keeps: bool
    """Whether the connection may be used again."""


class Connection:
    """One connection, used by one caller at a time. Raises NotConnected, or TimedOut, when there is none."""

    def __init__(self, host: str, port: int, scheme: str, connect_seconds: float, read_seconds: float) -> None:
        try:
            plain = socket.create_connection((host, port), connect_seconds)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._socket = _tls().wrap_socket(plain, server_hostname=host) if scheme == "https" else plain
            self._socket.settimeout(read_seconds)
        except TimeoutError as error:
            raise TimedOut("while connecting") from error
        except OSError as error:
            raise NotConnected(str(error)) from error
        self._read_seconds = read_seconds
        self._read = bytearray()
        """What has come and is not yet used."""

    def is_dropped(self) -> bool:
        """Say whether the other side has hung up: an idle connection that can be read has nothing good to say."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def post(self, head: bytes, body: bytes) -> None:
        """Send a request; raises TimedOut or Broken, and is of no further use then."""
        self._answer_by = time.monotonic() + self._read_seconds
        try:
            self._socket.sendall(head + body)
        except (OSError, ValueError) as error:
            raise self._closed_by(error) from error

    def reply(self) -> Reply:
        """Wait for the answer to what was sent; raises TimedOut or Broken, and is of no further use then."""
        try:
            # Counted from the request: of several under way each has its time at the same time.
            self._socket.settimeout(max(LAST_SECONDS, self._answer_by - time.monotonic()))
            return self._reply()
        except (OSError, ValueError) as error:
            raise self._closed_by(error) from error

    def _closed_by(self, error: Exception) -> TimedOut | Broken:
        self.close()
        return TimedOut("while waiting for the answer") if isinstance(error, TimeoutError) else Broken(str(error))

    def _reply(self) -> Reply:
        status = 100
        while 100 <= status < 200:
            version, status, headers = self._head()
        body, is_whole = self._body(headers)
        keeps = is_whole and version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return Reply(status, headers, body, keeps)

    def _head(self) -> tuple[bytes, int, dict[str, str]]:
        first, *lines = self._until(b"\r\n\r\n").split(b"\r\n")
        version, _, rest = first.partition(b" ")
        if not version.startswith(b"HTTP/1."):
            raise ValueError("no answer in HTTP/1")
        return version, int(rest[:3]), _headers(lines)

    def _body(self, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks(), True
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"])), True
        while self._fill():
            pass
        return bytes(self._read), False

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._until(b"\r\n").partition(b";")[0], 16):
            parts.append(self._exactly(size))
            self._until(b"\r\n")
        while self._until(b"\r\n"):
            pass  # what may follow the last chunk
        return b"".join(parts)

    def _until(self, end: bytes) -> bytes:
        """Return what comes before an end, which is passed over."""
        while (place := self._read.find(end)) < 0:
            if len(self._read) > HEAD_BYTES_MAX or not self._fill():
                raise ValueError("the answer was cut off, or begins endlessly")
        found = bytes(self._read[:place])
        del self._read[: place + len(end)]
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._read) < size:
            if not self._fill():
                raise ValueError(f"{len(self._read)} bytes of {size}")
        found = bytes(self._read[:size])
        del self._read[:size]
        return found

    def _fill(self) -> bool:
        more = self._socket.recv(RECEIVE_BYTES)
        self._read += more
        return bool(more)


def _headers(lines: list[bytes]) -> dict[str, str]:
    pairs = (line.decode("latin-1").partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in pairs}


@cache
def _tls() -> Any:
    import ssl  # here, so that who speaks to no distant machine loads none of it

    return ssl.create_default_context()
