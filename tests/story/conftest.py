"""The company of the stories: running, and on a quiet Tuesday morning."""

from datetime import UTC, datetime

import pytest

from infra.local.system import LocalSystem
from tests.story.company import Company, quiet_tuesday


@pytest.fixture
def company(lazo: LocalSystem) -> Company:
    """Ferretería El Tornillo, before its first sale, on a Tuesday at 10:00."""
    opened = Company.at(lazo.base_url, lazo.state)
    opened.move_to(quiet_tuesday(datetime.now(UTC).date()))
    return opened
