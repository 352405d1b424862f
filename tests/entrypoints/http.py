"""Call the app as API Gateway would, with a world in memory behind it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chalice import Chalice
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib import runtime
from chalicelib.adapters.secrets import Secrets
from chalicelib.settings import Settings
from tests.world import URL, World

SETTINGS = Settings(
    stage="test",
    public_url=URL,
    table_name="-",
    intake_queue_url="-",
    intake_dlq_url="-",
    due_queue_url="-",
    views_queue_url="-",
    link_keys_id="link-keys",
    secrets_id="secrets",
    configuration_set="-",
    sms_identity="",
)
KEPT = {"link-keys": {"1": "k" * 32}, "secrets": {"root": "r" * 64}}
APP = app
"""The app itself: Chalice registers a blueprint once per process, so all tests share it."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PRESSED = FORM | {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1"}


@contextmanager
def installed(world: World) -> Iterator[None]:
    """Let a world serve the app."""
    runtime.use_clock(lambda: world.now)
    runtime.use_settings(SETTINGS)
    runtime.use_secrets(Secrets(lambda id_: KEPT[id_], "link-keys", "secrets", lambda: world.now))
    runtime.use_ports(world.ports)
    try:
        yield
    finally:
        runtime.use_ports(None)
        runtime.use_secrets(None)
        runtime.use_settings(None)


@dataclass
class Browser:
    """Somebody, or something, that makes requests."""

    app: Chalice

    def get(self, path: str, **headers: str) -> HTTPResponse:
        with Client(self.app) as client:
            return client.http.get(path, headers=headers)

    def head(self, path: str) -> HTTPResponse:
        with Client(self.app) as client:
            return client.http.head(path)

    def post(self, path: str, body: bytes | dict[str, Any], headers: dict[str, str] = PRESSED) -> HTTPResponse:
        raw = urlencode(body, doseq=True).encode() if isinstance(body, dict) else body
        with Client(self.app) as client:
            return client.http.post(path, headers=headers, body=raw)


def body(response: HTTPResponse) -> Any:
    """Return a JSON answer."""
    return json.loads(response.body)


def text(response: HTTPResponse) -> str:
    """Return a page."""
    return response.body.decode()
