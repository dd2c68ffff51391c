"""What panes print is read as it comes, also what comes while something else is told. No tmux: a file is a pane."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestra.daemon import printed
from orchestra.engine.hear import bus, happenings, publishing
from orchestra.host import clock, inotify, output, recordings
from orchestra.model import event
from orchestra.store import journal

TOKEN = "token"


class _Slow(publishing.Publisher):
    """While it tells of the first event, the pane prints on, and that is noticed."""

    pane: Path
    told: asyncio.Queue[event.Body]

    async def publish(
        self,
        happened: Sequence[happenings.Happening],
        cause: str = "",
        state: Mapping[str, Any] | None = None,
    ) -> tuple[event.Event, ...]:
        if any(isinstance(each.body, event.CommandStarted) for each in happened):
            _print(self.pane, "end;1;7")
            for _ in range(5):  # turns of the loop, in one of which it is heard
                await asyncio.sleep(0)
        for each in happened:
            self.told.put_nowait(each.body)
        return ()


def _print(pane: Path, mark: str) -> None:
    with pane.open("ab") as file:
        file.write(f"\x1b]7717;{TOKEN};{mark}\x07".encode())


@contextlib.asynccontextmanager
async def _running(reader: printed.Printed, kept: recordings.Recordings) -> AsyncIterator[None]:
    """At most ten seconds."""
    reading = asyncio.get_running_loop().create_task(reader.run())
    try:
        async with asyncio.timeout(10):
            yield
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        reader.close()
        kept.close()


@pytest.mark.skipif(not inotify.AVAILABLE, reason="without it files are looked at again and again")
def test_what_is_printed_while_an_event_is_told_is_read_at_once(tmp_path: Path) -> None:
    async def scenario() -> list[event.Body]:
        ticks, listened = clock.Clock(), bus.Bus()
        kept = recordings.Recordings(tmp_path, ticks, lambda _: None)
        publisher = _Slow(journal.Journal(tmp_path / "journal", ticks), listened, ticks, lambda _: None)
        folder = kept.folder("%1")
        folder.mkdir(parents=True)
        publisher.pane = folder / str(output.Segment(1, 2, 0))
        publisher.told = asyncio.Queue()
        publisher.pane.touch()
        reader = printed.Printed(kept, listened, publisher, ticks)
        reader.keep({"%1": printed.Printing(workspace="w", address="s/p", pid=3, token=TOKEN)})
        async with _running(reader, kept):
            _print(publisher.pane, "start;1;make")
            return [await publisher.told.get() for _ in range(2)]

    started, finished = asyncio.run(scenario())
    assert isinstance(started, event.CommandStarted)
    assert isinstance(finished, event.CommandFinished)
    assert (started.command, finished.command, finished.exit_code) == ("make", "make", 7)


def test_a_recording_that_cannot_be_read_keeps_no_other_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printed, "AGAIN", 0.01)

    async def scenario() -> list[event.Body]:
        ticks, listened = clock.Clock(), bus.Bus()
        kept = recordings.Recordings(tmp_path, ticks, lambda _: None)
        publisher = _Slow(journal.Journal(tmp_path / "journal", ticks), listened, ticks, lambda _: None)
        publisher.told = asyncio.Queue()
        bad, good = (kept.folder(each) / str(output.Segment(1, 2, 0)) for each in ("%1", "%2"))
        bad.mkdir(parents=True)  # it can be opened, and never be read
        good.parent.mkdir(parents=True)
        publisher.pane = good
        reader = printed.Printed(kept, listened, publisher, ticks)
        reader.keep({})
        reader.keep(
            {
                f"%{number}": printed.Printing(workspace="w", address=f"s/{number}", pid=3, token=TOKEN)
                for number in (1, 2)
            }
        )
        found: list[event.Body] = []
        async with asyncio.TaskGroup() as group, asyncio.timeout(10):
            reading = group.create_task(reader.run())
            found.append(await publisher.told.get())
            assert list(reader.troubles) == ["%1"]
            _print(good, "start;1;make")
            found += [await publisher.told.get() for _ in range(2)]
            bad.rmdir()
            _print(bad, "start;1;other")
            found.append(await publisher.told.get())
            assert not reader.troubles
            reading.cancel()
        reader.close()
        kept.close()
        return found

    told = asyncio.run(scenario())
    assert [each.type for each in told] == [
        "daemon.fault", "command.started", "command.finished", "command.started"
    ]  # fmt: skip
    fault = told[0]
    assert isinstance(fault, event.DaemonFault)
    assert fault.reason == "what s/1 prints cannot be read: is a directory"


@pytest.mark.skipif(not inotify.AVAILABLE, reason="without it files are looked at again and again")
def test_what_is_lost_again_and_again_is_told_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once the first time; then in one sum, when all that is left has been read."""
    size = len("a line\n")
    monkeypatch.setattr(output, "SEGMENT", size)
    monkeypatch.setattr(printed, "PIECE", size)

    async def scenario() -> list[event.Body]:
        ticks, listened = clock.Clock(), bus.Bus()
        kept = recordings.Recordings(tmp_path, ticks, lambda _: None)
        publisher = _Slow(journal.Journal(tmp_path / "journal", ticks), listened, ticks, lambda _: None)
        publisher.told = asyncio.Queue()
        folder = kept.folder("%1")
        folder.mkdir(parents=True)
        first = folder / str(output.Segment(1, 2, 0))
        first.touch()
        reader = printed.Printed(kept, listened, publisher, ticks)
        reader.keep({"%1": printed.Printing(workspace="w", address="s/p", pid=3)})
        with listened.subscribe(lambda _: False, output=lambda _: True):
            for number in range(0, 9, 2):  # each other one is gone before it was read
                (folder / str(output.Segment(1, 2, number))).write_text("a line\n")
            async with _running(reader, kept):
                return [await publisher.told.get() for _ in range(2)]

    assert [each.size for each in asyncio.run(scenario()) if isinstance(each, event.PaneOutputLost)] == [
        size,
        3 * size,
    ]


@pytest.mark.skipif(not inotify.AVAILABLE, reason="without it files are looked at again and again")
def test_between_two_panes_it_is_everybody_elses_turn(tmp_path: Path) -> None:
    """However many print at once, who asks the daemon something waits for one piece of one of them."""

    async def scenario() -> list[tuple[int, str]]:
        ticks, listened = clock.Clock(), bus.Bus()
        kept = recordings.Recordings(tmp_path, ticks, lambda _: None)
        publisher = publishing.Publisher(journal.Journal(tmp_path / "journal", ticks), listened, ticks)
        files = {f"%{each}": kept.folder(f"%{each}") / str(output.Segment(1, 2, 0)) for each in range(5)}
        for file in files.values():
            file.parent.mkdir(parents=True)
            file.touch()
        turn, heard = 0, list[tuple[int, str]]()

        def hear(told: event.Event) -> bool:
            heard.append((turn, told.address))
            return False

        reader = printed.Printed(kept, listened, publisher, ticks)
        reader.keep({pane: printed.Printing(workspace="w", address=f"s/{pane}", pid=3) for pane in files})
        with listened.subscribe(hear, output=lambda _: True):
            for file in files.values():
                file.write_text("a line\n")
            async with _running(reader, kept):
                while len(heard) < len(files):
                    await asyncio.sleep(0)
                    turn += 1
        return heard

    heard = asyncio.run(scenario())
    assert sorted(pane for _, pane in heard) == [f"s/%{each}" for each in range(5)]
    assert len({turn for turn, _ in heard}) == 5
