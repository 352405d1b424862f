"""Make a token for a program that calls the API, or let one hold no longer.

It is shown once and kept as a hash. `leadership` reads all trends and cases, `department` one department's, `agent`
one person's own page. People need none: they sign in by mail.
"""

import argparse
import secrets
import sys

from chalicelib.domain.organisation import Organisation
from chalicelib.ports import Principal
from infra.commands import connection
from infra.commands.screen import Failed, Screen
from infra.organisation_checks import nearest

TOKEN_BYTES = 24
ROLES = ("agent", "department", "leadership", "admin")
NAME_CHARACTERS_MAX = 80


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add whom the token stands for, and which system."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--role", choices=ROLES, help="what it may do")
    what.add_argument("--revoke", action="store_true", help="the token on standard input opens nothing any more")
    parser.add_argument("--name", default="", help="which program it is for: cases' timelines name it")
    parser.add_argument("--department", default="", help="of the role department or agent")
    parser.add_argument("--person", default="", help="of the role agent")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Make a token, or take one back."""
    system = connection.connect(options)
    access = system.ports.access
    if options.revoke:
        taken = access.take(sys.stdin.readline().strip())
        if taken is None:
            raise Failed("No such token is known: it opens nothing already.")
        screen.say(f"The token of {taken.name} opens nothing any more.")
        screen.result({"revoked": taken.name, "role": taken.role})
        return 0
    principal = principal_of(options, system.ports.library.organisation())
    token = secrets.token_urlsafe(TOKEN_BYTES)
    access.grant(token, principal)
    screen.say(token, f"It stands for {principal.name} ({principal.role}), and is shown this once.")
    screen.result({"token": token, **principal.model_dump(exclude_none=True)})
    return 0


def principal_of(options: argparse.Namespace, organisation: Organisation) -> Principal:
    """Return whom a token is to stand for. Raises Failed for somebody that the organisation does not have."""
    name = options.name.strip()
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise Failed(f"Which program is it for? --name, of at most {NAME_CHARACTERS_MAX} characters.")
    found = Principal(id=f"token:{name}", role=options.role, name=name)
    if options.role not in ("department", "agent"):
        # Nobody may think that it was narrowed down.
        _none_of(options, "--department", "--person")
        return found
    people = {each.id: [one.id for one in each.people] for each in organisation.departments}
    _one_of("--department", options.department, people)
    if options.role == "agent":
        _one_of("--person", options.person, people[options.department])
    else:
        _none_of(options, "--person")
    return found.model_copy(update={"department": options.department, "person": options.person or None})


def _none_of(options: argparse.Namespace, *names: str) -> None:
    for name in names:
        if getattr(options, name.removeprefix("--")):
            raise Failed(f"A token of the role {options.role} knows no {name}: leave it out, or take another --role.")


def _one_of(option: str, given: str, known: "list[str] | dict[str, list[str]]") -> None:
    if given not in known:
        has = ", ".join(known) or "nobody"
        text = f"The organisation has {has}, and no {option} {given!r}{nearest(given, known) or '.'}"
        raise Failed(text, known=list(known))
