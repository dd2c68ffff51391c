"""A pane's screen on a terminal of another size: pure, text in and text out."""

from __future__ import annotations

import re

from orchestra.model import hand

BEGIN = b"\x1b[?1049h\x1b[?7l\x1b)0\x1b[2J"
"""Another screen, without wrapping; tmux tells of line drawings as of the second set of letters."""
END = b"\x1b[0m\x0f\x1b[?7h\x1b[?1l\x1b>\x1b[?25h\x1b[?1049l"
_COLOURS = re.compile(rb"\x1b\[[0-9;:]*m")
_PLAIN = (b"\x1b[m", b"\x1b[0m")


def frame(screen: hand.Screen, columns: int, rows: int, hint: str) -> bytes:
    """All of it, or the part around the cursor where the terminal is the smaller one. `hint` stands below, where there is room."""
    top = 0
    if screen.height > rows:
        top = min(max(0, screen.row - rows + 1), screen.height - rows)
    lines = [*screen.lines, *([b""] * (screen.height - len(screen.lines)))]
    drawn = [b"\x1b[?2026h\x1b[?25l", b"\x1b[?1h" if screen.application_cursor else b"\x1b[?1l"]
    drawn.append(b"\x1b=" if screen.application_keypad else b"\x1b>")
    colours = b""
    for number, line in enumerate(lines[: top + rows]):
        if number >= top:
            drawn.append(b"\x1b[%d;1H\x1b[0m\x1b[2K%s%s\x0f" % (number - top + 1, colours, line))
        colours = _after(colours, line)
    shown = min(screen.height, rows)
    drawn.append(b"\x1b[0m")
    if rows > shown:
        drawn.append(b"\x1b[%d;1H\x1b[J" % (shown + 1))
        drawn.append(b"\x1b[%d;1H\x1b[2m%s\x1b[0m" % (rows, hint[: columns - 1].encode()))
    drawn.append(b"\x1b[%d;%dH" % (screen.row - top + 1, min(screen.column, columns - 1) + 1))
    if screen.cursor:
        drawn.append(b"\x1b[?25h")
    drawn.append(b"\x1b[?2026l")
    return b"".join(drawn)


def _after(colours: bytes, line: bytes) -> bytes:
    """What colours hold at the line's end."""
    for each in _COLOURS.findall(line):
        colours = b"" if each in _PLAIN else colours + each
    return colours


class Keys:
    """What is typed into the terminal: what goes to the pane, and whether it is to be left."""

    def __init__(self, prefix: bytes, *, leave_on_eof: bool) -> None:
        """`prefix` and then d leaves; `prefix` twice types it."""
        self._prefix = prefix
        self._held = False
        self._eof = leave_on_eof

    def typed(self, data: bytes) -> tuple[bytes, bool]:
        found = bytearray()
        for number in data:
            each = bytes((number,))
            if self._held:
                self._held = False
                if each == b"d":
                    return bytes(found), True
                found += each if each == self._prefix else self._prefix + each
            elif each == self._prefix:
                self._held = True
            elif self._eof and each == b"\x04":
                return bytes(found), True
            else:
                found += each
        return bytes(found), False


def control(name: str) -> bytes:
    """tmux's `C-b` as the byte it is; C-b where it is a key that is no byte."""
    found = re.fullmatch(r"(?:C-|\^)([a-zA-Z@\[\]\\^_ ])", name)
    return bytes((ord(found[1].upper()) & 0x1F,)) if found else b"\x02"
