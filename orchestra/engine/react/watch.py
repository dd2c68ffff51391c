"""Files that panes and triggers watch: `watch.changed` and `file.changed`, once they have been left alone for a while.

What files there are and what becomes of them is told by a port; what counts, and when it is told, is decided here. Nothing is kept: what
changes while no daemon runs is not noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra.engine import ports
from orchestra.engine.react import globs
from orchestra.engine.trigger import triggers
from orchestra.model import event, rules, status
from orchestra.model.frozen import frozen
from orchestra.model.touch import Touch
from orchestra.plan import record, rules_changes

NAME = "watch"
QUIET = 0.1
"""Seconds in which nothing changes before a trigger is told: one save may be several changes."""
SHOWN = 100
REMEMBERED = 10_000
"""Paths of one change that are told apart; beyond, every change counts."""
EXPECTED = 10.0
"""Seconds in which a restart that was asked for begins, or does not."""
STARTING = 1.0
"""Seconds after a start in which a program may write files of its own."""


@frozen
class Watched:
    """By a pane, or by a trigger of a workspace."""

    workspace: str
    address: str = ""
    trigger: str = ""
    paths: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    quiet: float = QUIET
    restarts: bool = False
    """The pane that watches is started again by it."""

    @property
    def key(self) -> str:
        return f"{self.workspace} {self.trigger}:{self.address}"


def wanted(server: status.Server) -> Iterator[Watched]:
    for place in status.places(server):
        mark = place.pane.mark
        if mark is not None and (said := _said(place.pane.record)) is not None:
            yield Watched(
                workspace=mark.workspace,
                address=mark.address,
                paths=said.paths,
                ignore=said.ignore,
                quiet=said.debounce.total_seconds(),
                restarts=any(
                    isinstance(each.act, rules.Restart) and each.act.to in ("", mark.address)
                    for each in said.do
                ),
            )
    for name, text in server.rules.items():
        workspace, said_rules = name.removeprefix(triggers.ADDED), rules_changes.parse(text)
        for trigger in said_rules.triggers if said_rules is not None else ():
            if trigger.enabled and isinstance(trigger.on, rules.OnFile):
                yield Watched(workspace=workspace, trigger=trigger.name, paths=trigger.on.paths)


@functools.lru_cache(maxsize=1024)
def _said(text: str) -> rules.Watch | None:
    """The same records are read with every look."""
    known = record.parse_pane(text)
    return None if known is None else known.pane.watch


@dataclass(slots=True, kw_only=True)
class Gathering:
    """What changed of one that watches, until it is told. Times are seconds of a clock that is never set."""

    what: Watched
    globs: globs.Globs
    changed: dict[str, tuple[Touch, Touch]] = field(default_factory=dict)
    """Path → what became of it first and last."""
    more: int = 0
    """Changes beyond those that are told apart."""
    deferred: dict[str, Touch] = field(default_factory=dict)
    """What changed while a start is waited for, that is told if there is none."""
    _due: float | None = None
    told: frozenset[str] = frozenset()
    """What was told last, while the restart that follows is not long ago."""
    told_at: float | None = None
    started_at: float | None = None
    is_echo: bool = False
    """What was told last was nothing but what was told before, changed again by the start it caused."""
    is_new: bool = False
    """Something changed that no start explains."""

    def gather(self, path: str, touch: Touch, now: float) -> None:
        is_starting = self._is_starting(now)
        if is_starting and (self.is_echo or path not in self.told):
            if self.started_at is None:
                self.deferred[path] = touch
            return
        self.is_new |= not is_starting
        self._add(path, touch)
        self._due = now + self.what.quiet

    def _add(self, path: str, touch: Touch) -> None:
        if path in self.changed or len(self.changed) < REMEMBERED:
            self.changed[path] = (self.changed.get(path, (touch, touch))[0], touch)
        else:
            self.more += 1

    def _is_starting(self, now: float) -> bool:
        if self.told_at is None:
            return False
        end = self.told_at + EXPECTED if self.started_at is None else self.started_at + STARTING
        if now < end:
            return True
        for path, touch in self.deferred.items():  # it was not started after all
            self._add(path, touch)
            self._due, self.is_new = now, True
        self.deferred, self.told_at = {}, None
        return False

    def started(self, now: float) -> None:
        """What changed before it, it has seen."""
        if self.told_at is not None and self.started_at is None:
            self.started_at, self.deferred = now, {}

    @property
    def due(self) -> float | None:
        """When there may be something to tell."""
        waits = [self._due] if self._due is not None else []
        if self.deferred and self.told_at is not None:
            waits.append(self.told_at + EXPECTED)
        return min(waits, default=None)

    def take(self, now: float) -> tuple[tuple[str, ...], int] | None:
        """Paths and how many, when it is time; None when not, or when nothing is left of it."""
        self._is_starting(now)
        if self._due is None or now < self._due:
            return None
        # What came and went was a file that is only there while another one is saved.
        paths = [path for path, way in self.changed.items() if way != (Touch.ADDED, Touch.DELETED)]
        count = len(paths) + self.more
        self.changed, self.more, self._due = {}, 0, None
        is_new, self.is_new = self.is_new, False
        if not count:
            return None
        if self.what.restarts:
            self.is_echo = not is_new
            self.told, self.told_at, self.started_at = frozenset(paths), now, None
        return tuple(sorted(paths)[:SHOWN]), count


class Watch:
    """A part of the daemon's."""

    name = NAME

    def __init__(
        self,
        clock: ports.Clock,
        files: ports.Files,
        say: Callable[[event.Body, str, str, Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._files = files
        self._say = say
        self._gathering: dict[str, Gathering] = {}
        self._woken = asyncio.Event()
        self._is_closed = False

    def resume(self, kept: Any) -> None:
        """It keeps nothing."""

    async def looked(self, server: status.Server) -> None:
        found = {each.key: each for each in wanted(server)}
        if found == {key: each.what for key, each in self._gathering.items()}:
            return
        self._gathering = {key: self._gather(each) for key, each in found.items()}
        self._follow()

    def _follow(self) -> None:
        every = tuple({id(each.globs): each.globs for each in self._gathering.values()}.values())
        self._files.follow(
            frozenset(root for each in every for root in each.roots),
            lambda directory: any(each.enters(directory) for each in every),
        )

    def _gather(self, what: Watched) -> Gathering:
        there = self._gathering.get(what.key)
        if there is not None and there.what == what:
            return there
        return Gathering(what=what, globs=globs.Globs(what.paths, what.ignore))

    def happened(self, events: Sequence[event.Event]) -> None:
        for each in events:
            if isinstance(each.body, event.PaneStarted):
                there = self._gathering.get(f"{each.workspace} :{each.address}")
                if there is not None:
                    there.started(self._clock.monotonic())

    def describe(self) -> Mapping[str, Any]:
        return {
            "watching": len(self._gathering),
            "directories": self._files.directories,
            "troubles": list(self._files.troubles),
        }

    async def run(self) -> None:
        if self._is_closed:  # it failed, and begins again
            self._is_closed = False
            self._follow()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(), name="files")
                group.create_task(self._tell(), name="files that changed")
        finally:
            self._is_closed = True
            self._files.close()

    async def _listen(self) -> None:
        while True:
            self.noticed(await self._files.changes())

    def noticed(self, changes: Iterable[tuple[str, Touch]]) -> None:
        now = self._clock.monotonic()
        for path, touch in changes:
            for each in self._gathering.values():
                if each.globs.counts(path):
                    each.gather(path, touch, now)
        self._woken.set()

    async def _tell(self) -> None:
        while True:
            self._woken.clear()
            now = self._clock.monotonic()
            for each in list(self._gathering.values()):
                if (found := each.take(now)) is not None:
                    await self._told(each.what, *found)
            times = [each.due for each in self._gathering.values() if each.due is not None]
            left = min(times) - self._clock.monotonic() if times else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._woken.wait()

    async def _told(self, what: Watched, paths: tuple[str, ...], count: int) -> None:
        body: event.Body = event.WatchChanged(paths=paths, count=count)
        if what.trigger:
            body = event.FileChanged(trigger=what.trigger, paths=paths, count=count)
        await self._say(body, what.workspace, what.address, {})
