from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestra.model import rules, selector
from orchestra.plan import conflicts

NOW = datetime(2026, 11, 27, 12, 0, 30, tzinfo=UTC)
PANES = tuple(selector.Candidate(address=each) for each in ("api/a", "api/b", "db/a"))


def types(name: str, time: Any, to: str, **more: Any) -> rules.Schedule:
    do = (rules.Reaction(act=rules.SendKeys(keys=("x",), to=to)),)
    return rules.Schedule(name=name, time=time, timezone="UTC", do=do, **more)


def cron(text: str) -> rules.Cron:
    return rules.Cron(expression=text)


def every(minutes: int) -> rules.Every:
    return rules.Every(interval=timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (types("x", cron("0 9 * * *"), "api/a"), types("y", cron("0 * * * *"), "api/*"), "next at 2026-11-28T09:00:00Z, and 8 times"),
        (types("x", cron("0 9 * * *"), "api/a"), types("y", cron("0 * * * *"), "api/b"), None),
        (types("x", cron("0 9 * * *"), "api/a"), types("y", cron("5 * * * *"), "@all"), None),
        (types("x", cron("0 9 * * *"), "api/a"), types("y", cron("0 * * * *"), "@all", jitter=timedelta(minutes=1)), None),
        (types("x", cron("0 9 * * *"), "api/a"), types("y", cron("0 * * * *"), "@all", enabled=False), None),
        (types("x", every(20), "api/a"), types("y", every(30), "@all"), "next at 2026-11-27T13:00:30Z, and 192 times"),
        (types("x", cron("0 9 * * *"), "api/a"), types("y", every(1), "@all"), None),  # not known before it is applied
        (types("x", rules.At(time="2026-11-29 10:00"), "api/a"), types("y", cron("0 10 * * *"), "api"),
         "next at 2026-11-29T10:00:00Z, and 1 time"),
        (types("x", rules.At(time="2026-12-29 10:00"), "api/a"), types("y", cron("0 10 * * *"), "api"), None),  # too far
        (types("x", cron("0 0 31 2 *"), "api/a"), types("y", cron("0 10 * * *"), "api"), None),
    ],
)  # fmt: skip
def test_what_types_at_once(one: rules.Schedule, other: rules.Schedule, said: str | None) -> None:
    known = rules.Rules(schedules=(one, other))
    found = conflicts.of(known, conflicts.typed(known, PANES, {}), NOW, {})
    assert len(found) == (said is not None)
    if said is not None:
        assert f"{said} within 8 days" == found[0].detail
        assert found[0].summary == 'schedules "x" and "y" type into api/a at the same instant'


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (rules.At(time="2026-11-27 12:00"), 'schedule "x" is never due: its time has passed'),
        (rules.At(time="2026-11-27 12:01"), None),
        (rules.At(time="2026-11-27T14:00+03:00"), 'schedule "x" is never due: its time has passed'),
        (cron("0 0 31 2 *"), 'schedule "x" is never due'),
        (cron("0 0 29 2 *"), None),
        (every(60 * 24 * 365), None),
    ],
)
def test_what_is_never_due(time: Any, said: str | None) -> None:
    one = types("x", time, "api/a")
    known = rules.Rules(schedules=(one, dataclasses.replace(one, name="off", enabled=False)))
    found = [each.summary for each in conflicts.never(known, NOW, {})]
    assert found == ([] if said is None else [said])


def test_every_that_was_applied_and_triggers_on_schedules() -> None:
    known = rules.Rules(
        schedules=(types("x", every(60), "api/a"), rules.Schedule(name="y", time=cron("0 * * * *"), do=())),
        triggers=(
            rules.Trigger(
                name="t",
                on=rules.OnSchedule(schedule="y"),
                do=(rules.Reaction(act=rules.SendKeys(keys=("x",), to="@g")),),
            ),
        ),
    )
    panes = conflicts.typed(known, PANES, {"g": ("api/a", "db/a")})
    assert panes == {"x": {"api/a"}, "y": {"api/a", "db/a"}}
    (found,) = conflicts.of(known, panes, NOW, {"x": NOW.replace(second=0) - timedelta(hours=5)})
    assert "192 times" in str(found.detail)
    assert conflicts.of(known, panes, NOW, {"x": NOW - timedelta(hours=5)}) == ()
