from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.engine.react import health
from orchestra.model import spec, status, verdicts
from orchestra.plan import record
from tests.support import health_reference

CHECK = spec.Health(
    probe=spec.TcpProbe(host="h", port=1),
    interval=timedelta(seconds=10),
    failure_threshold=3,
    success_threshold=1,
    errors="ERROR",
    recovery=timedelta(seconds=30),
)
GOOD, BAD = status.Attempt(healthy=True, reason="fine"), status.Attempt(healthy=False, reason="refused")
NOT = status.Attempt(healthy=False, reason="no more files", measured=False)
LINE = "line"
START = datetime(2026, 5, 4, tzinfo=UTC)


def now(lived: float) -> health.Now:
    return health.Now(lived=lived, time=START + timedelta(seconds=lived))


def pane(check: spec.Health | None = CHECK, *, dead: bool = False, pid: int = 7, **more: Any) -> status.Pane:
    stage = more.pop("stage", status.Stage.DONE)
    want = spec.Pane(address="s/p", command="x", dir="/", health=check)
    mark = status.Mark(workspace="w", address="s/p", uid="u", stage=stage)
    return status.Pane(
        id="%1", index=0, pid=pid, dead=dead, mark=mark, record=record.pane_text(want, {}), **more
    )


def server(*panes: status.Pane) -> status.Server:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=panes)
    return status.Server(
        running=True, pid=1, started=1, sessions=(status.Session(id="$1", name="s", windows=(window,)),)
    )


def seen(*args: Any, **more: Any) -> health.Seen:
    (found,) = health.seen(server(pane(*args, **more)))
    return found


def began(check: spec.Health = CHECK) -> health.Known:
    return health.looked(None, seen(check), now(0))


def test_every_sign_has_a_row_and_every_row_is_whole() -> None:
    assert set(health.TABLE) == {(before, sign) for before in status.Health for sign in health.Sign}


def test_the_page_is_drawn_from_the_table() -> None:
    assert health_reference.PAGE.read_text() == health_reference.page(), (
        "run .venv/bin/python -m tests.support.health_reference"
    )


U, H, D, X = status.Health.UNKNOWN, status.Health.HEALTHY, status.Health.DEGRADED, status.Health.UNHEALTHY


@pytest.mark.parametrize(
    ("found", "running", "told", "reason"),
    [
        ({}, True, U, "it has not answered a probe yet"),
        ({"check": None}, True, H, "it runs"),
        ({"dead": True}, False, U, "it has not answered a probe yet"),  # tmux does not know yet how
        ({"dead": True, "exit_code": 0}, False, U, "it exited with code 0"),
        ({"dead": True, "exit_code": 3}, False, X, "it exited with code 3"),
        ({"dead": True, "signal": 9}, False, X, "it was ended by signal 9"),
        ({"stage": status.Stage.WAITING}, False, U, "it was never started"),
        ({"stage": status.Stage.WAITING, "dead": True, "exit_code": 0}, False, U, "it was never started"),
        ({"stage": status.Stage.STOPPED, "dead": True, "signal": 15}, False, U, "a person stopped it"),
        ({"stage": status.Stage.STOPPED}, False, U, "a person stopped it"),
        ({"stage": status.Stage.TYPING, "check": None}, True, H, "it runs"),
    ],
)
def test_what_one_look_tells(found: dict[str, Any], running: bool, told: status.Health, reason: str) -> None:
    each = seen(**found)
    assert each.running is running
    verdict = health.verdict(each, now(0))
    assert (verdict.health, verdict.reason, verdict.since) == (told, reason, None)
    assert verdict.over is ("code 0" in reason)


