"""The rest of what a manifest leaves unsaid: names of nameless windows and panes, absolute paths, text where text is meant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orchestra.manifest import files, tree
from orchestra.manifest.problem import Problems, quoted
from orchestra.manifest.tree import Entry, List, Map, Node, Scalar

TEXT_MAPS = ("env", "labels", "options")


@dataclass(frozen=True, slots=True)
class _Home:
    directory: str | None
    problems: Problems
    folders: Mapping[str, str]
    """Where the relative paths of a file begin, if not where it lies."""

    def folder(self, file: str) -> str:
        return self.folders.get(file) or files.folder(file)

    def absolute(self, node: Node | None, base: str | None = None) -> Node | None:
        """Of a path that was written; without `base` it is relative to the file it is written in."""
        path = tree.text(node)
        if node is None or path is None:
            return node
        return tree.written(node.at, self._absolute(path, node, base or self.folder(node.at.file)))

    def _absolute(self, path: str, node: Node, base: str) -> str:
        if path.startswith("~"):
            user, _, rest = path.partition("/")
            if user != "~":
                self.problems.add(
                    node.at,
                    f"{quoted(user)} is not understood: only `~`, one's own home, is",
                    hint="write the whole path",
                )
                return path
            if self.directory is None:
                self.problems.add(
                    node.at, "`~` means nothing here: HOME is not set", hint="write the whole path"
                )
                return path
            path = os.path.join(self.directory, rest)  # noqa: PTH118 - text in, text out
        return os.path.normpath(os.path.join(base, path))  # noqa: PTH118


def full(
    root: Map,
    environ: Mapping[str, str],
    problems: Problems,
    folders: Mapping[str, str] = MappingProxyType({}),
) -> Map:
    """`folders`: where relative paths of a file begin, if not where it lies."""
    home = _Home(environ.get("HOME") or None, problems, folders)
    changes: dict[str, Node | None] = _paths_and_texts(root, home)
    if isinstance(sessions := tree.child(root, "sessions"), Map):
        full_sessions = {
            name: Entry(entry.at, _session(entry.node, home) if isinstance(entry.node, Map) else entry.node)
            for name, entry in sessions.entries.items()
        }
        changes["sessions"] = Map(sessions.at, full_sessions)
    if isinstance(groups := tree.child(root, "groups"), Map):
        changes["groups"] = Map(
            groups.at,
            {
                name: Entry(entry.at, _labelled(entry.node) if isinstance(entry.node, Map) else entry.node)
                for name, entry in groups.entries.items()
            },
        )
    changes |= {key: _rules(tree.child(root, key), home) for key in ("triggers", "schedules")}
    return tree.with_entries(root, changes)


def _rules(node: Node | None, home: _Home) -> Node | None:
    """Of a list of triggers or schedules."""
    if not isinstance(node, List):
        return node
    made: list[Node] = []
    for each in node.items:
        if isinstance(each, Map):
            base = home.folder(each.at.file)
            changes = {"do": _reactions(tree.child(each, "do"), base, home)}
            if isinstance(on := tree.child(each, "on"), Map):
                changes["on"] = tree.with_entries(on, {"file": _globs(tree.child(on, "file"), base, home)})
            each = tree.with_entries(each, changes)
        made.append(each)
    return List(node.at, tuple(made))


def _reactions(node: Node | None, base: str, home: _Home) -> Node | None:
    if not isinstance(node, List):
        return node
    return List(node.at, tuple(_reaction(each, base, home) for each in node.items))


def _reaction(node: Node, base: str, home: _Home) -> Node:
    """In its long form; a command with the directory it runs in."""
    run, keys = tree.child(node, "run"), tree.child(node, "send_keys")
    if not isinstance(node, Map):
        return node
    changes: dict[str, Node | None] = {}
    for key, short in (("notify", "title"), ("message", "text"), ("webhook", "url")):
        if isinstance(said := tree.child(node, key), Scalar):
            changes[key] = Map(said.at, {short: Entry(said.at, said)})
    if isinstance(keys, List):
        changes["send_keys"] = _texts(keys)
    elif isinstance(keys, Map):
        changes["send_keys"] = tree.with_entries(keys, {"keys": _texts(tree.child(keys, "keys"))})
    if run is not None:
        settings = run if isinstance(run, Map) else Map(run.at, {"command": Entry(run.at, run)})
        directory = home.absolute(tree.child(settings, "dir"), base) or tree.written(run.at, base)
        command, env = tree.child(settings, "command"), tree.child(settings, "env")
        changes["run"] = tree.with_entries(
            settings, {"command": _texts(command), "dir": directory, "env": _texts(env)}
        )
    return tree.with_entries(node, changes)


def _globs(node: Node | None, base: str, home: _Home) -> Node | None:
    if not isinstance(node, List):
        return node
    absolute = (home.absolute(item, base) for item in node.items)
    return List(node.at, tuple(item for item in absolute if item is not None))


def _labelled(group: Map) -> Map:
    return tree.with_entries(group, {"labels": _texts(tree.child(group, "labels"))})


def _session(session: Map, home: _Home) -> Map:
    base = home.folder(session.at.file)
    directory = home.absolute(tree.child(session, "dir")) or tree.written(session.at, base)
    base = tree.text(directory) or base
    changes = {**_paths_and_texts(session, home), "dir": directory}
    windows = tree.child(session, "windows")
    if isinstance(windows, List):
        position = 0
        full_windows: list[Node] = []
        for number, window in enumerate(windows.items):
            full_windows.append(
                _window(window, number, position, base, home) if isinstance(window, Map) else window
            )
            position += len(tree.items(tree.child(window, "panes")))
        changes["windows"] = List(windows.at, tuple(full_windows))
    return tree.with_entries(session, changes)


def _window(window: Map, number: int, position: int, base: str, home: _Home) -> Map:
    directory = home.absolute(tree.child(window, "dir"), base)
    base = tree.text(directory) or base
    changes = {**_paths_and_texts(window, home), "dir": directory}
    if "name" not in window.entries:
        changes["name"] = tree.written(window.at, str(number))
    panes = tree.child(window, "panes")
    if isinstance(panes, List):
        full_panes = tuple(
            _pane(pane, position + place, base, home) if isinstance(pane, Map) else pane
            for place, pane in enumerate(panes.items)
        )
        changes["panes"] = List(panes.at, full_panes)
    return tree.with_entries(window, changes)


def _pane(pane: Map, position: int, base: str, home: _Home) -> Map:
    changes = {**_paths_and_texts(pane, home), "dir": home.absolute(tree.child(pane, "dir"), base)}
    if "name" not in pane.entries:
        changes["name"] = tree.written(pane.at, str(position))
    for key in ("scrollback_file", "history_file"):
        if (kept := tree.child(pane, key)) is not None:
            changes[key] = home.absolute(kept, files.folder(kept.at.file))
    for key in ("command", "send_keys", "was"):
        changes[key] = _texts(tree.child(pane, key))
    if isinstance(watch := tree.child(pane, "watch"), Map):
        inside = tree.text(changes["dir"]) or base
        changes["watch"] = tree.with_entries(
            watch,
            {
                "paths": _globs(tree.child(watch, "paths"), inside, home),
                "ignore": _globs(tree.child(watch, "ignore"), inside, home),
                "do": _reactions(tree.child(watch, "do"), inside, home),
            },
        )
    for key in ("health", "stop"):
        if isinstance(inner := tree.child(pane, key), Map):
            changes[key] = tree.with_entries(inner, {"command": _texts(tree.child(inner, "command"))})
    return tree.with_entries(pane, changes)


def _paths_and_texts(node: Map, home: _Home) -> dict[str, Node | None]:
    changes: dict[str, Node | None] = {key: _texts(tree.child(node, key)) for key in TEXT_MAPS}
    if isinstance(listed := tree.child(node, "env_file"), List):
        absolute = (home.absolute(item) for item in listed.items)
        changes["env_file"] = List(listed.at, tuple(item for item in absolute if item is not None))
    if isinstance(secrets := tree.child(node, "secrets"), Map):
        changes["secrets"] = Map(
            secrets.at,
            {
                name: Entry(
                    e.at,
                    tree.with_entries(e.node, {"from_file": home.absolute(tree.child(e.node, "from_file"))}),
                )
                for name, e in secrets.entries.items()
                if isinstance(e.node, Map)
            },
        )
    return changes


def _texts(node: Node | None) -> Node | None:
    """Numbers and booleans as they were written; what is no text at all was complained about."""
    match node:
        case Scalar(value=bool() | int() | float()):
            return tree.written(node.at, node.text)
        case List():
            return List(node.at, tuple(text for item in node.items if (text := _texts(item)) is not None))
        case Map():
            return Map(
                node.at,
                {
                    k: Entry(e.at, text)
                    for k, e in node.entries.items()
                    if (text := _texts(e.node)) is not None
                },
            )
        case _:
            return node
