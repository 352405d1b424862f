"""Serve the embedded AWS: ministack on loopback, its gaps mended, its state kept as images.

`python -m infra.local.embedded LISTENER [IMAGE]`: the file descriptor of a listening socket, and where the state is
kept. Ends with the process that started it (its standard input closes then).
"""

import asyncio
import importlib
import json
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from infra.local import amends
from infra.local.image import Holder, UnreadableImage, write_in_background
from infra.local.server import Connections

PREFIX = "/_embedded/"
RING_USERS = ("sqs", "dynamodb", "sns", "eventbridge", "s3")
UNREADABLE_EXIT = 3

Query = dict[str, str]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Bell:
    """Counts changes and wakes whoever waits for one; stands in for ministack's own wake-up event."""

    def __init__(self) -> None:
        self.changes = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Note a change; may be called from any thread."""
        self.changes += 1
        if self._waiting and self.loop:
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def changed(self, since: int, wait_seconds: float) -> None:
        """Return as soon as there is a change that a reader of `since` has not seen, or when the time is up."""
        if self.changes != since or not wait_seconds:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, wait_seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(future)


class Embedded:
    """ministack as an ASGI application, with a few questions of our own in front."""

    def __init__(self, image_file: Path | None) -> None:
        self.image_file = image_file
        self.dynamodb = amends.load_dynamodb()
        amends.stream_partiql(self.dynamodb)
        amends.number_by_counting(self.dynamodb)
        self.sqs: Any = importlib.import_module("ministack.services.sqs")
        amends.poll_at_once(self.sqs)
        self.bell = Bell()
        for name in RING_USERS:
            importlib.import_module(f"ministack.services.{name}").esm_wake = self.bell  # type: ignore[attr-defined]  # the modules read it when they wake
        self.holder = Holder(self.dynamodb)
        self.mark = b""
        self.writer = 0
        image = image_file.read_bytes() if image_file and image_file.exists() else None
        self.companion = self.holder.put_back(image) if image else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.holder.app.app(scope, receive, send)
            return
        query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
        answer = getattr(self, "answer_" + scope["path"].removeprefix(PREFIX))
        content = json.dumps(await answer(query, await _body(receive))).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": content})

    async def answer_pending(self, query: Query, _: Any) -> Any:
        """Say what waits in queues and where streams end, at once or as soon as something has changed."""
        await self.bell.changed(int(query.get("since", -1)), float(query.get("wait", 0)))
        changes = self.bell.changes
        queues = {queue["name"]: self._counts(queue) for queue in self.sqs._queues._data.values()}
        ends = {
            scope[2]: self.dynamodb._stream_trimmed._data.get(scope, 0) + len(records)
            for scope, records in self.dynamodb._stream_records._data.items()
        }
        return {"changes": changes, "queues": queues, "streams": ends}

    def _counts(self, queue: dict[str, Any]) -> list[int]:
        self.sqs._refresh_counts(queue)
        names = ("", "NotVisible", "Delayed")
        return [int(queue["attributes"]["ApproximateNumberOfMessages" + name]) for name in names]

    async def answer_records(self, query: Query, _: Any) -> Any:
        """Return stream records from an absolute position on, and the position after them."""
        name, limit = query["table"], int(query["limit"])
        position = max(int(query["position"]), self.dynamodb.stream_start_position(name))
        records = self.dynamodb.stream_records_since(name, position, limit)
        return {"records": records, "position": position + len(records)}

    async def answer_messages(self, query: Query, _: Any) -> Any:
        """Look into a queue without receiving: its oldest messages."""
        queue = next(one for one in self.sqs._queues._data.values() if one["name"] == query["queue"])
        names = ("id", "body", "sent_at", "receive_count", "message_attributes")
        return [{name: message.get(name) for name in names} for message in queue["messages"][: int(query["limit"])]]

    async def answer_least(self, query: Query, _: Any) -> Any:
        """Return the least sort key of an index over all its partitions, or null when it is empty."""
        table = self._table(query["table"])
        (attribute,) = self.dynamodb._index_key_lists(self.dynamodb._index_def(table, query["index"]))[1]
        members = self.dynamodb._index_members(table)[query["index"]]
        keys = (key for partition in members.values() for key in partition)
        return min((table["items"][pk][sk][attribute]["S"] for pk, sk in keys), default=None)

    async def answer_first(self, query: Query, _: Any) -> Any:
        """Return the least sort key under all partitions that begin with a word, or null when there is none."""
        items = self._table(query["table"])["items"]
        firsts = (min(rows) for pk, rows in items.items() if rows and pk.startswith(query["word"]))
        return min(firsts, default=None)

    async def answer_holds(self, query: Query, _: Any) -> Any:
        """Say whether a table has an item whose partition key begins with one of some words."""
        words = tuple(query["words"].split())
        return any(pk.startswith(words) for pk in self._table(query["table"])["items"])

    def _table(self, name: str) -> dict[str, Any]:
        return next(table for (_, _, known), table in self.dynamodb._tables.all_items() if known == name)

    async def answer_ring(self, query: Query, _: Any) -> Any:
        """Wake whoever waits for a change."""
        self.bell.set()
        return {}

    async def answer_expire(self, query: Query, _: Any) -> Any:
        """Delete what is past its time to live by the system's clock."""
        return {"expired": amends.expire(self.dynamodb, float(query["now"]))}

    async def answer_image(self, query: Query, body: Any) -> Any:
        """Write an image of this moment; with `wait`, answer when it is on the disk."""
        if not self.image_file:
            return {"written": False}
        await self._writer_ended()
        self.writer = write_in_background(self.image_file, self.holder, body["companion"], body["floors"])
        return {"written": not query.get("wait") or await self._writer_ended()}

    async def _writer_ended(self) -> bool:
        child, self.writer = self.writer, 0
        if not child:
            return True
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        return status == 0

    async def answer_companion(self, query: Query, _: Any) -> Any:
        """Return what was sent along with the image that this process began with, or null."""
        return self.companion

    async def answer_mark(self, query: Query, body: Any) -> Any:
        """Remember this moment in memory, to rewind to."""
        self.mark = self.holder.take(body["companion"], body["floors"])
        return {"bytes": len(self.mark)}

    async def answer_rewind(self, query: Query, _: Any) -> Any:
        """Go back to the mark; return what was sent along with it."""
        companion = self.holder.replace(self.mark)
        self.bell.set()
        return companion


async def _body(receive: Receive) -> Any:
    content = b""
    while True:
        message = await receive()
        content += message.get("body", b"")
        if not message.get("more_body"):
            return json.loads(content) if content else None


def end_with_parent() -> None:
    """Leave when standard input closes: the process that started this one is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="parent").start()


async def run(app: Embedded, listener: str) -> None:
    """Serve until SIGTERM; Ctrl-C is for the parent, which stops this process when it has drained the streams."""
    stop = asyncio.Event()
    app.bell.loop = asyncio.get_running_loop()
    app.bell.loop.add_signal_handler(signal.SIGTERM, stop.set)
    await Connections(app).serve(socket.socket(fileno=int(listener)), stop)


def main(listener: str, image: str = "") -> int:
    """Start from the image, if there is one, and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The forked writer touches nothing but its own memory and one file.
    warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
    end_with_parent()
    try:
        app = Embedded(Path(image) if image else None)
    except UnreadableImage as error:
        print(f"{image} cannot be read ({error}).", file=sys.stderr)
        return UNREADABLE_EXIT
    asyncio.run(run(app, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
