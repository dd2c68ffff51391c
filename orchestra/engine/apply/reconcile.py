"""Observe, plan, carry out: one pass. `apply`, `diff` and `delete` are this; what keeps a workspace so will be the same pass, again."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets as randomness
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from datetime import timedelta

from orchestra.engine.apply import execute, preview, world
from orchestra.model import action, errors, plan, progress, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import applied, build, compare

LOCK_WAIT = timedelta(seconds=60)

Confirm = Callable[[plan.Plan], bool]


@frozen
class Outcome:
    plan: plan.Plan
    result: progress.Result
    undone: progress.Result | None = None
    """What a rollback did; None when there was none."""
    declined: bool = False


@frozen
class Reconciler:
    world: world.World
    lock_name: str
    size: tuple[int, int] = preview.DEFAULT_SIZE
    new_uid: Callable[[], str] = field(default=lambda: randomness.token_hex(6))
    lock_wait: timedelta = LOCK_WAIT
    begun: Callable[[plan.Plan], None] = field(default=lambda _: None)
    """Told of each plan right before it is carried out."""

    def preview(
        self, desired: spec.Workspace, options: compare.Options, *, run_commands: bool = False
    ) -> tuple[plan.Plan, status.Server, Mapping[spec.Secret, str]]:
        """See `preview.Preview.of`."""
        return _looking(self).of(desired, options, run_commands=run_commands)

    async def apply(
        self,
        desired: spec.Workspace,
        options: compare.Options,
        settings: execute.Settings,
        confirm: Confirm,
        report: execute.Report,
    ) -> Outcome:
        with self._alone(f"apply {desired.name}", report):
            made, observed, values = self.preview(desired, options, run_commands=True)
            if made.stops and not confirm(made):
                return Outcome(plan=made, result=progress.Result(), declined=True)
            return await self._carry_out(made, observed, values, settings, report)

    async def apply_saved(
        self, saved: plan.Plan, settings: execute.Settings, confirm: Confirm, report: execute.Report
    ) -> Outcome:
        """Verbatim, or not at all: `Conflict` when the world is no longer the one it was made for."""
        with self._alone(f"apply {saved.workspace}", report):
            observed = self.world.tmux.observe()
            if build.world(saved.workspace, saved.changes, observed) != saved.world:
                raise errors.Conflict(
                    f"the saved plan for {saved.workspace} is stale: the tmux server is no longer as it was when it was made",
                    hint="make it anew: orchestra diff FILE --out PLAN",
                )
            values = self.world.secrets.resolve(set(_secrets(saved)), run_commands=True)
            if saved.stops and not confirm(saved):
                return Outcome(plan=saved, result=progress.Result(), declined=True)
            return await self._carry_out(saved, observed, values, settings, report)

    async def steer(
        self,
        name: str,
        options: Callable[[spec.Workspace, status.Server], compare.Options],
        settings: execute.Settings,
        confirm: Confirm,
        report: execute.Report,
    ) -> Outcome:
        """Starts and stops what a workspace has as it was applied last. What ran before ran beside what it depends on, well or not:
        nothing is waited for."""
        with self._alone(f"steer {name}", report):
            observed = self.world.tmux.observe()
            desired = applied.workspace(name, observed)
            chosen = options(desired, observed)
            values = self._values(desired, chosen)
            made, observed, values = _looking(self).planned(desired, chosen, values)
            if made.stops and not confirm(made):
                return Outcome(plan=made, result=progress.Result(), declined=True)
            return await self._carry_out(made, observed, values, settings, report)

    def _values(self, desired: spec.Workspace, chosen: compare.Options) -> Mapping[spec.Secret, str]:
        """`SecretUnavailable` where one is missing of what is started, and of nothing else. How something is asked to stop may want
        them, too; that they are missing keeps nothing from being stopped."""
        wanted: dict[bool, set[spec.Secret]] = {True: set(), False: set()}
        for pane in desired.panes:
            if pane.address in chosen.starts or pane.address in chosen.stops or pane.address in chosen.ends:
                wanted[pane.address in chosen.starts].update(pane.secrets)
        values: dict[spec.Secret, str] = {}
        if wanted[True]:
            values.update(self.world.secrets.resolve(wanted[True], run_commands=True))
        if left := wanted[False] - wanted[True]:
            with contextlib.suppress(errors.SecretUnavailable):
                values.update(self.world.secrets.resolve(left, run_commands=True))
        return values

    async def delete(
        self, name: str, settings: execute.Settings, confirm: Confirm, report: execute.Report
    ) -> Outcome:
        return await self.apply(build.nothing(name), compare.Options(), settings, confirm, report)

    async def collect(
        self,
        name: str,
        decide: Callable[[status.Server, Mapping[str, status.Rest]], plan.Plan],
        settings: execute.Settings,
        report: execute.Report,
    ) -> Outcome:
        """`decide` says what may go still, now that nobody else changes anything here."""
        with self._alone(f"collect {name}", report):
            observed, rests = self.world.tmux.observe_rest()
            return await self._carry_out(decide(observed, rests), observed, {}, settings, report)

    def _alone(self, purpose: str, report: execute.Report) -> AbstractContextManager[None]:
        def waiting(holder: str) -> None:
            report(
                progress.Progress(
                    address="", phase=progress.Phase.WAITING, detail=f"{holder} is at work here"
                )
            )

        return self.world.locks.hold(self.lock_name, purpose, self.lock_wait, waiting)

    async def _carry_out(
        self,
        made: plan.Plan,
        observed: status.Server,
        values: Mapping[spec.Secret, str],
        settings: execute.Settings,
        report: execute.Report,
    ) -> Outcome:
        if not made.steps:
            return Outcome(plan=made, result=progress.Result())
        self.begun(made)
        result = await execute.Execution(made, observed, values, self.world, settings, report).run()
        undone = None
        if not result.ok and settings.on_error is execute.OnError.ROLLBACK:
            report(progress.Progress(address="", phase=progress.Phase.WARNING, detail="rolling back"))
            resting = frozenset(
                address
                for address, place in status.owned(observed, made.workspace).items()
                if place.pane.dead or (place.pane.mark and place.pane.mark.stage is status.Stage.WAITING)
            )
            before = applied.workspace(made.workspace, observed)
            await asyncio.to_thread(self.world.tmux.execute, list(_taken_back(made, observed)))
            try:
                undone = await self._undo(before, resting, values, settings, report)
            except errors.OrchestraError as error:  # what failed first has to be told, too
                undone = progress.Result(failed=((made.workspace, str(error)),))
        return Outcome(plan=made, result=result, undone=undone)

    async def _undo(
        self,
        before: spec.Workspace,
        resting: frozenset[str],
        values: Mapping[spec.Secret, str],
        settings: execute.Settings,
        report: execute.Report,
    ) -> progress.Result:
        made, observed, known = self.preview(before, compare.Options(resting=resting), run_commands=True)
        back = execute.Settings(wait=False, timeout=settings.timeout, on_error=execute.OnError.CONTINUE)
        now = _without_waiting(made)
        return await execute.Execution(now, observed, {**values, **known}, self.world, back, report).run()


def _looking(by: Reconciler) -> preview.Preview:
    return preview.Preview(tmux=by.world.tmux, secrets=by.world.secrets, size=by.size, new_uid=by.new_uid)


def _taken_back(made: plan.Plan, observed: status.Server) -> Iterator[action.Order]:
    """What the plan let go, because something that a person opened stands in it, is ours again, as it was. What it did not come to let
    go bears its mark still, and is left alone."""
    let_go = {step.action.expect for step in made.steps if isinstance(step.action, action.Forget)}

    def back(kind: action.Kind, each: status.Session | status.Window) -> Iterator[action.Order]:
        if each.mark is not None and each.mark in let_go:
            yield action.Order(
                action=action.Write(
                    kind=kind,
                    address=each.mark.address,
                    expect=None,
                    mark=each.mark,
                    record=each.record,
                    id=each.id,
                )
            )

    for session in observed.sessions:
        yield from back(action.Kind.SESSION, session)
        for window in session.windows:
            yield from back(action.Kind.WINDOW, window)


def _without_waiting(made: plan.Plan) -> plan.Plan:
    """What ran before ran beside what it depends on, well or not: it goes back at once, in the same order."""
    waits = {step.id for step in made.steps if isinstance(step.action, action.Await)}

    def at_once(step: plan.Step) -> plan.Step:
        if isinstance(step.action, action.Await):
            what = dataclasses.replace(step.action, condition=spec.Condition.STARTED)
            return dataclasses.replace(step, action=what)
        awaited = waits.intersection(step.after)
        return dataclasses.replace(
            step,
            after=tuple(each for each in step.after if each not in awaited),
            optional_after=tuple(sorted(awaited.union(step.optional_after))),
        )

    return dataclasses.replace(made, steps=tuple(map(at_once, made.steps)))


def _secrets(saved: plan.Plan) -> Iterable[spec.Secret]:
    for step in saved.steps:
        match step.action:
            case action.CreateSession(window=window):
                yield from window.seed.pane.secrets
            case action.CreateWindow(seed=seed) | action.CreatePane(seed=seed):
                yield from seed.pane.secrets
            case action.StartPane(pane=pane):
                yield from pane.secrets
            case _:
                pass
