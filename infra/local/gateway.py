"""Serve the app and the local pages over HTTP, on loopback only."""

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from infra.local.aws import HOST, CannotStart
from infra.local.console import PREFIX, Console
from infra.local.functions import log
from infra.local.problems import Answer, Problem
from infra.local.proxy import Proxy, Request

if TYPE_CHECKING:
    from infra.local.system import LocalSystem

# API Gateway takes no more; what is too large for the app alone is the app's to refuse.
BODY_BYTES_MAX = 10 * 1024 * 1024
DRAINED_BYTES_MAX = 64 * 1024 * 1024
PART_BYTES = 64 * 1024
CHUNK_LINE_BYTES_MAX = 64
REQUEST_LINE_BYTES_MAX = 4 * 1024 * 1024

UNTYPED_STATUSES = (204, 304)


class BodyTooLarge(Exception):
    """The body is larger than API Gateway takes."""


class BadBody(Exception):
    """The body does not have the form that the headers announce."""


class Gateway:
    """Answers every request: local paths itself, all others by the app."""

    def __init__(self, system: "LocalSystem") -> None:
        self._gate = system.gate
        self._proxy = Proxy(system.app, system.resources)
        self._console = Console(system)

    def answer(self, request: Request) -> Answer:
        """Answer a request; a failure is an answer too."""
        try:
            if request.path.startswith(PREFIX) or request.path == PREFIX.rstrip("/"):
                return self._console.answer(request)
            if request.path == "/" and not self._proxy.has("/"):
                return Answer(302, headers=[("Location", PREFIX)])
            with self._gate.passed():
                return self._proxy.answer(request)
        except Problem as problem:
            return problem.answer()
        except Exception:
            log.exception("%s %s has failed", request.method, request.path)
            return Problem(500, "Something went wrong inside; the log says more.").answer()


class Server(ThreadingHTTPServer):
    """The listening socket: bound first, since links carry its address; served when all else stands."""

    daemon_threads = True
    request_queue_size = 128
    gateway: Gateway
    _thread: threading.Thread | None = None

    def serve(self, gateway: Gateway) -> None:
        """Answer requests, in a thread of its own and a further one per connection."""
        self.gateway = gateway
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="http")
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests."""
        if self._thread:
            self.shutdown()
            self._thread = None
        self.server_close()


def bind(port: int) -> Server:
    """Take the port, or say that it is taken."""
    try:
        return Server((HOST, port), Handler)
    except OSError as error:
        raise CannotStart(f"Port {port} is in use; stop what uses it or choose another: PORT={port + 1}.") from error


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    server_version = "Lazo"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def handle_one_request(self) -> None:
        """Take longer addresses than Python's own server does: it is the app that says what is wrong with them."""
        self.raw_requestline = self.rfile.readline(REQUEST_LINE_BYTES_MAX)
        if not self.raw_requestline.endswith(b"\n"):
            self.close_connection = True
        elif self.parse_request():
            getattr(self, f"do_{self.command}", self._unknown)()
            self.wfile.flush()

    def _unknown(self) -> None:
        self.send_error(HTTPStatus.NOT_IMPLEMENTED)

    def handle_any(self) -> None:
        """Read a request, have it answered, write the answer."""
        try:
            body = self._body()
        except BodyTooLarge:
            self.close_connection = True
            self._write(Problem(413, "The body is larger than 10 MB.").answer())
        except BadBody:
            self.close_connection = True
            self._write(Problem(400, "The body is not of the length that the headers announce.").answer())
        else:
            request = Request(self.command, self.path, self.headers.items(), body, self.client_address[0])
            self._write(self.server.gateway.answer(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815  # http.server's names

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        announced = self.headers.get("Content-Length", "0")
        if not announced.isdigit():
            raise BadBody
        if int(announced) > BODY_BYTES_MAX:
            self._read_on(min(int(announced), DRAINED_BYTES_MAX))
            raise BodyTooLarge
        body = self.rfile.read(int(announced))
        if len(body) != int(announced):
            raise BadBody
        return body

    def _read_on(self, size: int) -> None:
        # Whoever is still sending would not read the answer.
        while size > 0 and (part := self.rfile.read(min(size, PART_BYTES))):
            size -= len(part)

    def _chunks(self) -> bytes:
        body = b""
        while size := self._chunk_size():
            if len(body) + size > BODY_BYTES_MAX:
                raise BodyTooLarge
            body += self.rfile.read(size)
            self.rfile.readline(CHUNK_LINE_BYTES_MAX)
        while self.rfile.readline(CHUNK_LINE_BYTES_MAX).strip():
            pass  # trailers
        return body

    def _chunk_size(self) -> int:
        try:
            return int(self.rfile.readline(CHUNK_LINE_BYTES_MAX).split(b";")[0], 16)
        except ValueError:
            raise BadBody from None

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        if answer.status not in UNTYPED_STATUSES:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *args: Any) -> None:
        """Keep quiet: paths carry tokens, which no log may hold."""
