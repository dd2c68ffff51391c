"""One holder at a time, among all processes of this user."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from orchestra.host import clock, reason
from orchestra.model.errors import Busy


class Locks:
    """`engine.ports.Locks` in a directory of ours. The kernel frees a lock when its holder dies, however it dies."""

    def __init__(self, directory: Path, clock: clock.Clock) -> None:
        self._directory = directory
        self._clock = clock

    @contextlib.contextmanager
    def hold(
        self, name: str, purpose: str, timeout: timedelta, waiting: Callable[[str], None]
    ) -> Iterator[None]:
        deadline = self._clock.monotonic() + timeout.total_seconds()
        path = self._directory / f"{name}.lock"
        told = False
        while True:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                if not _take(fd):
                    holder = _holder(fd)
                    if not told:
                        waiting(holder)
                        told = True
                    if not _wait(fd, deadline - self._clock.monotonic()):
                        raise Busy(
                            f"{_holder(fd)} holds the lock {name}",
                            hint="wait until it is done, or end it, then try again",
                        )
                if not _is_still(fd, path):  # somebody removed the file meanwhile: ours is a lock on nothing
                    continue
                since = self._clock.now().isoformat(timespec="seconds")
                _write(fd, json.dumps({"pid": os.getpid(), "purpose": purpose, "since": since}))
                try:
                    yield
                finally:
                    os.ftruncate(fd, 0)
                return
            finally:
                os.close(fd)

    def is_held(self, name: str) -> bool:
        """By anybody, at this moment."""
        try:
            fd = os.open(self._directory / f"{name}.lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False


def _take(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(fd: int, timeout: float) -> bool:
    """Blocks in a thread: the kernel's wait knows no timeout, and here Ctrl-C comes through.

    A waiter given up may get the lock yet; it has a descriptor of its own on the one open file, so the lock is gone when both are closed.
    """
    own = os.dup(fd)
    got = threading.Event()

    def block() -> None:
        try:
            fcntl.flock(own, fcntl.LOCK_EX)
            got.set()
        finally:
            os.close(own)

    threading.Thread(target=block, name="lock", daemon=True).start()
    return got.wait(max(timeout, 0))


def _is_still(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def _write(fd: int, text: str) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, text.encode(), 0)


def _holder(fd: int) -> str:
    """Whoever holds it may not have written yet, or may have been killed while writing."""
    try:
        told = json.loads(os.pread(fd, 4096, 0))
        pid, purpose, since = int(told["pid"]), str(told["purpose"]), str(told["since"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return "another process"
    return reason.line(f"{purpose} (pid {pid}, since {since})")
