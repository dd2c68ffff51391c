"""YAML composed from events, without recursion, within limits; anchors, aliases and merge keys are understood, tags are not."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from orchestra.discover import limits, source
from orchestra.discover.notes import Notes, quoted
from orchestra.discover.tree import Entry, List, Map, Node, Scalar
from orchestra.model.diagnostic import Location

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "<<"


def document(file: str, text: str, notes: Notes) -> Node | None:
    """None: there is nothing in it. Raises ManifestError."""
    composer = _Composer(file, notes)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as failed:
        mark = failed.problem_mark or failed.context_mark
        at = None if mark is None else source.location(file, mark.line + 1, mark.column + 1)
        raise source.refused(f"YAML: {failed.problem or failed.context or 'this is not YAML'}", at) from None
    except yaml.reader.ReaderError as failed:
        raise source.refused(f"{file}: {failed.reason}") from None
    return composer.root


@dataclass(slots=True)
class _Open:
    at: Location
    is_map: bool
    anchor: str | None
    entries: dict[str, Entry] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    key: str | None = None
    key_at: Location | None = None
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class _Whole:
    node: Node
    size: int = 1
    """What it holds, aliases expanded."""
    height: int = 1


class _Composer:
    def __init__(self, file: str, notes: Notes) -> None:
        self.root: Node | None = None
        self._file = file
        self._notes = notes
        self._stack: list[_Open] = []
        self._anchored: dict[str, _Whole | None] = {}
        """None: still open, so that an alias to it would hold itself."""
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                at = self._at(event)
                size = 1 + len(event.value) // limits.TEXT
                self._count(at, size)
                self._tell_tag(event, at)
                if self._expects_key():
                    self._stack[-1].key, self._stack[-1].key_at = (
                        str(event.value),
                        self._at(event, event.value),
                    )
                    return
                if "\0" in event.value or (not event.value.isascii() and _is_half(event.value)):
                    raise source.refused("this is not text", at)
                self._finish(_Whole(Scalar(at, str(event.value), not event.style), size), event.anchor)
            case yaml.CollectionStartEvent():
                self._start(event)
            case yaml.CollectionEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise source.refused("a second document begins here", self._at(event))

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_map and self._stack[-1].key is None

    def _at(self, event: yaml.Event, key: str | None = None) -> Location:
        mark = event.start_mark
        assert mark is not None
        path = ""
        if self._stack:
            parent = self._stack[-1]
            step = key if key is not None else parent.key if parent.is_map else len(parent.items)
            path = f"{parent.at.path}.{step}" if parent.at.path else str(step)
        return source.location(self._file, mark.line + 1, mark.column + 1, path)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        at = self._at(event)
        if self._expects_key():
            raise source.refused("a key must be text, not a map or a list", at)
        self._count(at, 1)
        self._tell_tag(event, at)
        if len(self._stack) >= limits.DEPTH:
            raise source.refused(f"this is nested deeper than {limits.DEPTH} levels", at)
        self._stack.append(_Open(at, isinstance(event, yaml.MappingStartEvent), event.anchor))
        if event.anchor is not None:
            self._anchored[event.anchor] = None

    def _end(self) -> None:
        done = self._stack.pop()
        if not done.is_map:
            self._finish(_Whole(List(done.at, tuple(done.items)), done.size, done.height), done.anchor)
            return
        entries = dict(done.entries)
        for node in done.merged:
            for one in node.items if isinstance(node, List) else (node,):
                if isinstance(one, Map):
                    entries = {**one.entries, **entries}
        self._finish(_Whole(Map(done.at, entries), done.size, done.height), done.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        at = self._at(event)
        if self._expects_key():
            raise source.refused("an alias cannot be a key", at)
        anchor = event.anchor or ""
        if anchor not in self._anchored:
            raise source.refused(f"there is no anchor {quoted(anchor)}", at)
        whole = self._anchored[anchor]
        if whole is None:
            raise source.refused(f"the alias {quoted(anchor)} would hold itself", at)
        self._count(at, whole.size)
        if len(self._stack) + whole.height > limits.DEPTH + 1:
            raise source.refused(f"this is nested deeper than {limits.DEPTH} levels", at)
        self._finish(whole, None)

    def _finish(self, whole: _Whole, anchor: str | None) -> None:
        if anchor is not None:
            self._anchored[anchor] = whole
        if not self._stack:
            self.root = whole.node
            return
        parent = self._stack[-1]
        parent.size += whole.size
        parent.height = max(parent.height, whole.height + 1)
        if not parent.is_map:
            parent.items.append(whole.node)
            return
        assert parent.key is not None
        assert parent.key_at is not None
        if parent.key == MERGE:
            parent.merged.append(whole.node)
        else:
            if parent.key in parent.entries:
                self._notes.warn(
                    parent.key_at, f"the key {quoted(parent.key)} stands here twice: the last one counts"
                )
            parent.entries[parent.key] = Entry(parent.key_at, whole.node)
        parent.key = None

    def _count(self, at: Location, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > limits.NODES:
            raise source.refused(f"the file holds more than {limits.NODES} values, aliases expanded", at)

    def _tell_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, at: Location) -> None:
        if event.tag is not None:
            self._notes.left_out(
                str(event.tag), at, "YAML tags mean nothing to orchestra; the value is taken as it stands"
            )


def _is_half(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
