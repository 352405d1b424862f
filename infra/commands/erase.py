"""Forget a customer, by the id that the CRM knows: names, addresses and words go, no counter changes.

The worker of what is due then looks through the dead letters: events about them that failed are recorded as erased.
What AWS keeps longer ends by itself: the table's stream after 24 hours, point-in-time recovery after 35 days.
"""

import argparse

from chalicelib.flows import protect
from infra.commands import connection
from infra.commands.screen import Failed, Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the customer, and which system."""
    parser.add_argument("--customer", required=True, help="the customer's id, as events name it")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Erase the customer, or say that nobody of that id is known."""
    system = connection.connect(options)
    key = system.ports.names.customer(options.customer)
    if system.ports.customers.get(key) is None:
        raise Failed(f"Nobody is kept under the id {options.customer}.", customer=options.customer)
    protect.forget(system.ports, key, system.now())
    if system.local:
        system.local.ask("/_local/settle", {})
    screen.say("Forgotten: what is left leads to nobody, and late events about them are recorded as erased.")
    screen.result({"customer": options.customer, "erased": True})
    return 0
