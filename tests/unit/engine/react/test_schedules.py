"""What is due is told once, whoever is killed, and however the clock is set."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.engine.react import schedules
from orchestra.model import errors, event, rules, status
from orchestra.plan import rules_changes, timetable

WORLDS = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else 100
BEGIN = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""A day before Europe's clocks are put forward."""
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def cron(text: str, zone: str = "UTC", **more: Any) -> rules.Schedule:
    return rules.Schedule(name="x", time=rules.Cron(expression=text), timezone=zone, do=(), **more)


def every(interval: timedelta, **more: Any) -> rules.Schedule:
    return rules.Schedule(name="x", time=rules.Every(interval=interval), do=(), **more)


def told(made: schedules.Decision) -> list[tuple[str, Any]]:
    return [
        ("due", datetime.fromisoformat(each.body.at) - BEGIN)
        if isinstance(each.body, event.ScheduleDue)
        else ("missed", each.body.count)
        for each in made.steps
    ]


SKIP = rules.Misfire.SKIP


@pytest.mark.parametrize(
    ("what", "after", "wanted"),
    [
        (cron("0 * * * *"), 59 * MINUTE, []),
        (cron("0 * * * *"), HOUR, [("due", HOUR)]),
        (cron("0 * * * *"), HOUR + MINUTE, [("due", HOUR)]),  # late, not missed
        (cron("0 * * * *", misfire=SKIP), HOUR + MINUTE, [("due", HOUR)]),
        (cron("0 * * * *"), HOUR + 2 * MINUTE, [("due", HOUR)]),
        (cron("0 * * * *", misfire=SKIP), HOUR + 2 * MINUTE, [("missed", 1)]),
        (cron("0 * * * *"), 5.5 * HOUR, [("missed", 4), ("due", 5 * HOUR)]),
        (cron("0 * * * *", misfire=SKIP), 5.5 * HOUR, [("missed", 5)]),
        (cron("0 * * * *", misfire=SKIP), 5 * HOUR, [("missed", 4), ("due", 5 * HOUR)]),
        (every(10 * SECOND), 35 * SECOND, [("missed", 2), ("due", 30 * SECOND)]),
        (every(10 * SECOND, misfire=SKIP), 35 * SECOND, [("missed", 2), ("due", 30 * SECOND)]),
        (cron("0 * * * *", jitter=HOUR), HOUR, []),
        (cron("0 * * * *", jitter=HOUR), 2 * HOUR, [("due", HOUR)]),
    ],
)
def test_what_is_decided(what: rules.Schedule, after: timedelta, wanted: list[tuple[str, Any]]) -> None:
    past = schedules.begun(what, BEGIN, "1")
    made = schedules.decide(what, past, BEGIN + after)
    assert told(made) == wanted
    again = schedules.decide(what, made.past, BEGIN + after)
    assert (again.steps, again.next) == ((), made.next)


def test_once_is_once() -> None:
    what = rules.Schedule(name="x", time=rules.At(time="2026-03-28 13:00"), timezone="UTC", do=())
    past = schedules.begun(what, BEGIN, "1")
    made = schedules.decide(what, past, BEGIN + 24 * HOUR)
    assert told(made) == [("due", HOUR)]
    assert made.next is None
    assert told(schedules.decide(what, made.past, BEGIN - 24 * HOUR)) == []
    assert told(schedules.decide(what, made.past, BEGIN + 48 * HOUR)) == []
    over = schedules.begun(what, BEGIN + 2 * HOUR, "1")
    assert schedules.decide(what, over, BEGIN + 3 * HOUR).steps == ()


def test_a_clock_that_was_set_a_year_ahead_and_back() -> None:
    what = cron("0 * * * *")
    past = schedules.decide(what, schedules.begun(what, BEGIN, "1"), BEGIN + HOUR).past
    ahead = schedules.decide(what, past, BEGIN + 365 * 24 * HOUR)
    assert told(ahead) == [("missed", timetable.MOST - 1), ("due", 365 * 24 * HOUR)]
    assert "more often than is counted" in str(ahead.steps[0].body)
    back = schedules.decide(what, ahead.past, BEGIN + HOUR + MINUTE)
    assert (told(back), back.next) == ([], BEGIN + 2 * HOUR)
    assert told(schedules.decide(what, back.past, BEGIN + 2 * HOUR)) == [("due", 2 * HOUR)]
    later = schedules.decide(what, back.past, BEGIN + 365 * 24 * HOUR)
    assert ("due", 365 * 24 * HOUR) not in told(later)  # it was, once


