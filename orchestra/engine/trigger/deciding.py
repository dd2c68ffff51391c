"""Which triggers an event sets off, and when: held, settled, limited. Decides, and does nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestra.engine.trigger import triggers
from orchestra.model import event, rules
from orchestra.model.frozen import frozen

WAITING = 32
"""Runs of one trigger that may wait; what comes then is left out, and said."""
HELD = 1000
"""Events that may be held or settle at one time."""
UNDOES: Mapping[str, frozenset[str]] = {
    "pane.exited": frozenset({"pane.started", "pane.closed"}),
    "pane.failed": frozenset({"pane.started", "pane.closed"}),
    "pane.restarting": frozenset({"pane.closed"}),
    "pane.created": frozenset({"pane.closed"}),
    "pane.started": frozenset({"pane.exited", "pane.closed"}),
    "pane.idle": frozenset({"pane.exited", "pane.closed"}),
    "pane.timeout": frozenset({"pane.exited", "pane.closed"}),
    "pane.matched": frozenset({"pane.exited", "pane.closed"}),
    "pane.metric": frozenset({"pane.exited", "pane.closed"}),
    "health.changed": frozenset({"pane.exited", "pane.closed"}),
    "limit.exceeded": frozenset({"limit.kept", "pane.exited", "pane.closed"}),
    "session.created": frozenset({"session.closed"}),
    "session.closed": frozenset({"session.created"}),
    "window.created": frozenset({"window.closed"}),
    "command.started": frozenset({"command.finished", "pane.exited", "pane.closed"}),
    "tmux.gone": frozenset({"tmux.started"}),
    "tmux.started": frozenset({"tmux.gone"}),
}
"""What happened → what says that it is no longer so, at the same address."""

Holds = Callable[[str, Mapping[str, Any]], bool]
"""Whether a `when` is true of an event."""


@frozen
class Fire:
    rule: triggers.Rule
    event: Mapping[str, Any]
    """As JSON, so that it can be kept."""


@frozen
class Limited:
    """`rule` would fire more often than it may: told once for each time that it begins."""

    rule: triggers.Rule
    reason: str


@dataclass(slots=True)
class _Waiting:
    """An event that is held, or settles."""

    key: str
    event: Mapping[str, Any]
    due: float
    held: bool


@dataclass(slots=True)
class _Past:
    fired: deque[float]
    limited: float = -1.0
    """When it was limited last; below zero: it is not."""


class Deciding:
    """What is remembered between events. Times are seconds of a clock that is never set, handed in."""

    def __init__(self, holds: Holds, waits: Callable[[str], int] = lambda _: 0) -> None:
        """`waits`: how many runs of a trigger wait, by key."""
        self._holds = holds
        self._waits = waits
        self._past: dict[str, _Past] = {}
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self.force = triggers.InForce()
        self.is_changed = False
        """Something is to be kept that was not before; who keeps it says so."""

    def enter(self, force: triggers.InForce) -> bool:
        """These are in force now; whether they are others than before."""
        changed = force.rules != self.force.rules
        self.force = force
        if changed:
            keys = {rule.key for rule in force.rules}
            self._past = {key: past for key, past in self._past.items() if key in keys}
            for place in [place for place, each in self._waiting.items() if each.key not in keys]:
                del self._waiting[place]
        return changed

    def decide(self, each: event.Event, now: float) -> Iterator[Fire | Limited]:
        plain: Mapping[str, Any] | None = None
        if self._waiting:
            self._undo(each)
        for rule in self.force.matching(each):
            plain = plain if plain is not None else event.dump(each)
            if rule.trigger.when and not self._holds(rule.trigger.when, plain):
                if rule.trigger.held:
                    self._drop((rule.key, each.address))
                continue
            self.is_changed = True
            told = self.force.told(rule, plain)
            if rule.trigger.held:
                yield from self._hold(rule, each.address, told, now)
            elif rule.trigger.debounce:
                yield from self._settle(rule, told, now)
            else:
                yield from self._admitted(rule, told, now)

    def due(self, now: float) -> Iterator[Fire | Limited]:
        """What was held or has settled."""
        for place in [place for place, each in self._waiting.items() if each.due <= now]:
            each = self._waiting.pop(place)
            self.is_changed = True
            rule = next((rule for rule in self.force.rules if rule.key == each.key), None)
            if rule is None:
                continue
            if each.held and rule.trigger.debounce:
                yield from self._settle(rule, each.event, now)
            else:
                yield from self._admitted(rule, each.event, now)

    def next_due(self) -> float | None:
        return min((each.due for each in self._waiting.values()), default=None)

    def contradict(self, key: str, address: str) -> None:
        """What a trigger holds for an address is not so any more: a source says it."""
        self._drop((key, address))

    def _undo(self, each: event.Event) -> None:
        for place in [place for place in self._waiting if place[1] == each.address]:
            waiting = self._waiting[place]
            if waiting.held and each.type in UNDOES.get(waiting.event["type"], ()):
                self._drop(place)

    def _drop(self, place: tuple[str, str]) -> None:
        if self._waiting.pop(place, None) is not None:
            self.is_changed = True

    def _hold(
        self, rule: triggers.Rule, address: str, plain: Mapping[str, Any], now: float
    ) -> Iterator[Limited]:
        """From the first event on."""
        if (rule.key, address) not in self._waiting:
            yield from self._wait(rule, address, plain, now + rule.trigger.held.total_seconds(), held=True)

    def _settle(self, rule: triggers.Rule, plain: Mapping[str, Any], now: float) -> Iterator[Limited]:
        """From the last event on."""
        due = now + rule.trigger.debounce.total_seconds()
        yield from self._wait(rule, _ANY, plain, due, held=False)

    def _wait(
        self, rule: triggers.Rule, address: str, plain: Mapping[str, Any], due: float, *, held: bool
    ) -> Iterator[Limited]:
        place = (rule.key, address)
        if len(self._waiting) >= HELD and place not in self._waiting:
            yield from self._limited(rule, f"{HELD} events are held already", due)
            return
        self._waiting[place] = _Waiting(key=rule.key, event=plain, due=due, held=held)

    # --- how often

    def _admitted(
        self, rule: triggers.Rule, plain: Mapping[str, Any], now: float
    ) -> Iterator[Fire | Limited]:
        often = rule.trigger.limit
        past = self._past.setdefault(rule.key, _Past(deque()))
        within = often.within.total_seconds()
        while past.fired and now - past.fired[0] >= within:
            past.fired.popleft()
        waits = self._waits(rule.key)
        if rule.overlap is rules.Overlap.SKIP and waits:
            yield Limited(rule=rule, reason=STILL_AT_WORK)
            return
        reason = ""
        if len(past.fired) >= often.count:
            reason = f"it fires more often than {often.count} in {within:g} s"
        elif waits >= WAITING:
            reason = f"{waits} of its runs wait or are at work"
        if not reason:
            past.fired.append(now)
            if past.limited >= 0 and now - past.limited >= within:
                past.limited = -1.0
            yield Fire(rule=rule, event=plain)
            return
        yield from self._limited(rule, reason, now)

    def _limited(self, rule: triggers.Rule, reason: str, now: float) -> Iterator[Limited]:
        past = self._past.setdefault(rule.key, _Past(deque()))
        begins = past.limited < 0 or now - past.limited >= rule.trigger.limit.within.total_seconds()
        past.limited = now
        if begins:
            yield Limited(rule=rule, reason=reason)

    def is_limited(self, rule: triggers.Rule, now: float) -> bool:
        """Whether what concerns it now is left out whatever it says, and that was told: nobody need hear of it one by one."""
        past, often = self._past.get(rule.key), rule.trigger.limit
        if past is None or past.limited < 0 or rule.trigger.held or rule.trigger.debounce:
            return False
        within = often.within.total_seconds()
        if now - past.limited >= within:
            return False
        is_full = len(past.fired) >= often.count and now - past.fired[-often.count] < within
        return is_full or self._waits(rule.key) >= WAITING

    def fired_before(self, key: str, at: float) -> None:
        """By a daemon before us; in order."""
        self._past.setdefault(key, _Past(deque())).fired.append(at)

    # --- kept

    def kept(self, now: float) -> list[dict[str, Any]]:
        """Times as seconds from now."""
        return [
            {
                "key": each.key,
                "address": place[1],
                "event": each.event,
                "in": each.due - now,
                "held": each.held,
            }
            for place, each in self._waiting.items()
        ]

    def resume(self, kept: Sequence[Mapping[str, Any]], now: float, passed: float) -> None:
        """`passed`: seconds since then, by the time of day. Raises what data that is none of ours makes Python raise."""
        for each in kept:
            due = now + max(float(each["in"]) - passed, 0.0)
            self._waiting[str(each["key"]), str(each["address"])] = _Waiting(
                key=str(each["key"]), event=dict(each["event"]), due=due, held=bool(each["held"])
            )


_ANY = "*"
"""In the place of an address: a trigger settles once for all of them."""
STILL_AT_WORK = "its last run is still at work"
