"""What a terminal's raw output says: the bytes `pipe-pane` writes into finished lines, and the marks between them."""

from __future__ import annotations

import functools
import itertools
import re
from typing import NamedTuple

from orchestra.tmux import marks, row

LONGEST_STRING = 64 * 1024
"""Bytes of a control string; one that has not ended by then is given up, and what follows is text again."""


class Line(NamedTuple):
    """As the terminal showed it when the cursor left it. A named tuple, because a million a second are made."""

    text: str
    offset: int
    """Raw bytes consumed when it ended."""
    cut: bool = False
    """It was longer than `row.LONGEST`; the rest is not here."""


Found = Line | marks.Mark


class Stream:
    """One pane's output. What comes out does not depend on how the bytes were cut into pieces, and memory is bounded.

    A line ends at a newline. It also ends, if there is text in it, where the cursor goes to another row (up, down, an absolute
    position, one saved elsewhere, scrolling), where the screen is cleared or switched, and where a command of the shell ends:
    `printf x` and the prompt behind it are two lines. The next text then begins a line of its own, in the first column. Within
    a line, returns, backspaces, tabs, erasing and moving do what a wide enough terminal does. The alternate screen has no lines.

    A control character inside an escape sequence cancels it, and is obeyed.
    """

    def __init__(self, token: str = "", ended: int = 0) -> None:
        """Commands are believed that carry the `token` ("": none), and a number above `ended`."""
        self._marks = marks.Reader(token, ended)
        self._offset = 0
        self._held = b""
        self._row = row.Row()
        self._fresh = True  # nothing has come since the last newline
        self._last = ""
        self._alternate = False
        self._string: bytearray | None = None
        self._operating = False  # the string is an OSC, whose text matters

    def feed(self, data: bytes) -> list[Found]:
        found: list[Found] = []
        start = self._offset - len(self._held)
        self._offset += len(data)
        if self._held:
            data = self._held + data
        at, end = 0, len(data)
        if data and data[-1] >= 0x80 and (broken := _UNFINISHED.search(data, max(0, end - 3))):
            end = broken.start()
        last, looked = data.rfind(b"\n", 0, end), False
        while at < end:
            if self._string is not None:
                at = self._in_string(self._string, data, at, end, start, found)
                continue
            if self._fresh and at <= last:
                at = self._plain(data, at, last, start, found, looked)
                looked = True
            before, at = at, self._drawn(data, at, end, start, found)
            if at == before:
                break  # an escape sequence that has not ended
        self._held = data[at:]
        return found

    def partial(self) -> str:
        """The last line as it stands, not finished: a prompt, say."""
        return self._row.text

    # --- the short way: whole lines that draw nothing over themselves

    def _plain(self, data: bytes, at: int, last: int, start: int, found: list[Found], looked: bool) -> int:
        """Takes lines from `at` to the `last` newline as long as they are plain; returns where the first other one begins."""
        if not looked and (lines := _bare(data[at : last + 1], start + at)):
            found += lines
            self._last = lines[-1].text
            return last + 1
        while at <= last:
            newline = data.find(b"\n", at)
            text = data[at:newline].decode("utf-8", "replace").rstrip("\r\t")
            if _CONTROL.search(text):
                text = _SHOWS_NOTHING.sub("", text).rstrip("\t").expandtabs()
                if _CONTROL.search(text):
                    break
            at = newline + 1
            cut = len(text) > row.LONGEST
            self._last = text[: row.LONGEST]
            found.append(Line(self._last, start + at, cut))
        return at

    # --- the long way: token after token, until a line has ended

    def _drawn(self, data: bytes, at: int, end: int, start: int, found: list[Found]) -> int:
        """Returns where a line has ended, where the inside of a control string begins, or where an unfinished sequence does."""
        while at < end:
            token = _TOKEN.match(data, at, end)
            assert token is not None
            after = token.end()
            kind = token.lastgroup
            if kind == "begun" and after == end:
                break
            at, self._fresh = after, False
            if kind == "text":
                self._write(token[0])
            elif kind == "csi":
                self._control(token["parameters"], token["csi"], start + at, found)
            elif kind == "motion":
                self._move(token[0], start + at, found)
            elif kind == "escape":
                self._escape(token["escape"], start + at, found)
            elif kind == "newline":
                self._newline(start + at, found)
            elif kind == "string":
                self._string, self._operating = bytearray(), token["string"] == b"]"
                break
            if self._fresh:
                break
        return at

    def _write(self, text: bytes) -> None:
        if not self._alternate:
            shown = text.decode("utf-8", "replace")
            self._row.write(shown if shown.isprintable() else _CONTROL.sub("", shown))

    def _newline(self, offset: int, found: list[Found]) -> None:
        if not self._alternate:
            if self._row.text or not self._row.moved:
                self._end(offset, found)
            self._row = row.Row()
            self._fresh = True

    def _leave(self, offset: int, found: list[Found]) -> None:
        """The cursor goes to another row."""
        if not self._alternate:
            if self._row.text.strip():
                self._end(offset, found)
            self._row = row.Row(moved=True)

    def _end(self, offset: int, found: list[Found]) -> None:
        self._last = self._row.text
        found.append(Line(self._last, offset, self._row.cut))

    def _move(self, byte: bytes, offset: int, found: list[Found]) -> None:
        if byte == b"\a":
            found.append(marks.Mark(marks.Kind.BELL, offset))
        elif byte == b"\r":
            self._row.column = 0
        elif byte == b"\t":
            self._row.tab()
        else:
            self._row.back(1)

    def _escape(self, final: bytes, offset: int, found: list[Found]) -> None:
        if final in (b"D", b"E"):
            self._newline(offset, found)
        elif final == b"7":
            self._row.save()
        elif final == b"M" or (final == b"8" and not self._row.restore()):
            self._leave(offset, found)
        elif final == b"c":
            self._leave(offset, found)
            self._alternate = False

    def _control(self, parameters: bytes, final: bytes, offset: int, found: list[Found]) -> None:
        if final == b"m":
            return
        if parameters[:1] in _PRIVATE:
            if parameters[:1] == b"?" and not _ALTERNATE.isdisjoint(parameters[1:].split(b";")):
                if final == b"h":
                    self._leave(offset, found)
                    self._alternate = True
                elif final == b"l" and self._alternate:
                    self._alternate = False
                    self._row = row.Row(moved=True)
            return
        digits = parameters.partition(b";")[0]
        number = min(int(digits), _FAR) if digits.isdigit() else 0
        line, count = self._row, number or 1
        match final:
            case b"K":
                line.erase(number)
            case b"C" | b"a":
                line.right(count)
            case b"D":
                line.back(count)
            case b"G" | b"`":
                line.to(count - 1)
            case b"P":
                line.delete(count)
            case b"X":
                line.blank(count)
            case b"@":
                line.insert(count)
            case b"J" if number < 2:
                line.erase(number)
            case b"J" if number == 2:
                self._leave(offset, found)
            case b"s":
                line.save()
            case b"u" if not line.restore():
                self._leave(offset, found)
            case _ if final in b"ABEFHLMSTdefr":
                self._leave(offset, found)

    # --- control strings

    def _in_string(
        self, seen: bytearray, data: bytes, at: int, end: int, start: int, found: list[Found]
    ) -> int:
        stop = _STRING_END.search(data, at, end)
        till = stop.start() if stop else end
        room = LONGEST_STRING - len(seen)
        if till - at > room:
            self._string = None
            return at + room
        seen += data[at:till]
        if stop is None:
            return end
        self._string = None
        after = till if stop[0] == b"\x1b" else till + 1  # the escape begins what is next, an ST mostly
        if self._operating and stop[0] in b"\a\x1b":
            mark = self._marks.mark(bytes(seen), start + after, self._last)
            if mark is not None:
                self._mark(mark, found)
        return after

    def _mark(self, mark: marks.Mark, found: list[Found]) -> None:
        if mark.kind is marks.Kind.COMMAND_END:
            self._alternate = False  # its program may have died in there
        if mark.kind in (marks.Kind.COMMAND_END, marks.Kind.OUTPUT_END):
            self._leave(mark.offset, found)
        found.append(mark)


