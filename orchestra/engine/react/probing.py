"""Measures how healthy panes are, without end: probes, lines of output, and what a look at the server shows.

Decides nothing: `health` does. Each pane with a check has a task of its own, so that one that hangs keeps nobody else waiting; what runs
as a process has a bound. What changed is an event, in the journal in one transaction with all that the next daemon must know.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from orchestra.engine import ports
from orchestra.engine.hear import bus, happenings
from orchestra.engine.react import health, overhearing, trying
from orchestra.model import errors, event, names, spec, status, verdicts
from orchestra.model.frozen import frozen

STATE = "health"
FIRST_BEAT, LONGEST_BEAT = 0.1, 1.0
"""Seconds between tries while nothing is known yet: quick at first, then slower, never slower than the check's own interval."""
JITTER = 0.1
"""Of the interval, to both sides: what was started together is not asked together for ever."""
AGAIN, LATER = 1.0, 10.0
"""Seconds until what could not be stopped is tried again: another command holds the lock; it cannot be stopped."""
SILENT = 5.0
"""Seconds tmux may not answer before what only it knows is unknown."""

Publish = Callable[[Sequence[happenings.Happening], Mapping[str, Any]], Awaitable[object]]
"""Returns when they are on the disk, and the state with them."""
Stop = Callable[[str, Mapping[str, tuple[int, str]]], Awaitable[Mapping[str, str]]]
"""Stops panes of a workspace in their own way: address → the process that is meant, and why. Gives what could not be stopped, with
why. `Busy`: not now."""


@frozen
class Searched:
    """What a process printed so far, for a pattern."""

    line: str | None
    """The first in which it is."""
    whole: bool
    """Nothing of what was printed is missing."""


class Output(Protocol):
    def searched(self, pane: str, pid: int, pattern: str) -> Searched:
        """By tmux's id of it. Blocks. A pattern that takes too long on a line is not found."""

    def age(self, pid: int) -> float | None:
        """Seconds for which it has run."""


