"""The machine is switched off over night, and the company goes on next morning as if nothing had been."""

from pathlib import Path

import pytest

from tests.local.lazo_run import free_port, running
from tests.story.company import ANA, Company, link_in

pytestmark = [pytest.mark.embedded, pytest.mark.slow]


def test_everything_survives_a_stop_and_a_start(tmp_path: Path) -> None:
    state, port = tmp_path / "state", free_port()
    with running(state, port) as run:
        company = Company.at(run.base_url, state)
        company.begin()
        company.sell("ORD-1")
        company.later("PT3H")
        company.sell("ORD-2", customer={**ANA, "id": "c-2", "email": "pia@example.com"})
        link = link_in(company.mail("ana@example.com"), "/s/")
        before, messages = company.now(), company.messages()
        run.stop()
    with running(state, port) as run:
        company = Company.at(run.base_url, state)
        assert company.now() >= before
        assert company.messages() == messages
        assert company.press(link, rating="2", failed="late").status == 200  # yesterday's mail, today
        company.settle()
        (case,) = company.cases("logistics")  # with yesterday's token
        company.later("PT3H")  # and what was waiting for its hour is sent at its hour
        assert company.mail("pia@example.com")["subject"]
        run.stop()
    with running(state, port) as run:
        company = Company.at(run.base_url, state)
        assert [each["id"] for each in company.cases("logistics")] == [case["id"]]
        company.later("P1D")
        assert len(company.messages("bruno.diaz@tornillo.example.com")) == 1  # the promise ran on meanwhile
        run.stop()
