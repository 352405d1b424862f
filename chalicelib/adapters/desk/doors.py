"""Say at the door what is needed, and on a wrong turn what went wrong and where to go on."""

from chalicelib.adapters.desk.frame import Desk, desk_page
from chalicelib.adapters.templates import Page
from chalicelib.errors import Problem


def _(text: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return text


ERRORS = {
    403: (_("Not for you"), _("This page is for others here. If that is a mistake, your administrator can mend it.")),
    404: (_("Not here"), _("There is no such page, or it is not for you. Perhaps the address was cut off.")),
    410: (_("This link has ended"), _("Links in mails work for a while only. Sign in to see what it led to.")),
    413: (_("Too long"), _("This is longer than we can take. Go back, shorten it a little, and send it again.")),
    422: (_("That does not work"), _("Something in the address is not known here.")),
    428: (_("Not sent from the page"), _("Open the case and use its buttons: they say what you have seen.")),
    500: (_("Our mistake"), _("Something went wrong on our side. Nothing was lost; please try again in a minute.")),
}


def sign_in_page(
    desk: Desk, *, onward: str = "/", link: str = "", problem: str = "", typed: str = "", sent: bool = False
) -> Page:
    """Return the door: the two ways in, a mail's button, or that a mail is on its way."""
    status = {"token": 401, "email": 422, "link": 410}.get(problem, 200)
    return desk_page(
        "staff/sign_in.html",
        desk,
        status=status,
        onward=onward,
        link=link,
        problem=problem,
        typed=typed,
        sent=sent,
    )


def error_page(desk: Desk, status: int, problems: tuple[Problem, ...] = ()) -> Page:
    """Return what went wrong, in words, with a way on."""
    title, what = ERRORS.get(status, ERRORS[500])
    return desk_page(
        "staff/error.html",
        desk,
        status=status,
        title=desk.say(title),
        what=desk.say(what),
        details=[f"{problem.pointer.removeprefix('/')}: {problem.detail}" for problem in problems],
        href="/" if desk.principal else "/sign-in",
        go=desk.say("To the beginning") if desk.principal else desk.say("Sign in"),
    )
