"""Call the Chalice app with a request as API Gateway would."""

import base64
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from chalice.app import Chalice
from chalice.local import LocalChalice

from infra.local.functions import Context, log
from infra.local.problems import Answer, Problem
from infra.local.resources import Resources

# Lambda refuses to return more.
RESPONSE_BYTES_MAX = 6 * 1024 * 1024

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """An HTTP request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    client: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """The path, not decoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        """All values of each parameter."""
        return parse_qs(self.target.partition("?")[2], keep_blank_values=True)

    def header(self, name: str) -> str:
        """Return the last value of a header, or an empty text."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), "")


class Proxy:
    """The app behind its routes."""

    def __init__(self, app: Chalice, resources: Resources) -> None:
        self.app = _threaded(app)
        self._resources = resources
        self._routes = [(route.split("/"), route) for route in sorted(app.routes, key=_literal_first)]

    def has(self, path: str) -> bool:
        """Say whether the app serves this path."""
        return self._match(path) is not None

    def answer(self, request: Request) -> Answer:
        """Route the request, call the app, return what it answers."""
        match = self._match(request.path)
        if match is None:
            raise Problem(404, "There is nothing at this address.")
        route, parameters = match
        methods = sorted(self.app.routes[route])
        if request.method not in methods:
            refusal = Problem(405, f"This address takes {', '.join(methods)}.").answer()
            return Answer(405, refusal.body, [*refusal.headers, ("Allow", ", ".join(methods))])
        event = self._event(request, route, parameters)
        try:
            return _answer(self._call(route, event))
        except Exception:
            log.exception("%s %s has failed", request.method, route)
            return Problem(502, "The application has failed; the log says more.").answer()

    def _call(self, route: str, event: Json) -> Mapping[str, Any]:
        function = self._resources.overlay.function_behind(route, event["httpMethod"])
        with self._resources.permissions.acting(function):
            answer: Mapping[str, Any] = self.app(event, Context(function))
            return answer

    def _match(self, path: str) -> tuple[str, dict[str, str]] | None:
        parts = (path.rstrip("/") or "/").split("/")
        for names, route in self._routes:
            pairs = list(zip(names, map(unquote, parts), strict=False))
            if len(names) == len(parts) and all(_is_parameter(name) or name == part for name, part in pairs):
                return route, {name[1:-1]: part for name, part in pairs if _is_parameter(name)}
        return None

    def _event(self, request: Request, route: str, parameters: dict[str, str]) -> Json:
        query = request.query or None
        is_binary = request.header("content-type").split(";")[0].strip().lower() in self.app.api.binary_types
        body = base64.b64encode(request.body).decode() if is_binary else request.body.decode(errors="replace")
        headers = {name.lower(): value for name, value in request.headers}
        return {
            "resource": route,
            "path": unquote(request.path),
            "httpMethod": request.method,
            "headers": headers,
            "multiValueHeaders": {
                name: [value for key, value in request.headers if key.lower() == name] for name in headers
            },
            "queryStringParameters": {name: values[-1] for name, values in query.items()} if query else None,
            "multiValueQueryStringParameters": query,
            "pathParameters": parameters or None,
            "stageVariables": None,
            "requestContext": self._context(request, route),
            "body": body if request.body else None,
            "isBase64Encoded": is_binary and bool(request.body),
        }

    @staticmethod
    def _context(request: Request, route: str) -> Json:
        return {
            "accountId": "000000000000",
            "apiId": "local",
            "stage": "local",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(time.time() * 1000),
            "httpMethod": request.method,
            "resourcePath": route,
            "path": request.path,
            "identity": {"sourceIp": request.client, "userAgent": request.header("user-agent")},
        }


def _threaded(app: Chalice) -> Chalice:
    # Lambda runs one request at a time in a process; here the present request must belong to its thread.
    if not isinstance(app, LocalChalice):
        app.__class__ = type("ThreadedChalice", (LocalChalice, type(app)), {})
    return app


def _is_parameter(name: str) -> bool:
    return name.startswith("{")


def _literal_first(route: str) -> list[bool]:
    return [_is_parameter(name) for name in route.split("/")]


def _answer(answer: Mapping[str, Any]) -> Answer:
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    if len(content) > RESPONSE_BYTES_MAX:
        log.error("an answer of %d bytes is more than Lambda returns", len(content))
        return Problem(502, "The answer is larger than Lambda returns.").answer()
    headers = list((answer.get("headers") or {}).items())
    headers += [(name, one) for name, values in (answer.get("multiValueHeaders") or {}).items() for one in values]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return Answer(int(answer["statusCode"]), content, headers)
