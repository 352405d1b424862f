"""Let our own people in and out: by a token, or by a mail's one-time link."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from chalice import Blueprint, Response

from chalicelib import runtime
from chalicelib.adapters.desk import doors
from chalicelib.entrypoints.http import field_of, form_of, query
from chalicelib.entrypoints.session import SESSION, SESSION_FOR, cookie, cookie_of, sealed
from chalicelib.entrypoints.visit import Visit, check_own, for_people, inside, redirect, show
from chalicelib.errors import BadLink, LinkExpired
from chalicelib.flows import enter
from chalicelib.ports import Principal, Role, Ticket

bp = Blueprint(__name__)

FORM = ["application/x-www-form-urlencoded", "application/json"]
ASKED = "lazo_asked"
"""The cookie of a browser that asked for a link, with where it wants to go: no other browser can use that link."""

HOMES: dict[Role, str] = {"agent": "/me", "department": "/cases", "leadership": "/trends", "admin": "/trends"}


@bp.route("/", methods=["GET", "HEAD"])
@for_people(bp)
def home(visit: Visit) -> Response:
    """Send everybody to the page where their day begins."""
    return redirect(HOMES[visit.principal.role])


@bp.route("/sign-in", methods=["GET", "HEAD"])
@for_people(bp)
def sign_in_page(visit: Visit) -> Response:
    """Show the two ways in, or the button behind a mail's link: opening it uses nothing up."""
    link = query(visit.request).get("link", "")
    if link and is_over(visit.ports.links.read("sign_in", link), visit.now):
        return _door(visit, problem="link")
    return _door(visit, link=link)


@bp.route("/sign-in", methods=["POST"], content_types=FORM)
@for_people(bp)
def sign_in(visit: Visit) -> Response:
    """Open a session for a token or a link, or mail a link to an address."""
    check_own(visit.request)
    form = form_of(visit.request)
    if field_of(form, "link"):
        return _by_link(visit, field_of(form, "link"))
    onward = field_of(form, "next") or query(visit.request).get("next", "/")
    if field_of(form, "token"):
        return _by_token(visit, field_of(form, "token"), onward)
    return _by_mail(visit, field_of(form, "email"), onward)


@bp.route("/sign-out", methods=["POST"], content_types=FORM)
@for_people(bp)
def sign_out(visit: Visit) -> Response:
    """End the session of this browser."""
    return redirect("/sign-in", cookie(SESSION, "", secure=visit.is_secure, lasts=timedelta(0)))


def is_over(ticket: Ticket, now: datetime) -> bool:
    """Say whether a link's time has ended."""
    return ticket.expires_at is not None and now >= ticket.expires_at


def _by_token(visit: Visit, token: str, onward: str) -> Response:
    # What has a colon is the mark of a mail's link, never an API token.
    principal = visit.ports.access.principal(token) if ":" not in token else None
    if principal is None:
        return _door(visit, problem="token", onward=onward)
    return _welcome(visit, principal, onward)


def _by_mail(visit: Visit, email: str, onward: str) -> Response:
    if "@" not in email:
        return _door(visit, problem="email", typed=email, onward=onward)
    browser = secrets.token_urlsafe(18)
    enter.ask(visit.ports, email, link=secrets.token_hex(16), browser=browser, now=visit.now)
    asked = cookie(
        ASKED, f"{browser}.{quote(inside(onward), safe='')}", secure=visit.is_secure, lasts=enter.LINK_FOR * 2
    )
    return _door(visit, sent=True, typed=email, cookies=(asked,))


def _by_link(visit: Visit, link: str) -> Response:
    browser, _, onward = cookie_of(visit.request, ASKED).partition(".")
    try:
        principal = enter.redeem(visit.ports, visit.ports.links.read("sign_in", link), browser, visit.now)
    except (BadLink, LinkExpired):
        return _door(visit, problem="link")
    return _welcome(visit, principal, unquote(onward))


def _welcome(visit: Visit, principal: Principal, onward: str) -> Response:
    until = visit.now + SESSION_FOR
    session = sealed(principal, until, runtime.secrets().session_key())
    asked_no_more = cookie(ASKED, "", secure=visit.is_secure, lasts=timedelta(0))
    to = inside(onward)
    to = HOMES[principal.role] if to == "/" else to
    return redirect(to, cookie(SESSION, session, secure=visit.is_secure, lasts=SESSION_FOR), asked_no_more)


def _door(visit: Visit, *, onward: str | None = None, cookies: tuple[str, ...] = (), **facts: Any) -> Response:
    back = inside(query(visit.request).get("next", "/") if onward is None else onward)
    shown = doors.sign_in_page(visit.stranger, onward=back, **facts)
    return show(shown, **({"Set-Cookie": list(cookies)} if cookies else {}))
