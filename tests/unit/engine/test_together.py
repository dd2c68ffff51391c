"""One reading for all who ask at once, and none of them left waiting for ever."""

from __future__ import annotations

import asyncio

from orchestra.engine import together


class Reading:
    """Each `get` counts; it ends when the test lets it."""

    def __init__(self) -> None:
        self.count = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.count += 1
        mine = self.count
        await self.go.wait()
        return mine


def test_those_who_ask_together_share_one() -> None:
    async def scenario() -> None:
        reading = Reading()
        shared = together.Together(reading)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(shared.get())
            await asyncio.sleep(0)
            others = [group.create_task(shared.get()) for _ in range(5)]
            await asyncio.sleep(0)
            reading.go.set()
        assert first.result() == 1
        assert {each.result() for each in others} == {2}

    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_a_cancelled_reader_leaves_nobody_waiting() -> None:
    async def scenario() -> None:
        reading = Reading()
        shared = together.Together(reading)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(shared.get())
            await asyncio.sleep(0)
            leader = group.create_task(shared.get())
            await asyncio.sleep(0)
            followers = [group.create_task(shared.get()) for _ in range(3)]
            await asyncio.sleep(0)
            leader.cancel()
            await asyncio.sleep(0)
            reading.go.set()
        assert first.result() == 1
        assert all(each.result() > 1 for each in followers)

    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_an_error_reaches_all() -> None:
    async def scenario() -> list[str]:
        async def failing() -> int:
            await asyncio.sleep(0)
            raise ValueError("no")

        shared = together.Together(failing)
        results = await asyncio.gather(*(shared.get() for _ in range(3)), return_exceptions=True)
        return [str(each) for each in results]

    assert asyncio.run(asyncio.wait_for(scenario(), 10)) == ["no", "no", "no"]
