"""How much the journal may hold in memory, do at once, and wait."""

from __future__ import annotations

from datetime import timedelta

from orchestra.model.frozen import frozen


@frozen
class Limits:
    waiting_events: int = 50_000
    """Appended and not yet committed."""
    waiting_bytes: int = 64 * 1024 * 1024
    batch_events: int = 2_000
    """In one transaction, unless one append alone has more."""
    batch_bytes: int = 4 * 1024 * 1024
    busy: timedelta = timedelta(seconds=2)
    """SQLite's own wait for another program's lock, before the error is told."""
    first_pause: timedelta = timedelta(milliseconds=50)
    """After a failed write; doubled up to the longest."""
    longest_pause: timedelta = timedelta(seconds=5)
    slice_events: int = 5_000
    """Deleted in one transaction."""
    slice_bytes: int = 2 * 1024 * 1024
    rescue: timedelta = timedelta(seconds=20)
    """For reading what is left in a broken file."""
