"""The text that is imported, and what lies beside it: bounded, only from regular files, so that nothing hangs and nothing grows."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from orchestra.discover import limits
from orchestra.model import diagnostic, dotenv, errors
from orchestra.model.frozen import frozen

STDIN = "-"
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
"""Control characters, and the two that mark variables while we translate."""
ENV_NAME = re.compile(r"(?!TMUX\Z|TMUX_PANE\Z|ORCHESTRA_)[A-Za-z_][A-Za-z0-9_]{0,255}\Z")
"""What a manifest may set."""
MOST_VARIABLES = 900
LONGEST_PATH = 200


@frozen
class Source:
    file: str
    """As it is told: a path, or `-`."""
    text: str
    folder: Path
    """Where its relative paths begin."""

    @property
    def name(self) -> str:
        return "" if self.file == STDIN else Path(self.file).name


def read(file: str) -> Source:
    """Raises ManifestError."""
    try:
        content = sys.stdin.buffer.read(limits.FILE_BYTES + 1) if file == STDIN else _bytes(file)
    except FileNotFoundError:
        raise refused(f"there is no file {file}", hint=f"paths begin at {Path.cwd()}") from None
    except (OSError, ValueError) as failed:
        raise refused(f"cannot read {file}: {getattr(failed, 'strerror', None) or failed}") from failed
    folder = Path.cwd() if file == STDIN else Path(os.path.abspath(file)).parent  # noqa: PTH100 - symlinks stay
    return Source(file=file, text=_decoded(file, content), folder=folder)


def refused(
    summary: str, at: diagnostic.Location | None = None, *, hint: str | None = None
) -> errors.ManifestError:
    severity = diagnostic.Severity.ERROR
    return errors.ManifestError(
        [diagnostic.Diagnostic(severity=severity, summary=summary, location=at, hint=hint)]
    )


def env_file_fault(source: Source, path: str) -> str | None:
    """Why `path`, relative to the source, cannot be a manifest's `env_file`; never what stands in it."""
    try:
        content = _bytes(str(source.folder / Path(path).expanduser()))
        names = [each.name for each in dotenv.assignments(content.removeprefix(b"\xef\xbb\xbf").decode())]
    except FileNotFoundError:
        return "there is no such file"
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    except dotenv.Malformed as failed:
        return f"line {failed.line}: {failed}"
    except (OSError, ValueError, RuntimeError) as failed:
        return f"it cannot be read: {getattr(failed, 'strerror', None) or failed}"
    if len(content) > limits.FILE_BYTES or len(names) > MOST_VARIABLES:
        return "it is too large"
    if FORBIDDEN.search(content.decode()):
        return "it holds control characters"
    if not all(ENV_NAME.match(name) for name in names):
        return "it sets a variable that panes cannot be given"
    return None


def exists(source: Source, name: str) -> bool:
    return os.path.isfile(source.folder / name)  # noqa: PTH113 - Path.is_file() raises where it may not look


def is_folder(source: Source, name: str) -> bool:
    return os.path.isdir(source.folder / name)  # noqa: PTH112 - as above


def _bytes(file: str) -> bytes:
    """At most one byte more than allowed."""
    # A FIFO without a writer would hold open() up for ever.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        return stream.read(limits.FILE_BYTES + 1)


def _decoded(file: str, content: bytes) -> str:
    if len(content) > limits.FILE_BYTES:
        raise refused(f"{file} is larger than {limits.FILE_BYTES // 1024} KiB")
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as failed:
        line = content.count(b"\n", 0, failed.start) + 1
        column = failed.start - content.rfind(b"\n", 0, failed.start)
        raise refused("this is not UTF-8 text", location(file, line, column)) from None
    text = text.replace("\r\n", "\n")
    if found := FORBIDDEN.search(text):
        line, column = position(text, found.start())
        what = f"the character {found.group()!a} is not text"
        raise refused(what, location(file, line, column))
    return text


def location(file: str, line: int, column: int, path: str = "") -> diagnostic.Location:
    return diagnostic.Location(file=file, line=line, column=column, path=path[-LONGEST_PATH:])


def position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
