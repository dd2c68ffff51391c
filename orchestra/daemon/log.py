"""What the daemon says of itself: a line a happening, to stderr, or to a file that is turned over when it is large."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

MOST = 1024 * 1024
"""Bytes of a file; three older ones are kept."""


def to_file(path: Path | None) -> None:
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler()
    else:
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=MOST, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # whoever is cut off when we end is no error
