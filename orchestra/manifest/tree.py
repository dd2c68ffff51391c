"""A document whose every node knows the place it was written at, through every step that rearranges it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestra.model.diagnostic import Location


class Unknown(enum.Enum):
    """Stands for a value that could not be found out and was complained about: whoever meets it keeps quiet."""

    UNKNOWN = enum.auto()


UNKNOWN = Unknown.UNKNOWN
Value = str | int | float | bool | None | Unknown


@dataclass(frozen=True, slots=True)
class Scalar:
    at: Location
    value: Value
    text: str
    """As it was written, so that `1.10` stays `1.10` where text is wanted."""


@dataclass(frozen=True, slots=True)
class List:
    at: Location
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    at: Location
    """Of the key."""
    node: Node


@dataclass(frozen=True, slots=True)
class Map:
    at: Location
    entries: Mapping[str, Entry]


Node = Scalar | List | Map


def child(node: Node | None, key: str) -> Node | None:
    if isinstance(node, Map) and (entry := node.entries.get(key)):
        return entry.node
    return None


def children(node: Node | None) -> Iterator[tuple[str, Entry]]:
    if isinstance(node, Map):
        yield from node.entries.items()


def items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, List) else ()


def value(node: Node | None) -> Value:
    return node.value if isinstance(node, Scalar) else None


def text(node: Node | None) -> str | None:
    found = value(node)
    return found if isinstance(found, str) else None


def whole(node: Node | None) -> int | None:
    found = value(node)
    if isinstance(found, float) and found.is_integer():
        return int(found)  # `2.0` is an integer to a schema
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def flag(node: Node | None) -> bool | None:
    found = value(node)
    return found if isinstance(found, bool) else None


def texts(node: Node | None) -> tuple[str, ...]:
    return tuple(found for item in items(node) if (found := text(item)) is not None)


def with_entries(node: Map, changes: Mapping[str, Node | None]) -> Map:
    """The map with some values put in or (None) taken out; a new key stands at its value's place."""
    entries = {key: entry for key, entry in node.entries.items() if changes.get(key, entry) is not None}
    for key, new in changes.items():
        if new is not None:
            old = node.entries.get(key)
            entries[key] = Entry(old.at if old else new.at, new)
    return Map(node.at, entries)


def written(at: Location, text: str) -> Scalar:
    return Scalar(at, text, text)


def plain(node: Node) -> object:
    match node:
        case Scalar():
            return node.value
        case List():
            return [plain(item) for item in node.items]
        case Map():
            return {key: plain(entry.node) for key, entry in node.entries.items()}
