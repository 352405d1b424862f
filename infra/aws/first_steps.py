"""Take the first steps in a stage that has just been deployed: secrets, organisation, administrator, a trial."""

import importlib
import json
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import boto3

from chalicelib.domain.calendar import next_open
from chalicelib.domain.event import Contact
from chalicelib.domain.organisation import Organisation, Program
from chalicelib.domain.policy import hours_of
from chalicelib.flows import enter, expire, weekly
from chalicelib.ports import Clock, Ports
from chalicelib.settings import Settings
from infra.commands import trial
from infra.publication import current, publish

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEY_BYTES = 32
LEAVES_SECONDS_MAX = 90.0
LOOKS_EVERY_SECONDS = 0.5
ROOT, FIRST_KEY = "root", "1"


class NotRight(Exception):
    """The stack stands, but something in it does not work; the message says where to look."""


def take(organisation: Organisation | None, *, wait: Callable[[float], None] = time.sleep) -> list[str]:
    """Make what the environment names usable; return what to tell. Raises NotRight when the trial does not leave."""
    runtime = importlib.import_module("chalicelib.runtime")  # reads the environment, which is complete only now
    runtime.forget()
    ensure_secrets(boto3.client("secretsmanager"), runtime.settings())
    ports: Ports = runtime.ports()
    told = [_published(ports, organisation, runtime.now())] if organisation else []
    company = current(ports.library)
    if company is None or not company.admins:
        return [*told, "Nobody administers what is published: nobody was let in, nothing was tried."]
    admin = company.admins[0]
    link = enter.admit(ports, admin, secrets.token_hex(16), runtime.now())
    told.append(f"Sign in as {admin}, once and within ten minutes:\n  {link}")
    told.append(_tried(ports, company, admin, runtime.now, wait))
    return told


def ensure_secrets(client: "SecretsManagerClient", settings: Settings) -> None:
    """Make what is missing without which nothing works: a key for links, the root of all else; what is there stays."""
    if not _kept(client, settings.link_keys_id):
        _add(client, settings.link_keys_id, FIRST_KEY)
    if ROOT not in _kept(client, settings.secrets_id):
        _add(client, settings.secrets_id, ROOT)


def _add(client: "SecretsManagerClient", id_: str, field: str) -> None:
    made = _kept(client, id_) | {field: secrets.token_hex(KEY_BYTES)}
    client.put_secret_value(SecretId=id_, SecretString=json.dumps(made))


def _kept(client: "SecretsManagerClient", id_: str) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(client.get_secret_value(SecretId=id_)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        return {}  # it has no value yet; that it is there at all, the stack has seen to
    return found


def _published(ports: Ports, organisation: Organisation, now: datetime) -> str:
    done = publish(ports.library, organisation, now)
    weekly.arm(ports, now)
    expire.arm(ports, now)
    return f"{organisation.name} is {'in force' if done.changed else 'in force already'}."


def _tried(ports: Ports, company: Organisation, to: str, now: Clock, wait: Callable[[float], None]) -> str:
    program = next((each for each in company.programs if "email" in each.channels), None)
    if program is None:
        return "No program writes mails: nothing was tried."
    contact = Contact(id=f"try:{to}"[:200], email=to, language=company.language)
    planned = trial.plan(ports, program, contact, company, now())
    if next_open(now(), hours_of(program, None, company)) > now():
        return f"A trial of {program.id} leaves for {to} when its hours begin."
    _left(ports, planned.id, program, to, wait)
    return f"A trial of {program.id} has left for {to}: table, queue, function and SES work together."


def _left(ports: Ports, id_: str, program: Program, to: str, wait: Callable[[float], None]) -> None:
    for _ in range(int(LEAVES_SECONDS_MAX / LOOKS_EVERY_SECONDS)):
        found = ports.invitations.get(id_)
        if found and found.sent_at:
            return
        wait(LOOKS_EVERY_SECONDS)
    raise NotRight(
        f"The stack stands, but the trial of {program.id} for {to} has not left within {LEAVES_SECONDS_MAX:.0f} s: "
        "look at the log group /lazo/STAGE/due, and at whether SES has verified the sender (docs/operating.md)."
    )
