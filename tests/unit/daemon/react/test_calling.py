"""What is remembered of whom webhooks call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestra.daemon.react import calling, unheard
from orchestra.engine.react import breakers
from orchestra.engine.trigger import firings
from orchestra.host import clock, http
from orchestra.model import event, rules
from orchestra.tmux import telling


def test_hosts_that_events_name_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[event.Body] = []

    async def say(body: event.Body, workspace: str, address: str, state: Mapping[str, Any]) -> None:
        said.append(body)

    async def post(url: str, *_: object) -> tuple[int, str]:
        if "dead" in url:
            raise ConnectionError("nobody there")
        return 200, ""

    monkeypatch.setattr(http, "post", post)
    made = calling.Calling(
        lambda text, fields: text.replace("{{ event.line }}", str(fields["line"])),
        say,
        clock.Clock(),
        cast(telling.Telling, None),
        cast(unheard.Unheard, None),
        cast(Executor, None),
    )
    act = rules.Webhook(url="http://{{ event.line }}/")

    async def call(host: str) -> None:
        run = SimpleNamespace(
            event={"line": host}, trigger="t", id="1", token="1-0", reaction=rules.Reaction(act=act)
        )
        await made.webhook(act, cast(firings.Run, run))

    async def scenario() -> None:
        for number in range(2 * calling.BREAKERS):
            await call(f"well{number}")
        assert not made._breakers
        for _ in range(breakers.THRESHOLD):
            with pytest.raises(firings.Failed):
                await call("dead")
        for number in range(2 * calling.BREAKERS):
            with pytest.raises(firings.Failed):
                await call(f"dead{number}")

    asyncio.run(scenario())
    assert len(made._breakers) == calling.BREAKERS
    assert made.describe() == {"webhook dead:http": "open"}  # what keeps calls back is forgotten last
    assert [each.type for each in said] == ["breaker.changed"]
