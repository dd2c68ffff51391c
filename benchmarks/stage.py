"""A folder and a tmux server of the benchmark's own: nobody's configuration, nobody's sessions."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SOCKET = "bench"
DEADLINE = 60.0
"""Seconds for a server and its panes to be gone."""
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Seconds: until the process ended, and what it and its children worked. The tmux server's work is not in `cpu`."""

    wall: float
    cpu: float


class Failed(Exception):
    """What was to be measured did not do what it should."""


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        places = {
            "HOME": folder / "home",
            "TMUX_TMPDIR": folder / "tmux",
            "XDG_RUNTIME_DIR": folder / "run",
            # Python's compiled files, as an installation would have them, whatever this environment says.
            "PYTHONPYCACHEPREFIX": folder / "pycache",
        }
        for place in places.values():
            place.mkdir(mode=0o700)
        self.environ: dict[str, str] = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **{name: str(place) for name, place in places.items()},
            "SHELL": "/bin/sh",
            "TERM": "xterm",
            "EDITOR": "true",  # tmuxinator wants one
        }
        self._known: set[int] = set()
        """Processes of the server that was seen last."""

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def tmux(self, *words: str) -> str:
        argv = ("tmux", "-L", SOCKET, "-f", "/dev/null", *words)
        return subprocess.run(argv, env=self.environ, capture_output=True, text=True, check=True).stdout

    def run(self, argv: Sequence[str], more: Mapping[str, str], codes: Sequence[int] = (0,)) -> Run:
        before, start = _children(), time.perf_counter()
        done = subprocess.run(
            argv,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            check=False,
        )
        wall, cpu = time.perf_counter() - start, _children() - before
        if done.returncode not in codes:
            said = done.stderr.decode(errors="replace").strip()
            raise Failed(f"{' '.join(argv)[:200]}: exit {done.returncode}\n{said[-2000:]}")
        return Run(wall=wall, cpu=cpu)

    def expect(self, panes: int) -> None:
        found = len(self._living()) - 1
        if found != panes:
            raise Failed(f"{found} panes instead of {panes}")

    def _living(self) -> set[int]:
        """Process numbers of the server and of its panes; none when there is no server."""
        try:
            said = self.tmux("display-message", "-p", "#{pid}", ";", "list-panes", "-a", "-F", "#{pane_pid}")
        except subprocess.CalledProcessError:
            return set()
        self._known = {int(pid) for pid in said.split()}
        return self._known

    def clear(self) -> None:
        """No server, and nothing that still ends: a server made while the last one goes away can fail, and its end costs time."""
        if self._living():
            with contextlib.suppress(subprocess.CalledProcessError):  # it may end by itself meanwhile
                self.tmux("kill-server")
        until = time.monotonic() + DEADLINE
        while any(_lives(pid) for pid in self._known):
            if time.monotonic() > until:
                raise Failed("the tmux server, or what ran in it, does not end")
            time.sleep(0.02)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
