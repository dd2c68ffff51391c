from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

from tests.unit.store import scene

AGES, HUGE = timedelta(days=1000), 1 << 40


def test_by_age(tmp_path: Path) -> None:
    clock = scene.Clock()
    with scene.make(tmp_path / "journal.db", clock=clock) as opened:
        scene.done(opened.append([scene.exited(n, time=scene.NOW + timedelta(days=n)) for n in range(10)]))
        clock.time = scene.NOW + timedelta(days=10)
        assert opened.retain(AGES, HUGE) == 0
        assert opened.retain(timedelta(days=7), HUGE) == 3
        assert (opened.first(), opened.last()) == (4, 10)
        assert scene.sequences(opened.read(0, limit=2)) == [
            4,
            5,
        ]  # a cursor of 0 missed first() - 0 - 1 of them
        assert opened.retain(timedelta(0), HUGE) == 7
        assert (opened.first(), opened.last(), scene.everything(opened)) == (11, 10, ())
        assert opened.retain(timedelta.max, 0) == 0


def test_no_number_is_used_twice(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with scene.make(path) as opened:
        scene.done(opened.append([scene.exited(n) for n in range(3)]))
        opened.retain(timedelta(0) - timedelta(days=1), HUGE)
        assert scene.everything(opened) == ()
    with scene.make(path) as opened:
        assert scene.sequences(scene.done(opened.append([scene.exited(9)]))) == [4]


def test_what_is_young_is_kept_also_behind_a_clock_that_was_wrong(tmp_path: Path) -> None:
    with scene.make(tmp_path / "journal.db") as opened:
        times = [scene.NOW, scene.NOW - timedelta(days=9000), scene.NOW]
        scene.done(opened.append([scene.exited(n, time=time) for n, time in enumerate(times)]))
        assert opened.retain(timedelta(days=1), HUGE) == 0


def test_by_size(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with scene.make(path) as opened:
        for each in range(0, 12_000, 1000):
            scene.done(opened.append([scene.exited(n, size=500 * (n % 3)) for n in range(each, each + 1000)]))
        full = path.stat().st_size + path.with_name("journal.db-wal").stat().st_size
        assert full > 4_000_000
        deleted = opened.retain(AGES, 2_000_000)
        kept = scene.everything(opened)
        assert 0 < deleted < 12_000
        assert scene.sequences(kept) == list(range(deleted + 1, 12_001))
        assert [scene.number(each) for each in kept] == list(range(deleted, 12_000))
        assert 1_000_000 < path.stat().st_size <= 2_000_000
        assert opened.retain(AGES, 2_000_000) == 0
        opened.retain(AGES, 0)
        assert (opened.first(), opened.last()) == (12_001, 12_000)
        assert path.stat().st_size < 50_000


def test_one_huge_event_among_small_ones(tmp_path: Path) -> None:
    with scene.make(tmp_path / "journal.db") as opened:
        scene.done(
            opened.append([scene.exited(0, size=3_000_000), *(scene.exited(n) for n in range(1, 1000))])
        )
        assert opened.retain(AGES, 1_000_000) == 1
        assert opened.first() == 2


def test_appends_go_on_between_the_slices(tmp_path: Path) -> None:
    """Every slice is work of its own in the writer's queue; appends that wait are written between two."""
    order: list[str] = []
    with scene.make(tmp_path / "journal.db") as opened:
        for _ in range(4):
            scene.done(opened.append([scene.exited(n) for n in range(5000)]))
        work = opened._writer.work

        def spied(job: object) -> object:
            order.append("slice")
            answer = work(job)  # type: ignore[arg-type]
            opened.append([scene.exited(1, time=scene.NOW + AGES)]).add_done_callback(
                lambda _: order.append("append")
            )
            return answer

        opened._writer.work = spied  # type: ignore[method-assign, assignment]
        assert opened.retain(-timedelta(days=1), HUGE) == 20_000
        opened._writer.work = work  # type: ignore[method-assign]
    assert order.count("slice") >= 5
    first = order.index("append")
    assert "slice" in order[first:]


def test_of_one_workspace(tmp_path: Path) -> None:
    """Up to the first of its own that is young enough, in slices, and nobody else's."""
    clock = scene.Clock()
    few = dataclasses.replace(scene.QUICK, slice_events=3)
    with scene.make(tmp_path / "journal.db", clock=clock, limits=few) as opened:
        days = [0, 1, 2, 3, 9, 1, 9]
        every = [
            scene.exited(number, time=scene.NOW + timedelta(days=day), workspace=whose)
            for number, day in enumerate(days)
            for whose in ("a", "b")
        ]
        scene.done(opened.append(every))
        clock.time = scene.NOW + timedelta(days=10)
        assert opened.forget("nobody", timedelta(0)) == 0
        assert (
            opened.forget("a", timedelta(days=5)) == 4
        )  # the one that a wrong clock made old is behind a young one
        left = scene.everything(opened)
        assert [each.workspace for each in left] == ["b", "b", "b", "b", "a", "b", "a", "b", "a", "b"]
        assert opened.forget("b", timedelta(0)) == 7
        assert {each.workspace for each in scene.everything(opened)} == {"a"}
