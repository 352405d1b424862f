"""Know who is asking and in which language, and answer errors as each reader can use them."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from chalice import Blueprint, Response
from chalice.app import Request

from chalicelib import errors, runtime
from chalicelib.adapters.desk.doors import error_page
from chalicelib.adapters.desk.frame import Desk
from chalicelib.adapters.templates import Page, page
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.terms import LANGUAGES
from chalicelib.entrypoints.http import header, problem_of, query, status_of
from chalicelib.entrypoints.session import SESSION, cookie, cookie_of, unsealed
from chalicelib.ports import Ports, Principal

log = logging.getLogger("lazo")

LANGUAGE = "lazo_language"
LANGUAGE_FOR = timedelta(days=365)
READING = ("GET", "HEAD")
PATH_CHARACTERS_MAX = 1000
_INSIDE = re.compile(r"/(?:[\x21-\x5b\x5d-\x7e][\x21-\x5b\x5d-\x7e]*)?")


@dataclass(frozen=True)
class Visit:
    """One request by somebody: what handlers need, and nothing of HTTP beyond the request itself."""

    request: Request
    ports: Ports
    now: datetime
    language: str
    reader: Principal | None

    @property
    def principal(self) -> Principal:
        """Who is asking; raises Unauthenticated when nobody vouches for them."""
        if self.reader is None:
            raise errors.Unauthenticated("needs a token, or a signed-in browser")
        return self.reader

    @property
    def organisation(self) -> Organisation:
        """The organisation as published."""
        return self.ports.library.organisation()

    @property
    def desk(self) -> Desk:
        """What the pages of our people need to know of their reader."""
        return Desk(self.organisation, self.reader, self.now, self.language, address_of(self.request))

    @property
    def stranger(self) -> Desk:
        """The same for a page that needs no account: it offers no way further in."""
        return Desk(self.organisation, None, self.now, self.language, address_of(self.request))

    @property
    def is_secure(self) -> bool:
        """Whether people reach us by https: cookies say so."""
        return runtime.settings().public_url.startswith("https://")


def visit_of(request: Request) -> Visit:
    """Return a request with whom it comes from, if anybody vouches for them. Raises Forbidden for a forged one."""
    ports, now = runtime.ports(), runtime.now()
    reader = _bearer(request, ports) if header(request, "authorization") else _signed_in(request)
    return Visit(request, ports, now, _language(request, ports), reader)


def _bearer(request: Request, ports: Ports) -> Principal:
    scheme, _, token = header(request, "authorization").partition(" ")
    token = token.strip()
    # What has a colon is no API token but the mark of a one-time link, which opens nothing here.
    found = ports.access.principal(token) if scheme.lower() == "bearer" and token and ":" not in token else None
    if found is None:
        raise errors.Unauthenticated("the token is not one of ours")
    return found


def _signed_in(request: Request) -> Principal | None:
    found = _known(request)
    if found and request.method not in READING:
        check_own(request)
    return found


def check_own(request: Request) -> None:
    """Raise Forbidden when a browser says that another site made it send this.

    Every browser says so: by Sec-Fetch-Site, or by Origin where it is older. Whoever sends neither is a program,
    which no page can have talked into it.
    """
    site, origin = header(request, "sec-fetch-site"), header(request, "origin")
    ours = ("", runtime.settings().public_url.rstrip("/"))
    if site not in ("same-origin", "none") if site else origin not in ours:
        raise errors.Forbidden("this was sent by another site's page")


def _language(request: Request, ports: Ports) -> str:
    for wanted in (query(request).get("lang", ""), cookie_of(request, LANGUAGE)):
        if wanted in LANGUAGES:
            return wanted
    return _accepted(header(request, "accept-language")) or _company_language(ports)


def _company_language(ports: Ports) -> str:
    try:
        return ports.library.organisation().language
    except errors.NotFound:
        return LANGUAGES[0]


def liked_language(request: Request) -> str:
    """Return the language that a stranger's browser likes best, among those we speak."""
    return _accepted(header(request, "accept-language")) or LANGUAGES[0]


