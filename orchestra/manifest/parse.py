"""Text to tree: YAML's events composed without recursion, within limits, every node with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from orchestra.manifest import limits, scalar
from orchestra.manifest.problem import Problems, printable, quoted
from orchestra.manifest.tree import Entry, List, Map, Node, Scalar, Value
from orchestra.model.diagnostic import Location

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
HINTS = {
    "found character that cannot start any token": "indent with spaces, not tabs; quote what begins with `@`, `%` or a backquote",
    "mapping values are not allowed in this context": "quote a text that contains `: `, and check the indentation",
    "did not find expected key": "check the indentation, and that brackets and quotes are closed",
    "did not find expected ',' or '}'": "quote a text that begins with `{`, such as a template",
    "did not find expected ',' or ']'": "close the bracket, or quote a text that contains one",
    "could not find expected ':'": "a key is followed by `: `; check the indentation",
    "did not find expected alphabetic or numeric character": "quote a text that begins with `*` or `&`",
}
LONGEST_PATH = 400
IGNORED = "\0"
"""The key of a value that is read and dropped, because its key was complained about. No text holds it."""


class TooMuch(Exception):
    pass


@dataclass(slots=True)
class Counts:
    """What was read so far, aliases expanded; files that make one document share it."""

    nodes: int = 0
    aliases: int = 0


def document(file: str, text: str, problems: Problems, counts: Counts | None = None) -> Node | None:
    """None: complained about. Duplicate keys, tags and the like are told too, and a tree is given nevertheless."""
    composer = _Composer(file, problems, counts or Counts())
    try:
        for event in yaml.parse(text, Loader=LOADER):
            composer.take(event)
    except TooMuch:
        return None
    except yaml.MarkedYAMLError as failed:
        _complain(file, failed, problems)
        return None
    except yaml.reader.ReaderError as failed:
        problems.add(None, f"{file}: {failed.reason}")
        return None
    root = composer.root
    if root is None or (isinstance(root, Scalar) and root.value is None):
        at = Location(file=file, line=1, column=1)
        problems.add(
            at, "the file is empty", hint="begin with `version: 1`, `workspace: NAME` and `sessions:`"
        )
        return None
    return root


def _complain(file: str, failed: yaml.MarkedYAMLError, problems: Problems) -> None:
    mark = failed.problem_mark or failed.context_mark
    at = None if mark is None else Location(file=file, line=mark.line + 1, column=mark.column + 1)
    problem = str(failed.problem or failed.context or "this is not YAML")
    context = f" ({failed.context})" if failed.context and failed.problem else ""
    problems.add(at, f"YAML: {problem}{context}", hint=HINTS.get(problem))


@dataclass(slots=True)
class _Open:
    """A map or list that is being read. `size`, `height` and `aliases` count what it holds, aliases expanded."""

    at: Location
    is_map: bool
    anchor: str | None
    entries: dict[str, Entry] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    key: str | None = None
    key_at: Location | None = None
    size: int = 1
    height: int = 1
    aliases: int = 0


@dataclass(frozen=True, slots=True)
class _Whole:
    node: Node
    size: int = 1
    height: int = 1
    aliases: int = 0


class _Composer:
    def __init__(self, file: str, problems: Problems, counts: Counts) -> None:
        self.root: Node | None = None
        self._file = file
        self._problems = problems
        self._stack: list[_Open] = []
        self._anchored: dict[str, _Whole | None] = {}
        """None: still open, so that an alias to it would hold itself."""
        self._counts = counts
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent() if self._expects_key():
                self._key(event)
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.CollectionStartEvent():
                self._start(event)
            case yaml.CollectionEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._give_up(
                        self._at(event),
                        "a second document begins here",
                        hint="remove the `---`: a manifest is one document",
                    )

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_map and self._stack[-1].key is None

    def _at(self, event: yaml.Event, key: str | None = None) -> Location:
        mark = event.start_mark
        assert mark is not None
        return Location(file=self._file, line=mark.line + 1, column=mark.column + 1, path=self._path(key))

    def _path(self, key: str | None) -> str:
        if not self._stack:
            return ""
        parent = self._stack[-1]
        step = key if key is not None else parent.key if parent.is_map else len(parent.items)
        path = f"{parent.at.path}.{step}" if parent.at.path else str(step)
        return printable(path[-LONGEST_PATH:])

    def _give_up(self, at: Location, summary: str, *, hint: str | None = None) -> None:
        self._problems.add(at, summary, hint=hint)
        raise TooMuch

    def _key(self, event: yaml.ScalarEvent) -> None:
        open_ = self._stack[-1]
        key = str(event.value)
        at = self._at(event, key)
        self._count(at, 1, 0)
        self._refuse_tag(event, at)
        open_.key, open_.key_at = IGNORED, at
        if key == "<<" and not event.style:
            self._problems.add(
                at, "merge keys (`<<`) are not supported", hint="share settings through `defaults:`"
            )
        elif "\0" in key:
            self._problems.add(at, "a key cannot hold a NUL character")
        elif key in open_.entries:
            first = open_.entries[key].at
            where = f"line {first.line}, column {first.column}"
            self._problems.add(at, f"the key {quoted(key)} stands here twice", hint=f"it is first in {where}")
        else:
            open_.key = key

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        at = self._at(event)
        self._count(at, 1, 0)
        self._refuse_tag(event, at)
        text = str(event.value)
        if "\0" in text:
            self._problems.add(at, "a text cannot hold a NUL character")
        value = text if event.style else self._resolved(text, at)
        self._finish(_Whole(Scalar(at, value, text)), event.anchor)

    def _resolved(self, text: str, at: Location) -> Value:
        try:
            return scalar.resolve(text)
        except scalar.NotANumber:
            self._problems.add(
                at, f"the number {quoted(text)} is too large or not finite", hint="quote it if text is meant"
            )
            return text

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        if self._expects_key():
            at = self._at(event, "?")
            self._give_up(
                at, "a key must be text, not a map or a list", hint='quote a template: "{{ name }}"'
            )
        at = self._at(event)
        self._count(at, 1, 0)
        if len(self._stack) >= limits.DEPTH:
            self._give_up(at, f"this is nested deeper than {limits.DEPTH} levels")
        self._refuse_tag(event, at)
        self._stack.append(_Open(at, isinstance(event, yaml.MappingStartEvent), event.anchor))
        if event.anchor is not None:
            self._anchored[event.anchor] = None

    def _end(self) -> None:
        done = self._stack.pop()
        node = Map(done.at, done.entries) if done.is_map else List(done.at, tuple(done.items))
        self._finish(_Whole(node, done.size, done.height, done.aliases), done.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._expects_key():
            self._give_up(self._at(event, "?"), "an alias cannot be a key")
        at = self._at(event)
        anchor = event.anchor or ""
        if anchor not in self._anchored:
            self._give_up(
                at, f"there is no anchor {quoted(anchor)}", hint="quote a text that begins with `*`"
            )
        whole = self._anchored[anchor]
        if whole is None:
            self._give_up(at, f"the alias {quoted(anchor)} would hold itself")
            return
        self._count(at, whole.size, whole.aliases + 1)
        if len(self._stack) + whole.height > limits.DEPTH + 1:
            self._give_up(at, f"this is nested deeper than {limits.DEPTH} levels")
        self._finish(_Whole(whole.node, whole.size, whole.height, whole.aliases + 1), None)

    def _finish(self, whole: _Whole, anchor: str | None) -> None:
        if anchor is not None:
            self._anchored[anchor] = whole
        if not self._stack:
            self.root = whole.node
            return
        parent = self._stack[-1]
        parent.size += whole.size
        parent.height = max(parent.height, whole.height + 1)
        parent.aliases += whole.aliases
        if not parent.is_map:
            parent.items.append(whole.node)
            return
        if parent.key is not None and parent.key != IGNORED and parent.key_at is not None:
            parent.entries[parent.key] = Entry(parent.key_at, whole.node)
        parent.key = None

    def _count(self, at: Location, nodes: int, aliases: int) -> None:
        self._counts.nodes += nodes
        self._counts.aliases += aliases
        if self._counts.nodes > limits.NODES:
            self._give_up(at, f"the manifest holds more than {limits.NODES} values")
        if self._counts.aliases > limits.ALIASES:
            self._give_up(
                at,
                f"the manifest uses more than {limits.ALIASES} aliases (those inside aliased values count each time)",
            )

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, at: Location) -> None:
        if event.tag is not None:
            self._problems.add(
                at,
                f"YAML tags such as {quoted(event.tag)} are not supported",
                hint="quote the value if text is meant",
            )
