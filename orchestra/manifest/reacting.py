"""Texts that speak of an `event` that is yet to happen: what a trigger does, and when.

Loading puts in what is known then, so that a text stands for itself (`{{ port }} {{ event.address }}` becomes
`{{ 8000 }} {{ event.address }}`); when something happens the rest is evaluated, in the same sandbox. What an event holds is data: it is
never read as a template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from orchestra.manifest import fault, template
from orchestra.manifest.budget import Budget
from orchestra.manifest.tree import UNKNOWN, Value

if TYPE_CHECKING:
    from orchestra.manifest import expression

EVENT = "event"
_SPEAKS = re.compile(r"\bevent\b")


def speaks_of_event(text: str) -> bool:
    return _SPEAKS.search(text) is not None


def put_in(text: str, scope: Mapping[str, Value], *, whole: bool = False) -> str:
    """With the values of all names but `event`. `whole`: the text is an expression without braces. Raises `fault.Faulty`."""
    from orchestra.manifest import expression  # Jinja2 takes long, and only who reacts to something needs it

    wrapped = f"{{{{ {text} }}}}" if whole else text
    sandbox = expression.Sandbox(Budget(), frozenset({EVENT}))
    names = sandbox.names(wrapped)
    for name in names - {EVENT}:
        if name not in scope:
            raise fault.undefined(name, {**scope, EVENT: UNKNOWN})
    if any(scope.get(name) is UNKNOWN for name in names):
        return text  # said already
    made = "".join(_put_in(sandbox.tokens(wrapped), names - {EVENT}, scope))
    return made.removeprefix("{{ ").removesuffix(" }}") if whole else made


def _put_in(
    tokens: Iterator[tuple[str, str]], known: frozenset[str], scope: Mapping[str, Value]
) -> Iterator[str]:
    before = ""
    for kind, text in tokens:
        stands_alone = before not in (".", "|", "is")
        if kind == "name" and text in known and stands_alone:
            yield _literal(scope[text])
        else:
            yield text
        if kind != "whitespace":
            before = text


def _literal(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


class Reader:
    """Evaluates, when something has happened."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._read: dict[str, object] = {}
        self._sandbox: expression.Sandbox | None = None

    def holds(self, expression: str, event: Mapping[str, object]) -> bool:
        """Whether a `when` is true of it; a field the event does not have is none. Raises `fault.Faulty`."""
        return bool(self._value(f"{{{{ {expression} }}}}", _Fields(event, None)))

    def filled(self, text: str, event: Mapping[str, object]) -> str:
        """Raises `fault.Faulty`."""
        if not template.is_template(text):
            return text
        # What an event does not know leaves a gap, not a failure.
        return fault.spelled(self._value(text, _Fields(event, "")))

    def _value(self, text: str, event: _Fields) -> Value:
        from orchestra.manifest import expression  # as above

        if self._sandbox is None or len(self._read) > _MOST:
            self._sandbox, self._read = expression.Sandbox(self._budget, frozenset({EVENT})), {}
        self._read[text] = None
        self._budget.renew()
        return self._sandbox.evaluate(text, {EVENT: event})  # type: ignore[dict-item]


_MOST = 1024
"""Texts that are kept compiled."""


class _Fields:
    """What an event does not have is the same nothing, so that one trigger can look at several kinds of events."""

    __slots__ = ("_fields", "_nothing")

    def __init__(self, event: Mapping[str, object], nothing: str | None) -> None:
        self._fields, self._nothing = event, nothing

    def __getattr__(self, name: str) -> object:
        value = self._fields.get(name)
        if value is None:
            return self._nothing
        return value if isinstance(value, str | int | float) else json.dumps(value)
