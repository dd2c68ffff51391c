from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestra.daemon.react import collecting, taking
from orchestra.host import clock
from orchestra.model import codec, errors, event, status


def test_what_one_before_us_was_taking_is_told_once_though_somebody_asks_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[event.Body] = []

    async def say(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        said.append(body)

    def look(_: object) -> None:
        raise errors.TmuxUnavailable("gone")

    monkeypatch.setattr(taking.Hands, "server", lambda _: status.Server())
    monkeypatch.setattr(taking.Hands, "look", look)
    reach = SimpleNamespace(
        assembly=None,
        found=SimpleNamespace(texts=tmp_path, gc=tmp_path / "gc"),
        clock=clock.Clock(),
        keep=None,
        say=lambda _: say,
        is_busy=lambda: False,
    )
    begun = collecting.Taking(
        epoch="1.1",
        collection=collecting.Collection(workspace="w", time="", snapshot="", taken={"s/p": "idle"}),
        ids={"s/p": "%1"},
        panes={"s/p": ("s/p",)},
    )

    async def scenario() -> None:
        part = collecting.Collecting(cast(Any, reach))
        part.resume(codec.dump(collecting.Kept(taking=(begun,))))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(part.run())
            await group.create_task(part.asked({"dry_run": True}))
            running.cancel()

    asyncio.run(scenario())
    assert [each.type for each in said] == ["gc.collected"]
