"""Build the clients of AWS: patient ones for what may be done twice, one that tries once for what must not.

Straight from botocore: boto3 adds nothing that is used here, and 50 ms to the start of a function.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

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

# Otherwise put together anew for each request, from 28 parts: a third of a call's time.
USER_AGENT = "lazo"

PATIENT = Config(
    retries={"mode": "standard", "total_max_attempts": TRIES_MAX},
    user_agent=USER_AGENT,
    parameter_validation=False,  # a quarter of a call's time, for what types and the contract suite hold already
    connect_timeout=CONNECT_SECONDS_MAX,
    read_timeout=READ_SECONDS_MAX,
    tcp_keepalive=True,
)
# Neither carrier knows a message again: a second try after a lost reply is a second message.
ONCE = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    user_agent=USER_AGENT,
    connect_timeout=CONNECT_SECONDS_MAX,
    read_timeout=CARRIER_READ_SECONDS_MAX,
    tcp_keepalive=True,
)


def dynamodb(**options: Any) -> "DynamoDBClient":
    """Return a client of the table."""
    client: DynamoDBClient = _client("dynamodb", PATIENT, options)
    return client


def sqs(**options: Any) -> "SQSClient":
    """Return a client of the queues."""
    client: SQSClient = _client("sqs", PATIENT, options)
    return client


def sesv2(**options: Any) -> "SESV2Client":
    """Return a client of the mail carrier, which tries once."""
    client: SESV2Client = _client("sesv2", ONCE, options)
    return client


def sms(**options: Any) -> "PinpointSMSVoiceV2Client":
    """Return a client of the SMS carrier, which tries once."""
    client: PinpointSMSVoiceV2Client = _client("pinpoint-sms-voice-v2", ONCE, options)
    return client


def events(**options: Any) -> "EventBridgeClient":
    """Return a client of the bus."""
    client: EventBridgeClient = _client("events", PATIENT, options)
    return client


def s3(**options: Any) -> "S3Client":
    """Return a client of the day files, of which several are read at once."""
    client: S3Client = _client("s3", PATIENT.merge(Config(max_pool_connections=FILES_AT_ONCE_MAX)), options)
    return client


def secretsmanager(**options: Any) -> "SecretsManagerClient":
    """Return a client of the secrets."""
    client: SecretsManagerClient = _client("secretsmanager", PATIENT, options)
    return client


def _client(service: str, config: Config, options: dict[str, Any]) -> Any:
    """Build a client; the environment says where and as whom, unless `options` do (a test's endpoint)."""
    return _session().create_client(service, config=config, **options)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
