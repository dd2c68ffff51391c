"""JSON with the place of every value, without recursion and within limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from json import JSONDecodeError, decoder

from orchestra.discover import limits, source
from orchestra.discover.notes import Notes, quoted
from orchestra.discover.tree import Entry, List, Map, Node, Scalar
from orchestra.model.diagnostic import Location

SCAN: Callable[[str, int, bool], tuple[str, int]] = decoder.scanstring  # type: ignore[attr-defined]
"""The text that begins behind a quote, and where it ends."""
SPACE = re.compile(r"[ \t\n\r]*")
Open = tuple[Location, dict[str, Entry] | list[Node], tuple[str, Location] | None]
"""What is being read: where it begins, what is in it, and the key whose value comes next."""
LITERAL = re.compile(r"true|false|null|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class _Lines:
    """Offset -> line and column, asked in ascending order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line, self._start, self._seen = 1, 0, 0

    def place(self, offset: int) -> tuple[int, int]:
        new = self._text.count("\n", self._seen, offset)
        if new:
            self._line += new
            self._start = self._text.rfind("\n", 0, offset) + 1
        self._seen = offset
        return self._line, offset - self._start + 1


def document(file: str, text: str, notes: Notes) -> Node:
    """Raises ManifestError."""
    return _Parser(file, text, notes).whole()


class _Parser:
    def __init__(self, file: str, text: str, notes: Notes) -> None:
        self._file, self._text, self._notes = file, text, notes
        self._lines = _Lines(text)
        self._position = 0
        self._nodes = 0

    def whole(self) -> Node:
        opened: list[Open] = []
        while True:
            at = self._here(opened[-1][0].path if opened else "", self._step(opened))
            self._nodes += 1
            if self._nodes > limits.NODES:
                raise source.refused(f"the file holds more than {limits.NODES} values", at)
            letter = self._text[self._position : self._position + 1]
            if letter in ("{", "["):
                if len(opened) >= limits.DEPTH:
                    raise source.refused(f"this is nested deeper than {limits.DEPTH} levels", at)
                self._position += 1
                inside: dict[str, Entry] | list[Node] = {} if letter == "{" else []
                opened.append((at, inside, None))
                if not self._closes(inside):
                    self._begin(opened)
                    continue
            else:
                self._put(opened, self._scalar(at))
            while opened and self._next_closes(opened):
                done_at, inside, _ = opened.pop()
                node: Node = (
                    Map(done_at, inside) if isinstance(inside, dict) else List(done_at, tuple(inside))
                )
                if not opened:
                    return self._ended(node)
                self._put(opened, node)
            if not opened:
                raise source.refused("the file must be a map of keys and values", at)
            self._begin(opened)

    def _step(self, opened: list[Open]) -> str:
        if not opened:
            return ""
        _, inside, key = opened[-1]
        return str(len(inside)) if key is None else key[0]

    def _begin(self, opened: list[Open]) -> None:
        """Reads the key of what comes next in a map."""
        at, inside, _ = opened[-1]
        if isinstance(inside, dict):
            here = self._here(at.path, "")
            key = self._string(here)
            opened[-1] = (at, inside, (key, self._named(here, at.path, key)))
            self._expect(":", here)

    def _put(self, opened: list[Open], node: Node) -> None:
        if not opened:
            raise source.refused("the file must be a map of keys and values", node.at)
        _, inside, key = opened[-1]
        if isinstance(inside, list):
            inside.append(node)
            return
        assert key is not None
        if key[0] in inside:
            self._notes.warn(key[1], f"the key {quoted(key[0])} stands here twice: the last one counts")
        inside[key[0]] = Entry(key[1], node)

    def _closes(self, inside: dict[str, Entry] | list[Node]) -> bool:
        self._skip()
        return self._text[self._position : self._position + 1] == ("}" if isinstance(inside, dict) else "]")

    def _next_closes(self, opened: list[Open]) -> bool:
        at, inside, _ = opened[-1]
        if self._closes(inside):
            self._position += 1
            return True
        if inside:
            self._expect(",", at)
        return False

    def _expect(self, sign: str, at: Location) -> None:
        self._skip()
        if self._text[self._position : self._position + 1] != sign:
            raise source.refused(f"JSON: expected `{sign}`", self._here(at.path, ""))
        self._position += 1

    def _scalar(self, at: Location) -> Scalar:
        if self._text[self._position : self._position + 1] == '"':
            return Scalar(at, self._string(at), plain=False)
        found = LITERAL.match(self._text, self._position)
        if found is None:
            raise source.refused("JSON: expected a value", at)
        self._position = found.end()
        return Scalar(at, found.group(), plain=True)

    def _string(self, at: Location) -> str:
        if self._text[self._position : self._position + 1] != '"':
            raise source.refused('JSON: expected a text in "quotes"', at)
        try:
            text, self._position = SCAN(self._text, self._position + 1, True)
        except JSONDecodeError as failed:
            raise source.refused(f"JSON: {failed.msg}", at) from None
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise source.refused("this is not text", at)
        return text

    def _skip(self) -> None:
        found = SPACE.match(self._text, self._position)
        assert found is not None
        self._position = found.end()

    def _here(self, above: str, step: str) -> Location:
        self._skip()
        line, column = self._lines.place(self._position)
        return source.location(self._file, line, column, ".".join(part for part in (above, step) if part))

    def _named(self, at: Location, above: str, key: str) -> Location:
        return source.location(at.file, at.line, at.column, f"{above}.{key}" if above else key)

    def _ended(self, node: Node) -> Node:
        self._skip()
        if self._position != len(self._text):
            raise source.refused("JSON: nothing may stand behind the last bracket", self._here("", ""))
        return node