@pytest.mark.parametrize(
    ("check", "steps", "told"),
    [
        ({}, [(0.1, GOOD)], H),
        ({}, [(0.1, BAD), (0.2, BAD), (0.4, BAD), (0.8, BAD), (1.6, BAD)], U),  # it starts
        ({}, [(10, BAD), (20, BAD)], U),
        ({}, [(10, BAD), (20, BAD), (30, BAD)], X),
        ({}, [(10, BAD), (20, BAD), (21, BAD), (22, BAD)], U),  # too soon after another
        ({}, [(0.1, GOOD), (10, BAD), (20, BAD)], H),
        ({}, [(0.1, GOOD), (10, BAD), (20, BAD), (30, GOOD), (40, BAD), (50, BAD)], H),  # it flaps
        ({}, [(0.1, GOOD), (10, BAD), (20, BAD), (30, BAD)], X),
        ({}, [(0.1, GOOD), (10, BAD), (20, BAD), (30, BAD), (40, GOOD)], H),
        ({"success_threshold": 2}, [(0.1, GOOD)], U),
        ({"success_threshold": 2}, [(0.1, GOOD), (0.2, BAD), (0.3, GOOD)], U),
        ({"success_threshold": 2}, [(0.1, GOOD), (0.2, GOOD)], H),
        ({"start_period": timedelta(seconds=60)}, [(10 * n, BAD) for n in range(1, 8)], U),
        ({"start_period": timedelta(seconds=60)}, [(10 * n, BAD) for n in range(1, 10)], X),
        (
            {"start_period": timedelta(seconds=60)},
            [(1, GOOD), (11, BAD), (21, BAD), (31, BAD)],
            X,
        ),  # it is up
        ({"failure_threshold": 1}, [(0.1, GOOD), (10, BAD)], X),
        # what is not measured is neither well nor ill
        ({}, [(0.1, GOOD), (10, NOT), (20, NOT)], H),
        ({}, [(0.1, GOOD), (10, NOT), (20, NOT), (30, NOT)], U),
        ({}, [(0.1, GOOD), (10, BAD), (20, NOT), (30, BAD)], H),
        ({}, [(10, BAD), (20, BAD), (30, BAD), (40, NOT), (50, NOT), (60, NOT)], U),
        # lines
        ({}, [(0.1, LINE)], U),
        ({}, [(0.1, LINE), (0.2, GOOD)], D),
        ({}, [(0.1, GOOD), (1, LINE)], D),
        ({}, [(0.1, GOOD), (1, LINE), (10, GOOD), (20, GOOD)], D),
        ({}, [(0.1, GOOD), (1, LINE), (30.9, None)], D),
        ({}, [(0.1, GOOD), (1, LINE), (31, None)], H),
        ({}, [(0.1, GOOD), (1, LINE), (20, LINE), (31, None)], D),
        ({}, [(0.1, GOOD), (1, LINE), (20, LINE), (50, None)], H),
        ({}, [(0.1, GOOD), (1, LINE), (11, BAD), (21, BAD), (31, BAD), (32, None)], X),
        ({}, [(0.1, GOOD), (11, BAD), (21, BAD), (31, BAD), (32, LINE)], X),
        ({}, [(0.1, GOOD), (11, BAD), (21, BAD), (31, BAD), (32, LINE), (41, GOOD)], D),
    ],
)
def test_what_becomes_of_it(
    check: dict[str, Any], steps: list[tuple[float, Any]], told: status.Health
) -> None:
    how = dataclasses.replace(CHECK, **check)
    known = began(how)
    for at, what in steps:
        known = _step(known, how, what, now(at))
    assert known.verdict.health is told


def _step(known: health.Known, how: spec.Health, what: Any, at: health.Now) -> health.Known:
    if what is None:
        return health.waited(known, how, at)
    return health.printed(known, what, at) if isinstance(what, str) else health.tried(known, how, what, at)


def test_since_when_and_why() -> None:
    known = began()
    for at, what in ((1.0, GOOD), (11.0, BAD), (21.0, BAD), (31.0, BAD), (41.0, BAD)):
        known = _step(known, CHECK, what, now(at))
    assert known.verdict == verdicts.Verdict(health=X, reason="refused", since=now(31).time)


def test_it_is_ill_only_where_that_was_asked_for() -> None:
    cure = dataclasses.replace(CHECK, restart_unhealthy=True)
    for how, ill in ((CHECK, ""), (cure, "refused")):
        known = began(how)
        for at in (10, 20, 30):
            known = health.tried(known, how, BAD, now(at))
        assert known.ill == ill
        dead = health.looked(known, seen(how, dead=True, exit_code=0), now(31))
        assert (dead.ill, dead.verdict.health) == (ill, U)  # its end says nothing: we asked for it
        assert health.looked(dead, seen(how, pid=8), now(32)).ill == ""
        well = health.tried(known, how, GOOD, now(40))
        assert (well.ill, health.spared(well).ill, health.spared(known).ill) == (ill, "", ill)


