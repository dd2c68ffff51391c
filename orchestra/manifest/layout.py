"""tmux's exact layouts: `csum,WxH,X,Y` and then a pane's number or cells in `{…}` (side by side) or `[…]` (stacked)."""

from __future__ import annotations

import re

NAMES = (
    "even-horizontal",
    "even-vertical",
    "main-horizontal",
    "main-vertical",
    "main-horizontal-mirrored",
    "main-vertical-mirrored",
    "tiled",
)
SIZED = frozenset(NAMES) - {"tiled"}
"""In which a pane's size means something."""
CELL = re.compile(r"[0-9]{1,5}x[0-9]{1,5},[0-9]{1,5},[0-9]{1,5}")
NUMBER = re.compile(r",[0-9]{1,9}(?![0-9x])")
CLOSING = {"{": "}", "[": "]"}


class Malformed(ValueError):
    """The message says why, the way it is shown."""


def is_exact(layout: str) -> bool:
    return layout not in NAMES


def panes(layout: str) -> int:
    """How many panes an exact layout has room for. Raises Malformed for what tmux would refuse."""
    said, _, cells = layout.partition(",")
    right = f"{checksum(cells):04x}"
    if said != right:
        raise Malformed(f"the layout's checksum is {right}, not {said}")
    return _leaves(cells)


def checksum(cells: str) -> int:
    """layout_checksum() of tmux's layout-custom.c."""
    total = 0
    for byte in cells.encode():
        total = (total >> 1) + ((total & 1) << 15)
        total = (total + byte) & 0xFFFF
    return total


def _leaves(cells: str) -> int:
    leaves = 0
    position = 0
    expected: list[str] = []
    while True:
        cell = CELL.match(cells, position)
        if cell is None:
            raise Malformed(f"the layout is broken at {cells[position : position + 12]!r}")
        position = cell.end()
        opening = cells[position : position + 1]
        if opening in CLOSING:
            expected.append(CLOSING[opening])
            position += 1
            continue
        leaves += 1
        if number := NUMBER.match(cells, position):
            position = number.end()
        while expected and cells[position : position + 1] == expected[-1]:
            expected.pop()
            position += 1
        if position == len(cells) and not expected:
            return leaves
        if not expected or cells[position : position + 1] != ",":
            raise Malformed(f"the layout is broken at {cells[position : position + 12]!r}")
        position += 1
