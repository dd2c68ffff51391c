"""For how long processes have run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Mapping
from datetime import timedelta

from orchestra.host import clock, process_table


def ages(pids: Collection[int]) -> Mapping[int, timedelta]:
    """Those that are gone are left out."""
    found: dict[int, timedelta] = {}
    for pid in pids:
        started = process_table.start_time(pid) if pid > 0 else None
        if started is not None:
            found[pid] = timedelta(seconds=max(0.0, since(started)))
    return found


def since(started: float) -> float:
    """Seconds. `started` is in the units of `process_table`: on Linux ticks since boot, which no change of the clock moves; elsewhere
    seconds since 1970."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")
    return clock.Clock().now().timestamp() - started
