"""The tables, and how the file is opened.

SQLAlchemy is imported where it is used: it costs 15 MB and 0.2 s, which a command that reads no journal does not pay.
"""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy

VERSION = 1
APPLICATION = 0x6F726A6C  # "orjl"
PAGE = 4096

EVENTS = """\
CREATE TABLE events (
 sequence INTEGER PRIMARY KEY,
 time INTEGER NOT NULL,
 type TEXT NOT NULL,
 workspace TEXT NOT NULL,
 address TEXT NOT NULL,
 cause TEXT NOT NULL,
 body TEXT NOT NULL,
 crc INTEGER NOT NULL
)"""
STATE = """\
CREATE TABLE state (
 key TEXT PRIMARY KEY NOT NULL,
 value TEXT NOT NULL,
 revision INTEGER NOT NULL,
 crc INTEGER NOT NULL
)"""
TABLES = {"events": EVENTS, "state": STATE}
EVENT_COLUMNS = "sequence, time, type, workspace, address, cause, body, crc"

INSERT = f"INSERT INTO events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - no input in it
PUT = """\
INSERT INTO state (key, value, revision, crc) VALUES (?, ?, ?, ?)
 ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision, crc = excluded.crc"""

RESERVED = "journal."
"""Keys of the state that are our own begin so."""
SEQUENCE = "journal.sequence"
"""The highest number ever given, also after its event is gone."""
OPEN = "journal.open"
"""True while a writer has the file: at the next start a write-ahead log must be there."""
FORMAT = "journal.version"
"""Also in the file's header: a newer version is believed only when both say so."""

BUILDING: Mapping[str, object] = {
    "page_size": PAGE,
    "auto_vacuum": "INCREMENTAL",
    "journal_mode": "MEMORY",
    "synchronous": "OFF",
    "application_id": APPLICATION,
    "user_version": VERSION,
}
WRITING: Mapping[str, object] = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "fullfsync": "ON",  # macOS, where fsync alone does not reach the disk
    "journal_size_limit": 8 * 1024 * 1024,
}
READING: Mapping[str, object] = {"query_only": "ON"}


def engine(
    path: Path,
    pragmas: Mapping[str, object],
    *,
    mode: str = "rw",
    immutable: bool = False,
    busy: timedelta = timedelta(seconds=2),
    pool: bool = False,
) -> sqlalchemy.Engine:
    """Opens nothing yet. Transactions begin with the write lock, save where one only reads."""
    import sqlalchemy
    import sqlalchemy.pool

    # As an address, so that SQLite takes a mode and no character of the path means anything.
    address = f"file:{urllib.parse.quote(os.fsencode(path.absolute()))}?mode={mode}"
    if immutable:
        address += "&immutable=1"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address,
            uri=True,
            timeout=busy.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # Text that a flipped bit made no UTF-8 is for the row's checksum to find, not for the driver to refuse.
            connection.text_factory = _text
            for name, value in {"trusted_schema": "OFF", "cell_size_check": "ON", **pragmas}.items():
                connection.execute(f"PRAGMA {name} = {value}").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection

    made = sqlalchemy.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sqlalchemy.pool.QueuePool if pool else sqlalchemy.pool.NullPool,
    )
    begin = "BEGIN" if mode == "ro" else "BEGIN IMMEDIATE"
    sqlalchemy.event.listen(made, "begin", lambda connection: connection.exec_driver_sql(begin))
    return made


def scalar(connection: sqlalchemy.Connection, statement: str, *values: Any) -> Any:
    return connection.exec_driver_sql(statement, values).scalar()


def pragma(connection: sqlalchemy.Connection, statement: str) -> Any:
    """Outside a transaction, which every other statement begins. Raises the driver's own errors."""
    driver: Any = connection.connection.driver_connection
    return driver.execute(f"PRAGMA {statement}").fetchall()


def companions(path: Path) -> tuple[Path, Path, Path]:
    """The file, its write-ahead log and the log's index."""
    return path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
