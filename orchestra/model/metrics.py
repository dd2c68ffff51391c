"""What panes use of the machine.

Seconds and bytes as plain numbers: they are summed, divided and written as numbers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
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
