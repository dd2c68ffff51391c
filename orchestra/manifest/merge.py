"""One document laid over another: maps merge, everything else is replaced."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.manifest import limits, tree
from orchestra.manifest.tree import Entry, List, Map, Node
from orchestra.model.diagnostic import Location

EXCLUSIVE: Mapping[str, frozenset[str]] = {
    "health": frozenset({"command", "http", "tcp", "output"}),
    "stop": frozenset({"keys", "signal", "command"}),
    "secret": frozenset({"from_env", "from_file", "from_command"}),
    "pane": frozenset({"command", "send_keys"}),
}
"""Of these only one can be said: saying one takes back another that was said below."""
ITEMS = {"secrets": "secret", "sessions": "session", "windows": "window", "panes": "pane"}


class TooLarge(Exception):
    def __init__(self, at: Location) -> None:
        self.at = at


class Allowance:
    """How many values all steps together may still make, so that defaults times panes stay within bounds."""

    def __init__(self, left: int = limits.FILLED) -> None:
        self._left = left

    def spend(self, values: int, at: Location) -> None:
        self._left -= values
        if self._left < 0:
            raise TooLarge(at)


def over(base: Node, top: Node, allowance: Allowance, kind: str = "") -> Node:
    """`kind` is what the node is: the key it stands under, or one thing of a list or map of them."""
    if isinstance(base, Map) and isinstance(top, Map):
        return _maps(base, top, allowance, kind)
    if isinstance(base, List) and isinstance(top, List) and kind in ("panes", "windows") and _all_named(top):
        return _named(base, top, allowance, ITEMS[kind])
    return top


def _maps(base: Map, top: Map, allowance: Allowance, kind: str) -> Map:
    allowance.spend(len(base.entries) + len(top.entries), base.at)
    said = EXCLUSIVE.get(kind, frozenset()) & top.entries.keys()
    taken_back = EXCLUSIVE.get(kind, frozenset()) - top.entries.keys() if said else frozenset()
    entries = {key: entry for key, entry in base.entries.items() if key not in taken_back}
    for key, entry in top.entries.items():
        below = entries.get(key)
        inner = ITEMS.get(kind, key) if kind in ("secrets", "sessions") else key
        entries[key] = (
            entry if below is None else Entry(below.at, over(below.node, entry.node, allowance, inner))
        )
    return Map(base.at, entries)


def _all_named(node: List) -> bool:
    return all(tree.text(tree.child(item, "name")) is not None for item in node.items)


def _named(base: List, top: List, allowance: Allowance, kind: str) -> List:
    allowance.spend(len(base.items) + len(top.items), base.at)
    items = list(base.items)
    places = {
        name: place
        for place, item in enumerate(items)
        if (name := tree.text(tree.child(item, "name"))) is not None
    }
    for item in top.items:
        place = places.get(tree.text(tree.child(item, "name")) or "")
        if place is None:
            items.append(item)
        else:
            items[place] = over(items[place], item, allowance, kind)
    return List(base.at, tuple(items))
