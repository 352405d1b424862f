"""Each message is handed over in one call, and every failure tells whether it may have been sent."""

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.stub import Stubber

from chalicelib.adapters import clients
from chalicelib.adapters.carriers import Carriers
from chalicelib.adapters.ses import SesMail
from chalicelib.adapters.sms import TextMessages
from chalicelib.errors import CarrierRefused, CarrierUnclear
from chalicelib.ports import Mail, Sms

NOW = datetime(2026, 3, 6, 21, 30, tzinfo=UTC)
MAIL = Mail(("ana@peña.example",), "¿Qué tal?", "Hola", "<p>Hola</p>", "El Tornillo", "hola@example.com")
SMS = Sms("+573001234567", "¿Qué tal? https://lazo.example/s/x", {"invitation": "ab" * 16})
NOWHERE = {
    "endpoint_url": "http://127.0.0.1:9",
    "region_name": "us-east-1",
    "aws_access_key_id": "local",
    "aws_secret_access_key": "local",
}


class Mute:
    """A client that answers every call in one way, and remembers what it was asked."""

    def __init__(self, answer: Exception | None = None) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def send_email(self, **request: Any) -> dict[str, str]:
        """Take a mail."""
        return self._take(request)

    def send_text_message(self, **request: Any) -> dict[str, str]:
        """Take a text message."""
        return self._take(request)

    def _take(self, request: dict[str, Any]) -> dict[str, str]:
        self.asked.append(request)
        if self.answer:
            raise self.answer
        return {"MessageId": "id-1"}


def carriers(client: Any, **options: Any) -> Carriers:
    """Return carriers that speak to this client."""
    return Carriers(SesMail(client, lambda: NOW, **options), TextMessages(client, **options))


def hand_mail(client: Any) -> str:
    """Hand over a mail."""
    return carriers(client).mail(MAIL)


def hand_text(client: Any) -> str:
    """Hand over a text message."""
    return carriers(client).text(SMS)


def test_a_mail_is_handed_over_as_it_was_written() -> None:
    client = Mute()
    assert carriers(client, configuration_set="lazo-prod").mail(MAIL) == "id-1"
    (asked,) = client.asked
    assert asked["Destination"] == {"ToAddresses": ["ana@xn--pea-8ma.example"]}
    assert asked["FromEmailAddress"] == "hola@example.com"
    assert asked["ConfigurationSetName"] == "lazo-prod"
    assert message_from_bytes(asked["Content"]["Raw"]["Data"])["Date"] == "Fri, 06 Mar 2026 21:30:00 +0000"


def test_tags_are_spelled_as_the_carrier_allows() -> None:
    client = Mute()
    tags = {"invitation": "ab" * 16, "kind of mail": "reminder: 2.", "empty": "", "long": "x" * 300, "ñ": "ñ"}
    carriers(client).mail(Mail(**{**vars(MAIL), "tags": tags}))
    assert client.asked[0]["EmailTags"] == [
        {"Name": "invitation", "Value": "ab" * 16},
        {"Name": "kind_of_mail", "Value": "reminder__2_"},
        {"Name": "long", "Value": "x" * 256},
        {"Name": "_", "Value": "_"},
    ]


def test_without_a_configuration_set_none_is_named() -> None:
    client = Mute()
    hand_mail(client)
    hand_text(client)
    assert all("ConfigurationSetName" not in asked for asked in client.asked)


def test_a_text_is_handed_over_as_it_was_written() -> None:
    client = Mute()
    texts = TextMessages(client, "+15005550006", "lazo-prod")  # type: ignore[arg-type]  # a stand-in
    assert texts.text(SMS) == "id-1"
    assert client.asked == [
        {
            "DestinationPhoneNumber": "+573001234567",
            "MessageBody": SMS.text,
            "MessageType": "TRANSACTIONAL",
            "Context": {"invitation": "ab" * 16},
            "OriginationIdentity": "+15005550006",
            "ConfigurationSetName": "lazo-prod",
        }
    ]


def test_the_requests_have_the_shape_that_aws_takes() -> None:
    mails, texts = (clients.session().full(name, NOWHERE) for name in ("sesv2", "pinpoint-sms-voice-v2"))
    with Stubber(mails) as stub:
        stub.add_response("send_email", {"MessageId": "id-2"})
        assert SesMail(mails, lambda: NOW, "lazo-prod").mail(MAIL) == "id-2"
    with Stubber(texts) as stub:
        stub.add_response("send_text_message", {"MessageId": "id-3"})
        assert TextMessages(texts, "+15005550006").text(SMS) == "id-3"


@pytest.mark.parametrize("client", [clients.sesv2, clients.sms])
def test_the_carriers_clients_try_once(client: Callable[..., Any]) -> None:
    assert client(**NOWHERE).tries == 1


@pytest.mark.parametrize("client", [clients.dynamodb, clients.sqs])
def test_the_patient_clients_try_again(client: Callable[..., Any]) -> None:
    assert client(**NOWHERE).tries > 1


