"""The time, read nowhere else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """`engine.ports.Clock` of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        """With its zone, UTC."""
        return datetime.now(UTC)


LEAST = timedelta(minutes=10)
"""By how much the time of day may be put right without anybody having to wonder."""


class Steady:
    """Whether the time of day went on as time did, so that what is old by it is old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[float, datetime] | None = None

    def went_on(self) -> bool:
        """Since it was asked last; the first time, yes: nobody knows better."""
        before, self._last = self._last, (self._clock.monotonic(), self._clock.now())
        if before is None:
            return True
        lived, told = self._last[0] - before[0], (self._last[1] - before[1]).total_seconds()
        return abs(told - lived) <= LEAST.total_seconds()
