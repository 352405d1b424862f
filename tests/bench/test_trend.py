"""What a trend costs to read depends on its days, not on how many have answered."""

from datetime import timedelta

import pytest

from bench import company, scenario, steps
from bench.world import running


@pytest.mark.embedded
def test_a_month_of_a_million_answers_is_read_with_a_fifth_more_units_at_most() -> None:
    with running(company.company(), is_metered=True) as world:
        ids = scenario.decide(world, company.closings(1, "trend", world.now))
        scenario.send(world, ids)
        units = []
        for responses in (1_000, 1_000_000):
            world.now += timedelta(days=365)
            units.append(steps.trend_units(world, world.invitation(ids[0]), responses, 1))
    assert 0 < units[1] <= 1.2 * units[0]
