"""Serve a busy company in memory to each test."""

from collections.abc import Iterator

import pytest

from tests.entrypoints.desk import Desk, desk
from tests.staffed import busy, install, staff_app, uninstall


@pytest.fixture
def bruno_and_co() -> Iterator[Desk]:
    """A browser in front of a busy company, nobody signed in."""
    world = busy()
    install(world, "https://lazo.example")
    yield desk(staff_app(), world)
    uninstall()
