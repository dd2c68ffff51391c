"""The journal as the rest of the house has it: append, read, retain, and a little state beside the events.

Acknowledged means committed and on the disk (`synchronous=FULL`). All of it may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from orchestra.model import event
from orchestra.store import clock, healing, keeping, limits, reading, row, schema, trouble, writing

if TYPE_CHECKING:
    import sqlalchemy


class Journal:
    """One of a path at a time: who opens it holds the daemon's lock."""

    def __init__(
        self,
        path: Path,
        time: clock.Clock,
        *,
        limits: limits.Limits = limits.Limits(),  # noqa: B008 - frozen
        trouble: Callable[[str], None] = lambda _: None,
        healed: Callable[[healing.Found], None] = lambda _: None,
    ) -> None:
        """Both are called in the writer's thread and must not wait: `trouble` with why nothing can be written, and "" when that is
        over; `healed` when the file was found broken, or gone, while it was in use.
        """
        self._path = path
        self._time = time
        self._limits = limits
        self._writer = writing.Writer(path, time, limits, writing.Told(trouble, healed))
        self._engine: sqlalchemy.Engine | None = None
        reader = reading.Reader(path, self._connect)
        self.get, self.read, self.first, self.last = reader.get, reader.read, reader.first, reader.last

    def open(self) -> healing.Found:
        """What was there, made sound. `Conflict`: it is not ours, newer, or held; `trouble.Unavailable`: it cannot be used now."""
        found = healing.prepare(self._path, self._time, self._limits)
        self._writer.start()
        self._engine = schema.engine(self._path, schema.READING, mode="ro", busy=self._limits.busy, pool=True)
        return found

    def close(self, timeout: timedelta = timedelta(seconds=10)) -> bool:
        """Writes what waits, in that time. False when some of it could not be; its futures say so."""
        if self._engine is None:
            return True
        self._engine.dispose()
        self._engine = None
        return self._writer.stop(timeout)

    def append(
        self, events: Sequence[event.Event], state: Mapping[str, Any] | None = None
    ) -> Future[tuple[event.Event, ...]]:
        """Done when they are committed, with their sequence numbers, and `state` with them: all or nothing, in the order of calls.

        `JournalFull`: slow down, or drop. While the disk is full or the file locked they wait. What JSON or a database cannot hold is
        refused here, with `ValueError` or `TypeError`. Cancelled before its turn, it is not written.
        """
        return self._writer.submit([row.prepare(each) for each in events], _dumped(state or {}))

    def put(self, state: Mapping[str, Any]) -> Future[tuple[event.Event, ...]]:
        """JSON values by key. None deletes nothing, it is a value like others."""
        return self.append((), state)

    def retain(self, max_age: timedelta, max_bytes: int) -> int:
        """How many were deleted. Blocks while it works, slice by slice; appends go on between."""
        before = max(self._time.now() - min(max_age, _LONGEST), row.EPOCH)
        return keeping.retain(self._writer, self._limits, before, max_bytes)

    def forget(self, workspace: str, max_age: timedelta) -> int:
        """As `retain`, of one workspace's events."""
        before = max(self._time.now() - min(max_age, _LONGEST), row.EPOCH)
        return keeping.forget(self._writer, self._limits, before, workspace)

    @property
    def healthy(self) -> bool:
        return not self._writer.error

    @property
    def error(self) -> str:
        """Why nothing can be written now; "" when it can."""
        return self._writer.error

    def _connect(self) -> sqlalchemy.Connection:
        if self._engine is None:
            raise trouble.Unavailable("the journal is not open")
        return self._engine.connect()

    def __enter__(self) -> Journal:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_only(path: Path) -> reading.Reader:
    """For a command when no daemon runs: makes and changes nothing."""
    return reading.of_file(path)


_LONGEST = timedelta(days=36_500)


def _dumped(state: Mapping[str, Any]) -> dict[str, str]:
    for key in state:
        if key.startswith(schema.RESERVED):
            raise ValueError(f"{key}: keys that begin with {schema.RESERVED} are the journal's own")
    return {row.readable(key): row.dump_json(value) for key, value in state.items()}
