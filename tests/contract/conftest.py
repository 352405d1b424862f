"""Fixtures of the contract suite: every store, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.adapters.memory import Memory
from infra.local.aws import EmbeddedAws
from infra.local.resources import Overlay, create
from tests.contract.subject import Embedded, Subject, in_memory, on_dynamodb

OVERLAY = Path(__file__).parents[2] / "infra" / "aws" / "overlay.yaml"


@pytest.fixture(scope="session")
def started() -> Iterator[Embedded]:
    """The embedded AWS, started once, with the overlay's resources and nothing in them."""
    aws = EmbeddedAws.start(None)
    try:
        resources = create(Overlay.read(OVERLAY), aws.endpoint, {"Stage": "test", "PublicUrl": "https://lazo.example"})
        aws.mark({}, {})
        embedded = Embedded.of(aws, resources)
        yield embedded
        embedded.dynamodb.close()
        embedded.sqs.close()
    finally:
        aws.stop()


@pytest.fixture
def embedded(started: Embedded) -> Embedded:
    """The embedded AWS with nothing in it."""
    started.aws.rewind()
    return started


@pytest.fixture
def memory() -> Memory:
    """A memory with nothing in it."""
    return Memory()


@pytest.fixture(params=["memory", "dynamodb"])
def kept(request: pytest.FixtureRequest, memory: Memory) -> Subject:
    """Every store in turn."""
    if request.param == "memory":
        return in_memory(memory)
    return on_dynamodb(request.getfixturevalue("embedded"))
