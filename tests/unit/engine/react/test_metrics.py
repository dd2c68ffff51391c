from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from orchestra.engine.react import metrics as engine
from orchestra.model import errors, metrics, status

BEGAN = 1_000_000.0


def usage(cpu_seconds: float = 0.0, *, read: int = 0, interval: float | None = 1.0) -> metrics.Usage:
    return metrics.Usage(
        interval=interval,
        cpu_percent=None if interval is None else 1.0,
        cpu_seconds=cpu_seconds,
        rss=4096,
        pss=None,
        io_read=read,
        io_write=0,
        threads=2,
        processes=1,
        uptime=5.0,
    )


def server(*panes: status.Pane) -> status.Server:
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=panes)
    session = status.Session(id="$1", name="work", windows=(window,))
    return status.Server(running=True, pid=7, started=1, sessions=(session,))


def pane(id_: str, pid: int, *, dead: bool = False) -> status.Pane:
    return status.Pane(id=id_, index=0, pid=pid, dead=dead)


class Clock:
    """Time passes when somebody sleeps, and when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = 0.0
        monkeypatch.setattr("asyncio.sleep", self._sleep)

    def monotonic(self) -> float:
        return 50.0 + self.passed

    def now(self) -> datetime:
        return datetime.fromtimestamp(BEGAN + self.passed, UTC)

    async def _sleep(self, seconds: float) -> None:
        self.passed += max(0.0, seconds)


class Sampler:
    """Each process had 10 % of a core all the time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.cost = 0.0
        self.fails = False
        self.asked: list[tuple[Mapping[str, int], int, bool]] = []

    def sample(
        self, roots: Mapping[str, int], server_pid: int, *, pss: bool = False
    ) -> Mapping[str, metrics.Usage]:
        if self.fails:
            raise OSError(24, "Too many open files")
        known = self.asked[-1][0] if self.asked else {}
        self.asked.append((dict(roots), server_pid, pss))
        return {
            key: usage(0.1 * self.clock.passed, interval=1.0 if known.get(key) == pid else None)
            for key, pid in roots.items()
        }


class Kept:
    def __init__(self) -> None:
        self.rows: list[tuple[float, Sequence[metrics.Row]]] = []
        self.broken = False

    def add(self, time: float, rows: Sequence[metrics.Row]) -> None:
        if self.broken:
            raise errors.OrchestraError("the disk is full")
        self.rows.append((time, rows))

    def read(self, key: str, since: float) -> Sequence[tuple[float, metrics.Usage]]:
        return [
            (time, row.usage)
            for time, rows in self.rows
            for row in rows
            if row.pane.key == key and row.usage is not None and time >= since
        ]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_who_asks_together_is_given_the_same_sample(clock: Clock) -> None:
    sampler = Sampler(clock)
    part = engine.Metrics(sampler, clock)

    async def ask() -> None:
        await part.looked(server(pane("%1", 100), pane("%2", 0, dead=True)))
        first = await part.reading(2.0)
        assert [(row.pane.address, row.usage is not None) for row in first.rows] == [
            ("work/0", True),
            ("work/1", False),
        ]
        assert sampler.asked == [({"7.1%1": 100}, 7, False)]
        clock.passed += 1.0
        assert await part.reading(2.0) is first
        clock.passed += 1.5
        one, two = await asyncio.gather(part.reading(2.0), part.reading(2.0))
        assert one is two is not first

    asyncio.run(ask())


def test_two_samples_are_never_too_close_to_tell_a_rate(clock: Clock) -> None:
    sampler = Sampler(clock)
    part = engine.Metrics(sampler, clock)

    async def ask() -> None:
        await part.looked(server(pane("%1", 100)))
        await part.reading(0.0)
        before = clock.passed
        await part.reading(2.0, pss=True)
        assert clock.passed - before == pytest.approx(engine.SHORTEST)
        assert sampler.asked[-1] == ({"7.1%1": 100}, 7, True)

    asyncio.run(ask())


