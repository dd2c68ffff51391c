"""Raw output into lines and marks: tables of examples, and whatever bytes there are against the naive reading of them."""

from __future__ import annotations

import itertools
import os
import random
import re
import tracemalloc

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.tmux import marks, row, stream
from tests.unit.tmux import naive_stream

TOKEN = "7f3a"
INPUTS = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else 20_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
KIND = marks.Kind


def read(data: bytes, token: str = TOKEN) -> list[stream.Found]:
    return stream.Stream(token).feed(data)


def byte_by_byte(data: bytes, token: str = TOKEN) -> list[stream.Found]:
    reader = stream.Stream(token)
    return [each for at in range(len(data)) for each in reader.feed(data[at : at + 1])]


def texts(found: list[stream.Found]) -> list[str]:
    return [each.text for each in found if isinstance(each, stream.Line)]


LINES = {
    b"": [],
    b"\n": [""],
    b"one\r\ntwo\n": ["one", "two"],
    b"no end": [],
    b"a\r\r\n": ["a"],
    b"10%\r20%\rdone\n": ["done"],
    b"abcdef\rXY\n": ["XYcdef"],
    b"abcdef\rXY\x1b[K\n": ["XY"],
    b"abcdef\r\x1b[KXY\n": ["XY"],
    b"abcdef\r\x1b[K\n": [""],
    b"abcdef\x1b[3D\x1b[1K!\n": ["   !ef"],
    b"abc\x1b[2Kdef\n": ["   def"],
    b"abcdef\x1b[3GX\n": ["abXdef"],
    b"abcdef\x1b[GX\n": ["Xbcdef"],
    b"ab\x1b[3Cc\n": ["ab   c"],
    b"abc\x1b[2DX\n": ["aXc"],
    b"abc\b\bX\n": ["aXc"],
    b"\b\b\babc\x1b[99DX\n": ["Xbc"],
    b"a\tb\n": ["a       b"],
    b"a\t\n": ["a"],
    b"12345678\rab\tcd\n": ["ab345678cd"],
    b"abcdef\x1b[4D\x1b[2P\n": ["abef"],
    b"abcdef\x1b[4D\x1b[2X\n": ["ab  ef"],
    b"abef\x1b[2D\x1b[2@cd\n": ["abcdef"],
    b"\x1b[1;32mgreen\x1b[0m\x1b[K plain\x1b(B\x1b[m\r\n": ["green plain"],
    b"\x1b[38:2::1:2:3mcolon\x1b[m\n": ["colon"],
    b"\x1b7abc\x1b8X\n": ["Xbc"],
    b"\x1b[sabc\x1b[uX\n": ["Xbc"],
    b"\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n": ["textlink"],
    b"a\x1bPq#0;1\x1b\\b\x1b_apc\x07c\x1b^pm\x1b\\d\x1bXsos\x1b\\e\x1bkname\x1b\\f\n": ["abcdef"],
    b"a\x1b]0;x\ny\x07b\n": ["ab"],
    b"a\x1b]0;x\x18b\x1b[\x1am\n": ["abm"],
    b"a\x1b(0\x0eb\x0f\x1b)B\x1b#8\x1b[2 q\x1b[?25l\x1b[>4;1mc\n": ["abc"],
    b"a\x1b[1\n2mb\n": ["a", "2mb"],
    b"a\x00\x01b\x7fc\xc2\x85d\n": ["abcd"],
    b"\xff\xc3(\xe2\x82\xac\xf0\x9f\x98\x80\n": ["\ufffd\ufffd(€😀"],
    b"\xe2\x82\n": ["\ufffd"],
    b"\xc3\x1b[m\xa9\n": ["\ufffd\ufffd"],
    b"one\x0btwo\x0cthree\x1bDfour\x1bEfive\n": ["one", "two", "three", "four", "five"],
    # rows
    b"left\x1b[Aright\n": ["left", "right"],
    b"\x1b[2J\x1b[Htop\x1b[10;5Hmiddle\x1b[24dbottom\n": ["top", "middle", "bottom"],
    b"\x1b[3A\x1b[2K\rone 5%\x1b[B\rtwo 9%\x1b[2B\r\n\n": ["one 5%", "two 9%", ""],
    b"foo\x1b[2Jbar\n": ["foo", "bar"],
    b"foo\x1b[3Jbar\n": ["foobar"],
    b"foo\x1b[Jbar\n": ["foobar"],
    b"a\x1b7b\nc\x1b8d\n": ["ab", "c", "d"],
    b"old\x1bcnew\n": ["old", "new"],
    # the alternate screen
    b"$ vi\x1b[?1049hfile\r\n~\x1b[5;5Hx\n\x1b[?1049lafter\n": ["$ vi", "after"],
    b"\x1b[?1;47hin\n\x1b[?47lout\n\x1b[?1047h\x1bcreset\n": ["out", "reset"],
    # what a shell does between two commands
    b"foo\x1b]133;D;0\x07$ \n": ["foo", "$ "],
    b"%    \r \r\r\x1b[0m\x1b[J$ ls\x1b[K\r\n": ["$ ls"],
    # the wrapper's last question
    b"bye\r\n\x1b\\\x1b[5n": ["bye"],
}


