"""Events to whoever listens now.

A listener that does not keep up loses its place and is told so; nobody else notices, and memory stays bounded.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Iterable

from orchestra.model import event

MOST = 10_000
"""Events that wait for one listener; of output, as many as `LINE` characters weigh as much as one."""
LINE = 200

Wanted = Callable[[event.Event], bool]


class Lost(Exception):
    """The listener was too slow. `sequence` is the last event it was surely given: the journal has what came after."""

    def __init__(self, sequence: int) -> None:
        super().__init__(f"too slow after event {sequence}")
        self.sequence = sequence


class Bus:
    """In one event loop."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self.last = 0
        """The highest sequence published."""
        self.changed: Callable[[], None] = lambda: None
        """Called when somebody comes or goes."""

    def publish(self, events: Iterable[event.Event]) -> None:
        for each in events:
            self.last = max(self.last, each.sequence)
            for subscription in self._subscriptions:
                subscription.put(each)

    def subscribe(
        self, wanted: Wanted, *, output: Callable[[str], bool] | None = None, inside: bool = False
    ) -> Subscription:
        """`output`: of which panes (by address, or id where they have none) it wants `pane.output`; None: of none. `inside`: a part of the
        daemon's, which is nobody's listener."""
        made = Subscription(self, wanted, output, inside)
        self._subscriptions.add(made)
        self.changed()
        return made

    def leave(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        self.changed()

    def wants_output(self, name: str) -> bool:
        return any(each.output is not None and each.output(name) for each in self._subscriptions)

    def __len__(self) -> int:
        """Who listens from outside."""
        return sum(not each.inside for each in self._subscriptions)


class Subscription:
    """Iterate it; close it by `with`."""

    def __init__(
        self, bus: Bus, wanted: Wanted, output: Callable[[str], bool] | None, inside: bool = False
    ) -> None:
        self._bus = bus
        self.inside = inside
        self._wanted = wanted
        self.output = output
        self._waiting: collections.deque[event.Event] = collections.deque()
        self._weight = 0
        self._some = asyncio.Event()
        self._lost = False
        self._given = bus.last

    def put(self, each: event.Event) -> None:
        if self._lost or not self._wanted(each):
            return
        self._weight += _weight(each)
        if self._weight > MOST and self._waiting:
            self._lost = True
            self._waiting.clear()
        else:
            self._waiting.append(each)
        self._some.set()

    async def next(self) -> list[event.Event]:
        """What has come since, at least one. Raises `Lost`, once; then it goes on from now."""
        while not self._some.is_set():
            await self._some.wait()
        self._some.clear()
        self._weight = 0
        if self._lost:
            self._lost = False
            raise Lost(self._given)
        found = list(self._waiting)
        self._waiting.clear()
        self._given = max(self._given, *(each.sequence for each in found))
        return found

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self._bus.leave(self)


def _weight(each: event.Event) -> int:
    return 1 + sum(map(len, each.body.lines)) // LINE if isinstance(each.body, event.PaneOutput) else 1
