"""The one connection that writes, and the one thread that has it.

What waits is written together, one transaction a batch; each append is whole in it. A batch that fails is tried again until it is
written, and what came later waits behind it. Work on the file itself (retention) goes before it: it is what may make room.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.model import event
from orchestra.model.errors import JournalFull, OrchestraError
from orchestra.store import clock, healing, row, schema, trouble
from orchestra.store.limits import Limits

if TYPE_CHECKING:
    import sqlalchemy

Events = tuple[event.Event, ...]
Work = Callable[["sqlalchemy.Connection"], Any]


@dataclass(frozen=True, slots=True)
class Told:
    trouble: Callable[[str], None]
    healed: Callable[[healing.Found], None]


@dataclass(slots=True, eq=False)
class _Append:
    rows: Sequence[row.Prepared]
    state: Mapping[str, str]
    """JSON by key."""
    size: int
    answer: Future[Events] = field(default_factory=Future)


@dataclass(slots=True)
class _Batch:
    appends: list[_Append]
    before: int = 0
    """The number before its first one, and …"""
    mark: tuple[Any, ...] | None = None
    """… its last row, of an attempt: one that failed may be in the file all the same."""


class Writer:
    def __init__(self, path: Path, time: clock.Clock, limits: Limits, told: Told) -> None:
        self._path = path
        self._time = time
        self._limits = limits
        self._told = told
        self._changed = threading.Condition()
        self._waiting: deque[_Append] = deque()
        self._singly: deque[_Append] = deque()
        self._work: deque[tuple[Work, Future[Any]]] = deque()
        self._count = 0
        self._bytes = 0
        self._stopping = False
        self._abandoned = False
        self._engine: sqlalchemy.Engine | None = None
        self._connection: sqlalchemy.Connection | None = None
        self._file: tuple[int, int] = (0, 0)
        self._floor = 0
        self._revision = 0
        self._error = ""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @property
    def error(self) -> str:
        return self._error

    def start(self) -> None:
        """`trouble.Unavailable`."""
        from sqlalchemy import exc

        try:
            self._connect()
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            self._disconnect()
            raise trouble.Unavailable(f"cannot write {self._path}: {trouble.words(error)}") from error
        self._thread.start()

    def submit(self, rows: Sequence[row.Prepared], state: Mapping[str, str]) -> Future[Events]:
        size = sum(each.size for each in rows) + sum(len(each) for each in state.values())
        given = _Append(rows, state, size)
        limits = self._limits
        if len(rows) > limits.waiting_events or size > limits.waiting_bytes:
            raise ValueError("more at once than the journal ever holds waiting")
        with self._changed:
            if self._stopping:
                raise trouble.Unavailable("the journal is closed")
            if self._count + len(rows) > limits.waiting_events or self._bytes + size > limits.waiting_bytes:
                reason = self._error or "events come faster than the disk takes them"
                raise JournalFull(
                    f"the journal takes no more for now: {reason}",
                    hint="slow down, or drop what can be missed",
                )
            self._count += len(rows)
            self._bytes += size
            self._waiting.append(given)
            self._changed.notify_all()
        return given.answer

    def work(self, work: Work) -> Future[Any]:
        """Runs once between two batches, with the connection and outside a transaction; is not tried again."""
        answer: Future[Any] = Future()
        with self._changed:
            if self._stopping:
                raise trouble.Unavailable("the journal is closed")
            self._work.append((work, answer))
            self._changed.notify_all()
        return answer

    def stop(self, timeout: timedelta) -> bool:
        """Writes what waits; what cannot be written in that time is given up, and its callers are told. False then."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout.total_seconds())
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()
        self._thread.join()
        return not self._count

    # What follows runs in the thread.

    def _run(self) -> None:
        batch: _Batch | None = None
        pause = self._limits.first_pause
        while True:
            with self._changed:
                while not (batch or self._singly or self._waiting or self._work or self._stopping):
                    self._changed.wait()
                work = list(self._work)
                self._work.clear()
                batch = batch or self._take()
                done = self._stopping and batch is None and not work
            for each, answer in work:
                self._do(each, answer)
            if done or self._abandoned:
                break
            if batch is None:
                continue
            if (reason := self._attempt(batch)) is None:
                batch, pause = None, self._limits.first_pause
                self._tell("")
                continue
            self._tell(reason)
            if not batch.appends:
                batch = None
                continue
            with self._changed:
                self._changed.wait_for(lambda: self._work or self._abandoned, pause.total_seconds())
            pause = min(2 * pause, self._limits.longest_pause)
        self._end(batch)

    def _take(self) -> _Batch | None:
        """As many appends as one transaction should have, at least one; without those nobody waits for any more."""
        if self._singly:
            return _Batch([self._singly.popleft()])
        taken: list[_Append] = []
        count = size = 0
        while self._waiting:
            first = self._waiting[0]
            count += len(first.rows)
            size += first.size
            if taken and (count > self._limits.batch_events or size > self._limits.batch_bytes):
                break
            self._waiting.popleft()
            if first.answer.set_running_or_notify_cancel():
                taken.append(first)
            else:
                self._leave(first)
        return _Batch(taken) if taken else None

    def _leave(self, append: _Append) -> None:
        with self._changed:
            self._count -= len(append.rows)
            self._bytes -= append.size

    def _attempt(self, batch: _Batch) -> str | None:
        """None when it is written, else why not."""
        from sqlalchemy import exc

        try:
            firsts = self._write(self._ready(), batch)
        except (exc.SQLAlchemyError, sqlite3.Error, OSError, OrchestraError, trouble.Broken) as error:
            return self._failed(batch, error)
        for append, first in zip(batch.appends, firsts, strict=True):
            self._leave(append)
            append.answer.set_result(
                tuple(row.stamped(each, first + n) for n, each in enumerate(append.rows))
            )
        return None

    def _write(self, connection: sqlalchemy.Connection, batch: _Batch) -> list[int]:
        """The first sequence number of each append."""
        with connection.begin():
            stored = schema.scalar(connection, "SELECT value FROM state WHERE key = ?", schema.SEQUENCE)
            if not str(stored).isdecimal():
                raise trouble.Broken("the highest sequence number is missing")
            last = max(self._floor, int(stored))
            written = self._is_written(connection, batch)
            rows, firsts = _numbered(batch, batch.before if written else last)
            if rows and not written:
                batch.before, batch.mark = last, rows[-1]
                connection.exec_driver_sql(schema.INSERT, rows)
            state = {key: value for append in batch.appends for key, value in append.state.items()}
            if rows:
                last = max(last, rows[-1][0])
                state[schema.SEQUENCE] = str(last)
            if state:
                self._put(connection, state)
        self._floor = last
        return firsts

    def _is_written(self, connection: sqlalchemy.Connection, batch: _Batch) -> bool:
        if batch.mark is None:
            return False
        found = schema.scalar(connection, "SELECT crc FROM events WHERE sequence = ?", batch.mark[0])
        return bool(found == batch.mark[-1])

    def _put(self, connection: sqlalchemy.Connection, state: Mapping[str, str]) -> None:
        self._revision += 1
        rows = [row.dump_state(key, value, self._revision) for key, value in state.items()]
        connection.exec_driver_sql(schema.PUT, rows)

    def _failed(self, batch: _Batch, error: Exception) -> str:
        """Prepares the next attempt: what is wrong with one append is its own caller's, not everybody's."""
        match trouble.means(error):
            case trouble.Means.BROKEN:
                self._disconnect()
            case trouble.Means.OURS if len(batch.appends) > 1:
                self._singly.extend(batch.appends)
                batch.appends.clear()
            case trouble.Means.OURS:
                self._leave(batch.appends[0])
                batch.appends.pop().answer.set_exception(error)
            case _:
                pass
        return trouble.words(error)

    def _do(self, work: Work, answer: Future[Any]) -> None:
        from sqlalchemy import exc

        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(work(self._ready()))
        except (exc.SQLAlchemyError, sqlite3.Error, OSError, OrchestraError) as error:
            reason = f"cannot work on {self._path}: {trouble.words(error)}"
            answer.set_exception(trouble.Unavailable(reason))

    def _ready(self) -> sqlalchemy.Connection:
        """A connection to the file that is at the path now: written elsewhere, nothing would be kept."""
        if self._connection is not None and self._file == _identity(self._path):
            return self._connection
        self._disconnect()
        found = healing.prepare(self._path, self._time, self._limits)
        if found.condition is healing.Condition.FRESH:
            found = dataclasses.replace(
                found, condition=healing.Condition.HEALED, reason="the file was taken away"
            )
        if found.condition is healing.Condition.HEALED:
            with contextlib.suppress(Exception):
                self._told.healed(found)
        return self._connect()

    def _connect(self) -> sqlalchemy.Connection:
        self._engine = schema.engine(self._path, schema.WRITING, busy=self._limits.busy)
        connection = self._engine.connect()
        try:
            with connection.begin():
                self._revision = schema.scalar(connection, "SELECT max(revision) FROM state")
                self._put(connection, {schema.OPEN: "true"})
            # Into the file itself: where the log is lost, this tells that there was one.
            schema.pragma(connection, "wal_checkpoint(PASSIVE)")
            self._file = _identity(self._path)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        from sqlalchemy import exc

        connection, engine, self._connection, self._engine = self._connection, self._engine, None, None
        with contextlib.suppress(exc.SQLAlchemyError, sqlite3.Error):
            if connection is not None:
                connection.close()
        if engine is not None:
            engine.dispose()

    def _tell(self, reason: str) -> None:
        if reason != self._error:
            self._error = reason
            with contextlib.suppress(Exception):
                self._told.trouble(reason)

    def _end(self, batch: _Batch | None) -> None:
        from sqlalchemy import exc

        left = [*(batch.appends if batch else ()), *self._singly]
        left += [each for each in self._waiting if each.answer.set_running_or_notify_cancel()]
        for append in left:
            append.answer.set_exception(trouble.Unavailable(f"not written before the end: {self._error}"))
        for _, answer in self._work:
            answer.cancel()
        if self._connection is not None and not self._error:
            with contextlib.suppress(exc.SQLAlchemyError, sqlite3.Error):
                with self._connection.begin():
                    self._put(self._connection, {schema.OPEN: "false"})
                schema.pragma(self._connection, "wal_checkpoint(TRUNCATE)")
        self._disconnect()


def _numbered(batch: _Batch, last: int) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Rows in the order of appending, and the first number of each append."""
    rows: list[tuple[Any, ...]] = []
    firsts = []
    for append in batch.appends:
        first = last + len(rows) + 1
        firsts.append(first)
        rows.extend(row.numbered(each, first + n) for n, each in enumerate(append.rows))
    return rows, firsts


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_dev, found.st_ino
