"""One command in a process group of its own, which ends when its time is up, whatever it has forked."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta

from orchestra.host import reason
from orchestra.model import status
from orchestra.model.frozen import frozen

_OUTPUT = 4096
"""Bytes kept of its output, the last."""
_LOOK_EVERY = 0.02
"""Seconds, where there are no pidfds."""
_DIES = 1.0
"""Seconds that SIGKILL may take."""
_ENTER = 'cd -- "$1" 2>/dev/null || { echo "$0"; exit 1; }; shift; unset OLDPWD; exec "$@"'
"""A directory may be on a machine that does not answer. So the child goes there, once it is one that can be given up: until it is another
program, whoever starts it stands still with all his threads (vfork). `$0` is a word that nobody else knows."""
_NOT_STARTED = {126: errno.EACCES, 127: errno.ENOENT}
"""Exit codes of a shell that could not become another program."""


@frozen
class Ran:
    attempt: status.Attempt
    output: str
    """The last of what it printed."""
    is_lost: bool = False
    """Its directory is not there."""


async def attempt(
    command: str | tuple[str, ...],
    timeout: timedelta,
    *,
    dir: str,
    env: Mapping[str, str],
    leaves_children: bool = False,
) -> status.Attempt:
    """Healthy when it exits 0 in time. `leaves_children`: what it leaves in its group in time may live on."""
    return (await ran(command, timeout, dir=dir, env=env, leaves_children=leaves_children)).attempt


async def ran(
    command: str | tuple[str, ...],
    timeout: timedelta,
    *,
    dir: str,
    env: Mapping[str, str],
    leaves_children: bool = False,
    given: bytes = b"",
) -> Ran:
    """`given`: its standard input.

    Nobody waits for the end of its output: a child may hold the pipe for ever. Only a child that leaves the group by
    `setsid` escapes.
    """
    argv = ("/bin/sh", "-c", command) if isinstance(command, str) else command
    word = secrets.token_hex(8)
    try:
        running = _Running(argv if dir == "/" else ("/bin/sh", "-c", _ENTER, word, dir, *argv), env, given)
    except (OSError, ValueError) as error:
        return _not_started(argv, reason.of(error) if isinstance(error, OSError) else str(error))
    in_time = False
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await running.ended()
        in_time = True
    except TimeoutError:
        pass
    finally:
        if not (in_time and leaves_children):
            running.kill()
        code = await running.finish()
    if in_time and code > 0 and word.encode() in running.output:
        if running.output == word.encode() + b"\n":
            line = reason.line(f"there is no directory {dir} that can be entered")
            return Ran(
                attempt=status.Attempt(healthy=False, reason=line, measured=False), output="", is_lost=True
            )
        return _not_started(argv, os.strerror(_NOT_STARTED.get(code, errno.ENOEXEC)).lower())
    return Ran(
        attempt=_attempt(running, code, None if in_time else timeout),
        output=running.output.decode(errors="replace"),
    )


def _not_started(argv: Sequence[str], why: str) -> Ran:
    line = reason.line(f"cannot start {argv[0]}: {why}")
    return Ran(attempt=status.Attempt(healthy=False, reason=line, measured=False), output="")


def _attempt(running: _Running, code: int, timed_out: timedelta | None) -> status.Attempt:
    if timed_out is not None:
        ending = f"timed out after {timed_out.total_seconds():g} s"
        return status.Attempt(healthy=False, reason=_with(ending, running))
    if code == 0:
        return status.Attempt(healthy=True, reason="exited 0")
    ending = f"exited {code}" if code >= 0 else f"killed by {_signal_name(-code)}"
    return status.Attempt(healthy=False, reason=_with(ending, running))


class _Running:
    """The process with its pipe and pidfd, from start to `finish`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], given: bytes) -> None:
        self.output = b""
        self._pipe, write_end = os.pipe()
        # A file, not a pipe: nobody waits for a command that does not read it.
        told = tempfile.TemporaryFile() if given else None  # noqa: SIM115 - closed below
        try:
            if told is not None:
                told.write(given)
                told.seek(0)
            # Not asyncio's: that one reaps at once, and then the group's number may be a stranger's when we kill it.
            self._process = subprocess.Popen(
                argv,
                stdin=told if told is not None else subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                cwd="/",
                env=dict(env),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(write_end)
            if told is not None:
                told.close()
        os.set_blocking(self._pipe, False)

    async def ended(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pipe, self._read)
        try:
            await self._exit(loop)
        finally:
            loop.remove_reader(self._pipe)
        self._read()

    def kill(self) -> None:
        # ESRCH: no one is left. EPERM: only zombies are (macOS), or it has become another user's.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def finish(self) -> int:
        """Its exit code, a signal's number below zero. One that is stuck in the kernel the module reaps with a later process."""
        try:
            if self._process.poll() is None:
                async with asyncio.timeout(_DIES):
                    await self._exit(asyncio.get_running_loop())
        except TimeoutError:
            pass
        else:
            if (code := self._process.poll()) is not None:
                return code
        finally:
            os.close(self._pipe)
        return -signal.SIGKILL

    async def _exit(self, loop: asyncio.AbstractEventLoop) -> None:
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # an old kernel, a sandbox, no more files
                fd = os.pidfd_open(self._process.pid)
                try:
                    exited = asyncio.Event()
                    loop.add_reader(fd, exited.set)
                    await exited.wait()
                    return
                finally:
                    loop.remove_reader(fd)
                    os.close(fd)
        while self._process.poll() is None:  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(_LOOK_EVERY)

    def _read(self) -> None:
        try:
            data = os.read(self._pipe, 65536)
        except BlockingIOError:
            return
        if data:
            self.output = (self.output + data)[-_OUTPUT:]
        else:
            asyncio.get_running_loop().remove_reader(self._pipe)


def _with(ending: str, running: _Running) -> str:
    said = reason.last_line(running.output)
    return reason.line(f"{ending}: {said}") if said else ending


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
