"""tmux layout strings, computed and compared without a tmux.

We compute exact strings for the named layouts ourselves, because tmux's own depend on the user's `main-pane-*` options and know no sizes
per pane. Grammar and checksum: tmux `layout-custom.c`. A cell is `WxH,X,Y` followed by `,ID`, `{left-right cells}` or `[top-bottom cells]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from orchestra.model import spec
from orchestra.model.frozen import frozen

NAMES = (
    "even-horizontal",
    "even-vertical",
    "main-horizontal",
    "main-vertical",
    "main-horizontal-mirrored",
    "main-vertical-mirrored",
    "tiled",
)


class TooSmall(ValueError):
    """The panes do not fit: each needs one cell, and a border stands between two."""


@frozen
class Cell:
    width: int
    height: int
    x: int
    y: int
    kind: str = ""
    """"{": its cells stand side by side; "[": one above the other; "": it is a pane."""
    cells: tuple[Cell, ...] = ()


def arrange(layout: str | None, sizes: Sequence[spec.Size | None], width: int, height: int) -> str:
    """The layout string for `len(sizes)` panes in a window of that size. An exact `layout` string is passed through."""
    if layout is not None and layout not in NAMES:
        return layout
    name = layout or ("even-vertical" if any(sizes) else "tiled")
    return to_text(_arrange(name, sizes, width, height))


def _arrange(name: str, sizes: Sequence[spec.Size | None], width: int, height: int) -> Cell:
    count = len(sizes)
    if count == 1:
        return Cell(width=width, height=height, x=0, y=0)
    if name == "even-horizontal":
        return _line("{", sizes, width, height, 0, 0)
    if name == "even-vertical":
        return _line("[", sizes, width, height, 0, 0)
    if name == "tiled":
        return _tiled(count, width, height)
    return _main(name, sizes, width, height)


def _main(name: str, sizes: Sequence[spec.Size | None], width: int, height: int) -> Cell:
    """tmux fills a layout's cells with the window's panes in order: mirrored, the main one is the last."""
    beside = name.startswith("main-vertical")
    mirrored = name.endswith("mirrored")
    first, rest_sizes = (sizes[-1], sizes[:-1]) if mirrored else (sizes[0], sizes[1:])
    main, rest = _divide((first or spec.Size(percent=50), None), width if beside else height)
    start_main, start_rest = (rest + 1, 0) if mirrored else (0, main + 1)
    if beside:
        one = Cell(width=main, height=height, x=start_main, y=0)
        others = _line("[", rest_sizes, rest, height, start_rest, 0)
    else:
        one = Cell(width=width, height=main, x=0, y=start_main)
        others = _line("{", rest_sizes, width, rest, 0, start_rest)
    return Cell(
        width=width,
        height=height,
        x=0,
        y=0,
        kind="{" if beside else "[",
        cells=(others, one) if mirrored else (one, others),
    )


def _tiled(count: int, width: int, height: int) -> Cell:
    rows = columns = 0
    while rows * columns < count:
        rows += 1
        if rows * columns < count:
            columns += 1
    lines: list[Cell] = []
    y = 0
    for row, high in enumerate(_divide((None,) * rows, height)):
        here = min(columns, count - row * columns)
        lines.append(_line("{", (None,) * here, width, high, 0, y))
        y += high + 1
    if len(lines) == 1:
        return lines[0]
    return Cell(width=width, height=height, x=0, y=0, kind="[", cells=tuple(lines))


def _line(kind: str, sizes: Sequence[spec.Size | None], width: int, height: int, x: int, y: int) -> Cell:
    if len(sizes) == 1:
        return Cell(width=width, height=height, x=x, y=y)
    cells: list[Cell] = []
    at_x, at_y = x, y
    for length in _divide(sizes, width if kind == "{" else height):
        if kind == "{":
            cells.append(Cell(width=length, height=height, x=at_x, y=at_y))
            at_x += length + 1
        else:
            cells.append(Cell(width=width, height=length, x=at_x, y=at_y))
            at_y += length + 1
    return Cell(width=width, height=height, x=x, y=y, kind=kind, cells=tuple(cells))


def _divide(sizes: Sequence[spec.Size | None], length: int) -> list[int]:
    """Cells for each, borders left out. The undeclared share what is left evenly; when all are declared the last takes the rest."""
    free = length - (len(sizes) - 1)
    if free < len(sizes):
        raise TooSmall
    wanted = [
        None
        if size is None
        else (size.cells if size.cells is not None else max(1, length * (size.percent or 0) // 100))
        for size in sizes
    ]
    if None not in wanted:
        wanted[-1] = None
    open_places = [place for place, cells in enumerate(wanted) if cells is None]
    left = free - sum(cells for cells in wanted if cells is not None)
    if left < len(open_places):
        raise TooSmall
    each, more = divmod(left, len(open_places))
    shares = iter([each + (n < more) for n in range(len(open_places))])
    return [next(shares) if cells is None else cells for cells in wanted]


def checksum(body: str) -> str:
    total = 0
    for byte in body.encode():
        total = ((total >> 1) + ((total & 1) << 15) + byte) & 0xFFFF
    return f"{total:04x}"


def to_text(cell: Cell) -> str:
    """Pane ids are numbered in order: tmux ignores them and fills the window's panes in, first to last."""
    numbers = iter(range(1_000_000))
    body = _body(cell, numbers)
    return f"{checksum(body)},{body}"


