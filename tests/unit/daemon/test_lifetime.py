from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any, cast

from orchestra.daemon import lifetime
from orchestra.engine.hear import happenings
from orchestra.model import errors, status


def test_a_server_that_hangs_after_it_was_looked_at_is_looked_at_again() -> None:
    async def looked(_: object) -> None:
        return

    async def record(_: object) -> None:
        raise errors.TmuxUnavailable("it did not answer within 30 s")

    asked: list[str] = []
    self = SimpleNamespace(
        _recordings=SimpleNamespace(at=lambda _: None),
        _reacting=SimpleNamespace(looked=looked),
        _end_without=lambda _: None,
        _first_look=asyncio.Event(),
        _enduring=SimpleNamespace(apart=lambda _: contextlib.nullcontext()),
        _ends=SimpleNamespace(watch=lambda _: None),
        _recording=SimpleNamespace(looked=record),
        _observer=SimpleNamespace(request=lambda: asked.append("look"), seen=happenings.Seen()),
    )
    asyncio.run(lifetime.Daemon._looked(cast(Any, self), status.Server(running=True)))
    assert asked == ["look"]
