"""Hand text messages to AWS End User Messaging."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.adapters.fates import told
from chalicelib.ports import Sms

if TYPE_CHECKING:
    from mypy_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

CONTEXT_MAX = 5  # tags of one message
INVALID = "ValidationException"
OF_THE_NUMBER = "DESTINATION_"
"""How a conflict's reason begins when it lies with the number: opted out, blocked, of a country we do not write to."""


class TextMessages:
    """Text messages, each in one call that is never repeated. The client must try once (clients.sms)."""

    def __init__(
        self, client: "PinpointSMSVoiceV2Client", identity: str | None = None, configuration_set: str | None = None
    ) -> None:
        self._client = client
        self._options: dict[str, Any] = {"OriginationIdentity": identity} if identity else {}
        if configuration_set:
            self._options["ConfigurationSetName"] = configuration_set

    def text(self, sms: Sms) -> str:
        context = dict(list(sms.tags.items())[:CONTEXT_MAX])
        with told(_is_permanent):
            sent = self._client.send_text_message(
                DestinationPhoneNumber=sms.to,
                MessageBody=sms.text,
                MessageType="TRANSACTIONAL",
                Context=context,
                **self._options,
            )
        return sent["MessageId"]


def _is_permanent(error: ClientError) -> bool:
    """Say whether it is this number or this text that is refused; rates, quotas and permissions pass."""
    reason = str(error.response.get("Reason", ""))
    return error.response["Error"]["Code"] == INVALID or reason.startswith(OF_THE_NUMBER)
