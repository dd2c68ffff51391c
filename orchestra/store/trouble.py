"""What went wrong with the file, and what that means: wait, repair, or it is our own mistake."""

from __future__ import annotations

import enum
import sqlite3

from orchestra.model.errors import OrchestraError


class Unavailable(OrchestraError):
    """Try again later: the file could not be read or written now; what was acknowledged is safe."""


class Broken(Exception):
    """The file is no journal any more, though SQLite reads it. Seen by the writer alone, which has it repaired."""


class Means(enum.StrEnum):
    PASSING = "passing"
    """The disk is full, the file is locked: it may work in a moment."""
    BROKEN = "broken"
    OURS = "ours"


_BROKEN = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_CONSTRAINT,  # a number above the highest is taken: the file contradicts itself
}
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_NOLFS,
}


def means(error: BaseException) -> Means:
    if isinstance(error, OSError):
        return Means.PASSING
    code = _code(error)
    if code in _BROKEN or isinstance(error, Broken):
        return Means.BROKEN
    if code == sqlite3.SQLITE_ERROR and str(_cause(error)).startswith(("no such table", "no such column")):
        return Means.BROKEN
    return Means.PASSING if code in _PASSING else Means.OURS


def is_busy(error: BaseException) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def words(error: BaseException) -> str:
    """One line, without SQLAlchemy's statement and parameters: they hold what users wrote."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    cause = _cause(error)
    name = getattr(cause, "sqlite_errorname", "")
    text = " ".join(str(cause).split())[:200] or type(cause).__name__
    return f"{text} ({name})" if name else text


def _code(error: BaseException) -> int:
    """The primary one; -1 where SQLite did not give it."""
    found = getattr(_cause(error), "sqlite_errorcode", None)
    return found & 0xFF if isinstance(found, int) else -1


def _cause(error: BaseException) -> BaseException:
    """The driver's own error, which SQLAlchemy wraps."""
    inner = getattr(error, "orig", None)
    return inner if isinstance(inner, BaseException) else error
