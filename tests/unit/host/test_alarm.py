from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.host import alarm, clock, inotify

SOON = timedelta(milliseconds=50)


@pytest.fixture(params=["timer", "looks"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "looks":
        monkeypatch.setattr(sys, "platform", "darwin")
    return str(request.param)


def test_it_wakes_then_and_not_before(ways: str) -> None:
    async def live() -> None:
        here, time = alarm.Alarm(clock.Clock()), clock.Clock()
        until = time.now() + SOON
        async with asyncio.timeout(20):
            await here.wait(until)
        assert time.now() >= until - timedelta(milliseconds=2)
        async with asyncio.timeout(20):
            await here.wait(until)  # it has been then already

    asyncio.run(live())


def test_it_is_rung(ways: str) -> None:
    async def live() -> None:
        here = alarm.Alarm(clock.Clock())
        asyncio.get_running_loop().call_later(0.01, here.ring)
        async with asyncio.timeout(20):
            await here.wait(None)
            here.ring()
            await here.wait(None)  # rung before
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await here.wait(None)

    asyncio.run(live())


@pytest.mark.skipif(not inotify.AVAILABLE, reason="a timer that is told when the clock is set is Linux's")
def test_no_descriptor_is_left() -> None:
    async def live() -> None:
        here, time = alarm.Alarm(clock.Clock()), clock.Clock()
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            await here.wait(time.now())
        assert len(list(Path("/proc/self/fd").iterdir())) == before

    asyncio.run(live())
