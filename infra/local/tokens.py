"""Keep the secrets that people and programs of this machine need, in `.local/tokens.json`."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib.domain.organisation import Organisation
from chalicelib.ports import Access, Principal

TOKENS_FILE = "tokens.json"
TOKEN_BYTES = 24

Json = dict[str, Any]


def ensure(state: Path, access: Access, organisation: Organisation, *, events_secret: str, events_token: str) -> Json:
    """Write the file where it is missing or incomplete, and see that each of its tokens opens what it names.

    Tokens that are there stay as they are, since people's scripts rely on them. A department that is new gets one.
    """
    kept = read(state)
    api = kept.get("api", {})
    wanted = principals(organisation)
    tokens = {principal.id: api.get(principal.id) or secrets.token_urlsafe(TOKEN_BYTES) for principal in wanted}
    written = {**kept, "events_secret": events_secret, "events_token": events_token, "api": {**api, **tokens}}
    for principal in wanted:
        if access.principal(tokens[principal.id]) != principal:
            access.grant(tokens[principal.id], principal)
    if written != kept:
        write_private(state / TOKENS_FILE, written)
    return written


def note_webhooks(state: Path, secrets: Mapping[str, str]) -> None:
    """Add the secrets that webhooks are signed with, by the webhooks' ids: whoever receives them must verify them."""
    kept = read(state)
    if secrets != kept.get("webhooks", {}):
        write_private(state / TOKENS_FILE, {**kept, "webhooks": dict(secrets)})


def principals(organisation: Organisation) -> Sequence[Principal]:
    """Return whom this machine has tokens for: an administrator, leadership, and each department's head."""
    return (
        Principal(id="admin", role="admin", name="Administration"),
        Principal(id="leadership", role="leadership", name="Leadership"),
        *(
            Principal(id=one.id, role="department", name=one.head.name, department=one.id, person=one.head.id)
            for one in organisation.departments
        ),
    )


def read(state: Path) -> Json:
    """Return what the file holds; nothing when it is not there or cannot be read."""
    try:
        kept = json.loads((state / TOKENS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def write_private(path: Path, content: Json) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
    new.replace(path)
