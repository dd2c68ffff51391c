"""Columns that stand under each other, also where letters are two cells wide or none."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TextIO

from orchestra.cli import output

TONES = {
    "running": "green",
    "typing": "cyan",
    "waiting": "yellow",
    "completed": None,
    "failed": "red",
    "stopped": "yellow",
    "ended": "yellow",
    "healthy": "green",
    "unknown": "yellow",
    "degraded": "yellow",
    "unhealthy": "red",
}
"""Of a pane's condition, and of its health."""


def width(text: str) -> int:
    """In cells of a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def padded(text: str, cells: int) -> str:
    return text + " " * max(0, cells - width(text))


def lines(rows: Sequence[Sequence[str]], *, head: bool = False, stream: TextIO | None = None) -> list[str]:
    """Cells are made printable here. A cell that is a condition's name is painted; the last column is as long as it is."""
    stream = sys.stdout if stream is None else stream
    shown = [[output.one_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*shown, strict=True)]
    told = []
    for number, row in enumerate(shown):
        cells = [
            _cell(cell, cells, stream, bold=head and number == 0)
            for cell, cells in zip(row, widths, strict=True)
        ]
        told.append("  ".join(cells).rstrip())
    return told


def _cell(text: str, cells: int, stream: TextIO, *, bold: bool) -> str:
    tone = TONES.get(text)
    if not (tone or bold):
        return padded(text, cells)
    return output.paint(text, stream, fg=tone, bold=bold) + " " * (cells - width(text))


def labels(found: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(found.items()))
