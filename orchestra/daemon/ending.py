"""Panes and sessions ended by hand, whoever made them: what runs in them is asked first, and nothing of it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from orchestra.daemon import assemble
from orchestra.engine.apply import stopping
from orchestra.host import foreground
from orchestra.model import action, errors, hand, spec, status
from orchestra.plan import addressing, grouping, record

TRIES = 20


async def pane(assembly: assemble.Assembly, meant: hand.Meant, grace: timedelta | None) -> None:
    await _stop(assembly, assembly.tmux.observe(), [meant], grace)
    if not assembly.keyboard.kill_pane(meant) and _there(assembly, meant):
        raise errors.Conflict(f"{meant.address} is another pane by now: nothing more was done")


async def sessions(
    assembly: assemble.Assembly, found: Sequence[status.Session], grace: timedelta | None
) -> dict[str, str]:
    """Name → what could not be ended, "" where all was. Before any is touched it is seen that we run in none of them."""
    server = assembly.tmux.observe()
    panes = {
        each.id: [
            hand.Meant(place=place, epoch=server.epoch, number=number)
            for number, place in enumerate(addressing.panes(each))
        ]
        for each in found
    }
    stopper = stopping.Stopper(assembly.world, server)
    stopper.refuse_suicide([step for some in panes.values() for step in map(_step, some)])
    failed: dict[str, str] = {}
    for each in found:
        try:
            await _stop(assembly, server, panes[each.id], grace)
            killed = assembly.keyboard.kill_session(each, server.epoch)
            stays = not killed and any(live.id == each.id for live in assembly.tmux.observe().sessions)
            failed[each.name] = "it is called otherwise by now, and was not ended" if stays else ""
        except errors.OrchestraError as error:
            failed[each.name] = str(error)
    gone = [each for each in found if not failed[each.name]]
    change_groups(assembly, lambda made: _forgotten(made, gone))
    return failed


def _forgotten(made: grouping.ByHand, gone: Sequence[status.Session]) -> grouping.ByHand:
    for each in gone:
        made = grouping.forgotten(made, each)
    return made


def change_groups(assembly: assemble.Assembly, change: grouping.Change) -> grouping.ByHand:
    """What stands on the server, read, changed and put back, by one at a time."""
    for _ in range(TRIES):
        server = assembly.tmux.observe()
        before = grouping.parse(server.groups)
        after = change(before)
        if after == before:
            return after
        if not server.running:
            return after
        if assembly.keyboard.write_groups(server.groups, grouping.text(after)):
            return after
    raise errors.Conflict("the groups are changed all the time by others", hint="try again")


def _there(assembly: assemble.Assembly, meant: hand.Meant) -> bool:
    return any(each.pane.id == meant.id for each in status.places(assembly.tmux.observe()))


async def _stop(
    assembly: assemble.Assembly, server: status.Server, panes: Sequence[hand.Meant], grace: timedelta | None
) -> None:
    stopper = stopping.Stopper(assembly.world, server)
    steps = [_step(each, grace) for each in panes]
    stopper.refuse_suicide(steps)
    for workspace in {mark.workspace for each in panes if (mark := each.place.pane.mark) is not None}:
        assembly.tmux.bind(server, workspace)
    async with asyncio.TaskGroup() as together:
        tasks = [
            together.create_task(_stopped(stopper, step, each))
            for each, step in zip(panes, steps, strict=True)
        ]
    problems = [
        f"{each.address}: {task.result()}" for each, task in zip(panes, tasks, strict=True) if task.result()
    ]
    if problems:
        raise errors.ActionFailed("; ".join(problems))


async def _stopped(stopper: stopping.Stopper, step: action.StopPane, meant: hand.Meant) -> str | None:
    live = meant.place.pane
    known = record.parse_pane(live.record) if live.mark is not None else None
    declared = known.pane if known is not None else None
    env = dict(declared.env) if declared is not None else {}
    return await stopper.stop(step, alive=not live.dead, env=env, pane=declared)


def _step(meant: hand.Meant, grace: timedelta | None = None) -> action.StopPane:
    live = meant.place.pane
    known = record.parse_pane(live.record) if live.mark is not None else None
    stop = known.pane.stop if known is not None else spec.Stop()
    if grace is not None:
        stop = spec.Stop(keys=stop.keys, signal=stop.signal, command=stop.command, timeout=grace)
    # A stand-in where there is no mark: only its uid is asked, whether a process bears it.
    mark = live.mark or status.Mark(
        workspace="by-hand", address=f"pane/{live.id[1:]}", uid=live.uid or f"pane{live.id[1:]}"
    )
    found = None if live.dead else foreground.Terminals().first(live.pid)
    return action.StopPane(
        address=meant.address, expect=mark, pid=live.pid, stop=stop, shell=found is not None and found.shell
    )
