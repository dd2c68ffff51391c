"""The files of the tmux bridge that came before orchestra: snapshots of both formats, and the file of groups."""

from __future__ import annotations

from orchestra.discover import naming, settings, taking
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import CARRIED, Known
from orchestra.discover.tree import Map, Node, Scalar, child
from orchestra.model import shells

SNAPSHOT: Known = {
    "version": CARRIED, "session_name": CARRIED, "saved_at": CARRIED, "layout": CARRIED, "panes": CARRIED,
    "metadata": CARRIED, "environment": CARRIED,
}  # fmt: skip
LAYOUT: Known = {"window_layout": CARRIED, "type": "the exact layout is taken"}
METADATA: Known = {"group": CARRIED, "tags": CARRIED}
PANE: Known = {
    "pane_id": CARRIED, "label": CARRIED, "working_dir": CARRIED, "command": CARRIED, "metadata": CARRIED,
    "environment": CARRIED, "history": "what a pane had printed is not part of a manifest",
}  # fmt: skip
GROUPS: Known = {"groups": CARRIED, "dependencies": CARRIED}
GROUP: Known = {
    "sessions": CARRIED,
    "metadata": CARRIED,
    "created_at": "when a group was made is not part of a manifest",
}
LAYOUTS = {"horizontal": "even-horizontal", "vertical": "even-vertical"}
"""As the bridge's own commands name them."""


def manifest(root: Map, context: Context) -> Draft:
    return (
        _groups(root, context)
        if "groups" in root.entries or "dependencies" in root.entries
        else _snapshot(root, context)
    )


def _snapshot(root: Map, context: Context) -> Draft:
    context.notes.keys(root, SNAPSHOT, "a snapshot")
    wanted = taking.text(root, "session_name", context.notes) or ""
    name = naming.Names("session", context.notes).take(
        wanted, taking.place(root, "session_name"), instead="main"
    )
    session: dict[str, object] = {}
    groups: dict[str, dict[str, object]] = {}
    if env := settings.env(child(root, "environment"), context):
        session["env"] = env
    metadata = taking.table(root, "metadata", context.notes)
    if metadata is not None:
        context.notes.keys(metadata, METADATA, "metadata")
        tags = {
            settings.label_name(each.text): "true" for each in taking.texts(metadata, "tags", context.notes)
        }
        if tags := {tag: value for tag, value in tags.items() if tag}:
            session["labels"] = tags
        if group := taking.text(metadata, "group", context.notes):
            group = naming.Names("group", context.notes).take(group, metadata.at, instead="group")
            groups[group] = {"sessions": [name]}
    names = naming.Names("pane", context.notes)
    panes = []
    for item in taking.items(child(root, "panes")):
        if isinstance(item, Map):
            panes.append(_pane(item, names, context))
        else:
            context.notes.left_out("panes", item.at, "a map was expected here")
    window: dict[str, object] = {"name": "main", "panes": panes or [{}]}
    layout = child(root, "layout")
    if isinstance(layout, Map):
        context.notes.keys(layout, LAYOUT, "layout")
        layout = child(layout, "window_layout")
    if isinstance(layout, Scalar):
        settings.arrange(window, LAYOUTS.get(layout.text, layout.text), layout.at, context)
    session["windows"] = [window]
    saved = settings.one_line(taking.text(root, "saved_at", context.notes) or "")
    description = f"A snapshot of {saved}" if saved else ""
    return Draft(workspace=name, sessions={name: session}, groups=groups, description=description)


def _pane(node: Map, names: naming.Names, context: Context) -> dict[str, object]:
    """What it ran is typed into its shell, as session-restore does."""
    context.notes.keys(node, PANE, "a pane of a snapshot", idle={"history": frozenset({"", "null"})})
    pane: dict[str, object] = {}
    if label := taking.text(node, "label", context.notes):
        pane["name"] = names.take(label, taking.place(node, "label"), instead="pane")
    folder = taking.text(node, "working_dir", context.notes)
    if found := settings.directory(folder, node.at, context, expands=False):
        pane["dir"] = found
    if env := settings.env(child(node, "environment"), context):
        pane["env"] = env
    if labels := _labels(taking.table(node, "metadata", context.notes), context):
        pane["labels"] = labels
    line = taking.text(node, "command", context.notes) or ""
    if line.strip().lstrip("-").rpartition("/")[2] not in shells.NAMES and (lines := settings.lines(line)):
        pane["send_keys"] = lines
    return pane


def _labels(node: Map | None, context: Context) -> dict[str, str]:
    made: dict[str, str] = {}
    for key, entry in node.entries.items() if node else ():
        name = settings.label_name(key)
        if isinstance(entry.node, Scalar) and name:
            made[name] = settings.one_line(entry.node.text)
            if name != key:
                context.notes.warn(
                    entry.at, f"`{key}` is the label `{name}` here: that cannot be a label's name"
                )
        else:
            context.notes.left_out(key, entry.at, "a label is a name and one line of text")
    return made


def _groups(root: Map, context: Context) -> Draft:
    context.notes.keys(root, GROUPS, "a file of groups")
    names, called = naming.Names("session", context.notes), dict[str, str]()
    sessions: dict[str, dict[str, object]] = {}

    def session(wanted: str, node: Node) -> str:
        if wanted not in called:
            called[wanted] = names.take(wanted, node.at, instead="session")
            sessions[called[wanted]] = {}
        return called[wanted]

    groups: dict[str, dict[str, object]] = {}
    taken = naming.Names("group", context.notes)
    listed = taking.table(root, "groups", context.notes)
    for name, entry in listed.entries.items() if listed else ():
        made: dict[str, object] = {}
        if isinstance(entry.node, Map):
            context.notes.keys(entry.node, GROUP, "a group")
            made["sessions"] = [
                session(each.text, each) for each in taking.texts(entry.node, "sessions", context.notes)
            ]
            if labels := _labels(taking.table(entry.node, "metadata", context.notes), context):
                made["labels"] = labels
        else:
            context.notes.left_out(name, entry.at, "a map was expected here")
        groups[taken.take(name, entry.at, instead="group")] = made
    edges: dict[str, list[str]] = {}
    needs = taking.table(root, "dependencies", context.notes)
    for name, entry in needs.entries.items() if needs else ():
        mine = session(name, entry.node)
        for each in taking.every(entry.node, name, context.notes):
            other = session(each.text, each)
            if _reaches(other, mine, edges):
                context.notes.left_out(f"{name} → {each.text}", each.at, "the dependencies go in a circle")
            else:
                edges.setdefault(mine, []).append(other)
    for name, others in edges.items():
        sessions[name]["depends_on"] = dict.fromkeys(others, "healthy")
    if sessions:
        context.notes.warn(
            None, "the file of groups does not say what runs in the sessions: each is one shell"
        )
    return Draft(workspace=next(iter(groups), "groups"), sessions=sessions, groups=groups)


def _reaches(start: str, end: str, edges: dict[str, list[str]]) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        for other in edges.get(name, ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return False
