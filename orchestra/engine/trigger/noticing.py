"""What nobody tells, and triggers ask for: panes that print nothing, processes that run long, and what they use.

Looked at only while a trigger in force wants it, and then no sooner than something may be so.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, assert_never

from orchestra.engine import ports
from orchestra.engine.hear import happenings
from orchestra.engine.trigger import firings, triggers
from orchestra.model import event, metrics, rules, status

SAMPLES = 2.0
"""Seconds between two samples of what is used."""
STATE = "triggers.noticed"


class Recordings(Protocol):
    def quiet(self, pane: str, pid: int) -> tuple[str, float]:
        """Where the recording of what it prints ends, and since when it does, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _Pane:
    id: str
    uid: str
    pid: int
    workspace: str
    address: str


@dataclass(frozen=True, slots=True)
class _Want:
    pane: _Pane
    rule: triggers.Rule

    @property
    def word(self) -> str:
        """Names what was told of a pane's process."""
        on = self.rule.trigger.on
        match on:
            case rules.OnIdle(after=after):
                what = f"idle {after.total_seconds():g}"
            case rules.OnTimeout(after=after):
                what = f"timeout {after.total_seconds():g}"
            case rules.OnMetric():
                what = f"{on.metric} {on.above} {on.below}"
            case _:
                raise AssertionError(on)
        return f"{self.pane.uid} {self.pane.pid} {what}"


