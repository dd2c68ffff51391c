"""One line of a terminal, as wide as it gets, and the cursor in it."""

from __future__ import annotations

LONGEST = 16 * 1024
"""Characters of a line that are kept."""
WIDEST = 511
"""How far to the right the cursor can be sent. A terminal stops at its edge, which is not known here; text goes on."""
_TAB = 8


class Row:
    """A character is one cell wide, whatever it is."""

    __slots__ = ("_saved", "column", "cut", "moved", "text")

    def __init__(self, moved: bool = False) -> None:
        """`moved`: the cursor was sent here; left without text, it was no line."""
        self.text = ""
        self.column = 0
        self.cut = False
        self.moved = moved
        self._saved: int | None = None

    def write(self, text: str) -> None:
        if not text:
            return
        column, old = self.column, self.text
        self.column = after = column + len(text)
        if after > LONGEST:
            self.cut = True
            text = text[: max(0, LONGEST - column)]
            if not text:
                return
        if column == len(old):
            self.text = old + text
        elif column > len(old):
            self.text = old.ljust(column) + text
        else:
            self.text = old[:column] + text + old[after:]

    def tab(self) -> None:
        self.column += _TAB - self.column % _TAB

    def back(self, count: int) -> None:
        self.column = max(0, self.column - count)

    def right(self, count: int) -> None:
        self.column = max(self.column, min(self.column + count, WIDEST))

    def to(self, column: int) -> None:
        """From 0."""
        self.column = min(column, max(WIDEST, len(self.text)))

    def save(self) -> None:
        self._saved = self.column

    def restore(self) -> bool:
        """Whether the saved place is in this line."""
        if self._saved is None:
            return False
        self.column = self._saved
        return True

    def erase(self, where: int) -> None:
        """0: from the cursor on. 1: up to it. 2: all."""
        if where == 0:
            self.text = self.text[: self.column]
        elif where == 1:
            rest = self.text[self.column + 1 :]
            self.text = " " * (len(self.text) - len(rest)) + rest if rest else ""
        elif where == 2:
            self.text = ""

    def blank(self, count: int) -> None:
        rest = self.text[self.column + count :]
        kept = self.text[: self.column]
        self.text = kept + " " * count + rest if rest else kept

    def delete(self, count: int) -> None:
        self.text = self.text[: self.column] + self.text[self.column + count :]

    def insert(self, count: int) -> None:
        rest = self.text[self.column :]
        if rest:
            self.text = (self.text[: self.column] + " " * min(count, WIDEST) + rest)[:LONGEST]
