"""Secrets are replaced while senders go on, and programs get tokens of their own, without anybody editing JSON."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from infra.commands.line import main
from infra.commands.screen import Screen
from infra.local.system import LocalSystem
from tests.story.company import Company, Json
from tests.story.test_redrive import infra

pytestmark = pytest.mark.embedded

KNOWN_EVERYWHERE = "PT15M"


def refused(lazo: LocalSystem, *arguments: str) -> str:
    """Run a command that must not do what it is told; return why."""
    screen = Screen(as_json=True, out=io.StringIO(), err=io.StringIO())
    assert main([*arguments, "--local", "--state", str(lazo.state), "--json"], screen) == 1
    lazo.application.use_clock(lazo.clock.now)
    assert isinstance(screen.out, io.StringIO)
    return str(json.loads(screen.out.getvalue())["error"])


def signing_with(company: Company, secret: str) -> Company:
    """Return a sender of the company's events with a secret of its own."""
    return replace(company, tokens={**company.tokens, "events_secret": secret})


def sent(company: Company, id_: str) -> int:
    return company.post(company.event(id_)).status


def test_the_senders_secret_is_replaced_without_a_moment_in_which_neither_holds(
    company: Company, lazo: LocalSystem
) -> None:
    (old,) = infra(lazo, "secret", "events")["values"]
    assert old == company.tokens["events_secret"]
    assert infra(lazo, "secret", "events", "--add")["values"][0] == old
    company.later(KNOWN_EVERYWHERE)
    _, new = infra(lazo, "secret", "events")["values"]
    assert (sent(company, "ORD-1"), sent(signing_with(company, new), "ORD-2")) == (202, 202)
    assert "--retire the old one first" in refused(lazo, "secret", "events", "--add")

    assert infra(lazo, "secret", "events", "--retire")["values"] == [new]
    company.later(KNOWN_EVERYWHERE)
    assert (sent(company, "ORD-3"), sent(signing_with(company, new), "ORD-4")) == (401, 202)
    assert "--add a new one first" in refused(lazo, "secret", "events", "--retire")


def test_replacing_one_secret_leaves_all_others_and_asks_nobody_twice(company: Company, lazo: LocalSystem) -> None:
    (token,) = infra(lazo, "secret", "events-token")["values"]
    company.sell("ORD-1")
    company.later("PT4H")
    infra(lazo, "secret", "events", "--add")
    infra(lazo, "secret", "link-keys", "--add")
    company.later(KNOWN_EVERYWHERE)
    assert infra(lazo, "secret", "events-token")["values"] == [token]
    company.sell("ORD-1")
    company.later("PT4H")
    assert len(company.messages("ana@example.com")) == 1
    assert company.open(link(company.mail("ana@example.com"))).status == 200


def link(mail: Json) -> str:
    return next(word for word in str(mail["text"]).split() if "/s/" in word)


def test_link_keys_are_added_by_number_and_never_shown_nor_retired(company: Company, lazo: LocalSystem) -> None:
    first = infra(lazo, "secret", "link-keys")
    second = infra(lazo, "secret", "link-keys", "--add")
    assert (second["signs"], second["verify"]) == (first["signs"] + 1, [*first["verify"], first["signs"] + 1])
    assert set(second) == {"secret", "signs", "verify"}
    assert "good for ever" in refused(lazo, "secret", "link-keys", "--retire")


def test_a_secret_that_there_is_not_is_told_what_there_is(company: Company, lazo: LocalSystem) -> None:
    assert "did you mean events-token?" in refused(lazo, "secret", "events-tokens")
    assert "no secret 'webhook:crm'" in refused(lazo, "secret", "webhook:crm", "--add")
    assert "no secret 'root'" in refused(lazo, "secret", "root", "--add")


def test_a_program_gets_a_token_that_opens_what_its_role_may_see(
    company: Company, lazo: LocalSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = infra(lazo, "token", "--role", "department", "--department", "logistics", "--name", "Board on the wall")
    program = replace(company, tokens={**company.tokens, "api": {"program": made["token"]}})
    assert program.api("program", "cases").status == 200
    assert program.api("program", "cases?department=sales").status != 200

    monkeypatch.setattr("sys.stdin", io.StringIO(made["token"] + "\n"))
    assert infra(lazo, "token", "--revoke")["revoked"] == "Board on the wall"
    assert program.api("program", "cases").status == 401
    monkeypatch.setattr("sys.stdin", io.StringIO(made["token"] + "\n"))
    assert "opens nothing already" in refused(lazo, "token", "--revoke")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--role", "leadership"], "Which program is it for?"),
        (["--role", "department", "--department", "logistic", "--name", "x"], "did you mean logistics?"),
        (["--role", "agent", "--department", "logistics", "--person", "u-none", "--name", "x"], "no --person 'u-none'"),
    ],
)
def test_a_token_stands_for_somebody_whom_the_organisation_has(
    company: Company, lazo: LocalSystem, arguments: list[Any], why: str
) -> None:
    assert why in refused(lazo, "token", *arguments)
