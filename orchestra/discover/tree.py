"""A source's document: texts, lists and maps, each with its place. What a text means is decided by whoever reads it."""

from __future__ import annotations

import re
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


def plain(node: Node | None) -> object:
    """As JSON has it, where a text may mean what YAML 1.2 says it means."""
    match node:
        case None:
            return None
        case Map():
            return {key: plain(entry.node) for key, entry in node.entries.items()}
        case List():
            return [plain(item) for item in node.items]
        case Scalar(plain=False):
            return node.text
        case Scalar(text=text) if _NUMBER.fullmatch(text):
            return int(text)
        case Scalar(text=text):
            return None if text in NULLS else _MEANT.get(text, text)


_MEANT = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
