"""Which processes belong to a pane, and how they are told and seen to end.

A process is known by its number and its start time, and is looked at again right before it is signalled.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import timedelta

from orchestra.host import process_table, prompt
from orchestra.model import status

_WATCHED_AT_ONCE = 128
"""A file descriptor each; never more than a quarter of what we may open."""
_NO_PIDFD = (errno.ENOSYS, errno.EPERM, errno.EMFILE, errno.ENFILE)
"""An old kernel, a sandbox, no more files."""
_LOOK_EVERY = 0.05
"""Seconds, where there are no pidfds."""


class Processes:
    """`engine.ports.Processes` of this machine."""

    def trees(self, roots: Mapping[str, int], server_pid: int) -> Mapping[str, frozenset[status.Process]]:
        table = process_table.read()
        return trees(table, roots, server_pid, os.getpid())

    def find(self, pid: int) -> status.Process | None:
        started = process_table.start_time(pid)
        return None if started is None else status.Process(pid=pid, started=started)

    def signal(self, processes: Collection[status.Process], name: str) -> None:
        number = _number(name)
        for process in processes:
            _signal(process, number)

    def signal_group(self, pid: int, name: str) -> None:
        number = _number(name)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid > 1:
                os.killpg(pid, number)

    async def ended(
        self, processes: Collection[status.Process], timeout: timedelta
    ) -> frozenset[status.Process]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout.total_seconds()):
                pending = list(processes)
                at_once = max(1, min(_WATCHED_AT_ONCE, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
                while pending:
                    watched = await _all_ended(pending[:at_once])
                    pending = pending[watched:]
        return frozenset(each for each in processes if is_alive(each))

    def contains_self(self, processes: Collection[status.Process]) -> bool:
        started = {process.pid: process.started for process in processes}
        pid = os.getpid()
        while pid > 0:
            if pid in started and process_table.start_time(pid) == started[pid]:
                return True
            pid = process_table.parent(pid)
        return False

    def at_prompt(self, pid: int, tty: str) -> bool:
        return prompt.is_shown(pid, tty)


def is_alive(process: status.Process) -> bool:
    return process_table.start_time(process.pid) == process.started


def kill_family(pid: int) -> None:
    """SIGKILL for a child of ours, not yet waited for, and all under it."""
    table = process_table.read()
    for each in _closure([pid], _under(table), ()):
        if each in table:
            _signal(_process(table[each]), signal.SIGKILL)


def trees(
    table: Mapping[int, process_table.Row], roots: Mapping[str, int], server_pid: int, own_pid: int
) -> dict[str, frozenset[status.Process]]:
    """`Processes.trees` of a table already read."""
    return {
        uid: frozenset(_process(table[pid]) for pid in pids if table[pid].alive)
        for uid, pids in members(table, roots, server_pid, own_pid).items()
    }


def members(
    table: Mapping[int, process_table.Row], roots: Mapping[str, int], server_pid: int, own_pid: int
) -> dict[str, set[int]]:
    """The same by number, with zombies."""
    under = _under(table)
    bearing: defaultdict[str, list[int]] = defaultdict(list)
    for row in table.values():
        bearing[row.pane].append(row.pid)
    first = {
        uid: pid
        for uid, pid in roots.items()
        # A dead pane's number may be a stranger's by now.
        if pid in table and (not server_pid or table[pid].parent == server_pid)
    }
    borders = {server_pid, *first.values()}
    untouchable = _closure([*_foreign(table, borders, server_pid), own_pid], under, borders) | {server_pid}
    found: dict[str, set[int]] = {}
    for uid, root in roots.items():
        seeds = [*bearing[uid]] if uid else []
        if uid in first:
            seeds.append(root)
        elif root > 1:
            # Its first process is gone, so the session's number alone proves nothing.
            seeds += [
                row.pid
                for row in table.values()
                if row.session == root and _server_of(row)[1] == server_pid != 0
            ]
        found[uid] = _closure([pid for pid in seeds if pid not in untouchable], under, untouchable)
    return found


def _process(row: process_table.Row) -> status.Process:
    return status.Process(pid=row.pid, started=row.started, name=row.name)


def _under(table: Mapping[int, process_table.Row]) -> defaultdict[int, list[int]]:
    """By pid: its children, and the session it leads, which they stay in when they have lost their parents."""
    under: defaultdict[int, list[int]] = defaultdict(list)
    for row in table.values():
        under[row.parent].append(row.pid)
        under[row.session].append(row.pid)
    return under


def _foreign(table: Mapping[int, process_table.Row], borders: Set[int], server_pid: int) -> list[int]:
    """Other tmux servers, and what was started under one: its `TMUX` names it.

    A server that is gone is another one if it listened elsewhere; else it was ours in an earlier life, and what it left is ours.
    """
    servers = {row.pid for row in table.values() if row.server and row.alive}
    sockets = {socket for socket, pid in map(_server_of, table.values()) if server_pid and pid == server_pid}
    found = []
    for row in table.values():
        socket, server = _server_of(row)
        if row.pid in borders and server != server_pid:
            continue  # A first process that has not come as far as exec still looks like the server that forked it.
        if (row.server and row.pid != server_pid) or (
            server not in (0, server_pid) and (server in servers or (sockets and socket not in sockets))
        ):
            found.append(row.pid)
    return found


def _server_of(row: process_table.Row) -> tuple[str, int]:
    """Socket, whose path may hold commas, and pid of the tmux server it was started under; ("", 0) when it was not."""
    socket, _, rest = row.tmux[: row.tmux.rfind(",")].rpartition(",")
    return (socket, int(rest)) if rest.isdecimal() else ("", 0)


def _closure(seeds: Iterable[int], under: Mapping[int, Sequence[int]], borders: Collection[int]) -> set[int]:
    """The seeds and all under them, without entering a border (a seed may be one)."""
    found = set(seeds)
    open_ends = list(found)
    while open_ends:
        for pid in under.get(open_ends.pop(), ()):
            if pid not in found and pid not in borders:
                found.add(pid)
                open_ends.append(pid)
    return found


def _number(name: str) -> signal.Signals:
    return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]


def _signal(process: status.Process, number: signal.Signals) -> None:
    """A process of another user (sudo) refuses; `ended` will tell that it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        fd = _open(process)
        if fd is None:
            if is_alive(process):
                os.kill(process.pid, number)
            return
        try:
            # The descriptor stands for one process for ever; that it is the right one is known by looking after opening it.
            if is_alive(process) and sys.platform == "linux":
                signal.pidfd_send_signal(fd, number)
        finally:
            os.close(fd)


def _open(process: status.Process) -> int | None:
    """A pidfd; None where the system has none. `ProcessLookupError` when the number is free."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(process.pid)
    except OSError as error:
        if error.errno in _NO_PIDFD:
            return None
        raise


async def _all_ended(processes: Sequence[status.Process]) -> int:
    """Waits for the first of them, as many as can be watched at once; how many those were."""
    loop = asyncio.get_running_loop()
    last = asyncio.Event()
    watched: set[int] = set()

    def seen(fd: int) -> None:
        loop.remove_reader(fd)
        os.close(fd)
        watched.discard(fd)
        if not watched:
            last.set()

    try:
        for number, process in enumerate(processes):
            try:
                fd = _open(process)
            except ProcessLookupError:
                continue
            if fd is None:
                if number:
                    processes = processes[:number]
                    break
                while is_alive(process):  # noqa: ASYNC110  # there is no event
                    await asyncio.sleep(_LOOK_EVERY)
                return 1
            watched.add(fd)
            if is_alive(process):
                loop.add_reader(fd, seen, fd)
            else:
                watched.discard(fd)
                os.close(fd)
        if watched:
            await last.wait()
        return len(processes)
    finally:
        for fd in watched:
            loop.remove_reader(fd)
            os.close(fd)
