"""Looks at the server whenever it says that something changed, and tells what happened since the look before.

Level-triggered: a wake that is missed costs time until the next look, never an event. One task does it all, so there is one order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestra.engine import ports
from orchestra.engine.hear import happenings, sources
from orchestra.model import errors, event, status

PERIOD = 60.0
"""Seconds: a look that nothing asked for."""
REST = 3.0
"""After a look we rest as many times as long as it took, so that a storm of changes costs a quarter of a core at most."""
CREDIT = 0.15
"""Seconds of rest that may be owed: what comes right after a look is looked at now, and only a storm waits."""
TRIES = (0.001, 0.001, 0.002, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between questions for a status that tmux has not filled in yet; then a child holds the terminal, and the pane lives on."""
RETRY = 1.0
"""Seconds, where the server could not be asked."""

STATE = "seen"

Publish = Callable[[Sequence[happenings.Happening], str, Mapping[str, Any]], Awaitable[None]]
"""Happenings, their cause, and state to keep with them."""


class Observer:
    def __init__(
        self,
        tmux: ports.Tmux,
        listening: sources.Listening,
        clock: ports.Clock,
        publish: Publish,
        looked: Callable[[status.Server], Awaitable[None]],
        lost: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """`looked` is called after each look, once its events are out; `lost`, with the reason, after each that failed."""
        self._tmux = tmux
        self._listening = listening
        self._clock = clock
        self._publish = publish
        self._looked = looked
        self._lost = lost
        self._seen = happenings.Seen()
        self._ended: dict[str, int] = {}
        """Panes whose process has ended -> how often tmux was asked how."""
        self._wake = asyncio.Event()
        self._wanted = True
        self._looks = 0
        self._looking = False
        self._settled = asyncio.Condition()
        self.trouble = ""
        """Why the last look failed; empty when it did not."""

    @property
    def seen(self) -> happenings.Seen:
        return self._seen

    def resume(self, state: object) -> None:
        """From what the last daemon saw, so that what happened in between is told."""
        self._seen = load(state)

    def request(self) -> None:
        """Something changed. In the event loop."""
        self._wanted = True
        self._wake.set()

    def ended(self, pane: str) -> None:
        """Its first process has ended. In the event loop."""
        self._ended.setdefault(pane, 0)
        self._wake.set()

    async def look(self) -> None:
        """Returns after a look that began after this was called; also when it failed: see `trouble`."""
        async with self._settled:
            wanted = self._looks + (2 if self._looking else 1)
            self.request()
            await self._settled.wait_for(lambda: self._looks >= wanted)

    async def run(self) -> None:
        cause, rest_until = "observation", 0.0
        while True:
            now = self._clock.monotonic()
            if self._ended:
                await self._ask_how()
            if self._wanted and now >= rest_until:
                self._wanted = False
                took = await self._look(cause)
                cause = ""
                now = self._clock.monotonic()
                rest_until = max(rest_until, now - CREDIT) + min(took * REST, 1.0)
            timeout = self._patience(rest_until)
            self._wake.clear()
            if self._wanted and not self._ended and timeout <= 0:
                continue
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                if not self._ended and not self._wanted:
                    self._wanted = True

    def _patience(self, rest_until: float) -> float:
        """Seconds until something is to be done without being asked."""
        waits = [PERIOD]
        if self._wanted:
            waits.append(max(rest_until - self._clock.monotonic(), 0))
        waits += [TRIES[tries] for tries in self._ended.values()]
        return min(waits)

    async def _look(self, cause: str) -> float:
        began = self._clock.monotonic()
        self._looking = True
        try:
            server = await asyncio.to_thread(self._tmux.observe)
        except errors.TmuxUnavailable as error:
            if not self.trouble:
                fault = event.DaemonFault(part="tmux", reason=str(error))
                await self._publish([happenings.Happening(body=fault)], cause, {})
            self.trouble = str(error)
            self._wanted = True
            if self._lost is not None:
                await self._lost(self.trouble)
            await self._tell_looked()
            return RETRY / REST
        finally:
            self._looking = False
        self.trouble = ""
        after = happenings.seen(server, self._seen)
        found = list(happenings.between(self._seen, after))
        if found or self._seen != after:
            self._seen = after
            await self._publish(found, cause, {STATE: dump(after)})
        for pane in [pane for pane in self._ended if pane not in after.panes or after.panes[pane].ended]:
            del self._ended[pane]
        await self._looked(server)
        await self._tell_looked()
        return self._clock.monotonic() - began

    async def _tell_looked(self) -> None:
        async with self._settled:
            self._looks += 1
            self._settled.notify_all()

    async def _ask_how(self) -> None:
        """A pane's end at once, without a whole look: tmux reaps when it is told to."""
        asked = [
            pane for pane in self._ended if pane in self._seen.panes and not self._seen.panes[pane].ended
        ]
        for pane in self._ended.keys() - set(asked):
            del self._ended[pane]
        if not asked:
            return
        self._tmux.reap()
        try:
            endings = await asyncio.to_thread(self._listening.endings, asked)
        except errors.TmuxUnavailable:
            self._count(asked)
            return
        found: list[str] = []
        panes = dict(self._seen.panes)
        for pane in asked:
            told = endings.get(pane)
            if told is None or told.pid != panes[pane].pid:
                self._wanted = True  # it is gone, or something else runs in it: a look will tell
                del self._ended[pane]
            elif told.dead and (told.exit_code is not None or told.signal is not None):
                panes[pane] = replace(panes[pane], ended=True, exit_code=told.exit_code, signal=told.signal)
                found.append(pane)
                del self._ended[pane]
            else:
                self._count([pane])
        if found:
            self._seen = replace(self._seen, panes=panes)
            happened = [happenings.exited(pane, panes[pane]) for pane in found]
            await self._publish(happened, "", {STATE: dump(self._seen)})

    def _count(self, panes: Iterable[str]) -> None:
        """One question more; the last one's answer comes with the next look."""
        for pane in panes:
            self._ended[pane] += 1
            if self._ended[pane] >= len(TRIES):
                del self._ended[pane]
                self._wanted = True


def dump(seen: happenings.Seen) -> dict[str, Any]:
    """Rows, because it is written with every event."""
    return {
        "epoch": seen.epoch,
        "version": seen.version,
        "sessions": [[id_, s.name, s.attached, s.workspace, s.address] for id_, s in seen.sessions.items()],
        "windows": [
            [id_, w.session, w.name, w.layout, w.bells, w.workspace, w.address]
            for id_, w in seen.windows.items()
        ],
        "panes": [
            [id_, p.window, p.pid, p.title, p.ended, p.exit_code, p.signal, p.workspace, p.address]
            for id_, p in seen.panes.items()
        ],
    }


def load(plain: object) -> happenings.Seen:
    """Nothing seen, when it is not what `dump` gave: then all there is counts as new."""
    if not isinstance(plain, Mapping):
        return happenings.Seen()
    try:
        return happenings.Seen(
            epoch=plain["epoch"],
            version=plain["version"],
            sessions={row[0]: _of(happenings.Session, row[1:]) for row in plain["sessions"]},
            windows={row[0]: _of(happenings.Window, row[1:]) for row in plain["windows"]},
            panes={row[0]: _of(happenings.Pane, row[1:]) for row in plain["panes"]},
        )
    except (KeyError, TypeError, ValueError, IndexError):
        return happenings.Seen()


def _of(kind: Any, values: Iterable[Any]) -> Any:
    return kind(**dict(zip(kind.__slots__, values, strict=True)))
