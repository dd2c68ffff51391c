"""Journals and events for the tests of this room."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import NoneType
from typing import Any

import sqlalchemy
from hypothesis import strategies as st

from orchestra.model import event
from orchestra.store import healing, journal, limits, row, schema

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
QUICK = limits.Limits(
    busy=timedelta(milliseconds=20),
    first_pause=timedelta(milliseconds=5),
    longest_pause=timedelta(milliseconds=20),
)
WAIT = 60
"""Seconds a test waits for a future before it is called hung."""


class Clock:
    def __init__(self) -> None:
        self.time = NOW
        self.ticks = 0.0

    def monotonic(self) -> float:
        return self.ticks

    def now(self) -> datetime:
        return self.time


class Told:
    """What a journal said by itself."""

    def __init__(self) -> None:
        self.trouble: list[str] = []
        self.healed: list[healing.Found] = []


def make(
    path: Path, *, clock: Clock | None = None, told: Told | None = None, limits: limits.Limits = QUICK
) -> journal.Journal:
    told = told or Told()
    return journal.Journal(
        path, clock or Clock(), limits=limits, trouble=told.trouble.append, healed=told.healed.append
    )


def exited(number: int, *, time: datetime = NOW, size: int = 0, **envelope: Any) -> event.Event:
    """Bears its number as the pid; `size` characters weigh it down."""
    body: event.Body = event.PaneExited(id=f"%{number}", pid=number, exit_code=0)
    if size:
        body = event.PaneTitleChanged(id=f"%{number}", title=f"{number} " + "x" * size)
    return event.Event(body=body, time=time, **{"workspace": "shop", "address": "api/server", **envelope})


def number(each: event.Event) -> int:
    """The other way round; -1 for what is no such event."""
    if isinstance(each.body, event.PaneExited | event.PaneTitleChanged):
        return int(each.body.id[1:])
    return -1


def done(answer: Future[tuple[event.Event, ...]]) -> tuple[event.Event, ...]:
    return answer.result(WAIT)


def everything(journal: journal.Journal) -> tuple[event.Event, ...]:
    return journal.read(limit=1_000_000)


def sequences(events: Sequence[event.Event]) -> list[int]:
    return [each.sequence for each in events]


def events(text: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[event.Event]:
    """Any that the vocabulary allows."""
    text = st.text() if text is None else text
    return st.builds(
        event.Event,
        body=st.one_of([_bodies(kind, text) for kind in event.BODIES.values()]),
        time=st.datetimes(
            min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - the zone is the next argument
            max_value=datetime(9998, 1, 1),  # noqa: DTZ001
            timezones=st.sampled_from((UTC, timezone(timedelta(hours=-5, minutes=-30)))),
        ),
        workspace=text,
        address=text,
        cause=text,
    )


def _bodies(kind: type[event.Body], text: st.SearchStrategy[str]) -> st.SearchStrategy[event.Body]:
    hints = typing.get_type_hints(kind)
    hints.pop("type")
    fields = {name: _values(hint, text) for name, hint in hints.items()}
    return st.builds(kind, **fields)


def _values(hint: Any, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(_values(arguments[0], text), max_size=5).map(tuple)
    if origin is Mapping:
        return st.dictionaries(text, _values(arguments[1], text), max_size=5)
    if arguments:
        return st.one_of([_values(each, text) for each in arguments])
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: text,
        bool: st.booleans(),
        int: st.integers(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        NoneType: st.none(),
        # Seconds as JSON's number bear microseconds up to some 280 years.
        timedelta: st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36_500)),
    }
    return plain[hint]


def checkpoint(connection: sqlalchemy.Connection) -> None:
    """Everything into the file itself, and the writer's own copies forgotten."""
    schema.pragma(connection, "wal_checkpoint(TRUNCATE)")
    schema.pragma(connection, "shrink_memory")


def state_row(key: str, value: object) -> tuple[str, str, int, int]:
    return row.dump_state(key, row.dump_json(value), 10_000)