def test_a_pause_is_told_when_it_ends() -> None:
    what = cron("0 * * * *")
    past = dataclasses.replace(schedules.begun(what, BEGIN, "1"), paused=True)
    assert schedules.decide(what, past, BEGIN + 5 * HOUR) == schedules.Decision(
        steps=(), past=past, next=None
    )
    made = schedules.resumed(what, past, BEGIN + 5 * HOUR)
    assert told(made) == [("missed", 5)]
    assert made.next == BEGIN + 6 * HOUR
    assert not made.past.paused
    assert told(schedules.decide(what, made.past, BEGIN + 6 * HOUR)) == [("due", 6 * HOUR)]


# --- worlds

SCHEDULES = st.one_of(
    st.builds(
        cron,
        st.sampled_from(
            [
                "* * * * *",
                "*/15 * * * *",
                "30 2 * * *",
                "0,30 2,3 * * *",
                "0 * * * *",
                "*/30 0 * * *",
                "5 4 * * SUN",
            ]
        ),
        st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
        misfire=st.sampled_from(rules.Misfire),
        jitter=st.sampled_from([timedelta(0), timedelta(0), 20 * SECOND, 2 * HOUR]),
    ),
    st.builds(
        every,
        st.sampled_from([7 * MINUTE, 90 * MINUTE, 25 * HOUR]),
        misfire=st.sampled_from(rules.Misfire),
        jitter=st.sampled_from([timedelta(0), 30 * SECOND]),
    ),
)
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "passes",
                "passes",
                "passes",
                "sleeps",
                "is set",
                "is set ahead and back",
                "is killed",
                "is killed in between",
                "pauses",
            ]
        ),
        st.integers(1, 5 * 3600),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


class World:
    """A clock, a daemon, and what it kept: all that outlives it."""

    def __init__(self, what: rules.Schedule, begin: datetime) -> None:
        self.what, self.now = what, begin
        self.past = schedules.begun(what, begin, "1")
        self.due: list[datetime] = []
        self.missed = 0
        self.had_to: set[datetime] = set()
        """What came while the daemon ran."""
        self.was_set_back = False

    def keep(self, past: schedules.Past) -> None:
        _, known = schedules.load(json.loads(json.dumps(schedules.dump("s", {"x": past}))))
        assert known["x"] == past
        self.past = known["x"]

    def decide(self, *, dies_after: int = 100) -> datetime | None:
        made = schedules.decide(self.what, self.past, self.now, seed="s")
        for step in made.steps[:dies_after]:
            if isinstance(step.body, event.ScheduleDue):
                at = datetime.fromisoformat(step.body.at)
                assert at <= self.now, "never early"
                assert at not in self.due, "never twice"
                self.due.append(at)
            else:
                self.missed += step.body.count
            self.keep(step.past)
        if len(made.steps) <= dies_after:
            self.past = made.past
        return made.next

    def pass_(self, span: timedelta) -> None:
        """With a daemon that is woken when it asked to be."""
        end, begin = self.now + span, self.now
        while (turn := self.decide()) is not None and turn <= end:
            assert turn > self.now
            self.now = turn
        self.now = end
        self.decide()
        if not self.past.paused:
            self.had_to |= {each for each in self.instants(begin, end) if self.turn(each) <= end}

    def instants(self, begin: datetime, end: datetime) -> list[datetime]:
        found = timetable.instants(self.what, self.past.since, begin)
        return list(itertools.takewhile(lambda each: each <= end, found))

    def turn(self, instant: datetime) -> datetime:
        following = next(timetable.instants(self.what, self.past.since, instant), None)
        return timetable.due(self.what, instant, following, "s")

    def happen(self, kind: str, seconds: int, flag: bool) -> None:
        span = timedelta(seconds=seconds)
        match kind:
            case "passes":
                self.pass_(span)
            case "sleeps" | "is killed":
                self.now += span * (15 if flag else 1)  # no more than is counted
                self.decide()
            case "is set":
                self.now += span if flag else -span
                self.was_set_back |= not flag
                self.decide()
            case "is set ahead and back":
                self.now += span
                self.was_set_back = True
                self.decide()
                self.now -= span
                self.decide()
                self.pass_(span / 2)
            case "is killed in between":
                self.now += span
                self.decide(dies_after=int(flag))
                self.now += SECOND
                self.decide()
            case _:
                self.past = dataclasses.replace(self.past, paused=True)
                self.pass_(span)
                made = schedules.resumed(self.what, self.past, self.now, seed="s")
                self.missed += sum(
                    step.body.count for step in made.steps if isinstance(step.body, event.ScheduleMissed)
                )
                self.keep(made.past)


