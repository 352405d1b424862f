"""Let sending go on after too many mails had come back: mend the addresses where they come from first.

What was sent before counts no more, so that the same bounces do not stop it again.
"""

import argparse

from chalicelib.flows import guard
from infra.commands import connection
from infra.commands.screen import Screen


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add which system."""
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Resume, or say that nothing was stopped."""
    system = connection.connect(options)
    resumed = guard.resume(system.ports, system.now())
    screen.say("Sending goes on." if resumed else "Sending was not paused by bounces; nothing has changed.")
    screen.result({"resumed": resumed})
    return 0
