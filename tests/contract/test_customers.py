"""What every store of people and addresses promises."""

import pytest

from chalicelib.adapters.names import KeyedNames
from chalicelib.domain.customer import Address, Past, Rest
from chalicelib.errors import Conflict
from tests.contract.cast import ANA, HOUR, NOW, PEPPER, customer, id_of
from tests.contract.subject import Subject

MAILBOX = KeyedNames(PEPPER).address("email", "ana@example.com")


def test_nobody_is_known_at_first(kept: Subject) -> None:
    assert kept.customers.get(ANA) is None
    assert kept.customers.address(MAILBOX) is None
    assert kept.customers.several([ANA], [MAILBOX]) == ({}, {})


def test_a_customer_is_kept_version_by_version(kept: Subject) -> None:
    ana = customer()
    kept.customers.save(ana)
    rested = ana.asked(id_of(1), Rest(NOW, NOW + 720 * HOUR, id_of(1)))
    kept.customers.save(rested)
    assert kept.customers.get(ANA) == rested


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_customer_out_of_turn_is_a_conflict(kept: Subject, version: int) -> None:
    kept.customers.save(customer())
    with pytest.raises(Conflict):
        kept.customers.save(customer(version=version, name="Somebody Else"))
    assert kept.customers.get(ANA) == customer()


def test_a_customer_that_never_was_has_no_second_version(kept: Subject) -> None:
    with pytest.raises(Conflict):
        kept.customers.save(customer(version=2))
    assert kept.customers.get(ANA) is None


def test_of_two_who_wake_a_customer_one_loses(kept: Subject) -> None:
    kept.customers.save(customer())
    kept.customers.save(customer(version=2, language="es"))
    with pytest.raises(Conflict):
        kept.customers.save(customer(version=2, language="en"))


def test_an_address_is_kept_version_by_version(kept: Subject) -> None:
    first = Address(key=MAILBOX, version=1, opted_out_at=NOW)
    kept.customers.save_address(first)
    with pytest.raises(Conflict):
        kept.customers.save_address(first)
    second = first.model_copy(update={"version": 2, "suppressed": "bounce", "suppressed_at": NOW})
    kept.customers.save_address(second)
    assert kept.customers.address(MAILBOX) == second


def test_an_erased_customer_stays_as_a_tombstone(kept: Subject) -> None:
    kept.customers.save(customer())
    tombstone = customer(version=2, id=None, name=None, email=None, erased_at=NOW)
    kept.customers.save(tombstone)
    assert kept.customers.get(ANA) == tombstone


def test_many_customers_and_addresses_are_kept_each_by_itself(kept: Subject) -> None:
    names = [f"{number:026d}" for number in range(30)]
    kept.customers.save(customer(key=names[4]))
    first = [customer(key=name) for name in names]
    assert kept.customers.save_many(first) == {names[4]}
    second = [customer(key=name, version=2, name="Ana María") for name in names]
    second[9] = customer(key=names[9], version=3, name="Ana María")
    assert kept.customers.save_many(second) == {names[9]}
    mailbox, other = Address(key=MAILBOX, version=1), Address(key=names[0], version=1)
    assert kept.customers.save_addresses([mailbox, other]) == set()
    assert kept.customers.save_addresses([mailbox.model_copy(update={"version": 2}), other]) == {names[0]}
    customers, addresses = kept.customers.several([*names, "b" * 26], [MAILBOX, "b" * 26])
    assert customers == {each.key: each for each in second if each.key != names[9]} | {names[9]: first[9]}
    assert addresses == {MAILBOX: mailbox.model_copy(update={"version": 2})}
    assert kept.customers.several([], []) == ({}, {})


def test_what_is_put_away_is_found_whole_and_kept_once(kept: Subject) -> None:
    pasts = [Past(key=ANA, decisions=tuple(id_of(10 * part + each) for each in range(10))) for part in range(3)]
    other = Past(key="b" * 26, decisions=(id_of(99),))
    assert kept.customers.past(ANA) == ()
    kept.customers.save(customer())
    for past in pasts:
        kept.customers.put_away([past, other])
        kept.customers.put_away([past])
    assert sorted(kept.customers.past(ANA)) == sorted(id_ for past in pasts for id_ in past.decisions)
    assert kept.customers.past("b" * 26) == (id_of(99),)
    assert kept.customers.get(ANA) == customer()


def test_one_batch_puts_away_one_past_of_a_customer(kept: Subject) -> None:
    past = Past(key=ANA, decisions=(id_of(1),))
    with pytest.raises(ValueError, match="once"):
        kept.customers.put_away([past, past])
