"""What runs in panes: the first process of each, and what has its terminal now."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping

from orchestra.model import live

_GONE = (OSError, ValueError)
"""It ended meanwhile, or is another user's."""
_FORKED = 0x40
"""Of a process's flags (proc(5)), `PF_FORKNOEXEC`: it is a copy of who forked it still, for a pane the tmux server."""
_TRIES = 20
_UNTIL_EXEC = 0.002
"""Seconds between looks."""


def running(pids: Iterable[int]) -> Mapping[int, live.Running]:
    """By the panes' first processes; those that are gone are left out."""
    if sys.platform == "linux":
        return {pid: found for pid in pids if (found := _of_proc(pid)) is not None}
    return _of_ps(pids)


def _of_proc(pid: int) -> live.Running | None:
    try:
        if not _is_itself(pid):
            return None
        group, terminal = _groups(pid)
        if terminal == os.getpgrp():  # ourselves, asked from that pane
            terminal = group
        first = _program(pid)
        return live.Running(
            first=first,
            foreground=tuple(map(_program, _members(pid, terminal))) if terminal not in (group, -1) else (),
            env=dict(_environ(pid)),
        )
    except _GONE:
        return None


def foreground_group(pid: int) -> int | None:
    """The process group that has the terminal of a pane's first process; None when that is gone."""
    try:
        if sys.platform == "linux":
            group, terminal = _groups(pid)
        else:
            asked = ["ps", "-o", "pgid=,tpgid=", "-p", str(pid)]
            told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
            group, terminal = map(int, told.split())
    except _GONE:
        return None
    return terminal if terminal > 1 else group


def _is_itself(pid: int) -> bool:
    """Whether the program of a pane that was just made has begun, which is waited for a moment."""
    forked = True
    for _ in range(_TRIES):
        state, *fields = _stat(pid)
        forked = bool(int(fields[5]) & _FORKED)
        if not forked and (state == b"Z" or _cmdline(pid)):  # in the middle of an exec it has no words
            break
        time.sleep(_UNTIL_EXEC)  # noqa: TID251  # the kernel tells nobody when an exec is done
    return not forked


def _groups(pid: int) -> tuple[int, int]:
    """Its process group, and the one that has its terminal (-1: none)."""
    fields = _stat(pid)
    return int(fields[2]), int(fields[5])


def _stat(pid: int) -> list[bytes]:
    """What follows the name: state, parent, group, session, terminal, the terminal's group, flags and more."""
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a hundred of them
        return file.read().rpartition(b") ")[2].split()


def _members(pid: int, group: int) -> Iterator[int]:
    """The processes of a foreground group that the same shell started, in order; its leader alone when that cannot be seen."""
    try:
        parent = _parent(group)
        with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:  # noqa: PTH123
            found = [each for each in map(int, file.read().split()) if _groups(each)[0] == group]
    except _GONE:
        found = []
    if not found:  # its leader has ended
        found = [each for each in _below(pid) if _groups(each)[0] == group][:1]
    yield from found or [group]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _below(pid: int) -> Iterator[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:  # noqa: PTH123
            children = [int(each) for each in file.read().split()]
    except _GONE:
        return
    for each in children:
        yield each
        yield from _below(each)


def _program(pid: int) -> live.Program:
    return live.Program(argv=_argv(_cmdline(pid)), dir=_link(pid, "cwd"), path=_link(pid, "exe"))


def _cmdline(pid: int) -> bytes:
    with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
        return file.read()


def _argv(raw: bytes) -> tuple[str, ...]:
    """What a program wrote over it (a process title) has no ends between its words, and is filled up."""
    words = raw.removesuffix(b"\0").split(b"\0")
    if b" " in words[0] and not any(words[1:]):
        words = words[:1]
    return tuple(map(os.fsdecode, words)) if words[0] else ()


def _link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")  # noqa: PTH115
    except OSError:
        return ""


def _environ(pid: int) -> Iterator[tuple[str, str]]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            pairs = file.read().split(b"\0")
    except OSError:
        return
    for pair in pairs:
        name, sign, value = os.fsdecode(pair).partition("=")
        if sign and name:
            yield name, value


def _of_ps(pids: Iterable[int]) -> Mapping[int, live.Running]:
    import psutil  # 44 ms, and Linux does without it

    told = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,pgid=,tpgid="], capture_output=True, text=True, check=False
    ).stdout
    rows = {
        int(pid): (int(ppid), int(group), int(terminal))
        for pid, ppid, group, terminal in map(str.split, told.splitlines())
    }

    def program(pid: int) -> live.Program:
        process = psutil.Process(pid)
        return live.Program(argv=tuple(process.cmdline()), dir=process.cwd(), path=process.exe())

    found: dict[int, live.Running] = {}
    for pid in pids:
        if pid not in rows:
            continue
        _, group, terminal = rows[pid]
        members = [each for each, row in sorted(rows.items()) if row[1] == terminal and terminal != group]
        siblings = [each for each in members if rows[each][0] == rows[members[0]][0]]
        try:
            found[pid] = live.Running(
                first=program(pid),
                foreground=tuple(map(program, siblings)),
                env=psutil.Process(pid).environ(),
            )
        except (psutil.Error, *_GONE):
            continue
    return found
