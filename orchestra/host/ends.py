"""Hearing that processes end, at the moment they do: a pidfd each where the kernel has them, else a look twice a second."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
from collections.abc import Callable, Mapping

from orchestra.host import process_table

LOOK_EVERY = 0.5
"""Seconds, where there is no pidfd."""
SPARE = 200
"""Descriptors that are kept for all else."""


class Ends:
    """`engine.ports.Ends`. `ended` is called in the event loop with the key of a process that has ended, once each."""

    def __init__(self, ended: Callable[[str], None]) -> None:
        self._ended = ended
        self._watched: dict[str, tuple[int, int]] = {}
        """Key -> pid and its descriptor, -1 where there is none."""
        self._timer: asyncio.TimerHandle | None = None
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        self._most = soft - SPARE if soft != resource.RLIM_INFINITY else sys.maxsize

    def watch(self, pids: Mapping[str, int]) -> None:
        """These from now on, by key, and no others. One that has ended already is told as well."""
        for key in [key for key, (pid, _) in self._watched.items() if pids.get(key) != pid]:
            self._forget(key)
        for key, pid in pids.items():
            if key not in self._watched:
                self._begin(key, pid)
        if self._timer is None and any(fd < 0 for _, fd in self._watched.values()):
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)

    def close(self) -> None:
        self.watch({})
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self, key: str, pid: int) -> None:
        loop = asyncio.get_running_loop()
        fd = -1
        if sys.platform == "linux" and len(self._watched) < self._most:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                loop.call_soon(self._ended, key)
                return
            except OSError:
                fd = -1
        self._watched[key] = (pid, fd)
        if fd >= 0:
            loop.add_reader(fd, self._readable, key)

    def _readable(self, key: str) -> None:
        self._forget(key)
        self._ended(key)

    def _forget(self, key: str) -> None:
        _, fd = self._watched.pop(key)
        if fd >= 0:
            asyncio.get_running_loop().remove_reader(fd)
            os.close(fd)

    def _look(self) -> None:
        self._timer = None
        for key, (pid, fd) in list(self._watched.items()):
            if fd < 0 and process_table.start_time(pid) is None:
                self._readable(key)
        if any(fd < 0 for _, fd in self._watched.values()):
            self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)
