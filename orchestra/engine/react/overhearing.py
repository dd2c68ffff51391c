"""Lines that panes print, held against the patterns of their health checks while they are printed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping, Sequence

from orchestra.engine import patterns, ports
from orchestra.engine.hear import bus
from orchestra.engine.react import health
from orchestra.model import event, spec

REST = 10.0
"""Seconds for which a pattern is left alone that took too long on lines of a pane."""
WHOLE = 1.0
"""Seconds of a processor that lines may take that came together: other panes' wait, and there may be 30,000 of them."""


class Overhearing:
    """`ready` is called when an output probe's pattern was found, `error` with a line that `errors` finds. A line may cost its whole
    budget: patterns are searched in a thread, one after the other."""

    def __init__(
        self,
        bus: bus.Bus,
        clock: ports.Clock,
        ready: Callable[[health.Seen], None],
        error: Callable[[health.Seen, str], None],
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._ready = ready
        self._error = error
        self._panes: Mapping[str, health.Seen] = {}
        """By tmux's id."""
        self._addresses: set[str] = set()
        self._resting: dict[tuple[str, str], tuple[float, str]] = {}
        """By uid and pattern: until when it is left alone, and what is to be said."""
        self.matched: dict[str, float] = {}
        """By uid: when an output probe's pattern was found last."""

    def keep(self, panes: Collection[health.Seen]) -> None:
        """These are there now."""
        self._panes = {each.id: each for each in panes if each.running and _listens(each.check)}
        before, self._addresses = self._addresses, {each.address for each in self._panes.values()}
        if self._addresses != before:
            self._bus.changed()  # now, not at the next look: what is printed until then nobody would search
        there = {each.uid for each in panes}
        self._resting = {key: each for key, each in self._resting.items() if key[0] in there}
        self.matched = {uid: at for uid, at in self.matched.items() if uid in there}

    def troubles(self) -> Mapping[str, str]:
        """By uid."""
        now = self._clock.monotonic()
        return {uid: said for (uid, _), (until, said) in self._resting.items() if now < until}

    async def run(self) -> None:
        with self._bus.subscribe(
            self._wants, output=lambda name: name in self._addresses, inside=True
        ) as subscription:
            while True:
                try:
                    found = await subscription.next()
                except bus.Lost:
                    continue  # faster than it can be read: what is next counts
                for each in found:
                    if isinstance(each.body, event.PaneOutput):
                        await self._hear(each.body.id, each.body.printed())

    def _wants(self, each: event.Event) -> bool:
        return isinstance(each.body, event.PaneOutput) and each.body.id in self._panes

    async def _hear(self, id_: str, lines: Sequence[str]) -> None:
        each = self._panes.get(id_)
        check = each.check if each is not None else None
        if each is None or check is None:
            return
        # Not when it was found: by then another process may run there, and has printed nothing yet.
        heard = self._clock.monotonic()
        awaited = check.probe.pattern if isinstance(check.probe, spec.OutputProbe) else None
        if await self._found(each.uid, awaited, lines) is not None:
            self.matched[each.uid] = heard
            self._ready(each)
        if (line := await self._found(each.uid, check.errors, lines)) is not None:
            self._error(each, shown(line))

    async def _found(self, uid: str, pattern: str | None, lines: Sequence[str]) -> str | None:
        now = self._clock.monotonic()
        if pattern is None or self._resting.get((uid, pattern), (now, ""))[0] > now:
            return None
        try:
            return await found(pattern, lines)
        except patterns.TooSlow as slow:
            self._resting[uid, pattern] = self._clock.monotonic() + REST, str(slow)
            return None


def shown(line: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in line[:200])


async def found(pattern: str, lines: Sequence[str]) -> str | None:
    """The first line in which it is."""
    return await asyncio.to_thread(functools.partial(patterns.search, pattern, lines, whole=WHOLE))


def _listens(check: spec.Health | None) -> bool:
    return check is not None and (isinstance(check.probe, spec.OutputProbe) or check.errors is not None)
