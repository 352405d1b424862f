"""Read an answer, and decide what it changes: provisional, confirmed, low."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.invitation import Answer, Invitation
from chalicelib.domain.survey import SEVERAL, TOUCHPOINT_SCALE, YES_NO, Option, Question, Survey
from chalicelib.domain.terms import TEXT_MAX
from chalicelib.errors import Problem

CONFIRM_AFTER = timedelta(seconds=120)
"""How long an answer that nobody vouched for waits, so that a scanner can give itself away."""

RATING = "rating"
SEEN = "_seen"
"""The field that says which rating's link a page was opened by; no question can be called so."""

NO_CALL = "do_not_call"
"""The field of the box that asks us to write and not to call."""

OFF_SCALE = 99
"""The rating of the hidden link: a person cannot see it, so whoever opens it is a machine."""


@dataclass(frozen=True)
class Filled:
    """A filled-in form: what it says, what is wrong with it, and all that was typed."""

    rating: int | None
    ratings: dict[str, int] = field(default_factory=dict)
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    no_call: bool = False

    def answer(self, at: datetime, how: str) -> Answer:
        """Return the answer that this form gives; only for forms without problems."""
        fields = {"rating": self.rating, "ratings": self.ratings, "choices": self.choices, "texts": self.texts}
        return Answer.model_validate({**fields, "no_call": self.no_call, "at": at, "how": how})


def read_form(survey: Survey, form: Mapping[str, Sequence[str]]) -> Filled:
    """Return what a form says; questions not meant for this rating are left out, as the page would.

    Nothing typed is lost: a text that is too long is a problem beside its field, and still there.
    """
    rating, problems = _rating(survey, form)
    ratings: dict[str, int] = {}
    choices: dict[str, tuple[str, ...]] = {}
    texts: dict[str, str] = {}
    for question in survey.questions:
        given = [value for value in form.get(question.id, ()) if value.strip()]
        if not given or (rating is not None and not survey.asks(question, rating)):
            continue
        try:
            _read(question, given, ratings, choices, texts)
        except ValueError as error:
            problems.append(Problem(f"/{question.id}", str(error)))
    no_call = any(value in ("1", "yes") for value in form.get(NO_CALL, ()))
    return Filled(rating, ratings, choices, texts, tuple(problems), no_call)


def seen_in(survey: Survey, form: Mapping[str, Sequence[str]]) -> int | None:
    """Return the rating whose link opened the page that a form was sent from; None when it names none of the scale."""
    return on_scale(survey, next(iter(form.get(SEEN, ())), ""))


def _rating(survey: Survey, form: Mapping[str, Sequence[str]]) -> tuple[int | None, list[Problem]]:
    given = next(iter(form.get(RATING, ())), "").strip()
    if not given:
        return None, [Problem(f"/{RATING}", "missing")]
    rating = on_scale(survey, given)
    return rating, [] if rating is not None else [Problem(f"/{RATING}", "off_scale")]


def spelled_out(problem: Problem, survey: Survey) -> str:
    """Return what is wrong with a field, and what would be right, for whoever fills it in by a program."""
    name = problem.pointer.removeprefix("/")
    question = next((each for each in survey.questions if each.id == name), None)
    low, high = TOUCHPOINT_SCALE if question else (survey.scale[0], survey.scale[-1])
    options = YES_NO_ANSWERS if question and question.kind in YES_NO else [each.id for each in _options(question)]
    return {
        "missing": f"is missing: a whole number from {low} to {high}",
        "off_scale": f"is not a whole number from {low} to {high}",
        "too_long": f"has more than {TEXT_MAX} characters",
        "not_an_option": f"is not {'among' if _is_several(question) else 'one of'} {', '.join(options)}",
    }[problem.detail]


def _options(question: Question | None) -> Sequence[Option]:
    return question.options if question else ()


def _is_several(question: Question | None) -> bool:
    return question is not None and question.kind in SEVERAL


def on_scale(survey: Survey, given: str) -> int | None:
    """Return a rating as a number when it is one of the survey's scale as we write it, else None: `03` is not 3."""
    return next((rating for rating in survey.scale if str(rating) == given), None)


