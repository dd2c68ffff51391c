"""Keeps panes within their limits: measures, rarely where they are far away and often where they are near, tells, and acts.

`limits.py` decides. What was told and what is owed is in the journal before it is done, so that a daemon that comes after goes on, and
does nothing twice to one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from orchestra.engine import ports
from orchestra.engine.react import limits as deciding
from orchestra.engine.react import supervise
from orchestra.engine.react.limits import Kind
from orchestra.model import codec, errors, event, metrics, rules, status
from orchestra.model.frozen import frozen
from orchestra.plan import limits as standing
from orchestra.plan import record

STATE = "limits"
CUE = 0.25
"""Seconds between two looks at the whole machine, which cost as good as nothing: a fork bomb does not wait for the next sample."""
DEAREST = 0.005
"""Of a core, that looking again for a cue's sake may cost."""
CHEAP = 0.002
"""And for the processor's: what a busy machine has always, and nobody has to be faster than."""
AGAIN = 1.0
"""Seconds until what could not be done is tried again: another command holds the lock."""
MUCH_LATER = 10.0
"""Or it failed."""


@frozen
class Watched:
    key: str
    """Its uid; of a pane that is not ours its server's life and its id."""
    id: str
    uid: str
    """"" when it is not ours: then only its tree tells what belongs to it."""
    pid: int
    workspace: str
    address: str
    is_shell: bool
    limits: rules.Limits


def watched(server: status.Server) -> dict[str, Watched]:
    """Panes with limits whose process runs."""
    found: dict[str, Watched] = {}
    for place in status.places(server):
        pane, mark = place.pane, place.pane.mark
        if pane.dead or not pane.pid or (mark is not None and mark.stage is status.Stage.WAITING):
            continue
        if not pane.limits and (mark is None or '"limits":{' not in pane.record):
            continue
        limits = standing.effective(pane)
        if limits is None:
            continue
        known = record.parse_pane(pane.record) if mark is not None else None
        key = _key(server, pane)
        if mark is None and limits.on_exceed in (rules.Breach.RESTART, rules.Breach.STOP):
            limits = dataclasses.replace(limits, on_exceed=rules.Breach.WARN)  # there is no plan for it
        found[key] = Watched(
            key=key,
            id=pane.id,
            uid=mark.uid if mark is not None else "",
            pid=pane.pid,
            workspace=mark.workspace if mark is not None else "",
            address=mark.address if mark is not None else "",
            is_shell=known is None or known.pane.command is None,
            limits=limits,
        )
    return found


def _key(server: status.Server, pane: status.Pane) -> str:
    return pane.mark.uid if pane.mark is not None else f"{server.epoch} {pane.id}"


class Printing(Protocol):
    """What panes printed, as the recordings have it."""

    def written(self, pane: str) -> tuple[str, int] | None: ...

    def printed(self, pane: str) -> float | None: ...


Expect = Callable[[str, int, str, supervise.Sequel], Mapping[str, Any]]
"""What follows on the end of a process that we are about to end: uid, pid, why. Gives state to be kept."""
_SEQUELS = {
    rules.Breach.RESTART: supervise.Sequel.AGAIN,
    rules.Breach.STOP: supervise.Sequel.DOWN,
    rules.Breach.KILL: supervise.Sequel.POLICY,
}
End = Callable[[str, Mapping[str, tuple[int, str]]], Awaitable[Mapping[str, str]]]
"""Stops panes of a workspace, as they want to be stopped: by address the process that is meant, and why. Gives what failed. `Busy`: not
now."""
Say = Callable[[event.Body, str, str, Mapping[str, Any]], Awaitable[None]]