class Noticing:
    """In one event loop."""

    def __init__(
        self,
        clock: ports.Clock,
        publish: firings.Publish,
        recordings: Recordings,
        ages: Callable[[Collection[int]], Mapping[int, timedelta]],
        sampler: ports.Sampler,
        contradict: Callable[[str, str, rules.On], None],
    ) -> None:
        """`contradict`: what triggers react to is not so any more, in a workspace, at an address."""
        self._clock = clock
        self._publish = publish
        self._recordings = recordings
        self._ages = ages
        self._sampler = sampler
        self._contradict = contradict
        self._server = 0
        self._wants: tuple[_Want, ...] = ()
        self._told: dict[str, str] = {}
        """What was told, so that it is not again: of silence, where the recording ended."""
        self._quiet: dict[str, tuple[str, float]] = {}
        self._sample_at = 0.0
        self._moved: dict[str, int] = {}
        """Bytes read and written up to the last sample, by uid."""
        self._woken = asyncio.Event()

    def resume(self, kept: Any) -> None:
        if isinstance(kept, dict) and all(isinstance(each, str) for each in kept.values()):
            self._told = dict(kept)

    def looked(self, server: status.Server, force: triggers.InForce) -> None:
        self._server = server.pid
        before = self._wants
        self._wants = tuple(wanted(server, force))
        if self._wants == before:
            return
        panes = {(each.pane.uid, each.pane.pid) for each in self._wants}
        self._told = {
            word: what
            for word, what in self._told.items()
            if (word.split()[0], int(word.split()[1])) in panes
        }
        ids = {each.pane.id for each in self._wants}
        self._quiet = {pane: known for pane, known in self._quiet.items() if pane in ids}
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            wait = await self._notice()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def _notice(self) -> float | None:
        """Seconds until there may be something more; None: not before something changes."""
        now = self._clock.monotonic()
        times: list[float] = []
        metered: list[_Want] = []
        for want in self._wants:
            match want.rule.trigger.on:
                case rules.OnIdle(after=after):
                    times.append(await self._idle(want, after, now))
                case rules.OnTimeout(after=after):
                    times += await self._timeout(want, after, now)
                case _:
                    metered.append(want)
        if metered:
            if now >= self._sample_at:
                self._sample_at = now + SAMPLES
                await self._metrics(metered)
            times.append(self._sample_at)
        return max(min(times) - now, 0.01) if times else None

    # --- silence

    async def _idle(self, want: _Want, after: timedelta, now: float) -> float:
        pane = want.pane
        position, since = self._recordings.quiet(pane.id, pane.pid)
        known = self._quiet.get(pane.id)
        if known is not None and known[0] == position:
            since = known[1]  # what we have seen ourselves no change of the clock moves
        self._quiet[pane.id] = (position, since)
        due = since + after.total_seconds()
        if self._told.get(want.word) == position:
            return now + min(after.total_seconds(), 60.0)
        if due > now:
            return due
        self._told[want.word] = position
        await self._tell(want, event.PaneIdle(id=pane.id, duration=after))
        return now + min(after.total_seconds(), 60.0)

    # --- age

    async def _timeout(self, want: _Want, after: timedelta, now: float) -> list[float]:
        pane = want.pane
        if want.word in self._told:
            return []
        age = self._ages([pane.pid]).get(pane.pid)
        if age is None:
            return []  # it has ended: a look will tell
        if age < after:
            return [now + (after - age).total_seconds()]
        self._told[want.word] = "told"
        await self._tell(want, event.PaneTimeout(id=pane.id, pid=pane.pid, duration=after))
        return []

    # --- use

    async def _metrics(self, metered: list[_Want]) -> None:
        roots = {want.pane.uid: want.pane.pid for want in metered}
        found = await asyncio.to_thread(self._sampler.sample, roots, self._server)
        there = {want.word for want in self._wants}
        for want in metered:
            if want.word not in there:
                continue  # it ended while it was measured, or nobody asks any more
            on, usage = want.rule.trigger.on, found.get(want.pane.uid)
            assert isinstance(on, rules.OnMetric)
            value = self._measured(want.pane.uid, usage, on.metric) if usage is not None else None
            if value is None:
                continue
            bound = on.above if on.above is not None else on.below
            assert bound is not None
            if not (value > bound if on.above is not None else value < bound):
                if self._told.pop(want.word, None) is not None:
                    self._contradict(want.pane.workspace, want.pane.address, on)
            elif want.word not in self._told:
                self._told[want.word] = "told"
                told = event.PaneMetric(id=want.pane.id, metric=str(on.metric), value=value, bound=bound)
                await self._tell(want, told)
        self._moved = {uid: usage.io_read + usage.io_write for uid, usage in found.items()}

    def _measured(self, uid: str, usage: metrics.Usage, metric: rules.Metric) -> float | None:
        """None: not known yet."""
        match metric:
            case rules.Metric.CPU:
                return usage.cpu_percent
            case rules.Metric.MEMORY:
                return float(usage.rss)
            case rules.Metric.PROCESSES:
                return float(usage.processes)
            case rules.Metric.THREADS:
                return float(usage.threads)
            case rules.Metric.IO:
                before = self._moved.get(uid)
                if before is None or not usage.interval:
                    return None
                return (usage.io_read + usage.io_write - before) / usage.interval
            case _:
                assert_never(metric)

    async def _tell(self, want: _Want, body: event.Body) -> None:
        """Once for all triggers that ask for the same."""
        happened = happenings.Happening(body=body, workspace=want.pane.workspace, address=want.pane.address)
        await self._publish([happened], firings.NAME, {STATE: self._told})


def wanted(server: status.Server, force: triggers.InForce) -> Iterator[_Want]:
    """One for each pane and each thing asked of it, however many triggers ask."""
    asking = [
        rule
        for rule in force.rules
        if isinstance(rule.trigger.on, rules.OnIdle | rules.OnTimeout | rules.OnMetric)
    ]
    if not asking:
        return
    seen: set[str] = set()
    for place in status.places(server):
        pane, mark = place.pane, place.pane.mark
        if pane.dead or not pane.pid or (mark is not None and mark.stage is status.Stage.WAITING):
            continue
        workspace, address, uid = (
            (mark.workspace, mark.address, mark.uid) if mark is not None else ("", "", pane.id)
        )
        for rule in asking:
            here = rule.addresses is None or (address or pane.id) in rule.addresses
            if rule.workspace != workspace or not here:
                continue
            made = _Want(
                _Pane(id=pane.id, uid=uid, pid=pane.pid, workspace=workspace, address=address),
                rule,
            )
            if made.word not in seen:
                seen.add(made.word)
                yield made
