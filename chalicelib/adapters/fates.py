"""Tell what became of a message whose sending raised: plainly refused, or nobody knows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from chalicelib.errors import CarrierRefused, CarrierUnclear

NOT_SENT = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
)
"""No connection, or nothing to sign with: nothing has left."""


@contextmanager
def told(is_permanent: Callable[[ClientError], bool]) -> Iterator[None]:
    """Raise CarrierRefused or CarrierUnclear for whatever a client raises; details never name a recipient.

    Refused is only what the carrier answered with 4xx, and what cannot have reached it. Everything else (a lost reply,
    a broken connection, 5xx, an answer that nobody can read) may have been sent.
    """
    try:
        yield
    except ClientError as error:
        raise _answered(error, is_permanent) from error
    except ParamValidationError as error:
        raise CarrierRefused("the request has not its right shape", permanent=True) from error
    except NOT_SENT as error:
        raise CarrierRefused(type(error).__name__, permanent=False) from error
    except BotoCoreError as error:
        raise CarrierUnclear(type(error).__name__) from error


def _answered(error: ClientError, is_permanent: Callable[[ClientError], bool]) -> CarrierRefused | CarrierUnclear:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    if 400 <= status < 500:
        return CarrierRefused(code, permanent=is_permanent(error))
    return CarrierUnclear(f"{status} {code}")
