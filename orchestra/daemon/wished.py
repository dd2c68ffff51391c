"""What the user wishes for all workspaces, each in a file of its own below the state directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from orchestra.host import whole_file
from orchestra.model import codec, errors

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T | None:
    """None: nothing is wished, or nothing that can be read."""
    try:
        return codec.load(kind, json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def write(path: Path, wanted: object | None) -> None:
    """None: nothing more. `OrchestraError`."""
    try:
        if wanted is None:
            path.unlink(missing_ok=True)
            return
        whole_file.write(path, json.dumps(codec.dump(wanted)).encode(), over=True, mode=0o600)
    except OSError as error:
        raise errors.OrchestraError(f"cannot write {path}: {error.strerror or error}") from error
