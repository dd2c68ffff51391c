"""One tmux server and the one way to run tmux on it: a client that ends at once, never one that stays attached (docs/decisions/0002)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestra.model import errors
from orchestra.model.frozen import frozen

TIMEOUT = 30
"""Seconds a client may take; a healthy server answers within milliseconds."""

ABSENT = ("no server running on ", "error connecting to ")

PIPE = 65536
"""Bytes that a pipe holds without being asked to hold more."""

LEAVING = ("server exited", "lost server")
"""What a client says whose server ended while it was connected: neither there nor absent yet."""
TRIES = 50
"""Of a question, while the server is leaving."""
STARTS = 5
"""Of servers in the place of one that is leaving. Each try waits until that one is gone; what ends them all is in the commands."""


_HOOK = "@orchestra_source"
QUIETLY = ("set-option", "-gq", _HOOK, "source-file -", ";", "set-hook", "-R", _HOOK)
"""Reads commands from standard input, from within a hook: there tmux runs no `after-…` hooks, so a person's that renames each new window
cannot take what we make away from us half-way."""


@frozen
class Choice:
    """Which server, as tmux itself chooses: `-S path`, else `-L name`, else the one we run in, else the default."""

    socket_path: str | None = None
    socket_name: str | None = None

    def arguments(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        if self.socket_path is not None:
            return ("-S", self.socket_path)
        if self.socket_name is not None:
            return ("-L", self.socket_name)
        inside = environ.get("TMUX", "").partition(",")[0]
        return ("-S", inside) if inside else ()

    def path(self, environ: Mapping[str, str]) -> str:
        """The socket's path: names the server for locks."""
        arguments = self.arguments(environ)
        if arguments[:1] == ("-S",):
            return str(Path(arguments[1]).absolute())
        folder = Path(environ.get("TMUX_TMPDIR") or "/tmp").resolve()  # noqa: S108 - tmux's own default
        return str(folder / f"tmux-{os.getuid()}" / (arguments[1] if arguments else "default"))


@frozen
class Reply:
    code: int
    out: bytes
    err: str

    @property
    def absent(self) -> bool:
        """Surely no server. Permission denied is not that: then nobody knows."""
        if not self.err.startswith(ABSENT):
            return False
        return self.err.startswith(ABSENT[0]) or "No such file" in self.err or "refused" in self.err

    @property
    def leaving(self) -> bool:
        return not self.out and self.err.startswith(LEAVING)


