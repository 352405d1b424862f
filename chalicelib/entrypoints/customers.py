"""Show customers their pages and take what they send: each link good for one purpose."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Literal

from chalice import Blueprint, Response
from chalice.app import Request

from chalicelib import runtime
from chalicelib.adapters import pages
from chalicelib.adapters.templates import Page
from chalicelib.domain.invitation import Invitation
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.response import RATING, YES_NO_ANSWERS, on_scale
from chalicelib.domain.terms import TEXT_MAX
from chalicelib.entrypoints.http import field_of, form_of, header
from chalicelib.entrypoints.visit import liked_language, show
from chalicelib.errors import BadLink, LinkExpired, NotFound, Problem, TooLarge
from chalicelib.flows import collect, protect
from chalicelib.ports import Purpose, Ticket

bp = Blueprint(__name__)

FORM = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/json"]
READ = ["GET", "HEAD"]


def _for_customers(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Answer what goes wrong with a page in the reader's language, and HEAD without a body."""

    @wraps(handler)
    def answered(**params: str) -> Response:
        request: Request = bp.current_request
        try:
            response = handler(request, **params)
        except TooLarge:
            response = show(pages.too_large_page(_organisation(), liked_language(request)))
        except LinkExpired:
            response = show(pages.expired_page(_organisation(), liked_language(request)))
        except (BadLink, NotFound):
            response = show(pages.not_found_page(_organisation(), liked_language(request)))
        if request.method == "HEAD":
            response.body = ""
        return response

    return answered


def _organisation() -> Organisation:
    return runtime.ports().library.organisation()


def _read(purpose: Purpose, token: str) -> Ticket:
    """Return what a link says; raises BadLink, or LinkExpired after its end."""
    ticket = runtime.ports().links.read(purpose, token)
    if ticket.expires_at and runtime.now() >= ticket.expires_at:
        raise LinkExpired(ticket.expires_at)
    return ticket


@bp.route("/s/{token}", methods=READ)
@_for_customers
def open_survey(request: Request, token: str) -> Response:
    """Show the survey with no rating chosen."""
    return _open(token, None)


@bp.route("/s/{token}/{rating}", methods=READ)
@_for_customers
def open_rating(request: Request, token: str, rating: str) -> Response:
    """Show the survey with the rating of the link chosen, and nothing stored."""
    return _open(token, rating)


def _open(token: str, rating: str | None) -> Response:
    ports, now = runtime.ports(), runtime.now()
    try:
        ticket = _read("answer", token)
    except BadLink:
        return _open_mended(token, rating)
    opened = collect.open_page(ports, ticket.id, now)
    if not opened.is_open:
        return show(pages.closed_page(opened.invitation, opened.organisation))
    chosen = on_scale(opened.survey, rating) if rating else None
    if collect.is_news(opened.invitation, _number(rating)):
        collect.note_view(ports, ticket.id, _number(rating), now)
    return show(_survey(opened, f"/s/{token}", chosen=chosen))


def _number(rating: str | None) -> int | None:
    # Off the scale too: the hidden link is such a rating, and whoever opens it is a machine.
    return int(rating) if rating and rating.isascii() and rating.isdigit() and len(rating) <= 3 else None


def _survey(opened: collect.Opened, action: str, **more: Any) -> Page:
    links, invitation = runtime.ports().links, opened.invitation
    if invitation.counter:
        return pages.survey_page(invitation, opened.survey, opened.organisation, action=action, **more)
    waiting = invitation.provisional or invitation.confirmed
    if "filled" not in more and waiting:
        more["filled"] = pages.filled_from(waiting)
    return pages.survey_page(
        invitation,
        opened.survey,
        opened.organisation,
        action=action,
        customer=opened.customer,
        privacy_url=links.url("privacy", Ticket(invitation.id, invitation.privacy_until)),
        stop_url=links.url("stop", Ticket(invitation.id)),
        **more,
    )


@bp.route("/s/{token}", methods=["POST"], content_types=FORM)
@_for_customers
def answer_survey(request: Request, token: str) -> Response:
    """Take an answer: at once for a person's press, after two minutes otherwise."""
    try:
        ticket = _read("answer", token)
    except BadLink:
        return _answer_mended(request, token)
    form = form_of(request)
    done = collect.submit(runtime.ports(), ticket.id, form, press_of(request, form), runtime.now())
    return show(_answered(done, f"/s/{token}"))


def _answered(done: collect.Submitted, action: str) -> Page:
    opened, filled = done.page, done.filled
    if done.outcome == "closed":
        return pages.closed_page(opened.invitation, opened.organisation, filled=filled, survey=opened.survey)
    if done.outcome == "invalid":
        return _survey(opened, action, filled=filled, problems=filled.problems)
    if done.outcome == "busy":
        return pages.busy_page(opened.organisation, opened.invitation.language)
    return pages.thanks_page(
        opened.invitation,
        opened.survey,
        opened.organisation,
        action=action,
        rating=filled.rating or 0,
        department=done.department,
    )


@bp.route("/q/{token}", methods=READ)
@_for_customers
def open_counter(request: Request, token: str) -> Response:
    """Show a counter's survey to whoever stands there, under a name of its own; nothing is stored."""
    return _open_counter(request, token, secrets.token_hex(16))


