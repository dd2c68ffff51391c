"""Measures panes beside everything else, and remembers an hour.

Nobody is kept waiting and nothing is measured for nobody: in the background often enough for a history, and more often only while somebody
asks. Who asks together is given the same sample.
"""

from __future__ import annotations

import array
import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from orchestra.engine import ports
from orchestra.model import errors, event, metrics, status
from orchestra.model.frozen import frozen
from orchestra.plan import measured

PERIOD = 10.0
"""Seconds between two samples nobody asked for, at least."""
SHARE = 0.001
"""Of a core: what they may cost. Where there is so much to look at, or so little time, that it would be more, they are taken less often."""
LONGEST = 60.0
"""Seconds between two of them, whatever they cost."""
HISTORY = timedelta(hours=1)
LENGTH = int(HISTORY.total_seconds() / PERIOD)
"""Points a pane."""
SHORTEST = 0.5
"""Seconds between two samples at least: the system counts in hundredths."""
KEPT_EVERY = 60.0
"""Seconds between two samples that are kept for days."""


_UNMEASURED = "nothing can be measured"


class Sampler(ports.Sampler, Protocol):
    @property
    def cost(self) -> float:
        """Seconds of the processor the last sample took."""


class Kept(Protocol):
    """Samples for longer than the memory. May block; one caller at a time."""

    def add(self, time: float, rows: Sequence[metrics.Row]) -> None: ...

    def read(self, key: str, since: float) -> Sequence[tuple[float, metrics.Usage]]:
        """In order."""


@frozen
class Reading:
    time: float
    """Unix time."""
    rows: tuple[metrics.Row, ...]
    """All panes there were."""


class History:
    """Of one pane: as many points as fit, in one piece of memory."""

    _WIDTH = 7

    def __init__(self, length: int = LENGTH) -> None:
        self._length = length
        self._values = array.array("d")
        self._next = 0

    def add(self, time: float, usage: metrics.Usage) -> None:
        new = array.array("d", row(time, usage))
        if len(self._values) < self._length * self._WIDTH:
            self._values.extend(new)
        else:
            at = self._next * self._WIDTH
            self._values[at : at + self._WIDTH] = new
        self._next = (self._next + 1) % self._length

    @property
    def last(self) -> float:
        """When; 0 when never."""
        return self._values[(self._next - 1) * self._WIDTH % len(self._values)] if self._values else 0.0

    def rows(self) -> Sequence[Sequence[float]]:
        """As `row` made them, in order."""
        count = len(self._values) // self._WIDTH
        first = self._next if count == self._length else 0
        return [
            self._values[at * self._WIDTH : (at + 1) * self._WIDTH]
            for at in ((first + number) % count for number in range(count))
        ]


def row(time: float, usage: metrics.Usage) -> tuple[float, ...]:
    return (
        time,
        usage.cpu_seconds,
        usage.rss,
        usage.io_read,
        usage.io_write,
        usage.threads,
        usage.processes,
    )


def points(rows: Sequence[Sequence[float]], since: float) -> tuple[metrics.Point, ...]:
    """Those not before `since`."""
    return tuple(
        _point(now, before) for before, now in zip([None, *rows], rows, strict=False) if now[0] >= since
    )


def _point(now: Sequence[float], before: Sequence[float] | None) -> metrics.Point:
    time, cpu, rss, read, written, threads, processes = now
    rates: tuple[float | None, ...] = (None, None, None)
    if before is not None and time > before[0]:
        used = (cpu - before[1], read - before[3], written - before[4])
        if min(used) >= 0:  # what fell is another process's
            rates = tuple(each / (time - before[0]) for each in used)
    share, read_rate, write_rate = rates
    return metrics.Point(
        time=time,
        cpu_percent=None if share is None else 100 * share,
        rss=int(rss),
        io_read_rate=read_rate,
        io_write_rate=write_rate,
        threads=int(threads),
        processes=int(processes),
    )


