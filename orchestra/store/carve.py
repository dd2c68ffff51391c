"""Rows read out of raw pages, without SQLite: what is left of a file whose trees, header or log are broken.

A row is known by its shape and its checksum, so whatever else lies in a page cannot be taken for one; events never change, so every
old copy of a page is as good as the newest. Source: sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestra.store import row, schema

_PAGE = schema.PAGE
_LARGEST = 32 * 1024 * 1024
_WAL_HEADER, _FRAME_HEADER = 32, 24
_EVENT_VALUES, _STATE_VALUES = 8, 4
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
"""Bytes of a value, by its serial type."""


class Pages:
    """Of a file and its write-ahead log, as far as both are there."""

    def __init__(self, path: Path) -> None:
        main, log, _ = schema.companions(path)
        self._main = _content(main)
        self._log = _content(log)
        self._newest: dict[int, int] = {}
        for offset in range(_WAL_HEADER, len(self._log) - _FRAME_HEADER - _PAGE + 1, _FRAME_HEADER + _PAGE):
            (number,) = struct.unpack_from(">I", self._log, offset)
            self._newest[number] = offset + _FRAME_HEADER

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Whole rows of both tables, the file's before the log's; a row may come more than once."""
        for offset in range(0, len(self._main), _PAGE):
            yield from self._leaf(self._main[offset : offset + _PAGE])
        for offset in range(_WAL_HEADER, len(self._log), _FRAME_HEADER + _PAGE):
            start = offset + _FRAME_HEADER
            yield from self._leaf(self._log[start : start + _PAGE])

    def _leaf(self, page: bytes) -> Iterator[tuple[Any, ...]]:
        """Neither the page's type nor its count of rows is believed: both may be what is broken."""
        start = 108 if page.startswith(b"SQLite format 3\0") else 8
        count = max(len(page) - start, 0) // 2
        lowest = len(page)
        seen = set()
        for number, cell in enumerate(struct.unpack_from(f">{count}H", page, start) if count else ()):
            if start <= cell < _PAGE and cell not in seen:
                if start + 2 * number >= lowest:
                    break  # where the pointers end, the rows begin
                seen.add(cell)
                if (found := self._cell(page, cell)) is not None:
                    lowest = min(lowest, cell)
                    yield found

    def _cell(self, page: bytes, cell: int) -> tuple[Any, ...] | None:
        try:
            size, position = _varint(page, cell)
            number, position = _varint(page, position)
            if not 2 <= size <= _LARGEST or number <= 0:
                return None
            local = _local(size)
            payload = page[position : position + local]
            if local == size:
                return _record(payload, number)
            (after,) = struct.unpack_from(">I", page, position + local)
            for newest in (self._newest, {}):
                if found := _record(payload + self._overflow(after, size - local, newest), number):
                    return found
        except (IndexError, struct.error, ValueError):
            pass  # no row begins here
        return None

    def _overflow(self, number: int, size: int, newest: dict[int, int]) -> bytes:
        parts = []
        while size > 0:
            offset = newest.get(number)
            source = self._main if offset is None else self._log
            offset = (number - 1) * _PAGE if offset is None else offset
            if number == 0 or offset + 4 > len(source):
                raise ValueError("the chain ends early")
            (number,) = struct.unpack_from(">I", source, offset)
            parts.append(source[offset + 4 : offset + min(_PAGE, size + 4)])
            size -= _PAGE - 4
        return b"".join(parts)


def _record(payload: bytes, number: int) -> tuple[Any, ...] | None:
    size, position = _varint(payload, 0)
    kinds = []
    while position < size:
        kind, position = _varint(payload, position)
        kinds.append(kind)
        if len(kinds) > _EVENT_VALUES:
            return None
    if len(kinds) not in (_EVENT_VALUES, _STATE_VALUES):
        return None
    values: list[Any] = []
    position = size
    for kind in kinds:
        length = _SIZES[kind] if kind < len(_SIZES) else (kind - 12) // 2
        part = payload[position : position + length]
        if len(part) < length:
            return None
        position += length
        values.append(_value(kind, part))
    if len(values) == _STATE_VALUES:
        return tuple(values) if row.is_whole_state(values) else None
    values[0] = number
    return tuple(values) if row.is_whole(values) else None


def _value(kind: int, part: bytes) -> Any:
    if kind in (0, 7, 10, 11):
        return None
    if kind in (8, 9):
        return kind - 8
    if kind < 7:
        return int.from_bytes(part, "big", signed=True)
    return part.decode() if kind % 2 else part


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for _ in range(8):
        byte = data[position]
        position += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position
    return value << 8 | data[position], position + 1


def _local(size: int) -> int:
    """Bytes of a payload that lie in the leaf itself."""
    if size <= _PAGE - 35:
        return size
    least = (_PAGE - 12) * 32 // 255 - 23
    fitting = least + (size - least) % (_PAGE - 4)
    return fitting if fitting <= _PAGE - 35 else least


def _content(path: Path) -> bytes | mmap.mmap:
    """Mapped: what lies there may be large. Closing a file drops SQLite's locks on it, so no connection may be open now."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, ValueError):  # nothing, or nothing in it
        return b""
