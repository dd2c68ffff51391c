"""How results and errors look, as text and as JSON. Whatever comes from outside is made printable here."""

from __future__ import annotations

import itertools
import json as json_
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import click

from orchestra.model import codec, diagnostic, plan

SIGNS = {
    plan.Verb.CREATE: ("+", "green"),
    plan.Verb.UPDATE: ("~", "yellow"),
    plan.Verb.REPLACE: ("±", "magenta"),
    plan.Verb.DELETE: ("-", "red"),
    plan.Verb.NONE: (" ", None),
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """No terminal escape, no forged line: control and direction characters are shown as `\\x1b`."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def colours(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, stream: TextIO, **style: Any) -> str:
    return click.style(text, **style) if colours(stream) else text


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Progress and remarks: not the result."""
    sys.stderr.write(text + "\n")


def result(command: str, body: Mapping[str, object]) -> None:
    """The one shape of every JSON answer."""
    say(json_.dumps({"status": "success", "command": command, **body}, ensure_ascii=False))


def wants_json(words: Sequence[str]) -> bool:
    """Also when the words are so wrong that they cannot be parsed."""
    return "-ojson" in words or any(a == "-o" and b == "json" for a, b in itertools.pairwise(words))


def _command(words: Sequence[str]) -> str:
    return next((word for word in words if not word.startswith("-")), "")


def error(diagnostics: Sequence[diagnostic.Diagnostic], words: Sequence[str], *, json: bool) -> None:
    if json:
        rows = [codec.dump(each) for each in diagnostics]
        first = next(
            (each for each in diagnostics if each.severity is diagnostic.Severity.ERROR), diagnostics[0]
        )
        body: dict[str, object] = {"status": "error", "command": _command(words), "message": first.summary}
        if first.hint:
            body["hint"] = first.hint
        say(json_.dumps({**body, "diagnostics": rows}, ensure_ascii=False))
        return
    for each in diagnostics:
        note(diagnosis(each, sys.stderr))


def usage(problem: click.ClickException, words: Sequence[str], *, json: bool) -> None:
    if json:
        say(json_.dumps({"status": "error", "command": _command(words), "message": problem.format_message()}))
        return
    problem.show(sys.stderr)


def interrupted(words: Sequence[str], *, json: bool) -> None:
    if json:
        say(json_.dumps({"status": "error", "command": _command(words), "message": "interrupted"}))
    else:
        note("interrupted; what is done is done, and applying again goes on from there")


_TONE = {
    diagnostic.Severity.ERROR: "red",
    diagnostic.Severity.WARNING: "yellow",
    diagnostic.Severity.NOTE: "cyan",
}


def diagnosis(each: diagnostic.Diagnostic, stream: TextIO) -> str:
    lines = [f"{paint(each.severity, stream, fg=_TONE[each.severity], bold=True)}: {printable(each.summary)}"]
    if each.location is not None:
        where = f"{each.location}  {each.location.path}".rstrip()
        lines.append(f"  {paint('-->', stream, fg='blue')} {one_line(where)}")
    if each.detail:
        lines += [f"  {printable(line)}" for line in each.detail.split("\n")]
    if each.hint:
        lines.append(f"  {paint('hint:', stream, fg='cyan')} {printable(each.hint)}")
    return "\n".join(lines)


def causes(change: plan.Change) -> str:
    return "; ".join(_cause(each) for each in change.causes)


def _cause(cause: plan.Cause) -> str:
    text = cause.reason
    if cause.before is not None or cause.after is not None:
        text += f": {_value(cause.before)} → {_value(cause.after)}"
    return one_line(text)


def _value(value: str | None) -> str:
    if value is None:
        return "none"
    short = value if len(value) <= 200 else value[:200] + "…"
    return f"`{short}`"


def plan_text(made: plan.Plan, stream: TextIO) -> str:
    """A line a change, then the counts; notes before them."""
    shown = [change for change in made.changes if change.verb is not plan.Verb.NONE]
    width = max((len(change.address) for change in shown), default=0)
    lines = [_change(change, width, stream) for change in shown]
    lines += [diagnosis(each, stream) for each in made.notes]
    return "\n".join([*lines, counts(made)])


def _change(change: plan.Change, width: int, stream: TextIO) -> str:
    sign, tone = SIGNS[change.verb]
    head = paint(
        f"{sign} {change.kind:<7} {one_line(change.address):<{width}}  {change.verb:<7}", stream, fg=tone
    )
    stops = f" (stops pid {change.stops})" if change.stops else ""
    return f"{head}  {causes(change)}{stops}"


def counts(made: plan.Plan) -> str:
    parts = ", ".join(
        f"{made.count(verb)} to {verb}"
        for verb in (plan.Verb.CREATE, plan.Verb.UPDATE, plan.Verb.REPLACE, plan.Verb.DELETE)
    )
    return f"{parts}; {made.count(plan.Verb.NONE)} unchanged"
