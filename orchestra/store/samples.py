"""What panes used, a sample a minute, for days: a file of its own, because it can be lost without harm and the journal cannot."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from orchestra.model import errors, metrics

TABLES = """
CREATE TABLE IF NOT EXISTS panes (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS samples (
 pane INTEGER NOT NULL, time REAL NOT NULL,
 cpu REAL NOT NULL, rss INTEGER NOT NULL, read INTEGER NOT NULL, written INTEGER NOT NULL,
 threads INTEGER NOT NULL, processes INTEGER NOT NULL, uptime REAL NOT NULL,
 PRIMARY KEY (pane, time)
) STRICT, WITHOUT ROWID;
"""
INSERT = "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
READ = """
SELECT time, cpu, rss, read, written, threads, processes, uptime FROM samples
 WHERE pane = (SELECT number FROM panes WHERE key = ?) AND time >= ? ORDER BY time"""
SWEEP = 3600.0
"""Seconds between two times that old samples are thrown away."""


class Samples:
    """`engine.metrics.Kept`. 100 panes for a week: 50 MB."""

    def __init__(self, path: Path, keep: timedelta) -> None:
        self._path = path
        self._keep = keep.total_seconds()
        self._swept = float("-inf")

    def add(self, time: float, rows: Sequence[metrics.Row]) -> None:
        with self._open() as connection, connection:
            for row in rows:
                if row.usage is None:
                    continue
                connection.execute("INSERT OR IGNORE INTO panes (key) VALUES (?)", (row.pane.key,))
                (number,) = connection.execute(
                    "SELECT number FROM panes WHERE key = ?", (row.pane.key,)
                ).fetchone()
                usage = row.usage
                connection.execute(
                    INSERT,
                    (
                        number,
                        time,
                        usage.cpu_seconds,
                        usage.rss,
                        usage.io_read,
                        usage.io_write,
                        usage.threads,
                        usage.processes,
                        usage.uptime,
                    ),
                )
            if time - self._swept >= SWEEP:
                self._swept = time
                connection.execute("DELETE FROM samples WHERE time < ?", (time - self._keep,))
                connection.execute(
                    "DELETE FROM panes WHERE NOT EXISTS (SELECT 1 FROM samples WHERE pane = number)"
                )

    def read(self, key: str, since: float) -> Sequence[tuple[float, metrics.Usage]]:
        with self._open() as connection:
            rows = connection.execute(READ, (key, since)).fetchall()
        return [
            (
                time,
                metrics.Usage(
                    interval=None,
                    cpu_percent=None,
                    cpu_seconds=cpu,
                    rss=rss,
                    pss=None,
                    io_read=read,
                    io_write=written,
                    threads=threads,
                    processes=processes,
                    uptime=uptime,
                ),
            )
            for time, cpu, rss, read, written, threads, processes, uptime in rows
        ]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A file that is broken is put aside, and the next one begins empty. `OrchestraError`, this time."""
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=2.0)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(TABLES)
                yield connection
        except sqlite3.OperationalError as error:
            raise errors.OrchestraError(f"samples cannot be kept in {self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            aside = self._path.with_name(f"{self._path.name}.broken")
            with contextlib.suppress(OSError):
                self._path.replace(aside)
                for end in ("-wal", "-shm"):
                    self._path.with_name(self._path.name + end).unlink(missing_ok=True)
            raise errors.OrchestraError(f"{self._path} was broken ({error}) and lies at {aside}") from error
