"""The time, read nowhere else."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """`engine.ports.Clock` of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        """With its zone, UTC."""
        return datetime.now(UTC)
