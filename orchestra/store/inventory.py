"""What snapshot.json says of a snapshot, and how it proves itself and every file beside it. Text in, text out: nothing is read here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from orchestra.model import names
from orchestra.model.errors import OrchestraError
from orchestra.model.frozen import frozen

T = TypeVar("T")

FILE = "snapshot.json"
VERSION = 1
LONGEST = 4 * 1024 * 1024
"""Bytes of snapshot.json."""
LARGEST = 64 * 1024 * 1024
"""Bytes of any other file."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"
_PATH = re.compile(rf"{_PART}(?:/{_PART}){{0,7}}\Z")
"""Nothing that leads out of the directory, and nothing file systems spell differently."""
COLLECTED = "gc-"
"""Names of what garbage collection saved begin so. It throws them away itself."""
_AUTOMATIC = re.compile(r"(?:(.+)-)?\d{8}-\d{6}-auto(?:-\d+)?\Z")


class Damaged(Exception):
    """What lies there is not what was saved. Its text is one printable line."""


@frozen
class Held:
    """Of one workspace."""

    file: str
    """The manifest's path in the snapshot."""
    sessions: int
    windows: int
    panes: int


@frozen
class Sum:
    """Of one file."""

    sha256: str
    bytes: int


@frozen
class Content:
    """What is to be saved."""

    host: str
    tmux: str
    """Its version."""
    epoch: str
    """Names the life of the tmux server."""
    automatic: bool
    scope: tuple[str, ...]
    """The workspaces that were asked for, () for everything. Their order says nothing."""
    workspaces: Mapping[str, Held]
    left_out: tuple[str, ...]
    """What could not be saved, in words."""
    files: Mapping[str, bytes]
    """By path: parts of letters, digits, `.`, `_` and `-` that do not begin with a dot, at most eight, with `/` between."""


@frozen
class Kept:
    """One that is on disk."""

    name: str
    path: Path
    time: datetime
    """Of saving, UTC; of the directory's last change where snapshot.json cannot be believed."""
    version: int = 0
    """0: snapshot.json cannot be believed. Then, and of a newer version, what is below is empty or guessed from the name."""
    host: str = ""
    tmux: str = ""
    epoch: str = ""
    automatic: bool = False
    scope: tuple[str, ...] = ()
    """Sorted; () is everything."""
    workspaces: Mapping[str, Held] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    files: Mapping[str, Sum] = field(default_factory=dict)
    content: str = ""
    """The same for two that hold the same files, whenever and wherever they were made."""
    sha256: str = ""
    problem: str = ""
    """One printable line; "" when it is sound, as far as it was looked at."""

    @property
    def bytes(self) -> int:
        """Of all files together, without snapshot.json."""
        return sum(each.bytes for each in self.files.values())

    @property
    def newer(self) -> bool:
        return self.version > VERSION


