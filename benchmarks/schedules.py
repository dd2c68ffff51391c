"""A day of schedules on a clock that is wound by hand, and how late the alarm wakes: `python -m benchmarks.schedules [--schedules 100]`."""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta

from orchestra.engine.react import schedules
from orchestra.host import alarm, clock
from orchestra.model import rules

BEGIN = datetime(2026, 3, 28, 23, tzinfo=UTC)
"""Before the night in which Europe's clocks are put forward."""
WAITS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=100)
    asked = parser.parse_args()
    began = time.process_time()
    due = sum(
        _day(f"{number % 60} * * * *" if number % 10 else "* * * * *") for number in range(asked.schedules)
    )
    print(f"24 h of {asked.schedules} schedules, {due} times due: {time.process_time() - began:.1f} s of CPU")
    late = sorted(asyncio.run(_late()))
    print(
        f"alarm: {late[len(late) // 2]:.2f} ms late, p99 {late[int(len(late) * 0.99)]:.2f} ms, earliest {late[0]:.3f} ms"
    )


def _day(expression: str) -> int:
    what = rules.Schedule(name="x", time=rules.Cron(expression=expression), timezone="Europe/Berlin", do=())
    past, now, due = schedules.begun(what, BEGIN, "1"), BEGIN, 0
    while now <= BEGIN + timedelta(hours=24):
        made = schedules.decide(what, past, now)
        due += len(made.steps)
        past, now = made.past, made.next or datetime.max.replace(tzinfo=UTC)
    return due


async def _late() -> list[float]:
    """Milliseconds."""
    here, time_of_day = alarm.Alarm(clock.Clock()), clock.Clock()
    found = []
    for _ in range(WAITS):
        until = time_of_day.now() + timedelta(milliseconds=10)
        await here.wait(until)
        found.append((time_of_day.now() - until).total_seconds() * 1000)
    return found


if __name__ == "__main__":
    main()