class Limiter:
    """A part of the daemon's."""

    name = STATE

    def __init__(
        self,
        clock: ports.Clock,
        sampler: ports.Sampler,
        restraint: ports.Restraint,
        printing: Printing,
        say: Say,
        is_busy: Callable[[], bool],
        expect: Expect,
        end: End,
        look_soon: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._sampler = sampler
        self._restraint = restraint
        self._printing = printing
        self._say = say
        self._is_busy = is_busy
        self._expect = expect
        self._end = end
        self._look_soon = look_soon
        self._server = status.Server()
        self._watched: dict[str, Watched] = {}
        self._past: dict[str, deciding.Past] = {}
        self._figures: dict[str, deciding.Figures] = {}
        self._usages: Mapping[str, metrics.Usage] = {}
        self._sizes: dict[str, tuple[float, str, int]] = {}
        """When, of which recording, how many bytes."""
        self._printed: dict[str, float] = {}
        """Bytes a second."""
        self._due = 0.0
        self._cost = 0.0
        self._sampled: deciding.Cues | None = None
        self._cued: deciding.Cues | None = None
        self._room = deciding.Room()
        self._hears = False
        """Whether any limit is one that the machine tells of."""
        self._level = 0.0
        """Percent of a core that the machine was busy, at least, since a pane was last looked at for that."""
        self._acted: dict[tuple[str, int], float] = {}
        """What was done to a process, and when it is done again if that did not help."""
        self._held = False
        self._walled: dict[str, tuple[int, rules.Limits]] = {}
        """What the kernel was told, where it listens."""
        self._left: set[str] = set()
        """Panes that a daemon before us may have left standing still."""
        self._troubles: dict[str, str] = {}
        self._woken = asyncio.Event()

    # --- what outlives us

    def resume(self, kept: Any) -> None:
        with contextlib.suppress(codec.LoadError, TypeError, KeyError, AttributeError):
            for key, plain in kept["panes"].items():
                self._past[key] = codec.load(deciding.Past, plain)
            self._left = {
                key for key, past in self._past.items() if rules.Breach.THROTTLE in past.told.values()
            }

    def _kept(self) -> dict[str, Any]:
        panes = {
            key: codec.dump(dataclasses.replace(past, over={}, under={}, share=1.0))
            for key, past in self._past.items()
            if past.told or past.owed
        }
        return {STATE: {"panes": panes}}

    def happened(self, events: Sequence[event.Event]) -> None:
        """What a pane uses is not told by events."""

    def describe(self) -> Mapping[str, Any]:
        over = {
            self._called(key): dict(past.told)
            for key, past in self._past.items()
            if past.told and key in self._watched
        }
        troubles = [
            f"{self._called(key)}: {why}" for key, why in self._troubles.items() if key in self._watched
        ]
        return {"limited": len(self._watched), "over": over, "troubles": troubles}

    def over(self) -> Mapping[str, str]:
        """By tmux's id, for people: which limits a pane is over, and what of the time is left to it."""
        found: dict[str, str] = {}
        for key, past in self._past.items():
            if past.told and key in self._watched:
                held = f", held to {past.share:.0%} of the time" if past.share < 1 else ""
                found[self._watched[key].id] = f"over its limit of {', '.join(sorted(past.told))}{held}"
        return found

    def _called(self, key: str) -> str:
        each = self._watched[key]
        return f"{each.workspace}: {each.address}" if each.workspace else each.id

    # --- looking

    async def looked(self, server: status.Server) -> None:
        self._server = server
        before, self._watched = self._watched, watched(server)
        gone = {
            key: past
            for key, past in self._past.items()
            if key not in self._watched or self._watched[key].pid != past.pid
        }
        for key in gone:
            del self._past[key]
        for some in (self._figures, self._printed, self._sizes, self._troubles):
            for key in some.keys() - self._watched.keys():
                del some[key]
        self._acted = {
            (key, pid): at
            for (key, pid), at in self._acted.items()
            if key in self._watched and self._watched[key].pid == pid
        }
        if self._watched != before:
            limited = {kind for each in self._watched.values() for kind in deciding.allowed(each.limits)}
            self._hears = bool(limited - {Kind.TIME})
            self._due = 0.0
            self._woken.set()
        # Last: while this is told, others are looked at and decided on.
        for key, past in gone.items():
            if past.told and key not in self._watched:
                await self._lifted(server, key, past)

    async def _lifted(self, server: status.Server, key: str, past: deciding.Past) -> None:
        """Where a pane runs on and has no limits any more, it is within them."""
        for place in status.places(server):
            pane = place.pane
            if pane.pid == past.pid and not pane.dead and key == _key(server, pane):
                mark = pane.mark
                whose = (mark.workspace, mark.address) if mark is not None else ("", "")
                for kind in past.told:
                    await self._say(event.LimitKept(id=pane.id, limit=kind), *whose, self._kept())

    async def run(self) -> None:
        try:
            while True:
                await self._turn()
        finally:
            self._restraint.close()

    async def _turn(self) -> None:
        await self._look_if_due()
        self._woken.clear()
        if self._watched and self._due == 0.0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._wait()):
                await self._woken.wait()

    async def _look_if_due(self) -> None:
        now = self._clock.monotonic()
        if self._watched and (now >= self._due or self._stirred(now)):
            await self._look()
        elif not self._watched and self._held:
            await self._hold()
        await self._act()

    def _wait(self) -> float | None:
        if not self._watched:
            return None
        now = self._clock.monotonic()
        times = [self._due, *self._acted.values()]
        if self._hears:
            times.append(now + CUE)
        return max(min(times) - now, 0.01)

    def _stirred(self, now: float) -> bool:
        sampled, last = self._sampled, self._cued
        if sampled is None or last is None or now < sampled.at + self._cost / DEAREST:
            return False
        cues = self._cues()
        if deciding.stirred(self._room, sampled, cues):
            return True
        self._sampled = deciding.lowest(sampled, cues)
        if cues.at - last.at < 1:
            return False
        self._cued = cues
        is_busier, self._level = deciding.busier(self._room, self._level, last, cues)
        return (is_busier and now >= sampled.at + self._cost / CHEAP) or self._printed_much()

    def _cues(self) -> deciding.Cues:
        tasks, memory, busy = self._restraint.cues()
        return deciding.Cues(tasks=tasks, memory=memory, busy=busy, at=self._clock.monotonic())

    def _printed_much(self) -> bool:
        """Looks only at who printed since."""
        found = False
        for key, each in self._watched.items():
            if each.limits.output is not None:
                at = self._printing.printed(each.id)
                if at is not None and (key not in self._sizes or at >= self._sizes[key][0] - 2):
                    self._measure(key, each)
                    found |= self._printed.get(key, 0) > each.limits.output
        return found

    def _measure(self, key: str, each: Watched) -> None:
        now, written = self._clock.monotonic(), self._printing.written(each.id)
        if written is None:
            return
        recording, size = written
        before = self._sizes.get(key)
        if before is not None and before[1] == recording:
            if now - before[0] < CUE:
                return
            self._printed[key] = max(size - before[2], 0) / (now - before[0])
        self._sizes[key] = (now, recording, size)

    async def _look(self) -> None:
        panes = self._watched
        self._sampled = self._cued = self._cues()
        roots = {key: each.pid for key, each in panes.items()}
        if self._left:
            left = {key: roots[key] for key in self._left & roots.keys()}
            self._left.clear()
            await asyncio.to_thread(self._restraint.free, left, self._server.pid)
        await asyncio.to_thread(self._wall, panes)
        usages, self._cost = await asyncio.to_thread(self._sample, roots)
        held = False
        nearest, is_counting, ends = 0.0, False, []
        for key, each in panes.items():
            usage = usages.get(key)
            if usage is None or self._watched.get(key) != each:
                continue
            if each.limits.output is not None:
                self._measure(key, each)
            figures = self._figures[key] = _figures(
                usage, self._printed.get(key), ours=0 if each.is_shell else 1
            )
            past = self._past.get(key) or deciding.Past(pid=each.pid)
            verdict = deciding.decide(each.limits, figures, past)
            if verdict.past.owed and not verdict.past.wild and not past.owed and self._is_busy():
                is_counting = True  # who applies may be stopping it
                continue
            self._past[key] = verdict.past
            await self._tell(each, verdict)
            held |= verdict.past.share < 1
            nearest = max(nearest, deciding.nearness(each.limits, figures))
            is_counting |= bool(verdict.past.over or verdict.past.under) or verdict.past.share < 1
            if each.limits.time is not None and Kind.TIME not in verdict.past.told:
                ends.append(each.limits.time.total_seconds() - usage.uptime)
        if held or self._held:
            await self._hold()
        self._room = deciding.room(
            {key: (each.limits, self._figures.get(key, {})) for key, each in panes.items()}
        )
        now = self._clock.monotonic()
        unknown = len(usages) < len(panes) or any(usage.cpu_percent is None for usage in usages.values())
        soon = deciding.HOT if unknown else deciding.interval(nearest, is_counting=is_counting)
        if self._watched == panes:  # else others came while we measured
            self._due = now + min([soon, *(max(each, 0.0) + 0.02 for each in ends)])

    def _sample(self, roots: Mapping[str, int]) -> tuple[Mapping[str, metrics.Usage], float]:
        """With the seconds of a processor that it cost: how long it took tells more of others than of us."""
        began = time.thread_time()
        return self._sampler.sample(roots, self._server.pid), time.thread_time() - began

    def _wall(self, panes: Mapping[str, Watched]) -> None:
        walled: dict[str, tuple[int, rules.Limits]] = {}
        for key, each in panes.items():
            walled[key] = (each.pid, each.limits)
            if self._walled.get(key) != walled[key]:
                self._restraint.wall(each.uid, each.pid, each.limits)
        self._walled = walled

    async def _tell(self, each: Watched, verdict: deciding.Verdict) -> None:
        past = verdict.past
        breach = rules.Breach(past.owed) if past.owed else rules.Breach.WARN
        settles = past.owed and verdict.exceeded and each.uid
        done = "killed" if breach is rules.Breach.KILL or past.wild else "stopped"
        why = f"{done} by its limit, {past.why}"

        def state() -> Mapping[str, Any]:
            """As it is when it is kept: others go on while an event is told."""
            settled = self._expect(each.uid, each.pid, why, _SEQUELS[breach]) if settles else {}
            return {**self._kept(), **settled}

        for over in verdict.exceeded:
            body = event.LimitExceeded(
                id=each.id,
                limit=over.kind,
                value=round(over.value, 3),
                allowed=over.allowed,
                action=over.action,
            )
            await self._say(body, each.workspace, each.address, state())
        for kind in verdict.kept:
            await self._say(event.LimitKept(id=each.id, limit=kind), each.workspace, each.address, state())

    # --- acting

    async def _hold(self) -> None:
        shares = {
            key: (past.pid, past.share, self._watched[key].is_shell)
            for key, past in self._past.items()
            if past.share < 1 and key in self._watched and not past.owed
        }
        self._held = bool(shares)
        await asyncio.to_thread(self._restraint.hold, shares, self._server.pid)

    async def _act(self) -> None:
        now = self._clock.monotonic()
        stops: dict[str, dict[str, tuple[Watched, deciding.Past]]] = {}
        for key, past in list(self._past.items()):
            each = self._watched.get(key)
            if each is None or self._past.get(key) is not past:
                continue  # while another was ended it became another one
            if not past.owed or self._acted.get((key, past.pid), 0.0) > now:
                continue
            if past.owed == rules.Breach.KILL or past.wild:
                self._acted[key, past.pid] = now + MUCH_LATER
                left = await asyncio.to_thread(self._restraint.kill, each.uid, each.pid, self._server.pid)
                self._failed(key, f"{left} of its processes are still there after SIGKILL" if left else "")
                self._look_soon()
            else:
                stops.setdefault(each.workspace, {})[each.address] = (each, past)
        for workspace, panes in stops.items():
            await self._stop(workspace, panes)

    async def _stop(self, workspace: str, panes: Mapping[str, tuple[Watched, deciding.Past]]) -> None:
        what = {address: (each.pid, f"over its limit, {past.why}") for address, (each, past) in panes.items()}
        later = MUCH_LATER
        try:
            failed = await self._end(workspace, what)
        except (errors.Busy, errors.TmuxUnavailable):
            failed, later = {}, AGAIN
        except errors.OrchestraError as error:
            failed = dict.fromkeys(panes, str(error))
        for address, (each, _) in panes.items():
            self._acted[each.key, each.pid] = self._clock.monotonic() + later
            self._failed(each.key, failed.get(address, ""))
        self._look_soon()

    def _failed(self, key: str, why: str) -> None:
        if why:
            self._troubles[key] = why
        else:
            self._troubles.pop(key, None)


def _figures(usage: metrics.Usage, printed: float | None, *, ours: int) -> deciding.Figures:
    """`ours`: processes that are not the command's, but our wrapper."""
    found = {
        Kind.MEMORY: float(usage.rss),
        Kind.PROCESSES: float(usage.processes - ours),
        Kind.TIME: usage.uptime,
    }
    if usage.cpu_percent is not None:
        found[Kind.CPU] = usage.cpu_percent
    if printed is not None:
        found[Kind.OUTPUT] = printed
    return found
