"""Lay out a survey's questions as fields of a form, in an order that suits a low or a high rating."""

from dataclasses import dataclass

from chalicelib.domain.response import YES_NO_ANSWERS, Filled
from chalicelib.domain.survey import SEVERAL, TOUCHPOINT_SCALE, YES_NO, Question, Survey
from chalicelib.domain.terms import in_language

LOW_FIRST = ("drivers", "text", "promise", "value", "choice", "choices", "touchpoint")
HIGH_FIRST = ("text", "value", "promise", "touchpoint", "choice", "choices", "drivers")
"""What somebody with a low (high) rating came to say comes first; her time for the rest may be short."""


@dataclass(frozen=True)
class Mark:
    """One rating that can be chosen; `side` says whether it asks the questions for low or for high ones."""

    value: str
    side: str = ""


@dataclass(frozen=True)
class Choice:
    """One answer that can be chosen."""

    value: str
    text: str


@dataclass(frozen=True)
class Field:
    """One question as the page shows it, with what was given so far."""

    id: str
    kind: str
    text: str
    options: tuple[Choice, ...]
    chosen: str | tuple[str, ...]
    typed: str = ""
    problem: str = ""
    side: str = ""
    is_off: bool = False
    is_several: bool = False
    is_pair: bool = False


def marks(survey: Survey) -> tuple[Mark, ...]:
    """Return the ratings of a survey's scale."""
    return tuple(Mark(str(rating), "lo" if survey.is_low(rating) else "hi") for rating in survey.scale)


def touchpoint_marks() -> tuple[Mark, ...]:
    """Return the ratings of a part of the experience."""
    low, high = TOUCHPOINT_SCALE
    return tuple(Mark(str(rating)) for rating in range(low, high + 1))


@dataclass(frozen=True)
class Asked:
    """A survey as one reader is asked it: her language, rating, what she gave so far and what is wrong with it."""

    survey: Survey
    language: str
    rating: int | None
    filled: Filled | None
    problems: dict[str, str]
    yes_no: tuple[str, str]


def fields(asked: Asked) -> tuple[Field, ...]:
    """Return the questions in the order in which they are asked; without a rating, in the survey's own."""
    questions = list(asked.survey.questions)
    if asked.rating is not None:
        order = LOW_FIRST if asked.survey.is_low(asked.rating) else HIGH_FIRST
        questions.sort(key=lambda question: (order.index(question.kind), question.ask_if is None))
    return tuple(_field(asked, question) for question in questions)


def yes_no(id_: str, text: str, said: tuple[str, str], chosen: str | None, problem: str) -> Field:
    """Return a question that stands alone, to be answered with yes or no."""
    return Field(id_, "value", text, _both(said), (chosen or "",), problem=problem, is_pair=True)


def _field(asked: Asked, question: Question) -> Field:
    given, rating = asked.filled or Filled(None), asked.rating
    chosen = given.choices.get(question.id, ())
    return Field(
        id=question.id,
        kind=question.kind,
        text=in_language(question.text, asked.language),
        options=_options(asked, question),
        chosen=str(given.ratings.get(question.id, "")) if question.kind == "touchpoint" else chosen,
        typed=given.texts.get(question.id, ""),
        problem=asked.problems.get(question.id, ""),
        side=question.ask_if or "",
        is_off=rating is not None and not asked.survey.asks(question, rating),
        is_several=question.kind in SEVERAL,
        is_pair=question.kind in YES_NO,
    )


def _options(asked: Asked, question: Question) -> tuple[Choice, ...]:
    if question.kind in YES_NO:
        return _both(asked.yes_no)
    return tuple(Choice(option.id, in_language(option.text, asked.language)) for option in question.options)


def _both(said: tuple[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value, text) for value, text in zip(YES_NO_ANSWERS, said, strict=True))
