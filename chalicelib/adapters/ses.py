"""Hand e-mails to Amazon SES."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.adapters.fates import told
from chalicelib.adapters.mime import ascii_address, compose
from chalicelib.adapters.wire import Client
from chalicelib.errors import CarrierRefused
from chalicelib.ports import Clock, Mail, Word

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

PERMANENT = frozenset({"MessageRejected", "BadRequestException"})
"""Refusals of this very message; all others (rates, quotas, a paused account, a lost permission) pass."""

TAG_CHARACTERS_MAX = 256
TAGS_MAX = 50


class SesMail:
    """E-mails through SES, each in one call that is never repeated. The client must try once (clients.sesv2)."""

    def __init__(self, client: "Client | SESV2Client", clock: Clock, configuration_set: str | None = None) -> None:
        self._client = client
        self._clock = clock
        self._options: dict[str, Any] = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    def mail(self, mail: Mail) -> str:
        request = self._request(mail)
        with told(_is_permanent):
            return str(self._client.send_email(**request)["MessageId"])

    def begin(self, mail: Mail) -> Word:
        if not isinstance(self._client, Client):
            taken = self.mail(mail)  # botocore knows no halves of a call
            return lambda: taken
        request = self._request(mail)
        with told(_is_permanent):
            reply = self._client.begin("SendEmail", **request)

        def word() -> str:
            with told(_is_permanent):
                return str(reply()["MessageId"])

        return word

    def _request(self, mail: Mail) -> dict[str, Any]:
        try:
            raw = compose(mail, self._clock())
            to = [ascii_address(address) for address in mail.to]
        except ValueError as error:
            raise CarrierRefused(str(error), permanent=True) from error
        return {
            "FromEmailAddress": ascii_address(mail.sender),
            "Destination": {"ToAddresses": to},
            "Content": {"Raw": {"Data": raw}},
            "EmailTags": _tags(mail.tags),
            **self._options,
        }


def _is_permanent(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in PERMANENT


def _tags(tags: Mapping[str, str]) -> list[Any]:
    """Return tags as SES takes them: letters, digits, dashes and underscores."""
    plain = {_plain(name): _plain(value) for name, value in tags.items() if name and value}
    return [{"Name": name, "Value": value} for name, value in plain.items()][:TAGS_MAX]


def _plain(text: str) -> str:
    return _NOT_IN_TAGS.sub("_", text)[:TAG_CHARACTERS_MAX]


_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_-]")
