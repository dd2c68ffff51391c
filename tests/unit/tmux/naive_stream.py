"""The same reading of a pane's output as orchestra.tmux.stream, one byte and one cell at a time: slow, and easy to see through."""

from __future__ import annotations

from orchestra.tmux import marks, row, stream

SILENT = frozenset([*range(0x07), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F])


def read(data: bytes, token: str = "") -> list[stream.Found]:
    naive = Naive(data, token)
    while naive.at < len(data):
        naive.step()
    return naive.found


class Naive:
    def __init__(self, data: bytes, token: str) -> None:
        self.data, self.at, self.found = data, 0, list[stream.Found]()
        self.cells: list[str] = []
        self.column, self.cut, self.moved, self.saved = 0, False, False, -1
        self.last, self.alternate = "", False
        self.reader = marks.Reader(token, 0)

    def take(self, allowed: range, most: int) -> bytes:
        start = self.at
        while self.at < len(self.data) and self.at - start < most and self.data[self.at] in allowed:
            self.at += 1
        return self.data[start : self.at]

    def step(self) -> None:
        byte = self.data[self.at]
        if byte >= 0x20 and byte != 0x7F:
            start = self.at
            while self.at < len(self.data) and (self.data[self.at] >= 0x20 and self.data[self.at] != 0x7F):
                self.at += 1
            for char in self.data[start : self.at].decode("utf-8", "replace"):
                if not "\x80" <= char <= "\x9f":
                    self.put(char)
            return
        self.at += 1
        if byte == 0x1B:
            self.escape()
        elif byte in b"\n\v\f":
            self.newline()
        elif byte == 0x0D:
            self.column = 0
        elif byte == 0x08:
            self.column = max(0, self.column - 1)
        elif byte == 0x09:
            self.column = (self.column // 8 + 1) * 8
        elif byte == 0x07:
            self.found.append(marks.Mark(marks.Kind.BELL, self.at))
        else:
            assert byte in SILENT

    def put(self, char: str) -> None:
        if self.alternate:
            return
        if self.column >= row.LONGEST:
            self.cut = True
        else:
            while len(self.cells) <= self.column:
                self.cells.append(" ")
            self.cells[self.column] = char
        self.column += 1

    def fresh(self, moved: bool) -> None:
        self.cells, self.column, self.cut, self.moved, self.saved = [], 0, False, moved, -1

    def emit(self) -> None:
        self.last = "".join(self.cells)
        self.found.append(stream.Line(self.last, self.at, self.cut))

    def newline(self) -> None:
        if not self.alternate:
            if self.cells or not self.moved:
                self.emit()
            self.fresh(moved=False)

    def leave(self) -> None:
        if not self.alternate:
            if "".join(self.cells).strip():
                self.emit()
            self.fresh(moved=True)

    def escape(self) -> None:
        between = self.take(range(0x20, 0x30), 16)
        if self.at >= len(self.data):
            return
        byte = self.data[self.at]
        if not 0x30 <= byte <= 0x7E:
            return
        if between:
            self.at += 1
            return
        self.at += 1
        match chr(byte):
            case "[":
                self.csi()
            case "]" | "P" | "X" | "^" | "_" | "k":
                self.string(byte == ord("]"))
            case "D" | "E":
                self.newline()
            case "7":
                self.saved = self.column
            case "8" if self.saved >= 0:
                self.column = self.saved
            case "8" | "M":
                self.leave()
            case "c":
                self.leave()
                self.alternate = False

    def csi(self) -> None:
        parameters = self.take(range(0x30, 0x40), 256)
        between = self.take(range(0x20, 0x30), 16)
        if self.at >= len(self.data) or not 0x40 <= self.data[self.at] <= 0x7E:
            return
        final = chr(self.data[self.at])
        self.at += 1
        if between:
            return
        text = parameters.decode()
        if text[:1] in ("<", "=", ">", "?"):
            if text[:1] == "?" and {"47", "1047", "1049"} & set(text[1:].split(";")):
                if final == "h":
                    self.leave()
                    self.alternate = True
                elif final == "l" and self.alternate:
                    self.alternate = False
                    self.fresh(moved=True)
            return
        first = text.split(";")[0]
        number = min(int(first), 9999) if first.isdigit() else 0
        count, here = number or 1, self.column
        match final:
            case "K":
                self.erase(number)
            case "J" if number < 2:
                self.erase(number)
            case "C" | "a":
                self.column = max(here, min(here + count, row.WIDEST))
            case "D":
                self.column = max(0, here - count)
            case "G" | "`":
                self.column = min(count - 1, max(row.WIDEST, len(self.cells)))
            case "P":
                del self.cells[here : here + count]
            case "X":
                self.overwrite(here, here + count)
            case "@" if here < len(self.cells):
                self.cells[here:here] = " " * min(count, row.WIDEST)
                del self.cells[row.LONGEST :]
            case "s":
                self.saved = here
            case "u" if self.saved >= 0:
                self.column = self.saved
            case "J" if number > 2:
                pass
            case "A" | "B" | "E" | "F" | "H" | "J" | "L" | "M" | "S" | "T" | "d" | "e" | "f" | "r" | "u":
                self.leave()

    def erase(self, where: int) -> None:
        if where == 0:
            del self.cells[self.column :]
        elif where == 1:
            self.overwrite(0, self.column + 1)
        elif where == 2:
            self.cells = []

    def overwrite(self, start: int, stop: int) -> None:
        if stop >= len(self.cells):
            del self.cells[start:]
        else:
            self.cells[start:stop] = " " * (stop - start)

    def string(self, operating: bool) -> None:
        start = self.at
        while self.at < len(self.data) and self.data[self.at] not in b"\a\x18\x1a\x1b":
            self.at += 1
            if self.at - start > stream.LONGEST_STRING:
                self.at -= 1
                return
        if self.at >= len(self.data):
            return
        end, body = self.data[self.at], self.data[start : self.at]
        self.at += end != 0x1B
        if not operating or end not in b"\a\x1b":
            return
        if mark := self.reader.mark(body, self.at, self.last):
            if mark.kind is marks.Kind.COMMAND_END:
                self.alternate = False
            if mark.kind in (marks.Kind.COMMAND_END, marks.Kind.OUTPUT_END):
                self.leave()
            self.found.append(mark)
