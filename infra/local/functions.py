"""Call the app's event handlers as Lambda calls them, and remember why a message failed."""

import importlib
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalice.utils import to_cfn_resource_name

from infra.local.permissions import Permissions

log = logging.getLogger("lazo.local")

TIMEOUT_SECONDS = 60
MEMORY_MB = 512
REASONS_MAX = 500
REASON_CHARACTERS_MAX = 300

Json = dict[str, Any]


@dataclass
class Context:
    """What Lambda passes beside the event."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = MEMORY_MB
    log_group_name: str = ""
    log_stream_name: str = ""
    client_context: None = None
    identity: None = None
    _ends: float = field(default_factory=lambda: time.monotonic() + TIMEOUT_SECONDS)

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of the right form."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left before AWS would end the invocation."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


@dataclass(frozen=True)
class Function:
    """One handler under the name by which the app registers it."""

    name: str
    handler: Callable[[Any, Any], Any]
    permissions: Permissions

    @classmethod
    def load(cls, name: str, handler_string: str, permissions: Permissions) -> "Function":
        """Import the handler that Lambda would call; the app's own map would add middleware that Lambda has not."""
        module, attribute = handler_string.rsplit(".", 1)
        return cls(name, getattr(importlib.import_module(module), attribute), permissions)

    def invoke(self, event: Json) -> Any:
        """Call the handler under its role; what it raises goes on to the caller."""
        with self.permissions.acting(to_cfn_resource_name(self.name)):
            return self.handler(event, Context(self.name))


class Reasons(logging.Handler):
    """Why messages failed: what their handler raised, or else the last error that it logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._by_message: OrderedDict[str, str] = OrderedDict()
        self._said = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Note what a handler logs in this thread."""
        error = record.exc_info[1] if record.exc_info else None
        self._said.last = f"{record.getMessage()}: {error!r}" if error else record.getMessage()

    def listen(self) -> None:
        """Forget what was logged before."""
        self._said.last = ""

    def note(self, message_ids: list[str], error: BaseException | None = None) -> None:
        """Say why these messages have just failed."""
        reason = repr(error) if error else getattr(self._said, "last", "") or "reported as failed by its handler"
        for message_id in message_ids:
            self._by_message[message_id] = reason[:REASON_CHARACTERS_MAX]
            self._by_message.move_to_end(message_id)
        while len(self._by_message) > REASONS_MAX:
            self._by_message.popitem(last=False)

    def of(self, message_id: str) -> str:
        """Return why a message failed last, or an empty text."""
        return self._by_message.get(message_id, "")

    def save(self) -> Json:
        """Return all reasons, to keep."""
        return dict(self._by_message)

    def load(self, saved: Json) -> None:
        """Take kept reasons back."""
        self._by_message = OrderedDict(saved)
