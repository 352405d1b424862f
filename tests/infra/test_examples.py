"""The examples are what they recommend: valid, without anything worth a look, in every language."""

from datetime import date
from pathlib import Path

import pytest

from chalicelib.domain.survey import SCALES
from chalicelib.domain.terms import LANGUAGES
from infra.organisation import load

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TODAY = date(2026, 3, 6)
FILES = [EXAMPLES / "tornillo.yaml", EXAMPLES / "replay" / "marketplace-organisation.yaml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_published_without_anything_worth_a_look(file: Path) -> None:
    assert load(file, TODAY).warnings == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_address_of_an_example_leads_nowhere(file: Path) -> None:
    addresses = [word.strip("[],{}\"'") for word in file.read_text().split() if "@" in word]

    assert addresses
    assert {address.rstrip(".").rpartition("@")[2].removesuffix("example.com") for address in addresses} <= {
        "tornillo.",
        "mercado.",
    }


def test_the_company_asks_on_every_scale_in_every_language() -> None:
    company = load(FILES[0], TODAY).organisation

    assert {survey.metric for survey in company.surveys} == set(SCALES)
    assert all(set(LANGUAGES) <= set(survey.rating) for survey in company.surveys)


def test_every_department_is_a_driver_of_some_survey_and_has_words_that_lead_to_it() -> None:
    company = load(FILES[0], TODAY).organisation
    options = [option for survey in company.surveys for question in survey.questions for option in question.options]
    departments = {department.id for department in company.departments}

    assert {option.department for option in options} == departments
    assert set(company.routing.topics) == departments


def test_nobody_is_written_to_at_night_or_on_a_sunday() -> None:
    company = load(FILES[0], TODAY).organisation

    assert all(program.hours is None for program in company.programs)
    assert company.customer_hours["CO"].hours == {"mon-fri": ["07:00-19:00"], "sat": ["08:00-15:00"]}
    assert date(TODAY.year, 7, 20) in company.customer_hours["CO"].holidays
