"""smug's projects: a window has `commands` for its first pane, and `panes` beside it."""

from __future__ import annotations

import re

from orchestra.discover import interpolation, naming, notes, settings, taking
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, Known, quoted
from orchestra.discover.tree import Map, Node, Scalar, child
from orchestra.discover.variables import expression

ARGUMENT = re.compile(r"\$\{([a-z_][a-z0-9_]*)\}")
SPLITS = {"horizontal": "even-horizontal", "vertical": "even-vertical"}
PROJECT: Known = {
    "session": CARRIED, "root": CARRIED, "windows": CARRIED, "env": CARRIED,
    "before_start": notes.HOOK, "stop": notes.HOOK, "attach_hook": notes.HOOK, "detach_hook": notes.HOOK,
    "attach": "applying never attaches; orchestra attach does", "tmux_options": notes.SERVER,
    "sendkeys_timeout": "orchestra waits for the shell's prompt instead",
    "rebalance_panes_after": "panes are arranged once, when all are there",
}  # fmt: skip
WINDOW: Known = {
    "name": CARRIED, "root": CARRIED, "layout": CARRIED, "commands": CARRIED, "panes": CARRIED, "manual": CARRIED,
    "selected": CARRIED, "before_start": notes.HOOK,
}  # fmt: skip
PANE: Known = {"root": CARRIED, "commands": CARRIED, "type": CARRIED, "name": CARRIED}


def manifest(root: Map, context: Context) -> Draft:
    context.notes.keys(root, PROJECT, "a smug project", idle={"attach": frozenset({"false"})})
    wanted = _put_in(taking.text(root, "session", context.notes) or "", root, context)
    name = naming.Names("session", context.notes).take(wanted, taking.place(root, "session"), instead="main")
    session: dict[str, object] = {}
    _put_root(session, root, context)
    if env := settings.env(child(root, "env"), context, expands=True, escapes=False):
        session["env"] = env
    names, places = naming.Names("window", context.notes), naming.Names("pane", context.notes)
    windows = []
    for item in taking.items(child(root, "windows")):
        if isinstance(item, Map):
            windows.append(_window(item, names, places, context))
        else:
            context.notes.left_out("windows", item.at, "a map was expected here")
    for more in [window for window in windows if window.get("focus")][1:]:
        del more["focus"]
        context.notes.left_out(
            "selected", root.at, "only one window can be shown first: the first that says so"
        )
    if windows:
        session["windows"] = windows
    return Draft(workspace=name, sessions={name: session})


def _put_in(text: str, node: Node, context: Context) -> str:
    return interpolation.expanded(text, node.at, context.variables, context.notes, escapes=False)


def _put_root(made: dict[str, object], node: Map, context: Context) -> None:
    if found := settings.directory(taking.text(node, "root", context.notes), node.at, context):
        made["dir"] = found


def _window(node: Map, names: naming.Names, places: naming.Names, context: Context) -> dict[str, object]:
    context.notes.keys(node, WINDOW, "a smug window")
    window: dict[str, object] = {}
    if (name := taking.text(node, "name", context.notes)) is not None:
        window["name"] = names.take(_put_in(name, node, context), node.at, instead="window")
    if taking.flag(node, "selected", context.notes):
        window["focus"] = True
    _put_root(window, node, context)
    panes: list[dict[str, object]] = [_typed(node, context)]
    types: set[str] = set()
    for item in taking.items(child(node, "panes")):
        if not isinstance(item, Map):
            context.notes.left_out("panes", item.at, "a map was expected here")
            continue
        context.notes.keys(item, PANE, "a smug pane")
        pane: dict[str, object] = {}
        if said := taking.text(item, "name", context.notes):
            pane["name"] = places.take(_put_in(said, item, context), item.at, instead="pane")
        _put_root(pane, item, context)
        panes.append({**pane, **_typed(item, context)})
        types.add(taking.text(item, "type", context.notes) or "")
    window["panes"] = panes
    layout = taking.text(node, "layout", context.notes)
    if layout:
        settings.arrange(window, layout, taking.place(node, "layout"), context)
    elif len(panes) > 1:
        window["layout"] = SPLITS.get(next(iter(types)), "even-horizontal") if len(types) == 1 else "tiled"
        if len(types) > 1:
            why = "panes that are split in both directions need a layout; they are tiled here"
            context.notes.left_out("type", node.at, why)
    if taking.flag(node, "manual", context.notes):
        _switch_off(window, node, context)
    return window


def _typed(node: Map, context: Context) -> dict[str, object]:
    lines = [
        line
        for each in taking.texts(node, "commands", context.notes)
        for line in settings.lines(_command(each, context))
    ]
    return {"send_keys": lines} if lines else {}


def _command(said: Scalar, context: Context) -> str:
    """smug puts its arguments in as `${name}`; what is written in capitals is the environment, which the shell knows itself."""
    return ARGUMENT.sub(
        lambda found: context.variables.refer(found[1], said.at, f"smug's argument {quoted(found[1])}"),
        said.text,
    )


def _switch_off(window: dict[str, object], node: Map, context: Context) -> None:
    """A window that is only opened when it is asked for."""
    name = str(window.get("name", "window"))
    switch = context.variables.switch(f"start_{name}", False, f"whether the window {name} is opened", node.at)
    panes = window["panes"]
    assert isinstance(panes, list)
    for place, pane in enumerate(panes):
        pane.setdefault("name", naming.clean(f"{name}-{place}"))
        pane["replicas"] = expression(f"1 if {switch} else 0")
    context.notes.warn(
        node.entries["manual"].at,
        f"the window `{name}` is opened only when it is asked for",
        hint=f"--var {switch}=true opens it",
    )
