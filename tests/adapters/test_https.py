"""A post goes to the public address that was checked, once, and nowhere else, however the other side behaves."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from chalicelib.adapters import https
from chalicelib.adapters.https import PublicHttps
from chalicelib.domain.destination import Destination
from chalicelib.errors import CarrierRefused, CarrierUnclear
from tests.domain.test_destination import HOSTILE

URL = "https://crm.example.com/lazo?key=s3cret"
PUBLIC = "93.184.215.14"
Behave = Callable[[socket.socket], None]


@dataclass
class Receiver:
    """A server without encryption on this machine, which the connector below takes for the public address."""

    behave: Behave
    requests: list[bytes] = field(default_factory=list)
    connected_to: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=lambda: [[PUBLIC]])
    """What its name resolves to, one list for each time; the last one for ever."""

    def resolve(self, host: str, port: int) -> list[str]:
        """Stand in for DNS."""
        self.resolved.append(f"{host}:{port}")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def connect(self, address: str, to: Destination, seconds: float) -> socket.socket:
        """Connect to the server, whatever the address, which is remembered."""
        self.connected_to.append(address)
        return socket.create_connection(self.address, timeout=seconds)

    @contextmanager
    def running(self) -> Iterator[PublicHttps]:
        """Serve, and yield what posts to it."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.address = listener.getsockname()
            server = threading.Thread(target=self._serve, args=(listener,), daemon=True)
            server.start()
            yield PublicHttps(self.resolve, self.connect)
        server.join(5)

    def _serve(self, listener: socket.socket) -> None:
        try:
            opened, _ = listener.accept()
        except OSError:
            return
        with opened:
            opened.settimeout(2)
            try:
                self.requests.append(whole(opened))
                self.behave(opened)
            except OSError:
                return  # the other side has had enough


def whole(opened: socket.socket) -> bytes:
    """Read a request to the end of its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        more = opened.recv(4096)
        if not more:
            return read
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(
        next(line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    )
    while len(body) < length:
        body += opened.recv(4096)
    return head + b"\r\n\r\n" + body


def say(answer: bytes) -> Behave:
    """Return what answers so."""
    return lambda opened: opened.sendall(answer)


def status(code: int, *headers: str) -> Behave:
    """Return what answers with a status."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return say(f"HTTP/1.1 {code} X\r\n{lines}Content-Length: 0\r\n\r\n".encode())


def post(receiver: Receiver, url: str = URL, body: bytes = b'{"a":1}') -> None:
    """Post something."""
    with receiver.running() as send:
        send(url, {"Content-Type": "application/json", "webhook-id": "abc"}, body)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_what_is_taken_arrives_whole_and_once(code: int) -> None:
    receiver = Receiver(status(code))
    post(receiver, body="{'ñ': '💥'}".encode())
    (request,) = receiver.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /lazo?key=s3cret HTTP/1.1"
    assert body.decode() == "{'ñ': '💥'}"
    assert headers == [
        "Host: crm.example.com",
        "Connection: close",
        "Content-Type: application/json",
        "webhook-id: abc",
        f"Content-Length: {len(body)}",
    ]
    assert (receiver.resolved, receiver.connected_to) == (["crm.example.com:443"], [PUBLIC])


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_addresses_are_refused_for_good_before_anything_is_resolved(url: str) -> None:
    receiver = Receiver(status(200))
    with pytest.raises(CarrierRefused) as refused:
        PublicHttps(receiver.resolve, receiver.connect)(url, {}, b"")
    assert refused.value.permanent
    assert receiver.resolved == receiver.connected_to == []


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["fe80::1%2"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        [PUBLIC, "192.168.0.1"],
        ["192.168.0.1", PUBLIC],
        ["2606:4700::1111", "fd00::1"],
    ],
)
def test_a_name_that_leads_inside_is_refused_even_when_it_leads_outside_too(found: list[str]) -> None:
    receiver = Receiver(status(200), answers=[found])
    with pytest.raises(CarrierRefused, match="not public") as refused:
        PublicHttps(receiver.resolve, receiver.connect)(URL, {}, b"")
    assert refused.value.permanent
    assert receiver.connected_to == []


def test_a_name_that_resolves_otherwise_a_moment_later_changes_nothing() -> None:
    receiver = Receiver(status(200), answers=[[PUBLIC], ["127.0.0.1"]])
    post(receiver)
    assert receiver.connected_to == [PUBLIC]
    assert len(receiver.resolved) == 1


