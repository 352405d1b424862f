"""Post over one kept connection and read the answer, as HTTP/1.1 has it and AWS uses it.

The standard library's client loads its e-mail parser for the headers, which costs a start 25 ms and each call most of
its time. Nothing here is tried again: who asks decides that.
"""

import select
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO

LINE_BYTES_MAX = 64 * 1024
HEADERS_MAX = 200


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
        self._file: BinaryIO = self._socket.makefile("rb")

    def is_dropped(self) -> bool:
        """Say whether the other side has hung up: an idle connection that can be read has nothing good to say."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def post(self, head: bytes, body: bytes) -> Reply:
        """Send a request and return its answer; raises TimedOut or Broken, and is of no further use then."""
        try:
            self._socket.sendall(head + body)
            return self._reply()
        except TimeoutError as error:
            self.close()
            raise TimedOut("while waiting for the answer") from error
        except (OSError, ValueError) as error:
            self.close()
            raise Broken(str(error)) from error

    def _reply(self) -> Reply:
        status = 100
        while 100 <= status < 200:
            version, status = self._status()
            headers = self._headers()
        body, is_whole = self._body(headers)
        keeps = is_whole and version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return Reply(status, headers, body, keeps)

    def _status(self) -> tuple[bytes, int]:
        version, _, rest = self._line().partition(b" ")
        if not version.startswith(b"HTTP/1."):
            raise ValueError("no answer in HTTP/1")
        return version, int(rest[:3])

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(HEADERS_MAX):
            line = self._line()
            if not line:
                return headers
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        raise ValueError("more headers than there may be")

    def _body(self, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks(), True
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"])), True
        return self._file.read(), False

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._line().partition(b";")[0], 16):
            parts.append(self._exactly(size))
            self._line()
        self._headers()  # what may follow the last chunk
        return b"".join(parts)

    def _exactly(self, size: int) -> bytes:
        content = self._file.read(size)
        if len(content) < size:
            raise ValueError(f"{len(content)} bytes of {size}")
        return content

    def _line(self) -> bytes:
        line = self._file.readline(LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            raise ValueError("the answer was cut off")
        return line.rstrip(b"\r\n")


@cache
def _tls() -> Any:
    import ssl  # here, so that who speaks to no distant machine loads none of it

    return ssl.create_default_context()
