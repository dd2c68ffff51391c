"""The command line as a person or a script uses it: in a process of its own, on a tmux server of the test's own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import pytest

NOTHING: Mapping[str, str] = MappingProxyType({})
DEADLINE = 60.0
"""Seconds anything may take on a loaded machine."""
_INHERITED = ("COVERAGE_", "COV_", "PYTHONPATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout must be one JSON value, and nothing beside it."""
        return json.loads(self.out)


class Running:
    """A command that is at work. Its stdout is a pipe, read at the end; its stderr is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._stderr = b""
        self._stdout = b""

    def until(self, text: str) -> None:
        """Returns once stderr holds `text`."""
        assert self.process.stderr is not None
        _read_until(self.process.stderr.fileno(), text.encode(), self._add, lambda: self._stderr)

    def _add(self, data: bytes) -> None:
        self._stderr += data

    def line(self) -> str:
        """The next line of stdout, as soon as it is there."""
        assert self.process.stdout is not None
        if b"\n" not in self._stdout:
            _read_until(self.process.stdout.fileno(), b"\n", self._add_out, lambda: self._stdout)
        line, _, self._stdout = self._stdout.partition(b"\n")
        return line.decode()

    def _add_out(self, data: bytes) -> None:
        self._stdout += data

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def done(self) -> Done:
        out, err = self.process.communicate(timeout=DEADLINE)
        return Done(
            code=self.process.returncode, out=out.decode(), err=(self._stderr + err).decode(errors="replace")
        )


class Terminal:
    """A command with a terminal for all three of its streams; Ctrl-C and everything else is typed."""

    def __init__(
        self, argv: list[str], environ: Mapping[str, str], folder: Path, columns: int, rows: int
    ) -> None:
        self._shown = b""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._master = master

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environ),
            cwd=folder,
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        os.close(slave)

    @property
    def shown(self) -> str:
        return self._shown.decode(errors="replace")

    def until(self, text: str) -> None:
        _read_until(self._master, text.encode(), self._add, lambda: self._shown)

    def _add(self, data: bytes) -> None:
        self._shown += data

    def asked(self, question: str) -> None:
        """Returns once it has asked and sleeps until it is answered. A signal that comes in between is heard by nobody: CPython's
        `input` looks for signals, then reads."""
        self.until(question)
        while Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2][0] != "S":
            pass

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def done(self) -> int:
        """The exit code, after everything has been read."""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while True:
                assert select.select([self._master], [], [], DEADLINE)[0], f"it does not end: {self.shown}"
                self._add(os.read(self._master, 65536))
        os.close(self._master)
        return self.process.wait(timeout=DEADLINE)


def _read_until(fd: int, text: bytes, add: Any, seen: Any) -> None:
    end = time.monotonic() + DEADLINE
    while text not in seen():
        ready = select.select([fd], [], [], max(0.0, end - time.monotonic()))[0]
        data = os.read(fd, 65536) if ready else b""
        assert data, f"{text!r} did not come; what did: {seen().decode(errors='replace')}"
        add(data)


@dataclass(slots=True)
class Cli:
    """`orchestra -S …` in a folder of its own."""

    folder: Path
    environ: dict[str, str]
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    def argv(self, *words: str, server: bool = True) -> list[str]:
        return [sys.executable, "-m", "orchestra", *(("-S", str(self.socket)) if server else ()), *words]

    def run(
        self,
        *words: str,
        text: str = "",
        server: bool = True,
        env: Mapping[str, str] = NOTHING,
        **environ: str,
    ) -> Done:
        """In a pipe, without a terminal; `text` is its standard input, `env` and what else is named is put into its environment."""
        done = subprocess.run(
            self.argv(*words, server=server),
            input=text.encode(),
            capture_output=True,
            env={**self.environ, **env, **environ},
            cwd=self.folder,
            timeout=DEADLINE,
            check=False,
        )
        return Done(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode(errors="replace"))

    def ok(self, *words: str, **environ: str) -> str:
        """stdout of what must exit 0."""
        done = self.run(*words, env=environ)
        assert done.code == 0, (words, done)
        return done.out

    def json(self, *words: str, code: int = 0) -> Any:
        done = self.run(*words, "-o", "json")
        assert done.code == code, (words, done)
        return done.json

    def start(self, *words: str) -> Running:
        process = subprocess.Popen(
            self.argv(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ,
            cwd=self.folder,
        )
        self._running.append(process)
        return Running(process)

    def terminal(
        self, *words: str, columns: int = 120, rows: int = 30, env: Mapping[str, str] = NOTHING
    ) -> Terminal:
        environ = {**self.environ, "TERM": "xterm-256color", **env}
        made = Terminal(self.argv(*words), environ, self.folder, columns, rows)
        self._running.append(made.process)
        return made

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self.socket), *words],
            capture_output=True,
            text=True,
            env=self.environ,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def write(self, name: str, text: str) -> str:
        """The file's name, as commands take it."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def panes(self) -> dict[str, int]:
        """Address -> pid of every pane of ours, as tmux says it."""
        listed = self.tmux("list-panes", "-a", "-F", "#{pane_pid} #{@orchestra_pane}").splitlines()
        rows = [line.split(" ") for line in listed]
        return {row[2]: int(row[0]) for row in rows if len(row) > 2}

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                _close(stream)
        with contextlib.suppress(AssertionError):
            pid = int(self.tmux("display-message", "-p", "#{pid}"))
            fd = os.pidfd_open(pid)
            os.kill(pid, signal.SIGTERM)
            select.select([fd], [], [], DEADLINE)
            os.close(fd)
        left = self._left()
        for each in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> list[int]:
        """What was started under this HOME and runs still."""
        needle = f"\0HOME={self.folder}\0".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if needle in b"\0" + (process / "environ").read_bytes():
                    found.append(int(process.name))
        return found


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()


@pytest.fixture
def cli() -> Iterator[Cli]:
    """The folder's name is short: a socket's path may have 107 bytes."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="oc")))
    (folder / "run").mkdir(mode=0o700)
    kept = {name: value for name, value in os.environ.items() if name.startswith(_INHERITED)}
    made = Cli(
        folder=folder,
        environ={
            **kept,
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SHELL": "/bin/sh",
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
        },
    )
    try:
        yield made
    finally:
        made.close()