def _read(
    question: Question,
    given: Sequence[str],
    ratings: dict[str, int],
    choices: dict[str, tuple[str, ...]],
    texts: dict[str, str],
) -> None:
    if question.kind == "text":
        texts[question.id] = _clean(given[0])
        if len(texts[question.id]) > TEXT_MAX:
            raise ValueError("too_long")
    elif question.kind == "touchpoint":
        ratings[question.id] = _touchpoint(given[0])
    else:
        options = YES_NO_ANSWERS if question.kind in YES_NO else tuple(option.id for option in question.options)
        choices[question.id] = _choices(question, given, options)


YES_NO_ANSWERS = ("yes", "no")


def _touchpoint(given: str) -> int:
    low, high = TOUCHPOINT_SCALE
    if not (given.isascii() and given.isdigit() and len(given) == 1 and low <= int(given) <= high):
        raise ValueError("off_scale")
    return int(given)


def _choices(question: Question, given: Sequence[str], options: tuple[str, ...]) -> tuple[str, ...]:
    if any(each not in options for each in given) or (len(given) > 1 and question.kind not in SEVERAL):
        raise ValueError("not_an_option")
    return tuple(option for option in options if option in given)


def _clean(text: str) -> str:
    # Control characters are of no use to Bruno and of some to whoever sends them; line breaks stay.
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in plain if char in "\n\t" or (char.isprintable() or char in "\u200d\ufe0f")).strip()


@dataclass(frozen=True)
class Recorded:
    """What an answer changes: the invitation as it will be, and whether a case is opened or told of it."""

    next: Invitation
    confirmed: bool
    opens_case: bool = False
    corrects_case: bool = False


def respond(invitation: Invitation, survey: Survey, answer: Answer, *, vouched: bool, now: datetime) -> Recorded | None:
    """Decide what a new answer does: a person's press confirms at once, anything else waits 120 s.

    An answer that waits never touches the confirmed one beside it. None when it repeats what is already confirmed.
    """
    if not _differs(invitation.confirmed, answer) and invitation.provisional is None:
        return None
    if vouched:
        return confirm(invitation, survey, answer, now)
    waiting = invitation.moved(provisional=answer, confirm_at=now + CONFIRM_AFTER, unconfirmed=False)
    return Recorded(waiting, confirmed=False)


def confirm(invitation: Invitation, survey: Survey, answer: Answer, now: datetime) -> Recorded:
    """Return what a confirmed answer changes: it counts, ends the reminders, and a low one opens its one case."""
    low = survey.is_low(answer.rating)
    opens = low and not invitation.has_case and not invitation.trial
    told = invitation.has_case and _differs(invitation.confirmed, answer)
    recorded = invitation.moved(
        confirmed=answer,
        first_confirmed_at=invitation.first_confirmed_at or now,
        provisional=None,
        confirm_at=None,
        unconfirmed=False,
        remind_at=None,
        has_case=invitation.has_case or opens,
    )
    return Recorded(recorded, confirmed=True, opens_case=opens, corrects_case=told)


def _differs(before: Answer | None, after: Answer) -> bool:
    if before is None:
        return True
    same = (before.rating, before.ratings, before.choices, before.texts, before.no_call)
    return same != (after.rating, after.ratings, after.choices, after.texts, after.no_call)


def settle(invitation: Invitation, survey: Survey, now: datetime) -> Recorded | None:
    """Decide about an answer that has waited: confirmed, unless a machine gave itself away meanwhile."""
    if invitation.provisional is None or invitation.confirm_at is None or now < invitation.confirm_at:
        return None
    if invitation.is_scanned:
        return Recorded(invitation.moved(confirm_at=None, unconfirmed=True), confirmed=False)
    return confirm(invitation, survey, invitation.provisional, now)


def viewed(invitation: Invitation, ratings: Iterable[int | None]) -> Invitation | None:
    """Return the invitation with views noted; None when they tell nothing new."""
    new = _news(invitation, ratings)
    return invitation.moved(**new) if new else None


def sent_from(invitation: Invitation, rating: int | None) -> Invitation:
    """Return the invitation with the view that a form was sent from: its own note finds nothing left to write."""
    new = _news(invitation, (rating,))
    return invitation.model_copy(update=new) if new else invitation


def _news(invitation: Invitation, ratings: Iterable[int | None]) -> dict[str, object]:
    opened = {rating for rating in ratings if rating is not None}
    more = tuple(sorted(opened - {*invitation.viewed, OFF_SCALE}))
    trapped = {"trapped": True} if OFF_SCALE in opened and not invitation.trapped else {}
    return trapped | ({"viewed": (*invitation.viewed, *more)} if more else {})
