"""How much a manifest may ask of the loader, so that a hostile one is refused within two seconds and 256 MiB."""

from __future__ import annotations

FILE_BYTES = 1024 * 1024
FILES = 50
DEPTH = 32
NODES = 50_000
"""Of a manifest and everything it includes."""
ALIASES = 100
"""Counted expanded: an alias inside an aliased node counts again each time."""
FILLED = 100_000
"""Values, once defaults and replicas are filled in."""
PANES = 1000
DEPENDENCIES = 50_000
PROBLEMS = 100
"""Told one by one; the rest is counted."""
PATTERNS = 2000
"""Characters of all patterns that ignore case: a range in one costs milliseconds to compile."""
TEXT = 64 * 1024
"""Characters a template may read or make."""
TEMPLATE_WORK = 2 * 1024 * 1024
"""Characters all templates may make, intermediate results included."""
TEMPLATE_NODES = 400
ALL_TEMPLATE_NODES = 20_000
ALL_TEMPLATE_SOURCE = 256 * 1024
