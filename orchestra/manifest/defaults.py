"""`defaults:` of the user, the workspace, the session and the window, laid under every session, window and pane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestra.manifest import merge, tree
from orchestra.manifest.tree import List, Map, Node

KEY = "defaults"
NO_DEFAULT = {
    "session": frozenset({"windows", "panes"}),
    "window": frozenset({"name", "focus", "panes"}),
    "pane": frozenset({"name", "focus", "replicas"}),
}
"""What the schema refuses there; it is left out as well, so that it is told once."""


@dataclass(frozen=True, slots=True)
class _Below:
    """What lies below the things of one level, outermost first."""

    sources: tuple[Map, ...]
    allowance: merge.Allowance

    def inside(self, node: Map) -> _Below:
        own = tree.child(node, KEY)
        return replace(self, sources=(*self.sources, own)) if isinstance(own, Map) else self

    def under(self, node: Map, kind: str) -> Map:
        below = [
            tree.with_entries(found, dict.fromkeys(NO_DEFAULT[kind]))
            for source in self.sources
            if isinstance(found := tree.child(source, kind), Map)
        ]
        if not below:
            return node
        merged: Node = Map(node.at, {})
        for one in (*below, node):
            merged = merge.over(merged, one, self.allowance, kind)
        assert isinstance(merged, Map)
        return merged


def applied(root: Map, settings: Map | None, allowance: merge.Allowance) -> Map:
    """The manifest without `defaults`. The user's own settings come first, so that everything in the manifest wins."""
    below = _Below((), allowance)
    if settings is not None:
        below = below.inside(settings)
    below = below.inside(root)
    sessions = tree.child(root, "sessions")
    if not isinstance(sessions, Map):
        return root
    changed: dict[str, Node | None] = {
        name: _session(entry.node, below)
        for name, entry in sessions.entries.items()
        if isinstance(entry.node, Map)
    }
    return tree.with_entries(root, {KEY: None, "sessions": tree.with_entries(sessions, changed)})


def _session(node: Map, below: _Below) -> Map:
    session = below.under(node, "session")
    below = below.inside(session)
    return tree.with_entries(
        session, {KEY: None, **_each(session, "windows", lambda window: _window(window, below))}
    )


def _window(node: Map, below: _Below) -> Map:
    window = below.under(node, "window")
    below = below.inside(window)
    return tree.with_entries(
        window, {KEY: None, **_each(window, "panes", lambda pane: below.under(pane, "pane"))}
    )


def _each(node: Map, key: str, change: Callable[[Map], Map]) -> dict[str, Node | None]:
    found = tree.child(node, key)
    if not isinstance(found, List):
        return {}
    return {
        key: List(found.at, tuple(change(item) if isinstance(item, Map) else item for item in found.items))
    }
