"""Send requests as Bruno, Carla and others would, to the pages and calls of our own people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from chalice.app import Chalice
from chalice.test import Client

from chalicelib.domain.case import Case
from tests.staffed import TOKENS
from tests.world import World

FORM = "application/x-www-form-urlencoded"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    def header(self, name: str) -> str:
        """Return a header, whatever its case; empty when there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


@dataclass
class Desk:
    """A browser, or a program, in front of this world."""

    client: Client
    world: World
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, *, who: str = "", body: bytes = b"", **headers: Any) -> Answer:
        """Send a request; `who` shows that person's token, otherwise the cookies are shown that were set."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            sent["Authorization"] = f"Bearer {who}"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        got = self.client.http.request(method, path, headers=sent, body=body)
        self._keep(got.headers)
        return Answer(got.status_code, got.headers, got.body.decode())

    def get(self, path: str, *, who: str = "", **headers: Any) -> Answer:
        """Ask for a page or a call's answer."""
        return self.call("GET", path, who=who, **headers)

    def post(self, path: str, *, who: str = "", **fields: str) -> Answer:
        """Send a form as a browser does from our own page."""
        return self.form(path, fields, who=who, Sec_Fetch_Site="same-origin")

    def form(self, path: str, fields: Mapping[str, str], *, who: str = "", **headers: Any) -> Answer:
        """Send a form with these headers and no others."""
        body = urlencode(fields).encode()
        return self.call("POST", path, who=who, body=body, Content_Type=FORM, **headers)

    def move(self, id_: str, verb: str, *, who: str = "bruno", version: int | None = None, **said: str) -> Answer:
        """Make a move by the API."""
        match = {"If_Match": f'"{version}"'} if version is not None else {}
        body = json.dumps(said).encode()
        path = f"/api/v1/cases/{id_}/{verb}"
        return self.call("POST", path, who=who, body=body, **{"Content_Type": "application/json", **match})

    def sign_in(self, who: str) -> Answer:
        """Open a session with somebody's token."""
        return self.post("/sign-in", token=who)

    def _keep(self, headers: Mapping[str, Any]) -> None:
        given = headers.get("Set-Cookie", [])
        self.set_cookies = [given] if isinstance(given, str) else list(given)
        for each in self.set_cookies:
            name, _, value = each.partition(";")[0].partition("=")
            self.cookies = {**self.cookies, name: value}
            if "Max-Age=0" in each:
                del self.cookies[name]

    def case(self, reference: str) -> Case:
        """Return the case about an order."""
        return next(each for each in self.world.memory.cases.values() if each.reference == reference)


def desk(app: Chalice, world: World) -> Desk:
    """Return a browser that nobody has signed in to yet."""
    for token, principal in TOKENS.items():
        world.ports.access.grant(token, principal)
    return Desk(Client(app), world)
