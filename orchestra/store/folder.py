"""Files below one directory: read without following a link, written so that a power cut leaves all of them or none with a name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestra.store import trouble
from orchestra.store.inventory import Damaged, Sum

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a fifo would be waited for
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SAVING = ".saving-"
DELETING = ".deleting-"


def unused(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(8)}"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """The directory's descriptor. OSError, also where it is a link."""
    descriptor = os.open(path, _READ | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def read(top: int, path: str, most: int) -> bytes:
    """`Damaged` when it is no readable file of at most so many bytes."""
    with _file(top, path) as (descriptor, length):
        if length > most:
            raise Damaged(f"{path} is {length} bytes long, more than {most}")
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(most)


def measured(top: int, path: str, listed: Sum) -> None:
    """`Damaged` when it is not there or has another length."""
    with _file(top, path) as (_, length):
        if length != listed.bytes:
            raise Damaged(f"{path} is {length} bytes long, not {listed.bytes}")


def verified(top: int, path: str, listed: Sum) -> bytes:
    """`Damaged` when it is not exactly what is listed."""
    measured(top, path, listed)
    data = read(top, path, listed.bytes)
    if hashlib.sha256(data).hexdigest() != listed.sha256:
        raise Damaged(f"{path} is not what was saved")
    return data


@contextlib.contextmanager
def _file(top: int, path: str) -> Iterator[tuple[int, int]]:
    """Its descriptor and length. Every step is taken from the directory before it, so no link leads out."""
    with contextlib.ExitStack() as stack:
        try:
            *folders, name = path.split("/")
            for each in folders:
                top = os.open(each, _READ | os.O_DIRECTORY, dir_fd=top)
                stack.callback(os.close, top)
            descriptor = os.open(name, _READ, dir_fd=top)
            stack.callback(os.close, descriptor)
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Damaged(f"{path} is no plain file")
            yield descriptor, found.st_size
        except FileNotFoundError:
            raise Damaged(f"{path} is missing") from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):  # a link, itself or on the way
                raise Damaged(f"{path} is no plain file") from None
            raise Damaged(f"{path} cannot be read: {trouble.words(error)}") from error


def write(draft: Path, files: Mapping[str, bytes], last: str) -> None:
    """Makes the directory; all is on the disk when this returns, and `last` was written after all others were."""
    folders = sorted({Path(), *(folder for path in files for folder in Path(path).parents)})
    for folder in folders:
        (draft / folder).mkdir(mode=0o700)
    for path in sorted(files, key=lambda path: (path == last, path)):
        _write(draft / path, files[path])
    for folder in reversed(folders):
        sync(draft / folder)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, _WRITE, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(path: Path) -> None:
    """Its name goes first, so that nobody sees half of it. OSError; what is left then has a name that `sweep` knows."""
    if not path.name.startswith("."):
        path = path.rename(path.with_name(unused(DELETING)))
        sync(path.parent)
    with contextlib.suppress(FileNotFoundError):  # a sweep was faster
        shutil.rmtree(path)


def sweep(top: Path) -> None:
    """Removes what killed programs left. Only when nobody else saves: theirs has such a name too."""
    for path in top.iterdir():
        if path.name.startswith((SAVING, DELETING)):
            with contextlib.suppress(
                OSError, RecursionError
            ):  # a foreign file, or not ours to remove: it harms nobody
                shutil.rmtree(path)
