"""Show what mended cases: cause, deed and the customer's word, from every department and of nobody."""

from collections.abc import Sequence
from urllib.parse import urlencode

from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.templates import Page
from chalicelib.adapters.wording import drivers_text
from chalicelib.domain.knowledge import Lesson
from chalicelib.domain.terms import in_language


def knowledge_page(
    desk: Desk,
    words: str,
    department: str,
    *,
    found: Sequence[Lesson] = (),
    searched: int | None = None,
    following: str | None = None,
    refused: bool = False,
) -> Page:
    """Return what words have found among so many cases; without words, the box to write them in."""
    return desk_page(
        "staff/knowledge.html",
        desk,
        current="/cases",
        status=422 if refused else 200,
        words=words,
        choices=_choices(desk, department),
        lessons=[learned_from(lesson, desk) for lesson in found],
        searched=searched,
        refused=refused,
        more=_address(words, department, following) if following else "",
    )


def learned_from(lesson: Lesson, desk: Desk) -> dict[str, str]:
    """Return a lesson as pages show it."""
    causes = {cause.id: in_language(cause.text, desk.language) for cause in desk.organisation.causes}
    return {
        "department": desk.department(lesson.department),
        "cause": causes.get(lesson.root_cause, lesson.root_cause),
        "action": lesson.action,
        "drivers": drivers_text(lesson.drivers, lesson.survey, desk.organisation, desk.language),
        "word": desk.say("The customer says: mended") if lesson.recovered else "",
    }


def _choices(desk: Desk, chosen: str) -> list[dict[str, object]]:
    every = [{"id": "", "name": desk.say("All departments"), "chosen": not chosen}]
    return every + [
        {"id": each, "name": desk.department(each), "chosen": each == chosen}
        for each in desk.organisation.every_department
    ]


def _address(words: str, department: str, cursor: str) -> str:
    given = {"words": words, "department": department, "cursor": cursor}
    return "/knowledge?" + urlencode({name: value for name, value in given.items() if value})
