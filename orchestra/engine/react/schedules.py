"""Schedules: tells when one is due, `schedule.due`, and what was missed. What is done then is for triggers.

`decide` is pure. What was told is kept in the journal, in one transaction with the event that tells it: one event for each schedule and
instant, whoever is killed and however the clock is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestra.engine import ports
from orchestra.model import codec, errors, event, rules, status
from orchestra.model.frozen import frozen
from orchestra.plan import record, rules_changes, timetable

STATE = "schedules"
STRETCHES = 32
"""Of what was told, that are remembered of one schedule: a new one begins where the clock was set, or something was missed."""
ABSENT = 1000
"""Schedules that stood on a server that is gone, and may come back with the next one."""
SET = timedelta(seconds=2)
"""By so much more than time passed the time of day must have gone on for the clock to have been set."""
DOWN = "no daemon ran"
SLEPT = "the machine slept, or its clock was set"
HELD_UP = "the daemon was held up"
GONE = "it was not on the tmux server"
PAUSED = "it was paused"


@frozen
class Past:
    """Of one schedule."""

    says: str
    """When it is due, as text: what is due at other times now is another schedule."""
    since: datetime
    """It was first applied, on a whole second."""
    upto: datetime
    """All up to here is decided on."""
    told: tuple[tuple[datetime, datetime], ...] = ()
    """Stretches of which every instant was told, in order. `upto` does not know: the clock may be set back."""
    paused: bool = False
    epoch: str = ""
    """Of the tmux server it stood on last."""

    def was_told(self, instant: datetime) -> bool:
        return any(first <= instant <= last for first, last in self.told)


@frozen
class Step:
    """An event, and what is known once it is told."""

    body: event.ScheduleDue | event.ScheduleMissed
    past: Past


@frozen
class Decision:
    steps: tuple[Step, ...]
    past: Past
    """After all of them."""
    next: datetime | None
    """When there is something to decide again."""


def begun(what: rules.Schedule, now: datetime, epoch: str, before: Past | None = None) -> Past:
    """Applied for the first time, or with other times: from now on. `before` keeps who paused it, and what was told."""
    past = Past(says=says(what), since=now.replace(microsecond=0), upto=now, epoch=epoch)
    return past if before is None else dataclasses.replace(past, told=before.told, paused=before.paused)


def says(what: rules.Schedule) -> str:
    return record.text({"time": codec.dump(what.time), "is": type(what.time).__name__, "zone": what.timezone})


def decide(what: rules.Schedule, past: Past, now: datetime, *, seed: str = "", why: str = DOWN) -> Decision:
    """`why`: what was missed was missed. Raises `timetable.Unreadable`."""
    if past.paused:
        return Decision(steps=(), past=past, next=None)
    past = dataclasses.replace(past, upto=min(past.upto, now))  # the clock was set back
    found = timetable.passed(what, past.since, past.upto, now, seed=seed, told=past.was_told)
    if found.last is None or found.turn is None:
        return Decision(steps=(), past=past, next=found.next)
    is_late = now - found.turn > timetable.LATE
    runs = not is_late or what.misfire is rules.Misfire.RUN
    steps = []
    if missed := found.count - runs:
        upto = found.before if runs and found.before is not None else found.last
        past = dataclasses.replace(past, upto=upto)
        steps.append(Step(body=_missed(what, missed, why), past=past))
    if runs:
        past = dataclasses.replace(past, upto=found.last, told=_with(what, past, found.last))
        body = event.ScheduleDue(schedule=what.name, at=event.stamp(found.last))
        steps.append(Step(body=body, past=past))
    return Decision(steps=tuple(steps), past=past, next=found.next)


def resumed(what: rules.Schedule, past: Past, now: datetime, *, seed: str = "") -> Decision:
    """What came while it was paused is not done any more."""
    past = dataclasses.replace(past, paused=False, upto=min(past.upto, now))
    found = timetable.passed(what, past.since, past.upto, now, seed=seed, told=past.was_told)
    if found.last is None:
        return Decision(steps=(), past=past, next=found.next)
    past = dataclasses.replace(past, upto=found.last)
    step = Step(body=_missed(what, found.count, PAUSED), past=past)
    return Decision(steps=(step,), past=past, next=found.next)


def _missed(what: rules.Schedule, count: int, why: str) -> event.ScheduleMissed:
    reason = f"{why}, and it was due more often than is counted" if count >= timetable.MOST - 1 else why
    return event.ScheduleMissed(schedule=what.name, count=count, reason=reason)


def _with(what: rules.Schedule, past: Past, instant: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The stretch goes on if nothing lies between its last instant and this one."""
    told = list(past.told)
    for number, (first, last) in enumerate(told):
        if last < instant and next(timetable.instants(what, past.since, last), None) == instant:
            told[number] = (first, instant)
            return tuple(told)
    return tuple(sorted([*told, (instant, instant)])[-STRETCHES:])


