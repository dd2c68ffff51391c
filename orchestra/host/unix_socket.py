"""Unix sockets: names that fit, one that is bound once, and what a service manager is told by."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from orchestra.model import errors


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """A name that fits into a socket's address, however long the path is (Linux; elsewhere the path itself)."""
    if len(os.fsencode(path)) < 100 or not path.parent.is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def answers(path: Path) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked, short(path) as name:
        try:
            asked.connect(name)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def bound(path: Path) -> Iterator[socket.socket]:
    """Listens there, for its owner alone. For who holds the lock: a socket that is there is a dead one's; anything else is somebody's and
    stays (`Conflict`)."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise errors.Conflict(
                f"{path} is not a socket, and not the daemon's",
                hint="move it away, then start the daemon again",
            )
        path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made, short(path) as name:
        before = os.umask(0o177)
        try:
            made.bind(name)
        except OSError as error:
            raise errors.OrchestraError(f"cannot listen on {path}: {error.strerror}") from error
        finally:
            os.umask(before)
        made.listen(128)
        made.setblocking(False)
        try:
            yield made
        finally:
            path.unlink(missing_ok=True)


def notify(text: str) -> None:
    """Tells the service manager that started us, if one did (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
            contextlib.suppress(OSError),
        ):
            sender.sendto(text.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