class Probing:
    """A part of the daemon's."""

    name = STATE

    def __init__(
        self,
        *,
        clock: ports.Clock,
        trier: trying.Trier,
        output: Output,
        bus: bus.Bus,
        publish: Publish,
        stop: Stop,
        is_busy: Callable[[], bool],
        again: Callable[[], None],
        why: Callable[[str, int], str] = lambda uid, pid: "",
        dice: random.Random | None = None,
    ) -> None:
        """`is_busy`: whether somebody applies now, who stops and starts things himself; `again` has the server looked at soon; `why`:
        of what ended, by uid and pid, where that is more than how."""
        self._clock = clock
        self._trier = trier
        self._output = output
        self._lines = overhearing.Overhearing(bus, clock, self._ready, self._printed)
        self._publish = publish
        self._stop = stop
        self._is_busy = is_busy
        self._again = again
        self._why = why
        self._dice = dice or random.Random()
        self._known: dict[str, health.Known] = {}
        """By uid."""
        self._seen: dict[str, health.Seen] = {}
        self._sessions: dict[tuple[str, str], verdicts.Verdict] = {}
        """By workspace and name."""
        self._members: dict[tuple[str, str], list[str]] = {}
        self._unstopped: dict[str, tuple[float, str]] = {}
        """What could not be stopped, by uid: until when it is left alone, and what is to be said."""
        self._begun: set[str] = set()
        """What is being stopped, or was, by uid."""
        self._silent_since: float | None = None
        self._news: list[happenings.Happening] = []
        self._looked, self._dirty, self._waiting, self._ill = (asyncio.Event() for _ in range(4))
        self._turns = self._on_disk = 0
        """How often anything changed, and how many of these changes are on the disk."""
        self._written = asyncio.Condition()

    # --- what is known

    def resume(self, kept: Any) -> None:
        """What one before us knew, as far as it can be read. What was degraded recovers as if it had said so now: what was said
        meanwhile nobody heard."""
        lived = self._clock.monotonic()
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            for uid, (pid, check, plain, ill) in kept["panes"].items():
                found = _verdict(plain)
                if ill:
                    self._begun.add(str(uid))  # perhaps
                self._known[str(uid)] = health.Known(
                    pid=int(pid),
                    check=str(check),
                    verdict=found,
                    counted=lived,
                    error=lived if found.health is status.Health.DEGRADED else None,
                    ill=str(ill),
                )
            for workspace, session, plain in kept["sessions"]:
                self._sessions[str(workspace), str(session)] = _verdict(plain)

    def _kept(self) -> dict[str, Any]:
        """Rows, because all of it is written each time."""
        panes = {
            uid: [each.pid, each.check, _plain(each.verdict), each.ill] for uid, each in self._known.items()
        }
        sessions = [[*key, _plain(each)] for key, each in self._sessions.items()]
        return {STATE: {"panes": panes, "sessions": sessions}}

    def describe(self) -> Mapping[str, Any]:
        counted = Counter(str(each.verdict.health) for each in self._known.values())
        now = self._clock.monotonic()
        said = {uid: said for uid, (until, said) in self._unstopped.items() if now < until}
        troubles = [
            f"{self._seen[uid].address}: {text}"
            for uid, text in (*self._lines.troubles().items(), *said.items())
            if uid in self._seen
        ]
        return {
            **{str(each): counted[each] for each in status.Health},
            "attempts": self._trier.tries,
            "troubles": troubles,
        }

    def judged(self) -> Mapping[str, tuple[str, int, verdicts.Verdict]]:
        """By uid, with tmux's id of the pane and the process that is meant."""
        return {
            uid: (self._seen[uid].id, each.pid, each.verdict)
            for uid, each in self._known.items()
            if uid in self._seen
        }

    def sessions(self) -> Mapping[tuple[str, str], verdicts.Verdict]:
        """By workspace and name. A reason may have become another one since the session last turned."""
        now = {key: self._worst(self._members.get(key, ())) for key in self._sessions}
        return {
            key: dataclasses.replace(each, reason=now[key].reason) if now[key].health is each.health else each
            for key, each in self._sessions.items()
        }

    def because(self, uid: str, pid: int) -> str:
        """Why this process was to be stopped; "" when it was not."""
        known = self._known.get(uid)
        return f"unhealthy: {known.ill}" if known is not None and known.pid == pid and known.ill else ""

    def works(self, uid: str, pid: int) -> bool:
        """Whether this process has passed its check, and has not failed it since."""
        known = self._known.get(uid)
        return known is not None and known.pid == pid and known.verdict.health in _WELL

    # --- what is told us

    async def looked(self, server: status.Server) -> None:
        self._silent_since = None
        seen = {each.uid: each for each in health.seen(server)}
        busy: bool | None = None
        now = self._now()
        self._seen = seen
        self._members = {}
        for uid, each in seen.items():
            self._members.setdefault((each.workspace, names.session_of(each.address)), []).append(uid)
        for uid in self._known.keys() - seen.keys():
            del self._known[uid]
        self._begun &= seen.keys()
        self._unstopped = {uid: each for uid, each in self._unstopped.items() if uid in seen}
        self._lines.keep(seen.values())
        for uid, each in seen.items():
            before = self._known.get(uid)
            if before is not None and each.sign in _ENDS and before.verdict.health is not _LEAST[each.sign]:
                # Who applies stops and starts things himself: what ended by his hand is nobody's illness.
                busy = self._is_busy() if busy is None else busy
                if busy:
                    self._again()
                    continue
            why = self._why(uid, each.pid) if each.sign is health.Sign.ENDED else ""
            after = health.looked(before, dataclasses.replace(each, reason=why) if why else each, now)
            if before is None or before.pid != after.pid or before.check != after.check:
                self._unstopped.pop(uid, None)
                if before is not None:
                    self._begun.discard(uid)
                after = self._already(each, after, now)
            self._turn(uid, before, after)
        for gone in self._sessions.keys() - self._members.keys():
            del self._sessions[gone]
        self._settle(self._members)
        if self._condemned():
            self._ill.set()
        self._looked.set()

    def _already(self, each: health.Seen, after: health.Known, now: health.Now) -> health.Known:
        """Of a process that is new to us a line may have been heard before it was seen."""
        check, at = each.check, self._lines.matched.get(each.uid)
        if check is None or at is None or not each.running:
            return after
        age = self._output.age(each.pid)
        if age is None or at < now.lived - age:
            return after
        return health.tried(after, check, _FOUND, now)

    async def lost(self, reason: str) -> None:
        """The server could not be looked at."""
        now = self._now()
        if self._silent_since is None:
            self._silent_since = now.lived
        if now.lived - self._silent_since < SILENT:
            return
        touched = set[tuple[str, str]]()
        for uid, each in self._seen.items():
            if (before := self._known.get(uid)) is not None:
                touched |= self._turn(uid, before, health.unseen(before, each, reason, now))
        self._settle(touched)

    def happened(self, events: Sequence[event.Event]) -> None:
        """What ended is seen by looking."""

    # --- what becomes of it

    def _turn(self, uid: str, before: health.Known | None, after: health.Known) -> set[tuple[str, str]]:
        """Keeps it, has it told, and gives the session that it is in, if that may be another one now."""
        self._known[uid] = after
        if before is not None and _notable(before) == _notable(after):
            return set()
        each = self._seen[uid]
        if after.ill:
            self._ill.set()
        if after.verdict.health is status.Health.DEGRADED:
            self._waiting.set()
        if before is not None and before.verdict.health is not after.verdict.health:
            self._tell(each.workspace, each.address, each.id, before.verdict, after.verdict)
        self._turns += 1
        self._dirty.set()
        return {(each.workspace, names.session_of(each.address))}

    def _become(self, uid: str, before: health.Known, after: health.Known) -> None:
        if touched := self._turn(uid, before, after):
            self._settle(touched)

    def _settle(self, sessions: Iterable[tuple[str, str]]) -> None:
        for key in sorted(self._members.keys() & set(sessions)):
            uids = self._members[key]
            before, now = self._sessions.get(key), self._worst(uids)
            if before is not None and before.health is now.health:
                self._sessions[key] = dataclasses.replace(before, reason=now.reason, over=now.over)
                continue
            self._sessions[key] = now = dataclasses.replace(now, since=self._clock.now())
            self._dirty.set()
            if before is not None:
                self._tell(*key, self._seen[uids[0]].session, before, now)

    def _worst(self, uids: Sequence[str]) -> verdicts.Verdict:
        return verdicts.worst(
            (self._seen[uid].address, self._known[uid].verdict) for uid in uids if uid in self._known
        )

    def _tell(
        self, workspace: str, address: str, id_: str, before: verdicts.Verdict, after: verdicts.Verdict
    ) -> None:
        lasted = self._clock.now() - before.since if before.since is not None else None
        body = event.HealthChanged(
            id=id_,
            before=before.health,
            after=after.health,
            reason=after.reason,
            duration=lasted if lasted is None or lasted >= timedelta() else None,  # the clock was set
        )
        self._news.append(happenings.Happening(body=body, workspace=workspace, address=address))

    # --- what goes on

    async def run(self) -> None:
        await asyncio.to_thread(self._trier.clear)
        if self._on_disk < self._turns:  # it failed while it was written
            self._dirty.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(), name="health: telling")
            group.create_task(self._lines.run(), name="health: output")
            group.create_task(self._recover(), name="health: recovery")
            group.create_task(self._cure(), name="health: stopping")
            watched: dict[tuple[str, int, str], asyncio.Task[None]] = {}
            while True:
                await self._looked.wait()
                self._looked.clear()
                wanted = {
                    (uid, each.pid, health.name_of(each.check)): each
                    for uid, each in self._seen.items()
                    if each.running and each.check is not None and each.sign is None
                }
                for key in watched.keys() - wanted.keys():
                    watched.pop(key).cancel()
                for key, each in wanted.items():
                    if key not in watched:
                        watched[key] = group.create_task(self._watch(each), name=f"probe {each.address}")

    async def _write(self) -> None:
        """What comes while it waits for the disk is written together."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            news, self._news = self._news, []
            turns = self._turns
            await self._publish(news, self._kept())
            async with self._written:
                self._on_disk = turns
                self._written.notify_all()

    async def _watch(self, each: health.Seen) -> None:
        """One process's probe, as long as it runs."""
        assert each.pane is not None
        assert each.check is not None
        check, beat = each.check, FIRST_BEAT
        probe = trying.Probe(self._trier, each.pane, check, each.workspace)
        await self._search_errors(each, check)
        if check.probe is None:
            self._tried(each, check, _RUNS)
            return
        if isinstance(check.probe, spec.OutputProbe):
            await self._watch_output(each, check, check.probe)
            return
        while True:
            began = self._clock.monotonic()
            attempt = await probe.attempt()
            known = self._tried(each, check, attempt)
            pause = check.interval.total_seconds()
            if known is None or known.verdict.health is status.Health.UNKNOWN:
                pause, beat = min(beat, pause), min(beat * 2, LONGEST_BEAT)
            pause *= self._dice.uniform(1 - JITTER, 1 + JITTER)
            await asyncio.sleep(max(began + pause - self._clock.monotonic(), 0.01))

    async def _search_errors(self, each: health.Seen, check: spec.Health) -> None:
        """What a process printed before a look saw it run nobody has heard."""
        known = self._known.get(each.uid)
        if check.errors is None or known is None or known.verdict.health is not status.Health.UNKNOWN:
            return
        age = self._output.age(each.pid)
        if age is None or age >= check.recovery.total_seconds():
            return
        found = await asyncio.to_thread(self._output.searched, each.id, each.pid, check.errors)
        if found.line is not None:
            self._printed(each, overhearing.shown(found.line))

    async def _watch_output(self, each: health.Seen, check: spec.Health, probe: spec.OutputProbe) -> None:
        """What it printed before we listened; then every line is a try, and so is an interval without one until the first."""
        known = self._known.get(each.uid)
        before = Searched(line=None, whole=True)
        if known is None or known.verdict.health is status.Health.UNKNOWN:
            before = await asyncio.to_thread(self._output.searched, each.id, each.pid, probe.pattern)
            if before.line is not None:
                self._tried(each, check, _FOUND)
        silent = status.Attempt(
            healthy=False, reason=f"no line matches {probe.pattern!r} yet", measured=before.whole
        )
        while (known := self._known.get(each.uid)) is not None and not known.passes:
            if known.verdict.health in _WELL:
                return
            self._tried(each, check, silent)
            await asyncio.sleep(check.interval.total_seconds())

    def _tried(self, each: health.Seen, check: spec.Health, attempt: status.Attempt) -> health.Known | None:
        before, there = self._known.get(each.uid), self._seen.get(each.uid)
        if before is None or before.pid != each.pid or before.check != health.name_of(check):
            return before  # it is another one meanwhile
        if there is None or not there.running:
            return before  # it has ended, or is being stopped
        after = health.tried(before, check, attempt, self._now())
        if each.uid not in self._begun:
            after = health.spared(after)
        self._become(each.uid, before, after)
        return after

    # --- output

    def _ready(self, each: health.Seen) -> None:
        if each.check is not None:
            self._tried(each, each.check, _FOUND)

    def _printed(self, each: health.Seen, line: str) -> None:
        before = self._known.get(each.uid)
        if before is not None and before.pid == each.pid:
            self._become(each.uid, before, health.printed(before, line, self._now()))

    async def _recover(self) -> None:
        while True:
            now, times = self._now(), list[float]()
            for uid, before in list(self._known.items()):
                each = self._seen.get(uid)
                if each is None or each.check is None:
                    continue
                after = health.waited(before, each.check, now)
                self._become(uid, before, after)
                if (at := health.recovers(after, each.check)) is not None:
                    times.append(at)
            self._waiting.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    max(min(times) - self._clock.monotonic(), 0.01) if times else None
                ):
                    await self._waiting.wait()

    # --- what is to be stopped

    async def _cure(self) -> None:
        """Level-triggered: what is ill and runs is stopped; its restart policy decides what then."""
        while True:
            await self._ill.wait()
            self._ill.clear()
            # First of all what is to be done is on the disk: who comes after us must know why it ended.
            async with self._written:
                turns = self._turns
                await self._written.wait_for(lambda turns=turns: self._on_disk >= turns)  # type: ignore[misc]
            for workspace in list(self._condemned()):
                # While another workspace's were stopped, these may have got well.
                panes = self._condemned().get(workspace, [])
                if not panes:
                    continue
                fresh = {each.uid for each in panes} - self._begun
                self._begun |= fresh
                try:
                    failed = await self._stop(
                        workspace,
                        {each.address: (each.pid, self.because(each.uid, each.pid)) for each in panes},
                    )
                except (errors.Busy, errors.TmuxUnavailable):
                    self._begun -= fresh  # nothing was done
                    self._soon(AGAIN)
                    continue
                except errors.OrchestraError as error:
                    failed = {each.address: str(error) for each in panes}
                for each in panes:
                    if why := failed.get(each.address, ""):
                        until = self._clock.monotonic() + LATER
                        self._unstopped[each.uid] = until, f"it is unhealthy and cannot be stopped: {why}"
                        self._soon(LATER)
                self._again()  # nothing tells what tmux has not looked at

    def _condemned(self) -> dict[str, list[health.Seen]]:
        found: dict[str, list[health.Seen]] = {}
        now = self._clock.monotonic()
        for uid, known in self._known.items():
            each = self._seen.get(uid)
            if not known.ill or self._unstopped.get(uid, (now, ""))[0] > now:
                continue
            if each is not None and each.running and each.pid == known.pid:
                found.setdefault(each.workspace, []).append(each)
        return found

    def _soon(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._ill.set)

    def _now(self) -> health.Now:
        return health.Now(lived=self._clock.monotonic(), time=self._clock.now())


_FOUND = status.Attempt(healthy=True, reason="it printed what was waited for")
_RUNS = status.Attempt(healthy=True, reason="it runs")
_WELL = (status.Health.HEALTHY, status.Health.DEGRADED)
_ENDS = (health.Sign.COMPLETED, health.Sign.ENDED)
_LEAST = {health.Sign.COMPLETED: status.Health.UNKNOWN, health.Sign.ENDED: status.Health.UNHEALTHY}
_NOTHING = verdicts.Verdict(health=status.Health.UNKNOWN)


def _notable(known: health.Known) -> tuple[Any, ...]:
    """What is worth a line in the journal: not each probe, nor each other reason."""
    return known.pid, known.check, known.verdict.health, known.verdict.over, known.ill


def _plain(verdict: verdicts.Verdict) -> list[Any]:
    return [
        verdict.health,
        verdict.reason,
        event.stamp(verdict.since) if verdict.since else None,
        verdict.over,
    ]


def _verdict(plain: Any) -> verdicts.Verdict:
    found, reason, since, over = plain
    return verdicts.Verdict(
        health=status.Health(found),
        reason=str(reason),
        since=datetime.fromisoformat(since) if since is not None else None,
        over=over is True,
    )
