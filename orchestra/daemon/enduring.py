"""What goes wrong in one part of the daemon ends no other: it is logged, told once, and the part begins again.

Nothing else would begin it: only where a service manager runs the daemon is one that died started anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator

from orchestra.engine import ports
from orchestra.model import event

FIRST, LONGEST = 1.0, 60.0
"""Seconds until what failed begins again; each time twice as long."""
CALM = 60.0
"""Seconds at work, after which it counts as well again."""
SHOWN = 600.0
"""Seconds for which a fault that does not come again is a trouble."""

_log = logging.getLogger("orchestra.daemon")


class Enduring:
    """In one event loop."""

    def __init__(self, clock: ports.Clock, say: Callable[[event.Body], Awaitable[None]]) -> None:
        self._clock = clock
        self._say = say
        self._faults: dict[str, tuple[float, str]] = {}
        """By part: when it was last, and what."""
        self._untold: list[event.DaemonFault] = []
        self._woken = asyncio.Event()
        self._is_ending = False

    async def tell(self) -> None:
        """For ever. Apart, because who fails may be in the middle of telling something."""
        while True:
            self._woken.clear()
            while self._untold:
                await self._say(self._untold.pop(0))
            await self._woken.wait()

    async def run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Until it is cancelled, or `work` returns."""
        pause, task = FIRST, asyncio.current_task()
        assert task is not None
        while True:
            began = self._clock.monotonic()
            try:
                await work()
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this part's alone
                self._failed(name, error)
            while (
                task.cancelling()
            ):  # by a task group in it: before Python 3.13 it may forget to take that back
                task.uncancel()
            if self._clock.monotonic() - began >= CALM:
                pause = FIRST
            if not self._is_ending:
                await asyncio.sleep(pause)
            if self._is_ending:  # and not by that, but it failed while it ended
                return
            pause = min(pause * 2, LONGEST)

    def end(self) -> None:
        """From now on nothing begins again."""
        self._is_ending = True

    @contextlib.contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """What raises in here is left out."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(name, error)

    def troubles(self) -> list[str]:
        now = self._clock.monotonic()
        self._faults = {name: (at, why) for name, (at, why) in self._faults.items() if now - at < SHOWN}
        return [f"{name}: {why}" for name, (_, why) in self._faults.items()]

    def _failed(self, name: str, error: Exception) -> None:
        reason = f"this is a fault in orchestra: {_told(error)}"
        self.troubles()  # one that is long ago is told again
        known = self._faults.get(name)
        self._faults[name] = (self._clock.monotonic(), reason)
        if known is None or known[1] != reason:
            _log.error("%s: %s", name, reason, exc_info=error)
            self._untold.append(event.DaemonFault(part=name, reason=reason))
            self._woken.set()


def _told(error: BaseException) -> str:
    """The first of a group: that is what went wrong."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:500]
