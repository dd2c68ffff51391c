"""Panes' recordings, as `tmux/recording.py` has them written: a ring of files a pane, read by whoever wants to.

A position (`SECONDS-PID-aa:OFFSET`) stays true whatever is written or thrown away after; positions of one pane sort in time.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestra.model.frozen import frozen

SEGMENT = 256 * 1024
"""As `tmux.recording.SEGMENT`; a test holds them together."""
RING = 32
"""Files kept of a pane: 8 MiB."""
NEARLY = 26 * 24
"""Of a recording's 676 files, this many are written: time to begin another."""
CHUNK = 256 * 1024

_NAME = re.compile(r"(\d{1,12})-(\d{1,10})-([a-z])([a-z])")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    seconds: int
    pid: int
    number: int
    """From 0, in its recording."""

    def __str__(self) -> str:
        return f"{self.seconds}-{self.pid}-{chr(97 + self.number // 26)}{chr(97 + self.number % 26)}"

    @classmethod
    def parse(cls, name: str) -> Segment | None:
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        number = (ord(found[3]) - 97) * 26 + ord(found[4]) - 97
        return cls(int(found[1]), int(found[2]), number)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    segment: Segment
    offset: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Position | None:
        name, _, offset = text.partition(":")
        segment = Segment.parse(name)
        return cls(segment, int(offset)) if segment is not None and offset.isdecimal() else None


@frozen
class Piece:
    """Bytes, and where they end. `lost`: as many went before them that nobody read in time; None of an unknown number."""

    data: bytes
    end: Position
    lost: int | None = 0


def segments(folder: Path) -> list[Segment]:
    """In order of time; none where there is no such directory."""
    try:
        names = [each.name for each in os.scandir(folder)]
    except FileNotFoundError:
        return []
    return sorted(each for each in map(Segment.parse, names) if each is not None)


def end(folder: Path) -> Position | None:
    """Where the recording ends now; None when there is none."""
    for segment in reversed(segments(folder)):
        with contextlib.suppress(FileNotFoundError):
            return Position(segment, (folder / str(segment)).stat().st_size)
    return None


def has_ended(folder: Path) -> bool:
    """Whether who wrote last is gone: what is piped from the pane now is somebody else's. False where nothing was written yet."""
    last = end(folder)
    if last is None:
        return False
    try:
        os.kill(last.segment.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def trim(folder: Path, ring: int = RING) -> int:
    """Throws away what is older than the ring; how many files the newest recording has had."""
    found = segments(folder)
    for old in found[:-ring]:
        with contextlib.suppress(FileNotFoundError):
            (folder / str(old)).unlink()
    return found[-1].number + 1 if found else 0


class Reading:
    """Reads one pane's recording from `position` on (None: from the oldest that is there), and goes on as it grows. Close it."""

    def __init__(self, folder: Path, position: Position | None = None) -> None:
        self._folder = folder
        self._at = position
        self._fd = -1

    @property
    def position(self) -> Position | None:
        """Of what comes next."""
        return self._at

    def read(self, size: int = CHUNK) -> Piece | None:
        """None when there is nothing more now."""
        lost: int | None = 0
        if self._fd < 0:
            opened = self._open()
            if opened is None:
                return None
            lost = opened or 0
        while True:
            assert self._at is not None
            data = os.read(self._fd, size)
            if data:
                self._at = Position(self._at.segment, self._at.offset + len(data))
                return Piece(data=data, end=self._at, lost=lost)
            following = self._following()
            if following is None:
                return None
            # It may have grown between the two looks; what comes after it is begun only when it is whole.
            data = os.read(self._fd, size)
            if data:
                self._at = Position(self._at.segment, self._at.offset + len(data))
                return Piece(data=data, end=self._at, lost=lost)
            missing = self._missing(following)
            self.close()
            self._at = Position(following, 0)
            if self._open() is None:
                return None
            lost = None if lost is None or missing is None else lost + missing

    def pieces(self, size: int = CHUNK) -> Iterator[Piece]:
        """All there is now. What is printed meanwhile is for the next time: of what prints faster than it is read there is no end."""
        now = end(self._folder)
        while (piece := self.read(size)) is not None:
            yield piece
            if now is None or piece.end >= now:
                return

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> int | None:
        """Bytes that are missing before where we could begin; None when there is nothing to open yet."""
        missing = 0
        for _ in range(10):  # the ring may go on while we look
            found = segments(self._folder)
            if not found:
                return None
            if self._at is None:
                self._at = Position(found[0], 0)
            elif self._at.segment not in found:
                later = [each for each in found if each > self._at.segment]
                if not later:
                    return None
                missing += self._missing(later[0]) or 0
                self._at = Position(later[0], 0)
            try:
                self._fd = os.open(self._folder / str(self._at.segment), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            os.lseek(self._fd, self._at.offset, os.SEEK_SET)
            return missing
        return None

    def _following(self) -> Segment | None:
        assert self._at is not None
        at = self._at.segment
        if self._at.offset >= SEGMENT:
            direct = Segment(at.seconds, at.pid, at.number + 1)
            if (self._folder / str(direct)).exists():
                return direct
        return next((each for each in segments(self._folder) if each > at), None)

    def _missing(self, following: Segment) -> int | None:
        """Between where we are and `following`; None when another recording lies between."""
        assert self._at is not None
        at = self._at.segment
        if (at.seconds, at.pid) != (following.seconds, following.pid):
            return 0 if following.number == 0 else None
        return (following.number - at.number) * SEGMENT - self._at.offset
