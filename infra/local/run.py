"""Run the whole system on this machine until Ctrl-C: what `make run` starts."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from infra.local import system as systems
from infra.local.application import Application
from infra.local.aws import CannotStart
from infra.local.console import PREFIX
from infra.local.keeper import IMAGE_EVERY_SECONDS
from infra.local.prepare import lazo
from infra.local.system import LOG_FILE, LocalSystem

STATE = Path(".local")
PORT = 8000
PORT_MAX = 65535


def main(application: Application | None = None) -> int:
    """Start, say where to look, serve until told to stop, stop cleanly; return the exit code."""
    state = Path(os.environ.get("LOCAL_STATE") or STATE)
    stop = _stop_signal()
    try:
        port = _port()
        if os.environ.get("FRESH") == "1":
            systems.empty(state)
        _log_to(state)
        seconds = float(os.environ.get("LOCAL_IMAGE_SECONDS") or IMAGE_EVERY_SECONDS)
        system = LocalSystem.start(application or lazo(), state, port=port, image_seconds=seconds)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    if os.environ.get("DEMO") == "1" and system.is_new:
        print("Living a year of the company, which takes about a minute …", flush=True)
        system.application.demonstrate(system)
    _greet(system)
    stop.wait()
    print("Stopping …", flush=True)
    system.stop()
    return 0


def _stop_signal() -> threading.Event:
    """Return what the first signal sets; the second ends at once, with the state of the last image."""
    stop = threading.Event()

    def told(*_: object) -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, told)
    return stop


def _port() -> int:
    text = os.environ.get("PORT") or str(PORT)
    if not text.isdigit() or int(text) > PORT_MAX:
        raise CannotStart(f"PORT must be a number from 0 to {PORT_MAX}, not {text}.")
    return int(text)


def _log_to(state: Path) -> None:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = logging.FileHandler(state / LOG_FILE)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)


def _greet(system: LocalSystem) -> None:
    print(f"Lazo runs on {system.base_url}\n")
    pages = [("Mailbox, clock, phone, queues", PREFIX), *system.application.links()]
    width = max(len(title) for title, _ in pages)
    for title, path in pages:
        print(f"  {title:<{width}}  {system.base_url}{path}")
    print(f"\nState and log are kept in {system.state}/; FRESH=1 starts empty. Ctrl-C stops.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
