"""What a probe or command said, made fit for one line of anybody's screen."""

from __future__ import annotations

import errno
import os

_LENGTH = 200
OURS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN))
"""Errors that say nothing about whom we called: we ran out of something ourselves."""


def line(text: str) -> str:
    """Without control characters, direction marks and line ends; cut to 200 characters."""
    words = "".join(
        character if character.isprintable() else " " for character in text[: 8 * _LENGTH]
    ).split()
    said = " ".join(words)
    return said if len(said) <= _LENGTH else f"{said[: _LENGTH - 1]}…"


def last_line(output: bytes) -> str:
    """The last that says anything; "" when none does."""
    lines = (line(each) for each in reversed(output.decode("utf-8", errors="replace").splitlines()))
    return next((each for each in lines if each), "")


def of(error: OSError) -> str:
    """The error's own words: asyncio buries the number under a sentence of its own."""
    if error.errno is not None and error.errno > 0:
        return line(os.strerror(error.errno).lower())
    return line(str(error)) or type(error).__name__
