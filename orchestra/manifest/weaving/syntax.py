"""A manifest's text by its marks: where keys, values and items begin and end. Read with what the loader reads with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

import yaml

from orchestra.manifest import parse, scalar

Path = tuple[str | int, ...]


class Kind(Enum):
    MAP = auto()
    LIST = auto()
    SCALAR = auto()


@dataclass(slots=True, eq=False)
class Node:
    kind: Kind
    start: int
    """Of its anchor, if it has one."""
    end: int
    """Behind its last character; comments and blank lines after it are not its own."""
    line: int
    column: int
    """Both count from 1, as in a Location."""
    flow: bool = False
    shared: bool = False
    """An alias, or what an alias stands for: an edit here would be one elsewhere."""
    text: str | None = None
    """What a scalar says."""
    quoted: bool = False
    entries: list[Entry] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)

    def entry(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.name == key), None)

    def value(self, key: str) -> Node | None:
        entry = self.entry(key)
        return None if entry is None else entry.value

    @property
    def is_empty(self) -> bool:
        """Nothing, `{}` or `[]`."""
        return not self.entries and not self.items and (self.kind is not Kind.SCALAR or self.is_null)

    @property
    def is_null(self) -> bool:
        return self.kind is Kind.SCALAR and not self.quoted and self.text in scalar.NULLS

    @property
    def first(self) -> int:
        """Where a block map's first key stands, or a list's first item behind its dash."""
        return self.entries[0].key.start if self.entries else self.items[0].start

    def inner(self) -> Iterator[Node]:
        yield self
        for child in (*(entry.value for entry in self.entries), *self.items):
            yield from child.inner()


@dataclass(slots=True, eq=False)
class Entry:
    name: str
    key: Node
    value: Node


def at(root: Node, path: Path) -> Node | None:
    node: Node | None = root
    for step in path:
        if node is None:
            return None
        node = node.value(step) if isinstance(step, str) else node.items[step]
    return node


def is_shared(root: Node, path: Path) -> bool:
    """Whether the way there leads through an alias or what one stands for."""
    return any(
        node is not None and node.shared
        for node in (at(root, path[:length]) for length in range(len(path) + 1))
    )


def read(text: str) -> Node:
    """Of a text that the loader has read, so that it is one document, a map, and within limits."""
    reading = _Reading(text)
    for event in yaml.parse(text, Loader=parse.LOADER):
        reading.take(event)
    assert reading.root is not None
    return reading.root


class _Reading:
    def __init__(self, text: str) -> None:
        self.root: Node | None = None
        self._text = text
        self._open: list[Node] = []
        self._keys: list[tuple[str, Node] | None] = []
        self._anchored: dict[str, Node] = {}

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                node = self._node(event, Kind.SCALAR)
                node.text, node.quoted = str(event.value), bool(event.style)
                if event.style in ("|", ">"):
                    node.end = _end_of_block_scalar(self._text, node)
                self._finish(node, str(event.value))
            case yaml.CollectionStartEvent():
                kind = Kind.MAP if isinstance(event, yaml.MappingStartEvent) else Kind.LIST
                node = self._node(event, kind)
                node.flow = bool(event.flow_style)
                self._open.append(node)
                self._keys.append(None)
            case yaml.CollectionEndEvent():
                node = self._open.pop()
                self._keys.pop()
                mark = event.end_mark
                assert mark is not None
                node.end = mark.index if node.flow else _last(node).end
                self._finish(node, "")
            case yaml.AliasEvent():
                meant = self._anchored[event.anchor or ""]
                meant.shared = True
                alias = self._node(event, meant.kind)
                alias.shared, alias.entries, alias.items = True, meant.entries, meant.items
                alias.text, alias.quoted = meant.text, meant.quoted
                alias.line, alias.column = meant.line, meant.column  # what the loader says it stands at
                self._finish(alias, "")

    def _node(self, event: yaml.Event, kind: Kind) -> Node:
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        node = Node(kind, start.index, end.index, start.line + 1, start.column + 1)
        anchor = getattr(event, "anchor", None)
        if anchor is not None and not isinstance(event, yaml.AliasEvent):
            self._anchored[anchor] = node
        return node

    def _finish(self, node: Node, text: str) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.kind is Kind.LIST:
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = (text, node)
        else:
            parent.entries.append(Entry(key[0], key[1], node))
            self._keys[-1] = None


def _last(node: Node) -> Node:
    return node.entries[-1].value if node.entries else node.items[-1]


def _end_of_block_scalar(text: str, node: Node) -> int:
    written = text[node.start : node.end]
    header = written.partition("\n")[0].partition("#")[0]
    if "+" in header:  # the blank lines are part of it
        return node.start + len(written.removesuffix("\n").removesuffix("\r"))
    return node.start + len(written.rstrip())


def holds_shared(node: Node) -> bool:
    """Whether something in it is an alias or what one stands for, so that it cannot be taken out."""
    return any(each.shared for each in node.inner())
