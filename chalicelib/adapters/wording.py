"""Say facts of the domain in the reader's language: why a department, what was promised, what was rated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.adapters.templates import _, sentence
from chalicelib.adapters.templates.formats import moment, number
from chalicelib.domain.event import Promise
from chalicelib.domain.organisation import Organisation
from chalicelib.domain.routing import Why
from chalicelib.domain.survey import SCALES
from chalicelib.domain.terms import base_language, in_language


def rating_text(metric: str, rating: int, language: str) -> str:
    """Return a rating with the highest that could be given, as in «2 de 10»."""
    scales = {name: highest for name, (_, highest) in SCALES.items()}
    if metric not in scales:
        return str(rating)
    return sentence("%(rating)s of %(highest)s", language, rating=rating, highest=scales[metric])


def department_name(id_: str | None, organisation: Organisation, language: str) -> str:
    """Return what a department is called; its id where the file no longer has it."""
    found = organisation.department(id_)
    return in_language(found.name, language) if found else id_ or ""


def program_name(id_: str, organisation: Organisation, language: str) -> str:
    """Return what a program is called; its id where the file no longer has it."""
    found = organisation.program(id_)
    return in_language(found.name, language) if found else id_


def why_text(why: Why, organisation: Organisation, language: str) -> str:
    """Return why a department leads, for its own people; a reason of another make is said as it stands."""
    start, said = WHY.get(why.rule, ("", ""))
    if why.sure is not None and why.sure < 1:
        plain = why_text(why.model_copy(update={"sure": None}), organisation, language)
        return sentence("%(why)s (%(share)s %% sure)", language, why=plain, share=round(100 * why.sure))
    if not said or not why.text.startswith(start):
        return why.text
    what = why.text.removeprefix(start)
    if why.rule == "promise":
        what = kind_text(what, language)
    if why.rule == "event":
        what = department_name(what, organisation, language)
    return sentence(said, language, what=what)


WHY = {
    "driver": ("the customer chose: ", _("the customer chose: %(what)s")),
    "words": ("the customer wrote: ", _("the customer wrote: %(what)s")),
    "promise": ("a promise was broken: ", _("a promise was broken: %(what)s")),
    "event": ("the event came from ", _("it began in %(what)s")),
    "arbiter": ("nothing else names a department", _("nothing else names a department")),
}
"""How the routing begins its reasons, and how they are said to people."""

KINDS = {
    "delivery": _("delivery"),
    "quantity": _("quantity"),
    "invoice": _("invoice"),
    "call": _("call back"),
}
"""The promises that have a word of their own; others are called as the event calls them."""


def kind_text(kind: str, language: str) -> str:
    """Return what a kind of promise is called."""
    return sentence(KINDS[kind], language) if kind in KINDS else kind


@dataclass(frozen=True)
class Told:
    """One promise as its department reads it, and whether it was kept (None while nobody can know)."""

    label: str
    text: str
    kept: bool | None


def promise_told(promise: Promise, zone: str, now: datetime, language: str) -> Told:
    """Return what was promised and what was delivered, frozen with the event, and how it ended."""
    kept = promise.kept(now)
    ends = {True: _("kept"), False: _("broken"), None: _("still open")}
    promised = _amount(promise.promised, zone, language)
    if promise.fulfilled is None:
        facts = sentence("promised: %(promised)s", language, promised=promised)
    else:
        fulfilled = _amount(promise.fulfilled, zone, language)
        delivered = _("promised: %(promised)s · delivered: %(fulfilled)s")
        facts = sentence(delivered, language, promised=promised, fulfilled=fulfilled)
    label = sentence("Promise (%(kind)s)", language, kind=kind_text(promise.kind, language))
    return Told(label, f"{sentence(ends[kept], language)} · {facts}", kept)


def _amount(value: datetime | float, zone: str, language: str) -> str:
    if isinstance(value, datetime):
        return moment(value, zone, language=base_language(language))
    return number(value, 0 if value == int(value) else 2, language=base_language(language))


def drivers_text(drivers: Sequence[str], survey: str | None, organisation: Organisation, language: str) -> str:
    """Return what a customer says failed, in the survey's words where the file still has them."""
    known = {
        option.id: in_language(option.text, language)
        for each in organisation.surveys
        if each.id == survey
        for question in each.questions
        for option in question.options
        if question.kind == "drivers"
    }
    return " · ".join(known[id_] for id_ in drivers if id_ in known)
