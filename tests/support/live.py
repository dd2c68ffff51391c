"""A real tmux server of a test's own, looked at independently of our adapter: plain `tmux` clients, plain `/proc`.

HOME and every XDG directory lie in the test's folder, so no configuration and no lock is shared; and since HOME reaches every process
under the server, what a test leaves behind is found by it, and fails the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from unittest import mock

from orchestra.daemon import assemble
from orchestra.engine.apply import execute, reconcile
from orchestra.model import plan, progress, spec
from orchestra.plan import compare

DEADLINE = 30.0
"""Seconds anything may take on a loaded machine."""
WORKSPACE = "world"

Seen = TypeVar("Seen")


@contextlib.contextmanager
def leaving(path: Path) -> Iterator[None]:
    """A tmux server on that socket which has taken its last client: whoever connects now finds it leaving."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def last() -> None:
            listener.accept()[0].close()
            listener.close()

        waiting = threading.Thread(target=last, daemon=True)
        waiting.start()
        yield
        waiting.join(DEADLINE)
        assert not waiting.is_alive()


def until(look: Callable[[], Seen], what: str = "it", deadline: float = DEADLINE) -> Seen:
    """What `look` returns as soon as that is true."""
    end = time.monotonic() + deadline
    pause, beat = threading.Event(), 0.001
    while True:
        if seen := look():
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what} was not so within {deadline} s")
        pause.wait(beat)
        beat = min(beat * 1.5, 0.05)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A pane as `tmux list-panes -a` shows it; once for every place it is linked to."""

    session_id: str
    window_id: str
    pane_id: str
    window_index: int
    pane_index: int
    pid: int
    dead: bool
    exit_code: str
    signal: str
    window_active: bool
    pane_active: bool
    layout: str
    session: str
    window: str
    session_mark: str
    window_mark: str
    pane_mark: str
    title: str

    @property
    def address(self) -> str:
        """Of ours; "" for a person's."""
        return self.pane_mark.partition(" ")[2].partition(" ")[0]


