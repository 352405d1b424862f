"""Reach the system that a command is about: the running one on this machine, or a stage on AWS."""

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from chalicelib.ports import Ports
from infra.aws.deployed import NotDeployed, environment
from infra.commands.screen import Failed

STATE = Path(".local")
ENVIRONMENT_FILE = "environment.json"
TOKENS_FILE = "tokens.json"
REPLY_SECONDS_MAX = 600  # settling after a rebuild takes a while
REMOTE = "TABLE_NAME"
"""The variable of a deployed function without which there is nothing to talk to."""


@dataclass(frozen=True)
class Connection:
    """A system as a command sees it."""

    ports: Ports
    now: Callable[[], datetime]
    local: "Local | None"


@dataclass(frozen=True)
class Local:
    """The running system of this machine: its address, its environment, its tokens."""

    base_url: str
    environment: dict[str, str]
    state: Path

    def tokens(self) -> dict[str, Any]:
        """Return what `.local/tokens.json` holds."""
        found: dict[str, Any] = json.loads((self.state / TOKENS_FILE).read_text())
        return found

    def ask(self, path: str, body: object = None) -> dict[str, Any]:
        """Call one of the pages that exist on one machine only."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        try:
            with urlopen(Request(self.base_url + path, data, headers), timeout=REPLY_SECONDS_MAX) as reply:
                found: dict[str, Any] = json.loads(reply.read())
        except TimeoutError:
            raise Failed(f"The system has been busy for {REPLY_SECONDS_MAX} s; see {self.base_url}/_local/.") from None
        return found


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which system is meant."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--stage", help="a deployed stage, in the account and region of AWS_PROFILE and AWS_REGION")
    which.add_argument("--local", action="store_true", help="the running system of this machine, whatever is set")
    where = default_state()
    parser.add_argument("--state", type=Path, default=where, help="where it keeps its state (default: %(default)s)")


def default_state() -> Path:
    """Return where the system of this machine keeps its state."""
    return Path(os.environ.get("LOCAL_STATE") or STATE)


def connect(options: argparse.Namespace) -> Connection:
    """Return the system: a stage on AWS where one is named (or TABLE_NAME set), else the running one. Raises Failed."""
    if options.stage:
        os.environ.update(_deployed(options.stage))
    if REMOTE in os.environ and not options.local:
        return _of_runtime(None)
    local = running(options.state)
    os.environ.update(local.environment)
    return _of_runtime(local)


def _deployed(stage: str) -> dict[str, str]:
    try:
        return environment(stage)
    except NotDeployed as error:
        raise Failed(str(error), stage=stage) from None


def running(state: Path) -> Local:
    """Return the system that runs on this machine. Raises Failed when there is none."""
    try:
        told = json.loads((state / ENVIRONMENT_FILE).read_text())
        local = Local(told["base_url"], told["environment"], state)
        local.ask("/_local/clock")
    except (OSError, ValueError, KeyError, URLError):
        text = f"No system runs here ({state}/): start one with `make run`, or name a stage on AWS with --stage."
        raise Failed(text) from None
    return local


def _of_runtime(local: Local | None) -> Connection:
    runtime = importlib.import_module("chalicelib.runtime")  # reads the environment, which is complete only now
    if local:
        runtime.use_clock(_clock_of(local))
    try:
        ports = runtime.ports()
    except KeyError as error:
        raise Failed(f"Not all that AWS needs is set; {error.args[0]}") from None
    return Connection(ports, runtime.now, local)


def _clock_of(local: Local) -> Callable[[], datetime]:
    now = datetime.fromisoformat(local.ask("/_local/clock")["now"].replace("Z", "+00:00"))
    offset = now - datetime.fromtimestamp(time.time(), UTC)
    # A clock that somebody moves meanwhile is followed by the next command.
    return lambda: datetime.fromtimestamp(time.time(), UTC) + offset
