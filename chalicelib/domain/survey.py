"""Describe what is asked: a rating on its scale, and the few questions around it."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from chalicelib.domain.terms import Frozen, Identifier, Metric, Text

QUESTIONS_MAX = 20
OPTIONS_MAX = 20
VERSIONS_KEPT_MAX = 256  # of surveys in memory
TOUCHPOINT_SCALE = (1, 5)
"""The scale of the ratings that everyone gives to parts of the experience."""

SCALES: dict[Metric, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
LOW_MAX: dict[Metric, int] = {"nps": 6, "csat": 2, "ces": 3}
"""The highest rating that counts as low: somebody should be called."""

HIGH_MIN: dict[Metric, int] = {"nps": 9, "csat": 4, "ces": 5}


class Option(Frozen):
    """One choice; a driver names the department that can mend it."""

    id: Identifier
    text: Text
    department: Identifier | None = None


class Question(Frozen):
    """One question beside the rating.

    `touchpoint` rates a part from 1 to 5; `drivers` asks what let the customer down (several choices, each of a
    department); `promise` asks whether the promise was kept and `value` whether it did what was needed (yes or no);
    `choice`, `choices` and `text` are what they say.
    """

    id: Identifier
    kind: Literal["touchpoint", "drivers", "promise", "value", "choice", "choices", "text"]
    text: Text
    options: Annotated[tuple[Option, ...], Field(max_length=OPTIONS_MAX)] = ()
    ask_if: Literal["low", "high"] | None = None
    department: Identifier | None = None

    @model_validator(mode="after")
    def _options_where_chosen(self) -> "Question":
        if (self.kind in CHOSEN) != bool(self.options):
            raise ValueError(f"a question of kind {self.kind} {'needs' if self.kind in CHOSEN else 'has no'} options")
        return self


CHOSEN = frozenset({"drivers", "choice", "choices"})
SEVERAL = frozenset({"drivers", "choices"})
YES_NO = frozenset({"promise", "value"})


class Survey(Frozen):
    """What one program asks: the rating first, the rest optional."""

    id: Identifier
    metric: Metric
    title: Text
    rating: Text
    lowest: Text
    highest: Text
    questions: Annotated[tuple[Question, ...], Field(max_length=QUESTIONS_MAX)] = ()
    thanks: Text
    low_max: int | None = None

    @model_validator(mode="after")
    def _questions_once(self) -> "Survey":
        ids = [question.id for question in self.questions]
        if len(set(ids)) < len(ids):
            raise ValueError("each question needs an id of its own")
        return self

    @property
    def scale(self) -> range:
        """The ratings that can be given, lowest first."""
        low, high = SCALES[self.metric]
        return range(low, high + 1)

    def is_low(self, rating: int) -> bool:
        """Say whether this rating asks for a case."""
        return rating <= (LOW_MAX[self.metric] if self.low_max is None else self.low_max)

    def is_high(self, rating: int) -> bool:
        """Say whether this rating deserves praise for somebody."""
        return rating >= HIGH_MIN[self.metric]

    def asks(self, question: Question, rating: int) -> bool:
        """Say whether a question is meant for somebody who gave this rating."""
        if question.ask_if is None:
            return True
        return self.is_low(rating) if question.ask_if == "low" else not self.is_low(rating)

    @property
    def drivers(self) -> tuple[str, ...]:
        """The ids of everything that a customer may say has failed."""
        asked = (question for question in self.questions if question.kind == "drivers")
        return tuple(option.id for question in asked for option in question.options)

    @property
    def version(self) -> str:
        """Name this very wording: 128 bits of SHA-256 over its content.

        A mail sent last week opens the survey that it promised, whatever was published since.
        """
        known = _versions.get(id(self))
        if known is None or known[0] is not self:
            while len(_versions) >= VERSIONS_KEPT_MAX:
                _versions.pop(next(iter(_versions)))
            known = _versions[id(self)] = self, _version(self)
        return known[1]


_versions: dict[int, tuple[Survey, str]] = {}
"""The versions of surveys in memory, each with its survey, so that no other takes its place: they take long to work
out, and every decision, mail and page asks for one."""


def _version(survey: Survey) -> str:
    return hashlib.sha256(survey.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:32]
