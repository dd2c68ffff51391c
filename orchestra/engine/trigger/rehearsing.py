"""What triggers would have done: events that were, against triggers that are. Nothing is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestra.engine.trigger import triggers
from orchestra.model import event


def rehearsed(
    events: Iterable[event.Event], force: triggers.InForce, holds: triggers.Holds
) -> Iterator[tuple[float, triggers.Fire | triggers.Limited]]:
    """With the Unix time of each. Limits, `for` and `debounce` count by the events' own times; runs take none."""
    deciding = triggers.Deciding(holds)
    deciding.enter(force)
    now = 0.0
    for each in events:
        now = each.time.timestamp()
        yield from _due(deciding, now)
        for found in deciding.decide(each, now):
            yield now, found
    yield from _due(deciding, float("inf"))


def _due(deciding: triggers.Deciding, now: float) -> Iterator[tuple[float, triggers.Fire | triggers.Limited]]:
    while (due := deciding.next_due()) is not None and due <= now:
        for found in deciding.due(due):
            yield due, found
