"""Where the text says what was loaded: which of its nodes each session, window and pane comes from, if one can tell."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field

from orchestra.manifest import load, read
from orchestra.manifest.weaving import syntax
from orchestra.manifest.weaving.syntax import Kind, Node, Path
from orchestra.model import errors
from orchestra.model.diagnostic import Location
from orchestra.model.frozen import frozen

REPLICAS = "it is one of the replicas of one pane"
SHARED = "it stands behind a YAML anchor that is used elsewhere too"
OVERLAID = "an environment speaks about it too"
OVERLAY = "it comes from an environment's overlay"
OVERLAY_LISTS = "an environment's overlay lists them"


@frozen
class Place:
    at: Location
    """Where it is told about."""
    path: Path = ()
    """Into the text; of an implied window or pane, that of what implies it."""
    node: Node | None = None
    implied: bool = False
    """Nothing stands there for it: the window of a session's `panes:`, the shell of a window or session without panes."""
    fixed: str | None = None
    """Why it cannot be edited."""
    overlaid: frozenset[str] = field(default_factory=frozenset)
    """Keys that some environment gives something below this session."""

    def value(self, key: str) -> Node | None:
        return None if self.implied or self.node is None else self.node.value(key)


def places(root: Node, loaded: load.Loaded) -> Mapping[str, Place]:
    """By what `loaded.locations` calls things. Raises Conflict where text and loaded do not belong together."""
    _refuse_strangers(root, loaded)
    found = _in_text(root)
    used = Counter((_kind(name), at.file, at.line, at.column) for name, at in loaded.locations.items())
    overlaid = {name: _overlaid(root, name) for name in loaded.locations if _kind(name) == "session"}
    made: dict[str, Place] = {}
    for name, at in loaded.locations.items():
        kind = _kind(name)
        here = found.get((kind, at.line, at.column)) if is_of_text(at, loaded) else None
        of_session = overlaid[name.removeprefix("window ").partition("/")[0]]
        if here is None:
            reason = OVERLAY if is_of_text(at, loaded) else f"it is declared in {at.file}"
            made[name] = Place(at=at, fixed=reason, overlaid=of_session)
            continue
        path, node, implied = here
        fixed = None
        if syntax.is_shared(root, path):
            fixed = SHARED
        elif used[kind, at.file, at.line, at.column] > 1 or (
            kind == "pane" and not implied and node.entry("replicas")
        ):
            fixed = REPLICAS
        made[name] = Place(at=at, path=path, node=node, implied=implied, fixed=fixed, overlaid=of_session)
    return made


def is_of_text(at: Location, loaded: load.Loaded) -> bool:
    """And not of an included file."""
    file = loaded.workspace.file
    return at.file == file if file == read.STDIN else os.path.abspath(at.file) == file  # noqa: PTH100 - text in, text out


def keys_in(node: Node | None) -> frozenset[str]:
    return frozenset(entry.name for each in (node.inner() if node else ()) for entry in each.entries)


def _kind(name: str) -> str:
    return "window" if name.startswith("window ") else "pane" if "/" in name else "session"


Found = tuple[Path, Node, bool]


def _in_text(root: Node) -> dict[tuple[str, int, int], Found]:
    """By kind, line and column, as the loader sees them: an aliased node stands where its anchor does."""
    found: dict[tuple[str, int, int], Found] = {}
    for kind, line, column, here in _walk(root):
        found.setdefault((kind, line, column), here)
    return found


def _walk(root: Node) -> Iterator[tuple[str, int, int, Found]]:
    sessions = root.value("sessions")
    for session in sessions.entries if sessions else ():
        path: Path = ("sessions", session.name)
        node = session.value
        yield "session", session.key.line, session.key.column, (path, node, False)
        if windows := node.value("windows"):
            for number, window in enumerate(windows.items):
                inner = (*path, "windows", number)
                yield "window", window.line, window.column, (inner, window, False)
                yield from _panes(inner, window)
        elif panes := node.entry("panes"):
            yield "window", panes.key.line, panes.key.column, (path, node, True)
            yield from _panes(path, node)
        else:
            yield "window", node.line, node.column, (path, node, True)
            yield from _panes(path, node)


def _panes(path: Path, holder: Node) -> Iterator[tuple[str, int, int, Found]]:
    panes = holder.value("panes")
    if panes is None:
        yield "pane", holder.line, holder.column, (path, holder, True)
        return
    for number, pane in enumerate(panes.items):
        yield "pane", pane.line, pane.column, ((*path, "panes", number), pane, False)


def _overlaid(root: Node, session: str) -> frozenset[str]:
    environments = root.value("environments")
    found: frozenset[str] = frozenset()
    for environment in environments.entries if environments else ():
        sessions = environment.value.value("sessions")
        found |= keys_in(sessions and sessions.value(session))
    return found


def _refuse_strangers(root: Node, loaded: load.Loaded) -> None:
    declared = loaded.document.get("sessions")
    known = declared if isinstance(declared, Mapping) else {}
    sessions = root.value("sessions")
    in_text = {entry.name: entry for entry in sessions.entries} if sessions else {}
    for name, entry in in_text.items():
        # A session all of whose panes have `replicas: 0` is not there.
        if name not in known and "replicas" not in keys_in(entry.value):
            raise _strange(f"session {name} stands in the text and was not loaded")
    for name in known:
        at = loaded.locations.get(name)
        if at is None or not is_of_text(at, loaded):
            continue
        key = in_text[name].key if name in in_text else None
        if not (key and (key.line, key.column) == (at.line, at.column)) and not _overlaid_at(root, name, at):
            raise _strange(f"session {name} was loaded from another place")


def _overlaid_at(root: Node, name: str, at: Location) -> bool:
    return any(
        entry.name == name and (entry.key.line, entry.key.column) == (at.line, at.column)
        for node in (root.value("environments"),)
        if node is not None
        for each in node.inner()
        if each.kind is Kind.MAP
        for entry in each.entries
    )


def _strange(detail: str) -> errors.Conflict:
    return errors.Conflict(
        "the manifest's text is not the one that was loaded",
        detail=detail,
        hint="it may have been changed meanwhile: try again",
    )