class Server:
    """`environ` is the environment our clients run in, and the server when they start it: a clean one, without our variables."""

    def __init__(self, choice: Choice, environ: Mapping[str, str], clean: Mapping[str, str]) -> None:
        self.choice = choice
        self.path = choice.path(environ)
        self._arguments = choice.arguments(environ)
        self.environment = dict(clean)
        if "TMUX_TMPDIR" in environ:
            self.environment["TMUX_TMPDIR"] = environ["TMUX_TMPDIR"]
        found = shutil.which("tmux", path=environ.get("PATH"))
        if found is None:
            raise errors.TmuxUnavailable(
                "tmux is not installed, or not on PATH",
                hint="install it (apt-get install tmux, dnf install tmux, brew install tmux) and run: orchestra doctor",
            )
        self.binary = found

    def argv(self, *words: str) -> tuple[str, ...]:
        return (self.binary, "-u", *self._arguments, *words)

    def ask(self, *words: str) -> Reply:
        """Runs constant commands of ours that only read. Never data: data goes through `source`."""
        reply = self._run(words, b"")
        for _ in range(TRIES):
            if not reply.leaving:
                break
            reply = self._run(words, b"")
        return reply

    def is_up(self) -> bool:
        return not self.ask("display-message", "-p", "").absent

    def source(
        self, lines: Sequence[str], *, start: bool = False, buffers: Sequence[tuple[str, bytes]] = ()
    ) -> Reply:
        """Runs command lines that `quote` has built, all in one turn of the server: either all are read or none is run.

        `buffers` are loaded before, by name: any bytes, of any length, which stand in no command. With `start` a server is started where
        none runs; where one is just leaving, which takes all that is on it along, the next one is asked.
        """
        if start:
            self._refuse_to_replace()
        text = "\n".join(lines).encode(errors="surrogateescape") + b"\n"
        with contextlib.ExitStack() as held:
            files = [held.enter_context(_holding(data)) for _, data in buffers]
            loads = [
                word
                for (name, _), fd in zip(buffers, files, strict=True)
                for word in ("load-buffer", "-b", name, f"/dev/fd/{fd}", ";")
            ]
            begin = ("start-server", ";") if start else ()
            reply = self._run((*begin, *loads, *QUIETLY), text, files)
            for _ in range(STARTS if start else 0):
                if not reply.leaving:
                    break
                reply = self._run((*begin, *loads, *QUIETLY), text, files)
            return reply

    def _refuse_to_replace(self) -> None:
        """tmux removes whatever stands where its socket is to be."""
        path = Path(self.path)
        if path.exists() and not path.is_socket():
            raise errors.TmuxUnavailable(
                f"{path} is not a tmux socket",
                hint="look at -S, -L and the variable TMUX: one of them names it",
            )

    def _run(self, words: Sequence[str], stdin: bytes, files: Sequence[int] = ()) -> Reply:
        filled = _filled(stdin)
        try:
            code, out, err = _ran(self.argv(*words), self.environment, filled, stdin, files)
        except subprocess.TimeoutExpired as error:
            raise errors.TmuxUnavailable(
                f"the tmux server on {self.path} did not answer within {TIMEOUT} s",
                hint="it may be stopped or hung; nothing more was sent to it",
            ) from error
        except OSError as error:
            raise errors.TmuxUnavailable(f"cannot run {self.binary}: {error.strerror}") from error
        finally:
            if filled is not None:
                os.close(filled)
        return Reply(code=code, out=out, err=err.decode(errors="replace"))


def _ran(
    argv: Sequence[str], environ: Mapping[str, str], filled: int | None, stdin: bytes, files: Sequence[int]
) -> tuple[int, bytes, bytes]:
    """As `subprocess.run` with a timeout; that one, once the pipes are closed, sleeps until the process has ended (2 ms each time)."""
    if filled is None:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            env=environ,
            timeout=TIMEOUT,
            check=False,
            pass_fds=files,
        )
        return done.returncode, done.stdout, done.stderr
    with subprocess.Popen(
        argv, stdin=filled, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, pass_fds=files
    ) as process:
        try:
            out, err = _read(process, time.monotonic() + TIMEOUT)
        except BaseException:
            process.kill()
            raise
        return process.wait(), out, err


def _read(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    said: dict[int, list[bytes]] = {process.stdout.fileno(): [], process.stderr.fileno(): []}
    open_ = select.poll()  # of descriptors whatever their number
    for fd in said:
        open_.register(fd, select.POLLIN)
    left = len(said)
    while left:
        ready = open_.poll(max(until - time.monotonic(), 0) * 1000)
        if not ready:
            raise subprocess.TimeoutExpired(process.args, TIMEOUT)
        for fd, _ in ready:
            piece = os.read(fd, PIPE)
            said[fd].append(piece)
            if not piece:
                open_.unregister(fd)
                left -= 1
    return b"".join(said[process.stdout.fileno()]), b"".join(said[process.stderr.fileno()])


@contextlib.contextmanager
def _holding(data: bytes) -> Iterator[int]:
    """A descriptor of a file without a name that holds `data`; a client reads it as `/dev/fd/N`."""
    if sys.platform == "linux":
        fd = os.memfd_create("orchestra")
    else:
        import tempfile  # where there is no file in memory

        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


def _filled(text: bytes) -> int | None:
    """The reading end of a pipe that holds all of it: so a client whose parent dies never runs the half of what it was sent. None where
    no pipe is that large (1 MiB on Linux; 64 KiB elsewhere)."""
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        if sys.platform == "linux" and len(text) > PIPE:
            with contextlib.suppress(OSError):
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, len(text))
        whole = not text or os.write(writer, text) == len(text)
    except BlockingIOError:
        whole = False
    finally:
        os.close(writer)
    if whole:
        return reader
    os.close(reader)
    return None
