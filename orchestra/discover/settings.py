"""The small words all formats share: directories, variables, durations, signals, layouts, one line of text."""

from __future__ import annotations

import re
import signal

from orchestra.discover import interpolation, limits, notes, source, taking, variables
from orchestra.discover.context import Context
from orchestra.discover.notes import quoted
from orchestra.discover.tree import List, Map, Node, Scalar, child, is_nothing
from orchestra.model.diagnostic import Location

HOME = re.compile(r"\$(?:HOME|\{HOME\})(?=/|\Z)")
HERE = re.compile(r"\$(?:PWD|\{PWD\})(?=/|\Z)")
ANOTHERS = re.compile(r"~[^/]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
LABEL = re.compile(r"[^A-Za-z0-9_./-]+")
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h|d)")
UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LONGEST = 10 * 365 * UNITS["d"]
LAYOUTS = (
    "even-horizontal", "even-vertical", "main-horizontal", "main-vertical",
    "main-horizontal-mirrored", "main-vertical-mirrored", "tiled",
)  # fmt: skip
MAIN = {
    "main-horizontal": "main-pane-height",
    "main-horizontal-mirrored": "main-pane-height",
    "main-vertical": "main-pane-width",
    "main-vertical-mirrored": "main-pane-width",
}
SIZE = re.compile(r"(?:[1-9][0-9]?%|[1-9][0-9]{0,3})\Z")
EXTENDED = "a manifest cannot extend what whoever applies it has: `command: PATH=/opt/bin:$PATH …`"
LONGEST_LAYOUT = 8192


def directory(text: str | None, at: Location, context: Context, *, expands: bool = True) -> str | None:
    """`expands`: the tool puts environment variables in."""
    if not text:
        return None
    if ANOTHERS.match(text):
        context.notes.left_out(text, at, "another user's home directory must be written out")
        return None
    if expands:
        text = HERE.sub(".", HOME.sub("~", text, count=1) if HOME.match(text) else text, count=1)
        text = interpolation.expanded(text, at, context.variables, context.notes, escapes=False, default=".")
    if not context.variables.rendered(text):
        context.notes.left_out("dir", at, "its variables have no value")
        return None
    return text


def env(
    node: Node | None, context: Context, *, expands: bool = False, escapes: bool = True
) -> dict[str, str]:
    """A map, or a list of `NAME=value`; what has no value comes from whoever starts it."""
    pairs: list[tuple[str, str | None, Location]] = []
    if isinstance(node, Map):
        for name, entry in node.entries.items():
            if isinstance(entry.node, Scalar):
                pairs.append((name, None if is_nothing(entry.node) else entry.node.text, entry.node.at))
            else:
                context.notes.left_out(name, entry.at, "a variable's value must be text")
    elif isinstance(node, List):
        for item in taking.every(node, "environment", context.notes):
            name, sign, value = item.text.partition("=")
            pairs.append((name, value if sign else None, item.at))
    elif node is not None:
        context.notes.left_out("environment", node.at, "a map or a list of NAME=value was expected here")
    made: dict[str, str] = {}
    for name, given, at in pairs:
        if not nameable(name, at, context):
            continue
        if expands and name == "PATH" and "$" in (given or "$"):
            context.notes.left_out(name, at, EXTENDED)
            continue
        if given is None:
            made[name] = context.variables.refer(name, at, f"the environment variable {quoted(name)}")
        else:
            made[name] = (
                interpolation.expanded(given, at, context.variables, context.notes, escapes=escapes)
                if expands
                else given
            )
    return made


def nameable(name: str, at: Location | None, context: Context) -> bool:
    if source.ENV_NAME.match(name):
        return True
    context.notes.left_out(name, at, "a pane cannot be given a variable of this name")
    return False


def env_files(files: list[tuple[str, Location]], context: Context) -> list[str]:
    """Those that can be read: a manifest with one that cannot is refused."""
    made: list[str] = []
    for path, at in files[: limits.ENV_FILES]:
        if fault := source.env_file_fault(context.source, path):
            context.notes.left_out(path, at, fault)
        elif path not in made:
            made.append(path)
    for path, at in files[limits.ENV_FILES :]:
        context.notes.left_out(path, at, f"at most {limits.ENV_FILES} files can be named")
    return made