@pytest.mark.parametrize("data", LINES, ids=repr)
def test_lines(data: bytes) -> None:
    found = read(data)
    assert texts(found) == LINES[data]
    assert found == naive_stream.read(data, TOKEN) == byte_by_byte(data)


MARKS = {
    b"\x1b]133;A\x07$ \x1b]133;B\x1b\\\x1b]133;C;x\x07\x1b]133;D\x07": [
        marks.Mark(KIND.PROMPT_START, 8),
        marks.Mark(KIND.PROMPT_END, 17),
        marks.Mark(KIND.OUTPUT_START, 29),
        marks.Mark(KIND.OUTPUT_END, 37),
    ],
    b"\x1b]133;D;130;aid=1\x07": [marks.Mark(KIND.OUTPUT_END, 18, exit_code=130)],
    b"\x1b]133;D;lots\x07\x1b]133;Z\x07\x1b]1337;A\x07": [marks.Mark(KIND.OUTPUT_END, 13)],
    b"\x07\x1b]2;t\xc3\xa9\x01\xc2\x9bxt\x07": [
        marks.Mark(KIND.BELL, 1),
        marks.Mark(KIND.TITLE, 14, "téxt"),
    ],
    b"\x1b]7717;7f3a;start;1;a%0ab%25%1b\x07\x1b]7717;7f3a;end;1;255\x07": [
        marks.Mark(KIND.COMMAND_START, 32, "a\nb%\x1b", number=1),
        marks.Mark(KIND.COMMAND_END, 54, number=1, exit_code=255),
    ],
    b"\x1b]7717;7f3a;start;3;a;b\x07": [marks.Mark(KIND.COMMAND_START, 24, "a;b", number=3)],
    # an empty line, or a prompt drawn anew, ends nothing twice
    b"\x1b]7717;7f3a;end;0;0\x07": [],
    b"\x1b]7717;7f3a;end;2;0\x07\x1b]7717;7f3a;end;2;130\x07": [
        marks.Mark(KIND.COMMAND_END, 20, number=2, exit_code=0)
    ],
    # replayed, and out of order
    b"\x1b]7717;7f3a;start;2;x\x07\x1b]7717;7f3a;start;2;y\x07\x1b]7717;7f3a;end;1;0\x07": [
        marks.Mark(KIND.COMMAND_START, 22, "x", number=2)
    ],
    # forged
    b"\x1b]7717;7f3b;start;1;x\x07\x1b]7717;;start;1;x\x07\x1b]7717;start;1;x\x07\x1b]7717;7f3a\x07": [],
    b"\x1b]7717;7f3a;begin;1;x\x07\x1b]7717;7f3a;end;1;\x07\x1b]7717;7f3a;start;x;x\x07": [],
    # cancelled, and without an end
    b"\x1b]7717;7f3a;start;1;x\x18\x1b]7717;7f3a;start;1;x": [],
}


@pytest.mark.parametrize("data", MARKS, ids=repr)
def test_marks(data: bytes) -> None:
    found = read(data)
    assert [each for each in found if isinstance(each, marks.Mark)] == MARKS[data]
    assert found == naive_stream.read(data, TOKEN) == byte_by_byte(data)


def test_without_a_token_no_command_is_believed() -> None:
    assert read(b"\x1b]7717;;start;1;x\x07\x1b]7717;7f3a;start;1;x\x07", token="") == []


def test_a_command_the_history_did_not_take_is_known_when_it_was_echoed() -> None:
    again = b"\x1b]7717;7f3a;again;1;make\x07"
    assert [each.text for each in read(b"$ make\r\n" + again)] == ["$ make", "make"]
    assert [each.text for each in read(b"$  secret\r\n" + again)] == ["$  secret", ""]


def test_a_command_that_died_in_the_alternate_screen_has_left_it() -> None:
    data = b"\x1b[?1049hfull\n\x1b]7717;7f3a;end;1;137\x07$ ls\nfile\n"
    assert texts(read(data)) == ["$ ls", "file"]
    assert texts(read(data, token="other")) == []


def test_offsets_are_where_reading_can_go_on() -> None:
    data = b"one\r\n\x1b[1mtwo\x1b[m\n10%\r99%\r\nfour\xe2\x82\xac\n"
    found = read(data)
    assert [each.offset for each in found] == [5, 16, 25, 33]
    for each in found:
        assert texts(read(data[each.offset :])) == texts(
            [later for later in found if later.offset > each.offset]
        )


def test_partial_is_the_line_as_it_stands() -> None:
    reader = stream.Stream()
    reader.feed(b"out\n\x1b]133;A\x07\x1b[1m$ \x1b[mls\b\x1b[Ko\xe2\x82")
    assert reader.partial() == "$ lo"
    reader.feed(b"\xac\x1b[")
    assert reader.partial() == "$ lo€"


