"""Build the clients of AWS: patient ones for what may be done twice, ones that try once for what must not.

The services of JSON are spoken to directly (wire.py), unless AWS_CLIENT=botocore. S3 is spoken to by botocore, which is
loaded only then.
"""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.adapters import wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

CONNECT_SECONDS_MAX = 2
READ_SECONDS_MAX = 4
TRIES_MAX = 4
CARRIER_READ_SECONDS_MAX = 10
FILES_AT_ONCE_MAX = 16


def dynamodb(**options: Any) -> "DynamoDBClient":
    """Return a client of the table."""
    client: DynamoDBClient = _patient(wire.DYNAMODB, options)
    return client


def sqs(**options: Any) -> "SQSClient":
    """Return a client of the queues."""
    client: SQSClient = _patient(wire.SQS, options)
    return client


def sesv2(**options: Any) -> "wire.Client | SESV2Client":
    """Return a client of the mail carrier, which tries once."""
    client: wire.Client | SESV2Client = _once(wire.SES, options)
    return client


def sms(**options: Any) -> "PinpointSMSVoiceV2Client":
    """Return a client of the SMS carrier, which tries once."""
    client: PinpointSMSVoiceV2Client = _once(wire.SMS, options)
    return client


def events(**options: Any) -> "EventBridgeClient":
    """Return a client of the bus."""
    client: EventBridgeClient = _patient(wire.EVENTS, options)
    return client


def secretsmanager(**options: Any) -> "SecretsManagerClient":
    """Return a client of the secrets."""
    client: SecretsManagerClient = _patient(wire.SECRETS, options)
    return client


def s3(**options: Any) -> "S3Client":
    """Return a client of the day files, of which several are read at once."""
    client: S3Client = session().full("s3", options)
    return client


def _patient(service: wire.Service, options: dict[str, Any]) -> Any:
    return _client(service, options, TRIES_MAX, READ_SECONDS_MAX)


def _once(service: wire.Service, options: dict[str, Any]) -> Any:
    # Neither carrier knows a message again: a second try after a lost reply is a second message.
    return _client(service, options, 1, CARRIER_READ_SECONDS_MAX)


def _client(service: wire.Service, options: dict[str, Any], tries: int, read_seconds: float) -> Any:
    """Build a client; the environment says where and as whom, unless `options` do (a test's endpoint)."""
    if os.environ.get("AWS_CLIENT") == "botocore":
        return session().full(service.name, options, tries=tries, read_seconds=read_seconds)
    where = {name: value for name, value in options.items() if not name.startswith("aws_")}
    here = session()
    return wire.Client(
        service,
        here,
        tries=tries,
        connect_seconds=CONNECT_SECONDS_MAX,
        read_seconds=read_seconds,
        credentials=lambda: _credentials(options),
        full=lambda: here.full(service.name, options),
        **where,
    )


def _credentials(options: dict[str, Any]) -> wire.Credentials:
    """Return whom to sign for: Lambda says it in the environment; for an operator's profile, botocore finds it."""
    if "aws_access_key_id" in options:
        return wire.Credentials(options["aws_access_key_id"], options["aws_secret_access_key"])
    given = os.environ
    if "AWS_ACCESS_KEY_ID" in given:
        secret = given.get("AWS_SECRET_ACCESS_KEY", "")
        return wire.Credentials(given["AWS_ACCESS_KEY_ID"], secret, given.get("AWS_SESSION_TOKEN"))
    return session().found_credentials()


class Session(wire.Listeners):
    """What all clients share: who listens to their calls, and botocore for what we do not speak ourselves."""

    def full(
        self, service: str, options: dict[str, Any], *, tries: int = TRIES_MAX, read_seconds: float = READ_SECONDS_MAX
    ) -> Any:
        """Return botocore's own client of a service, of whose calls the same listeners hear."""
        from botocore.config import Config  # here, so that a start does not load it

        config = Config(
            retries={"mode": "standard", "total_max_attempts": tries},
            connect_timeout=CONNECT_SECONDS_MAX,
            read_timeout=read_seconds,
            tcp_keepalive=True,
            max_pool_connections=FILES_AT_ONCE_MAX,
        )
        client = _botocore().create_client(service, config=config, **options)
        for event, handler, unique_id in self.heard:
            client.meta.events.register(event, handler, unique_id)
        return client

    def found_credentials(self) -> wire.Credentials:
        """Return what botocore finds: a profile, a role."""
        from botocore.exceptions import NoCredentialsError

        found = _botocore().get_credentials()
        if found is None:
            raise NoCredentialsError
        frozen = found.get_frozen_credentials()
        return wire.Credentials(frozen.access_key, frozen.secret_key, frozen.token)


@cache
def session() -> Session:
    """Return what all clients share: who measures or checks their calls listens to it."""
    return Session()


@cache
def _botocore() -> Any:
    import botocore.session

    return botocore.session.get_session()
