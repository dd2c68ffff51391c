"""The process table, read once.

On Linux from /proc as it is: 355 processes with their environments in 8 ms, where psutil takes 59, and 44 to be imported.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestra.model.frozen import frozen

_TMUX_SERVER = re.compile(r"tmux.*: s")
"""The name a tmux server gives itself, cut to 15 characters: `tmux: server`, `tmux-3.5a: serve`. (A client's: `tmux: client`.)"""

_NOT_OURS_TO_SEE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""Gone; or another user's (/proc mounted with hidepid), or it forbids to look (ssh-agent). Whatever else fails tells nothing."""

_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")

_ASKED = "name ppid status create_time uids terminal cpu_times memory_info num_threads".split()  # noqa: SIM905  # as words
"""Of psutil."""

_TRIES = 10
_LISTINGS = 10
"""At most: where processes come all the time somebody is always new."""
_BETWEEN_PROGRAMS = 0.002
"""Seconds. For the moment an exec takes, longer when it waits for the disk, a process shows no environment."""


@frozen
class Row:
    pid: int
    parent: int
    session: int
    started: float
    """In a unit of the platform's own, unmoved by changes of the clock; only good for comparing."""
    name: str
    alive: bool
    """False: it has ended, only its parent has not looked yet (a zombie)."""
    server: bool
    """A tmux server."""
    pane: str
    """`ORCHESTRA_PANE` of the environment it was started with; "" when there is none or it is not ours to read."""
    tmux: str
    """`TMUX` likewise: `socket,server's pid,session`."""


def read() -> dict[int, Row]:
    """Every process by pid. What ends meanwhile is left out; what starts meanwhile may be, unless who started it is left out, too."""
    return {row.pid: row for row in _read()}


def start_time(pid: int) -> float | None:
    """None when there is no such process, or only its zombie."""
    if sys.platform == "linux":
        seen = _stat(pid)
        return seen.started if seen is not None and seen.alive else None
    import psutil  # 44 ms, and Linux does without it

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:  # a zombie's error is one, too
        return None


def parent(pid: int) -> int:
    """0 when there is none, or no such process."""
    if sys.platform == "linux":
        seen = _stat(pid)
        return seen.parent if seen is not None else 0
    import psutil  # as above

    try:
        return psutil.Process(pid).ppid()
    except psutil.NoSuchProcess:
        return 0


@dataclass(frozen=True, slots=True)
class Stat:
    name: str
    parent: int
    session: int
    started: float
    alive: bool
    server: bool
    owner: int
    """Its effective user."""
    bare: bool
    """It has surely no environment, as kernel threads have none; else an empty one is seen while it is between two programs."""
    cpu: float
    """Seconds of the processor it has had."""
    reaped: float
    """Seconds its children had that have ended and been waited for, with theirs; 0 where the system does not tell."""
    rss: int
    """Bytes."""
    threads: int
    text: bytes = b""
    """As the kernel wrote it: what has not changed need not be read again. Empty elsewhere."""


def pids() -> Sequence[int]:
    if sys.platform == "linux":
        return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]  # noqa: PTH208  # 400 Paths cost time
    import psutil  # as above

    return psutil.pids()


def row(pid: int, seen: Stat, pane: str, tmux: str) -> Row:
    return Row(
        pid=pid,
        parent=seen.parent,
        session=seen.session,
        started=seen.started,
        name=seen.name,
        alive=seen.alive,
        server=seen.server,
        pane=pane,
        tmux=tmux,
    )


def whose(pid: int, seen: Stat) -> tuple[str, str] | None:
    """`Row.pane` and `Row.tmux` of it; None while it is between two programs and nothing can be told."""
    if seen.owner != os.geteuid():
        return "", ""
    if sys.platform != "linux":
        return _environ_psutil(pid)
    environ = _environ(pid)
    if environ == b"" and not seen.bare:
        return None
    environ = b"\0" + (environ or b"")
    return _value(environ, b"\0ORCHESTRA_PANE="), _value(environ, b"\0TMUX=")


def stat(pid: int, before: Stat | None = None) -> Stat | None:
    """None when there is no such process, or it is not ours to see. `before` itself when it has done nothing since that anyone counts:
    a sleeping process costs half then."""
    return _stat(pid, before) if sys.platform == "linux" else _stat_psutil(pid)


