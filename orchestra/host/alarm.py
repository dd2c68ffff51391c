"""Waiting for a time of day. Linux wakes us then, and also when somebody sets the clock; elsewhere we look every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from datetime import UTC, datetime, timedelta

from orchestra.host import clock

LOOK = 20.0
"""Seconds between looks at the clock, where nothing tells that it was set."""
_REALTIME, _NONBLOCK, _CLOEXEC = 0, 0o4000, 0o2000000
_ABSTIME, _CANCEL_ON_SET = 1, 2
_EPOCH = datetime.fromtimestamp(0, UTC)
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)


class _Span(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Timer(ctypes.Structure):
    _fields_ = (("interval", _Span), ("value", _Span))


class Alarm:
    """`engine.ports.Alarm`. Made in the event loop."""

    def __init__(self, clock: clock.Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = -1

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, until: datetime | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            fd = self._timer(until or _NEVER)
            loop.add_reader(fd, self.ring)
        except OSError:  # not Linux, or there are too many files
            await self._look(until)
            return
        try:
            await self._rung.wait()
        finally:
            loop.remove_reader(fd)
            os.close(fd)
            self._rung.clear()

    async def _look(self, until: datetime | None) -> None:
        left = LOOK if until is None else min(max((until - self._clock.now()).total_seconds(), 0), LOOK)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._rung.wait()
        self._rung.clear()

    def _timer(self, until: datetime) -> int:
        """Readable then, and when the clock is set."""
        if sys.platform != "linux":
            raise OSError
        fd = int(self._libc.timerfd_create(_REALTIME, _NONBLOCK | _CLOEXEC))
        if fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd")
        whole, rest = divmod(until - _EPOCH, timedelta(seconds=1))
        # All zeros would be no timer at all.
        value = _Span(whole, max(rest.microseconds * 1000, 1))
        timer = _Timer(_Span(0, 0), value)
        if self._libc.timerfd_settime(fd, _ABSTIME | _CANCEL_ON_SET, ctypes.byref(timer), None) < 0:
            number = ctypes.get_errno()
            os.close(fd)
            raise OSError(number, "timerfd")
        return fd