def _body(cell: Cell, numbers: object) -> str:
    place = f"{cell.width}x{cell.height},{cell.x},{cell.y}"
    if not cell.kind:
        return f"{place},{next(numbers)}"  # type: ignore[call-overload]
    inner = ",".join(_body(each, numbers) for each in cell.cells)
    return f"{place}{cell.kind}{inner}{'}' if cell.kind == '{' else ']'}"


_CELL = re.compile(r"(\d+)x(\d+),(\d+),(\d+)(?:,(\d+)(?![\dx]))?")


def parse(text: str) -> Cell:
    """ValueError when it is neither a layout string with a right checksum nor the JSON that tmux 3.8 lists."""
    if text.startswith("{"):
        return _from_json(json.loads(text).get("L"))
    sum_, _, body = text.partition(",")
    if checksum(body) != sum_:
        raise ValueError("the checksum is wrong")
    cell, end = _parse(body, 0, 0)
    if end != len(body):
        raise ValueError("text after the layout")
    return cell


def _from_json(plain: object) -> Cell:
    """`{"t": "h" | "v" | "p", "w", "h", "x", "y", "c": [cells]}`."""
    if not isinstance(plain, dict):
        raise ValueError("not a layout of tmux 3.8")
    try:
        return Cell(
            width=int(plain["w"]),
            height=int(plain["h"]),
            x=int(plain["x"]),
            y=int(plain["y"]),
            kind={"h": "{", "v": "["}.get(plain["t"], ""),
            cells=tuple(_from_json(each) for each in plain.get("c", ())),
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a layout of tmux 3.8") from error


def _parse(body: str, at: int, depth: int) -> tuple[Cell, int]:
    found = _CELL.match(body, at)
    if found is None or depth > 200:
        raise ValueError("not a layout cell")
    width, height, x, y = (int(found[n]) for n in range(1, 5))
    at = found.end()
    kind = body[at : at + 1]
    if found[5] is not None or kind not in ("{", "["):
        return Cell(width=width, height=height, x=x, y=y), at
    cells: list[Cell] = []
    closing = "}" if kind == "{" else "]"
    while True:
        cell, at = _parse(body, at + 1, depth + 1)
        cells.append(cell)
        if body[at : at + 1] == closing:
            return Cell(width=width, height=height, x=x, y=y, kind=kind, cells=tuple(cells)), at + 1
        if body[at : at + 1] != ",":
            raise ValueError("a layout cell does not end")


def count(cell: Cell) -> int:
    return sum(count(each) for each in cell.cells) if cell.kind else 1


def same(applied: str, observed: str) -> bool:
    """Whether `observed` is `applied`, perhaps scaled by tmux to another window size.

    Where the size changed more than once, each time the first cells got the remainder: so a cell may be off by as many as it has
    siblings, and two.
    """
    if applied.partition(",")[2] == observed.partition(",")[2]:
        return True
    try:
        was, now = parse(applied), parse(observed)
    except ValueError:
        return False
    exact = (was.width, was.height) == (now.width, now.height)
    return _same(was if exact else scaled(was, now.width, now.height), now, exact)


def _same(was: Cell, now: Cell, exact: bool) -> bool:
    if was.kind != now.kind or len(was.cells) != len(now.cells):
        return False
    tolerance = 0 if exact else len(was.cells) + 2
    for before, after in zip(was.cells, now.cells, strict=True):
        expected, got = (before.width, after.width) if was.kind == "{" else (before.height, after.height)
        if abs(expected - got) > tolerance or not _same(before, after, exact):
            return False
    return True


def scaled(cell: Cell, width: int, height: int) -> Cell:
    """As tmux does it (`layout_resize`): not in proportion, but cell by cell round and round, and in a nested cell always the first."""
    box = _Box(cell)
    for side, length in (("{", width), ("[", height)):
        box.stretch(side, max(length - box.length(side), -box.room(side)))
    return box.cell(0, 0)


class _Box:
    """A cell whose size can change."""

    def __init__(self, cell: Cell) -> None:
        self.kind = cell.kind
        self._lengths = {"{": cell.width, "[": cell.height}
        self._boxes = [_Box(each) for each in cell.cells]

    def length(self, side: str) -> int:
        return self._lengths[side]

    def room(self, side: str) -> int:
        """By how much it can shrink."""
        if not self.kind:
            return self._lengths[side] - 1
        rooms = [box.room(side) for box in self._boxes]
        return sum(rooms) if side == self.kind else min(rooms)

    def stretch(self, side: str, change: int) -> None:
        """`change` is at least `-room`."""
        self._lengths[side] += change
        if side != self.kind:
            for box in self._boxes:
                box.stretch(side, change)
            return
        step = 1 if change > 0 else -1
        while change:
            for box in self._boxes:
                if change and (step > 0 or box.room(side) > 0):
                    box.stretch(side, step)
                    change -= step

    def cell(self, x: int, y: int) -> Cell:
        cells: list[Cell] = []
        at = {"{": x, "[": y}
        for box in self._boxes:
            cells.append(box.cell(at["{"], at["["]))
            at[self.kind] += box.length(self.kind) + 1
        width, height = self._lengths["{"], self._lengths["["]
        return Cell(width=width, height=height, x=x, y=y, kind=self.kind, cells=tuple(cells))
