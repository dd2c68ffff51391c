from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestra.daemon import enduring
from orchestra.daemon.react import reacting
from orchestra.model import event, status
from tests.unit.daemon.react import test_triggering as triggering


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[event.Body] = []
        self.enduring = enduring.Enduring(self.clock, self._say)

    async def _say(self, body: event.Body) -> None:
        self.told.append(body)


def lived(monkeypatch: pytest.MonkeyPatch, work: Callable[[World], Awaitable[None]]) -> World:
    monkeypatch.setattr(enduring, "FIRST", 0.001)

    async def live() -> World:
        world = World()
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            telling = group.create_task(world.enduring.tell())
            await work(world)
            await asyncio.sleep(0)
            telling.cancel()
        return world

    return asyncio.run(live())


def test_what_fails_begins_again_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = 0

    async def part() -> None:
        nonlocal times
        times += 1
        if times < 4:
            async with asyncio.TaskGroup() as group:  # as parts have: what fails is wrapped
                group.create_task(fails())

    async def fails() -> None:
        raise KeyError("x")

    async def work(world: World) -> None:
        await world.enduring.run("part", part)
        assert world.enduring.troubles() == ["part: this is a fault in orchestra: KeyError: 'x'"]
        world.clock.time += enduring.SHOWN
        assert world.enduring.troubles() == []

    world = lived(monkeypatch, work)
    assert times == 4
    assert world.told == [
        event.DaemonFault(part="part", reason="this is a fault in orchestra: KeyError: 'x'")
    ]


def test_others_go_on_and_an_end_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends_badly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("while it ended")

    async def work(world: World) -> None:
        with world.enduring.apart("one"):
            raise ValueError("first")
        with world.enduring.apart("one"):
            raise ValueError("second")  # another one is told, too
        task = asyncio.get_running_loop().create_task(world.enduring.run("two", ends_badly))
        await asyncio.sleep(0)
        world.enduring.end()
        task.cancel()
        await task
        with pytest.raises(asyncio.CancelledError), world.enduring.apart("three"):
            raise asyncio.CancelledError

    world = lived(monkeypatch, work)
    assert [(each.part, each.reason.rpartition(": ")[2]) for each in world.told if isinstance(each, event.DaemonFault)] == [
        ("one", "first"), ("one", "second"), ("two", "while it ended"),
    ]  # fmt: skip


def test_a_part_that_fails_at_everything_keeps_no_other_from_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Any:
        raise RuntimeError("a fault")

    async def work(world: World) -> None:
        async with triggering.Life(tmp_path, status.Server(), triggering.never) as life:
            parts = reacting.Reacting(life.reach, world.enduring)
            bad, heard, seen, began = parts.autosave, asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def looked(_: status.Server) -> None:
                seen.set()

            async def runs() -> None:
                began.set()

            for name in ("resume", "looked", "happened", "run", "describe"):
                monkeypatch.setattr(bad, name, fails)
            monkeypatch.setattr(parts.supervisor, "happened", lambda _: heard.set())
            monkeypatch.setattr(parts.supervisor, "looked", looked)
            monkeypatch.setattr(parts.supervisor, "run", runs)
            parts.resume()
            async with asyncio.TaskGroup() as group:
                tasks = parts.start(group)
                await parts.looked(status.Server())
                parts.happened([])
                for each in (heard, seen, began):
                    await each.wait()
                described = parts.describe()
                world.enduring.end()
                for task in tasks:
                    task.cancel()
            assert bad.name not in described
            assert parts.supervisor.name in described

    world = lived(monkeypatch, work)
    assert world.told == [
        event.DaemonFault(part="autosave", reason="this is a fault in orchestra: RuntimeError: a fault")
    ]