_FIELDS = (
    "session_id", "window_id", "pane_id", "window_index", "pane_index", "pane_pid", "pane_dead", "pane_dead_status",
    "pane_dead_signal", "window_active", "pane_active", "window_layout", "session_name", "window_name",
    "@orchestra_session", "@orchestra_window", "@orchestra_pane", "pane_title",
)  # fmt: skip
_FORMAT = "|".join(f"#{{{name}}}" for name in _FIELDS)
_LEAF = re.compile(r"(\d+)x(\d+),(\d+),(\d+),\d+(?=[,}\]]|$)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    width: int
    height: int
    x: int
    y: int


def cells(layout: str) -> tuple[Cell, ...]:
    """The panes' places in a tmux layout string, in the order of the panes."""
    return tuple(
        Cell(width=int(w), height=int(h), x=int(x), y=int(y)) for w, h, x, y in _LEAF.findall(layout)
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    pid: int
    started: int
    argv: tuple[str, ...]
    env: Mapping[str, str]


class Live:
    """One server, perhaps not running yet, and the reconciler for it. Close it."""

    def __init__(self, shell: str = "/bin/sh") -> None:
        self.folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="o-")))
        self.socket = self.folder / "s"
        (self.folder / "run").mkdir(mode=0o700)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SHELL": shell,
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
        }
        self._patch = mock.patch.dict(os.environ, self._inherited(), clear=True)
        self._patch.start()
        self.assembly = self.assemble()
        self.told: list[progress.Progress] = []

    def _inherited(self) -> dict[str, str]:
        kept = ("COVERAGE_", "COV_", "PYTEST_", "HYPOTHESIS_", "VIRTUAL_ENV")
        return {
            **{name: value for name, value in os.environ.items() if name.startswith(kept)},
            **self.environ,
        }

    def assemble(self) -> assemble.Assembly:
        return assemble.assemble(None, str(self.socket), os.environ)

    # --- a person at the keyboard, and an eye that is not ours

    def client(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["tmux", "-u", "-S", str(self.socket), *words],
            input=text,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            env=self.environ,
            check=False,
            timeout=DEADLINE,
        )

    def tmux(self, *words: str) -> str:
        done = self.client(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def rows(self) -> tuple[Row, ...]:
        """Empty when no server runs."""
        done = self.client("list-panes", "-a", "-F", _FORMAT)
        if done.returncode != 0:
            assert done.stderr.startswith(
                ("no server running", "error connecting", "no current target", "server exited")
            ), done.stderr
            return ()
        return tuple(_row(line) for line in done.stdout.split("\n") if line)

    def pane(self, address: str) -> Row:
        (found,) = {row.pane_id: row for row in self.rows() if row.address == address}.values()
        return found

    def screen(self, pane: str) -> list[str]:
        lines = self.tmux("capture-pane", "-p", "-J", "-S-", "-t", pane).split("\n")
        return [line for line in lines if line]

    def server_pid(self) -> int:
        """0 when none runs."""
        done = self.client("display-message", "-p", "#{pid}")
        return int(done.stdout) if done.returncode == 0 else 0

    def kill_server(self, number: int = signal.SIGKILL) -> None:
        pid = self.server_pid()
        if pid:
            with ended(pid):
                os.kill(pid, number)

    # --- ours

    def preview(self, desired: spec.Workspace, **options: object) -> plan.Plan:
        return self.assembly.reconciler.preview(desired, compare.Options(**options))[0]  # type: ignore[arg-type]

    def apply(
        self,
        desired: spec.Workspace,
        settings: execute.Settings | None = None,
        **options: object,
    ) -> reconcile.Outcome:
        self.told.clear()
        return asyncio.run(
            self.assembly.reconciler.apply(
                desired,
                compare.Options(**options),  # type: ignore[arg-type]
                settings or execute.Settings(timeout=timedelta(seconds=DEADLINE)),
                lambda _: True,
                self.told.append,
            )
        )

    def apply_saved(self, saved: plan.Plan) -> reconcile.Outcome:
        settings = execute.Settings(timeout=timedelta(seconds=DEADLINE))
        return asyncio.run(
            self.assembly.reconciler.apply_saved(saved, settings, lambda _: True, self.told.append)
        )

    def cli(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.cli_words(*words),
            capture_output=True,
            text=True,
            env={**os.environ, **environ},
            check=False,
            timeout=DEADLINE * 2,
            cwd=self.folder,
        )

    def cli_words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "orchestra", "-S", str(self.socket), *words]

    # --- what runs

    def processes(self) -> dict[int, Process]:
        """Everything that was started under this HOME."""
        found: dict[int, Process] = {}
        needle = f"\0HOME={self.folder}\0".encode()
        for entry in os.listdir("/proc"):  # noqa: PTH208 - hundreds, in every test
            if entry.isdecimal():
                with contextlib.suppress(OSError):
                    environ = b"\0" + Path(f"/proc/{entry}/environ").read_bytes()
                    if needle in environ and int(entry) != os.getpid() and (each := process(int(entry))):
                        found[each.pid] = each
        return found

    def close(self) -> None:
        try:
            with contextlib.suppress(ProcessLookupError):
                self.kill_server(signal.SIGTERM)
            left: dict[int, Process] = {}

            def gone() -> bool:
                left.clear()
                left.update(self.processes())
                return not left

            try:
                until(gone, deadline=5)
            except AssertionError:
                for each in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)
                raise AssertionError(f"left behind: {[each.argv for each in left.values()]}") from None
        finally:
            self._patch.stop()
            shutil.rmtree(self.folder, ignore_errors=True)


def _row(line: str) -> Row:
    words = line.split("|", len(_FIELDS) - 1)
    return Row(
        session_id=words[0],
        window_id=words[1],
        pane_id=words[2],
        window_index=int(words[3]),
        pane_index=int(words[4]),
        pid=int(words[5]),
        dead=words[6] == "1",
        exit_code=words[7],
        signal=words[8],
        window_active=words[9] == "1",
        pane_active=words[10] == "1",
        layout=words[11],
        session=words[12],
        window=words[13],
        session_mark=words[14],
        window_mark=words[15],
        pane_mark=words[16],
        title=words[17],
    )


def process(pid: int) -> Process | None:
    """None when it has ended, also when only its parent has not looked yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        argv = Path(f"/proc/{pid}/cmdline").read_bytes()
        env = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    if stat[0] in "ZX":
        return None
    pairs = (each.partition("=") for each in os.fsdecode(env).split("\0") if each)
    return Process(
        pid=pid,
        started=int(stat[19]),
        argv=tuple(os.fsdecode(argv).split("\0")[:-1]),
        env={name: value for name, _, value in pairs},
    )


def children(pid: int) -> tuple[int, ...]:
    try:
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return ()


@contextlib.contextmanager
def ended(pid: int) -> Iterator[None]:
    """What is done inside ends the process; on leaving it has ended."""
    fd = os.pidfd_open(pid)
    try:
        yield
        assert select.select([fd], [], [], DEADLINE)[0], f"process {pid} did not end"
    finally:
        os.close(fd)
