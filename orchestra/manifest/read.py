"""The bytes of a file, as text: bounded, only from regular files, so that nothing hangs and nothing grows."""

from __future__ import annotations

import os
import re
import stat
import sys

from orchestra.manifest import limits
from orchestra.manifest.problem import Problems
from orchestra.model.diagnostic import Location

STDIN = "-"
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


def text(
    file: str, problems: Problems, *, named_at: Location | None = None, most: int = limits.FILE_BYTES
) -> str | None:
    """None: complained about, at `named_at` where another file names this one."""
    try:
        content = _bytes(file, most)
    except FileNotFoundError:
        problems.add(named_at, f"there is no file {file}")
        return None
    except IsADirectoryError:
        problems.add(named_at, f"{file} is a directory, not a file")
        return None
    except (OSError, ValueError) as failed:
        problems.add(named_at, f"cannot read {file}: {getattr(failed, 'strerror', None) or failed}")
        return None
    if len(content) > most:
        problems.add(named_at, f"{file} is larger than {most // 1024} KiB")
        return None
    return _decoded(file, content, problems)


def _bytes(file: str, most: int) -> bytes:
    """At most one byte more than allowed."""
    if file == STDIN:
        return sys.stdin.buffer.read(most + 1)
    # A FIFO without a writer would hold open() up for ever.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is open already
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise ValueError("it is not a regular file")
        return stream.read(most + 1)


def _decoded(file: str, content: bytes, problems: Problems) -> str | None:
    try:
        decoded = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as failed:
        before = content[: failed.start].decode(errors="replace")
        problems.add(
            place(file, before, len(before)), "this is not UTF-8 text", hint="save the file as UTF-8"
        )
        return None
    if found := FORBIDDEN.search(decoded):
        at = place(file, decoded, found.start())
        what = "a NUL byte" if found.group() == "\x00" else f"the control character {found.group()!a}"
        problems.add(
            at, f"{what} is not allowed here", hint='in a "double-quoted" text it may be written as an escape'
        )
        return None
    return decoded


def place(file: str, text: str, offset: int) -> Location:
    line_start = text.rfind("\n", 0, offset) + 1
    return Location(file=file, line=text.count("\n", 0, offset) + 1, column=offset - line_start + 1)
