"""The bench's world: real handlers on the embedded AWS, and a meter that misses nothing."""

from bench import company, scenario
from bench.world import running


def test_three_surveys_are_counted_to_the_last_item() -> None:
    with running(company.company(), is_metered=True) as world:
        ids = scenario.decide(world, company.closings(3, "s"))
        scenario.send(world, ids)
        scenario.report_deliveries(world, ids)
        low = scenario.answer(world, ids, low_each=3)
        assert low == ids[2:]
        assert [world.invitation(id_).has_case for id_ in ids] == [False, False, True]
        missed = [key for (table, key), image in world.meter.mirror.items() if world.look(key) != image]
        assert missed == []
        tally = world.meter.tally
        assert tally.write_units("survey/decide") >= 3 * 3  # an invitation with its timer, and who was asked
        assert tally.calls_of("survey/send")["sesv2.SendEmail"] == 3
        assert world.used["answer/page"].invocations("pages") == 3
        assert world.used["answer/submit"].beside["api_requests"] == 3