@pytest.mark.torture
@hypothesis.settings(max_examples=WORLDS)
@hypothesis.given(SCHEDULES, st.integers(0, 40 * 3600), HAPPENINGS)
def test_worlds(what: rules.Schedule, begin: int, happenings: list[tuple[str, int, bool]]) -> None:
    """10,000 under the torture profile. Never early, never twice; what came while the daemon ran is told; the rest is told as missed."""
    here = World(what, BEGIN + begin * SECOND)
    first = here.now
    for each in happenings:
        here.happen(*each)
    assert here.had_to <= set(here.due)
    if not here.was_set_back:
        came = [each for each in here.instants(first, here.now) if self_turn(here, each)]
        assert len(came) == len(here.due) + here.missed


def self_turn(here: World, instant: datetime) -> bool:
    """It has come. Whether a jitter was waited for when a pause ended does not matter: it counts as missed then, or is due."""
    return here.turn(instant) <= here.now


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago"])
def test_days_are_simulated(zone: str) -> None:
    """A day and a half in which Europe's clocks are set: every instant, exactly when it is due."""
    for text in ("* * * * *", "30 2 * * *", "0 */2 * * *"):
        here = World(cron(text, zone), BEGIN)
        here.pass_(36 * HOUR)
        assert here.due == here.instants(BEGIN, BEGIN + 36 * HOUR)
        assert here.missed == 0


# --- the part


class Clock:
    """Goes on when the alarm waits; then it is wound up again."""

    def __init__(self) -> None:
        self.told, self.lived = BEGIN, 0.0
        self.end = BEGIN
        self.rung = asyncio.Event()

    def now(self) -> datetime:
        return self.told

    def monotonic(self) -> float:
        return self.lived

    def ring(self) -> None:
        self.rung.set()

    async def wait(self, until: datetime | None) -> None:
        await asyncio.sleep(0)
        if not self.rung.is_set() and until is not None and until <= self.end:
            self.lived += (until - self.told).total_seconds()
            self.told = max(until, self.told)
            return
        await self.rung.wait()
        self.rung.clear()


