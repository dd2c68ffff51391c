"""Waiting for a pane to become what another one needs: the real condition, never a delay."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from orchestra.engine import ending, patterns, ports
from orchestra.engine.apply import world
from orchestra.model import errors, spec, status

FIRST_BEAT, LONGEST_BEAT = 0.02, 1.0
"""Seconds between tries while something starts: quick at first, then slower, never slower than the check's own interval."""
REAPING = 0.01
"""Seconds between looks while tmux fills in how a process ended."""
KNOWN = 1.0
"""Seconds that it may take."""
SEARCH = 10.0
"""Seconds of a processor that all a pane shows may be searched for a pattern: nobody can end that, also when time is up."""
ENDING = timedelta(hours=1)
"""One stretch of waiting for an end; waiting goes on after it."""


_DEAD = re.compile(r"^Pane is dead \(.*\)\s*\Z", re.MULTILINE)
"""tmux's own remark below what a process printed."""


class Failed(Exception):
    """The condition cannot come true any more, or did not in time. Its text is the reason."""


class Gates:
    def __init__(
        self,
        world: world.World,
        look: Callable[[], Awaitable[Mapping[str, status.Place]]],
        environment: Callable[[spec.Pane], dict[str, str]],
    ) -> None:
        self._world = world
        self._look = look
        self._environment = environment

    async def reached(
        self,
        pane: spec.Pane,
        condition: spec.Condition,
        timeout: timedelta,
        waiting: Callable[[str], None],
    ) -> None:
        """Returns when `condition` holds. `waiting` is told what was seen last, each time that changes. Raises `Failed`."""
        seen = _Seen(waiting)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                match condition:
                    case spec.Condition.STARTED:
                        await self._place(pane.address)
                    case spec.Condition.HEALTHY:
                        await self._healthy(pane, seen)
                    case spec.Condition.COMPLETED | spec.Condition.COMPLETED_SUCCESSFULLY:
                        ended = await self._ended(pane.address)
                        if condition is spec.Condition.COMPLETED_SUCCESSFULLY and ended.exit_code != 0:
                            raise Failed(await self._last_words(ended))
        except TimeoutError:
            reason = f": {seen.reason}" if seen.reason else ""
            raise Failed(f"not {condition.replace('_', ' ')} within {_seconds(timeout)}{reason}") from None

    async def _place(self, address: str) -> status.Place:
        place = (await self._look()).get(address)
        if place is None:
            raise Failed("the pane is gone")
        return place

    async def _healthy(self, pane: spec.Pane, seen: _Seen) -> None:
        place = await self._place(pane.address)
        if place.pane.dead:
            raise Failed(await self._last_words(await self._known(place.pane, pane.address)))
        if pane.health is None:
            return
        dead: status.Pane | None = None
        lost: str | None = None
        try:
            async with asyncio.TaskGroup() as group:
                probing = group.create_task(
                    self._probe(place.pane.id, pane, pane.health, seen), name=f"probe {pane.address}"
                )
                watching = group.create_task(self._ended(pane.address), name=f"end {pane.address}")
                await asyncio.wait((probing, watching), return_when=asyncio.FIRST_COMPLETED)
                dead = watching.result() if watching.done() and not probing.done() else None
                probing.cancel()
                watching.cancel()
        except* Failed as failed:
            lost = str(failed.exceptions[0])
        if lost is not None:
            raise Failed(lost)
        if dead is not None:
            raise Failed(await self._last_words(dead))

    async def _last_words(self, pane: status.Pane) -> str:
        return await asyncio.to_thread(last_words, self._world.tmux, pane)

    async def _probe(self, pane_id: str, pane: spec.Pane, health: spec.Health, seen: _Seen) -> None:
        beat, successes = FIRST_BEAT, 0
        while True:
            attempt = await self._attempt(pane_id, pane, health)
            successes = successes + 1 if attempt.healthy else 0
            if successes >= health.success_threshold:
                return
            if not attempt.healthy:
                seen.say(attempt.reason)
            await asyncio.sleep(min(beat, health.interval.total_seconds()))
            beat = min(beat * 2, LONGEST_BEAT)

    async def _attempt(self, pane_id: str, pane: spec.Pane, health: spec.Health) -> status.Attempt:
        if health.probe is None:
            return status.Attempt(healthy=True)
        if isinstance(health.probe, spec.OutputProbe):
            text = await asyncio.to_thread(self._world.tmux.capture, pane_id)
            try:
                found = await asyncio.to_thread(
                    functools.partial(patterns.search, health.probe.pattern, text.split("\n"), whole=SEARCH)
                )
            except patterns.TooSlow as slow:
                return status.Attempt(healthy=False, reason=str(slow))
            return status.Attempt(
                healthy=found is not None, reason=f"no line matches {health.probe.pattern!r} yet"
            )
        return await self._world.prober.attempt(
            health.probe, health.timeout, dir=pane.dir, env=self._environment(pane)
        )

    async def _known(self, pane: status.Pane, address: str) -> status.Pane:
        """With how it ended, which tmux knows a moment after it sees the terminal closed."""
        if pane.exit_code is not None or pane.signal is not None:
            return pane
        try:
            async with asyncio.timeout(KNOWN):
                return await self._ended(address)
        except TimeoutError:  # it closed its terminal, and lives on
            return pane

    async def _ended(self, address: str) -> status.Pane:
        """The pane once its process has ended and tmux knows how."""
        while True:
            pane = (await self._place(address)).pane
            if pane.dead and (pane.exit_code is not None or pane.signal is not None):
                return pane
            process = self._world.processes.find(pane.pid) if not pane.dead else None
            if process is not None:
                await self._world.processes.ended((process,), ENDING)
            else:
                await asyncio.sleep(REAPING)
            self._world.tmux.reap()


class _Seen:
    def __init__(self, waiting: Callable[[str], None]) -> None:
        self._waiting = waiting
        self.reason = ""

    def say(self, reason: str) -> None:
        if reason != self.reason:
            self.reason = reason
            self._waiting(reason)


def last_words(tmux: ports.Tmux, pane: status.Pane) -> str:
    """How it ended, and the last line it printed."""
    try:
        shown = tmux.capture(pane.id)
    except errors.OrchestraError:
        return ending.ending(pane)
    lines = [line.strip() for line in _DEAD.sub("", shown).split("\n") if line.strip()]
    return f"{ending.ending(pane)}: {lines[-1][:200]}" if lines else ending.ending(pane)


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g}s"
