"""Names as the manifest has them: letters, digits, `-` and `_`, at most 64, and each once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestra.discover import limits
from orchestra.discover.notes import Notes, quoted
from orchestra.discover.variables import REFERENCE
from orchestra.model import names
from orchestra.model.diagnostic import Location

OTHER = re.compile(r"[^A-Za-z0-9_-]+")


class Names:
    """Of one kind, in one place: the sessions of a workspace, the windows or panes of a session."""

    def __init__(self, kind: str, notes: Notes) -> None:
        self._kind = kind
        self._notes = notes
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def take(self, wanted: str, at: Location | None, *, instead: str) -> str:
        """`instead` is for what has not one letter that may stand in a name."""
        name = free = clean(wanted) or instead
        while free in self._taken:
            number = self._counts.get(name, 1) + 1
            self._counts[name] = number
            free = f"{name[: limits.NAME - 8]}-{number}"
        self._taken.add(free)
        if free != wanted:
            why = "is taken" if name == wanted else "cannot be a name"
            self._notes.warn(
                at, f"the {self._kind} {quoted(wanted)} is called {quoted(free)} here: that {why}"
            )
        return free

    def take_numbered(
        self, wanted: str, count: int | None, at: Location | None, *, instead: str
    ) -> tuple[str, list[str]]:
        """A name, and what its replicas are called, `name-0` and so on; None: it has no replicas."""
        if count is None:
            name = self.take(wanted, at, instead=instead)
            return name, [name]
        base = name = (clean(wanted) or instead)[: limits.NAME - 8]
        tries = 1
        while not self._taken.isdisjoint(every := [f"{name}-{number}" for number in range(count)]):
            tries += 1
            name = f"{base}_{tries}"
        self._taken.update(every)
        if name != wanted:
            self._notes.warn(at, f"the {self._kind} {quoted(wanted)} is called {quoted(name)} here")
        return name, every


def clean(wanted: str) -> str:
    """Empty: nothing is left of it."""
    if REFERENCE.search(wanted):
        return ""
    return OTHER.sub("-", wanted).strip("-")[: limits.NAME]


def workspace(wanted: str) -> str:
    name = clean(wanted).lower().lstrip("-_")[:63]
    return name if names.WORKSPACE.match(name) else "imported"


def settle_positions(session: str, kind: str, items: Iterable[dict[str, object]], notes: Notes) -> None:
    """What has no name is called by its position: what has a number for its name must not be in the way."""
    every = list(items)
    unnamed = {str(place) for place, each in enumerate(every) if "name" not in each}
    taken = {each.get("name") for each in every}
    for each in every:
        name = str(each.get("name", ""))
        if name in unnamed:
            free = next(
                one
                for n in range(len(every) + 1)
                if (one := f"{kind}-{name}{'-' * bool(n)}{n or ''}") not in taken
            )
            notes.warn(
                None,
                f"the {kind} {quoted(name)} of {quoted(session)} is called {quoted(free)} here: that is another one's position",
            )
            each["name"] = free
            taken.add(free)
