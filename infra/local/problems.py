"""Say what is wrong with a request, as problem+json (RFC 9457)."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


class Problem(Exception):
    """A request that is refused; `pointer` names the field that is wrong."""

    def __init__(self, status: int, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.pointer = status, detail, pointer

    def answer(self) -> Answer:
        """Return the response that says so."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.pointer is not None:
            body["errors"] = [{"pointer": self.pointer, "detail": self.detail}]
        return as_json(body, self.status, PROBLEM)


def as_json(body: Any, status: int = 200, kind: str = "application/json") -> Answer:
    """Return a JSON response."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return Answer(status, content, [("Content-Type", kind), ("Cache-Control", "no-store")])
