"""Lines that panes print against the patterns of triggers: of panes somebody wants, in a thread, each pane in its order.

A pattern that is slow keeps its own pane waiting at most, and is left alone for a while; whoever prints more than can be looked at
loses lines, which is said.
"""

from __future__ import annotations

import asyncio
import collections
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from orchestra.engine import patterns, ports
from orchestra.engine.hear import bus, happenings
from orchestra.engine.trigger import firings, triggers
from orchestra.model import event, rules, status

MOST = 20_000
"""Lines of a pane that wait to be looked at."""
AT_ONCE = 500
"""Lines that are looked at in one go."""
BUDGET = 1.0
"""Seconds of a processor that they may take, all together: other panes' lines wait."""
MATCHES, SUSTAINED = 200, 20.0
"""Of one pane and pattern that are told in a burst, and a second if it goes on: more would be the journal's ruin."""
PAUSE = 60.0
"""Seconds for which a slow pattern is left alone."""

STATE = "triggers.output"
KEPT = 10.0
"""Seconds after which the place up to which lines were looked at is kept, though none matched."""

Place = tuple[str, str]
"""Workspace and address; of a pane that is no workspace's "" and its id."""


@dataclass(slots=True)
class _Tally:
    """Of one pane and pattern."""

    room: float = MATCHES
    """How many may be told."""
    at: float = 0.0
    """When that was so."""
    said: bool = False
    """That there is none."""
    left_out: int = 0

    def takes(self, now: float) -> bool:
        self.room = min(self.room + (now - self.at) * SUSTAINED, MATCHES)
        self.at = now
        if self.room < 1:
            return False
        self.room -= 1
        self.said = self.said and self.room < MATCHES / 2
        return True


@dataclass(slots=True)
class _Pane:
    id: str
    lines: collections.deque[tuple[str, str]] = field(default_factory=collections.deque)
    """And where each piece of them ended in the pane's recording: "" within a piece."""
    working: bool = False
    lost: bool = False
    told: dict[str, _Tally] = field(default_factory=dict)
    """By pattern."""
    slow: dict[str, float] = field(default_factory=dict)
    """Pattern → until when it is left alone."""


