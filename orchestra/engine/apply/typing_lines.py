"""Typing a pane's `send_keys`: each line when the shell shows its prompt, each exactly once, however often apply is cut off."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from orchestra.engine.apply import world
from orchestra.model import action, status

BEAT = 0.005
"""Seconds between looks at the shell; neither the kernel nor tmux tells when a prompt is shown."""


class Typer:
    def __init__(self, world: world.World, timeout: timedelta) -> None:
        self._world = world
        self._timeout = timeout

    async def type(self, what: action.TypeLines, pane: status.Pane) -> str | None:
        """An error text when a prompt does not come. The mark counts the lines typed: it is written in the step that types."""
        mark = what.mark
        lines = what.pane.send_keys
        for number in range(mark.typed, len(lines)):
            lacking = await self._prompt(pane)
            if lacking is not None:
                return f"line {number + 1} of send_keys was not typed: {lacking}"
            last = number + 1 == len(lines)
            after = replace(mark, typed=number + 1, stage=status.Stage.DONE if last else status.Stage.TYPING)
            outcome = await asyncio.to_thread(
                self._world.tmux.type_line, what.address, mark, after, lines[number]
            )
            if outcome.error is not None:
                return f"line {number + 1} of send_keys was not typed: {outcome.error}"
            mark = after
        return None

    async def ahead(self, what: action.TypeAhead, pane: status.Pane) -> str | None:
        lacking = await self._prompt(pane)
        if lacking is not None:
            return f"what was there was not typed: {lacking}"
        outcome = await asyncio.to_thread(
            self._world.tmux.type_line, what.address, what.mark, what.mark, what.line, enter=what.enter
        )
        return None if outcome.error is None else f"what was there was not typed: {outcome.error}"

    async def _prompt(self, pane: status.Pane) -> str | None:
        """Why there is none. Twice in a row: between a line's end and its command's start a shell looks for a moment as if it waited."""
        seen = 0
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                while seen < 2:
                    shown = await asyncio.to_thread(self._world.processes.at_prompt, pane.pid, pane.tty)
                    seen = seen + 1 if shown else 0
                    if not shown and self._world.processes.find(pane.pid) is None:
                        return "its shell ended"
                    await asyncio.sleep(BEAT)
        except TimeoutError:
            return f"the shell showed no prompt within {self._timeout.total_seconds():g}s"
        return None
