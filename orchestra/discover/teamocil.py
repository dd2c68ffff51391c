"""teamocil's layouts: of 1.x, and of 0.x with its `session` and `splits`."""

from __future__ import annotations

from orchestra.discover import naming, notes, settings, taking
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, Known
from orchestra.discover.tree import Map, Node, Scalar, child

SIZE = "a pane's size is part of a layout here: `layout: main-vertical` and `size`"
TOP: Known = {"name": CARRIED, "root": CARRIED, "windows": CARRIED, "session": CARRIED}
WINDOW: Known = {
    "name": CARRIED, "root": CARRIED, "layout": CARRIED, "panes": CARRIED, "splits": CARRIED, "focus": CARRIED,
    "filters": CARRIED, "options": CARRIED, "clear": "what a shell shows is not changed",
    "with_env_var": "panes have ORCHESTRA_… instead of TEAMOCIL",
}  # fmt: skip
FILTERS: Known = {"before": CARRIED, "after": CARRIED}
PANE: Known = {
    "commands": CARRIED, "cmd": CARRIED, "focus": CARRIED, "root": CARRIED, "name": CARRIED,
    "width": SIZE, "height": SIZE, "target": "panes stand in the order of the manifest",
}  # fmt: skip


def manifest(root: Map, context: Context) -> Draft:
    top = taking.table(root, "session", context.notes) or root
    context.notes.keys(root, TOP, "a teamocil layout")
    if top is not root:
        context.notes.keys(top, TOP, "a teamocil session")
    stem = context.source.name.partition(".")[0]
    wanted = taking.text(top, "name", context.notes) or stem
    name = naming.Names("session", context.notes).take(wanted, top.at, instead="main")
    session: dict[str, object] = {}
    _put_root(session, top, context)
    names, places = naming.Names("window", context.notes), naming.Names("pane", context.notes)
    windows = []
    for item in taking.items(child(top, "windows")):
        if isinstance(item, Map):
            windows.append(_window(item, names, places, context))
        else:
            context.notes.left_out("windows", item.at, "a map was expected here")
    if windows:
        session["windows"] = windows
    return Draft(workspace=name, sessions={name: session})


def _put_root(made: dict[str, object], node: Map, context: Context) -> None:
    if found := settings.directory(taking.text(node, "root", context.notes), node.at, context, expands=False):
        made["dir"] = found


def _window(node: Map, names: naming.Names, places: naming.Names, context: Context) -> dict[str, object]:
    context.notes.keys(node, WINDOW, "a teamocil window")
    window: dict[str, object] = {}
    if (name := taking.text(node, "name", context.notes)) is not None:
        window["name"] = names.take(name, taking.place(node, "name"), instead="window")
    if taking.flag(node, "focus", context.notes):
        window["focus"] = True
    _put_root(window, node, context)
    filters = taking.table(node, "filters", context.notes)
    if filters is not None:
        context.notes.keys(filters, FILTERS, "filters")
    around = [
        [each.text for each in taking.texts(filters, key, context.notes)] for key in ("before", "after")
    ]
    listed = child(node, "panes") or child(node, "splits")
    panes = [_pane(item, around, places, context) for item in taking.items(listed)]
    window["panes"] = panes or [{}]
    focused = [pane for pane in panes if pane.get("focus")]
    for more in focused[1:]:
        del more["focus"]
        context.notes.left_out(
            "focus", node.at, "only one pane of a window can have the focus: the first that says so"
        )
    settings.arrange(
        window, taking.text(node, "layout", context.notes), taking.place(node, "layout"), context
    )
    options = taking.table(node, "options", context.notes)
    carried = settings.main_size(window, options)
    for option, entry in options.entries.items() if options else ():
        if option not in carried:
            context.notes.left_out(option, entry.at, notes.OPTIONS)
    return window


def _pane(node: Node, around: list[list[str]], places: naming.Names, context: Context) -> dict[str, object]:
    """All commands of a pane are one line, as teamocil types them."""
    pane: dict[str, object] = {}
    said: list[Scalar] = []
    if isinstance(node, Map):
        context.notes.keys(node, PANE, "a teamocil pane")
        if name := taking.text(node, "name", context.notes):
            pane["name"] = places.take(name, node.at, instead="pane")
        if taking.flag(node, "focus", context.notes):
            pane["focus"] = True
        _put_root(pane, node, context)
        for key in ("commands", "cmd"):
            said += taking.texts(node, key, context.notes)
    else:
        said = taking.every(node, "panes", context.notes)
    for each in around:
        context.spend(each)
    words = [*around[0], *(each.text for each in said), *around[1]]
    if lines := settings.lines("; ".join(words)):
        pane["send_keys"] = lines
    return pane