def test_history_holds_an_hour_however_often_somebody_looks(clock: Clock) -> None:
    part = engine.Metrics(Sampler(clock), clock)

    async def live() -> Sequence[metrics.Point]:
        await part.looked(server(pane("%1", 100)))
        while clock.passed < 2 * engine.HISTORY.total_seconds():
            await part.reading(0.0)
            clock.passed += 2.0
        return await part.history("7.1%1", engine.HISTORY)

    found = asyncio.run(live())
    assert len(found) == pytest.approx(engine.LENGTH, abs=2)
    assert found[0].time == pytest.approx(BEGAN + clock.passed - 3600, abs=2 * engine.PERIOD)
    assert {round(point.cpu_percent or 0) for point in found[1:]} == {10}


def test_older_than_an_hour_comes_from_what_is_kept(clock: Clock) -> None:
    kept = Kept()
    part = engine.Metrics(Sampler(clock), clock, kept)

    async def live() -> Sequence[metrics.Point]:
        await part.looked(server(pane("%1", 100)))
        while clock.passed < 3 * 3600:
            await part.reading(0.0)
            clock.passed += engine.PERIOD
        kept.broken = True
        await part.reading(0.0)
        assert part.trouble == ""
        clock.passed += engine.KEPT_EVERY
        await part.reading(0.0)
        assert part.trouble == "the disk is full"
        return await part.history("7.1%1", timedelta(hours=2))

    found = asyncio.run(live())
    assert found[0].time == pytest.approx(BEGAN + clock.passed - 7200, abs=2 * engine.KEPT_EVERY)
    times = [point.time for point in found]
    assert times == sorted(set(times))
    assert {round(point.cpu_percent or 0) for point in found[1:-1]} == {10}
    assert len(found) == pytest.approx(60 + engine.LENGTH, abs=5)


def test_background_measures_while_there_are_panes(clock: Clock) -> None:
    sampler = Sampler(clock)
    part = engine.Metrics(sampler, clock)

    class Enough(Exception):
        pass

    async def live(until: float) -> None:
        def over() -> float:
            if clock.passed > until:
                raise Enough
            return 50.0 + clock.passed

        clock.monotonic = over  # type: ignore[method-assign]
        with pytest.raises(Enough):
            await part.run()

    async def both() -> None:
        await live(100.0)
        assert sampler.asked == []
        await part.looked(server(pane("%1", 100)))
        await live(200.0)
        assert len(sampler.asked) == pytest.approx(10, abs=1)
        sampler.cost = 0.025  # a thousandth of a core, then, is every 25 seconds
        await live(300.0)
        assert len(sampler.asked) == pytest.approx(14, abs=1)
        sampler.fails = True
        await live(400.0)
        assert "Too many open files" in part.trouble
        sampler.fails = False
        await live(500.0)
        assert part.trouble == ""

    asyncio.run(both())


def test_restarts_are_counted_by_whomever(clock: Clock) -> None:
    part = engine.Metrics(Sampler(clock), clock)

    async def live() -> None:
        for seen in (pane("%1", 100), pane("%1", 100, dead=True), pane("%1", 101), pane("%1", 102)):
            await part.looked(server(seen))
        assert part.restarts == {"7.1%1": 2}
        await part.looked(server())
        assert part.restarts == {}

    asyncio.run(live())


def test_copied_mark_is_no_restart(clock: Clock) -> None:
    part = engine.Metrics(Sampler(clock), clock)
    mark = status.Mark(workspace="w", address="a/b", uid="u")
    both = server(
        dataclasses.replace(pane("%1", 100), mark=mark), dataclasses.replace(pane("%2", 200), mark=mark)
    )

    async def live() -> None:
        await part.looked(both)
        await part.looked(both)
        assert part.restarts == {}

    asyncio.run(live())


def test_rates_between_points() -> None:
    rows = [
        engine.row(10.0, usage(1.0)),
        engine.row(20.0, usage(2.0, read=1000)),
        engine.row(30.0, usage(0.5)),  # another process
        engine.row(30.0, usage(0.5)),  # the clock stands
    ]
    assert [(point.time, point.cpu_percent, point.io_read_rate) for point in engine.points(rows, 20.0)] == [
        (20.0, 10.0, 100.0),
        (30.0, None, None),
        (30.0, None, None),
    ]


def test_full_history_begins_again_at_its_oldest() -> None:
    history = engine.History(length=3)
    assert history.last == 0.0
    for time in range(5):
        history.add(float(time), usage(float(time)))
        assert history.last == time
    assert [row[0] for row in history.rows()] == [2.0, 3.0, 4.0]