def duration(text: str, at: Location, key: str, context: Context, *, bare: str = "s") -> str | None:
    """As a manifest has it."""
    length = milliseconds(text, at, key, context, bare=bare)
    return None if length is None else spelled(length)


def milliseconds(text: str, at: Location, key: str, context: Context, *, bare: str = "s") -> float | None:
    """As Go writes durations; a bare number is in `bare`."""
    said = f"{text}{bare}" if text.replace(".", "", 1).isdecimal() and text.isascii() else text
    parts = DURATION.findall(said)
    length = sum(float(number) * UNITS[unit] for number, unit in parts)
    if not parts or DURATION.sub("", said) or length > LONGEST:
        context.notes.left_out(key, at, f"{quoted(text)} is not a duration")
        return None
    return length


def settled(said: Scalar, key: str, context: Context) -> str:
    """Where no variable can stand, its default does; empty: it has none, which is told."""
    quiet = notes.Notes()
    known = variables.Variables(quiet)
    text = known.rendered(interpolation.expanded(said.text, said.at, known, quiet)).strip()
    if not text:
        context.notes.left_out(key, said.at, "it is empty, or its variables have no value")
    elif text != said.text.strip():
        context.notes.warn(
            said.at, f"{quoted(said.text)} is taken as {quoted(text)}: a variable cannot stand here"
        )
    return text


def spelled(milliseconds: float) -> str:
    whole = max(1, round(milliseconds)) if milliseconds else 0
    if whole % 1000:
        return f"{whole}ms"
    seconds = whole // 1000
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def signal_name(text: str, at: Location, key: str, context: Context) -> str | None:
    name = text.upper()
    if name.isdecimal() and name.isascii() and len(name) < 4:
        name = next((each.name for each in signal.Signals if each.value == int(name)), name)
    name = name if name.startswith("SIG") else f"SIG{name}"
    if name in signal.Signals.__members__:
        return name
    context.notes.left_out(key, at, f"{quoted(text)} is no signal here")
    return None


def one_line(text: str) -> str:
    return CONTROL.sub(" ", text).strip()


def label_name(text: str) -> str:
    return LABEL.sub("-", text).strip("-")[: limits.NAME]


def arrange(window: dict[str, object], text: str | None, at: Location, context: Context) -> None:
    """Puts the layout in, if its panes fit."""
    panes = window.get("panes")
    count = len(panes) if isinstance(panes, list) else 1
    if not text:
        return
    if text in LAYOUTS:
        window["layout"] = text
        return
    if near := [each for each in LAYOUTS if each.startswith(text)]:
        window["layout"] = near[0]
        return
    try:
        room = context.room(text)
    except ValueError as failed:
        context.notes.left_out(text, at, f"{failed}" if "," in text else "there is no layout of this name")
        return
    if room != count or len(text) > LONGEST_LAYOUT:
        context.notes.left_out(text, at, f"the layout has room for {room} panes, and the window has {count}")
    else:
        window["layout"] = text


def main_size(window: dict[str, object], options: Node | None) -> frozenset[str]:
    """The option that says how large the main pane is, as its size; the names of the options that are carried so."""
    layout, panes = str(window.get("layout", "")), window.get("panes")
    option = MAIN.get(layout, "")
    value = child(options, option) if option else None
    if (
        not isinstance(value, Scalar)
        or not SIZE.match(value.text)
        or not isinstance(panes, list)
        or len(panes) < 2
    ):
        return frozenset()
    pane = panes[-1 if layout.endswith("mirrored") else 0]
    pane["size"] = value.text if value.text.endswith("%") else int(value.text)
    return frozenset({option})


def lines(text: str) -> list[str]:
    """What is typed, a line each."""
    return [line for line in text.split("\n") if line.strip()]
