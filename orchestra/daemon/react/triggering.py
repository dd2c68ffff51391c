"""Triggers, as a part of the daemon's: events in, runs out, and nothing lost between.

Events are looked at in the order of the journal, up to a place that is kept with what they set off. What comes faster than it is
looked at, and what came while no daemon ran, is read from there.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import random
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from orchestra.daemon import assemble
from orchestra.daemon.react import acting, parts, unheard
from orchestra.engine.hear import happenings
from orchestra.engine.trigger import deciding, firings, matching, noticing, triggers
from orchestra.host import output, recordings, sampling
from orchestra.manifest import fault, reacting
from orchestra.model import codec, errors, event, rules, selector, status

QUEUED = 20_000
"""Events that wait here; what is more is read from the journal."""
PAGE = 500
"""Events that are looked at in one go."""
UNTOLD = 1000
"""Events after which the place in the journal is kept though they set nothing off."""
NEWS = 0.25
"""Seconds for which an event of something new waits for a look at it."""
FIRED = 5000
"""Firings of daemons before us that count for the limits."""
STRANGERS = "triggers.strangers"


class Triggers:
    """`parts.Part`."""

    name = firings.NAME

    def __init__(self, reach: parts.Reach, collecting: acting.Collecting) -> None:
        self._reach = reach
        self._clock = reach.clock
        self._reader = reacting.Reader()
        # Of its own: what waits there keeps nobody else waiting.
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="triggers")
        self._pattern_threads = ThreadPoolExecutor(2, thread_name_prefix="patterns")
        self._acting = acting.Acting(reach, self._reader, self._threads, self._scene, collecting)
        self._firings = firings.Firings(
            reach.clock, reach.publish, self._acting, lambda: random.uniform(0, 0.5)
        )
        self._deciding = deciding.Deciding(self._holds, self._firings.waits)
        self._noticing = noticing.Noticing(
            reach.clock,
            reach.publish,
            _Quiet(reach),
            assemble.ages,
            sampling.Sampler(),
            self._contradict,
        )
        self._matching = matching.Matching(
            reach.clock,
            reach.publish,
            reach.bus,
            self._pattern_threads,
            self._deliver,
            self._deciding.is_limited,
        )
        self._key: object = None
        self._kept_strangers = triggers.Scene()
        self._queue: collections.deque[event.Event] = collections.deque()
        self._printed: collections.deque[event.Event] = collections.deque(maxlen=QUEUED)
        """`pane.output` has no place in the journal."""
        self._cursor = 0
        self._kept_cursor = 0
        self._is_behind = True
        self._is_full = False
        """More came than waits here, also while the journal was read."""
        self._is_cold = True
        self._is_remembered = False
        self._woken = asyncio.Event()
        self._looked = asyncio.Event()
        self._faults: dict[str, str] = {}

    # --- what is known

    def resume(self, kept: Any) -> None:
        journal, now = self._reach.journal, self._clock.monotonic()
        self._cursor = self._kept_cursor = journal.last()
        with contextlib.suppress(TypeError, KeyError, ValueError):
            self._cursor = self._kept_cursor = min(int(kept["cursor"]), self._cursor)
            slots: dict[int, Any] = {}
            for slot in range(min(int(kept["slots"]), firings.MOST)):
                with contextlib.suppress(errors.OrchestraError):  # one is damaged
                    if (run := journal.get(firings.place(slot))) is not None:
                        slots[slot] = run
            self._firings.resume(slots)
            passed = max(self._clock.now().timestamp() - float(kept["at"]), 0.0)
            self._deciding.resume(kept["waiting"], now, passed)
        with contextlib.suppress(errors.OrchestraError):
            self._noticing.resume(journal.get(noticing.STATE))
            self._matching.resume(journal.get(matching.STATE))
            self._acting.resume(journal.get(acting.STOPPED))
            self._acting.unheard.resume(journal.get(unheard.STATE))
            self._deciding.force = _resumed(journal.get(STRANGERS))
            self._kept_strangers = self._scene("")

    def _state(self) -> dict[str, Any]:
        strangers: dict[str, Any] = {}
        if self._scene("") != self._kept_strangers:
            self._kept_strangers = self._scene("")
            strangers = {STRANGERS: _strangers(self._deciding.force)}
        return {
            **strangers,
            firings.NAME: {
                "at": self._clock.now().timestamp(),
                "cursor": self._cursor,
                "slots": self._firings.used,
                "waiting": self._deciding.kept(self._clock.monotonic()),
            },
        }

    async def looked(self, server: status.Server) -> None:
        if server.running:  # of a server that is gone what was in force stays so: triggers may react to that
            key = _key(server)
            if key != self._key:
                self._key = key
                force = triggers.in_force(server, self._deciding.force)
                if force.scenes.get("", triggers.Scene()) != self._scene(""):
                    self._deciding.is_changed = True  # whose a pane was has to be known when it is gone
                if self._deciding.enter(force):
                    self._deciding.is_changed = True  # what was before is not for those
                    self._faults.clear()
        await self._acting.looked(server)
        self._noticing.looked(server, self._deciding.force)
        self._matching.looked(server, self._deciding.force)
        self._looked.set()
        self._woken.set()

    def happened(self, events: Sequence[event.Event]) -> None:
        self._queue.extend(events)
        if len(self._queue) > QUEUED:
            self._queue.clear()
            self._is_behind = self._is_full = True
        self._is_cold = True
        self._woken.set()

    def _deliver(self, events: Sequence[event.Event]) -> None:
        self._printed.extend(events)
        self._woken.set()

    def _contradict(self, workspace: str, address: str, on: rules.On) -> None:
        for rule in self._deciding.force.rules:
            if rule.workspace == workspace and rule.trigger.on == on:
                self._deciding.contradict(rule.key, address)
        self._woken.set()

    def _scene(self, workspace: str) -> triggers.Scene:
        return self._deciding.force.scenes.get(workspace, triggers.Scene())

    def _holds(self, expression: str, plain: Mapping[str, Any]) -> bool:
        try:
            return self._reader.holds(expression, plain)
        except fault.Faulty as wrong:
            self._faults[expression] = f"`when: {expression}` cannot be told: {wrong.summary}"
            return False

    def position(self, pane: str) -> output.Position | None:
        """From where on its output is to be read, where one before us read it for a pattern."""
        return output.Position.parse(self._matching.position(pane))

    def strangers(self) -> frozenset[str]:
        """As `matching.Matching` has them."""
        return self._matching.strangers()

    def reads(self, address: str) -> bool:
        """Whether a trigger wants what a pane of that address prints."""
        return self._matching.reads(address)

    # --- at work

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._firings.run(), name="runs")
                group.create_task(self._noticing.run(), name="noticing")
                group.create_task(self._matching.run(), name="patterns")
                group.create_task(self._acting.unheard.run(), name="notices")
                # From here on, whatever happens: the first of all daemons begins with what comes.
                await self._tell([], [])
                await self._looked.wait()  # nobody knows before what is in force
                if not self._is_remembered:
                    await self._remember()
                    self._is_remembered = True
                await self._decide()
        except asyncio.CancelledError:  # the end; what fails begins again
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._pattern_threads.shutdown(wait=False, cancel_futures=True)
            raise

    async def _remember(self) -> None:
        """How often triggers fired before us."""
        longest = max(
            (rule.trigger.limit.within for rule in self._deciding.force.rules), default=timedelta(0)
        )
        now, wall = self._clock.monotonic(), self._clock.now()
        if not longest:
            return
        fired = await asyncio.to_thread(
            self._reach.journal.read, 0, limit=FIRED, types=(event.TriggerFired.type,),
            since=wall - longest, newest=True,
        )  # fmt: skip
        for each in fired:
            if isinstance(each.body, event.TriggerFired):
                ago = max((wall - each.time).total_seconds(), 0.0)
                self._deciding.fired_before(f"{each.workspace} {each.body.trigger}", now - ago)

    async def _decide(self) -> None:
        while True:
            await self._firings.until_room()
            self._woken.clear()
            if self._is_cold and self._deciding.force.rules:
                self._is_cold = False
                await asyncio.to_thread(self._reader.holds, "true", {})  # loads Jinja2: 200 ms
            events = await self._next()
            if any(self._is_news(each) for each in events):
                self._looked.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(NEWS):
                        await self._looked.wait()
            worked = await self._react(events)
            if worked or self._is_behind:
                continue
            due = self._deciding.next_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    None if due is None else max(due - self._clock.monotonic(), 0.001)
                ):
                    await self._woken.wait()

    def _is_news(self, each: event.Event) -> bool:
        if not each.type.endswith(".created"):
            return False
        return not self._deciding.force.knows(each.workspace, triggers.named(each))

    async def _next(self) -> Sequence[event.Event]:
        """In order, what comes behind the place in the journal."""
        queue = self._queue
        while queue and queue[0].sequence <= self._cursor:
            queue.popleft()
        if self._is_behind or (queue and queue[0].sequence != self._cursor + 1):
            self._is_behind = True  # also when it cannot be read
            page = await asyncio.to_thread(self._reach.journal.read, self._cursor, limit=PAGE)
            self._is_behind = len(page) == PAGE or self._is_full
            self._is_full = False
            if page:
                return page
            if queue and not self._is_behind:  # numbers in between were given to nothing
                self._cursor = queue[0].sequence - 1
        found: list[event.Event] = []
        while queue and len(found) < PAGE and queue[0].sequence == self._cursor + len(found) + 1:
            found.append(queue.popleft())
        return found

    async def _react(self, events: Sequence[event.Event]) -> bool:
        """Whether anything was there to be looked at."""
        now = self._clock.monotonic()
        found: list[deciding.Fire | deciding.Limited] = []
        slots: list[int] = []
        self._take(self._deciding.due(now), found, slots)
        looked_at = 0
        while self._printed and self._firings.room() > 0:
            self._take(self._deciding.decide(self._printed.popleft(), now), found, slots)
            looked_at += 1
        for each in events:
            if self._firings.room() <= 0:
                self._is_behind = True  # the rest is read again
                break
            self._take(self._deciding.decide(each, now), found, slots)
            self._cursor = each.sequence
            looked_at += 1
        if found or self._deciding.is_changed or self._cursor - self._kept_cursor >= UNTOLD:
            await self._tell(found, slots)
        return looked_at > 0 or bool(found)

    def _take(
        self,
        decided: Iterable[deciding.Fire | deciding.Limited],
        found: list[deciding.Fire | deciding.Limited],
        slots: list[int],
    ) -> None:
        for each in decided:
            found.append(each)
            if isinstance(each, deciding.Fire):
                slots.append(self._firings.admit(each)[0])

    async def _tell(self, found: Sequence[deciding.Fire | deciding.Limited], slots: Sequence[int]) -> None:
        """One transaction: that they fire, what is to be done, and up to where events were looked at."""
        self._deciding.is_changed = False
        state = self._state()
        told: list[happenings.Happening] = []
        left = iter(slots)
        for each in found:
            if isinstance(each, deciding.Fire):
                happening, kept = self._firings.told(next(left))
                state |= kept
                told.append(happening)
            else:
                told.append(_limited(each))
        self._kept_cursor = self._cursor
        await self._reach.publish(told, firings.NAME, state)
        self._firings.begin(slots)

    # --- answering

    def describe(self) -> Mapping[str, Any]:
        return {
            "in_force": len(self._deciding.force.rules),
            "runs": len(self._firings.alive()),
            "failed": len(self._firings.dead()),
            "looked_at": self._cursor,
            "breakers": dict(self._acting.calling.describe()),
            "troubles": [*self._faults.values(), *self._acting.calling.troubles()],
        }

    def dead(self) -> Sequence[Mapping[str, Any]]:
        return [_shown(run) for run in self._firings.dead()]

    async def replay(self, ids: Sequence[str], *, forget: bool = False) -> Sequence[Mapping[str, Any]]:
        """None of `ids`: all. `UsageError` when one is not among the dead."""
        known = {run.id for run in self._firings.dead()}
        if missing := [each for each in ids if each not in known]:
            raise errors.UsageError(
                f"no run {missing[0]} has failed for good", hint="orchestra events replay --list"
            )

        def wanted(run: firings.Run) -> bool:
            return not ids or run.id in ids

        if forget:
            return [_shown(run) for run in await self._firings.forget(wanted)]
        return [_shown(run) for run in await self._firings.replay(wanted, self._deciding.force)]


def _key(server: status.Server) -> object:
    """What decides which triggers are in force, where."""
    return (
        server.epoch,
        tuple(server.rules.items()),
        tuple(
            (place.pane.mark, place.pane.record, place.window.mark, place.session.mark, place.session.record)
            for place in status.places(server)
            if place.pane.mark is not None
        ),
        tuple(
            (session.id, session.name, window.id, window.mark is None, pane.id, pane.mark is None)
            for session in (server.sessions if triggers.ADDED in server.rules else ())
            for window in session.windows
            for pane in window.panes
        ),
    )


def _strangers(force: triggers.InForce) -> dict[str, Any]:
    here = force.scenes.get("", triggers.Scene())
    every = (*here.gone, *here.candidates)
    return {
        "epoch": force.epoch,
        "panes": [[each.address, each.window, dict(each.labels)] for each in every],
    }


def _resumed(kept: Any) -> triggers.InForce:
    """What one before us knew of what is no workspace's: nothing, where that cannot be read."""
    try:
        known = tuple(
            selector.Candidate(
                address=str(address),
                window=str(window),
                labels={"session": str(labels["session"])}
                | ({"pane": str(int(labels["pane"]))} if "pane" in labels else {}),
            )
            for address, window, labels in kept["panes"]
        )
        return triggers.InForce(scenes={"": triggers.Scene(gone=known)}, epoch=str(kept["epoch"]))
    except (TypeError, KeyError, ValueError):
        return triggers.InForce()