@frozen
class Standing:
    """A schedule that stands on the server."""

    workspace: str
    what: rules.Schedule

    @property
    def key(self) -> str:
        return f"{self.workspace}/{self.what.name}"


def standing(server: status.Server) -> dict[str, Standing]:
    """By key, those that are enabled and those that are not."""
    found = {}
    for workspace, text in server.rules.items():
        known = rules_changes.parse(text)
        for each in known.schedules if known is not None else ():
            one = Standing(workspace=workspace, what=each)
            found[one.key] = one
    return found


def unread(server: status.Server) -> frozenset[str]:
    """Workspaces whose rules cannot be read: what they say is unknown, never nothing."""
    return frozenset(name for name, text in server.rules.items() if rules_changes.parse(text) is None)


Say = Callable[[event.Body, str, str, Mapping[str, Any]], Awaitable[None]]
"""An event of a workspace and an address, with state to be kept in the same transaction."""


class Schedules:
    """A part of the daemon's."""

    name = STATE

    def __init__(
        self,
        clock: ports.Clock,
        alarm: ports.Alarm,
        say: Say,
        by_hand: Say,
        keep: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        """`keep` keeps state alone."""
        self._clock = clock
        self._alarm = alarm
        self._say = say
        self._by_hand = by_hand
        self._keep = keep
        self._past: dict[str, Past] = {}
        self._seed = uuid.uuid4().hex
        self._standing: dict[str, Standing] | None = None
        """None: nobody has looked yet."""
        self._epoch = ""
        self._unreadable: frozenset[str] = frozenset()
        self._why: dict[str, str] = {}
        """Of those whose next decision has a reason of its own to be late."""
        self._before: tuple[float, datetime] | None = None
        self._next: datetime | None = None
        self._troubles: dict[str, str] = {}
        self._alone = asyncio.Lock()

    def resume(self, kept: Any) -> None:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            self._seed, self._past = load(kept)

    def happened(self, events: Sequence[event.Event]) -> None:
        """It is the clock that tells."""

    def describe(self) -> Mapping[str, Any]:
        return {
            "schedules": len(self._standing or ()),
            "paused": sorted(key for key in self._standing or () if self._is_paused(key)),
            "next": None if self._next is None else event.stamp(self._next),
            "troubles": [f"{key}: {reason}" for key, reason in sorted(self._troubles.items())],
        }

    def _is_paused(self, key: str) -> bool:
        return key in self._past and self._past[key].paused

    async def looked(self, server: status.Server) -> None:
        found, unreadable = standing(server), unread(server)
        if (found, server.epoch, unreadable) != (self._standing, self._epoch, self._unreadable):
            self._standing, self._epoch, self._unreadable = found, server.epoch, unreadable
            self._alarm.ring()

    async def run(self) -> None:
        while True:
            if self._standing is not None:
                async with self._alone:
                    self._next = await self._turn(self._standing)
            await self._alarm.wait(self._next)

    async def _turn(self, there: Mapping[str, Standing]) -> datetime | None:
        now, why = self._clock.now(), self._reason()
        if self._adopt(there, now):
            await self._keep(self._kept())
        self._troubles.clear()
        times = []
        for key, each in there.items():
            if not each.what.enabled or (self._standing or {}).get(key) != each:
                continue  # while others were told it was taken away, or became another one: the alarm has rung
            try:
                made = decide(each.what, self._past[key], now, seed=self._seed, why=self._why.pop(key, why))
            except timetable.Unreadable as error:
                self._troubles[key] = str(error)
                continue
            await self._do(key, each.workspace, made, self._say)
            if made.next is not None:
                times.append(made.next)
        return min(times, default=None)

    async def _do(
        self,
        key: str,
        workspace: str,
        made: Decision,
        say: Say,
    ) -> None:
        for step in made.steps:
            self._past[key] = step.past
            await say(step.body, workspace, "", self._kept())
        self._past[key] = made.past

    def _reason(self) -> str:
        """Why something is late, if it is."""
        before, self._before = self._before, (self._clock.monotonic(), self._clock.now())
        if before is None:
            return DOWN
        lived, told = self._before[0] - before[0], self._before[1] - before[1]
        return SLEPT if abs(told - timedelta(seconds=lived)) > SET else HELD_UP

    def _adopt(self, there: Mapping[str, Standing], now: datetime) -> bool:
        """Whether anything is to be kept."""
        before = dict(self._past)
        for key, each in there.items():
            past = self._past.get(key)
            if not each.what.enabled:
                if past is not None:  # what comes while it is disabled is not missed
                    self._past[key] = dataclasses.replace(past, says="", epoch=self._epoch)
            elif past is None or past.says != says(each.what):
                self._past[key] = begun(each.what, now, self._epoch, past)
            elif past.epoch != self._epoch:
                self._why[key] = GONE
                self._past[key] = dataclasses.replace(past, epoch=self._epoch)
        # What stood on this very server was taken away; what stood on another one may come back with the next apply.
        absent = sorted(self._past.keys() - there.keys(), key=lambda key: self._past[key].upto)
        gone = [key for key in absent if self._past[key].epoch == self._epoch and not self._may_be(key)]
        for key in {*gone, *absent[:-ABSENT]}:
            del self._past[key]
        return before != self._past

    def _may_be(self, key: str) -> bool:
        return key.partition("/")[0] in self._unreadable

    def _kept(self) -> dict[str, Any]:
        return {STATE: dump(self._seed, self._past)}

    # --- by hand

    def rows(self, count: int) -> list[dict[str, Any]]:
        return rows(self._standing or {}, self._past, self._clock.now(), count)

    async def pause(self, workspace: str, name: str) -> None:
        """Nothing of it is due until `unpause`, through restarts and applies. `UsageError`: there is none."""
        async with self._alone:
            each = self._found(workspace, name)
            if not self._is_paused(each.key):
                self._past[each.key] = dataclasses.replace(self._past[each.key], paused=True)
                await self._by_hand(event.SchedulePaused(schedule=name), workspace, "", self._kept())
        self._alarm.ring()

    async def unpause(self, workspace: str, name: str) -> None:
        async with self._alone:
            each = self._found(workspace, name)
            if self._is_paused(each.key):
                made = resumed(each.what, self._past[each.key], self._clock.now(), seed=self._seed)
                await self._do(each.key, workspace, made, self._by_hand)
                await self._by_hand(event.ScheduleResumed(schedule=name), workspace, "", self._kept())
        self._alarm.ring()

    async def run_now(self, workspace: str, name: str) -> str:
        """Beside its times, also while it is paused. Gives the instant."""
        async with self._alone:
            each = self._found(workspace, name)
            at = event.stamp(self._clock.now())
            await self._by_hand(event.ScheduleDue(schedule=name, at=at), each.workspace, "", {})
            return at

    def _found(self, workspace: str, name: str) -> Standing:
        each = (self._standing or {}).get(f"{workspace}/{name}")
        if each is None:
            raise errors.UsageError(f"no schedule {name} of workspace {workspace} stands on the tmux server")
        if not each.what.enabled or each.key not in self._past:
            raise errors.UsageError(
                f"schedule {name} is not enabled",
                hint="its manifest says `enabled: false`: take that out, and apply",
            )
        return each


# --- as JSON


def dump(seed: str, past: Mapping[str, Past]) -> dict[str, Any]:
    return {
        "seed": seed,
        "known": {
            key: {
                "says": each.says,
                "since": each.since.isoformat(),
                "upto": each.upto.isoformat(),
                "told": [[first.isoformat(), last.isoformat()] for first, last in each.told],
                "paused": each.paused,
                "epoch": each.epoch,
            }
            for key, each in past.items()
        },
    }


def load(kept: Any) -> tuple[str, dict[str, Past]]:
    """Raises what comes when it is not what `dump` made: KeyError, TypeError, ValueError, AttributeError."""
    past = {
        str(key): Past(
            says=str(plain["says"]),
            since=_time(plain["since"]),
            upto=_time(plain["upto"]),
            told=tuple((_time(first), _time(last)) for first, last in plain["told"]),
            paused=plain["paused"] is True,
            epoch=str(plain["epoch"]),
        )
        for key, plain in kept["known"].items()
    }
    return str(kept["seed"]), past


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return found.astimezone(UTC)


def rows(
    there: Mapping[str, Standing], past: Mapping[str, Past], now: datetime, count: int
) -> list[dict[str, Any]]:
    """What `orchestra schedule` shows of each, with its next `count` times."""
    return [
        _row(each, past.get(key) or begun(each.what, now, ""), now, count)
        for key, each in sorted(there.items())
    ]


def _row(each: Standing, past: Past, now: datetime, count: int) -> dict[str, Any]:
    what, trouble, times = each.what, "", []
    kind, said = _said(what)
    try:
        where = timetable.zone(what)
        if what.enabled:
            coming = timetable.instants(what, past.since, now)
            times = list(itertools.islice((at for at in coming if not past.was_told(at)), count))
    except timetable.Unreadable as error:
        trouble, where = str(error), None
    state = "disabled" if not what.enabled else "paused" if past.paused else "active"
    if trouble:
        state = "unreadable"
    elif what.enabled and count and not times:
        state = "over"
    return {
        "workspace": each.workspace,
        "schedule": what.name,
        kind: said,
        "timezone": what.timezone,
        "jitter": what.jitter.total_seconds(),
        "misfire": what.misfire.value,
        "overlap": what.overlap.value,
        "state": state,
        **({"trouble": trouble} if trouble else {}),
        "since": event.stamp(past.since),
        "last": event.stamp(max(last for _, last in past.told)) if past.told else None,
        "next": [{"utc": event.stamp(at), "local": at.astimezone(where).isoformat()} for at in times],
    }


def _said(what: rules.Schedule) -> tuple[str, Any]:
    match what.time:
        case rules.Cron(expression=text):
            return "cron", text
        case rules.Every(interval=interval):
            return "every", interval.total_seconds()
        case rules.At(time=text):
            return "at", text
