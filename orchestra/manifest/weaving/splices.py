"""Where in a text an edit is made, and with which characters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestra.manifest.weaving import syntax, write
from orchestra.manifest.weaving.syntax import Entry, Kind, Node, Path
from orchestra.model import errors

INNER = ("windows", "panes")
"""What comes last in a session or window: other keys stand before it."""


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    new: str
    depth: int
    """At one place what belongs further inside comes first."""


class Splices:
    """Collected against one text, then made all at once."""

    def __init__(self, text: str, style: write.Style) -> None:
        self._text = text
        self._style = style
        self._splices: list[_Splice] = []

    def text(self) -> str:
        parts: list[str] = []
        position = 0
        for splice in sorted(
            self._splices, key=lambda each: (each.start, each.end > each.start, -each.depth)
        ):
            if splice.start < position:
                raise unsafe()
            parts += (self._text[position : splice.start], splice.new)
            position = splice.end
        rest = self._text[position:]
        if parts and not rest and not self._text.endswith("\n"):
            rest = self._style.newline  # a block scalar that ends the text would lose its last one
        return "".join((*parts, rest))

    def append(self, node: Node, items: Sequence[object]) -> None:
        last = node.items[-1]
        if node.flow:
            self._append_in_flow(last, items)
            return
        start = write.dash(self._text, node.items[0])
        column = write.column(self._text, start)
        width = max(node.items[0].start - start, 2) if self._same_line(start, node.items[0].start) else 2
        new = "".join(self._line(line) for item in items for line in self._item(item, column, width))
        self._insert(self._behind(last.end, column), new, column)

    def _append_in_flow(self, last: Node, items: Sequence[object]) -> None:
        written = [self._flow(item) for item in items]
        before = self._text[self._line_start(last.start) : last.start]
        comma = re.compile(r"[ \t]*,").match(self._text, last.end)
        rest = self._text[comma.end() if comma else last.end : self._line_end(last.end)].strip()
        if before.strip() or (rest and not rest.startswith("#")):
            self._insert(last.end, "".join(f", {each}" for each in written), 0)
            return
        # Each item has a line of its own.
        new = ("," + self._style.newline + before).join(written)
        if comma is None:
            self._insert(last.end, ",", 0)
        new = f"{self._style.newline}{before}{new}{',' if comma else ''}"
        self._insert(self._line_end(last.end), new, 0)

    def change(self, root: Node, path: Path, puts: Mapping[str, object], drops: set[str]) -> None:
        """Of a map in which at least one key stays."""
        node = syntax.at(root, path)
        assert node is not None
        new = {key: value for key, value in puts.items() if node.entry(key) is None}
        for key, value in puts.items():
            if (entry := node.entry(key)) is not None:
                self._replace(root, path, node, entry, value)
        if node.flow:
            self._drop_in_flow(node, drops)
            self._put_in_flow(node, new, drops)
        else:
            self._drop(node, drops)
            self._put(node, new)

    def _put(self, node: Node, new: Mapping[str, object]) -> None:
        column = write.column(self._text, node.first)
        first = {key: value for key, value in new.items() if key == "name"}
        if first:
            self._insert_before(node.entries[0], first, column)
        rest = {key: value for key, value in new.items() if key not in first}
        if not rest:
            return
        place = next((place for place, entry in enumerate(node.entries) if entry.name in INNER), None)
        if place == 0:
            self._insert_before(node.entries[0], rest, column)
            return
        last = node.entries[-1] if place is None else node.entries[place - 1]
        lines = "".join(self._line(" " * column + line) for line in write.block(rest, self._style))
        self._insert(self._behind(last.value.end, column), lines, column)

    def _insert_before(self, entry: Entry, new: Mapping[str, object], column: int) -> None:
        lines = "".join(
            f"{line}{self._style.newline}{' ' * column}" for line in write.block(new, self._style)
        )
        self._insert(entry.key.start, lines, column)

    def _put_in_flow(self, node: Node, new: Mapping[str, object], drops: set[str]) -> None:
        inner = next((entry for entry in node.entries if entry.name in INNER), None)
        kept = [entry for entry in node.entries if entry.name not in drops]
        for key, value in new.items():
            written = f"{self._flow(key)}: {self._flow(value)}"
            before = node.entries[0] if key == "name" else inner
            if before is not None:
                self._insert(before.key.start, f"{written}, ", 0)
            else:
                self._insert(kept[-1].value.end, f", {written}", 0)

    def _replace(self, root: Node, path: Path, node: Node, entry: Entry, value: object) -> None:
        old = entry.value
        column = write.column(self._text, node.first)
        as_block = isinstance(value, Mapping | list | tuple) and bool(value) and not node.flow
        if as_block and old.is_empty and not write.is_simple(value):
            self.whole(root, (*path, entry.name), value)
            return
        if as_block and not old.flow and old.kind is (Kind.MAP if isinstance(value, Mapping) else Kind.LIST):
            start = old.first if old.kind is Kind.MAP else write.dash(self._text, old.items[0])
            assert isinstance(value, Mapping | list | tuple)
            lines = write.block(value, self._style)
            inner = write.column(self._text, start)
            self._cut(start, self._line_end(old.end), self._shifted(lines, inner).lstrip(" "), column)
            return
        written = write.flow(value, self._style, inside=node.flow)
        if old.start == old.end:
            self._insert(old.end, f" {written}", column + 1)
        elif old.kind is not Kind.SCALAR and not old.flow:
            colon = self._text.index(":", entry.key.end) + 1
            self._insert(colon, f" {written}", column + 1)
            self._cut(self._line_end(colon), old.end, "", column)
        else:
            self._cut(old.start, old.end, written, column + 1)

    def _drop(self, node: Node, drops: set[str]) -> None:
        places = [place for place, entry in enumerate(node.entries) if entry.name in drops]
        first = node.entries[0].key.start
        if self._text[self._line_start(first) : first].strip():
            # Behind a dash: what follows moves up to it.
            leading = 0
            while leading in places:
                leading += 1
            if leading:
                end = self._line_end(node.entries[leading - 1].value.end)
                while self._text[end].isspace():
                    end += 1
                self._cut(first, end, "", write.column(self._text, first))
            places = [place for place in places if place >= leading]
        for place in places:
            entry = node.entries[place]
            start = self._line_start(entry.key.start)
            end = self._line_end(entry.value.end)
            before = start - len(self._style.newline) if start else 0
            self._cut(before, end if start else end + len(self._style.newline), "", 0)

    def _drop_in_flow(self, node: Node, drops: set[str]) -> None:
        kept = [place for place, entry in enumerate(node.entries) if entry.name not in drops]
        last, final = node.entries[kept[-1]], node.entries[-1]
        if "#" not in self._text[last.value.end : final.value.end]:
            self._cut(last.value.end, final.value.end, "", 0)
        else:
            kept.append(len(node.entries))
        for entry in node.entries[: kept[-1]]:
            if entry.name in drops:
                comma = re.compile(r"\s*,[ \t]*").match(self._text, entry.value.end)
                self._cut(entry.key.start, comma.end() if comma else entry.value.end, "", 0)

    def whole(self, root: Node, path: Path, value: object) -> None:
        """In place of all there is: nothing, or a map of which nothing stays."""
        node, parent = syntax.at(root, path), syntax.at(root, path[:-1])
        assert node is not None
        assert parent is not None
        in_text = self._text[node.start : node.end]
        if parent.flow or not value:
            self._cut(node.start, node.end, ("" if in_text else " ") + self._flow(value), len(path))
            return
        assert isinstance(value, Mapping | list | tuple)
        lines = write.block(value, self._style)
        if parent.kind is Kind.LIST:
            column = (
                write.column(self._text, node.start)
                if in_text
                else write.column(self._text, node.end) - 1 + self._style.item
            )
            # A comment behind what goes stays behind the first line.
            self._cut(node.start, node.end, ("" if in_text else " ") + lines[0], column)
            rest = "".join(self._line(" " * column + line) for line in lines[1:])
            self._insert(self._line_end(node.end), rest, column)
            return
        column = write.column(self._text, parent.first)
        column += self._style.mapping if isinstance(value, Mapping) else self._style.offset
        end = self._line_end(node.end)
        if in_text and not node.flow and node.kind is not Kind.SCALAR:
            column = write.column(self._text, node.first)
            self._cut(node.start, end, self._shifted(lines, column).lstrip(" "), column)
            return
        if in_text:
            self._cut(len(self._text[: node.start].rstrip()), node.end, "", column)
        self._insert(end, "".join(self._line(" " * column + line) for line in lines), column)

    def lengthen(self, session: Node, window: Mapping[str, object], more: Sequence[object]) -> None:
        entry = session.entry("panes")
        assert entry is not None
        start = entry.key.start
        if session.flow:
            written = "".join(f"{self._flow(key)}: {self._flow(value)}, " for key, value in window.items())
            rest = "".join(f", {self._flow(each)}" for each in more)
            self._insert(start, "windows: [{" + written, 0)
            self._insert(entry.value.end, "}" + rest + "]", 0)
            return
        column = write.column(self._text, start)
        dash = column + self._style.offset
        inner = dash + self._style.item
        end = self._behind(entry.value.end, column + 1)
        old = self._text[start:end].split("\n")
        panes = [old[0], *(" " * (inner - column) + line if line.strip() else line for line in old[1:])]
        head = self._item(window, dash, self._style.item)
        new = "windows:" + "".join(self._line(line) for line in head) + self._style.newline
        new += " " * inner + "\n".join(panes)
        new += "".join(self._line(line) for each in more for line in self._item(each, dash, self._style.item))
        self._cut(start, end, new, 0)

    def _item(self, value: object, column: int, width: int) -> list[str]:
        """A list's item in block style; `width` is from the dash to what stands behind it."""
        if not isinstance(value, Mapping | list | tuple) or not value:
            return [" " * column + "-" + " " * (width - 1) + write.flow(value, self._style, inside=False)]
        first, *rest = write.block(value, self._style)
        margin = " " * (column + width)
        return [" " * column + "-" + " " * (width - 1) + first, *(line and margin + line for line in rest)]

    def _flow(self, value: object) -> str:
        return write.flow(value, self._style, inside=True)

    def _line(self, line: str) -> str:
        return self._style.newline + (line if line.strip() else "")

    def _shifted(self, lines: Sequence[str], column: int) -> str:
        return self._style.newline.join(line and " " * column + line for line in lines)

    def _insert(self, position: int, new: str, depth: int) -> None:
        self._splices.append(_Splice(position, position, new, depth))

    def _cut(self, start: int, end: int, new: str, depth: int) -> None:
        if start != end or new:
            self._splices.append(_Splice(start, end, new, depth))

    def _line_start(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _line_end(self, position: int) -> int:
        end = self._text.find("\n", position)
        if end < 0:
            return len(self._text)
        return end - 1 if self._text[end - 1] == "\r" and end > position else end

    def _same_line(self, start: int, end: int) -> bool:
        return "\n" not in self._text[start:end]

    def _behind(self, position: int, column: int) -> int:
        """The end of the line, and of the comments below it that stand at `column` or deeper, and deeper than what follows."""
        found = end = self._line_end(position)
        comments: list[tuple[int, int]] = []
        below = 0
        while (start := self._text.find("\n", end) + 1) > 0:
            end = self._line_end(start)
            line = self._text[start:end]
            stripped = line.lstrip(" ")
            if stripped and not stripped.startswith("#"):
                below = len(line) - len(stripped)
                break
            if stripped:
                comments.append((len(line) - len(stripped), end))
        for indent, end_of_comment in comments:
            if indent < column or indent <= below:
                break
            found = end_of_comment
        return found


def unsafe() -> errors.Conflict:
    return errors.Conflict(
        "the manifest is written in a way that cannot be edited safely",
        hint="write the changes into it by hand",
    )
