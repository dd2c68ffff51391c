"""Recordings of panes that are gone, and how long they are kept."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from orchestra.host import clock, recordings


def test_each_workspace_may_have_its_own_time(tmp_path: Path) -> None:
    base, hour = tmp_path / "recordings", 3600.0
    now = clock.Clock().now().timestamp()
    for name, whose, hours in (
        ("%1", "short s/p u", 2), ("%2", "short s/q u", 0.5), ("%3", "long s/p u", 30), ("%4", "other s/p u", 30),
        ("%5", "other s/q u", 20),
    ):  # fmt: skip
        folder = base / "7.8" / name
        folder.mkdir(parents=True)
        (folder / recordings.WHOSE).write_text(whose + "\n")
        for each in (folder / recordings.WHOSE, folder):
            os.utime(each, (now - hours * hour, now - hours * hour))

    async def sweep() -> None:
        kept = recordings.Recordings(base, clock.Clock(), lambda _: None)
        try:
            kept.sweep(timedelta(days=1), {"short": timedelta(hours=1), "long": timedelta(days=7)})
        finally:
            kept.close()

    asyncio.run(sweep())
    assert sorted(each.name for each in (base / "7.8").iterdir()) == ["%2", "%3", "%5"]
