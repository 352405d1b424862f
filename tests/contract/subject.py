"""Give one test suite every store that it holds to the same promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.adapters import clients, memory
from chalicelib.adapters.dynamodb.access import DynamoAccess
from chalicelib.adapters.dynamodb.counters import DynamoCounters
from chalicelib.adapters.dynamodb.customers import DynamoCustomers
from chalicelib.adapters.dynamodb.invitations import DynamoCases, DynamoInvitations
from chalicelib.adapters.dynamodb.library import DynamoLibrary
from chalicelib.adapters.dynamodb.table import Table
from chalicelib.adapters.dynamodb.timers import DynamoTimers
from chalicelib.adapters.queues import Queue, SqsInbox, SqsViews
from chalicelib.ports import Access, Cases, Counters, Customers, Inbox, Invitations, Library, Timers, Views
from infra.local.aws import CREDENTIALS, REGION, EmbeddedAws
from infra.local.resources import Resources
from tests.contract.cast import NOW


@dataclass
class Time:
    """A clock that stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Subject:
    """All that is held to the contract, and how a test looks into its queues."""

    invitations: Invitations
    cases: Cases
    customers: Customers
    library: Library
    timers: Timers
    counters: Counters
    access: Access
    inbox: Inbox
    views: Views
    clock: Time
    again: Callable[[], "Subject"]
    """Return the same stores as another process sees them."""


def in_memory(kept: memory.Memory) -> Subject:
    """Return the stores in memory."""
    return Subject(
        invitations=memory.MemoryInvitations(kept),
        cases=memory.MemoryCases(kept),
        customers=memory.MemoryCustomers(kept),
        library=memory.MemoryLibrary(kept),
        timers=memory.MemoryTimers(kept),
        counters=memory.MemoryCounters(kept),
        access=memory.MemoryAccess(kept),
        inbox=memory.MemoryInbox(kept),
        views=memory.MemoryViews(kept),
        clock=Time(),
        again=lambda: in_memory(kept),
    )


@dataclass(frozen=True)
class Embedded:
    """The embedded AWS with the overlay's resources."""

    aws: EmbeddedAws
    environment: Mapping[str, str]
    dynamodb: Any
    sqs: Any

    @classmethod
    def of(cls, aws: EmbeddedAws, resources: Resources) -> "Embedded":
        """Return it with clients as the product builds them."""
        options = {
            "endpoint_url": aws.endpoint,
            "region_name": REGION,
            "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        }
        return cls(aws, resources.environment, clients.dynamodb(**options), clients.sqs(**options))

    @property
    def table_name(self) -> str:
        """The table's name."""
        return self.environment["TABLE_NAME"]

    def table(self) -> Table:
        """Return the table."""
        return Table(self.dynamodb, self.table_name)

    def queue(self, name: str) -> Queue:
        """Return a queue by the variable that holds its address."""
        return Queue(self.sqs, self.environment[name])

    def bodies(self, name: str) -> list[str]:
        """Return the bodies of what waits in a queue."""
        address = self.environment[name]
        return [message["body"] for message in self.aws.messages(address.rsplit("/", 1)[-1], 1_000)]

    def items(self) -> list[dict[str, Any]]:
        """Return everything in the table; only a test may look at it so."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table_name)
        return [item for page in pages for item in page["Items"]]

    def index(self, name: str) -> list[tuple[str, str]]:
        """Return the keys of everything in an index."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.table_name, IndexName=name)
        return [(item["pk"]["S"], item["sk"]["S"]) for page in pages for item in page["Items"]]


def on_dynamodb(embedded: Embedded) -> Subject:
    """Return the stores on DynamoDB and SQS."""
    table, clock = embedded.table(), Time()
    return Subject(
        invitations=DynamoInvitations(table),
        cases=DynamoCases(table),
        customers=DynamoCustomers(table),
        library=DynamoLibrary(table, clock),
        timers=DynamoTimers(table, embedded.queue("DUE_QUEUE_URL")),
        counters=DynamoCounters(table),
        access=DynamoAccess(table),
        inbox=SqsInbox(embedded.queue("INTAKE_QUEUE_URL"), embedded.queue("INTAKE_DLQ_URL")),
        views=SqsViews(embedded.queue("VIEWS_QUEUE_URL")),
        clock=clock,
        again=lambda: on_dynamodb(embedded),
    )
