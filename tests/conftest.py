"""Fixtures for tests of the whole: Lazo on one machine, started once, back at its beginning for each test."""

from collections.abc import Iterator

import pytest

from infra.local.system import LocalSystem

LONG = ("browser", "simulation", "slow", "embedded")


@pytest.fixture(scope="session")
def local_system() -> Iterator[LocalSystem]:
    """Lazo, running, with the example company published; its handlers run in `settle` and clock moves only.

    It is a quiet Tuesday already: the weeks until then are passed once, and not before each test.
    """
    from infra.local.prepare import lazo  # here: most tests need neither the app nor the embedded AWS
    from infra.local.testing import running
    from tests.story.company import Company

    with running(lazo()) as system:
        Company.of(system)
        system.mark()
        yield system


@pytest.fixture
def lazo(local_system: LocalSystem) -> Iterator[LocalSystem]:
    """Lazo before the first sale of the example company; no function may ask for what AWS would refuse."""
    local_system.rewind()
    yield local_system
    assert local_system.resources.permissions.refused == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process ends long after the others."""
    items.sort(key=lambda item: next((place for place, mark in enumerate(LONG) if item.get_closest_marker(mark)), 99))
