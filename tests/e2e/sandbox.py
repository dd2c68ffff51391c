"""A machine of one's own for a test: home, sockets and servers in a folder that goes away with them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support import live


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    folder: Path
    """Where commands run; empty at first."""
    environment: Mapping[str, str]
    """`tmux` and `orchestra` mean a default server of our own here."""

    def orchestra(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.run("orchestra", *words, cwd=cwd)

    def tmux(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("tmux", *words)

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=cwd or self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )


@contextlib.contextmanager
def opened() -> Iterator[Sandbox]:
    """Short, because a socket's path is limited to about 100 bytes."""
    top = Path(tempfile.mkdtemp(prefix="or"))
    folder, home = top / "work", top / "home"
    for each in (folder, home, top / "run"):
        each.mkdir(mode=0o700)
    kept = ("LANG", "LC_ALL", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    box = Sandbox(
        folder=folder,
        environment={
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "SHELL": "/bin/bash",
            "TERM": "xterm-256color",
            "TMUX_TMPDIR": str(top),
            "XDG_RUNTIME_DIR": str(top / "run"),
        },
    )
    try:
        yield box
    finally:
        box.tmux("kill-server")
        _end_all(home)
        shutil.rmtree(top, ignore_errors=True)


def _end_all(home: Path) -> None:
    """What was started under this HOME and runs still: a daemon, which goes on without a server."""
    needle = f"\0HOME={home}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in b"\0" + (process / "environ").read_bytes():
                pid = int(process.name)
                with live.ended(pid):
                    os.kill(pid, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
