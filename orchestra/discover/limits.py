"""How much a source may ask of an import, so that a hostile one is refused within two seconds."""

from __future__ import annotations

FILE_BYTES = 1024 * 1024
DEPTH = 32
NODES = 10_000
"""Aliases and merges expanded; long texts count more than once."""
TEXT = 64
"""So many characters count as one more."""
LINES = 20_000
ERB = 500
MADE = 512 * 1024
"""Characters of what is said once and holds for many panes."""
DEPENDENCIES = 5_000
VALUES = 12_000
"""Of the manifest that is made."""
PANES = 1000
NAME = 64
WARNINGS = 200
"""Told one by one; the rest is counted."""
VARIABLES = 200
ENV_FILES = 20
