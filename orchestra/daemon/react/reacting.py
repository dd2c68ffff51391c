"""The parts, together: the one list of what the daemon does beside hearing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra.daemon import enduring
from orchestra.daemon.react import (
    autosave,
    checking,
    collecting,
    limited,
    measuring,
    parts,
    steering,
    triggering,
)
from orchestra.engine.react import cascading, schedules, supervise, watch
from orchestra.host import alarm, watching
from orchestra.model import event, status, verdicts


class Reacting:
    def __init__(self, reach: parts.Reach, enduring: enduring.Enduring) -> None:
        self._enduring = enduring
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
        self.probing = checking.part(reach, lambda uid, pid: self.supervisor.reason(uid, pid))
        self.cascade = cascading.Cascade(
            steering.Restarting(reach.assembly),
            reach.say(cascading.STATE),
            reach.is_busy,
            self.probing.works,
            reach.look,
            reach.look_soon,
        )
        self.supervisor = supervise.Supervisor(
            reach.clock,
            steering.Starting(reach.assembly),
            reach.publish,
            reach.is_busy,
            reach.look_soon,
            self.probing.because,
            self.cascade.is_in_hand,
        )
        self.limiter = limited.limiter(reach, self.supervisor)
        self._parts: tuple[parts.Part, ...] = (
            self.autosave,
            self.collecting,
            self.metrics,
            self.schedules,
            watch.Watch(reach.clock, watching.files(reach.assembly.environ), reach.say(watch.NAME)),
            self.cascade,
            self.supervisor,
            self.probing,  # after who knows why what ended did
            self.limiter,
            self.triggers,
        )

    def resume(self) -> None:
        for each in self._parts:
            with self._enduring.apart(each.name):
                each.resume(self._journal.get(each.name))

    async def looked(self, server: status.Server) -> None:
        for each in self._parts:
            with self._enduring.apart(each.name):
                await each.looked(server)

    async def lost(self, reason: str) -> None:
        """The server could not be looked at."""
        with self._enduring.apart(self.probing.name):
            await self.probing.lost(reason)

    def happened(self, events: Sequence[event.Event]) -> None:
        for each in self._parts:
            with self._enduring.apart(each.name):
                each.happened(events)

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        return [
            group.create_task(self._enduring.run(each.name, each.run), name=each.name) for each in self._parts
        ]

    def health(self) -> dict[str, Any]:
        """Panes by tmux's id, and sessions by workspace and name."""
        restarts, over = self.supervisor.restarts, self.limiter.over()
        given_up = {**self.cascade.failed, **self.supervisor.given_up}
        panes: dict[str, Any] = {}
        for uid, (id_, pid, verdict) in self.probing.judged().items():
            count, due = restarts(uid)
            panes[id_] = {
                "pid": pid,
                **_plain(verdict),
                "ended_because": self.supervisor.because(uid, pid),
                "restarts": count,
                "restarts_in": round(max(due, 0.0), 3) if due is not None else None,
                "given_up": given_up.get(uid, ""),
                "restarts_once": self.cascade.waits.get(uid, ""),
                "over_limits": over.get(id_, ""),
            }
        sessions: dict[str, dict[str, Any]] = {}
        for (workspace, session), verdict in self.probing.sessions().items():
            sessions.setdefault(workspace, {})[session] = _plain(verdict)
        return {"panes": panes, "sessions": sessions}

    def describe(self) -> dict[str, Mapping[str, Any]]:
        described: dict[str, Mapping[str, Any]] = {}
        for each in self._parts:
            with self._enduring.apart(each.name):
                described[each.name] = each.describe()
        return described


def _plain(verdict: verdicts.Verdict) -> dict[str, Any]:
    """`since`: ISO 8601."""
    since = event.stamp(verdict.since) if verdict.since is not None else None
    return {"health": verdict.health, "reason": verdict.reason, "since": since, "over": verdict.over}
