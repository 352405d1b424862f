"""Publishing follows what was in force: nothing is asked twice, nothing is counted twice."""

from chalicelib.domain.organisation import Organisation
from infra.organisation import read
from infra.publication import publish
from tests.infra.small import SMALL
from tests.infra.test_organisation import TODAY
from tests.world import World


def company(text: str = SMALL) -> Organisation:
    return read(text, "company.yaml", TODAY).organisation


def test_publishing_the_same_again_changes_nothing() -> None:
    world = World()

    first = publish(world.ports.library, company(), world.now)
    second = publish(world.ports.library, company(), world.now)

    assert (first.changed, second.changed) == (True, False)
    assert second.organisation == world.ports.library.organisation()


def test_a_program_that_went_is_remembered_until_it_comes_back() -> None:
    world = World()
    publish(world.ports.library, company(), world.now)
    without = company().model_copy(update={"programs": ()})

    gone = publish(world.ports.library, without, world.now).organisation
    still = publish(world.ports.library, without, world.now).organisation
    back = publish(world.ports.library, company(), world.now).organisation

    assert "sale" in gone.retired_programs
    assert still == gone
    assert "sale" not in back.retired_programs


def test_counting_by_something_new_begins_a_generation_that_asks_for_a_rebuild() -> None:
    world = World()
    publish(world.ports.library, company(), world.now)

    published = publish(world.ports.library, company(SMALL + "trends: {attributes: [store]}\n"), world.now)

    assert published.counts_anew
    assert not publish(world.ports.library, published.organisation, world.now).counts_anew


def test_other_topics_ask_for_a_rebuild_too_and_begin_no_generation() -> None:
    world = World()
    before = publish(world.ports.library, company(), world.now).organisation

    later = before.routing.model_copy(update={"topics": {"sales": {"es": ["nadie atiende"]}}})
    published = publish(world.ports.library, company().model_copy(update={"routing": later}), world.now)

    assert (published.counts_anew, published.reads_anew) == (False, True)
    assert published.organisation.trends.generation == before.trends.generation
    assert not publish(world.ports.library, published.organisation, world.now).reads_anew


def test_a_new_wording_leaves_the_old_one_to_links_that_promised_it() -> None:
    world = World()
    before = publish(world.ports.library, company(), world.now).organisation.surveys[0]

    publish(world.ports.library, company(SMALL.replace("¿Qué tal?", "¿Cómo le fue?")), world.now)

    assert world.ports.library.survey(before.version) == before
