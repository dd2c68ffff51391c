from __future__ import annotations

import errno

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.host import reason


@hypothesis.given(strategies.text())
def test_line_is_one_printable_line(text: str) -> None:
    line = reason.line(text)
    assert line.isprintable()
    assert len(line) <= 200
    assert reason.line(line) == line


@hypothesis.given(strategies.binary())
def test_last_line_takes_any_bytes(output: bytes) -> None:
    assert reason.last_line(output).isprintable()


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (b"", ""),
        (b"a\nb\n", "b"),
        (b"a\n \x1b\n", "a"),
        (b"a\r\nb\r\n", "b"),
        (b"\xff", "�"),
        (b"a\x1b[2Jb", "a [2Jb"),
    ],
)
def test_last_line_is_the_last_that_says_anything(output: bytes, line: str) -> None:
    assert reason.last_line(output) == line


def test_of_an_error() -> None:
    assert (
        reason.of(OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")) == "connection refused"
    )
    assert reason.of(ConnectionError("closed")) == "closed"
    assert reason.of(ConnectionError()) == "ConnectionError"