class Matching:
    """In one event loop."""

    def __init__(
        self,
        clock: ports.Clock,
        publish: firings.Publish,
        listened: bus.Bus,
        threads: Executor,
        deliver: Callable[[Sequence[event.Event]], None],
        is_limited: Callable[[triggers.Rule, float], bool] = lambda _, __: False,
    ) -> None:
        """`deliver`: what is printed, for triggers that want `pane.output` itself; `is_limited`: whether what a trigger is told now comes
        to nothing."""
        self._clock = clock
        self._publish = publish
        self._bus = listened
        self._threads = threads
        self._deliver = deliver
        self._is_limited = is_limited
        self._wanted: Mapping[Place, Mapping[str, tuple[triggers.Rule, ...]]] = {}
        """Pattern → who wants it. Under "": output itself."""
        self._names: frozenset[str] = frozenset()
        self._panes: dict[Place, _Pane] = {}
        self._epoch = ""
        self._positions: dict[str, str] = {}
        """By tmux's id: up to where lines were looked at."""
        self._kept: Mapping[str, str] = {}
        self._kept_at = 0.0
        self._woken = asyncio.Event()

    def resume(self, kept: Any) -> None:
        """What one before us had looked at."""
        if isinstance(kept, dict) and isinstance(kept.get("at"), dict):
            self._epoch = str(kept.get("epoch"))
            self._positions = {str(pane): str(at) for pane, at in kept["at"].items()}
            self._kept = dict(self._positions)

    def position(self, pane: str) -> str:
        """From where on a pane's output is to be read; "" where nobody knows."""
        return self._positions.get(pane, "")

    def _state(self) -> dict[str, Any]:
        self._kept, self._kept_at = dict(self._positions), self._clock.monotonic()
        return {STATE: {"epoch": self._epoch, "at": self._kept}}

    async def _keep(self) -> None:
        """Now and then; what matched is kept with where it stood."""
        while True:
            await asyncio.sleep(KEPT)
            if self._positions != self._kept:
                await self._publish([], firings.NAME, self._state())

    def looked(self, server: status.Server, force: triggers.InForce) -> None:
        if server.running and server.epoch != self._epoch:
            self._epoch, self._positions = server.epoch, {}
        found = wanted(server, force)
        # Of a pane that nobody looks at the place is forgotten: who looks again begins with what comes.
        ids = {place.pane.id for place in status.places(server) if _place(place.pane) in found}
        self._positions = {pane: at for pane, at in self._positions.items() if pane in ids}
        if found == self._wanted:
            return
        self._wanted = found
        self._names = frozenset(address for _, address in found)
        for place in [place for place in self._panes if place not in found]:
            del self._panes[place]
        self._bus.changed()
        self._woken.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(), name="places in output")
            while True:
                self._woken.clear()
                if not self._wanted:
                    await self._woken.wait()
                    continue
                with self._bus.subscribe(self._wants, output=self.reads, inside=True) as subscription:
                    reading = group.create_task(self._read(subscription, group), name="printed lines")
                    while self._wanted:
                        self._woken.clear()
                        await self._woken.wait()
                    reading.cancel()

    def strangers(self) -> frozenset[str]:
        """The panes, by id, that are no workspace's and are to be recorded, because somebody asked what they print."""
        return frozenset(id_ for workspace, id_ in self._wanted if not workspace)

    def reads(self, name: str) -> bool:
        return name in self._names

    def _wants(self, each: event.Event) -> bool:
        return isinstance(each.body, event.PaneOutput) and _of_event(each) in self._wanted

    async def _read(self, subscription: bus.Subscription, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                found = await subscription.next()
            except bus.Lost:
                for somewhere, slow in list(self._panes.items()):
                    await self._tell_lost(somewhere, slow)
                continue
            for each in found:
                assert isinstance(each.body, event.PaneOutput)
                place = _of_event(each)
                asked = self._wanted.get(place)
                if asked is None:
                    continue
                if "" in asked:
                    self._deliver([each])
                pane = self._panes.get(place)
                if pane is None or pane.id != each.body.id:
                    pane = self._panes[place] = _Pane(each.body.id)
                printed = each.body.printed()
                if not printed:
                    continue
                if len(pane.lines) + len(printed) > MOST:
                    if not pane.lost:
                        pane.lost = True
                        await self._tell_lost(place, pane)
                    continue
                *before, last = printed
                pane.lines.extend((line, "") for line in before)
                pane.lines.append((last, each.body.position))
                if not pane.working:
                    pane.working = True
                    group.create_task(self._match(place, pane), name=f"patterns of {each.address}")

    async def _tell_lost(self, place: Place, pane: _Pane) -> None:
        lost = event.PaneOutputLost(
            id=pane.id, size=None, reason="it came faster than triggers' patterns could look at it"
        )
        await self._publish([_of(place, lost)], firings.NAME)

    async def _match(self, place: Place, pane: _Pane) -> None:
        loop = asyncio.get_running_loop()
        try:
            while pane.lines:
                taken = [pane.lines.popleft() for _ in range(min(len(pane.lines), AT_ONCE))]
                lines = [line for line, _ in taken]
                reached = next((at for _, at in reversed(taken) if at), "")
                now = self._clock.monotonic()
                asked = [
                    each for each in self._wanted.get(place, {}) if each and pane.slow.get(each, now) <= now
                ]
                if not asked:
                    self._reached(place, pane, reached)
                    continue
                epoch = self._epoch
                found, slow = await loop.run_in_executor(self._threads, _search, asked, lines)
                told = [
                    happening
                    for pattern, line in found
                    for happening in self._told(place, pane, pattern, line, now)
                ]
                for pattern, reason in slow.items():
                    pane.slow[pattern] = now + PAUSE
                    names = ", ".join(
                        rule.trigger.name for rule in self._wanted.get(place, {}).get(pattern, ())
                    )
                    fault = event.DaemonFault(part=firings.NAME, reason=f"{names}: {reason}")
                    told.append(_of(place, fault))
                if epoch == self._epoch:  # else its id means another one
                    self._reached(place, pane, reached)
                if told:
                    await self._publish(told, firings.NAME, self._state())
        finally:
            pane.working = pane.lost = False

    def _reached(self, place: Place, pane: _Pane, position: str) -> None:
        """Of a pane that nobody looks at any more no place is kept: who looks again begins with what comes."""
        if position and self._panes.get(place) is pane:
            self._positions[pane.id] = position

    def _told(
        self, place: Place, pane: _Pane, pattern: str, line: str, now: float
    ) -> list[happenings.Happening]:
        """What is to be told of a match: of one that comes to nothing only that there was one, with the next."""
        tally = pane.told.setdefault(pattern, _Tally(at=now))
        wanting = self._wanted.get(place, {}).get(pattern, ())
        if all(self._is_limited(rule, now) for rule in wanting):
            tally.left_out += 1
            return []
        if tally.takes(now):
            left_out, tally.left_out = tally.left_out, 0
            body = event.PaneMatched(
                id=pane.id, pattern=pattern, line=line[: patterns.LONGEST], left_out=left_out
            )
            return [_of(place, body)]
        tally.left_out += 1
        if tally.said:
            return []
        tally.said = True
        reason = f"its pattern matches more than {SUSTAINED:g} lines a second"
        return [
            _of(place, event.TriggerLimited(trigger=rule.trigger.name, reason=reason)) for rule in wanting
        ]


def _search(asked: Sequence[str], lines: Sequence[str]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """In a thread: pattern and line of each match, and why patterns are too slow."""
    found: list[tuple[str, str]] = []
    slow: dict[str, str] = {}
    for pattern in asked:
        try:
            found += ((pattern, line) for line in patterns.found(pattern, lines, whole=BUDGET))
        except patterns.TooSlow as reason:
            slow[pattern] = str(reason)
    return found, slow


def _of(place: Place, body: event.Body) -> happenings.Happening:
    workspace, address = place
    return happenings.Happening(body=body, workspace=workspace, address=address if workspace else "")


def _of_event(each: event.Event) -> Place:
    return each.workspace, triggers.named(each)


def _place(pane: status.Pane) -> Place:
    return (pane.mark.workspace, pane.mark.address) if pane.mark is not None else ("", pane.id)


def wanted(
    server: status.Server, force: triggers.InForce
) -> Mapping[Place, Mapping[str, tuple[triggers.Rule, ...]]]:
    asking = [
        (rule.trigger.on.pattern if isinstance(rule.trigger.on, rules.OnOutput) else "", rule)
        for rule in force.rules
        if isinstance(rule.trigger.on, rules.OnOutput) or event.PaneOutput.type in rule.types
    ]
    if not asking:
        return {}
    found: dict[Place, dict[str, tuple[triggers.Rule, ...]]] = defaultdict(dict)
    for place in status.places(server):
        workspace, name = _place(place.pane)
        for pattern, rule in asking:
            if rule.workspace == workspace and (rule.addresses is None or name in rule.addresses):
                here = found[workspace, name]
                here[pattern] = (*here.get(pattern, ()), rule)
    return dict(found)
