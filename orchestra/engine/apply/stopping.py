"""Ending a pane's processes: asked first, then killed, then looked at whether nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from orchestra.engine import together
from orchestra.engine.apply import world
from orchestra.model import action, errors, spec, status

Report = Callable[[str], None]
ROUNDS = 20
"""Kills of what is left; a process that forks faster than it is killed is told, not chased for ever."""


class Stopper:
    """Looks at the process table once for all panes that are being stopped at the same time."""

    def __init__(self, world: world.World, server: status.Server) -> None:
        self._world = world
        self._server = server
        self._wanted: dict[str, int] = {}
        self._table = together.Together(self._look)

    async def _look(self) -> dict[str, frozenset[status.Process]]:
        wanted = dict(self._wanted)
        return dict(await asyncio.to_thread(self._world.processes.trees, wanted, self._server.pid))

    async def tree(self, uid: str, pid: int) -> frozenset[status.Process]:
        self._wanted[uid] = pid
        return (await self._table.get()).get(uid, frozenset())

    def refuse_suicide(self, steps: list[action.StopPane]) -> None:
        """`Conflict` when we run in a pane that would be stopped: the apply would end half-way."""
        wanted = {step.expect.uid: step.pid for step in steps}
        if not wanted:
            return
        trees = self._world.processes.trees(wanted, self._server.pid)
        for step in steps:
            if self._world.processes.contains_self(trees.get(step.expect.uid, frozenset())):
                raise errors.Conflict(
                    f"orchestra runs inside {step.address}, which this plan stops",
                    hint="run it from another pane or terminal, or leave that pane out with --target",
                )

    async def stop(
        self, step: action.StopPane, *, alive: bool, env: dict[str, str], pane: spec.Pane | None
    ) -> str | None:
        """Ends every process of the pane. An error text when something could not be ended."""
        pid = step.pid if alive else 0
        processes = self._world.processes
        tree = await self.tree(step.expect.uid, pid)
        if tree:
            clock = self._world.clock
            deadline = clock.monotonic() + step.stop.timeout.total_seconds()

            def left() -> timedelta:
                return timedelta(seconds=max(0.0, deadline - clock.monotonic()))

            signal = step.stop.signal or ("SIGHUP" if step.shell else "SIGTERM")
            root = frozenset(each for each in tree if each.pid == pid)
            if root:
                await self._ask(step, pid, signal, left(), env, pane)
                await processes.ended(root, left())
            rest = await self.tree(step.expect.uid, pid)
            if rest and left():
                # What outlived its parent (in the background, detached) is asked by itself.
                processes.signal(rest - root, signal)
                await processes.ended(rest, left())
        for _ in range(ROUNDS):
            rest = await self.tree(step.expect.uid, pid)
            if not rest:
                self._world.tmux.reap()
                return None
            processes.signal(rest, "SIGKILL")
            await processes.ended(rest, timedelta(seconds=1))
        names = ", ".join(sorted({f"{each.name or '?'} (pid {each.pid})" for each in rest}))
        return f"still running after SIGKILL: {names}"

    async def _ask(
        self,
        step: action.StopPane,
        pid: int,
        signal: str,
        left: timedelta,
        env: dict[str, str],
        pane: spec.Pane | None,
    ) -> None:
        if step.stop.keys:
            await asyncio.to_thread(self._world.tmux.send_keys, step.address, step.expect, step.stop.keys)
        elif step.stop.command is not None:
            directory = pane.dir if pane is not None else "/"
            await self._world.prober.run(step.stop.command, left, dir=directory, env=env)
        else:
            self._world.processes.signal_group(pid, signal)