def _bare(block: bytes, start: int) -> list[Line]:
    """Whole lines without any control character. Empty when these are not such."""
    returns = block.count(b"\r")
    if len(block.translate(None, _CONTROL_BYTES)) != len(block) or returns != block.count(b"\r\n"):
        return []
    text = block.decode("utf-8", "replace")
    if not text.isascii() and _C1.search(text):
        return []
    raw = block.split(b"\n")
    raw.pop()
    lengths = list(map(len, raw))
    if max(lengths) > row.LONGEST:
        return []
    lines = text.split("\r\n") if returns == len(raw) else text.replace("\r\n", "\n").split("\n")
    lines.pop()
    offsets = itertools.accumulate(lengths, lambda offset, length: offset + length + 1, initial=start)
    next(offsets)
    return list(map(_line, zip(lines, offsets, itertools.repeat(False))))  # the last has no end


_line = functools.partial(tuple.__new__, Line)
"""Without the wrapper in Python that takes names and defaults: a third of the time."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_C1 = re.compile(r"[\x80-\x9f]")
_CONTROL_BYTES = bytes({*range(0x20), 0x7F} - {*b"\r\n"})
_SHOWS_NOTHING = re.compile(r"\x1b\[(?:[0-9;:]{0,256}m|0?K)|\x1b\([0B]")
"""In a line without returns and backspaces."""
_UNFINISHED = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
_STRING_END = re.compile(rb"[\a\x18\x1a\x1b]")
_TOKEN = re.compile(
    rb"(?P<text>[^\a-\r\x1b]+)"
    rb"|\x1b\[(?P<parameters>[0-?]{0,256})(?P<csi>[@-~])"
    rb"|(?P<motion>[\r\b\t\a])"
    rb"|(?P<newline>[\n\v\f])"
    rb"|\x1b(?P<string>[\]PX^_k])"
    rb"|\x1b(?P<escape>[0-OQ-WYZ\\`a-jl-~])"
    rb"|(?P<nothing>\x1b\[[0-?]{0,256}[ -/]{1,16}[@-~]|\x1b[ -/]{1,16}[0-~])"
    rb"|(?P<begun>\x1b(?:\[[0-?]{0,256}[ -/]{0,16}|[ -/]{0,16}))"
)
_PRIVATE = (b"<", b"=", b">", b"?")
_ALTERNATE = frozenset({b"47", b"1047", b"1049"})
_FAR = 9999
