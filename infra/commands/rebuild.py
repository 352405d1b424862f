"""Count everything anew by what the organisation counts by today, and read words by today's topics, while all is live.

Each item that counts otherwise today is written once more, and the stream does the counting; run it after a
publication that says so, and again until nothing is behind.
"""

import argparse

from chalicelib.flows import project
from infra import items
from infra.commands import connection
from infra.commands.reconcile import counting
from infra.commands.screen import Screen

ROUNDS_MAX = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add which system."""
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Lift every item that is behind, until none is."""
    system = connection.connect(options)
    lifted = 0
    for _ in range(ROUNDS_MAX):
        with screen.progress("Counting anew", items.estimated()) as bar:
            behind = project.rebuild(system.ports, counting(items.every(), bar))
        lifted += behind
        if not behind:
            break
    screen.say(f"{lifted} items are counted anew; {behind} are still behind.")
    screen.result({"lifted": lifted, "behind": behind})
    return 1 if behind else 0
