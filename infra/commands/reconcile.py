"""Count every answer, case and decision again, and compare with the counters that the trends are read from.

Nothing differs once the stream is drained; run it when all is quiet. What differs is shown, and the command fails.
"""

import argparse
from collections.abc import Iterator

from chalicelib.domain.case import Case
from chalicelib.domain.invitation import Invitation
from chalicelib.flows import project
from infra import items
from infra.commands import connection
from infra.commands.screen import Bar, Screen

SHOWN_MAX = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add which system."""
    connection.arguments(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Recount, and say what differs."""
    system = connection.connect(options)
    if system.local:
        system.local.ask("/_local/settle", {})
    with screen.progress("Counting again", items.estimated()) as bar:
        found = project.reconcile(system.ports, counting(items.every(), bar))
    rows = [("/".join(each.key), each.name, each.counter, each.recount) for each in found.differences[:SHOWN_MAX]]
    if rows:
        screen.show("Counters that are not what the items say", ("Counter", "Count", "Kept", "Recount"), rows)
    screen.say(
        f"{len(found.differences)} differences; {found.items} items, {found.behind} of an earlier generation, "
        f"{found.uncountable} that cannot be counted, {found.uncounted} stream records that could not be read."
    )
    facts = [{"counter": key, "count": name, "kept": kept, "recount": again} for key, name, kept, again in rows]
    screen.result(
        {
            "differences": len(found.differences),
            "items": found.items,
            "behind": found.behind,
            "uncountable": found.uncountable,
            "uncounted": found.uncounted,
            "examples": facts,
        }
    )
    return 1 if found.differences else 0


def counting(found: Iterator[Invitation | Case], bar: Bar) -> Iterator[Invitation | Case]:
    """Return the items one by one, and move the bar on."""
    for item in found:
        bar.step()
        yield item