def answer(status: int, code: str, **more: Any) -> ClientError:
    """Return what botocore raises for an error of AWS."""
    response: Any = {"Error": {"Code": code, "Message": "to ana@example.com"}, **more}
    response["ResponseMetadata"] = {"HTTPStatusCode": status}
    return ClientError(response, "Send")


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (answer(400, "MessageRejected"), True),
        (answer(400, "BadRequestException"), True),
        (answer(429, "TooManyRequestsException"), False),
        (answer(400, "LimitExceededException"), False),
        (answer(400, "SendingPausedException"), False),
        (answer(400, "AccountSuspendedException"), False),
        (answer(400, "MailFromDomainNotVerifiedException"), False),
        (answer(404, "NotFoundException"), False),
        (answer(403, "AccessDeniedException"), False),
        (answer(403, "ExpiredTokenException"), False),
        (answer(400, "Throttling"), False),
    ],
)
def test_a_plain_refusal_of_a_mail_was_not_sent(error: ClientError, permanent: bool) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        hand_mail(Mute(error))
    assert refusal.value.permanent is permanent


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (answer(400, "ValidationException", Reason="INVALID_PARAMETER"), True),
        (answer(400, "ValidationException"), True),
        (answer(400, "ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"), True),
        (answer(400, "ConflictException", Reason="DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"), True),
        (answer(400, "ConflictException", Reason="NO_ORIGINATION_IDENTITIES_FOUND"), False),
        (answer(400, "ConflictException"), False),
        (answer(400, "ThrottlingException"), False),
        (answer(400, "ServiceQuotaExceededException", Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"), False),
        (answer(400, "AccessDeniedException", Reason="ACCOUNT_DISABLED"), False),
        (answer(400, "ResourceNotFoundException"), False),
    ],
)
def test_a_plain_refusal_of_a_text_was_not_sent(error: ClientError, permanent: bool) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        hand_text(Mute(error))
    assert refusal.value.permanent is permanent


HANDS = pytest.mark.parametrize("hand", [hand_mail, hand_text])
URL = "https://email.example"


@HANDS
@pytest.mark.parametrize(
    "error",
    [
        exceptions.EndpointConnectionError(endpoint_url=URL),
        exceptions.ConnectTimeoutError(endpoint_url=URL),
        exceptions.ProxyConnectionError(proxy_url=URL),
        exceptions.NoCredentialsError(),
        exceptions.PartialCredentialsError(provider="env", cred_var="x"),
        exceptions.CredentialRetrievalError(provider="role", error_msg="x"),
        exceptions.NoRegionError(),
    ],
)
def test_what_never_reached_the_carrier_is_tried_again(hand: Callable[[Any], str], error: BotoCoreError) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        hand(Mute(error))
    assert refusal.value.permanent is False


@HANDS
@pytest.mark.parametrize(
    "error",
    [
        answer(500, "InternalServiceErrorException"),
        answer(503, "ServiceUnavailable"),
        answer(504, ""),
        answer(302, "Found"),
        answer(0, ""),
        ClientError({}, "Send"),
        exceptions.ReadTimeoutError(endpoint_url=URL),
        exceptions.ConnectionClosedError(endpoint_url=URL),
        exceptions.HTTPClientError(error="broken pipe"),
        exceptions.SSLError(endpoint_url=URL, error=OSError("cut off")),
        exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        exceptions.ResponseStreamingError(error="cut off"),
    ],
)
def test_whatever_else_happens_may_have_been_sent(hand: Callable[[Any], str], error: Exception) -> None:
    with pytest.raises(CarrierUnclear):
        hand(Mute(error))


@HANDS
def test_a_request_without_its_shape_was_never_sent(hand: Callable[[Any], str]) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        hand(Mute(exceptions.ParamValidationError(report="to: ana@example.com")))
    assert refusal.value.permanent
    assert "ana" not in str(refusal.value)


@HANDS
@pytest.mark.parametrize("status", [400, 500])
def test_no_error_names_who_was_written_to(hand: Callable[[Any], str], status: int) -> None:
    with pytest.raises((CarrierRefused, CarrierUnclear)) as error:
        hand(Mute(answer(status, "MessageRejected")))
    assert "ana" not in str(error.value)


@HANDS
def test_a_fault_of_ours_goes_on_as_it_is(hand: Callable[[Any], str]) -> None:
    with pytest.raises(KeyError):
        hand(Mute(KeyError("x")))


UNWRITABLE = ({"subject": "a\r\nBcc: x@evil.example"}, {"to": ("ñ@example.com",)}, {"text": "\ud83d"})


@pytest.mark.parametrize("changes", UNWRITABLE)
def test_a_mail_that_cannot_be_written_is_refused_for_good(changes: dict[str, Any]) -> None:
    client = Mute()
    with pytest.raises(CarrierRefused) as refusal:
        carriers(client).mail(Mail(**{**vars(MAIL), **changes}))
    assert refusal.value.permanent
    assert client.asked == []


def test_a_connection_that_nobody_answers_is_no_sending() -> None:
    with pytest.raises(CarrierRefused, match="EndpointConnectionError"):
        SesMail(clients.sesv2(**NOWHERE), lambda: NOW).mail(MAIL)
