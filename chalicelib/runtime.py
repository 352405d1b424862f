"""Build what the flows need, each once and on first use; the only place that reads the clock."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb.access import DynamoAccess
from chalicelib.adapters.dynamodb.customers import DynamoCustomers
from chalicelib.adapters.dynamodb.invitations import DynamoCases, DynamoInvitations
from chalicelib.adapters.dynamodb.library import DynamoLibrary
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.dynamodb.timers import DynamoTimers
from chalicelib.adapters.fresh import FreshLinks, LateNames
from chalicelib.adapters.queues import Queue, SqsInbox, SqsViews
from chalicelib.adapters.secrets import Secrets, from_secrets_manager
from chalicelib.ports import Clock, Ports
from chalicelib.settings import Settings, read_settings

if TYPE_CHECKING:
    from chalicelib.adapters.webhooks import Send

_installed: dict[str, Any] = {}
"""What a local system or a test has put in place of the real thing."""


def now() -> datetime:
    """Return the present instant, in UTC, to the millisecond that is stored."""
    clock: Clock = _installed.get("clock", _real_time)
    at = clock()
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _real_time() -> datetime:
    return datetime.now(UTC)


def use_clock(clock: Clock) -> None:
    """Let another clock tell the time, as the movable one of the local system does."""
    _installed["clock"] = clock


def use_ports(ports: Ports | None) -> None:
    """Let other ports serve, as tests do; None goes back to AWS."""
    _installed["ports"] = ports


def use_transport(send: "Send | None") -> None:
    """Let something else carry what is posted to webhooks, as the mailbox of the local system does; None: https."""
    _installed["transport"] = send


def use_secrets(secrets: Secrets | None) -> None:
    """Let other secrets serve, as tests do; None goes back to AWS."""
    _installed["secrets"] = secrets


def use_settings(settings: Settings | None) -> None:
    """Let other settings serve, as tests do; None goes back to the environment."""
    _installed["settings"] = settings


def settings() -> Settings:
    """Return what the deployment says; raises KeyError naming what is missing."""
    return _installed.get("settings") or _read_settings()


def secrets() -> Secrets:
    """Return what only we know."""
    return _installed.get("secrets") or _build_secrets()


def ports() -> Ports:
    """Return everything that the flows may use."""
    return _installed.get("ports") or _build_ports()


@cache
def _read_settings() -> Settings:
    return read_settings(os.environ)


@cache
def _build_secrets() -> Secrets:
    read = from_secrets_manager(clients.secretsmanager())
    return Secrets(read, settings().link_keys_id, settings().secrets_id, now)


class Late:
    """Stands for an adapter until its first use: a function that sends no mail never starts a mail client."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        made = self.__dict__.get("_made")
        if made is None:
            made = self._made = self._make()
        return getattr(made, name)


def forget() -> None:
    """Build everything anew at its next use: for tests, and for a local system that starts afresh."""
    for built in (_read_settings, _build_secrets, _build_ports):
        built.cache_clear()


@cache
def _build_ports() -> Ports:
    given = settings()
    table = Table(clients.dynamodb(), given.table_name)
    return Ports(
        invitations=DynamoInvitations(table),
        cases=DynamoCases(table),
        customers=DynamoCustomers(table),
        library=DynamoLibrary(table, now),
        timers=DynamoTimers(table, _late(lambda: _queue(given.due_queue_url))),
        inbox=_late(lambda: SqsInbox(_queue(given.intake_queue_url), _queue(given.intake_dlq_url))),
        views=_late(lambda: SqsViews(_queue(given.views_queue_url))),
        carrier=_late(lambda: _carriers(given)),
        links=FreshLinks(given.public_url, secrets().link_keys),
        messages=_late(_messages),
        names=LateNames(secrets().pepper),
        counters=_late(lambda: _counters(table)),
        access=DynamoAccess(table),
        outlet=_late(lambda: _outlet(given)),
        webhooks=_late(_webhooks),
        day_files=_late(lambda: _day_files(given)),
        columns=_late(lambda: _columns(given)),
        failed_events=_late(lambda: _letters(given.intake_dlq_url, "event_in")),
        failed_reports=_late(lambda: _letters(given.receipts_dlq_url, "report_in")),
    )


def _late(make: Callable[[], Any]) -> Any:
    return Late(cache(make))


def _queue(url: str) -> Queue:
    return Queue(clients.sqs(), url)


def _counters(table: Table) -> Any:
    from chalicelib.adapters.dynamodb.counters import DynamoCounters  # here, so that who counts nothing loads nothing

    return DynamoCounters(table)


def _day_files(given: Settings) -> Any:
    from chalicelib.adapters.files import S3DayFiles  # here, so that who touches no file loads no client of S3

    is_merged = bool(given.parquet_layer)
    return S3DayFiles(_late(clients.s3), given.day_files_bucket, _queue(given.files_queue_url), is_merged=is_merged)


def _columns(given: Settings) -> Any:
    from chalicelib.adapters.columns import S3ColumnFiles  # here, as above

    return S3ColumnFiles(_late(clients.s3), given.day_files_bucket)


def _letters(url: str, read: str) -> Any:
    from chalicelib.adapters import letters  # here, so that who opens no dead letter loads nothing

    return letters.SqsLetters(clients.sqs(), url, getattr(letters, read))


def _carriers(given: Settings) -> Any:
    from chalicelib.adapters.carriers import Carriers  # here, so that who sends nothing loads nothing
    from chalicelib.adapters.ses import SesMail
    from chalicelib.adapters.sms import TextMessages

    mails = SesMail(clients.sesv2(), now, given.configuration_set)
    return Carriers(mails, TextMessages(clients.sms(), given.sms_identity, given.configuration_set))


def _outlet(given: Settings) -> Any:
    from chalicelib.adapters.outlet import AwsOutlet  # here, so that who announces nothing loads nothing

    posts, given_up = _queue(given.webhooks_queue_url), _queue(given.webhooks_dlq_url)
    return AwsOutlet(clients.events(), given.bus_name, posts, given_up)


def _webhooks() -> Any:
    from chalicelib.adapters.https import PublicHttps  # here, as above
    from chalicelib.adapters.webhooks import SignedWebhooks

    https = PublicHttps()
    return SignedWebhooks(secrets().webhook_secret, lambda *post: (_installed.get("transport") or https)(*post))


def _messages() -> Any:
    from chalicelib.adapters.messages import TemplateMessages  # here, so that who writes nothing loads no templates

    return TemplateMessages(ports().links)
