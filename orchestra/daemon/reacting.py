"""The parts, together: the one list of what the daemon does beside hearing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra.daemon import autosave, collecting, limited, measuring, parts, steering, triggering
from orchestra.engine import schedules, supervise, watch
from orchestra.host import alarm, watching
from orchestra.model import event, status


class Reacting:
    def __init__(self, reach: parts.Reach) -> None:
        self.autosave = autosave.Autosave(reach)
        self.schedules = schedules.Schedules(
            reach.clock,
            alarm.Alarm(reach.clock),
            reach.say(schedules.STATE),
            reach.say("a person"),
            reach.keep,
        )
        self.collecting = collecting.Collecting(reach)
        self.metrics = measuring.part(reach)
        self.triggers = triggering.Triggers(reach, self.collecting)
        self._journal = reach.journal
        supervisor = supervise.Supervisor(
            reach.clock,
            steering.Starting(reach.assembly),
            reach.say(supervise.STATE),
            reach.is_busy,
            reach.look_soon,
        )
        self._parts: tuple[parts.Part, ...] = (
            self.autosave,
            self.collecting,
            self.metrics,
            self.schedules,
            watch.Watch(reach.clock, watching.files(reach.assembly.environ), reach.say(watch.NAME)),
            supervisor,
            limited.limiter(reach, supervisor),
            self.triggers,
        )

    def resume(self) -> None:
        for each in self._parts:
            each.resume(self._journal.get(each.name))

    async def looked(self, server: status.Server) -> None:
        for each in self._parts:
            await each.looked(server)

    def happened(self, events: Sequence[event.Event]) -> None:
        for each in self._parts:
            each.happened(events)

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        return [group.create_task(each.run(), name=each.name) for each in self._parts]

    def describe(self) -> dict[str, Mapping[str, Any]]:
        return {each.name: each.describe() for each in self._parts}
