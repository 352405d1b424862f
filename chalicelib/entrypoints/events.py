"""Take events by HTTP: signed, or with a sender's token where the organisation allows it."""

import hmac
import json
from typing import Any

from chalice import Blueprint, Response
from chalice.app import Request

from chalicelib import runtime
from chalicelib.domain.event import EVENT_BYTES_MAX
from chalicelib.domain.signature import is_signed
from chalicelib.entrypoints.http import answer, api, body_of, header, problem
from chalicelib.errors import Invalid, Problem, TooLarge, Unauthenticated
from chalicelib.flows import invite

BODY_BYTES_MAX = 1024 * 1024
BATCH = "application/cloudevents-batch+json"
TYPES = ["application/json", "application/cloudevents+json", BATCH]

bp = Blueprint(__name__)


@bp.route("/events", methods=["POST"], content_types=TYPES)
@api
def events() -> Response:
    """Accept one event or a batch; what is accepted is never lost."""
    request: Request = bp.current_request
    body = body_of(request)
    _authenticate(request, body)
    raws = _read(body, header(request, "content-type"))
    sizes = [len(body)] if len(raws) == 1 else [_size(raw) for raw in raws]
    if min(sizes) > EVENT_BYTES_MAX:
        raise TooLarge(f"an event may have {EVENT_BYTES_MAX} bytes")
    taken = invite.accept(runtime.ports(), raws, sizes=sizes, bytes_max=EVENT_BYTES_MAX, now=runtime.now())
    return _answer(taken, single=not _is_batch(header(request, "content-type")))


def _authenticate(request: Request, body: bytes) -> None:
    """Raise Unauthenticated unless a sender vouches for the body, TooLarge before anything is computed over it."""
    if len(body) > BODY_BYTES_MAX:
        raise TooLarge(f"a request may have {BODY_BYTES_MAX} bytes")
    secrets = runtime.secrets()
    id_, timestamp = header(request, "webhook-id"), header(request, "webhook-timestamp")
    signature = header(request, "webhook-signature")
    if signature:
        if not is_signed(secrets.events_secrets(), id_, timestamp, signature, body, runtime.now()):
            raise Unauthenticated("the signature is wrong, or its timestamp is not within five minutes of now")
        return
    scheme, _, token = header(request, "authorization").partition(" ")
    allowed = runtime.ports().library.organisation().unsigned_senders
    given = token.strip().encode() if scheme.lower() == "bearer" else b""
    if not allowed or not any(hmac.compare_digest(given, known.encode()) for known in secrets.events_tokens()):
        raise Unauthenticated("needs webhook-id, webhook-timestamp and webhook-signature, or a sender's token")


def _is_batch(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == BATCH


def _read(body: bytes, content_type: str) -> list[Any]:
    try:
        given = json.loads(body, parse_constant=_refuse)
        json.dumps(given, ensure_ascii=False).encode()  # half a character could not be passed on
    except (ValueError, RecursionError) as error:
        raise Invalid(Problem("", f"is not JSON: {error}")) from error
    if not _is_batch(content_type):
        return [given]
    if not isinstance(given, list) or not 1 <= len(given) <= invite.BATCH_MAX:
        raise Invalid(Problem("", f"must be a list of 1 to {invite.BATCH_MAX} events"))
    return given


def _size(raw: Any) -> int:
    """Return an event's bytes as UTF-8 without blanks: letters with accents count as in a request of its own."""
    return len(json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode())


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _answer(taken: invite.Accepted, *, single: bool) -> Response:
    if single and taken.rejected:
        return problem(422, "the event cannot be taken", taken.rejected[0].problems)
    rejected = [
        {"index": each.index, "errors": [{"pointer": p.pointer, "detail": p.detail} for p in each.problems]}
        for each in taken.rejected
    ]
    body = {"accepted": [{"source": ref.source, "id": ref.id} for ref in taken.accepted], "rejected": rejected}
    if taken.accepted:
        return answer(body, status=202)
    faults = [Problem(f"/{each.index}{p.pointer}", p.detail) for each in taken.rejected for p in each.problems]
    return problem(422, "no event of the batch can be taken", faults, accepted=[], rejected=rejected)
