"""What the daemon does beside hearing: parts that look on, each with a life of its own. `reacting.py` lists them.

A part is told of every look at the server (level-triggered: what it misses costs time, never correctness) and of every event; it acts by
plans, as everybody does. What it must know after a restart it keeps in the journal, in one transaction with the event that says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from orchestra.daemon import assemble
from orchestra.engine.hear import bus
from orchestra.engine.trigger import firings
from orchestra.host import clock, paths, recordings
from orchestra.model import event, status
from orchestra.model.frozen import frozen
from orchestra.store import journal


class Part(Protocol):
    name: str
    """Under which the journal keeps its state, and `describe` shows it."""

    def resume(self, kept: Any) -> None:
        """What one before us knew; anything at all, when that cannot be read. Before anything else."""

    async def looked(self, server: status.Server) -> None:
        """After each look. Keeps nobody waiting: what takes time is done in `run`."""

    def happened(self, events: Sequence[event.Event]) -> None:
        """What was published, in order, the part's own events included."""

    async def run(self) -> None:
        """Until it is cancelled."""

    def describe(self) -> Mapping[str, Any]:
        """For `daemon status` and the API; `troubles`, if it has any, is a list of sentences."""


Say = Callable[[event.Body, str, str, Mapping[str, Any]], Awaitable[None]]
"""An event of a workspace and an address, with state to be kept in the same transaction; returns when both are on the disk."""


Keep = Callable[[Mapping[str, Any]], Awaitable[None]]
"""State alone; returns when it is on the disk."""


@frozen
class Reach:
    """What parts are given of the daemon."""

    assembly: assemble.Assembly
    found: paths.Directories
    clock: clock.Clock
    bus: bus.Bus
    journal: journal.Journal
    recordings: recordings.Recordings
    say: Callable[[str], Say]
    """For the cause that is to stand in the events: the part's name."""
    keep: Keep
    publish: firings.Publish
    """Several events, with state to be kept in the same transaction."""
    is_busy: Callable[[], bool]
    """Whether somebody applies now, who stops and starts things himself."""
    look: Callable[[], None]
    """Has the server looked at."""
    look_soon: Callable[[], None]
    """A moment later: nothing tells that a pane was started in place."""
