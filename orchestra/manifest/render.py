"""A full document in plain words, its keys in the order the schema lists them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.manifest import schemas, tree
from orchestra.manifest.tree import List, Map, Node

PARTS: Mapping[str, Mapping[str, str]] = {
    "manifest": {"sessions": "sessions"},
    "session": {"windows": "window"},
    "window": {"panes": "pane"},
    "pane": {"health": "health", "stop": "stop"},
}
"""Which keys of a kind hold what kind; all other maps keep the writer's order."""


def document(root: Map) -> Mapping[str, object]:
    return _ordered(root, schemas.written())


def _ordered(node: Map, rules: schemas.Schema) -> dict[str, object]:
    properties = rules["properties"]
    assert isinstance(properties, dict)
    order = [
        *(key for key in properties if key in node.entries),
        *(key for key in node.entries if key not in properties),
    ]
    inner = PARTS.get(str(rules["title"]), {})
    return {key: _plain(node.entries[key].node, inner.get(key)) for key in order}


def _plain(node: Node, kind: str | None) -> object:
    match node:
        case Map() if kind == "sessions":
            return {name: _plain(entry.node, "session") for name, entry in node.entries.items()}
        case List() if kind is not None:
            return [_plain(item, kind) for item in node.items]
        case Map() if kind is not None:
            return _ordered(node, schemas.part(schemas.written(), f"#/$defs/{kind}"))
        case _:
            return tree.plain(node)
