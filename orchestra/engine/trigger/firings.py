"""Runs of triggers: begun at least once for each firing, and told before and after.

A run stands in a slot of the journal's state from the firing on, in one transaction with the event that says so and with the place in
the journal up to which events were looked at. Who comes after a daemon that was killed finds it there, and does what was under way again:
with the same id, and the next attempt's number. What fails in the end stays, until somebody replays or forgets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from orchestra.engine import ports
from orchestra.engine.hear import happenings
from orchestra.engine.trigger import deciding, triggers
from orchestra.model import codec, errors, event, rules
from orchestra.model.frozen import frozen

SLOTS = 512
"""Runs that are at work, wait, or failed for good; while there are more no further event is looked at."""
MOST = 100 * SLOTS
"""Slots that are ever believed in: one event may set off many triggers."""
DEAD = 128
"""Of these, those that failed for good; an older one goes when there are more."""
AT_ONCE = 16
"""Runs at work at one time."""
INTERRUPTIONS = 5
"""How often a run may be cut off by the daemon's end before it counts as failed: it may be what ends it."""
FIRST, LONGEST = 1.0, 60.0
"""Seconds until what failed is tried again; each time twice as long."""
PATIENCE = 3600.0
"""Seconds after it fired for which a run waits for what cannot be tried."""
GRACE = 0.5
"""Seconds more than its time, for an act to end by itself and tell what it printed."""
TEXT = 4096
"""Characters of each text in an event that a run keeps."""
TEXTS = 16 * TEXT
"""Of all texts in a list, or a map: what is more is left out."""


@frozen
class Run:
    """`step`: which of what is done; `attempt`: of that step, from 1 on."""

    id: str
    workspace: str
    trigger: str
    event: Mapping[str, Any]
    do: tuple[rules.Reaction, ...]
    overlap: rules.Overlap = rules.Overlap.QUEUE
    step: int = 0
    attempt: int = 1
    failures: int = 0
    """Of this step."""
    interrupted: int = 0
    begun: bool = False
    """The step may be under way, or have been."""
    due: float | None = None
    """When it is tried again, on the monotonic clock."""
    since: float = 0.0
    """When it fired, Unix time."""
    reason: str = ""
    output: str = ""
    """Of the last failure."""
    dead: float = 0.0
    """When it failed for good, Unix time; 0: it has not."""

    @property
    def key(self) -> str:
        return f"{self.workspace} {self.trigger}"

    @property
    def reaction(self) -> rules.Reaction:
        return self.do[self.step]

    @property
    def act(self) -> str:
        """As a manifest calls it."""
        return called(self.reaction.act)

    @property
    def token(self) -> str:
        """Of this step, the same at each attempt."""
        return f"{self.id}-{self.step}"


def called(act: rules.Act) -> str:
    name = type(act).__name__
    return "send_keys" if name == "SendKeys" else name.lower()


