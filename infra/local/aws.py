"""Start, question and stop the embedded AWS, which runs as a child process."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from infra.local.embedded import PREFIX, UNREADABLE_EXIT

REGION = "us-east-1"
HOST = "127.0.0.1"
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 15.0
REPLY_SECONDS_MAX = 60.0

# Nothing leaves the machine, so any key will do; ministack takes account and region from it.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION}
AUTHORIZATION = f"AWS4-HMAC-SHA256 Credential=local/20260101/{REGION}/{{service}}/aws4_request, Signature=local"

Json = dict[str, Any]


class CannotStart(Exception):
    """The system cannot start; the message says why, and what to do, in one sentence."""


class Refused(Exception):
    """The embedded AWS answered a call with an error."""

    def __init__(self, call: str, status: int, content: bytes) -> None:
        super().__init__(f"{call}: {status} {content.decode(errors='replace')[:500]}")


class EmbeddedAws:
    """The embedded AWS as its parent sees it. All calls may come from any thread."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.endpoint = f"http://{HOST}:{port}"
        self._connections: deque[HTTPConnection] = deque()  # the idle ones

    @classmethod
    def start(
        cls, state: Path | None, log: IO[bytes] | int = subprocess.DEVNULL, inherited: tuple[int, ...] = ()
    ) -> "EmbeddedAws":
        """Start with what `state` (a directory) holds, or with nothing and for the memory only.

        `inherited` are file descriptors that stay open as long as the child lives (a lock).
        """
        with socket.socket() as listener:
            listener.bind((HOST, 0))
            listener.listen(128)
            port = listener.getsockname()[1]
            command = [sys.executable, "-m", "infra.local.embedded", str(listener.fileno())]
            process = subprocess.Popen(
                [*command, str(state / "aws.image")] if state else command,
                env=_environment(port, state),
                pass_fds=[listener.fileno(), *inherited],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        aws = cls(process, port)
        try:
            aws._await_start()
        except BaseException:
            aws.stop()
            raise
        return aws

    def _await_start(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            code = self.process.poll()
            if code == UNREADABLE_EXIT:
                raise CannotStart("The stored state cannot be read; FRESH=1 starts without it.")
            if code is not None:
                raise CannotStart(f"The embedded AWS ended while starting (exit code {code}); the log says more.")
            try:
                self._once("GET", PREFIX + "pending", b"", {}, seconds_max=0.2)
                return
            except OSError:
                time.sleep(0.01)  # not yet, or no more: its exit code will say
        raise CannotStart(f"The embedded AWS did not answer within {START_SECONDS_MAX:.0f} s.")

    def stop(self) -> None:
        """Stop it; what its last image holds is kept."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        while self._connections:
            self._connections.pop().close()

    # What our own questions answer is described in embedded.py.

    def pending(self, since: int = -1, wait_seconds: float = 0) -> Json:
        """Return what waits, at once or when something has changed since `since`."""
        pending: Json = self._ask("GET", "pending", {"since": since, "wait": wait_seconds})
        return pending

    def records(self, table: str, position: int, limit: int) -> Json:
        """Return a table's stream records from an absolute position on."""
        found: Json = self._ask("GET", "records", {"table": table, "position": position, "limit": limit})
        return found

    def messages(self, queue: str, limit: int) -> list[Json]:
        """Look into a queue without receiving."""
        messages: list[Json] = self._ask("GET", "messages", {"queue": queue, "limit": limit})
        return messages

    def least(self, table: str, index: str) -> str | None:
        """Return the least sort key of an index, whatever its partition: one call instead of one per partition."""
        least: str | None = self._ask("GET", "least", {"table": table, "index": index})
        return least

    def first(self, table: str, word: str) -> str | None:
        """Return the least sort key under all partitions that begin with a word."""
        first: str | None = self._ask("GET", "first", {"table": table, "word": word})
        return first

    def holds(self, table: str, prefixes: Iterable[str]) -> bool:
        """Say whether a table has an item whose partition key begins with one of these."""
        return bool(self._ask("GET", "holds", {"table": table, "words": " ".join(prefixes)}))

    def ring(self) -> None:
        """Wake whoever waits for a change."""
        self._ask("POST", "ring", {})

    def expire(self, now_epoch: float) -> int:
        """Delete the items whose time to live has passed."""
        return int(self._ask("POST", "expire", {"now": now_epoch})["expired"])

    def take_image(self, companion: Json, floors: dict[str, int], *, wait: bool) -> bool:
        """Have an image of this moment written, with `companion` beside it; say whether it is (or may be) written."""
        body = {"companion": companion, "floors": floors}
        return bool(self._ask("POST", "image", {"wait": "1"} if wait else {}, body)["written"])

    def companion(self) -> Json | None:
        """Return what was sent along with the image that the process began with."""
        companion: Json | None = self._ask("GET", "companion", {})
        return companion

    def mark(self, companion: Json, floors: dict[str, int]) -> None:
        """Remember this moment in memory."""
        self._ask("POST", "mark", {}, {"companion": companion, "floors": floors})

    def rewind(self) -> Json:
        """Go back to the mark; return what was sent along with it."""
        companion: Json = self._ask("POST", "rewind", {})
        return companion

    def call(self, target: str, request: Json) -> Json:
        """Make a JSON call as boto3 would, at a fifth of its cost: `AmazonSQS.ReceiveMessage` and the like."""
        service = {"AmazonSQS": "sqs", "DynamoDB_20120810": "dynamodb"}[target.split(".")[0]]
        headers = {
            "X-Amz-Target": target,
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": AUTHORIZATION.format(service=service),
        }
        status, content = self._send("POST", "/", json.dumps(request).encode(), headers)
        if status != 200:
            raise Refused(target, status, content)
        answer: Json = json.loads(content) if content else {}
        return answer

    def _ask(self, method: str, question: str, query: Json, body: Json | None = None) -> Any:
        content = json.dumps(body).encode() if body else b""
        path = f"{PREFIX}{question}?{urlencode(query)}"
        status, answer = self._send(method, path, content, {})
        if status != 200:
            raise Refused(question, status, answer)
        return json.loads(answer)

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            return self._once(method, path, body, headers)
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            # The connection had been idle; nothing was done with the request.
            return self._once(method, path, body, headers)

    def _once(
        self, method: str, path: str, body: bytes, headers: dict[str, str], seconds_max: float = REPLY_SECONDS_MAX
    ) -> tuple[int, bytes]:
        connection = self._connections.pop() if self._connections else HTTPConnection(HOST, self.port)
        try:
            connection.timeout = seconds_max
            if connection.sock:
                connection.sock.settimeout(seconds_max)
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        self._connections.append(connection)
        return answer


def _environment(port: int, state: Path | None) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT_URL")}
    environment.update(
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        MINISTACK_REGION=REGION,
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        DOCKER_HOST="unix:///nowhere",
        LOG_LEVEL="ERROR",
        PERSIST_STATE="0",
    )
    if state:
        environment.update(S3_PERSIST="1", S3_DATA_DIR=str(state / "s3"))
    return environment
