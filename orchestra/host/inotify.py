"""Linux tells of changed files and directories; elsewhere we look, a few times a second. The standard library has no inotify."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from orchestra.model import errors

MODIFY = 0x2
CLOSE_WRITE = 0x8
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
ONLYDIR = 0x1000000
EXCL_UNLINK = 0x4000000
MASK_ADD = 0x20000000
ISDIR = 0x40000000
ONESHOT = 0x80000000
OVERFLOW = 0x4000
IGNORED = 0x8000

_HEAD = struct.Struct("iIII")
_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000

AVAILABLE = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Notice:
    watch: int
    """-1 when notices were lost: then anything may have changed."""
    mask: int
    name: str


class Inotify:
    """`fd` becomes readable when there are notices. Close it."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self.fd < 0 and ctypes.get_errno() == errno.EMFILE:
            raise errors.OrchestraError(
                "no more of your programs can be told of changed files (inotify)",
                hint="end some that watch files, or raise the limit: sysctl fs.inotify.max_user_instances=1024",
            )
        if self.fd < 0:
            raise _failed("inotify")

    def add(self, path: str, mask: int) -> int:
        """The watch's number; the same one for a path that is watched already. `OSError` when it cannot be."""
        watch = int(self._libc.inotify_add_watch(self.fd, os.fsencode(path), mask))
        if watch < 0:
            raise _failed(path)
        return watch

    def remove(self, watch: int) -> None:
        self._libc.inotify_rm_watch(self.fd, watch)

    def read(self) -> Iterator[Notice]:
        """What there is now."""
        try:
            raw = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        at = 0
        while at < len(raw):
            watch, mask, _, size = _HEAD.unpack_from(raw, at)
            at += _HEAD.size
            name = raw[at : at + size].rstrip(b"\0")
            at += size
            yield Notice(watch, mask, os.fsdecode(name))

    def close(self) -> None:
        os.close(self.fd)


def _failed(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)