class Failed(Exception):
    """What was to be done was not. `output`: what it printed; `for_good`: trying again would not help; `later`: it was not even tried,
    and so many seconds before it would be no use."""

    def __init__(self, reason: str, output: str = "", *, for_good: bool = False, later: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.output, self.for_good, self.later = reason, output, for_good, later


class Act(Protocol):
    async def __call__(self, run: Run) -> None:
        """Does the run's step. `Failed`, `OrchestraError` or `OSError` when it was not done."""


class Publish(Protocol):
    async def __call__(
        self,
        happened: Sequence[happenings.Happening],
        cause: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> object:
        """Events and state, in one transaction; returns when they are on the disk."""


NAME = "triggers"
"""Under which the journal keeps it all, and what events give as their cause."""


def place(slot: int) -> str:
    return f"{NAME}.run.{slot}"


class Firings:
    """In one event loop."""

    def __init__(
        self, clock: ports.Clock, publish: Publish, act: Act, jitter: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._clock = clock
        self._publish = publish
        self._act = act
        self._jitter = jitter
        self._runs: dict[int, Run] = {}
        self._ready: dict[int, None] = {}
        """Slots of those that are on the disk, not at work, in order."""
        self._at_work: set[int] = set()
        self._woken = asyncio.Event()
        self._freed = asyncio.Event()
        self._keys: Counter[str] = Counter()
        self.used = 0
        """Slots that were ever used."""

    # --- what there is

    def waits(self, key: str) -> int:
        """Runs of a trigger that are at work, or wait."""
        return self._keys[key]

    def room(self) -> int:
        return SLOTS - len(self._runs)

    async def until_room(self) -> None:
        while self.room() <= 0:
            self._freed.clear()
            await self._freed.wait()

    def alive(self) -> Sequence[Run]:
        return [run for run in self._runs.values() if not run.dead]

    def dead(self) -> Sequence[Run]:
        """The newest last."""
        return sorted((run for run in self._runs.values() if run.dead), key=lambda run: run.dead)

    # --- beginning

    def admit(self, fire: deciding.Fire) -> tuple[int, Run]:
        """A slot is taken; nothing is done before `begin`, when what `told` says is on the disk."""
        slot = next(each for each in range(MOST) if each not in self._runs)
        trigger = fire.rule.trigger
        run = Run(
            id=secrets.token_hex(8),
            workspace=fire.rule.workspace,
            trigger=trigger.name,
            event=_trimmed(fire.event),
            do=trigger.do,
            overlap=fire.rule.overlap,
            since=self._clock.now().timestamp(),
        )
        self._put(slot, run)
        self.used = max(self.used, slot + 1)
        # Written as begun where it can begin at once: that is a write less before the first thing is done.
        if len(self._at_work) < AT_ONCE and self._keys[run.key] == 1:
            run = self._put(slot, dataclasses.replace(run, begun=True))
        return slot, run

    def told(self, slot: int) -> tuple[happenings.Happening, dict[str, Any]]:
        run = self._runs[slot]
        body = event.TriggerFired(
            trigger=run.trigger,
            run=run.id,
            event=str(run.event.get("type", "")),
            source=int(run.event.get("sequence", 0)),
        )
        return self._of(run, body), {place(slot): self._kept(run)}

    def begin(self, slots: Sequence[int]) -> None:
        self._ready.update(dict.fromkeys(slots))
        self._woken.set()

    # --- kept

    def _kept(self, run: Run) -> dict[str, Any]:
        """Times as seconds from now: who comes after us has another clock."""
        now = self._clock.monotonic()
        bare = dataclasses.replace(run, due=None if run.due is None else run.due - now, event={})
        return {"at": self._clock.now().timestamp(), "run": codec.dump(bare), "event": dict(run.event)}

    def resume(self, slots: Mapping[int, Any]) -> None:
        """What a daemon before us had in its slots; what cannot be read is left out."""
        for slot, kept in slots.items():
            self.used = max(self.used, slot + 1)
            with contextlib.suppress(codec.LoadError, TypeError, KeyError, ValueError):
                run = loaded(kept, self._clock)
                if not run.dead:
                    run = _cut_off(run)
                    self._ready[slot] = None
                self._put(slot, run)
        self._ready = dict.fromkeys(sorted(self._ready, key=lambda slot: self._runs[slot].since))
        self._woken.set()

    # --- at work

    async def run(self) -> None:
        self._take_up()
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                now = self._clock.monotonic()
                for slot in self._startable(now):
                    run = self._runs[slot]
                    del self._ready[slot]
                    self._at_work.add(slot)
                    group.create_task(self._work(slot), name=f"run {run.id} of {run.trigger}")
                times = [
                    due for slot in self._ready if (due := self._runs[slot].due) is not None and due > now
                ]
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(times) - now if times else None):
                        await self._woken.wait()

    def _take_up(self) -> None:
        """What was cut off when this failed before."""
        for slot, run in list(self._runs.items()):
            if not run.dead and slot not in self._ready:
                self._put(slot, _cut_off(run))
                self._ready[slot] = None

    def _startable(self, now: float) -> Iterator[int]:
        """Runs of one trigger go one after the other, in the order of their events, save where they may overlap; one that waits to be
        tried again lets others go first."""
        busy = {self._runs[slot].key for slot in self._at_work}
        for slot in list(self._ready):
            if len(self._at_work) >= AT_ONCE:
                return
            run = self._runs[slot]
            if run.due is not None and run.due > now:
                continue
            if run.overlap is rules.Overlap.ALLOW or run.key not in busy:
                yield slot
            busy.add(run.key)

    async def _work(self, slot: int) -> None:
        try:
            run = self._runs[slot]
            if run.interrupted > INTERRUPTIONS:
                await self._bury(slot, run, "the daemon ended each time while it was at work")
                return
            while True:
                if not run.begun or run.due is not None:
                    run = self._put(slot, dataclasses.replace(run, begun=True, due=None))
                    await self._keep(slot, run)
                failure = await self._attempted(run)
                if failure is not None:
                    await self._failed(slot, run, failure)
                    return
                if run.step + 1 == len(run.do):
                    await self._succeeded(slot, run)
                    return
                run = self._put(
                    slot, dataclasses.replace(run, step=run.step + 1, attempt=1, failures=0, interrupted=0)
                )
                await self._keep(slot, run)
        finally:
            self._at_work.discard(slot)
            self._woken.set()

    async def _attempted(self, run: Run) -> Failed | None:
        limit = run.reaction.timeout.total_seconds()
        try:
            async with asyncio.timeout(limit + GRACE):
                await self._act(run)
        except Failed as failed:
            return failed
        except TimeoutError:
            return Failed(f"it was not done within {limit:g} s")
        except errors.OrchestraError as error:
            hint = error.diagnostics[0].hint
            return Failed(f"{error} ({hint})" if hint else str(error))
        except (OSError, ValueError) as error:
            return Failed(str(error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a fault in what one trigger does must not end the daemon
            return Failed(f"this is a fault in orchestra: {type(error).__name__}: {error}")
        return None

    async def _succeeded(self, slot: int, run: Run) -> None:
        took = timedelta(seconds=max(self._clock.now().timestamp() - run.since, 0))
        body = event.TriggerSucceeded(trigger=run.trigger, run=run.id, duration=took)
        await self._publish([self._of(run, body)], NAME, {place(slot): None})
        self._free(slot)

    async def _failed(self, slot: int, run: Run, failed: Failed) -> None:
        if failed.later and self._clock.now().timestamp() - run.since < PATIENCE:
            await self._wait(slot, dataclasses.replace(run, reason=failed.reason[:TEXT]), failed.later)
            return
        failures = run.failures + 1
        run = dataclasses.replace(
            run, failures=failures, reason=failed.reason[:TEXT], output=failed.output[-TEXT:]
        )
        if failed.for_good or failed.later or failures > run.reaction.retries:
            await self._bury(slot, run, failed.reason)
            return
        body = self._failure(run, final=False)
        wait = min(FIRST * 2 ** (failures - 1), LONGEST) + self._jitter()
        run = dataclasses.replace(
            run, attempt=run.attempt + 1, begun=False, due=self._clock.monotonic() + wait
        )
        await self._publish([self._of(run, body)], NAME, {place(slot): self._kept(run)})
        self._put(slot, run)
        self._ready[slot] = None

    async def _wait(self, slot: int, run: Run, seconds: float) -> None:
        """It was not tried, and that is no failure of its own."""
        due = self._clock.monotonic() + seconds + self._jitter()
        run = self._put(slot, dataclasses.replace(run, begun=False, due=due))
        await self._keep(slot, run)
        self._ready[slot] = None

    async def _bury(self, slot: int, run: Run, reason: str) -> None:
        run = dataclasses.replace(
            run, reason=reason[:TEXT], begun=False, due=None, dead=self._clock.now().timestamp()
        )
        older = sorted((each for each in self._runs.items() if each[1].dead), key=lambda each: each[1].dead)
        gone = dict(older[: max(len(older) + 1 - DEAD, 0)])
        state = {place(slot): self._kept(run), **dict.fromkeys(map(place, gone))}
        await self._publish([self._of(run, self._failure(run, final=True))], NAME, state)
        self._put(slot, run)
        self._let_go(gone)

    def _failure(self, run: Run, *, final: bool) -> event.Body:
        return event.TriggerFailed(
            trigger=run.trigger,
            run=run.id,
            action=run.act,
            attempt=run.attempt,
            reason=run.reason,
            output=run.output,
            final=final,
        )

    # --- again, by hand

    async def replay(self, wanted: Callable[[Run], bool], force: triggers.InForce) -> Sequence[Run]:
        """Those of the dead: as their triggers say now, from the beginning, where they say something else; else from where they failed."""
        now = {rule.key: rule.trigger.do for rule in force.rules}
        found = [slot for slot, run in self._runs.items() if run.dead and wanted(run)]
        found.sort(key=lambda slot: self._runs[slot].since)
        state = {}
        for slot in found:
            run = self._runs[slot]
            do = now.get(run.key, run.do)
            same = do == run.do
            run = dataclasses.replace(
                run, do=do, step=run.step if same else 0, attempt=run.attempt + 1 if same else 1, failures=0,
                interrupted=0, dead=0.0, since=self._clock.now().timestamp(),
            )  # fmt: skip
            state[place(slot)] = self._kept(self._put(slot, run))
        await self._publish([], NAME, state)
        self.begin(found)
        return [self._runs[slot] for slot in found]

    async def forget(self, wanted: Callable[[Run], bool]) -> Sequence[Run]:
        gone = {slot: run for slot, run in self._runs.items() if run.dead and wanted(run)}
        await self._publish([], NAME, dict.fromkeys(map(place, gone)))
        self._let_go(gone)
        return list(gone.values())

    # --- slots

    def _put(self, slot: int, run: Run) -> Run:
        before = self._runs.get(slot)
        if before is not None and not before.dead:
            self._keys[before.key] -= 1
        self._runs[slot] = run
        if not run.dead:
            self._keys[run.key] += 1
        return run

    def _let_go(self, gone: Mapping[int, Run]) -> None:
        """While that was written others may have let them go, too, or have begun them again."""
        for slot, run in gone.items():
            if self._runs.get(slot) is run:
                self._free(slot)

    def _free(self, slot: int) -> None:
        run = self._runs.pop(slot)
        if not run.dead:
            self._keys[run.key] -= 1
        if not self._keys[run.key]:
            del self._keys[run.key]
        self._ready.pop(slot, None)
        self._freed.set()

    async def _keep(self, slot: int, run: Run) -> None:
        await self._publish([], NAME, {place(slot): self._kept(run)})

    def _of(self, run: Run, body: event.Body) -> happenings.Happening:
        return happenings.Happening(
            body=body, workspace=run.workspace, address=str(run.event.get("address", ""))
        )


def _cut_off(run: Run) -> Run:
    if not run.begun:
        return run
    # It may have been under way.
    return dataclasses.replace(run, attempt=run.attempt + 1, interrupted=run.interrupted + 1, begun=False)


def loaded(kept: Any, clock: ports.Clock) -> Run:
    """Raises what data that is none of ours makes Python raise."""
    run = codec.load(Run, kept["run"])
    if not 0 <= run.step < len(run.do):
        raise ValueError("there is no such step")
    passed = max(clock.now().timestamp() - float(kept["at"]), 0.0)
    due = None if run.due is None else clock.monotonic() + max(run.due - passed, 0.0)
    return dataclasses.replace(run, due=due, event=dict(kept["event"]))


def _trimmed(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _short(value) for key, value in plain.items()}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:TEXT]
    if isinstance(value, Mapping):
        left = itertools.accumulate(len(str(key)) + len(str(each)) for key, each in value.items())
        return {
            key: _short(each) for (key, each), size in zip(value.items(), left, strict=True) if size <= TEXTS
        }
    if isinstance(value, list | tuple):
        short = [_short(each) for each in value]
        left = itertools.accumulate(len(str(each)) for each in short)
        return [each for each, size in zip(short, left, strict=True) if size <= TEXTS]
    return value
