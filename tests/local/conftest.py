"""Fixtures of the local system's own tests: a small application, started once."""

from collections.abc import Iterator

import pytest

from infra.local.system import LocalSystem
from infra.local.testing import running
from tests.local import sample


@pytest.fixture(scope="session")
def sample_system() -> Iterator[LocalSystem]:
    """The small application, running."""
    with running(sample.SAMPLE) as system:
        yield system


@pytest.fixture
def system(sample_system: LocalSystem) -> LocalSystem:
    """The small application at its beginning."""
    sample_system.rewind()
    sample.seen.clear()
    sample.calls.clear()
    return sample_system
