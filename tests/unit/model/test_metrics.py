from __future__ import annotations

import json

import pytest

from orchestra.model import codec, metrics


def usage(
    cpu_percent: float | None = 50.0,
    *,
    interval: float | None = 2.0,
    pss: int | None = None,
    uptime: float = 10.0,
) -> metrics.Usage:
    return metrics.Usage(
        interval=interval,
        cpu_percent=cpu_percent,
        cpu_seconds=1.5,
        rss=1000,
        pss=pss,
        io_read=1,
        io_write=2,
        threads=3,
        processes=2,
        uptime=uptime,
    )


def test_sums_of_a_session() -> None:
    assert metrics.total([usage(), usage(30.0, pss=400, interval=2.1, uptime=99.0)]) == metrics.Usage(
        interval=2.1,
        cpu_percent=80.0,
        cpu_seconds=3.0,
        rss=2000,
        pss=400,
        io_read=2,
        io_write=4,
        threads=6,
        processes=4,
        uptime=99.0,
    )


def test_what_nobody_knows_is_not_nothing() -> None:
    first = usage(None, interval=None)
    assert metrics.total([first, first]).cpu_percent is None
    assert metrics.total([first, usage()]).cpu_percent == 50.0


def test_nothing_is_used_by_no_pane() -> None:
    nothing = metrics.total([])
    assert (nothing.processes, nothing.rss, nothing.cpu_percent, nothing.uptime) == (0, 0, None, 0.0)


PANE = metrics.Pane(
    id="%1",
    key="u",
    workspace="shop",
    session="api",
    tmux_session="api",
    window="api/main",
    address="api/server",
    pid=7,
    condition="running",
    detail="",
)


@pytest.mark.parametrize(
    "row",
    [
        metrics.Row(pane=PANE, usage=usage(), restarts=3),
        metrics.Row(pane=PANE, usage=usage(None, interval=None)),
        metrics.Row(pane=PANE, usage=None),
    ],
)
def test_row_there_and_back(row: metrics.Row) -> None:
    plain = metrics.dump(row)
    assert metrics.load(json.loads(json.dumps(plain))) == row
    assert plain["address"] == "api/server"


def test_what_is_no_row_is_refused() -> None:
    with pytest.raises(codec.LoadError):
        metrics.load({**metrics.dump(metrics.Row(pane=PANE, usage=None)), "what": 1})
