"""Starting panes again, by a plan as everybody does, in a thread and a loop of its own: the lock is waited for, and nobody else waits."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from orchestra.daemon import assemble
from orchestra.engine.apply import execute
from orchestra.engine.react import cascading
from orchestra.model import errors, spec, status
from orchestra.plan import compare

LOCK_WAIT = timedelta(seconds=1)
"""Then it is tried again later."""
_NOBODY = "-"


class Starting:
    """`supervise.Restart`."""

    def __init__(self, assembly: assemble.Assembly) -> None:
        self._assembly = assembly

    async def __call__(self, workspace: str, reasons: Mapping[str, str]) -> Mapping[str, str]:
        return await asyncio.to_thread(start, self._assembly, workspace, reasons)


def start(assembly: assemble.Assembly, workspace: str, reasons: Mapping[str, str]) -> Mapping[str, str]:
    """Address → why it could not be started, "" if it was. Only what is still dead is, and what no person has stopped."""
    try:
        return _start(assembly, workspace, reasons)
    except errors.SecretUnavailable as missing:
        if len(reasons) > 1:  # it is one's, and the others want none
            each = (_started_alone(assembly, workspace, address, why) for address, why in reasons.items())
            return {address: told for one in each for address, told in one.items()}
        (problem,) = missing.diagnostics
        why = "; ".join((problem.detail or problem.summary).splitlines())
        raise errors.SecretUnavailable(
            f"it is not started without its secrets: {why}, for the daemon (put it right, then orchestra start {next(iter(reasons))})"
        ) from missing


def _started_alone(assembly: assemble.Assembly, workspace: str, address: str, why: str) -> Mapping[str, str]:
    try:
        return start(assembly, workspace, {address: why})
    except errors.SecretUnavailable as missing:
        return {address: str(missing)}


def _start(assembly: assemble.Assembly, workspace: str, reasons: Mapping[str, str]) -> Mapping[str, str]:
    tried: list[str] = []

    def options(_: spec.Workspace, observed: status.Server) -> compare.Options:
        there = status.owned(observed, workspace)
        dead = {
            each: why
            for each, why in reasons.items()
            if each in there and there[each].pane.dead and not is_stopped(there[each])
        }
        tried.extend(dead)
        return _only(starts=dead)

    wrong = _by_plan(assembly, workspace, options, LOCK_WAIT)
    return {**dict.fromkeys(tried, ""), **wrong}


class Restarting:
    """`cascading.Restart`."""

    def __init__(self, assembly: assemble.Assembly) -> None:
        self._assembly = assembly

    async def __call__(self, workspace: str, choose: cascading.Choose) -> Mapping[str, str]:
        loop = asyncio.get_running_loop()

        def chosen(server: status.Server) -> Mapping[str, str]:
            return asyncio.run_coroutine_threadsafe(choose(server), loop).result()

        return await asyncio.to_thread(restart, self._assembly, workspace, chosen)


def restart(
    assembly: assemble.Assembly, workspace: str, choose: Callable[[status.Server], Mapping[str, str]]
) -> Mapping[str, str]:
    """Address → why it could not be restarted, "" if it was. `choose` is asked when nobody else applies any more."""
    tried: list[str] = []

    def options(_: spec.Workspace, observed: status.Server) -> compare.Options:
        chosen = choose(observed)
        tried.extend(chosen)
        return _only(starts=chosen)

    wrong = _by_plan(assembly, workspace, options, LOCK_WAIT)
    return {**dict.fromkeys(tried, ""), **wrong}


def steer(
    assembly: assemble.Assembly,
    workspace: str,
    wanted: Collection[str],
    choose: Callable[[Mapping[str, status.Place]], compare.Options],
    wait: timedelta,
) -> Mapping[str, str]:
    """Why panes could not be started or stopped, by address; for who waits in a thread. `choose` is given those that are there."""

    def options(_: spec.Workspace, observed: status.Server) -> compare.Options:
        there = status.owned(observed, workspace)
        chosen = choose({each: there[each] for each in wanted if each in there})
        return dataclasses.replace(chosen, targets=chosen.targets or (_NOBODY,), cascades=False)

    return _by_plan(assembly, workspace, options, wait)


def _by_plan(
    assembly: assemble.Assembly,
    workspace: str,
    options: Callable[[spec.Workspace, status.Server], compare.Options],
    wait: timedelta,
) -> Mapping[str, str]:
    """What failed, with why."""
    # Eyes of its own: who applies meanwhile rests on what it has seen itself.
    own = assemble.assemble(None, assembly.host.path, assembly.environ)
    reconciler = dataclasses.replace(own.reconciler, lock_wait=wait)
    settings = execute.Settings(wait=False, on_error=execute.OnError.CONTINUE)
    outcome = asyncio.run(reconciler.steer(workspace, options, settings, lambda _: True, lambda _: None))
    return {**dict(outcome.result.failed), **dict(outcome.result.skipped)}


def _only(
    *, starts: Mapping[str, str] | None = None, ends: Mapping[str, str] | None = None
) -> compare.Options:
    """These and no others. What is to be restarted with them is, once they have reached its conditions: nobody waits for that here."""
    meant = (*(starts or {}), *(ends or {}))
    return compare.Options(
        prune=False, targets=meant or (_NOBODY,), starts=starts or {}, ends=ends or {}, cascades=False
    )


def is_stopped(place: status.Place) -> bool:
    """By a person, and it stays so."""
    return place.pane.mark is not None and place.pane.mark.stage is status.Stage.STOPPED


class Ending:
    """`limiting.End` and `probing.Stop`."""

    def __init__(self, assembly: assemble.Assembly) -> None:
        self._assembly = assembly

    async def __call__(self, workspace: str, panes: Mapping[str, tuple[int, str]]) -> Mapping[str, str]:
        return await asyncio.to_thread(end, self._assembly, workspace, panes)


def end(
    assembly: assemble.Assembly, workspace: str, panes: Mapping[str, tuple[int, str]]
) -> Mapping[str, str]:
    """Address → why it could not be stopped. Only while the process is the one that was meant, and no person is stopping it."""

    def options(_: spec.Workspace, observed: status.Server) -> compare.Options:
        there = status.owned(observed, workspace)
        same = {
            address: why
            for address, (pid, why) in panes.items()
            if address in there
            and there[address].pane.pid == pid
            and not there[address].pane.dead
            and not is_stopped(there[address])
        }
        return _only(ends=same)

    return _by_plan(assembly, workspace, options, LOCK_WAIT)
