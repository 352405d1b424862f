"""Show who did well, by what is certain of it, and to everybody their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from chalicelib.adapters.desk import metrics
from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.desk.screen import Ask
from chalicelib.adapters.desk.standing import goals
from chalicelib.adapters.templates import Page
from chalicelib.adapters.wording import program_name, rating_text
from chalicelib.domain.metric import METRICS
from chalicelib.domain.organisation import Organisation, Staff
from chalicelib.domain.reading import pooled, rated
from chalicelib.domain.recognition import Praise
from chalicelib.domain.score import Estimate
from chalicelib.domain.target import Progress
from chalicelib.errors import Forbidden, Invalid
from chalicelib.ports import Principal

BOARD_ANSWERS_MIN = 10
BOARD_MAX = 10


@dataclass(frozen=True)
class Place:
    """Somebody on the board: what is certain of them, and what it rests on."""

    name: str
    where: str
    certain: str
    text: str


@dataclass(frozen=True)
class Board:
    """Those who stand out in one rating; those who do not are not listed."""

    title: str
    meaning: str
    people: tuple[Place, ...]
    departments: tuple[Place, ...]


def recognition_page(desk: Desk, ask: Ask) -> Page:
    """Return the board of the last twelve months."""
    boards = [
        board for metric in rated(desk.organisation) if (board := _board(desk, metric, ask)).people or board.departments
    ]
    return desk_page("staff/recognition.html", desk, current="/recognition", boards=boards, least=BOARD_ANSWERS_MIN)


def _board(desk: Desk, metric: str, ask: Ask) -> Board:
    return Board(
        title=desk.say(metrics.NAMES[metric]),
        meaning=desk.say(metrics.MEANINGS[metric]),
        people=_places(desk, metric, "person", ask),
        departments=_places(desk, metric, "department", ask) if desk.reads_all else (),
    )


def _places(desk: Desk, metric: str, by: str, ask: Ask) -> tuple[Place, ...]:
    """Return the upper half, by the lower end of the interval: luck with few answers takes nobody to the top."""
    try:
        found = ask({"metric": metric, "by": by}).series
    except (Invalid, Forbidden):
        return ()
    pools = {series.key: pooled(metric, series.points) for series in found}
    fair = {key: each for key, each in pools.items() if each.n >= BOARD_ANSWERS_MIN and each.low is not None}
    ranked = sorted(fair, key=lambda key: (-(fair[key].low or 0.0), key))
    shown = ranked[: min(BOARD_MAX, (len(ranked) + 1) // 2)]
    return tuple(_place(desk, metric, by, key, fair[key]) for key in shown)


def _place(desk: Desk, metric: str, by: str, key: str, estimate: Estimate) -> Place:
    found = _staff(desk.organisation).get(key) if by == "person" else None
    name = desk.department(key) if by == "department" else found[0].name if found else key
    return Place(
        name=name,
        where=desk.department(found[1]) if found else "",
        certain=metrics.value_text(metric, estimate.low, desk.language),
        text=_estimated(metric, estimate, desk),
    )


def _staff(organisation: Organisation) -> dict[str, tuple[Staff, str]]:
    return {
        one.id: (one, department.id)
        for department in organisation.departments
        for one in (department.head, *department.people)
    }


def _estimated(metric: str, estimate: Estimate, desk: Desk) -> str:
    value = metrics.value_text(metric, estimate.value, desk.language)
    between = metrics.interval_text(metric, estimate.low, estimate.high, desk.language)
    return f"{value} ({between}), n\u00a0=\u00a0{estimate.n}" if between else f"{value}, n\u00a0=\u00a0{estimate.n}"


def own_page(
    desk: Desk,
    ratings: Sequence[tuple[str, Estimate | None, Estimate | None]],
    targets: Sequence[Progress] = (),
    *,
    whose: Principal,
    people: Sequence[Staff] = (),
    praise: Sequence[Praise] = (),
) -> Page:
    """Return somebody's own page: each rating beside the team's, the targets of their role, and a head's people."""
    rows = [
        {
            "title": desk.say(metrics.NAMES[metric]),
            "meaning": desk.say(metrics.MEANINGS[metric]),
            "unit": METRICS[metric].unit,
            "mine": _estimated(metric, mine, desk) if mine else "",
            "team": _estimated(metric, team, desk) if team else "",
        }
        for metric, mine, team in ratings
    ]
    is_own = whose == desk.principal
    return desk_page(
        "staff/me.html",
        desk,
        current="/me",
        rows=rows,
        is_person=whose.person is not None,
        team=desk.department(whose.department),
        goals=goals(desk, targets),
        subject=whose.name,
        label=desk.say("You") if is_own else whose.name,
        praise=[_praised(each, desk) for each in praise],
        people=[{"href": f"/me?{urlencode({'person': one.id})}", "name": one.name} for one in people],
    )


def _praised(praise: Praise, desk: Desk) -> dict[str, object]:
    return {
        "at": praise.at,
        "rating": rating_text(praise.metric, praise.rating, desk.language),
        "words": praise.words,
        "names": ", ".join(praise.names),
        "where": program_name(praise.touchpoint, desk.organisation, desk.language),
    }