def test_another_process_begins_anew_and_the_same_one_goes_on() -> None:
    known = health.tried(began(), CHECK, GOOD, now(1))
    assert health.looked(known, seen(), now(2)) is known
    for other in (seen(pid=8), seen(dataclasses.replace(CHECK, interval=timedelta(seconds=1)))):
        again = health.looked(known, other, now(2))
        assert (again.verdict.health, again.passes) == (U, 0)


def test_a_server_that_does_not_answer_makes_unknown_what_only_it_knows() -> None:
    probed = health.tried(began(), CHECK, GOOD, now(1))
    assert health.unseen(probed, seen(), "tmux", now(2)) is probed
    bare = health.looked(None, seen(None), now(0))
    assert health.unseen(bare, seen(None), "tmux", now(2)).verdict.health is U
    ended = health.looked(bare, seen(None, dead=True, exit_code=1), now(1))
    assert health.unseen(ended, seen(None, dead=True, exit_code=1), "tmux", now(2)).verdict.health is X


@pytest.mark.parametrize(
    ("panes", "told"),
    [
        ([H, H], verdicts.Verdict(health=H)),
        ([H, U], verdicts.Verdict(health=U, reason="s/1: why")),
        ([H, D, U], verdicts.Verdict(health=D, reason="s/1: why")),
        ([X, D, X], verdicts.Verdict(health=X, reason="s/0: why")),
        ([H, None], verdicts.Verdict(health=H)),
        ([X, None], verdicts.Verdict(health=X, reason="s/0: why")),
        ([None], verdicts.Verdict(health=U, reason="nothing in it runs any more", over=True)),
        ([], verdicts.Verdict(health=U, reason="nothing in it runs any more", over=True)),
    ],
)
def test_a_session_is_as_its_worst_pane(panes: list[status.Health | None], told: verdicts.Verdict) -> None:
    judged = [verdicts.Verdict(health=each or U, reason="why", over=each is None) for each in panes]
    assert verdicts.worst((f"s/{n}", each) for n, each in enumerate(judged)) == told


STEPS = st.lists(
    st.tuples(
        st.floats(0.01, 40),
        st.one_of(
            st.sampled_from([GOOD, BAD, NOT, LINE, None]),
            st.sampled_from(
                [
                    {}, {"pid": 8}, {"dead": True, "exit_code": 0}, {"dead": True, "exit_code": 1},
                    {"dead": True}, {"stage": status.Stage.STOPPED},
                ]
            ),
        ),
    ),
    max_size=40,
)  # fmt: skip


@given(
    STEPS,
    st.builds(
        lambda failures, passes, period: dataclasses.replace(
            CHECK,
            failure_threshold=failures,
            success_threshold=passes,
            start_period=timedelta(seconds=period),
            restart_unhealthy=True,
        ),
        st.integers(1, 4),
        st.integers(1, 3),
        st.integers(0, 60),
    ),
)
def test_what_always_holds(steps: list[tuple[float, Any]], how: spec.Health) -> None:
    """Whatever comes: nothing is well that was not measured so, nothing ill before it failed often and long enough."""
    lived, there = 0.0, seen(how)
    known = health.looked(None, there, now(0))
    good, bad, bad_since = 0, 0, 0.0
    for wait, what in steps:
        lived += wait
        before = known
        if isinstance(what, dict):
            there = seen(how, **what)
            if there.pid != known.pid:
                good = bad = 0
            known = health.looked(known, there, now(lived))
        elif there.running:
            known = _step(known, how, what, now(lived))
            if isinstance(what, status.Attempt):
                if what.measured and not what.healthy and not bad:
                    bad_since = lived
                good = good + 1 if what.healthy else 0
                bad = 0 if what.healthy else bad + what.measured
        after = known.verdict
        if after.health in (H, D) and before.verdict.health in (U, X):
            assert good >= how.success_threshold
        if after.health is X and before.verdict.health is not X:
            failed = bad >= how.failure_threshold and (
                lived - bad_since
                >= (how.failure_threshold - 1) * how.interval.total_seconds() * health.SPACING - 1e-6
            )
            assert failed or there.sign is health.Sign.ENDED
        if not there.running and there.sign is not None:
            assert after.health in (U, X)
        if after.health is not before.verdict.health:
            assert after.since == now(lived).time
        if known.ill and known.pid == before.pid and not before.ill:
            assert after.health is X
