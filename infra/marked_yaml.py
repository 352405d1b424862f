"""Read YAML and remember the line of everything in it, so that a fault can name its place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

BYTES_MAX = 1_048_576  # of one file
NODES_MAX = 50_000  # with aliases followed: a file of 1 KB can otherwise stand for billions
DEPTH_MAX = 20

Place = tuple[str | int, ...]
"""Where something is: ("departments", 1, "sla")."""

TOO_DEEP = f"is nested more than {DEPTH_MAX} levels deep"

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?[0-9]+\.[0-9]+")


@dataclass(frozen=True)
class Fault:
    """What is wrong in a file: on which line (from 1), where in its structure, and what would be right."""

    line: int
    where: str
    text: str

    def said(self, file: str) -> str:
        """Return the sentence that a person reads: file, line, place, what to write instead."""
        place = f"{self.where}: " if self.where else ""
        return f"{file}:{self.line}: {place}{self.text}"


class Unreadable(Exception):
    """A file cannot be used; `faults` says where and why, in the file's order."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__("\n".join(fault.said(file) for fault in self.faults))


@dataclass
class Marked:
    """What a file says, with the line of each key and item."""

    file: str
    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    twice: list[Fault] = field(default_factory=list)

    def line(self, place: Sequence[str | int]) -> int:
        """Return the line of a place, or of what it should have been in."""
        known = (tuple(place)[:length] for length in range(len(place), 0, -1))
        return next((self.lines[each] for each in known if each in self.lines), 1)

    def fault(self, place: Sequence[str | int], text: str) -> Fault:
        """Return a fault at a place."""
        return Fault(self.line(place), self.spoken(place), text)

    def spoken(self, place: Sequence[str | int]) -> str:
        """Return a place as people say it: items by their id, as in departments.logistics.sla."""
        words, at = "", self.data
        for step in place:
            at = _inside(at, step)
            name = at.get("id") if isinstance(step, int) and isinstance(at, dict) else None
            numbered = f"[{step + 1}]" if isinstance(step, int) else f".{step}"
            words += f".{name}" if isinstance(name, str) else numbered
        return words.removeprefix(".")


def _inside(at: Any, step: str | int) -> Any:
    if isinstance(at, dict):
        return at.get(step)
    return at[step] if isinstance(at, list) and isinstance(step, int) and step < len(at) else None


def read(text: str, file: str) -> Marked:
    """Return what a text in YAML says. Raises Unreadable for what is not YAML, and for keys written twice.

    `yes`, `on` and `08:30` are text here, as whoever writes them expects; only true and false are booleans.
    """
    if len(text.encode()) > BYTES_MAX:
        raise Unreadable(file, [Fault(1, "", f"is larger than {BYTES_MAX} bytes")])
    marked = Marked(file)
    node = _composed(text, file)
    if node is not None:
        marked.data = _Reader(marked).value(node, ())
    if marked.twice:
        raise Unreadable(file, marked.twice)
    return marked


def _composed(text: str, file: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        raise Unreadable(file, [_syntax(error)]) from error
    except RecursionError as error:
        raise Unreadable(file, [Fault(1, "", TOO_DEEP)]) from error
    except yaml.YAMLError as error:
        detail = str(error).splitlines()[0]
        raise Unreadable(file, [Fault(1, "", f"is not readable text: {detail}")]) from error
    return node


def _syntax(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "is not YAML"
    hint = "; indent by spaces, never by tabs" if "'\\t'" in problem else ""
    return Fault(mark.line + 1 if mark else 1, "", f"cannot be read as YAML: {problem}{hint}")


@dataclass
class _Reader:
    marked: Marked
    nodes: int = 0

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.nodes += 1
        if self.nodes > NODES_MAX or len(place) > DEPTH_MAX:
            text = TOO_DEEP if len(place) > DEPTH_MAX else f"holds more than {NODES_MAX} values, aliases followed"
            raise Unreadable(self.marked.file, [Fault(node.start_mark.line + 1, "", text)])
        self.marked.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(inner, (*place, key)) for key, inner in self._pairs(node, place)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(inner, (*place, index)) for index, inner in enumerate(node.value)]
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return _scalar(node.value) if is_plain else node.value

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, inner in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else "?"
            if key in seen:
                text = f"is written twice, first on line {seen[key]}; keep one"
                self.marked.twice.append(Fault(line, self.marked.spoken((*place, key)), text))
            seen.setdefault(key, line)
            self.marked.lines.setdefault((*place, key), line)
            yield key, inner


def _scalar(written: str) -> Any:
    if _NULL.fullmatch(written):
        return None
    if _TRUE.fullmatch(written) or _FALSE.fullmatch(written):
        return bool(_TRUE.fullmatch(written))
    if _INT.fullmatch(written) and len(written) <= 18:
        return int(written)
    return float(written) if _FLOAT.fullmatch(written) else written
