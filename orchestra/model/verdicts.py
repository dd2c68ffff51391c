"""What was found out about somebody's health."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from orchestra.model import status
from orchestra.model.frozen import frozen

WORST = tuple(status.Health)


@frozen
class Verdict:
    """How healthy a pane is, or a session."""

    health: status.Health
    reason: str = ""
    since: datetime | None = None
    """None: nobody noticed."""
    over: bool = False
    """It did what it was there for and has ended: what it stands in is not judged by it."""


def worst(verdicts: Iterable[tuple[str, Verdict]]) -> Verdict:
    """Of a session or a group, by its panes' addresses: the first of the worst, with its address in the reason."""
    counted = [(address, each) for address, each in verdicts if not each.over]
    if not counted:
        return Verdict(health=status.Health.UNKNOWN, reason="nothing in it runs any more", over=True)
    address, found = max(counted, key=lambda each: WORST.index(each[1].health))
    if found.health is status.Health.HEALTHY:
        return Verdict(health=status.Health.HEALTHY)
    return Verdict(health=found.health, reason=f"{address}: {found.reason}", since=found.since)
