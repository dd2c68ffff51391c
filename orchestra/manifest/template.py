"""`{{ … }}` in one text. What is only a name is looked up here; Jinja2 is loaded for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestra.manifest import fault
from orchestra.manifest.budget import Budget
from orchestra.manifest.tree import UNKNOWN, Unknown, Value

if TYPE_CHECKING:
    from orchestra.manifest import expression

NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
LITERALS = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"}
)


def is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


@dataclass(slots=True)
class Engine:
    """What all templates of one load share: compiled expressions, and how much they may still cost."""

    budget: Budget = field(default_factory=Budget)
    _pieces: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    _sandbox: expression.Sandbox | None = None

    def evaluate(self, text: str, scope: Mapping[str, Value]) -> Value:
        """The text with its templates evaluated; a text that is one whole `{{ … }}` keeps the type. Raises Faulty."""
        if text not in self._pieces:
            self._pieces[text] = pieces(text)
        split = self._pieces[text]
        value = self.expression(text, scope) if split is None else _joined(split, scope)
        if isinstance(value, str):
            self.budget.make(len(value))
            fault.refuse_unusable(value)
        return value

    def expression(self, text: str, scope: Mapping[str, Value]) -> Value:
        if self._sandbox is None:
            from orchestra.manifest import (
                expression,
            )  # Jinja2 takes long, and most manifests only look names up

            self._sandbox = expression.Sandbox(self.budget)
        return self._sandbox.evaluate(text, scope)


def pieces(text: str) -> tuple[str, ...] | None:
    """Text, name, text, name, … text; None if there is more in it than names."""
    if "{%" in text:
        return None
    split: list[str] = []
    end = 0
    while (start := text.find("{{", end)) >= 0:
        found = NAME.match(text, start)
        if found is None or found.group(1) in LITERALS:
            return None
        split += (text[end:start], found.group(1))
        end = found.end()
    return (*split, text[end:])


def _joined(split: tuple[str, ...], scope: Mapping[str, Value]) -> Value:
    values: list[Value] = []
    for name in split[1::2]:
        if name not in scope:
            raise fault.undefined(name, scope)
        values.append(scope[name])
    if any(isinstance(value, Unknown) for value in values):
        return UNKNOWN
    if len(values) == 1 and not split[0] and not split[2]:
        return values[0]
    joined = [split[0]]
    for name, value, text in zip(split[1::2], values, split[2::2], strict=True):
        joined += (fault.spelled(value, name), text)
    return "".join(joined)