def dump(content: Content, time: datetime) -> bytes:
    """`OrchestraError` when it is too large. `ValueError` for what no caller may ask."""
    if strange := [each for each in (*content.scope, *content.workspaces) if not names.WORKSPACE.match(each)]:
        raise ValueError(f"no workspaces: {strange}")
    for path, data in content.files.items():
        if not _PATH.match(path) or path == FILE:
            raise ValueError(f"{path!r} cannot be a file of a snapshot")
        if len(data) > LARGEST:
            raise OrchestraError(f"{path} is too large for a snapshot: {len(data)} bytes, not {LARGEST}")
    if missing := {each.file for each in content.workspaces.values()} - set(content.files):
        raise ValueError(f"manifests that are not among the files: {sorted(missing)}")
    sums = {
        path: Sum(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
        for path, data in content.files.items()
    }
    document = {
        "version": VERSION,
        "time": time.astimezone(UTC).isoformat(timespec="microseconds"),
        "host": content.host,
        "tmux": content.tmux,
        "epoch": content.epoch,
        "automatic": content.automatic,
        "scope": sorted(set(content.scope)),
        "workspaces": {name: asdict(each) for name, each in content.workspaces.items()},
        "left_out": list(content.left_out),
        "files": {path: asdict(each) for path, each in sums.items()},
        "content": _sum({path: each.sha256 for path, each in sums.items()}),
    }
    raw = _canonical({**document, "sha256": _sum(document)})
    if len(raw) > LONGEST:
        raise OrchestraError(
            f"too much for one snapshot: the list of its {len(sums)} files has {len(raw)} bytes"
        )
    return raw


def unread(name: str, path: Path, changed: datetime) -> Kept:
    """What can be said without snapshot.json."""
    automatic = _AUTOMATIC.match(name)
    workspace = automatic and automatic[1]
    return Kept(
        name=name,
        path=path,
        time=changed,
        automatic=automatic is not None,
        scope=(workspace,) if workspace else (),
    )


def load(raw: bytes, unread: Kept) -> Kept:
    """`Damaged` for whatever does not prove itself. A newer one has a `problem` that says so."""
    try:
        document = json.loads(raw)
        whole = _canonical(document)
    except (ValueError, RecursionError):
        raise Damaged(f"{FILE} is not whole") from None
    if not isinstance(document, dict):
        raise Damaged(f"{FILE} is not whole")
    version = document.get("version")
    if type(version) is int and version > VERSION:
        return replace(unread, version=version, problem="was made by a newer orchestra")
    if whole != raw or document.pop("sha256", None) != (proof := _sum(document)):
        raise Damaged(f"{FILE} is not what was saved")
    try:
        return _kept(document, proof, unread)
    except (AttributeError, KeyError, TypeError, ValueError):  # somebody computed the sum
        raise Damaged(f"{FILE} makes no sense") from None


def _kept(document: dict[str, Any], proof: str, unread: Kept) -> Kept:
    files = {path: _listed(path, each) for path, each in document["files"].items()}
    workspaces = {name: _held(each) for name, each in document["workspaces"].items()}
    if document["version"] != VERSION or not {each.file for each in workspaces.values()} <= files.keys():
        raise ValueError
    return replace(
        unread,
        version=VERSION,
        time=_time(document["time"]),
        host=_typed(str, document["host"]),
        tmux=_typed(str, document["tmux"]),
        epoch=_typed(str, document["epoch"]),
        automatic=_typed(bool, document["automatic"]),
        scope=_texts(document["scope"]),
        workspaces=workspaces,
        left_out=_texts(document["left_out"]),
        files=files,
        content=_typed(str, document["content"]),
        sha256=proof,
    )


def _listed(path: str, given: dict[str, Any]) -> Sum:
    found = Sum(sha256=_typed(str, given["sha256"]), bytes=_count(given["bytes"]))
    if not _PATH.match(path) or path == FILE or found.bytes > LARGEST:
        raise ValueError
    return found


def _held(given: dict[str, Any]) -> Held:
    return Held(
        file=_typed(str, given["file"]),
        sessions=_count(given["sessions"]),
        windows=_count(given["windows"]),
        panes=_count(given["panes"]),
    )


def _time(given: str) -> datetime:
    found = datetime.fromisoformat(given)
    if found.tzinfo is None or not MINYEAR < found.year < MAXYEAR:  # there is a moment before and after it
        raise ValueError
    return found.astimezone(UTC)


def _count(given: object) -> int:
    if _typed(int, given) < 0:
        raise ValueError
    return _typed(int, given)


def _texts(given: object) -> tuple[str, ...]:
    return tuple(_typed(str, each) for each in _typed(list, given))


def _typed(kind: type[T], given: object) -> T:
    if type(given) is not kind:  # True is no number
        raise TypeError
    return given


def _sum(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()


def _canonical(document: object) -> bytes:
    """ASCII, so that half a character somebody typed into a title is no obstacle."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
