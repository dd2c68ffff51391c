"""Carries a plan out: the one way anything is done to the world.

Steps whose predecessors are done go together; what waits (a stop, a gate, a prompt) waits beside the others, so independent branches
of the graph run side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from orchestra.engine import together
from orchestra.engine.apply import gates, launching, stopping, typing_lines, world
from orchestra.model import action, errors, plan, progress, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import cascade, record

LONG = (action.StopPane, action.TypeLines, action.TypeAhead, action.Await)
"""Actions that take time and go on beside others; the rest is done at once, in batches."""


SETTLING = timedelta(milliseconds=100)
"""For how long what was started is watched for an early end."""


class OnError(StrEnum):
    STOP = "stop"
    CONTINUE = "continue"
    ROLLBACK = "rollback"


@frozen
class Settings:
    wait: bool = True
    """Wait for the health of what was started even where nothing else waits for it."""
    timeout: timedelta = timedelta(seconds=60)
    """For each condition that is waited for."""
    on_error: OnError = OnError.STOP


Report = Callable[[progress.Progress], None]


class _State(StrEnum):
    OPEN = "open"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(slots=True)
class _Node:
    step: plan.Step
    state: _State = _State.OPEN
    missing: int = 0
    """Predecessors that are not finished yet."""
    successors: list[int] = field(default_factory=list)
    reason: str = ""


class Execution:
    """One plan on its way. Use it once."""

    def __init__(
        self,
        plan: plan.Plan,
        observed: status.Server,
        values: Mapping[spec.Secret, str],
        world: world.World,
        settings: Settings,
        report: Report,
    ) -> None:
        self._plan = plan
        self._values = values
        self._world = world
        self._settings = settings
        self._report = report
        self._observed = observed
        self._key = ""
        self._places = together.Together(self._look)
        self._stopper = stopping.Stopper(world, observed)
        self._gates = gates.Gates(world, self._places.get, self._probe_environment)
        idle = set() if settings.wait else _idle(plan.steps)
        self._nodes = {step.id: _Node(step) for step in plan.steps if step.id not in idle}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._cut: set[int] = set()
        """Waits that were given up because something else failed."""
        self._failures: dict[str, str] = {}
        self._skips: dict[str, str] = {}
        for node in self._nodes.values():
            befores = {*node.step.after, *node.step.optional_after} & self._nodes.keys()
            node.missing = len(befores)
            for before in befores:
                self._nodes[before].successors.append(node.step.id)
        self._ready = sorted(id_ for id_, node in self._nodes.items() if not node.missing)

    async def _look(self) -> Mapping[str, status.Place]:
        """Our panes by address, gathered once a reading however many share it."""
        return status.owned(await asyncio.to_thread(self._world.tmux.observe), self._plan.workspace)

    async def run(self) -> progress.Result:
        """Does what can be done and tells what could not. `Conflict` before anything is touched when we would stop ourselves."""
        self._stopper.refuse_suicide(
            [step.action for step in self._plan.steps if isinstance(step.action, action.StopPane)]
        )
        self._world.tmux.bind(self._observed, self._plan.workspace)
        if any(secret for secret in self._values):
            self._key = await asyncio.to_thread(self._world.tmux.ensure_key)
        self._tell_who_waits()
        finished: asyncio.Queue[int] = asyncio.Queue()
        running = 0
        async with asyncio.TaskGroup() as group:
            while True:
                batch = self._take(lambda what: not isinstance(what, LONG), follow=True)
                if batch:
                    await self._batch(batch)
                    continue
                for id_ in self._take(lambda what: isinstance(what, LONG), follow=False):
                    running += 1
                    name = f"step {id_} {self._nodes[id_].step.change}"
                    task = self._tasks[id_] = group.create_task(self._long(id_), name=name)
                    # Not by the coroutine: one that is given up before its first turn never runs.
                    task.add_done_callback(lambda _, id_=id_: finished.put_nowait(id_))  # type: ignore[misc]
                if not running:
                    break
                ended = await finished.get()
                running -= 1
                self._tasks.pop(ended)
                self._settle(ended)
        if self._settings.wait:
            await self._tell_what_ended()
        return progress.Result(failed=tuple(self._failures.items()), skipped=tuple(self._skips.items()))

    async def _tell_what_ended(self) -> None:
        """A command that is not there, a port that is taken: what cannot run ends at once, and its starter should hear of it."""
        done = [node.step.action for node in self._nodes.values() if node.state is _State.DONE]
        started = {what.address for what in done if isinstance(what, action.StartPane)}
        started |= {seed.pane.address for seed in map(_seed, done) if seed is not None and seed.start}
        started -= self._failures.keys()
        if not started:
            return
        places = await self._places.get()
        found = (self._world.processes.find(places[each].pane.pid) for each in started if each in places)
        running = await self._world.processes.ended([each for each in found if each is not None], SETTLING)
        if len(running) == len(started):
            return
        self._world.tmux.reap()
        for address, place in (await self._places.get()).items():
            ended = place.pane.dead and (place.pane.signal is not None or place.pane.exit_code)
            if address in started and ended:
                told = await asyncio.to_thread(gates.last_words, self._world.tmux, place.pane)
                self._report(progress.Progress(address=address, phase=progress.Phase.WARNING, detail=told))

    # --- the graph

    def _take(self, wanted: Callable[[action.Action], bool], *, follow: bool) -> list[int]:
        """Ready steps of a kind, in order; with `follow` also those that become ready when they are done."""
        taken: list[int] = []
        counted: dict[int, int] = {}
        queue, later = self._ready, []
        while queue:
            id_ = queue.pop(0)
            node = self._nodes[id_]
            if node.state is not _State.OPEN:
                continue
            if self._blocked(node):
                self._skip(id_)
                queue = sorted({*queue, *self._ready})
                self._ready = queue
                continue
            if not wanted(node.step.action):
                later.append(id_)
                continue
            node.state = _State.RUNNING
            taken.append(id_)
            if follow:
                for next_ in node.successors:
                    counted[next_] = counted.get(next_, 0) + 1
                    ready = counted[next_] == self._nodes[next_].missing
                    if (
                        ready
                        and wanted(self._nodes[next_].step.action)
                        and not self._blocked(self._nodes[next_])
                    ):
                        queue.append(next_)
        self._ready = later
        return taken

    def _blocked(self, node: _Node) -> bool:
        stopped = self._failures and self._settings.on_error is not OnError.CONTINUE
        bad = any(
            self._nodes[before].state in (_State.FAILED, _State.SKIPPED)
            for before in node.step.after
            if before in self._nodes
        )
        return bool(stopped) or bad

    def _skip(self, id_: int) -> None:
        node = self._nodes[id_]
        cause = next(
            (
                self._nodes[before]
                for before in node.step.after
                if before in self._nodes and self._nodes[before].state in (_State.FAILED, _State.SKIPPED)
            ),
            None,
        )
        if cause is None:
            address, reason = next(iter(self._failures.items()))
            node.reason = f"not done after {address} failed: {reason}"
        elif cause.state is _State.SKIPPED or cause.step.change == node.step.change:
            node.reason = cause.reason
        else:
            node.reason = f"{cause.step.change} failed: {cause.reason}"
        node.state = _State.SKIPPED
        change = node.step.change
        if change and change not in self._failures and change not in self._skips:
            self._skips[change] = node.reason
            self._report(progress.Progress(address=change, phase=progress.Phase.SKIPPED, detail=node.reason))
        self._release(node)

    def _settle(self, id_: int) -> None:
        node = self._nodes[id_]
        if id_ in self._cut:
            self._skip(id_)
            return
        if node.reason:
            node.state = _State.FAILED
            self._fail(node)
        else:
            node.state = _State.DONE
        self._release(node)

    def _fail(self, node: _Node) -> None:
        waited_for_in_vain = isinstance(node.step.action, action.Await) and all(
            node.step.id in self._nodes[next_].step.optional_after for next_ in node.successors
        )
        if waited_for_in_vain and node.successors:
            detail = f"{node.reason}; what waits for it is started without (required: false)"
            self._report(
                progress.Progress(address=node.step.change, phase=progress.Phase.WARNING, detail=detail)
            )
            return
        self._failures.setdefault(node.step.change, node.reason)
        if self._settings.on_error is not OnError.CONTINUE:
            for id_, task in self._tasks.items():
                if isinstance(self._nodes[id_].step.action, action.Await):
                    self._cut.add(id_)
                    task.cancel()
        self._report(
            progress.Progress(address=node.step.change, phase=progress.Phase.FAILED, detail=node.reason)
        )

    def _release(self, node: _Node) -> None:
        for next_ in node.successors:
            self._nodes[next_].missing -= 1
            if not self._nodes[next_].missing and self._nodes[next_].state is _State.OPEN:
                self._ready.append(next_)
        self._ready.sort()

    # --- steps that are done at once

    async def _batch(self, ids: list[int]) -> None:
        orders: list[action.Order] = []
        ordered: list[int] = []
        left_out: set[int] = set()
        there: Mapping[str, status.Place] = {}
        if any(_rests_on_others(self._nodes[id_].step.action) for id_ in ids):
            there = await self._places.get()
        for id_ in ids:
            node = self._nodes[id_]
            if left_out.intersection(node.step.after):
                left_out.add(id_)
                continue
            try:
                order = self._order(node.step.action, there)
            except errors.OrchestraError as error:
                node.reason = str(error)
                left_out.add(id_)
                continue
            if order is not None:
                orders.append(order)
                ordered.append(id_)
        outcomes = await asyncio.to_thread(self._world.tmux.execute, orders) if orders else ()
        for id_, outcome in zip(ordered, outcomes, strict=True):
            if outcome.error is not None:
                self._nodes[id_].reason = outcome.error
        for id_ in ids:
            node = self._nodes[id_]
            if self._rests_on_failure(node):
                # Also when tmux was asked in the same turn and refused: for the same reason.
                node.state, node.reason = _State.OPEN, ""
                self._skip(id_)
                continue
            self._settle(id_)
            if node.state is _State.DONE:
                self._tell(node)

    def _rests_on_failure(self, node: _Node) -> bool:
        return any(self._nodes[before].reason for before in node.step.after if before in self._nodes)

    def _tell(self, node: _Node) -> None:
        """By the pane where there is one: making a session or a window starts its first pane."""
        what = node.step.action
        seed = _seed(what)
        if isinstance(what, action.StartPane):
            self._report(progress.Progress(address=what.address, phase=progress.Phase.STARTED))
        elif seed is not None:
            if seed.start:
                self._report(progress.Progress(address=seed.pane.address, phase=progress.Phase.STARTED))
        elif node.step.change:
            self._report(
                progress.Progress(
                    address=node.step.change, phase=progress.Phase.DONE, detail=type(what).__name__
                )
            )

    def _tell_who_waits(self) -> None:
        for node in self._nodes.values():
            gates = [
                self._nodes[before].step.action
                for before in (*node.step.after, *node.step.optional_after)
                if before in self._nodes
            ]
            waits = [
                f"{gate.address} ({gate.condition.replace('_', ' ')})"
                for gate in gates
                if isinstance(gate, action.Await)
            ]
            if waits and isinstance(node.step.action, action.StartPane):
                self._report(
                    progress.Progress(
                        address=node.step.action.address,
                        phase=progress.Phase.PENDING,
                        detail="waits for " + ", ".join(waits),
                    )
                )

    def _order(self, what: action.Action, there: Mapping[str, status.Place]) -> action.Order | None:
        seed = _seed(what)
        if seed is not None:
            if seed.start:
                return self._starting(what, seed.pane, seed.mark, there)
            launch = launching.placeholder(seed.pane.address, seed.mark, seed.notice, self._world.machine)
            return action.Order(action=what, launch=launch, record=record.pane_text(seed.pane, {}))
        if isinstance(what, action.StartPane):
            return self._starting(what, what.pane, what.mark, there)
        if isinstance(what, action.Join):
            return None
        return action.Order(action=what)

    def _starting(
        self, what: action.Action, pane: spec.Pane, mark: status.Mark, there: Mapping[str, status.Place]
    ) -> action.Order:
        if not self._world.machine.is_directory(pane.dir):
            raise errors.ActionFailed(f"its directory {pane.dir} does not exist or cannot be entered")
        launch = launching.launch(pane, mark, self._values, self._world.machine)
        digests = {
            secret.name: record.digest(self._key, secret.name, self._values[secret])
            for secret in pane.secrets
        }
        beside = cascade.beside(pane, there)
        return action.Order(action=what, launch=launch, record=record.pane_text(pane, digests, beside))

    # --- steps that take time

    async def _long(self, id_: int) -> None:
        node = self._nodes[id_]
        try:
            node.reason = await self._carry_out(node.step.action) or ""
        except (gates.Failed, errors.OrchestraError) as error:
            node.reason = str(error) or "it failed"

    async def _carry_out(self, what: action.Action) -> str | None:
        match what:
            case action.StopPane():
                return await self._stop(what)
            case action.TypeLines() | action.TypeAhead():
                self._report(
                    progress.Progress(
                        address=what.address,
                        phase=progress.Phase.PENDING,
                        detail="waits for the shell's prompt",
                    )
                )
                place = await self._live(what.address)
                typer = typing_lines.Typer(self._world, self._settings.timeout)
                if isinstance(what, action.TypeAhead):
                    reason = await typer.ahead(what, place.pane)
                else:
                    reason = await typer.type(what, place.pane)
                if reason is None:
                    self._report(
                        progress.Progress(address=what.address, phase=progress.Phase.DONE, detail="typed")
                    )
                return reason
            case action.Await():
                return await self._await(what)
            case _:
                raise AssertionError(type(what).__name__)

    async def _live(self, address: str) -> status.Place:
        place = (await self._places.get()).get(address)
        if place is None:
            raise gates.Failed("the pane is gone")
        return place

    async def _stop(self, what: action.StopPane) -> str | None:
        place = (await self._places.get()).get(what.address)
        if place is None:
            return None
        if place.pane.mark != what.expect or (place.pane.pid != what.pid and not place.pane.dead):
            return "it is no longer what was seen"
        alive = not place.pane.dead
        if alive:
            self._report(progress.Progress(address=what.address, phase=progress.Phase.STOPPING))
        known = record.parse_pane(place.pane.record)
        pane = known.pane if known is not None else None
        live = replace(what, pid=place.pane.pid)
        env = {} if pane is None else self._probe_environment(pane)
        return await self._stopper.stop(live, alive=alive, env=env, pane=pane)

    async def _await(self, what: action.Await) -> str | None:
        def tell(phase: progress.Phase, detail: str = "") -> None:
            self._report(progress.Progress(address=what.address, phase=phase, detail=detail))

        # A probe tells what it sees; an end is only waited for; the rest is so at once, or never.
        check = what.pane.health
        probed = what.condition is spec.Condition.HEALTHY and check is not None and check.probe is not None
        ends = what.condition in (spec.Condition.COMPLETED, spec.Condition.COMPLETED_SUCCESSFULLY)
        if probed or ends:
            tell(
                progress.Phase.PENDING if probed else progress.Phase.WAITING, what.condition.replace("_", " ")
            )
        await self._gates.reached(
            what.pane,
            what.condition,
            self._settings.timeout,
            lambda reason: tell(
                progress.Phase.WAITING, f"to be {what.condition.replace('_', ' ')}: {reason}"
            ),
        )
        if probed or ends:
            tell(progress.Phase.HEALTHY if probed else progress.Phase.DONE)
        return None

    def _probe_environment(self, pane: spec.Pane) -> dict[str, str]:
        """Without ORCHESTRA_PANE: a probe is not one of the pane's processes."""
        return {
            **pane.env,
            **{secret.name: self._values[secret] for secret in pane.secrets if secret in self._values},
            "ORCHESTRA_WORKSPACE": self._plan.workspace,
            "ORCHESTRA_ADDRESS": pane.address,
        }


def _idle(steps: Sequence[plan.Step]) -> set[int]:
    """Waits that nothing rests on."""
    waits = {step.id for step in steps if isinstance(step.action, action.Await)}
    return waits.difference(*((*step.after, *step.optional_after) for step in steps))


def _rests_on_others(what: action.Action) -> bool:
    return isinstance(what, action.StartPane) and any(cascade.cascading(what.pane))


def _seed(what: action.Action) -> action.Seed | None:
    match what:
        case action.CreateSession():
            return what.window.seed
        case action.CreateWindow() | action.CreatePane():
            return what.seed
        case _:
            return None
