"""Read the command line and run what it names."""

import argparse
import ast
import importlib
from collections.abc import Sequence
from pathlib import Path

from chalicelib.errors import LazoError
from infra.commands.screen import Failed, Screen

COMMANDS = {
    "validate": "validate",
    "publish": "publish",
    "try": "trial",
    "import-optouts": "import_optouts",
    "replay": "replay",
    "simulate-policy": "simulate_policy",
    "reconcile": "reconcile",
    "rebuild": "rebuild",
    "erase": "erase",
    "resume": "resume",
    "redrive": "redrive",
    "secret": "secret",
    "token": "token",
    "counter": "counter",
    "export": "export",
    "import": "import_stage",
    "sql": "sql",
    "parquet": "parquet",
    "cost": "cost",
}
"""Each command and the module beside this one that it is in: `arguments(parser)` adds its arguments, `run(options,
screen)` does it and returns the exit code, its docstring is its help."""


def parser(chosen: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands; only the chosen one is loaded, since some take a second to import."""
    top = argparse.ArgumentParser(prog="python -m infra", description="Operate Lazo.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        told = _docstring(module)
        sub = commands.add_parser(name, help=told.splitlines()[0], description=told)
        sub.formatter_class = argparse.RawDescriptionHelpFormatter
        sub.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
        if name == chosen:
            importlib.import_module(f"infra.commands.{module}").arguments(sub)
    return top


def _docstring(module: str) -> str:
    source = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def main(arguments: Sequence[str], screen: Screen | None = None) -> int:
    """Run a command; return its exit code: 0 done, 1 refused or not all done, 2 misspelt."""
    options = parser(arguments[0] if arguments else "").parse_args(arguments)
    command = importlib.import_module(f"infra.commands.{COMMANDS[options.command]}")
    screen = screen or Screen(as_json=options.json)
    try:
        return int(command.run(options, screen))
    except Failed as error:
        screen.fail(error)
    except LazoError as error:
        screen.fail(Failed(str(error)))
    except KeyboardInterrupt:
        screen.fail(Failed("Stopped; what was done until here stands, and the same command goes on from there."))
    return 1
