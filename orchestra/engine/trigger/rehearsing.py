"""What triggers would have done: events that were, against triggers that are. Nothing is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestra.engine.trigger import deciding, triggers
from orchestra.model import event


def rehearsed(
    events: Iterable[event.Event], force: triggers.InForce, holds: deciding.Holds
) -> Iterator[tuple[float, deciding.Fire | deciding.Limited]]:
    """With the Unix time of each. Limits, `for` and `debounce` count by the events' own times; runs take none."""
    decides = deciding.Deciding(holds)
    decides.enter(force)
    now = 0.0
    for each in events:
        now = each.time.timestamp()
        yield from _due(decides, now)
        for found in decides.decide(each, now):
            yield now, found
    yield from _due(decides, float("inf"))


def _due(decides: deciding.Deciding, now: float) -> Iterator[tuple[float, deciding.Fire | deciding.Limited]]:
    while (due := decides.next_due()) is not None and due <= now:
        for found in decides.due(due):
            yield due, found
