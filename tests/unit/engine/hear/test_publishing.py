from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from orchestra.engine.hear import bus, happenings, publishing
from orchestra.model import errors, event


class World:
    """A clock, and a journal whose disk is slow."""

    def __init__(self) -> None:
        self.writes: list[tuple[Sequence[event.Event], Future[tuple[event.Event, ...]]]] = []

    def now(self) -> datetime:
        return datetime(2026, 5, 4, tzinfo=UTC)

    def append(
        self, events: Sequence[event.Event], state: Mapping[str, Any] | None
    ) -> Future[tuple[event.Event, ...]]:
        self.writes.append((events, Future()))
        return self.writes[-1][1]


def test_what_is_kept_is_told_though_nobody_waits_for_it_any_more() -> None:
    async def live() -> list[str]:
        world, heard, told = World(), list[str](), bus.Bus()
        publisher = publishing.Publisher(
            cast(Any, world),
            told,
            cast(Any, world),
            lambda some: heard.extend(cast(Any, each.body).text for each in some),
        )

        async def publish(text: str) -> None:
            await publisher.publish([happenings.Happening(body=event.TriggerLogged(trigger="t", text=text))])

        with told.subscribe(lambda _: True) as listening:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(publish(text)) for text in ("one", "two")]
                await asyncio.sleep(0)
                for _, answer in world.writes:
                    assert answer.set_running_or_notify_cancel()  # it is being written
                tasks[0].cancel()
                await asyncio.sleep(0)
                for events, answer in world.writes:
                    answer.set_result(tuple(events))
            assert [cast(Any, each.body).text for each in await listening.next()] == ["one", "two"]
        assert tasks[0].cancelled()
        return heard

    assert asyncio.run(live()) == ["one", "two"]


def test_who_waits_for_a_full_journal_goes_before_who_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FULL", 0.01)

    async def live() -> list[Any]:
        world, refuse, written = World(), True, list[Any]()

        def append(
            _: Sequence[event.Event], state: Mapping[str, Any] | None
        ) -> Future[tuple[event.Event, ...]]:
            nonlocal refuse
            if refuse:
                refuse = False
                raise errors.JournalFull("full")
            written.append(state)
            answer = Future[tuple[event.Event, ...]]()
            answer.set_result(())
            return answer

        monkeypatch.setattr(world, "append", append)
        publisher = publishing.Publisher(cast(Any, world), bus.Bus(), cast(Any, world))
        async with asyncio.TaskGroup() as group:
            for number in range(2):
                group.create_task(publisher.publish([], state={"at": number}))
        return written

    assert asyncio.run(live()) == [{"at": 0}, {"at": 1}]