def _stat(pid: int, before: Stat | None = None) -> Stat | None:
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(fd, 2048)
            if before is not None and text == before.text:
                return before
            owner = os.fstat(fd).st_uid
        finally:
            os.close(fd)
    except _NOT_OURS_TO_SEE:
        return None
    # `pid (name) state ppid pgrp session …`; the name is the process's own choice and may hold anything, even `) R 1`.
    name, _, rest = text.partition(b"(")[2].rpartition(b") ")
    fields = rest.split()
    # A main thread that ended before its siblings is shown as a zombie, too.
    alive = fields[0] not in (b"Z", b"X") or int(fields[17]) > 1
    return Stat(
        name=os.fsdecode(name),
        parent=int(fields[1]),
        session=int(fields[3]),
        started=float(fields[19]),
        alive=alive,
        server=_TMUX_SERVER.match(os.fsdecode(name)) is not None,
        owner=owner,
        bare=not alive or fields[20] == b"0" or fields[47] == fields[48] != b"0",
        cpu=(int(fields[11]) + int(fields[12])) / _TICKS,
        reaped=(int(fields[13]) + int(fields[14])) / _TICKS,
        rss=int(fields[21]) * _PAGE,
        threads=int(fields[17]),
        text=text,
    )


def _stat_psutil(pid: int) -> Stat | None:
    import psutil  # as above

    try:
        session = os.getsid(pid)
        told = psutil.Process(pid).as_dict(_ASKED)  # what it forbids to see is None
    except (psutil.Error, *_NOT_OURS_TO_SEE):
        return None
    name, alive = told["name"] or "", told["status"] != psutil.STATUS_ZOMBIE
    spent = told["cpu_times"]
    return Stat(
        name=name,
        parent=told["ppid"] or 0,
        session=session,
        started=told["create_time"],
        alive=alive,
        # Only Linux lets it rename itself. A server has left its terminal and leads a session of its own.
        server=_TMUX_SERVER.match(name) is not None
        or (name.startswith("tmux") and session == pid and told["terminal"] is None),
        owner=told["uids"].effective if told["uids"] else -1,
        bare=not alive,
        cpu=spent.user + spent.system if spent else 0.0,
        reaped=getattr(spent, "children_user", 0.0) + getattr(spent, "children_system", 0.0),
        rss=told["memory_info"].rss if told["memory_info"] else 0,
        threads=told["num_threads"] or 1,
    )


def _read() -> Iterator[Row]:
    """Who forks and ends before he is read has a child that was not there yet when all were listed: so they are listed until nobody is
    new."""
    known: set[int] = set()
    for _ in range(_LISTINGS):
        new = [pid for pid in pids() if pid not in known]
        if not new:
            return
        known.update(new)
        yield from _rows(new)


def _rows(left: Sequence[int]) -> Iterator[Row]:
    for tries_left in reversed(range(_TRIES)):
        between = []
        for pid in left:
            seen = stat(pid)
            if seen is None:
                continue
            marks = whose(pid, seen)
            if marks is None and tries_left:
                between.append(pid)
            else:
                yield row(pid, seen, *(marks or ("", "")))
        if not between:
            return
        left = between
        time.sleep(_BETWEEN_PROGRAMS)  # noqa: TID251  # the kernel tells nobody when an exec is done


def _environ(pid: int) -> bytes | None:
    """None when it is not to be seen."""
    try:
        fd = os.open(f"/proc/{pid}/environ", os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = []
            while part := os.read(fd, 65536):
                parts.append(part)
            return b"".join(parts)
        finally:
            os.close(fd)
    except _NOT_OURS_TO_SEE:
        return None


def _value(environ: bytes, key: bytes) -> str:
    start = environ.find(key)
    if start < 0:
        return ""
    start += len(key)
    end = environ.find(b"\0", start)
    return os.fsdecode(environ[start : end if end >= 0 else None])


def _environ_psutil(pid: int) -> tuple[str, str]:
    import psutil  # as above

    try:
        environ = psutil.Process(pid).environ()
    except (psutil.Error, *_NOT_OURS_TO_SEE):
        return "", ""
    return environ.get("ORCHESTRA_PANE", ""), environ.get("TMUX", "")
