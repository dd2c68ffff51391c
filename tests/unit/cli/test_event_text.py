from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestra.cli import event_text
from orchestra.model import event, rules


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            event.LimitExceeded(id="%1", limit="memory", value=108441600.0, allowed=62914560.0, action="kill"),
            "limit=memory  value=103M  allowed=60M  action=kill",
        ),
        (
            event.LimitExceeded(id="%1", limit="time", value=0.30000000000000004, allowed=0.1, action="kill"),
            "limit=time  value=0.3s  allowed=0.1s  action=kill",
        ),
        (
            event.PaneMetric(id="%1", metric="io", value=2048.0, bound=1024.0),
            "metric=io  value=2K/s  bound=1K/s",
        ),
        (event.PaneMetric(id="%1", metric=rules.Metric.CPU, value=90.04, bound=80.0), "metric=cpu  value=90%  bound=80%"),
        (event.PaneRestarting(id="%1", delay=timedelta(milliseconds=300), number=1), "delay=300ms  number=1"),
        (event.PaneIdle(id="%1", duration=timedelta(seconds=12)), "duration=12s"),
        (event.PaneIdle(id="%1", duration=timedelta(seconds=1.596478)), "duration=1.6s"),
        (event.PaneTimeout(id="%1", pid=7, duration=timedelta(seconds=5400.2)), "pid=7  duration=1h30m"),
        (event.PaneMatched(id="%1", pattern="E", line="E 1"), "pattern=E  line=E 1"),
        (event.PaneMatched(id="%1", pattern="E", line="E", left_out=3), "pattern=E  line=E  left_out=3"),
        (event.SessionAttached(id="$0", before=0, after=1), "before=0  after=1"),
        (event.ApplyFinished(ok=True, changes={"create": 1}, failed={}, skipped={}),
         "ok=yes  changes={create: 1}  rolled_back=no"),
    ],
)  # fmt: skip
def test_figures_are_for_people(body: event.Body, said: str) -> None:
    told = event.dump(
        event.Event(body=body, time=datetime(2026, 5, 4, 9, tzinfo=UTC), workspace="w", address="a/b")
    )
    assert event_text.line(told).split(maxsplit=4)[4:] == [said]
