"""Files of the user's, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write(path: Path, data: bytes, *, over: bool, mode: int | None = None) -> None:
    """On the disk when this returns. `FileExistsError` for what is there, unless `over`; other `OSError`s.

    `mode` is its own: without one that of the file that is there, else what the umask leaves.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:50]}.", delete=False) as file:
        scratch = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _mode(path) if mode is None else mode)
            os.fsync(file.fileno())
            if over:
                scratch.replace(path)
            else:
                path.hardlink_to(scratch)
        finally:
            scratch.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
