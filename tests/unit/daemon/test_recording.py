"""Which of what a pane printed is whose. No tmux: a file is a pane."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from orchestra.daemon import enduring, recording
from orchestra.host import clock, output, recordings
from orchestra.model import status


class _Silent:
    """What is not asked here: tmux, and who reads."""

    def begin(self, folder: str) -> None:
        pass

    def keep(self, panes: object) -> None:
        pass

    async def say(self, body: object) -> None:
        raise AssertionError(body)


def _seen(stage: status.Stage, *, pid: int) -> status.Server:
    mark = status.Mark(workspace="w", address="s/p", uid="a", stage=stage)
    pane = status.Pane(id="%1", index=0, pid=pid, dead=stage is status.Stage.WAITING, piped=True, mark=mark)
    window = status.Window(id="@1", index=0, name="w", layout="", width=80, height=24, panes=(pane,))
    session = status.Session(id="$1", name="s", windows=(window,))
    return status.Server(running=True, pid=1, started=1, sessions=(session,))


def test_what_a_process_prints_before_it_is_seen_is_not_its_placeholders(tmp_path: Path) -> None:
    async def scenario() -> str:
        ticks = clock.Clock()
        kept = recordings.Recordings(tmp_path, ticks, lambda _: None)
        silent: Any = _Silent()
        faults = enduring.Enduring(ticks, silent.say)
        part = recording.Recording(tmp_path, silent, kept, silent, faults, frozenset, lambda: None)
        waiting = _seen(status.Stage.WAITING, pid=7)
        folder = tmp_path / waiting.epoch / "%1"
        folder.mkdir(parents=True)
        file = folder / str(output.Segment(1, 2, 0))
        try:
            file.write_text("s/p waits ")
            await part.looked(waiting)
            file.write_text("s/p waits for s/o (healthy)\n")  # tmux hands on what a pane prints when it likes
            await part.looked(waiting)
            await part.looked(waiting)
            with file.open("a") as printed:
                printed.write("listening\n")
            await part.looked(_seen(status.Stage.DONE, pid=8))
        finally:
            kept.close()
        begins = recordings.life(folder, 8)
        assert begins is not None
        return file.read_text()[begins.offset :]

    assert asyncio.run(scenario()) == "listening\n"
