"""Is the file whole? Judged before anything is opened for writing, so that what is broken is left as it was found."""

from __future__ import annotations

import enum
import json
import os
import sqlite3
import stat
import struct
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.model.errors import Conflict
from orchestra.store import row, schema, trouble

if TYPE_CHECKING:
    import sqlalchemy

_NEWEST = 20_000
"""Rows whose checksums are verified at the start (0.1 s); an older damaged one is told when it is read."""
_WAL_HEADER, _FRAME = 32, 24 + schema.PAGE


class Kind(enum.StrEnum):
    MISSING = "missing"
    SOUND = "sound"
    BROKEN = "broken"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Kind
    reason: str = ""
    unclean: bool = False
    """Who wrote it last did not close it."""


class _Damaged(Exception):
    pass


def guard(path: Path) -> None:
    """`Conflict` when something is there that is not a file of ours: it is never moved or opened."""
    for each in schema.companions(path):
        try:
            found = each.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "not a file"
            raise Conflict(f"{each} is {what}", hint="move it away: orchestra keeps its journal there")
        if found.st_uid != os.geteuid():
            raise Conflict(f"{each} belongs to another user", hint="move it away or give it to yourself")


def look(path: Path, busy: timedelta) -> Verdict:
    """`Conflict` when another program holds it; `trouble.Unavailable` when it cannot be read now."""
    from sqlalchemy import exc

    main, log, _ = schema.companions(path)
    if not main.exists():
        if log.exists():
            return Verdict(Kind.BROKEN, "the file is gone, its write-ahead log is not")
        return Verdict(Kind.MISSING)
    logged = log.stat().st_size if log.exists() else -1
    try:
        _header(main)
        engine = schema.engine(path, {}, mode="ro", busy=busy)
        try:
            with engine.connect() as connection, connection.begin():
                verdict = _look(connection, logged)
        finally:
            engine.dispose()
        if verdict.kind is Kind.SOUND and logged > 0:
            _log(path)
        return verdict
    except _Damaged as error:
        return Verdict(Kind.BROKEN, str(error))
    except (exc.DBAPIError, sqlite3.Error) as error:
        if trouble.is_busy(error):
            raise Conflict(f"another program holds {path} locked", hint="end it, then try again") from error
        if trouble.means(error) is trouble.Means.PASSING:
            raise trouble.Unavailable(f"cannot read {path}: {trouble.words(error)}") from error
        return Verdict(Kind.BROKEN, trouble.words(error))
    except OSError as error:
        raise trouble.Unavailable(f"cannot read {path}: {trouble.words(error)}") from error


def _header(path: Path) -> None:
    """What SQLite would take for another format, another encoding or an empty database."""
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        raise _Damaged("the file is empty")
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise _Damaged("the file is not a database")
    (application,) = struct.unpack_from(">I", header, 68)
    (version,) = struct.unpack_from(">I", header, 60)
    if application != schema.APPLICATION:
        raise _Damaged("the file is not a journal")
    if version > schema.VERSION:
        return  # its own pages may differ; whether it is believed is decided by what it holds
    told = (
        struct.unpack_from(">HBB", header, 16),
        struct.unpack_from(">I", header, 44),
        header[56:60],
        header[64:68],
    )
    wanted = ((schema.PAGE, 2, 2), (4,), b"\0\0\0\1", b"\0\0\0\1")
    if told != wanted or header[20:24] != b"\0@  " or version != schema.VERSION:
        raise _Damaged("the file's header is damaged")


def _look(connection: sqlalchemy.Connection, logged: int) -> Verdict:
    version = schema.scalar(connection, "PRAGMA user_version")
    told = _value(connection, schema.FORMAT)
    if version > schema.VERSION and told == version:
        return Verdict(Kind.NEWER, f"it is of version {version}, this orchestra knows {schema.VERSION}")
    if version != told:
        raise _Damaged("the file's header is damaged")
    tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").all()
    if {each[0]: each[1] for each in tables} != schema.TABLES:
        raise _Damaged("its tables are not a journal's")
    if (found := schema.scalar(connection, "PRAGMA quick_check(1)")) != "ok":
        raise _Damaged(" ".join(str(found).split())[:200])
    if not isinstance(sequence := _value(connection, schema.SEQUENCE), int):
        raise _Damaged("the highest sequence number is missing")
    if (schema.scalar(connection, "SELECT max(sequence) FROM events") or 0) > sequence:
        raise _Damaged("it holds events beyond the highest sequence number")
    for each in connection.exec_driver_sql("SELECT key, value, revision, crc FROM state"):
        if not row.is_whole_state(each):
            raise _Damaged("an entry of the state is damaged")
    statement = f"SELECT {schema.EVENT_COLUMNS} FROM events ORDER BY sequence DESC LIMIT {_NEWEST}"  # noqa: S608
    for each in connection.exec_driver_sql(statement):
        if not row.is_whole(each):
            raise _Damaged(f"event {each[0]} is damaged")
    unclean = _value(connection, schema.OPEN) is True
    if unclean and logged < _WAL_HEADER + _FRAME:
        raise _Damaged("it was not closed, and its write-ahead log is gone: the last events are lost")
    return Verdict(Kind.SOUND, unclean=unclean)


def _value(connection: sqlalchemy.Connection, key: str) -> object:
    found = connection.exec_driver_sql(
        "SELECT key, value, revision, crc FROM state WHERE key = ?", (key,)
    ).one_or_none()
    if found is None or not row.is_whole_state(found):
        raise _Damaged("an entry of the state is damaged")
    return json.loads(found[1])


def _log(path: Path) -> None:
    """SQLite passes over a log's rest from the first bad frame on; a commit in that rest is a loss, and nobody would say so.

    A process that is killed leaves no such rest: it writes the commit's frame last.
    """
    _, log, index = schema.companions(path)
    header = log.read_bytes()[:_WAL_HEADER]
    if len(header) < _WAL_HEADER or not index.exists():
        return
    used = _used(index.read_bytes())
    salts = header[16:24]
    if used == 0 and not _is_header_whole(header):
        raise _Damaged("the header of its write-ahead log is damaged: the last events may be lost")
    with log.open("rb") as file:
        file.seek(_WAL_HEADER + used * _FRAME)
        while len(frame := file.read(_FRAME)) == _FRAME:
            _, commit = struct.unpack_from(">II", frame)
            if commit and frame[8:16] == salts:
                raise _Damaged("its write-ahead log is damaged: the last events may be lost")


def _used(index: bytes) -> int:
    """Frames that SQLite found whole, as it noted in the log's index; every frame when that cannot be read."""
    return int(struct.unpack_from("=I", index, 16)[0]) if len(index) >= 136 else 2**31


def _is_header_whole(header: bytes) -> bool:
    order = ">" if header[3] & 1 else "<"
    first = second = 0
    words = struct.unpack(f"{order}6I", header[:24])
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return struct.unpack(">II", header[24:32]) == (first, second)