def _limited(each: deciding.Limited) -> happenings.Happening:
    trigger = each.rule.trigger
    body: event.Body = event.TriggerLimited(trigger=trigger.name, reason=each.reason)
    if each.rule.origin == "schedule" and isinstance(trigger.on, rules.OnSchedule):
        body = event.ScheduleMissed(schedule=trigger.on.schedule, count=1, reason=each.reason)
    return happenings.Happening(body=body, workspace=each.rule.workspace)


def _shown(run: firings.Run) -> Mapping[str, Any]:
    return {
        "run": run.id,
        "workspace": run.workspace,
        "trigger": run.trigger,
        "action": run.act,
        "attempts": run.attempt,
        "since": run.since,
        "failed": run.dead,
        "reason": run.reason,
        "output": run.output,
        "event": dict(run.event),
    }


def dead_of(get: Any, clock: Any) -> Sequence[Mapping[str, Any]]:
    """Those that stand in a journal that no daemon has open; `get` reads its state."""
    kept = get(firings.NAME)
    found: list[firings.Run] = []
    slots = kept.get("slots", 0) if isinstance(kept, dict) else 0
    for slot in range(min(int(slots), firings.MOST)):
        with contextlib.suppress(codec.LoadError, TypeError, KeyError, ValueError, errors.OrchestraError):
            found.append(firings.loaded(get(firings.place(slot)), clock))
    return [_shown(run) for run in sorted(found, key=lambda run: run.dead) if run.dead]


class _Quiet:
    """`noticing.Recordings`."""

    def __init__(self, reach: parts.Reach) -> None:
        self._reach = reach

    def quiet(self, pane: str, pid: int) -> tuple[str, float]:
        folder, now = self._reach.recordings.folder(pane), self._reach.clock.monotonic()
        end = output.end(folder)
        if end is None:
            age = assemble.ages([pid]).get(pid, timedelta(0))
            return str(end), now - age.total_seconds()
        last = recordings.last(folder)
        if last is not None and last[1] == end:
            return str(end), now - max(self._reach.clock.now().timestamp() - last[0], 0.0)
        if (printed := self._reach.recordings.printed(pane)) is not None:
            return str(end), printed
        return str(end), now  # that was printed a moment ago: it is not noted yet
