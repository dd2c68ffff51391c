"""The process table, read once.

On Linux from /proc as it is: 355 processes with their environments in 8 ms, where psutil takes 59, and 44 to be imported.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

_TMUX_SERVER = re.compile(r"tmux.*: s")
"""The name a tmux server gives itself, cut to 15 characters: `tmux: server`, `tmux-3.5a: serve`. (A client's: `tmux: client`.)"""

_NOT_OURS_TO_SEE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""Gone; or another user's (/proc mounted with hidepid), or it forbids to look (ssh-agent). Whatever else fails tells nothing."""

_TRIES = 10
_BETWEEN_PROGRAMS = 0.002
"""Seconds. For the moment an exec takes, longer when it waits for the disk, a process shows no environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """Every process by pid. What ends meanwhile is left out; what starts meanwhile may be."""
    rows = _read_proc() if sys.platform == "linux" else _read_psutil()
    return {row.pid: row for row in rows}


def start_time(pid: int) -> float | None:
    """None when there is no such process, or only its zombie."""
    if sys.platform == "linux":
        stat = _stat(pid)
        return stat.started if stat is not None and stat.alive else None
    import psutil  # 44 ms, and Linux does without it

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:  # a zombie's error is one, too
        return None


def parent(pid: int) -> int:
    """0 when there is none, or no such process."""
    if sys.platform == "linux":
        stat = _stat(pid)
        return stat.parent if stat is not None else 0
    import psutil  # as above

    try:
        return psutil.Process(pid).ppid()
    except psutil.NoSuchProcess:
        return 0


@dataclass(frozen=True, slots=True)
class _Stat:
    name: str
    parent: int
    session: int
    started: float
    alive: bool
    owner: int
    bare: bool
    """It has surely no environment, as kernel threads have none; else an empty one is seen while it is between two programs."""


def _stat(pid: int) -> _Stat | None:
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            owner, text = os.fstat(fd).st_uid, os.read(fd, 2048)
        finally:
            os.close(fd)
    except _NOT_OURS_TO_SEE:
        return None
    # `pid (name) state ppid pgrp session …`; the name is the process's own choice and may hold anything, even `) R 1`.
    name, _, rest = text.partition(b"(")[2].rpartition(b") ")
    fields = rest.split()
    # A main thread that ended before its siblings is shown as a zombie, too.
    alive = fields[0] not in (b"Z", b"X") or int(fields[17]) > 1
    return _Stat(
        name=os.fsdecode(name),
        parent=int(fields[1]),
        session=int(fields[3]),
        started=float(fields[19]),
        alive=alive,
        owner=owner,
        bare=not alive or fields[20] == b"0" or fields[47] == fields[48] != b"0",
    )


def _read_proc() -> Iterator[Row]:
    ours = os.geteuid()
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]  # noqa: PTH208  # 400 Paths cost time
    for tries_left in reversed(range(_TRIES)):
        between = []
        for pid in pids:
            stat = _stat(pid)
            if stat is None:
                continue
            environ = _environ(pid) if stat.owner == ours else None
            if environ == b"" and not stat.bare and tries_left:
                between.append(pid)
                continue
            yield _row(pid, stat, b"\0" + (environ or b""))
        if not between:
            return
        pids = between
        time.sleep(_BETWEEN_PROGRAMS)  # noqa: TID251  # the kernel tells nobody when an exec is done


def _row(pid: int, stat: _Stat, environ: bytes) -> Row:
    return Row(
        pid=pid,
        parent=stat.parent,
        session=stat.session,
        started=stat.started,
        name=stat.name,
        alive=stat.alive,
        server=_TMUX_SERVER.match(stat.name) is not None,
        pane=_value(environ, b"\0ORCHESTRA_PANE="),
        tmux=_value(environ, b"\0TMUX="),
    )


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


def _read_psutil() -> Iterator[Row]:
    import psutil  # as above

    ours = os.geteuid()
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                pid, name, session = process.pid, process.name(), os.getsid(process.pid)
                environ = process.environ() if process.uids().effective == ours else {}
                yield Row(
                    pid=pid,
                    parent=process.ppid(),
                    session=session,
                    started=process.create_time(),
                    name=name,
                    alive=process.status() != psutil.STATUS_ZOMBIE,
                    # Only Linux lets it rename itself. A server has left its terminal and leads a session of its own.
                    server=_TMUX_SERVER.match(name) is not None
                    or (name.startswith("tmux") and session == pid and process.terminal() is None),
                    pane=environ.get("ORCHESTRA_PANE", ""),
                    tmux=environ.get("TMUX", ""),
                )
        except (psutil.Error, *_NOT_OURS_TO_SEE):
            continue
