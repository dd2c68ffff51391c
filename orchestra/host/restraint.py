"""Holding processes of panes down, and ending them faster than they fork."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from orchestra.host import cgroups, process_table, processes
from orchestra.model import rules, status

ROUNDS = 50
"""Of killing what is there. What still grows then is told, not chased for ever."""
_RESIDENT = (b"AnonPages", b"Mapped")
"""What all processes have in memory (proc(5))."""
_LOWEST = 19
"""The priority that yields to all others."""


class Restraint:
    """`engine.ports.Restraint` of this machine."""

    def __init__(self) -> None:
        self._turning: subprocess.Popen[bytes] | None = None
        self._lowered: dict[status.Process, int] = {}
        self._walls: dict[str, rules.Limits] = {}
        """By group."""
        self._squeezed: set[str] = set()
        self._refused: set[str] = set()
        """Whose processor time the kernel does not keep: no controller for it, or nobody who sets it."""

    def cues(self) -> tuple[int, int, float]:
        if sys.platform != "linux":
            return 0, 0, 0.0
        try:
            tasks = int(_read("/proc/loadavg").split()[3].partition(b"/")[2])
            memory = _read("/proc/meminfo")
            # Not what is free: in a virtual machine the host takes from that and gives to it.
            used = sum(int(memory.partition(b"\n%s:" % name)[2].split(None, 1)[0]) for name in _RESIDENT)
            up, idle = map(float, _read("/proc/uptime").split())
        except (OSError, ValueError, LookupError):  # a sandbox with a /proc of its own
            return 0, 0, 0.0
        return tasks, used * 1024, up * _CORES - idle

    def wall(self, uid: str, pid: int, limits: rules.Limits) -> bool:
        group = cgroups.of(pid, uid)
        if not group:
            return False
        cgroups.sweep()
        self._walls = {known: each for known, each in self._walls.items() if cgroups.is_there(known)}
        self._walls[group] = limits
        self._squeezed &= self._walls.keys()
        self._refused &= self._walls.keys()
        return cgroups.write(group, cgroups.walls(limits, is_held=group in self._squeezed))

    def hold(self, shares: Mapping[str, tuple[int, float, bool]], server_pid: int) -> None:
        groups = {uid: cgroups.of(pid, uid) for uid, (pid, _, _) in shares.items()}
        wanted = {
            group for group in groups.values() if group in self._walls and self._walls[group].cpu is not None
        } - self._refused
        for group in wanted ^ self._squeezed:
            is_held = group in wanted
            if cgroups.write(group, cgroups.walls(self._walls[group], is_held=is_held)):
                self._squeezed ^= {group}
            elif not cgroups.is_there(group):
                self._squeezed.discard(group)
            elif is_held:
                self._refused.add(
                    group
                )  # to be held as where there are none; what is to be let go is tried again
        shares = {uid: share for uid, share in shares.items() if groups[uid] not in self._squeezed}
        self._stand(shares, server_pid)

    def _stand(self, shares: Mapping[str, tuple[int, float, bool]], server_pid: int) -> None:
        trees = self._trees({uid: pid for uid, (pid, _, _) in shares.items()}, server_pid)
        turning: list[tuple[float, list[tuple[int, int]]]] = []
        lowered: dict[status.Process, int] = {}
        for uid, (pid, share, is_shell) in shares.items():
            # tmux lets a pane's first process go on as soon as it is stopped.
            tree = sorted((each for each in trees[uid] if each.pid != pid), key=lambda each: each.started)
            if is_shell or sys.platform != "linux":
                # A shell that waits for its job would take the terminal when that is stopped.
                lowered |= {each: self._lower(each) for each in tree}
            elif tree:
                turning.append((round(share, 3), [(each.pid, int(each.started)) for each in tree]))
        for each in self._lowered.keys() - lowered.keys():
            with contextlib.suppress(OSError):  # to raise it again may be forbidden
                if processes.is_alive(each):
                    os.setpriority(os.PRIO_PROCESS, each.pid, self._lowered[each])
        self._lowered = lowered
        self._turn(turning)

    def _lower(self, process: status.Process) -> int:
        if process in self._lowered:
            return self._lowered[process]
        before = 0
        with contextlib.suppress(OSError):
            before = os.getpriority(os.PRIO_PROCESS, process.pid)
            os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST)
        return before

    def _turn(self, sets: list[tuple[float, list[tuple[int, int]]]]) -> None:
        if self._turning is not None and self._turning.poll() is not None:
            self.close()  # somebody killed it; what it held goes on below
        if self._turning is None:
            if not sets:
                return
            self._free({pid for _, keys in sets for pid, _ in keys})
            self._turning = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("duty.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        turning = self._turning
        assert turning.stdin is not None
        try:
            turning.stdin.write(json.dumps(sets).encode() + b"\n")
            turning.stdin.flush()
        except BrokenPipeError:
            return  # seen the next time
        if not sets:
            self.close()

    def close(self) -> None:
        """Lets everything go."""
        turning, self._turning = self._turning, None
        if turning is not None and turning.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                turning.stdin.close()
            turning.wait()

    def free(self, roots: Mapping[str, int], server_pid: int) -> None:
        for tree in self._trees(roots, server_pid).values():
            self._free({each.pid for each in tree})

    def _free(self, pids: Collection[int]) -> None:
        """Bottom-up, those that stand still."""
        for pid in sorted(pids, reverse=True):
            with contextlib.suppress(OSError, IndexError):
                if _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()[0] == b"T":
                    os.kill(pid, signal.SIGCONT)

    def kill(self, uid: str, pid: int, server_pid: int) -> int:
        if (own := cgroups.of(pid, uid)) and not _shelters(own, server_pid):
            cgroups.kill(own)
        for number in range(ROUNDS):
            tree = self._trees({uid: pid}, server_pid)[uid]
            if not tree:
                return 0
            if number:
                # Whatever forks from group to group: when all stand still, nothing is born any more.
                _each(sorted(tree, key=lambda each: each.started), signal.SIGSTOP)
            # A signal to a group reaches also who is just being born.
            sessions = {each.pid for each in tree} | {pid}
            for group, session in {_group(each.pid) for each in tree}:
                if group > 1 and session in sessions and group != os.getpgrp():
                    with contextlib.suppress(OSError):
                        os.killpg(group, signal.SIGKILL)
            _each(tree, signal.SIGKILL)
            time.sleep(0.002 * (number + 1))  # noqa: TID251  # the kernel tells nobody when all of many are gone
        return len(self._trees({uid: pid}, server_pid)[uid])

    def _trees(self, roots: Mapping[str, int], server_pid: int) -> Mapping[str, frozenset[status.Process]]:
        if not roots:
            return {}
        return processes.trees(process_table.read(), roots, server_pid, os.getpid())


_CORES = os.cpu_count() or 1


def _shelters(group: str, server_pid: int) -> bool:
    """Whether somebody is in it who is not the pane's to end: this program, or a tmux server, that was started in the pane. The table of
    all processes would tell more, but takes its time while the pane forks."""
    there = cgroups.members(group)
    seen = (process_table.stat(pid) for pid in there - {os.getpid(), server_pid})
    return bool(there & {os.getpid(), server_pid}) or any(each is not None and each.server for each in seen)


def _group(pid: int) -> tuple[int, int]:
    """With its session; zeros when it is gone."""
    try:
        return os.getpgid(pid), os.getsid(pid)
    except OSError:
        return 0, 0


def _each(tree: Collection[status.Process], number: int) -> None:
    for each in tree:
        with contextlib.suppress(OSError):
            if processes.is_alive(each):
                os.kill(each.pid, number)


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)
