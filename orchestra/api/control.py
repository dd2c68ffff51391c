"""What the API may ask of the daemon it stands in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from orchestra.engine.hear import bus, sources
from orchestra.engine.react import metrics
from orchestra.model import event, status


class Control(Protocol):
    @property
    def bus(self) -> bus.Bus: ...

    @property
    def journal(self) -> sources.Journal: ...

    @property
    def metrics(self) -> metrics.Metrics: ...

    def describe(self) -> Mapping[str, Any]:
        """Of the daemon itself, as JSON."""

    def health(self) -> Mapping[str, Any]:
        """Of panes by tmux's id and of sessions by workspace and name, and `last`: the event before which that was so."""

    async def server(self) -> status.Server:
        """The tmux server as it is now."""

    async def report(self, events: Sequence[event.Body], workspace: str) -> None:
        """Journals what a command says that it did."""

    async def plan(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """`OrchestraError` when there can be none."""

    def apply(self, request: Mapping[str, Any]) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """Progress, then the result: names of messages and what they say."""

    def logs(
        self, address: str, *, tail: int | None, since: float | None, follow: bool
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Lines in pieces: `address`, `lines`, `position`, and `lost` where some are missing."""

    def schedules(self, count: int) -> Sequence[Mapping[str, Any]]:
        """All of them, each with its next `count` times."""

    async def schedule(self, verb: str, workspace: str, name: str) -> Mapping[str, Any]:
        """`run`, `pause` or `resume`. `UsageError`: there is no such schedule."""

    async def collect(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """A pass of garbage collection; what it marked, took and spared, by workspace and address."""

    def autosave(self) -> None:
        """What is wished of it may be another thing now."""

    def failed_runs(self) -> Sequence[Mapping[str, Any]]:
        """Of triggers, for good."""

    async def replay(self, runs: Sequence[str], *, forget: bool) -> Sequence[Mapping[str, Any]]:
        """Does those again, or forgets them; all where none is named. `UsageError` when one is not there."""

    async def look(self) -> None:
        """Something changed that wakes nobody. Returns after a look at it."""

    def stop(self) -> None:
        """Ends the daemon, in order."""
