from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from orchestra.engine.hear import bus
from orchestra.model import event


def closed(sequence: int) -> event.Event:
    return event.Event(
        body=event.PaneClosed(id="%1"), time=datetime(2026, 1, 1, tzinfo=UTC), sequence=sequence
    )


def printed(size: int) -> event.Event:
    body = event.PaneOutput(id="%1", lines=("x" * size,), position="")
    return event.Event(body=body, time=datetime(2026, 1, 1, tzinfo=UTC), address="a/b")


def test_everyone_gets_what_they_want_in_order() -> None:
    async def live() -> None:
        made = bus.Bus()
        with (
            made.subscribe(lambda _: True) as every,
            made.subscribe(lambda each: each.sequence % 2 == 0) as even,
        ):
            made.publish(map(closed, range(1, 6)))
            assert [each.sequence for each in await every.next()] == [1, 2, 3, 4, 5]
            assert [each.sequence for each in await even.next()] == [2, 4]
        assert len(made) == 0

    asyncio.run(live())


def test_who_is_too_slow_is_told_and_nobody_else_notices() -> None:
    async def live() -> None:
        made = bus.Bus()
        made.publish([closed(1)])
        with made.subscribe(lambda _: True) as slow, made.subscribe(lambda _: True) as quick:
            made.publish([closed(2)])
            assert len(await slow.next()) == 1
            for number in range(3, bus.MOST + 5):
                made.publish([closed(number)])
                assert [each.sequence for each in await quick.next()][-1:] == [number]
            with pytest.raises(bus.Lost) as lost:
                await slow.next()
            assert lost.value.sequence == 2
            made.publish([closed(bus.MOST + 5)])
            assert [each.sequence for each in await slow.next()] == [bus.MOST + 5]

    asyncio.run(live())


def test_output_weighs_what_it_holds() -> None:
    async def live() -> None:
        made = bus.Bus()
        with made.subscribe(lambda _: True, output=lambda name: name == "a/b") as slow:
            assert made.wants_output("a/b")
            assert not made.wants_output("a/c")
            for _ in range(30):
                made.publish([printed(100_000)])
            with pytest.raises(bus.Lost):
                await slow.next()
            made.publish([printed(10 * bus.MOST * bus.LINE)])  # one is always taken, however large
            assert len(await slow.next()) == 1
        assert not made.wants_output("a/b")

    asyncio.run(live())
