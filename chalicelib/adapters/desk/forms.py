"""Lay out a form for every move that a case allows, with what was typed and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.adapters.desk.frame import Desk
from chalicelib.domain.case import HELPERS_MOVES, MAY_SAY, NEEDS, Case, possible
from chalicelib.domain.terms import TEXT_MAX, in_language
from chalicelib.errors import Invalid, LazoError, MoveForbidden


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


TITLES = {
    "acknowledge": _("Pick it up"),
    "resolve": _("Mended: say how"),
    "resume": _("Take it up again"),
    "contact": _("Note a talk with the customer"),
    "reassign": _("Pass it on"),
    "return": _("Send it back"),
    "wait": _("Wait for the customer"),
    "comment": _("Add a note"),
    "reopen": _("Open it again"),
    "done": _("Your task is done: say what"),
}
"""Every move, in the order in which they help; the first that is possible is the one to press."""

HINTS = {
    "acknowledge": _("Says that you have it. The customer's clock goes on; your promise to pick up is kept."),
    "resolve": _("Ends the clocks and asks the customer whether it is mended."),
    "reassign": _("The customer's clock goes on. The other department reads your reason."),
    "return": _("It goes back to who had it before, with your reason."),
    "wait": _("Stops the promise to mend, not the customer's clock."),
    "done": _("Whoever leads the case reads it and speaks with the customer."),
}
MAIN = ("acknowledge", "resolve", "resume", "done")
LABELS = {
    "reason": _("Why?"),
    "text": _("Note"),
    "department": _("To which department?"),
    "how": _("How?"),
    "outcome": _("What came of it?"),
    "reached": _("Was the customer reached?"),
    "root_cause": _("What had gone wrong?"),
    "action": _("What did you do about it?"),
}
HOW = {
    "phone": _("By phone"),
    "email": _("By e-mail"),
    "message": _("By message"),
    "visit": _("In person"),
}
REACHED = {
    "yes": _("Yes, we talked"),
    "no": _("No, nobody answered"),
}
LONG = ("reason", "text", "outcome", "action")


@dataclass(frozen=True)
class Choice:
    """One answer of a list."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True)
class Field:
    """One thing that a move must say."""

    name: str
    label: str
    kind: str
    typed: str
    choices: tuple[Choice, ...]
    problem: str


@dataclass(frozen=True)
class Form:
    """One move."""

    verb: str
    title: str
    hint: str
    fields: tuple[Field, ...]
    is_main: bool
    is_open: bool
    problem: str


def forms(
    case: Case, desk: Desk, *, tried: str = "", typed: Mapping[str, str] | None = None, refusal: LazoError | None = None
) -> list[Form]:
    """Return the moves that this reader can make; `tried` is the one that was refused, with all that was typed."""
    if desk.principal is None or desk.principal.role == "leadership":
        return []
    verbs = [verb for verb in TITLES if verb in _own(case, desk) and not (verb == "return" and _nowhere(case, desk))]
    main = next((verb for verb in verbs if verb in MAIN), "")
    refused = _Refused(tried, typed or {}, refusal)
    return [_form(verb, case, desk, refused if verb == tried else _Refused(), is_main=verb == main) for verb in verbs]


def _own(case: Case, desk: Desk) -> tuple[str, ...]:
    """Return the moves of this reader: a lead's, or those of a department that helps."""
    if not is_helper(case, desk):
        return possible(case)
    has_task = desk.principal is not None and desk.principal.department in case.helping
    return HELPERS_MOVES if has_task else tuple(verb for verb in HELPERS_MOVES if verb != "done")


def is_helper(case: Case, desk: Desk) -> bool:
    """Say whether this reader's department helps with the case and does not lead it."""
    reader = desk.principal
    return reader is not None and reader.role == "department" and reader.department != case.department


@dataclass(frozen=True)
class _Refused:
    """A move that was tried, all that was typed into it, and what was wrong with it."""

    verb: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    refusal: LazoError | None = None


def _nowhere(case: Case, desk: Desk) -> bool:
    """Say whether there is nobody to send a case back to: the arbiter decides."""
    return case.department == desk.organisation.routing.arbiter and not case.previous_leads


def _form(verb: str, case: Case, desk: Desk, refused: _Refused, *, is_main: bool) -> Form:
    wrong = _wrong(refused.refusal, refused.typed, desk)
    names = (*NEEDS.get(verb, ()), *MAY_SAY.get(verb, ()))
    fields = tuple(_field(name, case, desk, refused.typed.get(name, ""), wrong.get(name, "")) for name in names)
    return Form(
        verb=verb,
        title=desk.say(TITLES[verb]),
        hint=desk.say(HINTS[verb]) if verb in HINTS else "",
        fields=fields,
        is_main=is_main,
        is_open=verb == refused.verb,
        problem=" ".join(text for name, text in wrong.items() if name not in names),
    )


def _field(name: str, case: Case, desk: Desk, typed: str, problem: str) -> Field:
    choices = tuple(Choice(value, text, value == typed) for value, text in _choices(name, case, desk))
    kind = "choice" if choices else "long" if name in LONG else "line"
    return Field(name, desk.say(LABELS[name]), kind, typed, choices, problem)


def _choices(name: str, case: Case, desk: Desk) -> list[tuple[str, str]]:
    if name == "department":
        others = (each for each in desk.organisation.departments if each.id != case.department)
        return [(each.id, desk.department(each.id)) for each in others]
    if name == "root_cause":
        return [(cause.id, in_language(cause.text, desk.language)) for cause in desk.organisation.causes]
    return [(value, desk.say(text)) for value, text in {"how": HOW, "reached": REACHED}.get(name, {}).items()]


def _wrong(refusal: LazoError | None, typed: Mapping[str, str], desk: Desk) -> dict[str, str]:
    """Return what is wrong, by field; what belongs to no field under its own name."""
    if isinstance(refusal, MoveForbidden):
        return {"": desk.say("This is not possible any more: the case has moved on.")}
    if not isinstance(refusal, Invalid):
        return {}
    named = {each.pointer.removeprefix("/"): each.detail for each in refusal.problems}
    return {name: _sentence(detail, typed.get(name, ""), desk) for name, detail in named.items()}


def _sentence(detail: str, given: str, desk: Desk) -> str:
    if not given.strip():
        return desk.say("Please fill this in.")
    if len(given) > TEXT_MAX:
        return desk.say("At most 5,000 characters; this has %(n)s.", n=len(given))
    return detail
