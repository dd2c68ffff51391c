"""What has a pane's terminal now, and signals to it. `engine.ports.Terminals`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from orchestra.host import age, process_table, prompt
from orchestra.model import hand, shells

_WITH_WORD = ("--rcfile", "--init-file", "--init-command", "-C", "-o", "-O", "+o", "+O")
"""Options of shells whose next word is theirs."""
_AGAIN = 0.001
_GONE = (OSError, ValueError, IndexError)
"""It ended meanwhile, or is another user's."""


class Terminals:
    def foreground(self, pid: int) -> hand.Foreground | None:
        """Of the terminal that `pid`, a pane's first process, runs on. None when that is gone."""
        while process_table.start_time(pid) is not None:
            with contextlib.suppress(*_GONE):  # what had the terminal ended while it was looked at
                return _of_proc(pid) if sys.platform == "linux" else _of_ps(pid)
            self.rest(_AGAIN)
        return None

    def first(self, pid: int) -> hand.Foreground | None:
        """A pane's first process itself, whatever has its terminal."""
        try:
            return _described(pid, os.getpgid(pid), own=True)
        except _GONE:
            return None

    def at_prompt(self, pid: int, tty: str) -> bool:
        return prompt.is_shown(pid, tty)

    def alive(self, found: hand.Foreground) -> bool:
        return process_table.start_time(found.pid) == found.started

    def age(self, pid: int) -> float | None:
        """Seconds since its start; None when it is gone."""
        known = age.ages([pid]).get(pid)
        return known.total_seconds() if known is not None else None

    def signal(self, found: hand.Foreground, name: str) -> bool:
        """To the whole group. False when it has ended, or its leader's number means another process now."""
        if found.group <= 1 or process_table.start_time(found.pid) != found.started:
            return False
        try:
            os.killpg(found.group, signal.Signals[name])
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def rest(self, seconds: float, fd: int | None = None) -> None:
        """For so long, or until `fd` is readable."""
        select.select([fd] if fd is not None else [], [], [], max(0.0, seconds))

    def monotonic(self) -> float:
        return time.monotonic()


def _of_proc(pid: int) -> hand.Foreground:
    group, terminal = _groups(pid)
    own = terminal in (group, -1)
    leader = pid if own else terminal
    if process_table.start_time(leader) is None:  # the leader of a pipeline has ended before the rest of it
        leader = next((each for each in _below(pid) if _groups(each)[0] == terminal), leader)
    return _described(leader, group if own else terminal, own=own)


def _described(pid: int, group: int, *, own: bool) -> hand.Foreground:
    started = process_table.start_time(pid)
    if started is None:
        raise ProcessLookupError
    program = ""
    if sys.platform == "linux":
        argv = _words(pid)
        with contextlib.suppress(OSError):
            program = str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(" (deleted)").rpartition("/")[2]
    else:
        argv = tuple(_ps("command=", pid).split())
    argv = _unwrapped(pid, argv, program)
    return hand.Foreground(
        pid=pid,
        group=group,
        argv=argv,
        program=program,
        own=own,
        shell=is_shell(argv, program),
        started=started,
    )


def _unwrapped(pid: int, argv: tuple[str, ...], program: str) -> tuple[str, ...]:
    """The command, where it is our wrapper that runs it; in perl that calls itself as the command (docs/decisions/0003-wrapper.md)."""
    for number, word in enumerate(argv[:10]):
        if word.endswith(("/orchestra/tmux/exec.pl", "/orchestra/tmux/exec.py")) and number + 1 < len(argv):
            return argv[number + 1 :]
    if len(argv) == 1 and program.startswith("perl") and not _name(argv[0]).startswith("perl"):
        with contextlib.suppress(*_GONE):
            (child,) = map(int, _read(pid, f"task/{pid}/children").split())
            return _words(child)
    return argv


def _words(pid: int) -> tuple[str, ...]:
    return tuple(os.fsdecode(each) for each in _read(pid, "cmdline").rstrip(b"\0").split(b"\0"))


def _name(word: str) -> str:
    return word.lstrip("-").rpartition("/")[2]


def _of_ps(pid: int) -> hand.Foreground:
    group, terminal = _ps("pgid=,tpgid=", pid).split()
    own = terminal in (group, "-1", "0")
    leader = pid if own else int(terminal)
    return _described(leader, int(group if own else terminal), own=own)


def _ps(columns: str, pid: int) -> str:
    done = subprocess.run(
        ["ps", "-o", columns, "-p", str(pid)], capture_output=True, text=True, errors="replace", check=False
    )
    return done.stdout.strip()


def is_shell(argv: Sequence[str], program: str) -> bool:
    """Interactive: it was given neither a command nor a script. `program` counts, where it is known: anything can call itself a shell."""
    if not argv:
        return False
    name = _name(argv[0])
    known = program.partition("-")[0] or name  # zsh-5.9
    words = iter(argv[1:])
    if known == "busybox":
        known = name if name != "busybox" else next(words, "")
    if known not in shells.NAMES:
        return False
    for word in words:
        if word in _WITH_WORD:
            next(words, None)
        elif word.startswith("--") and len(word) > 2:
            continue
        elif not word.startswith(("-", "+")) or "c" in word[1:]:
            return False
    return True


def _groups(pid: int) -> tuple[int, int]:
    """Its process group, and the one that has its terminal (-1: none)."""
    fields = _read(pid, "stat").rpartition(b") ")[2].split()
    return int(fields[2]), int(fields[5])


def _read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:  # noqa: PTH123 - asked every few milliseconds
        return file.read()


def _below(pid: int) -> list[int]:
    found, left = [], [pid]
    while left:
        each = left.pop()
        with contextlib.suppress(*_GONE):
            children = [int(word) for word in _read(each, f"task/{each}/children").split()]
            found += children
            left += children
    return found
