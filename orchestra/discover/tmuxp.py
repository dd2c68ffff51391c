"""tmuxp's workspace files, in YAML and JSON. Panes are shells into which lines are typed, as tmuxp types them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from orchestra.discover import interpolation, naming, notes, settings, taking
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import List, Map, Node, Scalar, child, is_nothing
from orchestra.model import shells

HISTORY = "lines are typed as they are; set HISTCONTROL in the shell"
PAUSE = "orchestra waits for the shell's prompt instead"
SESSION: Known = {
    "session_name": CARRIED, "windows": CARRIED, "start_directory": CARRIED, "shell_command_before": CARRIED,
    "environment": CARRIED, "options": CARRIED, "global_options": CARRIED,
    "before_script": notes.HOOK, "suppress_history": HISTORY, "plugins": "plugins of tmuxp are Python code of tmuxp's",
    "dimensions": "sessions have the size of the terminal they are applied from",
    "socket_name": notes.SERVER, "socket_path": notes.SERVER, "config": notes.SERVER, "tmux_command": notes.SERVER,
}  # fmt: skip
WINDOW: Known = {
    "window_name": CARRIED, "layout": CARRIED, "panes": CARRIED, "start_directory": CARRIED, "focus": CARRIED,
    "shell_command_before": CARRIED, "environment": CARRIED, "window_shell": CARRIED, "options": CARRIED,
    "options_after": CARRIED, "suppress_history": HISTORY, "window_index": "windows stand in the order of the manifest",
    "shell_command": CARRIED, "clear": "what a shell shows is not changed",
}  # fmt: skip
PANE: Known = {
    "shell_command": CARRIED, "focus": CARRIED, "start_directory": CARRIED, "environment": CARRIED, "shell": CARRIED,
    "shell_command_before": CARRIED, "title": CARRIED, "enter": CARRIED, "sleep_before": PAUSE, "sleep_after": PAUSE,
    "suppress_history": HISTORY, "target": "panes stand in the order of the manifest", "options": notes.OPTIONS,
    "clear": "what a shell shows is not changed",
}  # fmt: skip
COMMAND: Known = {
    "cmd": CARRIED,
    "enter": CARRIED,
    "sleep_before": PAUSE,
    "sleep_after": PAUSE,
    "suppress_history": HISTORY,
}
IDLE = {"suppress_history": frozenset({"false", "False", "no"})}
BLANK = frozenset({"blank", "pane"})


@dataclass(frozen=True, slots=True)
class _Above:
    before: tuple[str, ...]
    shell: str | None


def manifest(root: Map, context: Context) -> Draft:
    context.notes.keys(root, SESSION, "a tmuxp session", idle=IDLE)
    wanted = _expanded(taking.text(root, "session_name", context.notes) or "", root, context)
    name = naming.Names("session", context.notes).take(
        wanted, taking.place(root, "session_name"), instead="main"
    )
    session: dict[str, object] = {}
    _put_common(session, root, context)
    for key in ("options", "global_options"):
        for option, entry in _entries(child(root, key)):
            if option == "default-shell" and isinstance(entry, Scalar) and entry.text:
                session["shell"] = entry.text
            else:
                context.notes.left_out(option, entry.at, notes.OPTIONS)
    above = _Above(tuple(_lines(child(root, "shell_command_before"), True, context)), None)
    names = naming.Names("window", context.notes)
    windows = [
        _window(item, above, names, context)
        for item in taking.items(child(root, "windows"))
        if _is_map(item, "window", context)
    ]
    if windows:
        session["windows"] = windows
    return Draft(workspace=name, sessions={name: session})


def _is_map(node: Node, what: str, context: Context) -> bool:
    if isinstance(node, Map):
        return True
    context.notes.left_out(what, node.at, "a map was expected here")
    return False


def _entries(node: Node | None) -> list[tuple[str, Node]]:
    return [(key, entry.node) for key, entry in node.entries.items()] if isinstance(node, Map) else []


def _expanded(text: str, node: Node, context: Context) -> str:
    return interpolation.expanded(text, node.at, context.variables, context.notes, escapes=False)


def _put_common(made: dict[str, object], node: Map, context: Context) -> None:
    """Directory and environment, at every level."""
    found = settings.directory(
        taking.text(node, "start_directory", context.notes), taking.place(node, "start_directory"), context
    )
    if found:
        made["dir"] = found
    if env := settings.env(child(node, "environment"), context, expands=True, escapes=False):
        made["env"] = env


def _window(node: Node, above: _Above, names: naming.Names, context: Context) -> dict[str, object]:
    assert isinstance(node, Map)
    context.notes.keys(node, WINDOW, "a tmuxp window", idle=IDLE)
    window: dict[str, object] = {}
    if (name := taking.text(node, "window_name", context.notes)) is not None:
        window["name"] = names.take(
            _expanded(name, node, context), taking.place(node, "window_name"), instead="window"
        )
    if taking.flag(node, "focus", context.notes):
        window["focus"] = True
    _put_common(window, node, context)
    inside = _Above(
        (*above.before, *_lines(child(node, "shell_command_before"), True, context)),
        taking.text(node, "window_shell", context.notes),
    )
    panes = taking.items(child(node, "panes"))
    window["panes"] = [_pane(item, inside, context) for item in panes] or [
        _pane(
            Map(node.at, {key: node.entries[key] for key in ("shell_command",) if key in node.entries}),
            inside,
            context,
        )
    ]
    layout = taking.text(node, "layout", context.notes)
    settings.arrange(window, layout, taking.place(node, "layout"), context)
    for key in ("options", "options_after"):
        carried = settings.main_size(window, child(node, key))
        for option, entry in _entries(child(node, key)):
            if option not in carried:
                context.notes.left_out(option, entry.at, notes.OPTIONS)
    return window


def _pane(node: Node, above: _Above, context: Context) -> dict[str, object]:
    pane: dict[str, object] = {}
    context.spend(above.before)
    lines = list(above.before)
    shell = above.shell
    if isinstance(node, Map):
        context.notes.keys(node, PANE, "a tmuxp pane", idle=IDLE)
        if title := settings.one_line(taking.text(node, "title", context.notes) or ""):
            pane["title"] = title
        if taking.flag(node, "focus", context.notes):
            pane["focus"] = True
        _put_common(pane, node, context)
        enters = taking.flag(node, "enter", context.notes) is not False
        lines += _lines(child(node, "shell_command_before"), True, context)
        lines += _lines(child(node, "shell_command"), enters, context)
        shell = taking.text(node, "shell", context.notes) or shell
    else:
        lines += _lines(node, True, context)
    _put_shell(pane, shell, lines, node, context)
    return pane


def _put_shell(
    pane: dict[str, object], shell: str | None, lines: list[str], node: Node, context: Context
) -> None:
    if shell and PurePosixPath(shell).name in shells.NAMES and shell.startswith("/"):
        pane["shell"] = shell
    elif shell and not lines:
        pane["command"] = shell
    elif shell:
        why = "a pane either runs a command or has lines typed into a shell"
        context.notes.left_out(shell, node.at, why, hint=f"the first line may be: exec {shell}")
    if lines:
        pane["send_keys"] = lines


def _lines(node: Node | None, enters: bool, context: Context) -> list[str]:
    """What `shell_command` types: a text, or a list of texts and of maps with `cmd`."""
    made: list[str] = []
    for item in taking.items(node):
        text, now = None, enters
        if isinstance(item, Map):
            context.notes.keys(item, COMMAND, "a tmuxp command", idle=IDLE)
            text = taking.text(item, "cmd", context.notes)
            now = (said := taking.flag(item, "enter", context.notes)) is True or (said is None and enters)
        elif isinstance(item, List):
            context.notes.left_out("shell_command", item.at, "text was expected here")
        elif not is_nothing(item) and not (isinstance(node, Scalar | List) and item.text in BLANK):
            text = item.text
        if not text:
            continue
        if now:
            made += settings.lines(text)
        else:
            context.notes.left_out(
                text, item.at, f"a line is always typed with Enter, and `enter` of {quoted(text)} is false"
            )
    return made
