"""Tie the local system to Lazo: where it reads time, what falls due, what has to be published."""

import importlib
import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from chalicelib.adapters.dynamodb import keys
from chalicelib.domain.organisation import Organisation
from chalicelib.flows import expire, project, weekly
from chalicelib.flows.refit import refit
from chalicelib.ports import Ports
from infra import items
from infra import organisation as organisations
from infra.local import demo, permissions, tokens
from infra.local.application import Application
from infra.local.aws import CannotStart
from infra.local.system import LocalSystem
from infra.marked_yaml import Unreadable
from infra.publication import current, publish

log = logging.getLogger("lazo.local")

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = PROJECT / "examples" / "tornillo.yaml"
ENVIRONMENT_FILE = "environment.json"


def lazo() -> Application:
    """Return Lazo as the local system sees it."""
    return Application(
        overlay=PROJECT / "infra" / "aws" / "overlay.yaml",
        load=load,
        use_clock=lambda now: _runtime().use_clock(now),
        use_transport=lambda send: _runtime().use_transport(send),
        due_index=("Table", keys.DUE),
        timers=keys.timers(""),
        event_prefixes=("INVITATION#", "EVENT#"),
        demonstrate=lambda system: demo.demonstrate(system, _runtime().ports()),
        forget=forget,
        prepare=prepare,
        reconcile=reconcile,
        sign_ins=lambda system: tokens.read(system.state).get("api", {}),
        links=lambda: [("Cases", "/cases"), ("Trends", "/trends"), ("Why was somebody not asked?", "/ledger")],
    )


def load() -> Any:
    """Import the app, and have its calls checked against the roles that it will have on AWS."""
    _watch()
    return importlib.import_module("app").app


def forget() -> None:
    """Let the application build everything anew, and have the calls of its new clients checked as well."""
    _watch()
    _runtime().forget()


def _watch() -> None:
    permissions.watch(importlib.import_module("chalicelib.adapters.clients").session())


def _runtime() -> Any:
    # Imported when the environment is set, and not before.
    return importlib.import_module("chalicelib.runtime")


def prepare(system: LocalSystem) -> None:
    """Publish the organisation, make the tokens, and tell commands in other shells where this system is."""
    runtime = _runtime()
    ports, now, secrets = runtime.ports(), runtime.now(), runtime.secrets()
    organisation = in_force(ports, os.environ.get("ORG"), now)
    tokens.ensure(
        system.state,
        ports.access,
        organisation,
        events_secret=secrets.events_secrets()[0],
        events_token=secrets.events_tokens()[0],
    )
    tokens.note_webhooks(system.state, {each.id: secrets.webhook_secret(each.id) for each in organisation.webhooks})
    addresses = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    told = {"base_url": system.base_url, "environment": {**addresses, **system.resources.environment}}
    tokens.write_private(system.state / ENVIRONMENT_FILE, told)


def in_force(ports: Ports, wanted: str | None, now: datetime) -> Organisation:
    """Publish what ORG names, or the example on a first start; what is in force stays where nothing is asked for."""
    before = current(ports.library)
    if before and not wanted:
        weekly.arm(ports, now)
        expire.arm(ports, now)
        return before
    path = Path(wanted) if wanted else EXAMPLE
    try:
        loaded = organisations.load(path, now.date())
    except Unreadable as error:
        raise CannotStart(f"The organisation cannot be published:\n{error}") from None
    published = publish(ports.library, loaded.organisation, now)
    weekly.arm(ports, now)
    expire.arm(ports, now)
    for _ in refit(ports, now):
        pass
    return published.organisation


def reconcile(system: LocalSystem) -> None:
    """Compare the counters with a recount after an unclean stop, and say what differs where operators look."""
    found = project.reconcile(_runtime().ports(), items.every())
    if found.differences:
        log.error("%d counters differ from a recount after an unclean stop", len(found.differences))
    else:
        log.info("after an unclean stop the counters equal a recount of %d items", found.items)
