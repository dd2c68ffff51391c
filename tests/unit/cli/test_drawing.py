"""One pane on another terminal."""

from __future__ import annotations

import pytest

from orchestra.cli.by_hand import drawing
from orchestra.model import hand


def screen(*lines: bytes, column: int = 0, row: int = 0, cursor: bool = True) -> hand.Screen:
    return hand.Screen(
        lines=lines,
        width=80,
        height=len(lines),
        column=column,
        row=row,
        cursor=cursor,
        application_cursor=False,
        application_keypad=False,
        dead=False,
    )


def test_all_of_it_and_the_hint_below() -> None:
    drawn = drawing.frame(screen(b"one", b"two", column=3, row=1), 80, 4, "how to leave")
    assert b"\x1b[1;1H\x1b[0m\x1b[2Kone" in drawn
    assert b"\x1b[2;1H\x1b[0m\x1b[2Ktwo" in drawn
    assert b"\x1b[4;1H\x1b[2mhow to leave" in drawn
    assert drawn.endswith(b"\x1b[2;4H\x1b[?25h\x1b[?2026l")


def test_what_is_larger_is_shown_around_the_cursor_in_its_colours() -> None:
    drawn = drawing.frame(screen(b"a\x1b[31mb", b"c", b"d\x1b[0m", b"e", column=200, row=2), 10, 2, "no room")
    assert b"no room" not in drawn
    assert b"\x1b[1;1H\x1b[0m\x1b[2K\x1b[31mc" in drawn
    assert b"\x1b[2;1H\x1b[0m\x1b[2K\x1b[31md" in drawn
    assert b"e" not in drawn.replace(b"\x1b[?2026", b"")
    assert b"\x1b[2;10H" in drawn


def test_a_cursor_that_is_hidden_stays_so() -> None:
    assert b"\x1b[?25h" not in drawing.frame(screen(b"x", cursor=False), 80, 1, "")


@pytest.mark.parametrize(
    ("pieces", "typed", "left"),
    [
        ([b"abc"], b"abc", False),
        ([b"a\x02d"], b"a", True),
        ([b"a\x02", b"d"], b"a", True),
        ([b"\x02\x02d"], b"\x02d", False),
        ([b"\x02x"], b"\x02x", False),
        ([b"\x1b[A\x04"], b"\x1b[A\x04", False),
    ],
)
def test_keys(pieces: list[bytes], typed: bytes, left: bool) -> None:
    keys = drawing.Keys(b"\x02", leave_on_eof=False)
    found = [keys.typed(each) for each in pieces]
    assert b"".join(each for each, _ in found) == typed
    assert any(leave for _, leave in found) is left


def test_the_end_leaves_where_that_was_asked() -> None:
    assert drawing.Keys(b"\x02", leave_on_eof=True).typed(b"ab\x04c") == (b"ab", True)


@pytest.mark.parametrize(
    ("name", "byte"), [("C-b", b"\x02"), ("C-a", b"\x01"), ("C-]", b"\x1d"), ("^A", b"\x01"), ("F1", b"\x02")]
)
def test_prefixes(name: str, byte: bytes) -> None:
    assert drawing.control(name) == byte
