"""What the daemon asks of the world beside `ports`, which every command loads: this is 16 ms more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

from orchestra.model import event, status


class Listening(Protocol):
    """What a server tells by itself, and the recording of what its panes print."""

    def begin(self, recordings: str) -> None:
        """From now on the server wakes `wait`, and panes are recorded under that directory from their birth on."""

    def end(self) -> None: ...

    def wait(self) -> bool:
        """Blocks until something changed. False when there is no server, when it ended, and after `leave`."""

    def leave(self) -> None: ...

    def endings(self, panes: Collection[str]) -> Mapping[str, status.Ending]:
        """How far tmux is with them, those that are still there. `TmuxUnavailable` when nobody knows."""

    def record(self, panes: Sequence[str], recordings: str, *, again: bool = False) -> None:
        """Begins to record panes nothing is piped from; `again`: those whose recording comes to its end."""


class Ends(Protocol):
    def watch(self, pids: Mapping[str, int]) -> None:
        """Which processes' ends are told from now on, by key."""


class Journal(Protocol):
    def append(
        self, events: Sequence[event.Event], state: Mapping[str, Any] | None = None
    ) -> Future[tuple[event.Event, ...]]:
        """Done when they are on disk, with their sequence numbers, and `state` with them: all or nothing. `JournalFull`: it can take
        no more now, nothing was done."""

    def get(self, key: str) -> Any:
        """Of the state; None when there is none."""

    def read(
        self,
        after: int = 0,
        *,
        limit: int,
        types: Sequence[str] = (),
        workspace: str = "",
        addresses: Sequence[str] = (),
        since: datetime | None = None,
        newest: bool = False,
        skip: int = 0,
    ) -> tuple[event.Event, ...]:
        """In order, those with a greater sequence: the first `limit` of them, or the last; behind so many that are left out."""

    def last(self) -> int: ...

    def first(self) -> int:
        """The oldest that is kept; of an empty journal the one to come."""