@bp.route("/q/{token}/{nonce}", methods=READ)
@_for_customers
def open_counter_again(request: Request, token: str, nonce: str) -> Response:
    """Show the same page again, empty: what was answered is nobody's to see."""
    return _open_counter(request, token, nonce)


def _open_counter(request: Request, token: str, nonce: str) -> Response:
    ticket, language = _read("counter", token), liked_language(request)
    opened = collect.open_counter(runtime.ports(), ticket.id, nonce, language, runtime.now())
    return show(_survey(opened, f"/q/{token}/{nonce}"))


@bp.route("/q/{token}/{nonce}", methods=["POST"], content_types=FORM)
@_for_customers
def answer_at_counter(request: Request, token: str, nonce: str) -> Response:
    """Take the answer of whoever stands at a counter, as long as there are not too many."""
    ports, ticket, form = runtime.ports(), _read("counter", token), form_of(request)
    press, language = press_of(request, form), liked_language(request)
    done = collect.submit_at_counter(ports, ticket.id, nonce, language, form, press, runtime.now())
    return show(_answered(done, f"/q/{token}" if done.outcome == "recorded" else f"/q/{token}/{nonce}"))


def press_of(request: Request, form: dict[str, list[str]]) -> Literal["button", "automatic", "unvouched"]:
    """Say who sent a form, as far as the browser vouches for it: a person's press, the page's script, or nobody."""
    if field_of(form, "automatic") == "1":
        return "automatic"
    site, user = header(request, "sec-fetch-site"), header(request, "sec-fetch-user")
    return "button" if (site, user) == ("same-origin", "?1") else "unvouched"


def _open_mended(token: str, rating: str | None) -> Response:
    ticket = _read("mended", token)
    opened = collect.open_page(runtime.ports(), ticket.id, runtime.now())
    chosen = rating if rating in YES_NO_ANSWERS else None
    return show(_mended(opened, token, chosen=chosen))


def _mended(opened: collect.Opened, token: str, **more: Any) -> Page:
    customer, action = opened.customer, f"/s/{token}"
    return pages.mended_page(opened.invitation, opened.organisation, action=action, customer=customer, **more)


def _answer_mended(request: Request, token: str) -> Response:
    ports, ticket, form = runtime.ports(), _read("mended", token), form_of(request)
    said, words = field_of(form, RATING), field_of(form, "comment")
    opened = collect.open_page(ports, ticket.id, runtime.now())
    problems = [] if said in YES_NO_ANSWERS else [Problem(f"/{RATING}", "missing")]
    if len(words) > TEXT_MAX:
        problems.append(Problem("/comment", "too_long"))
    if problems:
        chosen = said if said in YES_NO_ANSWERS else None
        return show(_mended(opened, token, chosen=chosen, comment=words, problems=problems))
    mended: Literal["yes", "no"] = "yes" if said == "yes" else "no"
    collect.say_mended(ports, ticket.id, mended, press_of(request, form), runtime.now(), words)
    return show(pages.mended_thanks_page(opened.invitation, opened.organisation, mended=said == "yes"))


@bp.route("/u/{token}", methods=READ)
@_for_customers
def open_stop(request: Request, token: str) -> Response:
    """Show the button that ends all surveys: opening the link alone stops nothing."""
    invitation = _known(_read("stop", token))
    return show(pages.unsubscribe_page(_organisation(), invitation.language, action=f"/u/{token}"))


@bp.route("/u/{token}", methods=["POST"], content_types=FORM)
@_for_customers
def stop(request: Request, token: str) -> Response:
    """End all surveys to a customer, on all channels (RFC 8058); or undo it."""
    ports, ticket, form = runtime.ports(), _read("stop", token), form_of(request)
    invitation, undo = _known(ticket), field_of(form, "action") == "undo"
    collect.stop(ports, ticket.id, runtime.now(), undo=undo)
    page = pages.resubscribed_page if undo else pages.unsubscribed_page
    return show(page(_organisation(), invitation.language, action=f"/u/{token}"))


def _known(ticket: Ticket) -> Invitation:
    invitation = runtime.ports().invitations.get(ticket.id)
    if invitation is None:
        raise NotFound(ticket.id)
    return invitation


@bp.route("/privacy/{token}", methods=READ)
@_for_customers
def open_privacy(request: Request, token: str) -> Response:
    """Show what is stored about a customer."""
    return show(_privacy(_read("privacy", token), token))


@bp.route("/privacy/{token}", methods=["POST"], content_types=FORM)
@_for_customers
def act_privacy(request: Request, token: str) -> Response:
    """Mail a copy to the address on record, or forget the customer; anything else shows the page again."""
    ports, ticket = runtime.ports(), _read("privacy", token)
    action, language = field_of(form_of(request), "action"), _known(ticket).language
    if action == "copy":
        return show(pages.copied_page(_organisation(), language, sent=protect.send_copy(ports, ticket.id)))
    if action == "erase":
        protect.erase(ports, ticket.id, runtime.now())
        return show(pages.erased_page(_organisation(), language))
    return show(replace(_privacy(ticket, token), status=422))


def _privacy(ticket: Ticket, token: str) -> Page:
    customer, invitations = protect.stored(runtime.ports(), ticket.id)
    language = _known(ticket).language
    return pages.privacy_page(customer, invitations, _organisation(), language, action=f"/privacy/{token}")
