"""A source's document: texts, lists and maps, each with its place. What a text means is decided by whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestra.model.diagnostic import Location

NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    at: Location
    text: str
    plain: bool
    """Not quoted: it may mean nothing, a number or a boolean."""


@dataclass(frozen=True, slots=True)
class List:
    at: Location
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Map:
    at: Location
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Entry:
    at: Location
    """Of the key."""
    node: Node


Node = Scalar | List | Map


def is_nothing(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.plain and node.text in NULLS)


def child(node: Node | None, key: str) -> Node | None:
    """None also for what says nothing."""
    entry = node.entries.get(key) if isinstance(node, Map) else None
    return None if entry is None or is_nothing(entry.node) else entry.node
