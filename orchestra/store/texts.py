"""The text of each workspace's manifest as it was applied last, so that a snapshot can keep it as it was written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from orchestra.model.frozen import frozen


@frozen
class Text:
    text: str
    """"" where it is not all of the manifest."""
    file: str
    """Absolute; "-" for standard input."""
    folder: str
    """Where its relative paths begin."""
    environment: str | None
    variables: Mapping[str, str | int | float | bool]
    hidden: Sequence[str] = ()
    """Variables that are not in it, because they look like secrets."""
    groups: Mapping[str, Sequence[str]] | None = None
    """Name → addresses. None: a version before this one wrote it, and the manifest has to be read for them."""
    autosave: Mapping[str, object] | None = None
    """The snapshots that it wants: a dumped `spec.Snapshots`."""


def keep(top: Path, workspace: str, text: Text) -> None:
    """Whole or not at all. OSError."""
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = top / f"{workspace}.json"
    data = json.dumps(asdict(text)).encode(errors="surrogateescape")
    try:
        if path.read_bytes() == data:
            return
    except OSError:
        pass
    with tempfile.NamedTemporaryFile(dir=top, prefix=f".{workspace[:50]}.", delete=False) as draft:
        scratch = Path(draft.name)
        try:
            draft.write(data)
            draft.flush()
            os.fsync(draft.fileno())
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)


def forget(top: Path, workspace: str) -> None:
    """OSError."""
    (top / f"{workspace}.json").unlink(missing_ok=True)


def read(top: Path, workspace: str) -> Text | None:
    """None when there is none, or none that can be read."""
    try:
        return Text(**json.loads((top / f"{workspace}.json").read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
