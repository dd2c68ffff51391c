"""What was kept and what comes, as one stream; from a real journal."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from orchestra.api import stream
from orchestra.engine.hear import bus
from orchestra.host import clock
from orchestra.model import event
from orchestra.store import journal


@pytest.mark.parametrize(
    ("newest", "follow", "told"),
    [
        pytest.param(2, False, [9, 10], id="few"),
        pytest.param(7, False, [4, 5, 6, 7, 8, 9, 10], id="more than a page"),
        pytest.param(7, True, [4, 5, 6, 7, 8, 9, 10], id="and what comes"),
        pytest.param(100, False, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], id="all"),
    ],
)
def test_the_newest_are_never_all_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest: int, follow: bool, told: list[int]
) -> None:
    monkeypatch.setattr(stream, "PAGE", 3)
    at_once: list[int] = []

    class Journal(journal.Journal):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            read = self.read

            def counted(*where: Any, **which: Any) -> tuple[event.Event, ...]:
                found = read(*where, **which)
                at_once.append(len(found))
                return found

            self.read = counted

    async def scenario() -> list[int]:
        ticks = clock.Clock()
        found: list[int] = []
        with Journal(tmp_path / "journal", ticks) as kept:
            for number in range(10):
                body = event.DaemonFault(part="a", reason=str(number))
                kept.append([event.Event(body=body, time=ticks.now())]).result()
            events = stream.events(bus.Bus(), kept, stream.Wanted(), cursor=0, follow=follow, newest=newest)
            async for message in events:
                if message.startswith(":"):
                    break
                found.append(json.loads(message.partition("data: ")[2])["sequence"])
        return found

    assert asyncio.run(scenario()) == told
    assert max(at_once) <= 3
