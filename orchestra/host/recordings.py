"""The daemon's care for recordings: rings stay rings, each pane's folder says whose it is, and when something was printed is noted.

BASE/SERVER/PANE/pane         "workspace address uid"
BASE/SERVER/PANE/times        a line for each second in which something was printed: "UNIX-TIME POSITION"
BASE/SERVER/PANE/history      what was typed into its shell (model/history.py)
BASE/SERVER/PANE/SECONDS-…    what it printed (host/output.py)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from orchestra.host import clock, inotify, output
from orchestra.model import history

TICK = 1.0
"""Seconds between two notes of when a pane printed: what costs us, however much it prints."""
LOOK_EVERY = 2.0
"""Seconds, where the system does not tell of changed files."""
MOST = 256 * 1024
"""Bytes of a `times` or a `history` file, from which on the older half goes."""
WHOSE, TIMES, LIVES, HISTORY = "pane", "times", "lives", "history"
_END = re.compile(rb"(?<!\\)\n")

_log = logging.getLogger("orchestra.recordings")


@dataclass(slots=True)
class _Kept:
    folder: Path
    created: int = -1
    """Number of the watch for new files."""
    printed: int = -1
    """Number of the watch for what is printed, -1 between two ticks."""
    noted: output.Position | None = None
    at: float = 0.0
    """When it printed last, on the monotonic clock."""
    typed: str | None = None
    """What was typed last; None: not looked at yet."""


class Recordings:
    """In one event loop; `close` it. `renew` is called with panes whose recording runs out of names."""

    def __init__(self, base: Path, clock: clock.Clock, renew: Callable[[str], None]) -> None:
        self._base = base
        self._clock = clock
        self._renew = renew
        self._server = ""
        self._kept: dict[str, _Kept] = {}
        self._created: dict[int, str] = {}
        self._printed: dict[int, str] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self.trouble = ""
        """What could not be written or watched last."""
        self._loop = asyncio.get_running_loop()
        self._new: inotify.Inotify | None = None
        self._said: inotify.Inotify | None = None
        if inotify.AVAILABLE:
            self._new, self._said = inotify.Inotify(), inotify.Inotify()
            self._loop.add_reader(self._new.fd, self._hear_new)
            self._loop.add_reader(self._said.fd, self._hear_printed)
        else:
            self._later(LOOK_EVERY, self._look)

    def folder(self, pane: str) -> Path:
        return self._base / self._server / pane

    def printed(self, pane: str) -> float | None:
        """When it printed last, on the monotonic clock, to a second; None when that is not known."""
        kept = self._kept.get(pane)
        return kept.at if kept is not None and kept.at else None

    def written(self, pane: str) -> tuple[str, int] | None:
        """The recording, and how many bytes it has had; None when there is none. Of another recording it begins anew."""
        end = None
        with contextlib.suppress(OSError):
            end = output.end(self.folder(pane))
        if end is None:
            return None
        return f"{end.segment.seconds}-{end.segment.pid}", end.segment.number * output.SEGMENT + end.offset

    def at(self, server: str) -> None:
        """Panes are this server's from here on: where they are recorded may be asked before they are kept."""
        if server != self._server:
            for pane in list(self._kept):
                self._drop(pane)
            self._server = server

    def keep(
        self, server: str, whose: Mapping[str, str], histories: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """These panes of this server are recorded now, with the text that says whose each is; others are no more. `histories`: a file of
        what was typed into some before they were made."""
        self.at(server)
        for pane in [pane for pane in self._kept if pane not in whose]:
            self._drop(pane)
        for pane, text in whose.items():
            if pane not in self._kept:
                with self._going_on():
                    self._add(pane, text)
                    self._begin_history(pane, histories.get(pane))

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        """Where a disk is full, say, less is known of what was printed; what happens is told all the same."""
        try:
            yield
        except OSError as error:
            if str(error) != self.trouble:
                self.trouble = str(error)
                _log.error("recordings: %s", error)
        else:
            self.trouble = ""

    def typed(self, pane: str, command: str) -> None:
        """Not the same twice running, as most shells have it."""
        kept = self._kept.get(pane)
        if kept is None or not history.is_kept(command):
            return
        if kept.typed is None:
            kept.typed = next(reversed(typed(kept.folder)), "")
        if command != kept.typed:
            kept.typed = command
            with self._going_on():
                _append(kept.folder / HISTORY, history.text([command]).encode())

    def ended(self, pane: str, pid: int) -> None:
        """Its process has ended: what comes from here on is another one's."""
        kept = self._kept.get(pane)
        if kept is None:
            return
        with self._going_on():
            if (end := output.end(kept.folder)) is not None:
                with (kept.folder / LIVES).open("a") as file:
                    file.write(f"{pid} {end}\n")

    def close(self) -> None:
        for pane in list(self._kept):
            self._drop(pane)
        for timer in self._timers:
            timer.cancel()
        for each in (self._new, self._said):
            if each is not None:
                self._loop.remove_reader(each.fd)
                each.close()

    def sweep(self, max_age: timedelta, of: Mapping[str, timedelta] = MappingProxyType({})) -> None:
        """Throws away the recordings of panes that are gone, and that nothing was written to for so long; `of`: of these workspaces
        after another time."""
        now = self._clock.now().timestamp()
        for server in self._base.glob("*/"):
            for folder in server.glob("*/"):
                if server.name == self._server and folder.name in self._kept:
                    continue
                with contextlib.suppress(FileNotFoundError):
                    newest = max((each.stat().st_mtime for each in folder.iterdir()), default=0.0)
                    known = whose(folder)
                    age = of.get(known[0], max_age) if known is not None else max_age
                    if max(newest, folder.stat().st_mtime) < now - age.total_seconds():
                        shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                server.rmdir()

    # --- one pane

    def _add(self, pane: str, whose: str) -> None:
        folder = self.folder(pane)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / WHOSE).exists():
            temporary = folder / f".{WHOSE}"
            temporary.write_text(whose + "\n")
            temporary.rename(folder / WHOSE)
        self._kept[pane] = _Kept(folder)
        self._ticks(pane)

    def _begin_history(self, pane: str, file: str | None) -> None:
        folder = self._kept[pane].folder
        if file is not None and not (folder / HISTORY).exists() and (before := commands(Path(file))):
            temporary = folder / f".{HISTORY}"
            temporary.write_text(history.text(before))
            temporary.rename(folder / HISTORY)

    def _drop(self, pane: str) -> None:
        kept = self._kept.pop(pane)
        if self._new is not None and self._created.pop(kept.created, None) is not None:
            self._new.remove(kept.created)
        if self._said is not None and self._printed.pop(kept.printed, None) is not None:
            self._said.remove(kept.printed)

    def _tidy(self, pane: str) -> None:
        if output.trim(self._kept[pane].folder) >= output.NEARLY:
            self._renew(pane)

    def _ticks(self, pane: str) -> None:
        """Again later where it could not listen: no watch was left, say."""
        with self._going_on():
            self._tick(pane)
        kept = self._kept.get(pane)
        if self._said is not None and kept is not None and (kept.created < 0 or kept.printed < 0):
            self._later(LOOK_EVERY, lambda: self._ticks(pane))

    def _tick(self, pane: str) -> None:
        """Notes that something was printed, and listens for the next time."""
        kept = self._kept.get(pane)
        if kept is None:
            return
        if self._new is not None and kept.created < 0:
            kept.created = self._new.add(str(kept.folder), inotify.CREATE)
            self._created[kept.created] = pane
            self._tidy(pane)
        if self._said is not None and kept.printed < 0:
            # Before looking, so that what comes between is heard.
            kept.printed = self._said.add(str(kept.folder), inotify.MODIFY | inotify.CREATE | inotify.ONESHOT)
            self._printed[kept.printed] = pane
        end = output.end(kept.folder)
        if end is None or end == kept.noted:
            return
        first, kept.noted, kept.at = kept.noted is None, end, self._clock.monotonic()
        if first and (kept.folder / TIMES).exists():
            return  # from before we came: when it was printed is not known
        note(kept.folder / TIMES, int(self._clock.now().timestamp()), end)

    # --- hearing

    def _hear_new(self) -> None:
        assert self._new is not None
        watches = {notice.watch for notice in self._new.read()}
        panes = list(self._kept) if -1 in watches else [self._created.get(each) for each in watches]
        for pane in panes:
            if pane is not None and pane in self._kept:
                with self._going_on():
                    self._tidy(pane)

    def _hear_printed(self) -> None:
        assert self._said is not None
        for notice in self._said.read():
            if notice.watch < 0:
                for each, kept in self._kept.items():
                    kept.printed = -1
                    self._ticks(each)
                continue
            pane = self._printed.pop(notice.watch, None)
            if pane is None or pane not in self._kept:
                continue
            kept = self._kept[pane]
            kept.printed, kept.at = -1, self._clock.monotonic()
            self._later(TICK, lambda pane=pane: self._ticks(pane))  # type: ignore[misc]

    def _look(self) -> None:
        for pane in list(self._kept):
            with self._going_on():
                self._tidy(pane)
                self._tick(pane)
        self._later(LOOK_EVERY, self._look)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        def do() -> None:
            self._timers.discard(timer)
            what()

        timer = self._loop.call_later(seconds, do)
        self._timers.add(timer)


