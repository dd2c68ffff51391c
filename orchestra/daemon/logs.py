"""What panes printed, as lines: from their recordings, with or without a daemon."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestra.host import inotify, output, recordings
from orchestra.model import errors
from orchestra.model.frozen import frozen
from orchestra.tmux import stream

POLL = 0.2
"""Seconds, where the system does not tell of changed files."""
BATCH = 1000
"""Lines told at once."""


@frozen
class Batch:
    lines: tuple[str, ...]
    position: output.Position
    """Where the last of them ended, or a piece of the next one."""
    lost: int | None = 0
    """Bytes missing before them; None: an unknown number."""


class Log:
    """One pane's recording, read in order. Close it."""

    def __init__(self, folder: Path, position: output.Position | None = None) -> None:
        self.folder = folder
        self._reading = output.Reading(folder, position)
        self._stream = stream.Stream()

    def batches(self) -> Iterator[Batch]:
        """All there is now, clean."""
        for piece in self._reading.pieces():
            if piece.lost != 0:
                self._stream = stream.Stream()
            found = self._stream.feed(piece.data)
            lines = tuple(each.text for each in found if isinstance(each, stream.Line))
            if lines or piece.lost != 0:
                yield Batch(lines=lines, position=piece.end, lost=piece.lost)

    def raw(self) -> Iterator[bytes]:
        """All there is now, as it was printed."""
        for piece in self._reading.pieces():
            yield piece.data

    def unfinished(self) -> str:
        """The last line as far as it is there: a prompt."""
        return self._stream.partial()

    def skip(self) -> None:
        """To the end."""
        self._reading.close()
        end = output.end(self.folder)
        if end is not None:
            self._reading = output.Reading(self.folder, end)

    def close(self) -> None:
        self._reading.close()


class Logs:
    def __init__(self, base: Path) -> None:
        self._base = base

    def find(self, address: str, workspace: str = "") -> Path | None:
        """Of a pane by its address or tmux's id; of several lives the one written to last."""
        for folder in recordings.folders(self._base):
            if folder.name == address:
                return folder
            whose = recordings.whose(folder)
            if whose is not None and whose[1] == address and workspace in ("", whose[0]):
                return folder
        return None

    def of(self, server: str, pane: str) -> Path | None:
        """Of a live pane, if it is recorded."""
        folder = self._base / server / pane
        return folder if output.segments(folder) else None

    def open(self, folder: Path, *, since: float | None = None) -> Log:
        """`since`, Unix time: from what was printed then, to a second, as far as that is known."""
        return Log(folder, None if since is None else begin(folder, since))

    async def stream(
        self, address: str, *, tail: int | None, since: float | None, follow: bool
    ) -> AsyncIterator[Mapping[str, Any]]:
        folder = self.find(address)
        if folder is None:
            raise errors.UsageError(f"nothing is recorded of {address}")
        log = self.open(folder, since=since)
        watch = Watch([folder])
        try:
            if tail is not None:
                last = await asyncio.to_thread(tail_of, log, tail)
                if last is not None:
                    yield _plain(address, last)
            while True:
                found = log.batches()
                while (batch := await asyncio.to_thread(next, found, None)) is not None:
                    yield _plain(address, batch)
                if not follow:
                    return
                await watch.changed()
        finally:
            watch.close()
            log.close()


def begin(folder: Path, since: float) -> output.Position | None:
    """The end of what was printed before; None: from the oldest there is."""
    before: output.Position | None = None
    for time, position in recordings.times(folder):
        if time >= since:
            return before
        before = position
    return before


def tail_of(log: Log, count: int) -> Batch | None:
    """The last lines there are now."""
    kept: collections.deque[str] = collections.deque(maxlen=count)
    last: Batch | None = None
    for last in log.batches():
        kept.extend(last.lines)
    if last is None:
        return None
    lines = tuple(kept)
    return Batch(
        lines=lines[1:] if log.unfinished() and len(lines) == count else lines, position=last.position
    )


class Watch:
    """Tells when recordings grow. Close it."""

    def __init__(self, folders: list[Path]) -> None:
        self._inotify = inotify.Inotify() if inotify.AVAILABLE else None
        for folder in folders:
            self.add(folder)

    def add(self, folder: Path) -> None:
        if self._inotify is not None:
            self._inotify.add(str(folder), inotify.MODIFY | inotify.CREATE)

    @property
    def fd(self) -> int | None:
        """Readable when something has grown; None where nothing tells: then look every `POLL` seconds."""
        return None if self._inotify is None else self._inotify.fd

    def drain(self) -> None:
        if self._inotify is not None:
            collections.deque(self._inotify.read(), maxlen=0)

    async def changed(self) -> None:
        if self._inotify is None:
            await asyncio.sleep(POLL)
            return
        loop, some = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._inotify.fd, some.set)
        try:
            await some.wait()
        finally:
            loop.remove_reader(self._inotify.fd)
        self.drain()

    def close(self) -> None:
        if self._inotify is not None:
            with contextlib.suppress(OSError):
                self._inotify.close()


def _plain(address: str, batch: Batch) -> dict[str, Any]:
    lost = {} if batch.lost == 0 else {"lost": batch.lost}
    return {"address": address, "lines": list(batch.lines), "position": str(batch.position), **lost}
