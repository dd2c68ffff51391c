"""What would happen, as a value: `diff` prints it, `apply` carries it out, `apply --plan FILE` carries a saved one out."""

from __future__ import annotations

from enum import StrEnum

from orchestra.model import action, diagnostic
from orchestra.model.frozen import frozen


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    NONE = "none"


@frozen
class Cause:
    """Why: `reason` is a sentence without the values; `before` and `after` are shown as they stand, secrets never."""

    reason: str
    before: str | None = None
    after: str | None = None
    drift: bool = False
    """The world did it, not an edit of the manifest."""


@frozen
class Change:
    kind: action.Kind
    address: str
    verb: Verb
    causes: tuple[Cause, ...] = ()
    stops: int = 0
    """The pid of what runs and will be stopped; 0 when nothing is."""


@frozen
class Step:
    """`after` holds the ids of the steps that must have succeeded before; `change` is the address this is for."""

    id: int
    action: action.Action
    after: tuple[int, ...] = ()
    optional_after: tuple[int, ...] = ()
    """Waited for likewise, but their failure only warns (`required: false`)."""
    change: str = ""


@frozen
class Plan:
    workspace: str
    file: str
    world: str
    """Fingerprint of what was observed of this workspace; a saved plan is refused when it differs."""
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    notes: tuple[diagnostic.Diagnostic, ...] = ()

    def count(self, verb: Verb) -> int:
        return sum(change.verb is verb for change in self.changes)

    @property
    def empty(self) -> bool:
        return all(change.verb is Verb.NONE for change in self.changes)

    @property
    def stops(self) -> tuple[Change, ...]:
        """What runs now and would be stopped."""
        return tuple(change for change in self.changes if change.stops)
