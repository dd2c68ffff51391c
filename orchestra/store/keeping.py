"""Keeping the file small: the oldest go, by age and by size, in slices the writer hardly notices."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from orchestra.store import row, schema
from orchestra.store.limits import Limits

if TYPE_CHECKING:
    import sqlalchemy

_VACUUM = 250
"""Pages given back at a time."""


class Writer(Protocol):
    def work(self, work: Any) -> Future[Any]: ...


def retain(writer: Writer, limits: Limits, before: datetime, size: int) -> int:
    """Deletes from the oldest on: those noticed before `before`, up to the first that was not; then until the file is within `size` bytes.

    So a clock that was wrong for a while deletes nothing that is young.
    """
    gone = 0
    while deleted := writer.work(lambda connection: _slice(connection, limits, before, size)).result():
        gone += deleted
    while writer.work(_shrink).result():
        pass
    return gone


def forget(writer: Writer, limits: Limits, before: datetime, workspace: str) -> int:
    """Of one workspace, likewise: its events from the oldest on, up to the first of them that is young enough."""
    gone, after = 0, 0
    while after >= 0:
        at = after
        after, deleted = writer.work(
            lambda connection, at=at: _slice_of(connection, limits, before, workspace, at)
        ).result()
        gone += deleted
    while gone and writer.work(_shrink).result():
        pass
    return gone


def _slice_of(
    connection: sqlalchemy.Connection, limits: Limits, before: datetime, workspace: str, after: int
) -> tuple[int, int]:
    """Where the next slice begins, -1 after the last one; and how many were deleted."""
    with connection.begin():
        last = schema.scalar(
            connection,
            "SELECT max(sequence) FROM (SELECT sequence FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?)",
            after,
            limits.slice_events,
        )
        if last is None:
            return -1, 0
        young = schema.scalar(
            connection,
            "SELECT min(sequence) FROM events WHERE sequence > ? AND sequence <= ? AND workspace = ? AND time >= ?",
            after,
            last,
            workspace,
            row.microseconds(before),
        )
        deleted = connection.exec_driver_sql(
            "DELETE FROM events WHERE sequence > ? AND sequence < ? AND workspace = ?",
            (after, young if young is not None else last + 1, workspace),
        ).rowcount
        return (-1 if young is not None else int(last)), deleted


def _slice(connection: sqlalchemy.Connection, limits: Limits, before: datetime, size: int) -> int:
    with connection.begin():
        oldest = schema.scalar(connection, "SELECT min(sequence) FROM events")
        if oldest is None:
            return 0
        young = schema.scalar(
            connection,
            "SELECT coalesce((SELECT sequence FROM events WHERE time >= ? ORDER BY sequence LIMIT 1),"
            " (SELECT max(sequence) + 1 FROM events))",
            row.microseconds(before),
        )
        weight = _used(connection) - size
        # By the rows' own sizes, not by an average: one of them may be as large as a thousand others.
        rows = connection.exec_driver_sql(
            "SELECT sequence, length(body) + 100 FROM events ORDER BY sequence LIMIT ?",
            (limits.slice_events,),
        )
        goal, seen = oldest, 0
        for sequence, length in rows:
            if (sequence >= young and seen >= weight) or seen >= limits.slice_bytes:
                break
            goal, seen = sequence + 1, seen + length
        rows.close()
        return connection.exec_driver_sql("DELETE FROM events WHERE sequence < ?", (goal,)).rowcount


def _shrink(connection: sqlalchemy.Connection) -> bool:
    """Gives free pages back; whether there are more. The file itself is cut when the log is copied into it."""
    free = schema.scalar(connection, "PRAGMA freelist_count")
    connection.rollback()
    if free:
        driver: Any = connection.connection.driver_connection
        driver.executescript(
            f"PRAGMA incremental_vacuum({_VACUUM})"
        )  # `execute` would step it once: one page
    schema.pragma(connection, "wal_checkpoint(PASSIVE)")
    return bool(free > _VACUUM)


def _used(connection: sqlalchemy.Connection) -> int:
    pages = schema.scalar(connection, "PRAGMA page_count") - schema.scalar(
        connection, "PRAGMA freelist_count"
    )
    return int(pages) * schema.PAGE
