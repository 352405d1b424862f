"""Whom a program's token stands for: never for more than the operator has said, and for nobody who is not there."""

import argparse

import pytest

from infra.commands.screen import Failed
from infra.commands.token import principal_of
from tests.infra.test_publication import company


def asked(role: str, **more: str) -> argparse.Namespace:
    return argparse.Namespace(**{"role": role, "name": "BI", "department": "", "person": "", **more})


def test_a_token_for_all_departments_cannot_be_asked_for_as_if_it_were_for_one() -> None:
    with pytest.raises(Failed, match="--department"):
        principal_of(asked("leadership", department="sales"), company())


def test_a_department_s_token_stands_for_nobody_of_another_name() -> None:
    with pytest.raises(Failed, match="--person"):
        principal_of(asked("department", department="sales", person="nobody"), company())


def test_a_department_s_token_names_its_department() -> None:
    found = principal_of(asked("department", department="sales"), company())
    assert (found.role, found.department, found.person) == ("department", "sales", None)


def test_a_department_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(Failed, match="sales"):
        principal_of(asked("department", department="sale"), company())
