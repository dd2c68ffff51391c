"""An event as a row and back. Each row carries a checksum: a flipped bit is never told as something that happened.

Strings that are no Unicode (lone surrogates: bytes of somebody's terminal) are replaced before they are kept, by U+FFFD: no reader
of JSON could be given them. What `append` hands back is what was kept.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestra.model import codec, event

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_ENVELOPE = 200
"""Bytes an event weighs beside its body, roughly."""

Values = tuple[int, str, str, str, str, str]
"""Time in microseconds, type, workspace, address, cause, body as JSON."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """All of a row but its sequence number, which the writer gives."""

    event: event.Event
    values: Values
    crc: int
    """Of everything but the sequence number."""
    size: int


def prepare(given: event.Event) -> Prepared:
    time = microseconds(given.time)
    if given.time.tzinfo is not UTC:
        given = dataclasses.replace(given, time=EPOCH + time * MICROSECOND)
    body = _encode(event.dump_body(given.body))
    values = (time, given.type, given.workspace, given.address, given.cause, body)
    try:
        return Prepared(given, values, crc(values), len(body) + _ENVELOPE)
    except UnicodeEncodeError:
        return prepare(_cleaned(given, body))


def crc(values: Values) -> int:
    return zlib.crc32(_joined(values))


def numbered(prepared: Prepared, sequence: int) -> tuple[int, int, str, str, str, str, str, int]:
    return (sequence, *prepared.values, zlib.crc32(b"%d" % sequence, prepared.crc))


def stamped(prepared: Prepared, sequence: int) -> event.Event:
    given = prepared.event
    return event.Event(
        body=given.body,
        time=given.time,
        sequence=sequence,
        workspace=given.workspace,
        address=given.address,
        cause=given.cause,
    )


def is_whole(row: Sequence[Any]) -> bool:
    """Whether these are the values that were written under this sequence number."""
    sequence, *values, crc = row
    try:
        return bool(zlib.crc32(b"%d" % sequence, zlib.crc32(_joined(values))) == crc)
    except (TypeError, ValueError):
        return False


def load(row: Sequence[Any]) -> event.Event:
    """A row that is damaged, or of a type this version does not know, is told as what it is, in its place."""
    sequence, time, type_, workspace, address, cause, body, _ = row
    if not is_whole(row):
        return _stand_in(int(sequence), EPOCH, "is damaged and cannot be read")
    when = EPOCH + time * MICROSECOND
    kind = event.BODIES.get(type_)
    if kind is None:
        return _stand_in(sequence, when, f"is of a type this version does not know: {type_}")
    try:
        loaded = event.load_body(kind, json.loads(body))
    except (codec.LoadError, ValueError, RecursionError) as error:
        return _stand_in(sequence, when, f"is not read by this version: {error}")
    return event.Event(
        body=loaded, time=when, sequence=sequence, workspace=workspace, address=address, cause=cause
    )


def microseconds(time: datetime) -> int:
    return (time - EPOCH) // MICROSECOND


def dump_json(value: object) -> str:
    return readable(_encode(value))


def dump_state(key: str, value: str, revision: int) -> tuple[str, str, int, int]:
    return key, value, revision, _crc_state(key, value, revision)


def is_whole_state(row: Sequence[Any]) -> bool:
    key, value, revision, crc = row
    try:
        return bool(_crc_state(key, value, revision) == crc)
    except (TypeError, ValueError):
        return False


def readable(text: str) -> str:
    """Halves of surrogate pairs are put together, single ones replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _crc_state(key: str, value: str, revision: int) -> int:
    return zlib.crc32(b"%d" % revision, zlib.crc32(f"{key}\x1f{value}".encode()))


def _joined(values: Sequence[Any]) -> bytes:
    time, *texts = values
    return "\x1f".join(texts).encode() + b"\x1f%d" % time


def _cleaned(given: event.Event, body: str) -> event.Event:
    return dataclasses.replace(
        given,
        body=event.load_body(type(given.body), json.loads(readable(body))),
        workspace=readable(given.workspace),
        address=readable(given.address),
        cause=readable(given.cause),
    )


def _stand_in(sequence: int, time: datetime, reason: str) -> event.Event:
    body = event.DaemonFault(part="journal", reason=f"event {sequence} {reason}")
    return event.Event(body=body, time=time, sequence=sequence)