class Metrics:
    """A part of the daemon."""

    name = "metrics"

    def __init__(
        self, sampler: Sampler, clock: ports.Clock, kept: Kept | None = None, trouble: str = ""
    ) -> None:
        self._sampler = sampler
        self._clock = clock
        self._kept = kept
        self._server = status.Server()
        self._panes: tuple[metrics.Pane, ...] | None = None
        self._lock = asyncio.Lock()
        self._latest: Reading | None = None
        self._sampled = self._noted = self._stored = 0.0
        self._histories: dict[str, History] = {}
        self._pids: dict[str, int] = {}
        self._restarts: dict[str, int] = {}
        self.trouble = trouble
        """Why nothing can be measured or kept; empty when it can."""

    @property
    def panes(self) -> tuple[metrics.Pane, ...]:
        """Of the last look at the server, those without a process, too."""
        if self._panes is None:
            self._panes = measured.panes(self._server)
        return self._panes

    @property
    def restarts(self) -> Mapping[str, int]:
        """By key: how often something new was started in a pane since we first saw it, by whomever."""
        return self._restarts

    def resume(self, kept: Any) -> None:
        """An hour is not worth writing down all the time."""

    def happened(self, events: Sequence[event.Event]) -> None:
        """Nothing: looks tell what there is to measure."""

    def describe(self) -> Mapping[str, Any]:
        return {"measured": len(self._histories), "troubles": [self.trouble] if self.trouble else []}

    async def looked(self, server: status.Server) -> None:
        """After each look at the server. What it means is thought about when somebody asks: there are more looks than samples."""
        self._server, self._panes = server, None
        there: dict[str, int] = {}
        for place in status.places(server):
            key = measured.key(server, place.pane)
            if key in there:  # a mark that somebody copied
                continue
            before = self._pids.get(key, 0)
            there[key] = before if place.pane.dead else place.pane.pid
            if before and there[key] != before:
                self._restarts[key] = self._restarts.get(key, 0) + 1
        self._restarts = {key: count for key, count in self._restarts.items() if key in there}
        self._pids = there

    def _period(self) -> float:
        return min(max(PERIOD, self._sampler.cost / SHARE), LONGEST)

    async def run(self) -> None:
        while True:
            passed, period = self._clock.monotonic() - self._sampled, self._period()
            if passed < period:
                await asyncio.sleep(period - passed)
                continue
            if self._pids:
                try:
                    await self.reading(max_age=period / 2)
                except OSError as error:  # no more files, most likely: everything else must go on
                    self.trouble = f"{_UNMEASURED}: {error}"
            else:
                self._sampled = self._clock.monotonic()
            self._forget()

    async def reading(self, max_age: float, *, pss: bool = False) -> Reading:
        """No older than `max_age` seconds. A pane in its first sample has no rate yet: ask again, with 0."""
        asked = self._clock.monotonic()
        async with self._lock:
            latest = self._latest
            if latest is None or pss or asked - self._sampled >= max_age:
                if latest is not None:
                    await asyncio.sleep(self._sampled + SHORTEST - self._clock.monotonic())
                latest = self._latest = await self._sample(pss)
            return latest

    async def _sample(self, pss: bool) -> Reading:
        panes = self.panes
        roots = {pane.key: pane.pid for pane in panes if pane.pid}
        self._sampled, now = self._clock.monotonic(), self._clock.now().timestamp()
        usages = await asyncio.to_thread(self._sampler.sample, roots, self._server.pid, pss=pss)
        if self.trouble.startswith(_UNMEASURED):
            self.trouble = ""
        rows = tuple(
            metrics.Row(pane=pane, usage=usages.get(pane.key), restarts=self._restarts.get(pane.key, 0))
            for pane in panes
        )
        found = Reading(time=now, rows=rows)
        # A history holds its hour however often somebody looks.
        if self._sampled - self._noted >= 0.9 * self._period():
            self._noted = self._sampled
            for key, usage in usages.items():
                self._histories.setdefault(key, History()).add(now, usage)
        if self._kept is not None and self._sampled - self._stored >= KEPT_EVERY:
            self._stored = self._sampled
            await self._keep(self._kept, found)
        return found

    async def _keep(self, kept: Kept, found: Reading) -> None:
        try:
            await asyncio.to_thread(kept.add, found.time, found.rows)
            self.trouble = ""
        except errors.OrchestraError as error:
            self.trouble = str(error)

    def _forget(self) -> None:
        oldest = self._clock.now().timestamp() - HISTORY.total_seconds()
        for key in [key for key, history in self._histories.items() if history.last < oldest]:
            del self._histories[key]

    def recent(self, count: int) -> Mapping[str, Sequence[float | None]]:
        """The processor's share at the last points of each history, by the panes' ids."""
        found: dict[str, Sequence[float | None]] = {}
        for pane in self.panes:
            if (known := self._histories.get(pane.key)) is not None:
                found[pane.id] = [
                    point.cpu_percent for point in points(known.rows()[-count - 1 :], 0.0)[-count:]
                ]
        return found

    async def history(self, key: str, duration: timedelta) -> tuple[metrics.Point, ...]:
        """From memory as far as that reaches; what is older from what is kept, where it is."""
        since = self._clock.now().timestamp() - duration.total_seconds()
        known = self._histories.get(key)
        recent = known.rows() if known is not None else ()
        older: Sequence[tuple[float, metrics.Usage]] = ()
        if self._kept is not None and duration > HISTORY:
            async with self._lock:
                older = await asyncio.to_thread(self._kept.read, key, since)
        until = recent[0][0] if recent else float("inf")
        return points([*(row(time, usage) for time, usage in older if time < until), *recent], since)
