"""Read the command line and run what it names."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.errors import LazoError
from infra.commands import cost, erase, import_optouts, publish, rebuild, reconcile, replay, trial, validate
from infra.commands.screen import Failed, Screen


@dataclass(frozen=True)
class Command:
    """One command: its name, a line about it, its arguments, and what it does (the exit code comes back)."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Screen], int]


COMMANDS = (
    Command("validate", validate.__doc__ or "", validate.arguments, validate.run),
    Command("publish", publish.__doc__ or "", publish.arguments, publish.run),
    Command("try", trial.__doc__ or "", trial.arguments, trial.run),
    Command("import-optouts", import_optouts.__doc__ or "", import_optouts.arguments, import_optouts.run),
    Command("replay", replay.__doc__ or "", replay.arguments, replay.run),
    Command("reconcile", reconcile.__doc__ or "", reconcile.arguments, reconcile.run),
    Command("rebuild", rebuild.__doc__ or "", rebuild.arguments, rebuild.run),
    Command("erase", erase.__doc__ or "", erase.arguments, erase.run),
    Command("cost", cost.__doc__ or "", cost.arguments, cost.run),
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(prog="python -m infra", description="Operate Lazo.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        said = command.help.strip().splitlines()[0]
        sub = commands.add_parser(command.name, help=said, description=command.help.strip())
        sub.formatter_class = argparse.RawDescriptionHelpFormatter
        sub.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
        command.arguments(sub)
    return top


def main(arguments: Sequence[str], screen: Screen | None = None) -> int:
    """Run a command; return its exit code: 0 done, 1 refused or not all done, 2 misspelt."""
    options = parser().parse_args(arguments)
    command = next(command for command in COMMANDS if command.name == options.command)
    screen = screen or Screen(as_json=options.json)
    try:
        return command.run(options, screen)
    except Failed as error:
        screen.fail(error)
    except LazoError as error:
        screen.fail(Failed(str(error)))
    except KeyboardInterrupt:
        screen.fail(Failed("Stopped; what was done until here stands, and the same command goes on from there."))
    return 1
