"""Notices that nobody was there to hear: kept, told as events, and shown to who attaches next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from orchestra.daemon.react import parts
from orchestra.engine.trigger import firings
from orchestra.model import errors, event, status
from orchestra.tmux import telling

STATE = "triggers.unheard"
MOST = 1000
"""How many are counted."""


class Unheard:
    def __init__(self, say: parts.Say, keep: parts.Keep, told: telling.Telling, threads: Executor) -> None:
        self._say = say
        self._keep = keep
        self._told = told
        self._threads = threads
        self._count = 0
        self._last = ""
        self._attached = 0
        self._woken = asyncio.Event()

    def resume(self, kept: Any) -> None:
        if isinstance(kept, dict) and isinstance(kept.get("count"), int):
            self._count, self._last = min(kept["count"], MOST), str(kept.get("last", ""))

    def _state(self) -> Mapping[str, Any]:
        return {STATE: {"count": self._count, "last": self._last} if self._count else None}

    async def add(self, text: str, run: firings.Run) -> None:
        self._count, self._last = min(self._count + 1, MOST), text
        body = event.NoticeKept(trigger=run.trigger, text=text)
        await self._say(body, run.workspace, str(run.event.get("address", "")), self._state())

    def looked(self, server: status.Server) -> None:
        attached = sum(session.attached for session in server.sessions)
        if attached > self._attached:
            self._woken.set()
        self._attached = attached

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            count, text = self._count, self._last
            if count > 1:
                text = f"{count} notices (orchestra events --type notice.kept), the last: {text}"
            if count and await asyncio.get_running_loop().run_in_executor(self._threads, self._show, text):
                self._count -= count  # others may have come meanwhile
                await self._keep(self._state())

    def _show(self, text: str) -> bool:
        """Whether anybody saw it."""
        with contextlib.suppress(errors.OrchestraError):  # then who attaches next
            return self._told.notice(text) > 0
        return False