@pytest.mark.parametrize("character", [b"x", "é".encode(), b"\xff"])
def test_a_long_line_is_cut_once(character: bytes) -> None:
    exact = character * row.LONGEST
    found = read(exact + b"\n" + exact + character + b"\rab\nnext\n")
    one = character.decode("utf-8", "replace")
    assert [(each.text, each.cut) for each in found if isinstance(each, stream.Line)] == [
        (one * row.LONGEST, False),
        ("ab" + one * (row.LONGEST - 2), True),
        ("next", False),
    ]  # fmt: skip


def test_a_string_without_an_end_is_given_up() -> None:
    for letter in b"]PX^_k":
        begun = b"a\x1b" + bytes([letter])
        full = b"x" * stream.LONGEST_STRING
        assert texts(read(begun + full + b"\x07b\n")) == ["ab"]
        assert texts(read(begun + full + b"yz\x07b\n")) == ["ayzb"]
        pieces = stream.Stream()
        assert texts([*pieces.feed(begun + full[:-1]), *pieces.feed(b"xyz\n")]) == ["ayz"]


@pytest.mark.parametrize(
    "unit",
    [b"x", b"\xff", b"ab\r", b"\x1b[31mx", b"\t", b"\x1b[9999Cx\r", b"\x1b]0;", b"\x1b[1;", b"\x1b[999@x", b"\x1b_x"],
    ids=repr,
)  # fmt: skip
def test_memory_is_bounded(unit: bytes) -> None:
    """A quarter of a megabyte without a newline."""
    reader, chunk = stream.Stream(TOKEN), unit * (8192 // len(unit))
    reader.feed(chunk)
    tracemalloc.start()
    try:
        for _ in range(32):
            assert len(reader.feed(chunk)) <= len(chunk) // 4
        assert tracemalloc.get_traced_memory()[1] < 250_000 + 64 * stream.LONGEST_STRING // 16
    finally:
        tracemalloc.stop()


PIECES = (
    b"\n", b"\r\n", b"\r", b"\b", b"\t", b"\a", b"\v", b"\x00", b"\x18", b"\x1b", b"\x7f", b" ", b"abc", b"word word ", b"x" * 30,
    "é€😀日本".encode(), b"\xc2\x85", b"\xff", b"\xe2\x82", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f",
    b"\x1b[", b"0", b"12;3", b"m", b"K", b"H", b";", b"\x1b[m", b"\x1b[1;31m", b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[3C", b"\x1b[2D",
    b"\x1b[5G", b"\x1b[2P",
    b"\x1b[2X", b"\x1b[2@", b"\x1b[J", b"\x1b[1J", b"\x1b[2J", b"\x1b[A", b"\x1b[5;5H", b"\x1b[s", b"\x1b[u", b"\x1b7", b"\x1b8",
    b"\x1bM", b"\x1bE", b"\x1bc", b"\x1b(B", b"\x1b(0", b"\x1b#8", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25l", b"\x1b[>c",
    b"\x1b[600C", b"\x1b[1 q", b"\x1b]", b"\x1b]0;t", b"\x1b]133;", b"D", b"\x1b]133;D;1\x07", b"\x1bP", b"\x1b_", b"\x1bk", b"\x1b\\",
    b"\x1b]7717;7f3a;start;1;ls\x07", b"\x1b]7717;7f3a;end;1;0\x07", b"\x1b]7717;7f3a;again;2;abc\x07", b"7717;", b"7f3a;end;2;3",
)  # fmt: skip


@hypothesis.given(
    strategies.binary(max_size=300) | strategies.lists(strategies.sampled_from(PIECES)).map(b"".join)
)
def test_any_bytes_as_the_naive_reading(data: bytes) -> None:
    assert read(data) == naive_stream.read(data, TOKEN)


@hypothesis.given(
    strategies.lists(strategies.sampled_from(PIECES) | strategies.binary(max_size=8)).map(b"".join),
    strategies.lists(strategies.integers(0, 400)),
)
def test_pieces_do_not_matter(data: bytes, cuts: list[int]) -> None:
    whole, cut = stream.Stream(TOKEN), stream.Stream(TOKEN)
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    found = [each for at, end in itertools.pairwise(edges) for each in cut.feed(data[at:end])]
    assert found == whole.feed(data)
    assert cut.partial() == whole.partial()


@pytest.mark.torture
@pytest.mark.parametrize("part", range(4))
def test_a_great_many_inputs(part: int) -> None:
    """A million under the torture profile: no exception, no control character, as the naive reading, and the same in two pieces."""
    dice = random.Random(part)
    for _ in range(INPUTS // 4):
        data = b"".join(dice.choices(PIECES, k=dice.randrange(12)))
        if dice.random() < 0.3:
            data += dice.randbytes(dice.randrange(24))
        found = read(data)
        assert found == naive_stream.read(data, TOKEN), data
        at, cut = dice.randrange(len(data) + 1), stream.Stream(TOKEN)
        assert [*cut.feed(data[:at]), *cut.feed(data[at:])] == found, (data, at)
        for line in texts(found):
            assert line.isprintable() or not CONTROL.search(line), data
