"""Plans and applies that are asked for over the API: the same road as the commands', in the daemon."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestra.daemon import assemble
from orchestra.engine.apply import execute, reconcile
from orchestra.manifest import load
from orchestra.model import codec, errors, event, plan, progress
from orchestra.plan import compare, order

KNOWN = frozenset(
    {
        "manifest",
        "env",
        "variables",
        "prune",
        "adopt",
        "targets",
        "absent",
        "yes",
        "wait",
        "timeout",
        "on_error",
    }
)

Report = Callable[[Sequence[event.Body], str], Awaitable[None]]


def preview(assembly: assemble.Assembly, request: Mapping[str, Any]) -> Mapping[str, Any]:
    loaded, options = _wanted(request)
    made, _, _ = assembly.preview.of(loaded.workspace, options)
    return {"status": "success", "plan": codec.dump(made)}


async def aside(
    own: Callable[[], assemble.Assembly],
    request: Mapping[str, Any],
    report: Report,
    threads: Executor | None = None,
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """`apply` in a thread and a loop of its own, with eyes of its own: it waits for who else applies, for tmux and for secrets, and
    nobody else does. It goes on to its end, also when nobody listens any more. `report` is called where this is."""
    loop, told = asyncio.get_running_loop(), asyncio.Queue[tuple[str, Mapping[str, Any]] | None]()

    async def there(bodies: Sequence[event.Body], workspace: str) -> None:
        async def here() -> None:
            await report(bodies, workspace)

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(here(), loop))

    def waits(each: progress.Progress) -> None:
        loop.call_soon_threadsafe(told.put_nowait, _told(each))

    async def work() -> None:
        async for each in apply(own(), request, there, waits):
            loop.call_soon_threadsafe(told.put_nowait, each)

    def run() -> errors.OrchestraError | None:
        try:
            asyncio.run(work())
        except errors.OrchestraError as error:
            return error
        finally:
            loop.call_soon_threadsafe(told.put_nowait, None)
        return None

    working = loop.run_in_executor(threads, run)
    while (each := await told.get()) is not None:
        yield each
    if (failed := await working) is not None:
        raise failed


async def apply(
    assembly: assemble.Assembly,
    request: Mapping[str, Any],
    report: Report,
    waits: Callable[[progress.Progress], None],
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """`waits` is told at once of what is waited for while the loop stands still."""
    loaded, options = await asyncio.to_thread(_wanted, request)
    settings = execute.Settings(
        wait=_flag(request, "wait", True),
        timeout=timedelta(seconds=_number(request, "timeout", 60)),
        on_error=_on_error(request),
    )
    agreed = _flag(request, "yes", False)

    def confirm(made: plan.Plan) -> bool:
        if not agreed:
            raise errors.Conflict(
                f"this stops what runs: {', '.join(change.address for change in made.stops)}",
                hint='look at the plan, then send "yes": true',
            )
        return True

    told: asyncio.Queue[progress.Progress | None] = asyncio.Queue()
    name = loaded.workspace.name

    def tell(each: progress.Progress) -> None:
        if each.phase is progress.Phase.WAITING and not each.address:
            waits(each)
        else:
            told.put_nowait(each)

    begun: list[plan.Plan] = []
    reconciler = dataclasses.replace(assembly.reconciler, begun=begun.append)

    async def work() -> reconcile.Outcome:
        try:
            return await reconciler.apply(loaded.workspace, options, settings, confirm, tell)
        finally:
            told.put_nowait(None)

    failed: errors.OrchestraError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(work(), name=f"apply {name}")
            while (each := await told.get()) is not None:
                if begun:
                    await report([started(begun.pop())], name)
                yield _told(each)
    except* errors.OrchestraError as several:
        failed = next(_leaves(several))
    if failed is not None:
        raise failed
    outcome = working.result()
    if not options.targets and not outcome.declined:
        from orchestra.daemon import snapshots  # as elsewhere: not every daemon needs it

        await asyncio.to_thread(snapshots.remember, assembly, loaded)
    await report([started(each) for each in begun] + [finished(outcome)], name)
    yield (
        "result",
        {
            "status": "success" if outcome.result.ok else "error",
            "workspace": name,
            "changes": [
                codec.dump(change) for change in outcome.plan.changes if change.verb is not plan.Verb.NONE
            ],
            "failed": dict(outcome.result.failed),
            "skipped": dict(outcome.result.skipped),
            "rolled_back": outcome.undone is not None,
        },
    )


def _told(each: progress.Progress) -> tuple[str, Mapping[str, Any]]:
    return "progress", {"address": each.address, "phase": str(each.phase), "detail": each.detail}


def _leaves(group: BaseExceptionGroup[errors.OrchestraError]) -> Iterator[errors.OrchestraError]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each


def started(made: plan.Plan) -> event.Body:
    return event.ApplyStarted(changes=_counted(made), file=made.file)


def finished(outcome: reconcile.Outcome) -> event.Body:
    made, result = outcome.plan, outcome.result
    return event.ApplyFinished(
        ok=result.ok,
        changes=_counted(made),
        failed=dict(result.failed),
        skipped=dict(result.skipped),
        rolled_back=outcome.undone is not None,
        file=made.file,
    )


def _counted(made: plan.Plan) -> dict[str, int]:
    return {str(verb): made.count(verb) for verb in plan.Verb if made.count(verb)}


def _wanted(request: Mapping[str, Any]) -> tuple[load.Loaded, compare.Options]:
    unknown = sorted(set(request) - KNOWN)
    if unknown:
        raise errors.UsageError(f"unknown: {', '.join(unknown)}", hint=f"known: {', '.join(sorted(KNOWN))}")
    path = request.get("manifest")
    if not isinstance(path, str) or not Path(path).is_absolute():
        raise errors.UsageError("manifest: the absolute path of a manifest is needed")
    variables = request.get("variables", {})
    if not isinstance(variables, dict):
        raise errors.UsageError("variables: an object is needed")
    inputs = load.Inputs(
        environment=request.get("env"),
        variables={str(name): str(value) for name, value in variables.items()},
        variable_files=(),
        environ=dict(os.environ),
        user_settings=assemble.settings_file(),
    )
    loaded = load.load(Path(path), inputs)
    order.refuse_cycles(loaded.workspace, loaded.locations)
    targets = order.targets(loaded.workspace, tuple(map(str, request.get("targets", ()))))
    return loaded, compare.Options(
        prune=_flag(request, "prune", True),
        adopt=_flag(request, "adopt", False),
        targets=targets,
        absent=frozenset(map(str, request.get("absent", ()))),
    )


def _flag(request: Mapping[str, Any], name: str, default: bool) -> bool:
    value = request.get(name, default)
    if not isinstance(value, bool):
        raise errors.UsageError(f"{name}: true or false is needed")
    return value


def _number(request: Mapping[str, Any], name: str, default: float) -> float:
    value = request.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86400:
        raise errors.UsageError(f"{name}: a number of seconds is needed, at most a day")
    return value


def _on_error(request: Mapping[str, Any]) -> execute.OnError:
    try:
        return execute.OnError(request.get("on_error", execute.OnError.STOP))
    except ValueError as error:
        raise errors.UsageError(f"on_error: one of {', '.join(execute.OnError)}") from error
