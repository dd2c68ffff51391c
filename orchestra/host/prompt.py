"""Whether an interactive shell shows its prompt, told from the outside."""

from __future__ import annotations

import fcntl
import functools
import os
import re
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

_EDITS_LINES = frozenset({"bash", "rbash", "zsh", "rzsh", "fish"})
_TERMINAL_READS = ("wait_woken", "n_tty_read")
"""Where Linux (since 3.19, before) lets a process sleep that reads from a terminal."""
_WAITS_FOR_CHILD = re.compile(r"do_wait|sigsuspend")
"""zsh by the second."""


def is_shown(pid: int, tty: str) -> bool:
    """Whether the shell waits for a line: its group has the terminal, it sleeps, not for a child, and the terminal is set for it.

    A shell with a line editor turns the terminal's own editing and echo off while it edits, and only then: rc files, `PS1` and
    commands see them on. bash and fish then also let CR and NL through, zsh swaps them, and a `read -s -n 1` does neither; they
    are at their prompt in no other way; so no `read` in an rc file is taken for one. Any other shell, dash say, may also read
    with the terminal's editing on, and then sleeps in the kernel's terminal read; `sleep` and commands sleep elsewhere.

    Open continuation lines (`for x in 1 2`) count, and so does a `read` of a dash. Where the system does not tell what a
    process sleeps in (no Linux), any sleep counts. `zsh +Z` and a bash with both editing modes off never count.
    """
    look = _look(pid)
    if look is None or not look.foreground or not look.asleep:
        return False
    if look.wait is not None and _WAITS_FOR_CHILD.search(look.wait):
        return False
    try:
        fd = os.open(tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            unread = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
            input_modes, _, _, local_modes, *_ = termios.tcgetattr(fd)
        finally:
            os.close(fd)
    except (OSError, termios.error):
        return False
    if any(unread):  # what was typed has not arrived yet
        return False
    cooked, echo = bool(local_modes & termios.ICANON), bool(local_modes & termios.ECHO)
    if look.edits_lines:
        if look.wait == "0":  # hardly asleep: for a child that a key has started, perhaps
            return False
        keeps_cr = bool(input_modes & termios.ICRNL) == bool(input_modes & termios.INLCR)
        return not cooked and not echo and keeps_cr
    reads = look.wait is None or look.wait.startswith(_TERMINAL_READS)
    return not (cooked or echo) or (cooked and echo and reads)


@dataclass(frozen=True, slots=True)
class _Look:
    foreground: bool
    asleep: bool
    wait: str | None
    """The kernel function it sleeps in. None when this system never tells; "0" also for one that has hardly fallen asleep."""
    edits_lines: bool


def _look(pid: int) -> _Look | None:
    return _look_proc(pid) if sys.platform == "linux" else _look_ps(pid)


def _look_proc(pid: int) -> _Look | None:
    process = Path(f"/proc/{pid}")
    try:
        argv = (process / "cmdline").read_bytes().split(b"\0")
        stat = (process / "stat").read_bytes()
        wait = (process / "wchan").read_text(encoding="ascii", errors="replace") if _tells_waits() else None
    except OSError:
        return None
    name, _, rest = stat.partition(b"(")[2].rpartition(b") ")
    state, _, group, _, _, foreground_group, *_ = rest.split()
    return _Look(
        foreground=group == foreground_group,
        asleep=state == b"S",
        wait=wait,
        edits_lines=_has_editor(os.fsdecode(name), [os.fsdecode(word) for word in argv]),
    )


@functools.cache
def _tells_waits() -> bool:
    """Not where there are no symbols (a kernel without, gVisor)."""
    return Path("/proc/self/wchan").exists() and Path("/proc/kallsyms").exists()


def _look_ps(pid: int) -> _Look | None:
    ps = subprocess.run(
        ["ps", "-o", "stat=", "-o", "command=", "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    state, *argv = ps.stdout.split()[:32] or [""]
    if not argv:
        return None
    name = argv[0].lstrip("-").rpartition("/")[2]
    return _Look(
        foreground="+" in state,
        asleep=state[:1] in ("S", "I"),
        wait=None,
        edits_lines=_has_editor(name, argv),
    )


def _has_editor(name: str, argv: list[str]) -> bool:
    return name in _EDITS_LINES and "--noediting" not in argv
