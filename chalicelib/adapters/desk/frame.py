"""Put a page into its frame: who reads it, where else one can go, in which languages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from chalicelib.adapters.templates import Page, page, sentence
from chalicelib.adapters.wording import department_name
from chalicelib.domain.organisation import Organisation
from chalicelib.ports import Principal, Role

LANGUAGE_NAMES = {"es": "Español", "en": "English", "pt": "Português"}


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


PAGES = {
    "/cases": _("Cases"),
    "/trends": _("Trends"),
    "/recognition": _("Recognition"),
    "/ledger": _("Ledger"),
    "/incidents": _("Incidents"),
    "/sending": _("Sending"),
    "/me": _("My page"),
}
SEEN: dict[Role, tuple[str, ...]] = {
    "agent": ("/me",),
    "department": ("/cases", "/trends", "/recognition", "/ledger", "/me"),
    "leadership": ("/trends", "/cases", "/recognition", "/ledger", "/incidents", "/sending"),
    "admin": ("/trends", "/cases", "/recognition", "/ledger", "/incidents", "/sending"),
}
"""Where each role can go, its own page first."""

ROLES: dict[Role, str] = {"agent": "", "department": "", "leadership": _("Leadership"), "admin": _("Administrator")}


@dataclass(frozen=True)
class Desk:
    """Somebody in front of a page: who, when, in which language, and the page's own address."""

    organisation: Organisation
    principal: Principal | None
    now: datetime
    language: str
    address: str = "/"

    def say(self, text: str, **facts: object) -> str:
        """Return a sentence of the catalogues in the reader's language."""
        return sentence(text, self.language, **facts)

    def department(self, id_: str | None) -> str:
        """Return what a department is called."""
        return department_name(id_, self.organisation, self.language)

    @property
    def zone(self) -> str:
        """The zone in which this reader thinks: the department's, else the company's."""
        department = self.principal.department if self.principal else None
        return self.organisation.calendar_of(department).zone if department else self.organisation.zone

    @property
    def reads_all(self) -> bool:
        """Whether this reader sees every department and single answers."""
        return self.principal is not None and self.principal.role in ("leadership", "admin")


def desk_page(name: str, desk: Desk, *, current: str = "", status: int = 200, **facts: Any) -> Page:
    """Return a page of ours in its frame."""
    return page(
        name,
        desk.language,
        status=status,
        company=desk.organisation.name,
        nav=_nav(desk, current),
        who=_who(desk),
        languages=_languages(desk),
        now=desk.now,
        zone=desk.zone,
        **facts,
    )


def with_language(address: str, language: str) -> str:
    """Return the address of the same page in another language."""
    path, _, asked = address.partition("?")
    kept = [(name, value) for name, value in parse_qsl(asked) if name != "lang"]
    return path + "?" + urlencode([*kept, ("lang", language)])


def _nav(desk: Desk, current: str) -> list[dict[str, object]]:
    seen = SEEN[desk.principal.role] if desk.principal else ()
    return [{"href": path, "text": desk.say(PAGES[path]), "current": path == current} for path in seen]


def _who(desk: Desk) -> dict[str, str] | None:
    if desk.principal is None:
        return None
    where = desk.department(desk.principal.department) or desk.say(ROLES[desk.principal.role] or "Leadership")
    return {"name": desk.principal.name, "where": where}


def _languages(desk: Desk) -> list[dict[str, object]]:
    return [
        {"code": code, "name": name, "href": with_language(desk.address, code), "current": code == desk.language}
        for code, name in LANGUAGE_NAMES.items()
    ]
