"""Recordings of panes that are gone, and how long they are kept."""

from __future__ import annotations

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.host import clock, inotify, recordings


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


def test_what_cannot_be_written_keeps_nobody_from_going_on(tmp_path: Path) -> None:
    """A disk that is full, for which a directory in a file's place stands here."""
    folder = tmp_path / "7.8" / "%1"
    for name in (recordings.LIVES, recordings.HISTORY):
        (folder / name).mkdir(parents=True)
    (tmp_path / "7.8" / "%2").write_text("in the place of a folder")
    (folder / "1700000000-1-aa").write_bytes(b"printed")

    async def live() -> str:
        kept = recordings.Recordings(tmp_path, clock.Clock(), lambda _: None)
        try:
            kept.keep("7.8", {"%2": "w s/q u", "%1": "w s/p u"})
            kept.typed("%1", "make")
            assert "Is a directory" in kept.trouble
            kept.ended("%1", 9)
            assert "lives" in kept.trouble
            (folder / recordings.LIVES).rmdir()
            kept.ended("%1", 9)
            return kept.trouble
        finally:
            kept.close()

    assert asyncio.run(live()) == ""
    assert (folder / recordings.LIVES).read_text().startswith("9 1700000000-1-aa")
    assert recordings.whose(folder) == ("w", "s/p", "u")


@pytest.mark.skipif(not inotify.AVAILABLE, reason="without it files are looked at again and again")
def test_where_no_watch_is_left_it_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, left = tmp_path / "7.8" / "%1", [1, 0]
    folder.mkdir(parents=True)
    add = inotify.Inotify.add

    def sparing(self: inotify.Inotify, path: str, mask: int) -> int:
        if left and not left.pop(0):
            raise OSError(errno.ENOSPC, "no watch is left")
        return add(self, path, mask)

    monkeypatch.setattr(inotify.Inotify, "add", sparing)
    monkeypatch.setattr(recordings, "LOOK_EVERY", 0.01)

    async def live() -> None:
        kept = recordings.Recordings(tmp_path, clock.Clock(), lambda _: None)
        try:
            kept.keep("7.8", {"%1": "w s/p u", "%2": "w s/q u"})
            assert "no watch is left" in kept.trouble or not left
            (folder / "1700000000-1-aa").write_bytes(b"printed")
            async with asyncio.timeout(10):
                while kept.printed("%1") is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            kept.close()

    asyncio.run(live())
