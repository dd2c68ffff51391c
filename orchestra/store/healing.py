"""Makes a journal of whatever is at the path: begins one, finds it sound, or sets it aside and begins anew with what is left.

A repair is built beside the file and put in its place by renaming; wherever it is killed, the next start ends it.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.model.errors import Conflict
from orchestra.model.frozen import frozen
from orchestra.store import carve, clock, examine, row, schema, trouble
from orchestra.store.limits import Limits

if TYPE_CHECKING:
    import sqlalchemy

_STEP = 1_000_000
"""Added to the highest number that is found in a broken file: what was lost may have had higher ones."""
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_SLICE = 2_000


class Condition(enum.StrEnum):
    FRESH = "fresh"
    SOUND = "sound"
    HEALED = "healed"


@frozen
class Found:
    """What was at the path. Of a healed one: say it loudly."""

    condition: Condition
    unclean: bool = False
    """Who wrote it last did not close it: it was killed, or crashed."""
    reason: str = ""
    aside: Path | None = None
    """Where the broken file is now."""
    rescued: int = 0
    """Events that could still be read, and are in the new file."""


def prepare(path: Path, time: clock.Clock, limits: Limits) -> Found:
    """After this the file is there and sound. No connection to it may be open.

    `Conflict`: something there is not ours, or newer, or held by another program. `trouble.Unavailable`: it cannot be used now.
    """
    from sqlalchemy import exc

    try:
        _directory(path.parent)
        examine.guard(path)
        built = path.with_name(path.name + ".new")
        if built.exists():
            aside = _replace(path, built, time)
            return Found(condition=Condition.HEALED, reason="an earlier repair was interrupted", aside=aside)
        verdict = examine.look(path, limits.busy)
        if verdict.kind is examine.Kind.NEWER:
            raise Conflict(
                f"{path} was written by a newer orchestra: {verdict.reason}",
                hint="install that version, or move the file away",
            )
        if verdict.kind is examine.Kind.SOUND:
            path.chmod(0o600)
            return Found(condition=Condition.SOUND, unclean=verdict.unclean)
        if verdict.kind is examine.Kind.MISSING:
            _build(path, path, (), lambda _: 0)
            return Found(condition=Condition.FRESH)
        return _heal(path, built, verdict.reason, time, limits)
    except OSError as error:
        raise trouble.Unavailable(
            f"cannot use {path}: {trouble.words(error)}", hint="XDG_STATE_HOME names another place"
        ) from error
    except (exc.DBAPIError, sqlite3.Error) as error:
        raise trouble.Unavailable(f"cannot use {path}: {trouble.words(error)}") from error


def _heal(path: Path, built: Path, reason: str, time: clock.Clock, limits: Limits) -> Found:
    deadline = time.monotonic() + limits.rescue.total_seconds()
    late = False

    def rows() -> Iterable[tuple[Any, ...]]:
        nonlocal late
        for each in carve.Pages(path).rows():
            yield each
            if time.monotonic() > deadline:
                late = True
                return

    rescued = _build(path, built, rows(), lambda highest: _beyond(highest, time.now()))
    aside = _replace(path, built, time)
    if late:
        reason += "; there was no time to read all that is left"
    return Found(condition=Condition.HEALED, reason=reason, aside=aside, rescued=rescued)


def _beyond(highest: int, now: datetime) -> int:
    """Where nothing of the old numbers is left, the time gives one: milliseconds rise faster than events come."""
    if highest:
        return highest + _STEP
    return max((now - _BEGINNING) // timedelta(milliseconds=1), _STEP)


def _build(path: Path, goal: Path, rows: Iterable[tuple[Any, ...]], last: Callable[[int], int]) -> int:
    """A whole journal at `goal` in one rename; returns how many events are in it."""
    part = path.with_name(path.name + ".part")
    for each in (*schema.companions(part), part.with_name(part.name + "-journal")):
        each.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    engine = schema.engine(part, schema.BUILDING)
    try:
        with engine.connect() as connection:
            with connection.begin():
                count = _fill(connection, rows, last)
            schema.pragma(connection, "journal_mode = WAL")
    finally:
        engine.dispose()
    _sync(part, os.O_RDONLY)
    part.rename(goal)
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return count


def _fill(
    connection: sqlalchemy.Connection, rows: Iterable[tuple[Any, ...]], last: Callable[[int], int]
) -> int:
    for statement in schema.TABLES.values():
        connection.exec_driver_sql(statement)
    insert = schema.INSERT.replace("INSERT", "INSERT OR REPLACE", 1)
    events: list[tuple[Any, ...]] = []
    state: dict[str, tuple[Any, ...]] = {}
    highest = 0
    for each in rows:
        if not isinstance(each[0], int):
            if each[0] not in state or state[each[0]][2] <= each[2]:
                state[each[0]] = each
            continue
        highest = max(highest, each[0])
        events.append(each)
        if len(events) >= _SLICE:
            connection.exec_driver_sql(insert, events)
            events.clear()
    if events:
        connection.exec_driver_sql(insert, events)
    revision = max((each[2] for each in state.values()), default=0) + 1
    ours: dict[str, object] = {
        schema.FORMAT: schema.VERSION,
        schema.OPEN: False,
        schema.SEQUENCE: last(max(highest, _mark(state))),
    }
    state |= {key: row.dump_state(key, row.dump_json(value), revision) for key, value in ours.items()}
    connection.exec_driver_sql(schema.PUT, list(state.values()))
    return int(schema.scalar(connection, "SELECT count(*) FROM events"))


def _mark(state: dict[str, tuple[Any, ...]]) -> int:
    kept = state.get(schema.SEQUENCE)
    return int(kept[1]) if kept is not None and str(kept[1]).isdecimal() else 0


def _replace(path: Path, built: Path, time: clock.Clock) -> Path | None:
    """Sets aside what is there, log and index too, and puts the new one in its place."""
    stem = f"journal-{time.now():%Y%m%dT%H%M%SZ}.broken"
    aside, number = path.with_name(stem), 0
    while any(os.path.lexists(each) for each in schema.companions(aside)):
        number += 1
        aside = path.with_name(f"{stem}.{number}")
    moved = False
    for old, new in zip(schema.companions(path), schema.companions(aside), strict=True):
        with contextlib.suppress(FileNotFoundError):
            old.rename(new)
            moved = True
    built.rename(path)
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return aside if moved else None


def _directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        found = path.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise Conflict(
                f"{path} is not a directory", hint="move it away: orchestra keeps its files there"
            ) from None
        if found.st_uid != os.geteuid():
            raise Conflict(
                f"{path} belongs to another user", hint="move it away or give it to yourself"
            ) from None
        if found.st_mode & 0o022:
            raise Conflict(f"others may write to {path}", hint=f"chmod 700 {path}") from None


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
