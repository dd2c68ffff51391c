"""What one snapshot on disk is worth. Whatever lies there is an answer, never an error."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestra.store import folder, inventory, trouble
from orchestra.store.inventory import Damaged, Kept, Sum

Look = Callable[[int, str, Sum], object]
"""At a file of a directory's, by its descriptor, path and what is listed of it; raises `Damaged`."""


def at(top: Path, name: str, look: Look) -> Kept | None:
    """None: there is none of this name, or it went while it was looked at."""
    if not inventory.NAME.match(name):  # before it is put into a path: it may be `/etc`
        return None
    path = top / name
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    kept = inventory.unread(name, path, _moment(found.st_mtime))
    try:
        with folder.opened(path) as opened:
            kept = inventory.load(folder.read(opened, inventory.FILE, inventory.LONGEST), kept)
            for each, listed in kept.files.items():
                look(opened, each, listed)
    except (Damaged, OSError) as error:
        if not _still(path, found):
            return None
        said = f"cannot be read: {trouble.words(error)}" if isinstance(error, OSError) else str(error)
        return replace(kept, problem=said)
    return kept


def sound(candidates: Iterable[Kept]) -> Kept | None:
    """The first that is found whole now."""
    for each in candidates:
        if (
            not each.problem
            and (found := at(each.path.parent, each.name, folder.verified))
            and not found.problem
        ):
            return found
    return None


def without(top: int, path: str, listed: Sum) -> None:
    """At no file at all."""


def order(kept: Kept) -> tuple[datetime, str]:
    return kept.time, kept.name


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, OverflowError, ValueError):  # a file system has more years than a calendar
        return datetime.min.replace(tzinfo=UTC)


def _still(path: Path, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.lstat(), found)
    except OSError:
        return False
