"""Start, stop and kill the real system as `make run` does: a process of its own that keeps its state."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.local.asking import ask

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 60.0


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Run:
    """One run of the whole system, in a process group of its own."""

    process: "subprocess.Popen[str]"
    base_url: str

    def wait_until_it_serves(self) -> None:
        """Wait for its first answer."""
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.communicate()
            try:
                ask(self.base_url + "/_local/clock")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("it does not serve")

    def stop(self) -> None:
        """Press Ctrl-C, and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=STOP_SECONDS_MAX)
        assert (self.process.returncode, errors) == (0, ""), output

    def kill(self) -> None:
        """Pull the plug: nothing is finished, nothing is said."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@contextmanager
def running(state: Path, port: int, **environment: str) -> Iterator[Run]:
    """Run the system on a state; who leaves without stopping it has killed it."""
    run = Run(
        subprocess.Popen(
            [sys.executable, "-m", "infra.local.run"],
            cwd=PROJECT,
            env={**_own(), "LOCAL_STATE": str(state), "PORT": str(port), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ),
        f"http://127.0.0.1:{port}",
    )
    try:
        run.wait_until_it_serves()
        yield run
    finally:
        if run.process.poll() is None:
            run.kill()


def _own() -> dict[str, str]:
    # A system that runs inside the tests' own process has left its addresses in the environment.
    foreign = ("AWS_", "ORG", "FRESH", "DEMO", "TABLE_NAME")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
