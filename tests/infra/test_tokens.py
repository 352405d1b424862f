"""This machine's tokens: private, lasting, one for each department."""

import json
import stat
from pathlib import Path

from infra.local import tokens
from tests.infra.test_publication import company
from tests.world import World

GIVEN = {"events_secret": "whsec_c2VjcmV0", "events_token": "token"}


def test_the_file_holds_what_the_contract_names_for_its_owner_alone(tmp_path: Path) -> None:
    world = World()

    tokens.ensure(tmp_path, world.ports.access, company(), **GIVEN)

    file = tmp_path / "tokens.json"
    kept = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {**GIVEN, "api": kept["api"]} == kept
    assert set(kept["api"]) == {"admin", "leadership", "logistics", "sales"}


def test_each_token_opens_its_role_and_department(tmp_path: Path) -> None:
    world = World()

    api = tokens.ensure(tmp_path, world.ports.access, company(), **GIVEN)["api"]

    found = {name: world.ports.access.principal(token) for name, token in api.items()}
    roles = {name: (one.role, one.department) for name, one in found.items() if one}
    assert roles == {
        "admin": ("admin", None),
        "leadership": ("leadership", None),
        "logistics": ("department", "logistics"),
        "sales": ("department", "sales"),
    }


def test_tokens_stay_over_restarts_and_open_again_what_was_started_empty(tmp_path: Path) -> None:
    first = tokens.ensure(tmp_path, World().ports.access, company(), **GIVEN)
    empty = World()

    second = tokens.ensure(tmp_path, empty.ports.access, company(), **GIVEN)

    assert second == first
    assert empty.ports.access.principal(first["api"]["logistics"])


def test_a_department_that_is_new_gets_a_token_and_one_that_went_keeps_its_own(tmp_path: Path) -> None:
    world = World()
    first = tokens.ensure(tmp_path, world.ports.access, company(), **GIVEN)["api"]
    changed = company().model_copy(update={"departments": company().departments[:1]})

    fewer = tokens.ensure(tmp_path, world.ports.access, changed, **GIVEN)["api"]

    assert fewer == first


def test_a_file_that_cannot_be_read_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("{")

    assert tokens.ensure(tmp_path, World().ports.access, company(), **GIVEN)["api"]


def test_the_secrets_of_webhooks_are_noted_and_stay_when_tokens_are_made_again(tmp_path: Path) -> None:
    tokens.ensure(tmp_path, World().ports.access, company(), **GIVEN)
    tokens.note_webhooks(tmp_path, {"crm": "whsec_c2VjcmV0"})

    again = tokens.ensure(tmp_path, World().ports.access, company(), **GIVEN)

    assert again["webhooks"] == {"crm": "whsec_c2VjcmV0"}
    assert tokens.read(tmp_path) == again
