"""Match records against filter patterns, as Lambda's event source mappings do."""

from collections.abc import Callable
from typing import Any


class UnknownRule(ValueError):
    """The pattern uses a comparison that one machine does not know."""


def matches(pattern: dict[str, Any], record: Any) -> bool:
    """Say whether the record has, at each place of the pattern, one of the values allowed there."""
    return all(_place_matches(name, allowed, record) for name, allowed in pattern.items())


def _place_matches(name: str, allowed: Any, record: Any) -> bool:
    if name == "$or":
        return any(matches(one, record) for one in allowed)
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(allowed, dict):
        return matches(allowed, value if isinstance(value, dict) else {})
    return any(_allows(rule, value) for rule in allowed)


def _allows(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        return bool(rule == value)
    (kind, operand), *others = rule.items()
    if kind not in RULES or others:
        raise UnknownRule(f"No filter rule that one machine knows: {rule}")
    return RULES[kind](operand, value)


def _starts(operand: Any, value: Any) -> bool:
    return isinstance(value, str) and value.startswith(operand)


def _ends(operand: Any, value: Any) -> bool:
    return isinstance(value, str) and value.endswith(operand)


def _differs(operand: Any, value: Any) -> bool:
    refused = operand if isinstance(operand, list) else [operand]
    return value is not None and not any(_allows(one, value) for one in refused)


RULES: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": _starts,
    "suffix": _ends,
    "exists": lambda operand, value: operand is (value is not None),
    "anything-but": _differs,
    "equals-ignore-case": lambda operand, value: isinstance(value, str) and value.casefold() == operand.casefold(),
}
