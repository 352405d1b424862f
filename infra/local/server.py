"""Serve one ASGI application over HTTP/1.1 on loopback, at a third of the cost of a general server.

Every call of every handler goes through here, so a fraction of a millisecond is minutes of a replay. What only other
clients than ours would need (pipelining, upgrades, TLS) is left out.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote_to_bytes

HEAD_BYTES_MAX = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

Headers = list[tuple[bytes, bytes]]
Message = dict[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

log = logging.getLogger("lazo.local")


class Exchange:
    """One request and its response, as ASGI's messages."""

    def __init__(self, method: bytes, target: bytes, headers: Headers, body: bytes, client: tuple[str, int]) -> None:
        path, _, query = target.partition(b"?")
        self.scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method.decode("ascii"),
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", errors="replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": headers,
            "client": client,
        }
        self._body = body
        self._is_read = False
        self._status = 500
        self._headers: Headers = []
        self._parts: list[bytes] = []

    async def receive(self) -> Message:
        """Give the whole body at once, and then nothing until the answer is on its way."""
        if self._is_read:
            await asyncio.Event().wait()
        self._is_read = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Collect the response."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))

    def response(self) -> bytes:
        """Return the bytes to write."""
        body = b"".join(self._parts)
        lines = [b"HTTP/1.1 %d %s" % (self._status, PHRASES.get(self._status, b""))]
        lines += [name + b": " + value for name, value in self._headers]
        if not any(name.lower() == b"content-length" for name, _ in self._headers):
            lines.append(b"content-length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + (b"" if self.scope["method"] == "HEAD" else body)


class Connections:
    """Accepts connections and answers their requests, one after the other on each."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Serve until told to stop."""
        server = await asyncio.start_server(self._connected, sock=listener, limit=HEAD_BYTES_MAX)
        await stop.wait()
        server.close()
        for connection in self._open:
            connection.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open.add(task)
        connection = cast(socket.socket, writer.get_extra_info("socket"))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or we are going
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        method, target, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        named = dict(headers)
        if named.get(b"expect", b"").lower() == b"100-continue":
            writer.write(CONTINUE)
        body = await _body(reader, named)
        exchange = Exchange(method, target, headers, body, writer.get_extra_info("peername"))
        try:
            await self.app(exchange.scope, exchange.receive, exchange.send)
            writer.write(exchange.response())
        except Exception:
            log.exception("the embedded AWS has failed on %s", exchange.scope["path"])
            writer.write(FAILED)
            return False
        await writer.drain()
        return named.get(b"connection", b"").lower() != b"close"


def _head(head: bytes) -> tuple[bytes, bytes, Headers]:
    first, *lines = head[:-4].split(b"\r\n")
    method, target, _ = first.split(b" ", 2)
    headers = []
    for line in lines:
        name, _, value = line.partition(b":")
        headers.append((name.lower(), value.strip()))
    return method, target, headers


async def _body(reader: asyncio.StreamReader, headers: dict[bytes, bytes]) -> bytes:
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        parts = []
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return b"".join(parts)
    size = int(headers.get(b"content-length", 0))
    return await reader.readexactly(size) if size else b""
