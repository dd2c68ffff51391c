"""Reading the journal: beside the writer, or of a file that no daemon has open."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestra.model import event
from orchestra.model.errors import OrchestraError
from orchestra.store import examine, row, schema, trouble

if TYPE_CHECKING:
    import sqlalchemy

T = TypeVar("T")
Open = Callable[[], AbstractContextManager["sqlalchemy.Connection"]]


class Reader:
    """Safe in any thread. Raises `trouble.Unavailable`."""

    def __init__(self, path: Path, open: Open) -> None:
        self._path = path
        self._open = open

    def read(
        self,
        after: int = 0,
        *,
        limit: int,
        types: Sequence[str] = (),
        workspace: str = "",
        addresses: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        newest: bool = False,
        skip: int = 0,
    ) -> tuple[event.Event, ...]:
        """In the order of their numbers, the oldest `limit` of those that fit, or the newest, once so many have been left out; `until` is
        not in it.

        `types` are patterns (`event.matches`). An event that is damaged is told in its place, as a `daemon.fault` of `journal`.
        """
        import sqlalchemy as sa

        events = sa.table("events", *(sa.column(name) for name in schema.EVENT_COLUMNS.split(", ")))
        columns = events.c
        found = sa.select(events).where(columns.sequence > after).limit(max(limit, 0)).offset(skip)
        found = found.order_by(columns.sequence.desc() if newest else columns.sequence)
        if types and "*" not in types:
            found = found.where(sa.or_(*(columns.type.op("GLOB")(_glob(pattern)) for pattern in types)))
        if workspace:
            found = found.where(columns.workspace == workspace)
        if addresses:
            inside = (sa.func.substr(columns.address, 1, len(each) + 1) == f"{each}/" for each in addresses)
            found = found.where(sa.or_(columns.address.in_(list(addresses)), *inside))
        if since is not None:
            found = found.where(columns.time >= row.microseconds(since))
        if until is not None:
            found = found.where(columns.time < row.microseconds(until))
        rows = self._ask(lambda connection: connection.execute(found).all())
        return tuple(row.load(each) for each in (reversed(rows) if newest else rows))

    def first(self) -> int:
        """The oldest number that is kept; where none is, the one that comes next. To a cursor below `first() - 1` the rest is gone."""
        found = self._ask(lambda connection: schema.scalar(connection, "SELECT min(sequence) FROM events"))
        return int(found) if found is not None else self.last() + 1

    def last(self) -> int:
        """The highest number ever given, 0 at the beginning."""
        found = self._state(schema.SEQUENCE)
        return found if isinstance(found, int) else 0

    def get(self, key: str) -> Any | None:
        return None if key.startswith(schema.RESERVED) else self._state(key)

    def _state(self, key: str) -> Any | None:
        statement = "SELECT key, value, revision, crc FROM state WHERE key = ?"
        wanted = row.readable(key)
        found = self._ask(lambda connection: connection.exec_driver_sql(statement, (wanted,)).one_or_none())
        if found is None:
            return None
        if not row.is_whole_state(found):
            raise trouble.Unavailable(f"{key} is damaged in {self._path}", hint=_HINT)
        return json.loads(found[1])

    def _ask(self, question: Callable[[sqlalchemy.Connection], T]) -> T:
        from sqlalchemy import exc

        try:
            with self._open() as connection, connection.begin():
                return question(connection)
        except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise trouble.Unavailable(
                f"cannot read {self._path}: {trouble.words(error)}", hint=_HINT
            ) from error


_HINT = "what is broken is repaired when the daemon starts again"


def of_file(path: Path) -> Reader:
    """For who has no daemon to ask: changes nothing and makes no file there, also where a killed writer left its log.

    `OrchestraError` where there is none, `Conflict` when it is not ours.
    """
    examine.guard(path)
    if not path.exists():
        raise OrchestraError(f"there is no journal at {path}", hint="it begins with the first daemon")
    return Reader(path, lambda: _opened(path))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlalchemy.Connection]:
    """SQLite would make the log and its index where they are missing.

    Without a log the file alone is all there is; without an index a copy is read.
    """
    _, log, index = schema.companions(path)
    logged = log.exists() and log.stat().st_size > 0
    with contextlib.ExitStack() as stack:
        if logged and not index.exists():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestra")))
            copy = folder / path.name
            shutil.copyfile(log, schema.companions(copy)[1])
            shutil.copyfile(path, copy)
            path = copy
        engine = schema.engine(
            path, schema.READING, mode="ro", immutable=not logged and not index.exists(), busy=_BUSY
        )
        stack.callback(engine.dispose)
        yield stack.enter_context(engine.connect())


_BUSY = timedelta(seconds=5)


def _glob(pattern: str) -> str:
    """Only `*` means anything to us."""
    return pattern.replace("[", "[[]").replace("?", "[?]")
