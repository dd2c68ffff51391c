"""`{{ … }}` in one text. What is only a name is looked up here; Jinja2 is loaded for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestra.manifest import limits, scalar
from orchestra.manifest.tree import UNKNOWN, Unknown, Value

if TYPE_CHECKING:
    from orchestra.manifest import expression

NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
LITERALS = frozenset(
    {"true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"}
)


class Faulty(ValueError):
    """A template that says something wrong. `word` and `among` are for a «did you mean»."""

    def __init__(
        self, summary: str, *, hint: str | None = None, word: str | None = None, among: tuple[str, ...] = ()
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint
        self.word = word
        self.among = among


def is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


@dataclass(slots=True)
class Engine:
    """What all templates of one load share: compiled expressions, and how much they may still cost."""

    work: int = limits.TEMPLATE_WORK
    nodes: int = limits.ALL_TEMPLATE_NODES
    source: int = limits.ALL_TEMPLATE_SOURCE
    _pieces: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    _sandbox: expression.Sandbox | None = None

    def evaluate(self, text: str, scope: Mapping[str, Value]) -> Value:
        """The text with its templates evaluated; a text that is one whole `{{ … }}` keeps the type. Raises Faulty."""
        if text not in self._pieces:
            self._pieces[text] = pieces(text)
        split = self._pieces[text]
        value = self._expression(text, scope) if split is None else _joined(split, scope)
        if isinstance(value, str):
            self.spend(len(value))
            _refuse_unprintable(value)
        return value

    def spend(self, characters: int) -> None:
        """For one text that a template made."""
        if characters > limits.TEXT:
            raise Faulty(f"a template makes more than {limits.TEXT} characters here")
        self.spend_work(characters)

    def spend_work(self, characters: int) -> None:
        """For what is looked at on the way."""
        self.work -= characters
        if self.work < 0:
            raise Faulty(
                f"the templates of this manifest work on more than {limits.TEMPLATE_WORK} characters"
            )

    def charge_source(self, characters: int) -> None:
        self.source -= characters
        if self.source < 0:
            raise Faulty(
                f"the templates of this manifest have more than {limits.ALL_TEMPLATE_SOURCE} characters"
            )

    def charge_nodes(self, nodes: int) -> None:
        self.nodes -= nodes
        if self.nodes < 0:
            raise Faulty(f"the templates of this manifest have more than {limits.ALL_TEMPLATE_NODES} parts")

    def _expression(self, text: str, scope: Mapping[str, Value]) -> Value:
        if self._sandbox is None:
            from orchestra.manifest import (
                expression,
            )  # Jinja2 takes 90 ms, and most manifests only look names up

            self._sandbox = expression.Sandbox(self)
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
            raise undefined(name, scope)
        values.append(scope[name])
    if any(isinstance(value, Unknown) for value in values):
        return UNKNOWN
    if len(values) == 1 and not split[0] and not split[2]:
        return values[0]
    joined = [split[0]]
    for name, value, text in zip(split[1::2], values, split[2::2], strict=True):
        joined += (spelled(value, name), text)
    return "".join(joined)


def undefined(name: str, scope: Mapping[str, Value]) -> Faulty:
    if name == "replica":
        return Faulty("`replica` is only known in panes with `replicas`")
    names = tuple(scope)
    return Faulty(
        f"there is no variable `{name}`",
        hint="declare it under `variables`, or write {{ '{{' }} for two braces",
        word=name,
        among=names,
    )


def spelled(value: Value, name: str | None = None) -> str:
    if value is None or isinstance(value, Unknown):
        hint = (
            "no environment is chosen: give a text for that with `{{ environment | default('…') }}`"
            if name == "environment"
            else None
        )
        raise Faulty(f"{f'`{name}`' if name else 'this'} has no value here", hint=hint)
    return scalar.spelled(value)


def _refuse_unprintable(text: str) -> None:
    if "\0" in text:
        raise Faulty("a template makes a NUL character here")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Faulty("a template makes half a character (a lone surrogate) here") from None
