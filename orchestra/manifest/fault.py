"""What can be wrong with a template, in the words a user sees."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.manifest import scalar
from orchestra.manifest.tree import Unknown, Value


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


class Unreadable(Faulty):
    """It is no template at all."""


class Undefined(Faulty):
    """It speaks of a variable that there is not."""


def undefined(name: str, scope: Mapping[str, Value]) -> Faulty:
    if name == "replica":
        return Faulty("`replica` is only known in panes with `replicas`")
    hint = "declare it under `variables`, or write {{ '{{' }} for two braces"
    return Undefined(f"there is no variable `{name}`", hint=hint, word=name, among=tuple(scope))


def spelled(value: Value, name: str | None = None) -> str:
    """As a template prints it. Raises Faulty for nothing."""
    if value is None or isinstance(value, Unknown):
        what = f"`{name}`" if name else "this"
        hint = "without --env there is none: say what then, `{{ environment | default('…') }}`"
        raise Faulty(f"{what} has no value here", hint=hint if name == "environment" else None)
    return scalar.spelled(value)


def refuse_unusable(text: str) -> None:
    if "\0" in text:
        raise Faulty("a template makes a NUL character here")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Faulty("a template makes half a character (a lone surrogate) here") from None
