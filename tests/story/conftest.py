"""The company of the stories: running, and on a quiet Tuesday morning."""

import pytest

from infra.local.system import LocalSystem
from tests.story.company import Company


@pytest.fixture
def company(lazo: LocalSystem) -> Company:
    """Ferretería El Tornillo, before its first sale, on a Tuesday at 10:00."""
    return Company.of(lazo)