class Daemon:
    def __init__(self, clock: Clock, kept: Any = None) -> None:
        self.clock = clock
        self.kept = kept
        self.said: list[tuple[str, str, event.Body]] = []
        self.part = schedules.Schedules(
            clock, clock, self.say_as("schedules"), self.say_as("a person"), self.keep
        )
        self.part.resume(kept)

    def say_as(self, cause: str) -> schedules.Say:
        async def say(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
            assert not address
            self.said.append((cause, workspace, body))
            if state:
                await self.keep(state)

        return say

    async def keep(self, state: Mapping[str, Any]) -> None:
        self.kept = json.loads(json.dumps(state[schedules.STATE]))

    async def run(self, span: timedelta = timedelta(0)) -> None:
        self.clock.end = self.clock.told + span
        task = asyncio.get_running_loop().create_task(self.part.run())
        self.clock.ring()
        for _ in range(100_000):
            await asyncio.sleep(0)
            if not self.clock.rung.is_set() and (self.part._next or self.clock.end) >= self.clock.end:
                break
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        self.clock.lived += (self.clock.end - self.clock.told).total_seconds()
        self.clock.told = self.clock.end

    def bodies(self) -> list[event.Body]:
        said, self.said = self.said, []
        return [body for _, _, body in said]


def server(*what: rules.Schedule, epoch: int = 1, running: bool = True, **other: str) -> status.Server:
    text = rules_changes.text(rules.Rules(schedules=what))
    return status.Server(
        running=running, pid=1, started=epoch, rules={**({"w": text} if text else {}), **other}
    )


def due(hours: float) -> event.ScheduleDue:
    return event.ScheduleDue(schedule="x", at=event.stamp(BEGIN + hours * HOUR))


def test_its_life() -> None:
    async def live() -> None:
        what = cron("0 * * * *")
        here = Daemon(Clock())
        await here.run()
        await here.part.looked(server(what))
        await here.run(2.5 * HOUR)
        assert here.bodies() == [due(1), due(2)]
        here.clock.told += 2 * HOUR  # the machine sleeps
        await here.run()
        assert here.bodies() == [
            event.ScheduleMissed(schedule="x", count=1, reason=schedules.SLEPT),
            due(4),
        ]
        after = Daemon(here.clock, here.kept)
        after.clock.told += HOUR
        after.clock.lived += 3600
        await after.part.looked(server(what))
        await after.run()
        assert after.bodies() == [due(5)]
        await after.part.looked(server(dataclasses.replace(what, misfire=SKIP), running=False, epoch=1))
        after.clock.told += 3 * HOUR
        await after.part.looked(server(dataclasses.replace(what, misfire=SKIP), epoch=2))
        await after.run()
        assert after.bodies() == [event.ScheduleMissed(schedule="x", count=3, reason=schedules.GONE)]

    asyncio.run(live())


def test_what_is_taken_away_is_forgotten_and_what_cannot_be_read_is_not() -> None:
    async def live() -> None:
        what = every(HOUR)
        here = Daemon(Clock())
        await here.part.looked(server(what))
        await here.run(90 * MINUTE)
        assert here.bodies() == [due(1)]
        await here.part.looked(status.Server(running=True, pid=1, started=1, rules={"w": "?"}))
        await here.run()
        assert set(here.kept["known"]) == {"w/x"}
        assert here.part.describe()["schedules"] == 0
        await here.part.looked(status.Server(running=True, pid=1, started=1))
        await here.run()
        assert here.kept["known"] == {}
        await here.part.looked(server(what))
        await here.run(HOUR)
        assert here.bodies() == [due(2.5)]  # counted from when it was applied again
        await here.part.looked(server(every(30 * MINUTE)))
        await here.run(HOUR)
        assert here.bodies() == [due(3), due(3.5)]
        await here.part.looked(server(dataclasses.replace(what, enabled=False)))
        await here.run(3 * HOUR)
        assert here.bodies() == []

    asyncio.run(live())


def test_a_persons_hand() -> None:
    async def live() -> None:
        what = cron("0 * * * *")
        here = Daemon(Clock())
        await here.part.looked(server(what, cron_other()))
        await here.run()
        with pytest.raises(errors.UsageError):
            await here.part.pause("w", "y")
        with pytest.raises(errors.UsageError, match="not enabled"):
            await here.part.pause("w", "other")
        await here.part.pause("w", "x")
        await here.part.pause("w", "x")
        await here.run(2 * HOUR)
        assert here.bodies() == [event.SchedulePaused(schedule="x")]
        again = Daemon(here.clock, here.kept)
        await again.part.looked(server(what, cron_other(), epoch=2))  # another daemon, another server
        await again.run(HOUR)
        assert again.bodies() == []
        assert again.part.describe()["paused"] == ["w/x"]
        at = await again.part.run_now("w", "x")
        await again.part.unpause("w", "x")
        assert again.said == [
            ("a person", "w", event.ScheduleDue(schedule="x", at=at)),
            ("a person", "w", event.ScheduleMissed(schedule="x", count=3, reason=schedules.PAUSED)),
            ("a person", "w", event.ScheduleResumed(schedule="x")),
        ]
        again.said.clear()
        await again.run(HOUR)
        assert again.bodies() == [due(4)]

    asyncio.run(live())


def cron_other() -> rules.Schedule:
    return dataclasses.replace(cron("0 * * * *"), name="other", enabled=False)


def test_what_stands_there_and_cannot_be_due() -> None:
    async def live() -> None:
        here = Daemon(Clock())
        await here.part.looked(
            server(cron("0 * * * *", "Nowhere/Else"), dataclasses.replace(every(HOUR), name="y"))
        )
        await here.run(HOUR)
        assert [str(body) for body in here.bodies()] == [str(dataclasses.replace(due(1), schedule="y"))]
        assert here.part.describe()["troubles"] == ["w/x: there is no time zone 'Nowhere/Else' here"]
        bad, good = here.part.rows(2)
        assert (bad["state"], bad["next"]) == ("unreadable", [])
        assert (good["state"], [each["utc"] for each in good["next"]]) == (
            "active",
            [event.stamp(BEGIN + 2 * HOUR), event.stamp(BEGIN + 3 * HOUR)],
        )

    asyncio.run(live())


@pytest.mark.parametrize(
    "kept", [None, 3, {}, {"seed": 1, "known": 2}, {"seed": "s", "known": {"w/x": {"says": 1}}}]
)
def test_what_was_kept_and_cannot_be_read(kept: Any) -> None:
    async def live() -> None:
        here = Daemon(Clock(), kept)
        await here.part.looked(server(cron("0 * * * *")))
        await here.run(HOUR)
        assert here.bodies() == [due(1)]

    asyncio.run(live())


def test_what_is_taken_away_while_another_is_told_is_not_due() -> None:
    async def live() -> None:
        clock = Clock()
        daemon = Daemon(clock)
        one, two = (dataclasses.replace(every(HOUR), name=name) for name in ("one", "two"))
        await daemon.part.looked(server(one, two))
        await daemon.run()
        say = daemon.part._say

        async def late(*what: Any) -> None:
            await daemon.part.looked(server(one))
            await say(*what)

        daemon.part._say = late
        await daemon.run(HOUR)
        assert [each.schedule for each in daemon.bodies() if isinstance(each, event.ScheduleDue)] == ["one"]

    asyncio.run(live())
