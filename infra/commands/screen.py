"""Say what a command does: sentences, tables and progress for people, one JSON value for programs."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table


class Failed(Exception):
    """A command cannot do what was asked; the message says why and what to do, `facts` say it to programs."""

    def __init__(self, text: str, **facts: Any) -> None:
        super().__init__(text)
        self.facts = facts


class Bar:
    """One progress bar: what is done, of how much."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress, self._task = progress, task

    def step(self, count: int = 1, said: str | None = None) -> None:
        """Move on, and say where we are."""
        self._progress.update(self._task, advance=count, description=said)


@dataclass
class Screen:
    """Where a command speaks. People read standard output and watch standard error; programs read JSON alone."""

    as_json: bool = False
    out: IO[str] = field(default_factory=lambda: sys.stdout)
    err: IO[str] = field(default_factory=lambda: sys.stderr)

    def say(self, *lines: str) -> None:
        """Tell people something; programs get it in the result."""
        if not self.as_json:
            for line in lines:
                print(line, file=self.out)

    def show(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Show people a table; figures stand to the right."""
        if self.as_json:
            return
        table = Table(title=title, title_justify="left")
        for index, column in enumerate(columns):
            are_figures = all(isinstance(row[index], int | float) for row in rows)
            table.add_column(column, justify="right" if are_figures else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(str, row))
        Console(file=self.out).print(table)

    @contextmanager
    def progress(self, text: str, total: int | None) -> Iterator[Bar]:
        """Show long work as a bar, beside the result's own stream."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(file=self.err)
        with Progress(*columns, TimeRemainingColumn(), console=console, disable=self.as_json) as progress:
            yield Bar(progress, progress.add_task(text, total=total))

    def result(self, result: Mapping[str, Any]) -> None:
        """Give programs the result."""
        if self.as_json:
            print(json.dumps(result, ensure_ascii=False, default=str), file=self.out)

    def fail(self, error: Failed) -> None:
        """Say why the command did not do what was asked."""
        self.result({"error": str(error), **error.facts})
        if not self.as_json:
            print(error, file=self.err)
