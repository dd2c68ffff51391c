"""Circuit breakers: something outside that fails again and again is not called for a while, and then by one call to begin with.

Pure: times are seconds of a clock that is never set, handed in. (docs/decisions/0016-triggers.md says why it is no library.)
"""

from __future__ import annotations

from enum import StrEnum

from orchestra.model.frozen import frozen

THRESHOLD = 5
"""Failures in a row."""
OPEN = 30.0
"""Seconds."""
SOON = 2.0
"""Until who must not call while another one tries it asks again."""


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@frozen
class Breaker:
    state: State = State.CLOSED
    failures: int = 0
    until: float = 0.0
    """While it is open: when it may be tried. While it is half open: when the one call that tries it has taken too long."""
    reason: str = ""


def asked(breaker: Breaker, now: float) -> tuple[Breaker, float]:
    """Before a call: what becomes of it, and for how many seconds it must not be called; 0: it may."""
    if breaker.state is State.CLOSED:
        return breaker, 0.0
    if now < breaker.until:
        left = breaker.until - now
        return breaker, left if breaker.state is State.OPEN else min(left, SOON)
    return Breaker(
        state=State.HALF_OPEN, failures=breaker.failures, until=now + OPEN, reason=breaker.reason
    ), 0.0


def succeeded() -> Breaker:
    return Breaker()


def failed(breaker: Breaker, now: float, reason: str) -> Breaker:
    failures = breaker.failures + 1
    if breaker.state is State.CLOSED and failures < THRESHOLD:
        return Breaker(failures=failures, reason=reason)
    return Breaker(state=State.OPEN, failures=failures, until=now + OPEN, reason=reason)
