"""How results and errors look, as text and as JSON. Whatever comes from outside is made printable here."""

from __future__ import annotations

import itertools
import json as json_
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:  # annotations only: these are the 30 ms that `--help` need not pay
    from orchestra.model import diagnostic, plan

SIGNS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "magenta"),
    "delete": ("-", "red"),
    "none": (" ", None),
}
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Terminal escapes, and characters that show nothing but move or hide what stands beside them."""
_WITH_VALUE = ("-L", "-S", "-o")
_JSON = "json"


def prepare() -> None:
    """Before anything is written: a closed stream is no error, nor is a letter that the terminal cannot show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # for as long as we live
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


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
    """Progress and remarks: not the result. That nobody reads them is no reason to leave work half done."""
    try:
        sys.stderr.write(text + "\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def json_text(plain: object, *, indent: int | None = None) -> str:
    """Letters as they are; what a terminal would obey as an escape of JSON's, which only texts can hold."""
    text = json_.dumps(plain, ensure_ascii=False, indent=indent)
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_spelled = ""


def speak_as(name: str) -> None:
    """For an old spelling: from now on every answer bears its name, and the time."""
    global _spelled  # one command a process
    _spelled = name


def _head(status: str, command: str) -> dict[str, object]:
    if not _spelled:
        return {"status": status, "command": command}
    from orchestra.host import clock  # for old scripts

    now = clock.Clock().now().replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return {"status": status, "command": _spelled, "timestamp": now}


def result(command: str, body: Mapping[str, object], warnings: Sequence[diagnostic.Diagnostic] = ()) -> None:
    """The one shape of every JSON answer."""
    told = {"warnings": [plain(each) for each in warnings]} if warnings else {}
    say(json_text({**_head("success", command), **body, **told}))


def failure(
    command: str, message: str, body: Mapping[str, object], diagnostics: Sequence[diagnostic.Diagnostic] = ()
) -> None:
    """The one shape of every JSON error; `body` is what can be said nevertheless."""
    hint = next((each.hint for each in diagnostics if each.hint and each.severity == "error"), None)
    head = {**_head("error", command), "message": message}
    if hint is not None:
        head["hint"] = hint
    say(json_text({**head, **body, "diagnostics": [plain(each) for each in diagnostics]}))


def plain(each: diagnostic.Diagnostic) -> dict[str, object]:
    at = each.location
    place = None if at is None else {"file": at.file, "line": at.line, "column": at.column, "path": at.path}
    known = {"detail": each.detail, "location": place, "hint": each.hint}
    return {
        "severity": str(each.severity),
        "summary": each.summary,
        **{key: value for key, value in known.items() if value is not None},
    }


def wants_json(words: Sequence[str]) -> bool:
    """Also when the words are so wrong that they cannot be parsed."""
    return _wanted(words) == _JSON


def wants_text(words: Sequence[str]) -> bool:
    return _wanted(words) == "text"


def _wanted(words: Sequence[str]) -> str:
    chosen = ""
    for word, after in itertools.pairwise([*words, ""]):
        if word == "--":
            break
        if word == "-o":
            chosen = after
        elif word.startswith("-o"):
            chosen = word[2:]
    return chosen


def command_of(words: Sequence[str], aliases: Mapping[str, str]) -> str:
    """The command's name, as far as the words have one."""
    value = False
    for word in words:
        if value:
            value = False
        elif word in _WITH_VALUE:
            value = True
        elif not word.startswith("-"):
            return aliases.get(word, word)
    return ""


def error(diagnostics: Sequence[diagnostic.Diagnostic], command: str, *, json: bool) -> None:
    if json:
        first = next((each for each in diagnostics if each.severity == "error"), diagnostics[0])
        failure(command, first.summary, {}, diagnostics)
        return
    for each in diagnostics:
        note(diagnosis(each, sys.stderr))


def interrupted(command: str, *, json: bool, begun: bool = True) -> None:
    if json:
        failure(command, "interrupted", {})
    elif not begun:
        note("interrupted; nothing was done")
    else:
        note("interrupted; what is done is done, and applying again goes on from there")


_TONE = {"error": "red", "warning": "yellow", "note": "cyan"}


def diagnosis(each: diagnostic.Diagnostic, stream: TextIO) -> str:
    lines = [f"{paint(each.severity, stream, fg=_TONE[each.severity], bold=True)}: {one_line(each.summary)}"]
    if each.location is not None:
        where = f"{each.location}  {each.location.path}".rstrip()
        lines.append(f"  {paint('-->', stream, fg='blue')} {one_line(where)}")
    if each.detail:
        lines += [f"  {printable(line)}" for line in each.detail.split("\n")]
    if each.hint:
        lines.append(f"  {paint('hint:', stream, fg='cyan')} {one_line(each.hint)}")
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
    shown = [change for change in made.changes if change.verb != "none"]
    width = max((len(_name(change)) for change in shown), default=0)
    kinds = max((len(change.kind) for change in shown), default=0)
    lines = [_change(change, max(kinds, _KIND), width, stream) for change in shown]
    lines += [diagnosis(each, stream) for each in made.notes]
    return "\n".join([*lines, counts(made)])


_KIND = len("session")


def _name(change: plan.Change) -> str:
    """Of a rule's address (`trigger:NAME`) the name: the kind stands beside it."""
    return one_line(change.address.removeprefix(f"{change.kind}:"))


def _change(change: plan.Change, kinds: int, width: int, stream: TextIO) -> str:
    sign, tone = SIGNS[change.verb]
    head = paint(f"{sign} {change.kind:<{kinds}} {_name(change):<{width}}  {change.verb:<7}", stream, fg=tone)
    stops = paint(f" (stops pid {change.stops})", stream, bold=True) if change.stops else ""
    return f"{head}  {causes(change)}{stops}"


def counts(made: plan.Plan) -> str:
    number = {verb: sum(change.verb == verb for change in made.changes) for verb in SIGNS}
    parts = ", ".join(f"{number[verb]} to {verb}" for verb in ("create", "update", "replace", "delete"))
    return f"{parts}; {number['none']} unchanged"


def duration(seconds: float) -> str:
    """As short as it is still useful: `0.3s 12s 5m 2h 3d`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def wished(seconds: float) -> str:
    """As somebody would write it who asks for so long, and exactly: `300ms 2s 1m30s 1h`."""
    rest, parts = round(seconds * 1000), []
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
