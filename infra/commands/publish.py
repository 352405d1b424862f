"""Put an organisation's file in force, with every survey version that links may still open.

Mails already sent open the survey that they promised; a program that is no longer in the file is remembered, so that a
late duplicate of its event asks nobody again.
"""

import argparse
from pathlib import Path

from chalicelib.domain.organisation import Organisation
from chalicelib.flows import expire, weekly
from chalicelib.flows.refit import refit
from infra.commands import connection, validate
from infra.commands.connection import Local
from infra.commands.screen import Screen
from infra.local import tokens
from infra.publication import publish


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and which system."""
    parser.add_argument("file", type=Path, help="the organisation, as in examples/tornillo.yaml")
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Publish what the file holds."""
    loaded = validate.checked(options.file, screen)
    system = connection.connect(options)
    published = publish(system.ports.library, loaded.organisation, system.now())
    if system.local:
        grant(system.local, system, published.organisation)
    said = f"{published.organisation.name} is in force" if published.changed else "This is in force already"
    screen.say(f"{said}; every function goes by it within half a minute.")
    weekly.arm(system.ports, system.now())
    expire.arm(system.ports, system.now())
    moved = fitted(system, screen)
    if moved:
        screen.say(f"{moved} open cases have new promises or a new lead; their timelines say so.")
    if published.counts_anew:
        screen.say("It counts by something new: `python -m infra rebuild` counts what is older as well.")
    elif published.reads_anew:
        screen.say("It looks for other topics: `python -m infra rebuild` reads the words of older answers as well.")
    screen.result(
        {
            "name": published.organisation.name,
            "changed": published.changed,
            "rebuild": published.counts_anew or published.reads_anew,
            "cases": moved,
        }
    )
    return 0


def fitted(system: connection.Connection, screen: Screen) -> int:
    """Let the open cases follow, and say how many changed: also those that an interrupted publication had left."""
    with screen.progress("Fitting open cases", None) as bar:
        moved = 0
        for changed in refit(system.ports, system.now()):
            moved += changed
            bar.step()
    return moved


def grant(local: Local, system: connection.Connection, organisation: Organisation) -> None:
    """Give each department that is new a token of this machine."""
    kept = local.tokens()
    secret, token = kept["events_secret"], kept["events_token"]
    tokens.ensure(local.state, system.ports.access, organisation, events_secret=secret, events_token=token)
