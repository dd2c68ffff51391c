"""Happenings become events here: given their time, kept by the journal, then told to who listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from orchestra.engine import ports
from orchestra.engine.hear import bus, happenings, sources
from orchestra.model import errors, event

FULL = 0.1
"""Seconds between tries while the journal can take no more: the disk is full, and what waits has its limit."""


class Publisher:
    """Who publishes waits until it is on the disk; what is told is kept."""

    def __init__(
        self,
        journal: sources.Journal,
        bus: bus.Bus,
        clock: ports.Clock,
        heard: Callable[[Sequence[event.Event]], None] = lambda _: None,
    ) -> None:
        """`heard` is told of all that is published, in order, beside those on the bus: it never loses its place."""
        self._heard = heard
        self._journal = journal
        self._bus = bus
        self._clock = clock
        self._turn = asyncio.Lock()
        """Where the journal can take no more who came first goes first: else his state would be written over a newer one."""

    async def publish(
        self,
        happened: Sequence[happenings.Happening],
        cause: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> tuple[event.Event, ...]:
        now = self._clock.now()
        events = [
            event.Event(body=each.body, time=now, workspace=each.workspace, address=each.address, cause=cause)
            for each in happened
        ]
        kept = asyncio.wrap_future(await self._append(events, state))
        kept.add_done_callback(self._tell_kept)
        return await asyncio.shield(kept)

    def _tell_kept(self, kept: asyncio.Future[tuple[event.Event, ...]]) -> None:
        """Also when nobody waits for it any more: what is kept is told."""
        if not kept.cancelled() and kept.exception() is None:
            self._bus.publish(kept.result())
            self._heard(kept.result())

    async def _append(
        self, events: Sequence[event.Event], state: Mapping[str, Any] | None
    ) -> Future[tuple[event.Event, ...]]:
        async with self._turn:
            while True:
                try:
                    return self._journal.append(events, state)
                except errors.JournalFull:
                    await asyncio.sleep(FULL)

    def tell(self, happened: Sequence[happenings.Happening]) -> None:
        """Only to who listens now."""
        now = self._clock.now()
        self._bus.publish(
            event.Event(body=each.body, time=now, workspace=each.workspace, address=each.address)
            for each in happened
        )
