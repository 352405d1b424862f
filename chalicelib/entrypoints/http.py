"""Speak HTTP: problem+json for programs, pages for people, the same errors for both."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import parse_qs

from chalice import Response
from chalice.app import Request

from chalicelib import errors
from chalicelib.errors import Problem

Headers = dict[str, str | list[str]]

JSON: Headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
PROBLEM: Headers = JSON | {"Content-Type": "application/problem+json"}
FORM_BYTES_MAX = 1024 * 1024  # a comment of 100 KB comes back whole, each byte of it written as three
FORM_FIELDS_MAX = 200

STATUS: dict[type[errors.LazoError], int] = {
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.BadLink: 404,
    errors.LinkExpired: 410,
    errors.MoveForbidden: 422,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.PreconditionMissing: 428,
}

Handler = TypeVar("Handler", bound=Callable[..., Response])


def status_of(error: errors.LazoError) -> int:
    """Return the HTTP status that tells of an error."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def problem(status: int, title: str, problems: Sequence[Problem] = (), **more: Any) -> Response:
    """Return problem+json (RFC 9457) with a JSON pointer for each fault."""
    faults = [{"pointer": each.pointer, "detail": each.detail} for each in problems]
    body = {"type": "about:blank", "title": title, "status": status, "errors": faults} | more
    return Response(json.dumps(body, ensure_ascii=False, default=str), headers=dict(PROBLEM), status_code=status)


def problem_of(error: errors.LazoError) -> Response:
    """Return what a program is told of an error."""
    status = status_of(error)
    faults = error.problems if isinstance(error, errors.Invalid) else ()
    more = {"allowed": list(error.allowed)} if isinstance(error, errors.MoveForbidden) else {}
    return problem(status, str(error) or type(error).__name__, faults, **more)


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    """Return JSON that nobody keeps a copy of."""
    return Response(json.dumps(body, ensure_ascii=False, default=str), headers={**JSON, **headers}, status_code=status)


def api(handler: Handler) -> Handler:
    """Turn the errors of an API handler into problem+json."""

    @wraps(handler)
    def answered(*args: Any, **kwargs: Any) -> Response:
        try:
            return handler(*args, **kwargs)
        except errors.LazoError as error:
            return problem_of(error)

    return answered  # type: ignore[return-value]  # the signature is the handler's own, by wraps


def in_one_shape(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Turn what the framework itself answers (a wrong media type or method, an unforeseen error) into problem+json."""
    response = get_response(event)
    body = response.body
    if not isinstance(body, dict) or set(body) != {"Code", "Message"}:
        return response
    refused = problem(response.status_code, str(body["Message"]))
    refused.headers.update({name: value for name, value in response.headers.items() if name.lower() == "allow"})
    return refused


def body_of(request: Request) -> bytes:
    """Return the body as it came."""
    raw = request.raw_body
    return raw if isinstance(raw, bytes) else raw.encode()


def form_of(request: Request) -> dict[str, list[str]]:
    """Return a form-encoded body's fields; what is no UTF-8 is replaced, not refused. Raises TooLarge."""
    body = body_of(request)
    if len(body) > FORM_BYTES_MAX:
        raise errors.TooLarge(f"a form may have {FORM_BYTES_MAX} bytes")
    try:
        return parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError as error:
        raise errors.TooLarge(f"a form may have {FORM_FIELDS_MAX} fields") from error


def field_of(form: Mapping[str, Sequence[str]], name: str) -> str:
    """Return a form's field without the blanks around it, empty when it is absent."""
    return next(iter(form.get(name, ())), "").strip()


def json_of(request: Request) -> Any:
    """Return a JSON body. Raises Invalid."""
    try:
        return json.loads(body_of(request).decode() or "null")
    except ValueError as error:
        raise errors.Invalid(Problem("", f"is not JSON: {error}")) from error


def header(request: Request, name: str) -> str:
    """Return a header, empty when it is absent."""
    headers: Mapping[str, str] = request.headers
    return headers.get(name) or ""


def query(request: Request) -> dict[str, str]:
    """Return the query parameters, the last of each name."""
    given: Mapping[str, str] = request.query_params or {}
    return {name: given[name] for name in given}