def _accepted(accepts: str) -> str | None:
    """Return the language we speak that a browser likes best; None when it names none of them."""
    liked = []
    for place, part in enumerate(accepts[:PATH_CHARACTERS_MAX].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        liked.append((-_quality(quality), place, tag.split("-")[0].lower()))
    return next((tag for _, _, tag in sorted(liked) if tag in LANGUAGES), None)


def _quality(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def for_programs(bp: Blueprint) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Hand a handler of the API its visit, and turn errors into problem+json."""

    def decorate(handler: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(handler)
        def answered(**params: str) -> Response:
            try:
                return handler(visit_of(bp.current_request), **params)
            except errors.LazoError as error:
                return _refusal(error)

        return answered

    return decorate


def _refusal(error: errors.LazoError) -> Response:
    response = problem_of(error)
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def for_people(bp: Blueprint) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Hand a handler of pages its visit, and turn errors into pages; a stranger is asked to sign in."""

    def decorate(handler: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(handler)
        def answered(**params: str) -> Response:
            request = bp.current_request
            try:
                response = handler(visit_of(request), **params)
            except errors.Unauthenticated:
                response = _to_sign_in(request)
            except errors.LazoError as error:
                response = _apology(request, error)
            return _finished(request, response)

        return answered

    return decorate


def _to_sign_in(request: Request) -> Response:
    """Send a stranger to the sign-in page, and back afterwards.

    A browser keeps the session to itself when another site's link (a mail in a web mailbox) leads here: it shows it
    once the request comes from our own page, so that page comes in between.
    """
    if request.method == "GET" and header(request, "sec-fetch-site") == "cross-site":
        return show(page("staff/knock.html", _accepted(header(request, "accept-language")) or LANGUAGES[0]))
    back = address_of(request) if request.method in READING else "/"
    return redirect("/sign-in?" + urlencode({"next": back}))


def address_of(request: Request) -> str:
    """Return the path and query that somebody asked for, without the choice of a language."""
    path = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace("{" + name + "}", quote(value, safe=""))
    asked = [(name, value) for name, value in query(request).items() if name != "lang"]
    return path + ("?" + urlencode(asked) if asked else "")


def inside(path: str) -> str:
    """Return a path to go on to when it stays with us, else the beginning: nobody is sent elsewhere from here."""
    stays = len(path) <= PATH_CHARACTERS_MAX and _INSIDE.fullmatch(path) and not path.startswith("//")
    return path if stays else "/"


def show(shown: Page, **headers: Any) -> Response:
    """Return a page as an answer."""
    return Response(shown.html, headers={**shown.headers, **headers}, status_code=shown.status)


def redirect(path: str, *cookies: str) -> Response:
    """Return the way to another of our pages, to be read with GET."""
    headers: dict[str, Any] = {"Location": path, "Cache-Control": "no-store", "Content-Type": "text/plain"}
    if cookies:
        headers["Set-Cookie"] = list(cookies)
    return Response("", headers=headers, status_code=303)


def _apology(request: Request, error: errors.LazoError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.error("a page failed: %s", type(error).__name__)
    visit = Visit(request, runtime.ports(), runtime.now(), _language(request, runtime.ports()), _known(request))
    if not _is_published(visit):
        return Response("Nothing is published here yet.", headers={"Content-Type": "text/plain"}, status_code=503)
    problems = error.problems if isinstance(error, errors.Invalid) else ()
    return show(error_page(visit.desk, status, problems))


def _known(request: Request) -> Principal | None:
    sealed = cookie_of(request, SESSION)
    return unsealed(sealed, runtime.secrets().session_key(), runtime.now()) if sealed else None


def _is_published(visit: Visit) -> bool:
    try:
        return bool(visit.organisation)
    except errors.NotFound:
        return False


def _finished(request: Request, response: Response) -> Response:
    """Remember a language that was chosen by its link, and send no body after HEAD."""
    chosen = query(request).get("lang", "")
    if chosen in LANGUAGES and request.method in READING:
        secure = runtime.settings().public_url.startswith("https://")
        kept = cookie(LANGUAGE, chosen, secure=secure, lasts=LANGUAGE_FOR, same_site="Lax")
        before = response.headers.get("Set-Cookie", [])
        response.headers["Set-Cookie"] = [*([before] if isinstance(before, str) else before), kept]
    if request.method == "HEAD":
        response.body = ""
    return response