def note(path: Path, time: int, position: output.Position) -> None:
    _append(path, f"{time} {position}\n".encode())


def typed(folder: Path) -> tuple[str, ...]:
    """What was typed into a pane's shell, in order."""
    return commands(folder / HISTORY)


def commands(path: Path) -> tuple[str, ...]:
    """None where there is no such file."""
    try:
        with path.open("rb") as file:
            return history.parse(file.read(2 * MOST).decode(errors="replace"))
    except OSError:
        return ()


def _append(path: Path, line: bytes) -> None:
    with path.open("ab") as file:
        file.write(line)
        size = file.tell()
    if size > MOST:
        whole = path.read_bytes()
        half = _END.search(whole, len(whole) // 2)
        temporary = path.with_name(f".{path.name}")
        temporary.write_bytes(whole[half.end() :] if half is not None else b"")
        temporary.replace(path)


def times(folder: Path) -> list[tuple[int, output.Position]]:
    """Unix time and where the recording ended then, in order."""
    try:
        lines = (folder / TIMES).read_text().splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        time, _, text = line.partition(" ")
        position = output.Position.parse(text)
        if time.isdecimal() and position is not None:
            found.append((int(time), position))
    return found


def last(folder: Path) -> tuple[int, output.Position] | None:
    """The last of `times`."""
    try:
        with (folder / TIMES).open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 200, 0))
            line = file.read().splitlines()[-1].decode()
    except (OSError, IndexError, UnicodeDecodeError):
        return None
    time, _, text = line.partition(" ")
    position = output.Position.parse(text)
    return (int(time), position) if time.isdecimal() and position is not None else None


def life(folder: Path, pid: int) -> output.Position | None:
    """Where what this process printed begins; None where that is not known."""
    try:
        lines = (folder / LIVES).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for line in reversed(lines):
        ended, _, text = line.partition(" ")
        if ended != str(pid):
            return output.Position.parse(text)
    return None


def whose(folder: Path) -> tuple[str, str, str] | None:
    """Workspace, address and uid of the pane a folder is of."""
    try:
        words = (folder / WHOSE).read_text().split()
    except (OSError, UnicodeDecodeError):
        return None
    return (words[0], words[1], words[2]) if len(words) == 3 else None


def folders(base: Path) -> list[Path]:
    """Every pane's, the most recently written first."""
    found = [each for each in base.glob("*/*") if each.is_dir()]
    return sorted(found, key=lambda each: each.stat().st_mtime, reverse=True)
