from __future__ import annotations

import pytest

from orchestra.cli import bridge_metrics, figures
from tests.unit.cli import figured


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1024, "1.0 KB"),
        (10_500, "10 KB"),
        (1023 * 1024, "1.0 MB"),
        (5.55 * 1024**3, "5.5 GB"),
        (3e15, "2728.5 TB"),
    ],
)
def test_sizes(value: float | None, text: str) -> None:
    assert figures.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.04, "0.0 %"), (99.9, "99.9 %"), (99.96, "100 %"), (812.3, "812 %")]
)
def test_percents(value: float | None, text: str) -> None:
    assert figures.percent(value) == text


def test_spread_keeps_order_and_everything() -> None:
    assert figures.spread([], 3) == []
    assert figures.spread([1, 2], 3) == [[1], [2]]
    groups = figures.spread(list(range(10)), 3)
    assert len(groups) == 3
    assert [each for group in groups for each in group] == list(range(10))


def test_old_fields() -> None:
    usage = figured.row("a/b", 12.345, rss=3 * 1024**2, uptime=61.7).usage
    told = bridge_metrics.fields(usage)
    assert told.pop("memory_percent") is not None
    assert told == {
        "cpu_percent": 12.3,
        "memory_mb": 3.0,
        "io_read_kb": 0,
        "io_write_kb": 2,
        "uptime_seconds": 61,
        "thread_count": 2,
        "process_count": 1,
    }
    assert set(bridge_metrics.fields(None).values()) == {0}
