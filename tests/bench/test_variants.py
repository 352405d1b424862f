"""Test that the page which the bench weighs is the largest there is, and keeps its budget with some room."""

import gzip

from bench import company, variants

BYTES_MAX, GZIP_BYTES_MAX = 13_824, 5_120  # 13.5 KB of the 14 that a first round trip takes


def test_the_largest_survey_page_of_the_example_company_keeps_its_budget() -> None:
    drawn = list(variants.variants(company.company()))
    largest = variants.largest(company.company())
    assert largest.size == max(each.size for each in drawn) <= BYTES_MAX
    assert max(len(gzip.compress(each.html.encode(), 6)) for each in drawn) <= GZIP_BYTES_MAX


def test_every_survey_language_and_rating_is_drawn() -> None:
    organisation = company.company()
    drawn = {(each.survey, each.language, each.rating) for each in variants.variants(organisation)}
    assert len(drawn) == sum(3 * (len(survey.scale) + 1) for survey in organisation.surveys)
    assert all(each.html.count("</html>") == 1 for each in variants.variants(organisation))
