"""What one import works with, and what it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from orchestra.discover import limits
from orchestra.discover.notes import Notes
from orchestra.discover.source import Source, refused
from orchestra.discover.variables import Variables

Room = Callable[[str], int]
"""How many panes an exact layout has room for; raises ValueError for what is none."""


@dataclass(slots=True, kw_only=True)
class Context:
    source: Source
    room: Room
    notes: Notes = field(default_factory=Notes)
    variables: Variables = field(init=False)

    made: int = 0

    def spend(self, texts: Iterable[str], times: int = 1) -> None:
        """What is written once and comes out in many places must not grow without end. Raises ManifestError."""
        self.made += times * sum(map(len, texts))
        if self.made > limits.MADE:
            raise refused("the manifest would get too large")

    def __post_init__(self) -> None:
        self.variables = Variables(self.notes)


@dataclass(slots=True, kw_only=True)
class Draft:
    """A manifest in plain words, relative to where its source lies."""

    workspace: str
    """As the source says it; made a workspace's name at the end."""
    sessions: dict[str, dict[str, object]]
    description: str = ""
    groups: dict[str, dict[str, object]] = field(default_factory=dict)
    schedules: list[dict[str, object]] = field(default_factory=list)
