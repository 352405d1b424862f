"""Read what one of us heard a customer say, by phone or at the counter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, ValidationError

from chalicelib.domain.event import problem_of
from chalicelib.domain.survey import OPTIONS_MAX, QUESTIONS_MAX
from chalicelib.domain.terms import TEXT_MAX, Frozen, Name
from chalicelib.errors import Invalid, Problem
from chalicelib.flows import ledger
from chalicelib.ports import Ports

One = StrictInt | StrictBool | Annotated[str, Field(max_length=2 * TEXT_MAX)]
Value = One | Annotated[list[One], Field(max_length=OPTIONS_MAX)]


class SaidBody(Frozen):
    """What a program sends: which invitation, and what was said."""

    invitation: Name | None = None
    customer: Name | None = None
    program: Name | None = None
    reference: Name | None = None
    answers: Annotated[dict[Name, Value], Field(max_length=QUESTIONS_MAX + 1)]
    how: Literal["phone", "counter"]


@dataclass(frozen=True)
class Said:
    """An answer that came by word of mouth, to the invitation that it belongs to."""

    invitation: str
    answers: Mapping[str, Sequence[str]]
    how: Literal["phone", "counter"]


def read_said(given: Mapping[str, Any], ports: Ports) -> Said:
    """Return what was said, as a form would say it. Raises Invalid, or NotFound for an unknown invitation."""
    try:
        body = SaidBody.model_validate(given)
    except ValidationError as error:
        raise Invalid(*(problem_of(fault) for fault in error.errors())) from error
    answers = {name: [_text(each) for each in _several(value)] for name, value in body.answers.items()}
    return Said(body.invitation or _found(body, ports), answers, body.how)


def _found(body: SaidBody, ports: Ports) -> str:
    if not (body.customer and body.program and body.reference):
        raise Invalid(Problem("", "needs `invitation`, or `customer`, `program` and `reference`"))
    return ledger.asked_about(ports, body.customer, body.program, body.reference)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: int | bool | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
