"""What is decided about what a pane uses, as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

import pytest

from orchestra.engine.react import limits
from orchestra.engine.react.limits import Kind
from orchestra.model import rules

M = 1024.0**2


def run(
    asked: rules.Limits, samples: list[Mapping[Kind, float]], past: limits.Past | None = None
) -> list[limits.Verdict]:
    found = []
    past = past or limits.Past(pid=1)
    for figures in samples:
        found.append(limits.decide(asked, figures, past))
        past = found[-1].past
    return found


def told(verdicts: list[limits.Verdict]) -> list[list[str]]:
    return [
        [
            *(f"{each.kind}>{each.action}" for each in verdict.exceeded),
            *(f"{kind} kept" for kind in verdict.kept),
        ]
        for verdict in verdicts
    ]


WARN = rules.Limits(memory=int(100 * M))
KILL = dataclasses.replace(WARN, on_exceed=rules.Breach.KILL)


@pytest.mark.parametrize(
    ("asked", "megabytes", "expected"),
    [
        (WARN, [50, 100], [[], []]),  # as much as it may is not more
        (WARN, [101, 101, 101], [[], [], ["memory>warn"]]),
        (WARN, [101, 101, 99, 101, 101], [[], [], [], [], []]),  # in a row
        (WARN, [101] * 6, [[], [], ["memory>warn"], [], [], []]),  # once
        (WARN, [101] * 3 + [99] * 3, [[], [], ["memory>warn"], [], [], ["memory kept"]]),
        (WARN, [101] * 3 + [99, 101, 99, 99, 99], [[], [], ["memory>warn"], [], [], [], [], ["memory kept"]]),
        (
            dataclasses.replace(WARN, after=1),
            [101, 99, 101],
            [["memory>warn"], ["memory kept"], ["memory>warn"]],
        ),
        (KILL, [101] * 5, [[], [], ["memory>kill"], [], []]),
    ],
)
def test_a_limit_is_told_once_for_each_time_it_is_exceeded(
    asked: rules.Limits, megabytes: list[int], expected: list[list[str]]
) -> None:
    assert told(run(asked, [{Kind.MEMORY: each * M} for each in megabytes])) == expected


def test_what_ends_a_process_is_owed_until_it_is_done_and_not_decided_again() -> None:
    verdicts = run(KILL, [{Kind.MEMORY: 200 * M}] * 4)
    assert [each.past.owed for each in verdicts] == ["", "", "kill", "kill"]
    assert verdicts[2].past.why == "memory: 200M of 100M"
    assert verdicts[3].past is verdicts[2].past
    assert not run(WARN, [{Kind.MEMORY: 200 * M}] * 4)[-1].past.owed


@pytest.mark.parametrize("way", [rules.Breach.RESTART, rules.Breach.STOP, rules.Breach.KILL])
def test_a_fork_bomb_is_not_counted_three_times(way: rules.Breach) -> None:
    asked = rules.Limits(processes=10, on_exceed=way)
    (first,) = run(asked, [{Kind.PROCESSES: 21}])
    assert (first.past.owed, first.past.wild) == (way, True)
    assert not run(asked, [{Kind.PROCESSES: 20}])[0].past.owed
    assert not run(dataclasses.replace(asked, on_exceed=rules.Breach.WARN), [{Kind.PROCESSES: 500}])[
        0
    ].exceeded


def test_time_is_up_once() -> None:
    asked = rules.Limits(time=timedelta(seconds=5), on_exceed=rules.Breach.STOP)
    assert told(run(asked, [{Kind.TIME: 4.9}, {Kind.TIME: 5.1}, {Kind.TIME: 6.0}])) == [[], ["time>stop"], []]


def test_several_limits_at_once_are_all_told_and_one_thing_is_done() -> None:
    asked = rules.Limits(memory=100, processes=3, on_exceed=rules.Breach.STOP, after=1)
    (verdict,) = run(asked, [{Kind.MEMORY: 200, Kind.PROCESSES: 4}])
    assert told([verdict]) == [["memory>stop", "processes>stop"]]
    assert (verdict.past.owed, verdict.past.wild) == ("stop", False)


def test_a_figure_that_is_not_known_changes_nothing() -> None:
    asked = rules.Limits(cpu=50, output=10, after=2)
    verdicts = run(asked, [{Kind.CPU: 90}, {}, {Kind.CPU: 90}])
    assert told(verdicts) == [[], [], ["cpu>warn"]]


def throttled(usage: Mapping[str, float] | None = None) -> rules.Limits:
    return rules.Limits(cpu=20, on_exceed=rules.Breach.THROTTLE, after=1)


def test_a_throttled_hog_settles_at_its_limit() -> None:
    past, seen = limits.Past(pid=1), []
    for _ in range(20):
        used = 100 * past.share  # what it would have, times what it is let run
        past = limits.decide(throttled(), {Kind.CPU: used}, past).past
        seen.append(used)
    assert seen[0] == 100
    assert seen[-1] == pytest.approx(20, rel=0.01)


def test_what_would_use_less_is_let_go_a_while_later() -> None:
    past, events = limits.Past(pid=1), []
    for wanted in [100.0] * 5 + [2.0] * 40:
        verdict = limits.decide(throttled(), {Kind.CPU: min(wanted, 100 * past.share)}, past)
        past = verdict.past
        events += told([verdict])[0]
    assert events == ["cpu>throttle", "cpu kept"]
    assert past.share == 1.0


def test_what_cannot_be_throttled_is_told_and_left() -> None:
    asked = rules.Limits(memory=100, on_exceed=rules.Breach.THROTTLE, after=1)
    (verdict,) = run(asked, [{Kind.MEMORY: 200}])
    assert told([verdict]) == [["memory>throttle"]]
    assert (verdict.past.share, verdict.past.owed) == (1.0, "")


def test_a_limit_that_is_lifted_is_kept_and_lets_go() -> None:
    past = run(throttled(), [{Kind.CPU: 100}])[0].past
    assert past.share == pytest.approx(0.2)
    verdict = limits.decide(rules.Limits(memory=1), {Kind.CPU: 20}, past)
    assert (verdict.kept, verdict.past.share) == ((Kind.CPU,), 1.0)


def test_another_answer_to_the_same_excess_is_given() -> None:
    past = run(dataclasses.replace(WARN, after=1), [{Kind.MEMORY: 200 * M}])[0].past
    verdicts = run(dataclasses.replace(KILL, after=1), [{Kind.MEMORY: 200 * M}] * 2, past)
    assert told(verdicts) == [[], ["memory>kill"]]


def test_a_throttled_pane_that_a_new_daemon_finds_is_held_again_and_nothing_said() -> None:
    past = limits.Past(pid=1, told={"cpu": "throttle"})
    verdict = limits.decide(throttled(), {Kind.CPU: 100}, past)
    assert told([verdict]) == [[]]
    assert verdict.past.share == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("nearest", "counting", "seconds"),
    [(0.1, False, 30), (0.5, False, 3), (0.9, False, 1), (1.1, False, 0.5), (0.1, True, 0.5)],
)
def test_the_nearer_the_sooner(nearest: float, counting: bool, seconds: float) -> None:
    assert limits.interval(nearest, is_counting=counting) == seconds


def test_nearness_is_of_the_nearest_and_time_is_no_part_of_it() -> None:
    asked = rules.Limits(memory=100, cpu=50, time=timedelta(seconds=1))
    assert limits.nearness(asked, {Kind.MEMORY: 10, Kind.CPU: 40, Kind.TIME: 100}) == 0.8


def cues(**changed: float) -> limits.Cues:
    plain = {"tasks": 100, "memory": 1000, "busy": 0.0, "at": 0.0, **changed}
    return limits.Cues(
        tasks=int(plain["tasks"]), memory=int(plain["memory"]), busy=plain["busy"], at=plain["at"]
    )


def test_a_machine_that_moved_less_than_there_is_room_stirs_nobody() -> None:
    room = limits.room(
        {
            "a": (rules.Limits(processes=20, memory=500), {Kind.PROCESSES: 5, Kind.MEMORY: 100}),
            "b": (rules.Limits(processes=10), {Kind.PROCESSES: 1}),
        }
    )
    assert (room.processes, room.memory, room.cpu) == (9, 400, None)
    assert not limits.stirred(room, cues(), cues(tasks=109, memory=1400))
    assert limits.stirred(room, cues(), cues(tasks=110))
    assert limits.stirred(room, cues(), cues(memory=1401))
    assert limits.busier(room, 0, cues(), cues(busy=1000, at=1)) == (False, 0)


@pytest.mark.parametrize(
    ("level", "busy", "found"),
    [
        (0.0, 0.9, (True, 45.0)),
        (0.0, 0.7, (False, 0.0)),
        (100.0, 2.7, (False, 100.0)),  # always as busy
        (100.0, 2.9, (True, 145.0)),
        (100.0, 0.4, (False, 20.0)),  # less, and what comes then is seen from there
    ],
)
def test_a_machine_that_works_always_stirs_nobody(
    level: float, busy: float, found: tuple[bool, float]
) -> None:
    room = limits.room({"a": (rules.Limits(cpu=50), {Kind.CPU: 10})})
    is_busier, after = limits.busier(room, level, cues(), cues(busy=busy, at=2))
    assert is_busier == found[0]
    assert after == pytest.approx(found[1])


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("memory", 1.5 * 1024**3, "1.5G"),
        ("output", 2048, "2K/s"),
        ("memory", 3, "3"),
        ("cpu", 49.6, "50%"),
        ("time", 2.5, "2.5s"),
        ("time", 7200, "7200s"),
        ("processes", 12, "12"),
    ],
)
def test_figures_read_as_people_write_them(kind: str, value: float, text: str) -> None:
    assert limits.shown(kind, value) == text
