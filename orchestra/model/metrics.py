"""What panes use of the machine, now and in the hour before.

Seconds and bytes as plain numbers: they are summed, divided and written as numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from orchestra.model import codec
from orchestra.model.frozen import frozen

_Number = TypeVar("_Number", int, float)


@frozen
class Usage:
    """Of a pane's whole process tree, at one moment; or of several panes together.

    Cumulative figures count from the start of the pane's first process and never fall: what a process used stays counted when it has
    ended, as far as the system tells (a child nobody waits for takes its last interval with it).
    """

    interval: float | None
    """Seconds from the sample before to this one, over which `cpu_percent` is; None at the first one."""
    cpu_percent: float | None
    """Of one core: 200 keeps two of them busy. None at the first sample."""
    cpu_seconds: float
    rss: int
    """Bytes. What processes share is counted for each of them."""
    pss: int | None
    """Bytes, what is shared divided among those who share it; only when asked for, and where the system tells (Linux)."""
    io_read: int
    """Bytes from storage; what the cache had does not count. 0 where the system does not tell, or not us (another user's process)."""
    io_write: int
    threads: int
    processes: int
    uptime: float
    """Seconds since the pane's first process was started; of several, the longest."""


@frozen
class Pane:
    """One that is measured, whoever made it."""

    id: str
    key: str
    """Its uid when it is ours: it is the same one however it is renamed, moved or started again. Else its id, with its server's epoch."""
    workspace: str
    """"" when it is nobody's of ours."""
    session: str
    """As its manifest calls it; else as tmux does."""
    tmux_session: str
    """As tmux calls the one it is in."""
    window: str
    """The window's address, made likewise."""
    address: str
    """`session/pane`; of one that is not ours its number in its session stands for the name."""
    pid: int
    """Of its first process; 0 when nothing runs in it."""
    condition: str
    """`running`, `failed` and so on: see `plan.overview.Condition`."""
    detail: str


@frozen
class Row:
    pane: Pane
    usage: Usage | None
    """None: nothing runs in it."""
    restarts: int | None = None
    """How often something new was started in it since the daemon first saw it; None where no daemon counts."""
    health: str | None = None
    """What its probe says; None where there is none, or nobody probes."""


@frozen
class Point:
    """Of a pane's history. Rates are over the time since the point before; None where there is none, or its process is another."""

    time: float
    """Unix time."""
    cpu_percent: float | None
    rss: int
    io_read_rate: float | None
    """Bytes a second."""
    io_write_rate: float | None
    threads: int
    processes: int


_FIELDS = tuple(field.name for field in dataclasses.fields(Usage))


def dump(row: Row) -> dict[str, Any]:
    """Flat, as people filter it; null where nothing runs, or nobody knows."""
    used = dump_usage(row.usage) if row.usage is not None else dict.fromkeys(_FIELDS)
    return {**codec.dump(row.pane), "restarts": row.restarts, "health": row.health, **used}


def dump_usage(usage: Usage) -> dict[str, Any]:
    """No digit that means nothing."""
    plain = codec.dump(usage).items()
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in plain}


def load(plain: Mapping[str, Any]) -> Row:
    """`codec.LoadError` when it is no row."""
    used = {name: plain.get(name) for name in _FIELDS}
    rest = {name: value for name, value in plain.items() if name not in (*_FIELDS, "restarts", "health")}
    return Row(
        pane=codec.load(Pane, rest),
        usage=None if used["cpu_seconds"] is None else codec.load(Usage, used),
        restarts=plain.get("restarts"),
        health=plain.get("health"),
    )


def total(usages: Collection[Usage]) -> Usage:
    """All together. A figure that is not known of one of them counts as nothing, one known of none is not known."""
    return Usage(
        interval=max((each.interval for each in usages if each.interval is not None), default=None),
        cpu_percent=_sum([each.cpu_percent for each in usages]),
        cpu_seconds=sum(each.cpu_seconds for each in usages),
        rss=sum(each.rss for each in usages),
        pss=_sum([each.pss for each in usages]),
        io_read=sum(each.io_read for each in usages),
        io_write=sum(each.io_write for each in usages),
        threads=sum(each.threads for each in usages),
        processes=sum(each.processes for each in usages),
        uptime=max((each.uptime for each in usages), default=0.0),
    )


def _sum(values: Collection[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
