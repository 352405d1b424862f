"""Allow each function the calls that its role allows, as AWS will, and remember which of them it makes.

The roles are those of the overlay. So a call that AWS would refuse fails here as well, on the machine of whoever wrote
it; and what a role allows but nothing uses can be found.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from chalicelib.adapters.wire import Listeners
from infra.local.aws import REGION

log = logging.getLogger("lazo.local")

ACCOUNT = "000000000000"
HOOK = "before-parameter-build.*"

Json = dict[str, Any]


class Use(NamedTuple):
    """One thing that IAM decides about: an action on a resource."""

    action: str
    resource: str


def arn(service: str, name: str) -> str:
    """Return the name of a resource of this account."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def _of_table(operation: str, params: Json) -> list[Use]:
    table = arn("dynamodb", f"table/{params.get('TableName', '')}")
    if operation == "BatchGetItem":
        tables = params["RequestItems"]
        return [Use("dynamodb:BatchGetItem", arn("dynamodb", f"table/{name}")) for name in tables]
    if operation == "BatchExecuteStatement":
        texts = [each["Statement"] for each in params["Statements"]]
        written = [(PARTIQL[text.split(" ", 1)[0]], text.split('"')[1]) for text in texts]
        return [Use(action, arn("dynamodb", f"table/{name}")) for action, name in dict.fromkeys(written)]
    if operation == "TransactWriteItems":
        actions = [next(iter(item.items())) for item in params["TransactItems"]]
        return [Use(TRANSACTED[kind], arn("dynamodb", f"table/{write['TableName']}")) for kind, write in actions]
    if "IndexName" in params:
        return [Use(f"dynamodb:{operation}", f"{table}/index/{params['IndexName']}")]
    return [Use(f"dynamodb:{operation}", table)]


# A batch of statements needs the rights of each.
PARTIQL = {"INSERT": "dynamodb:PartiQLInsert", "UPDATE": "dynamodb:PartiQLUpdate"}

# A transaction needs the rights of what it consists of.
TRANSACTED = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


def _of_queue(operation: str, params: Json) -> list[Use]:
    queue = arn("sqs", params["QueueUrl"].rsplit("/", 1)[-1])
    return [Use(f"sqs:{operation.removesuffix('Batch')}", queue)]


def _of_bus(operation: str, params: Json) -> list[Use]:
    buses = {entry["EventBusName"] for entry in params["Entries"]}
    return [Use(f"events:{operation}", arn("events", f"event-bus/{bus}")) for bus in sorted(buses)]


def _of_bucket(operation: str, params: Json) -> list[Use]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if operation == "ListObjectsV2":
        return [Use("s3:ListBucket", bucket)]
    # To ask about an object is to read it.
    action = "s3:GetObject" if operation == "HeadObject" else f"s3:{operation}"
    return [Use(action, f"{bucket}/{params['Key']}")]


def _of_mail(operation: str, params: Json) -> list[Use]:
    sender = params["FromEmailAddress"].rpartition("@")[2].rstrip(">")
    used = [arn("ses", f"identity/{sender}"), arn("ses", f"configuration-set/{params['ConfigurationSetName']}")]
    # The older call's name is what AWS checks for a raw message; that it needs the newer's as well only AWS can show.
    actions = ["ses:SendEmail", "ses:SendRawEmail"] if "Raw" in params["Content"] else ["ses:SendEmail"]
    return [Use(action, resource) for action in actions for resource in used]


USES: dict[str, Callable[[str, Json], list[Use]]] = {
    "dynamodb": _of_table,
    "sqs": _of_queue,
    "eventbridge": _of_bus,
    "s3": _of_bucket,
    "sesv2": _of_mail,
    "secrets-manager": lambda operation, params: [Use(f"secretsmanager:{operation}", params["SecretId"])],
    "pinpoint-sms-voice-v2": lambda operation, params: [
        Use(f"sms-voice:{operation}", arn("sms-voice", f"{kind}/{params.get('OriginationIdentity', '')}"))
        for kind in ("phone-number", "pool", "sender-id")
    ],
}
"""What IAM decides about for a call, by botocore's name of its service."""


def grants_of(statements: list[Json]) -> list[Use]:
    """Return what statements allow, one action on one pattern of resources each."""
    return [
        Use(action, resource)
        for statement in statements
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allows(grant: Use, use: Use) -> bool:
    """Say whether a grant covers a use."""
    return grant.action == use.action and fnmatchcase(use.resource, grant.resource)


@dataclass
class Permissions:
    """What each function may do, by its logical id, and what of it it has done. Without a role, it may do all."""

    grants: Mapping[str, list[Use]]
    used: dict[str, set[Use]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    start_cold: Callable[[], None] | None = None
    """Called when another function's turn comes: who wants to see all calls forgets what the one before has kept."""
    _last: str = ""

    @contextmanager
    def acting(self, function: str) -> Iterator[None]:
        """Let the calls of this block be this function's."""
        if self.start_cold and function != self._last:
            self.start_cold()
        self._last = function
        token = _acting.set((self, function))
        try:
            yield
        finally:
            _acting.reset(token)

    def check(self, function: str, use: Use, operation: str) -> None:
        """Note a use, or refuse it as AWS does."""
        if function not in self.grants:
            return
        covering = {grant for grant in self.grants[function] if allows(grant, use)}
        if not covering:
            said = f"The role of {function} is not authorized to perform {use.action} on resource {use.resource}"
            # Some calls may fail without harm; that they are not allowed must be seen all the same.
            self.refused.append(said)
            log.error(said)
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, operation)
        self.used.setdefault(function, set()).update(covering)


_acting: ContextVar[tuple[Permissions, str] | None] = ContextVar("acting", default=None)


def watch(session: Listeners) -> None:
    """Check every call of the clients that this session makes from now on, when it is a function's."""
    session.register(HOOK, _asked, unique_id="permissions")


def _asked(**told: Any) -> None:
    acting = _acting.get()
    if acting is None:
        return
    _, service, operation = told["event_name"].split(".")
    permissions, function = acting
    for use in USES[service](operation, told["params"]):
        permissions.check(function, use, operation)