def test_the_next_address_is_tried_when_one_does_not_answer_and_no_more_than_three() -> None:
    receiver = Receiver(status(200), answers=[["2606:4700::1111", "93.184.215.1", "93.184.215.2", "93.184.215.3"]])
    tried: list[str] = []

    def dead(address: str, to: Destination, seconds: float) -> socket.socket:
        tried.append(address)
        raise TimeoutError

    with pytest.raises(CarrierRefused, match=r"no connection to crm\.example\.com: TimeoutError") as refused:
        PublicHttps(receiver.resolve, dead)(URL, {}, b"")
    assert not refused.value.permanent
    assert tried == ["93.184.215.1", "93.184.215.2", "93.184.215.3"]


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), TimeoutError()])
def test_a_name_that_nobody_knows_may_be_known_later(error: OSError) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise error

    with pytest.raises(CarrierRefused, match="cannot be resolved") as refused:
        PublicHttps(unknown)(URL, {}, b"")
    assert not refused.value.permanent


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(300, False), (301, True), (302, False), (303, False), (307, False), (308, True)],
)
def test_redirects_are_never_followed(code: int, permanent: bool) -> None:
    receiver = Receiver(status(code, "Location: https://169.254.169.254/latest/meta-data/"))
    with pytest.raises(CarrierRefused, match=str(code)) as refused:
        post(receiver)
    assert refused.value.permanent is permanent
    assert len(receiver.requests) == len(receiver.connected_to) == 1


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(400, False), (401, False), (404, False), (410, True), (429, False), (500, False), (503, False)],
)
def test_only_one_that_is_gone_is_never_asked_again(code: int, permanent: bool) -> None:
    with pytest.raises(CarrierRefused, match=str(code)) as refused:
        post(Receiver(status(code)))
    assert refused.value.permanent is permanent


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred OK\r\n\r\n",
        b"HTTP/1.1 200" + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: " + b"b" * 100_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_leaves_it_open_whether_it_was_taken(answer: bytes) -> None:
    with pytest.raises(CarrierUnclear, match="has not answered"):
        post(Receiver(say(answer)))


def test_an_endless_answer_is_not_read() -> None:
    def endless(opened: socket.socket) -> None:
        opened.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
        for _ in range(10_000):
            opened.sendall(b"x" * 10_000)

    started = time.monotonic()
    post(Receiver(endless))
    assert time.monotonic() - started < 2


def drip(start: bytes) -> Behave:
    """Return what answers a letter at a time."""

    def slowly(opened: socket.socket) -> None:
        opened.sendall(start)
        for _ in range(100):
            opened.sendall(b"2")
            time.sleep(0.05)

    return slowly


def test_one_that_drips_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "POST_SECONDS_MAX", 0.3)
    started = time.monotonic()
    with pytest.raises(CarrierUnclear):
        post(Receiver(drip(b"HTTP/1.1 ")))
    assert time.monotonic() - started < 3


def test_one_that_says_yes_and_then_drips_has_said_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "POST_SECONDS_MAX", 0.3)
    started = time.monotonic()
    post(Receiver(drip(b"HTTP/1.1 200 OK\r\nX: ")))
    assert time.monotonic() - started < 3


def test_one_that_says_nothing_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "CONNECT_SECONDS_MAX", 0.2)
    with pytest.raises(CarrierUnclear, match="TimeoutError"):
        post(Receiver(lambda opened: time.sleep(1)))


def test_a_header_that_would_break_out_sends_nothing() -> None:
    receiver = Receiver(status(200))
    with receiver.running() as send, pytest.raises(ValueError, match="Invalid header"):
        send(URL, {"webhook-id": "a\r\nX: y"}, b"")
    assert b"X: y" not in b"".join(receiver.requests)


def test_reasons_never_hold_the_address_which_may_be_a_secret() -> None:
    for behave in (status(500), status(302), say(b"")):
        with pytest.raises((CarrierRefused, CarrierUnclear)) as told:
            post(Receiver(behave))
        assert "s3cret" not in str(told.value)


def test_a_real_connection_asks_for_a_certificate_of_the_name_that_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        to = Destination("crm.example.com", listener.getsockname()[1], "/")
        opened = https.connect("127.0.0.1", to, 1.0)
        try:
            assert opened.server_hostname == "crm.example.com"  # type: ignore[attr-defined]  # it is an SSLSocket
            assert opened.context.check_hostname  # type: ignore[attr-defined]  # as above
        finally:
            opened.close()


def test_who_cannot_speak_tls_is_not_spoken_to() -> None:
    receiver = Receiver(status(200))
    with receiver.running():
        port = receiver.address[1]
        send = PublicHttps(
            receiver.resolve,
            lambda address, to, seconds: https.connect("127.0.0.1", Destination(to.host, port, to.target), 1.0),
        )
        with pytest.raises(CarrierRefused, match="no trusted connection") as refused:
            send(URL, {}, b'{"a":1}')
    assert not refused.value.permanent
