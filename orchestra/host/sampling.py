"""What the processes of panes use of the machine, measured between one look and the next.

Whose a process is, is decided where stopping decides it (`host/processes.py`), and only when one came or went. A look reads the panes'
processes and the new ones; a stranger stays one, so it is not read again.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

from orchestra.host import accounting, age, process_table, processes
from orchestra.model import metrics

_ALL_ANEW = 60.0
"""Seconds after which strangers are read, too: one whose number was given to another process within one interval is found out then."""


class _Read(NamedTuple):
    stat: process_table.Stat
    at: float


class Sampler:
    """`engine.ports.Sampler` of this machine."""

    def __init__(self) -> None:
        self.cost = 0.0
        self._rows: dict[int, process_table.Row] = {}
        self._unclear: set[int] = set()
        """Seen between two programs, when nothing tells yet whose they are."""
        self._reads: dict[int, _Read] = {}
        self._reads_before: Mapping[int, _Read] = {}
        self._trees: Mapping[str, set[int]] = {}
        self._asked: tuple[Mapping[str, int], int] = ({}, 0)
        self._all_anew_at = 0.0
        self._accounts: Mapping[str, accounting.Account] = {}

    def sample(
        self, roots: Mapping[str, int], server_pid: int, *, pss: bool = False
    ) -> Mapping[str, metrics.Usage]:
        began = time.thread_time()
        asked = (dict(roots), server_pid)
        if self._look(set(roots.values())) or self._asked != asked:
            self._trees = processes.members(self._rows, roots, server_pid, os.getpid())
            self._asked = asked
        found: dict[str, metrics.Usage] = {}
        accounts: dict[str, accounting.Account] = {}
        for uid, pids in self._trees.items():
            family = {pid: read for pid in pids if (read := self._read(pid)) is not None}
            alive = {pid: read.stat for pid, read in family.items() if read.stat.alive}
            if alive:
                before = self._accounts.get(uid)
                known = before.family if before is not None else {}
                counted = {pid: self._counted(pid, read, known.get(pid)) for pid, read in family.items()}
                accounts[uid] = accounting.account(roots[uid], counted, before)
                found[uid] = _usage(accounts[uid], alive, _pss(alive) if pss else None)
        self._accounts = accounts
        self.cost = time.thread_time() - began
        return found

    def _look(self, roots: set[int]) -> bool:
        """Whether a process came or went, or became another's."""
        all_anew = time.monotonic() >= self._all_anew_at
        if all_anew:
            self._all_anew_at = time.monotonic() + _ALL_ANEW
        watched = roots.union(self._unclear, *self._trees.values())
        rows: dict[int, process_table.Row] = {}
        unclear: set[int] = set()
        self._reads_before, self._reads = self._reads if not all_anew else {}, {}
        for pid in process_table.pids():
            row = self._rows.get(pid)
            if row is None or all_anew or pid in watched:
                read = self._read(pid)
                if read is None:
                    continue
                whose: tuple[str, str] | None
                if row is not None and row.started == read.stat.started and pid not in self._unclear:
                    whose = row.pane, row.tmux
                else:
                    whose = process_table.whose(pid, read.stat)
                    if whose is None:
                        unclear.add(pid)
                if row is None or not _fits(row, read.stat) or (row.pane, row.tmux) != whose:
                    row = process_table.row(pid, read.stat, *(whose or ("", "")))
            rows[pid] = row
        before, self._rows, self._unclear = self._rows, rows, unclear
        return rows != before

    def _read(self, pid: int) -> _Read | None:
        """Once a look."""
        found = self._reads.get(pid)
        if found is None:
            at, before = time.monotonic(), self._reads_before.get(pid)
            stat = process_table.stat(pid, before.stat if before is not None else None)
            if stat is not None:
                found = self._reads[pid] = _Read(stat, at)
        return found

    def _counted(self, pid: int, read: _Read, known: accounting.Counted | None) -> accounting.Counted:
        before = self._reads_before.get(pid)
        if known is not None and before is not None and before.stat is read.stat:
            # It had no hundredth of a second and touched no new page: what it read and wrote in that is seen within `_ALL_ANEW`.
            return known._replace(at=read.at)
        stat = read.stat
        bytes_read, bytes_written = _io(pid)
        return accounting.Counted(
            stat.started, stat.parent, read.at, stat.cpu, stat.reaped, bytes_read, bytes_written
        )


def _fits(row: process_table.Row, stat: process_table.Stat) -> bool:
    return (
        row.started == stat.started
        and row.parent == stat.parent
        and row.session == stat.session
        and row.name == stat.name
        and row.alive == stat.alive
    )


def _usage(
    account: accounting.Account, alive: Mapping[int, process_table.Stat], pss: int | None
) -> metrics.Usage:
    began = account.started or min(stat.started for stat in alive.values())
    return metrics.Usage(
        interval=account.interval,
        cpu_percent=account.cpu_percent,
        cpu_seconds=account.cpu,
        rss=sum(stat.rss for stat in alive.values()),
        pss=pss,
        io_read=account.read,
        io_write=account.written,
        threads=sum(stat.threads for stat in alive.values()),
        processes=len(alive),
        uptime=max(0.0, age.since(began)),
    )


def _io(pid: int) -> tuple[int, int]:
    """Bytes read from and written to storage; zeros when nobody tells us."""
    if sys.platform != "linux":
        return _io_psutil(pid)
    text = _file(f"/proc/{pid}/io")
    start = text.find(b"\nread_bytes: ")
    if start < 0:
        return 0, 0
    lines = text[start + 1 :].split(b"\n", 2)
    return int(lines[0][12:]), int(lines[1][13:])


def _io_psutil(pid: int) -> tuple[int, int]:
    import psutil  # 44 ms, and Linux does without it

    try:
        told = psutil.Process(pid).io_counters()
    except (psutil.Error, AttributeError):  # macOS does not count it for others to see
        return 0, 0
    return told.read_bytes, told.write_bytes


def _pss(alive: Mapping[int, process_table.Stat]) -> int | None:
    """A process that does not let us look counts with its RSS. 35 µs for a small one, 1 ms for a gigabyte: the kernel walks its pages."""
    if sys.platform != "linux":
        return None
    return sum(_pss_of(pid, stat.rss) for pid, stat in alive.items())


def _pss_of(pid: int, rss: int) -> int:
    text = _file(f"/proc/{pid}/smaps_rollup")
    start = text.find(b"\nPss:")
    return rss if start < 0 else int(text[start + 5 : text.find(b"kB", start)]) * 1024


def _file(path: str) -> bytes:
    """Empty when it is not there or not for us."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 4096)
        finally:
            os.close(fd)
    except OSError:
        return b""
