"""A session's short forms in full: `panes:` is one window `main`; nothing at all is one window with one shell."""

from __future__ import annotations

from collections.abc import Callable

from orchestra.manifest import tree
from orchestra.manifest.tree import List, Map, Node
from orchestra.model.diagnostic import Location

ONLY_WINDOW = "main"


def windows(root: Map) -> Map:
    """`panes` becomes `windows`; where both stand, both stay, for the schema to refuse."""
    return _each_session(root, _with_windows)


def shells(root: Map) -> Map:
    """Every session has a window and every window a pane."""
    return _each_session(root, _with_shell)


def _each_session(root: Map, change: Callable[[Map], Map]) -> Map:
    sessions = tree.child(root, "sessions")
    if not isinstance(sessions, Map):
        return root
    changed: dict[str, Node | None] = {
        name: change(entry.node) for name, entry in sessions.entries.items() if isinstance(entry.node, Map)
    }
    return tree.with_entries(root, {"sessions": tree.with_entries(sessions, changed)})


def _with_windows(session: Map) -> Map:
    panes = session.entries.get("panes")
    if panes is None or "windows" in session.entries or not isinstance(panes.node, List):
        return session
    return tree.with_entries(session, {"panes": None, "windows": _window(panes.at, panes.node)})


def _with_shell(session: Map) -> Map:
    windows = tree.child(session, "windows")
    if windows is None and "panes" not in session.entries:
        return tree.with_entries(session, {"windows": _window(session.at, _shell(session.at))})
    if not isinstance(windows, List):
        return session
    full = tuple(
        tree.with_entries(window, {"panes": _shell(window.at)})
        if isinstance(window, Map) and "panes" not in window.entries
        else window
        for window in windows.items
    )
    return tree.with_entries(session, {"windows": List(windows.at, full)})


def _window(at: Location, panes: List) -> List:
    return List(
        at,
        (Map(at, {"name": tree.Entry(at, tree.written(at, ONLY_WINDOW)), "panes": tree.Entry(at, panes)}),),
    )


def _shell(at: Location) -> List:
    return List(at, (Map(at, {}),))
