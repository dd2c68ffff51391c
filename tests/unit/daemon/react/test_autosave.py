from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestra.daemon.react import autosave
from orchestra.model import event, spec
from tests.unit.engine.trigger.test_triggers import happened


def test_what_changed_before_anybody_wished_for_it_is_saved_when_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an apply makes panes, then keeps what it wishes and asks."""
    wished: list[autosave.Wish] = []
    looks: list[int] = []
    saved: list[autosave.Wish] = []

    def wishes(_: object) -> tuple[autosave.Wish, ...]:
        looks.append(len(wished))
        return tuple(wished)

    monkeypatch.setattr(autosave, "wishes", wishes)
    monkeypatch.setattr(autosave, "SETTLES", 0.0)

    async def scenario() -> None:
        reach = SimpleNamespace(assembly=None, found=None, say=lambda _: None)
        part = autosave.Autosave(cast(Any, reach))

        async def save(wish: autosave.Wish) -> None:
            saved.append(wish)

        monkeypatch.setattr(part, "_save", save)
        async with asyncio.TaskGroup() as group, asyncio.timeout(10):
            running = group.create_task(part.run())
            part.happened([happened(event.PaneCreated(id="%1", window="@1", pid=1))])
            while not looks:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            wished.append(
                autosave.Wish(scope="w", wanted=spec.Snapshots(autosave=timedelta(hours=1), keep=3))
            )
            part.ask()
            while not saved:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            # A second one's changes are saved with the first one's, before anybody knew that it wishes so, too.
            wished.append(
                autosave.Wish(scope="x", wanted=spec.Snapshots(autosave=timedelta(hours=1), keep=3))
            )
            part.ask()
            while wished[1] not in saved:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            running.cancel()

    asyncio.run(scenario())
    assert saved[0] == wished[0]
