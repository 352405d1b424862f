"""What `make run` promises: it starts, says so, survives being stopped and being killed, and refuses in a sentence."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local.system import IMAGE_FILE, LOCK_FILE
from tests.local.asking import ask

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """One run of the whole system, in a process group of its own."""

    def __init__(self, state: Path, **environment: str) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.state = state
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.local.serve"],
            cwd=PROJECT,
            env={**os.environ, "LOCAL_STATE": str(state), "PORT": str(self.port), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_until_it_serves(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.communicate()
            try:
                ask(self.base_url + "/_local/clock")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("it does not serve")

    def stop(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=30)
        return self.process.returncode, output, errors

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def get(self, path: str) -> Any:
        return ask(self.base_url + path).json

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return ask(self.base_url + path, "POST", body).json


@contextmanager
def running(state: Path, **environment: str) -> Iterator[Run]:
    run = Run(state, **environment)
    try:
        run.wait_until_it_serves()
        yield run
    finally:
        if run.process.poll() is None:
            run.kill()


def wait_for_change(path: Path) -> None:
    before, until = path.stat().st_mtime, time.monotonic() + 10
    while path.stat().st_mtime == before:
        assert time.monotonic() < until, f"{path.name} was not written"
        time.sleep(0.02)


def test_all_of_the_state_survives_a_stop_and_none_a_fresh_start(tmp_path: Path) -> None:
    tmp_path = tmp_path / "new"
    with running(tmp_path) as run:
        assert tmp_path.stat().st_mode & 0o077 == 0
        run.post("/_local/clock", {"advance": "P3D"})
        run.post("/mail", {"name": "kept", "to": "lucia@example.com"})
        run.post("/send", {"poison": "x"})
        run.post("/send", {"name": "queued"})
        before, messages = run.get("/_local/clock"), run.get("/_local/messages")
        code, output, errors = run.stop()
    assert (code, errors) == (0, "")
    assert f"{run.base_url}/_local/" in output
    with running(tmp_path) as run:
        assert run.get("/all") == ["kept", "queued"]
        assert run.get("/_local/messages") == messages
        assert run.get("/_local/clock")["now"] >= before["now"]
        assert "cannot handle x" in ask(run.base_url + "/_local/").body.decode()
        assert run.get("/seen") == []  # no stream record comes twice
        run.post("/send", {"name": "after"})
        run.post("/_local/settle", {})
        assert ["project", "after"] in run.get("/seen")
        assert "Another Lazo is running" in refusal(tmp_path)
        run.stop()
    with running(tmp_path, FRESH="1") as run:
        assert run.get("/all") == []
        assert run.get("/_local/messages") == {"messages": []}


def test_a_kill_loses_at_most_the_last_seconds_and_mailbox_and_table_agree(tmp_path: Path) -> None:
    with running(tmp_path, LOCAL_IMAGE_SECONDS="0.5") as run:
        run.post("/mail", {"name": "early", "to": "early@example.com"})
        wait_for_change(tmp_path / IMAGE_FILE)
        for number in range(20):
            run.post("/mail", {"name": f"late-{number}", "to": f"late-{number}@example.com"})
        run.kill()
    with running(tmp_path) as run:
        things, messages = run.get("/all"), run.get("/_local/messages")["messages"]
        assert "early" in things
        assert sorted(message["to"].removesuffix("@example.com") for message in messages) == things
        run.post("/mail", {"name": "new", "to": "new@example.com"})
        assert "new" in run.get("/all")
        assert_that_children_go_along(run)


def assert_that_children_go_along(run: Run) -> None:
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
    assert children
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.communicate()
    until = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def refusal(state: Path, **environment: str) -> str:
    run = Run(state, **environment)
    output, errors = run.process.communicate(timeout=START_SECONDS_MAX)
    assert (run.process.returncode, output) == (1, "")
    assert len(errors.splitlines()) == 1
    return errors


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port} is in use" in refusal(tmp_path, PORT=str(port))


@pytest.mark.parametrize("port", ["eighty", "65536", "-1"])
def test_a_port_that_is_none_is_said_in_one_sentence(tmp_path: Path, port: str) -> None:
    assert "PORT must be a number" in refusal(tmp_path, PORT=port)


def test_a_state_that_cannot_be_read_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / IMAGE_FILE).write_bytes(b"not an image")
    assert "FRESH=1" in refusal(tmp_path)


def test_a_fresh_start_does_not_empty_what_another_run_uses(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with (tmp_path / LOCK_FILE).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another Lazo is running" in refusal(tmp_path, FRESH="1")
    assert (tmp_path / "kept").exists()
