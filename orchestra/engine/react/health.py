"""How healthy panes are: a state machine, as a table. Decides; looks at nothing itself.

`docs/reference/health.md` is drawn from the table.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from orchestra.engine import ending
from orchestra.model import spec, status, verdicts
from orchestra.model.frozen import frozen
from orchestra.plan import record

SPACING = 0.75
"""Failed probes count when so much of an `interval` lies between them: while a pane starts it is tried more often than that."""


class Sign(StrEnum):
    """What may be told of a pane."""

    BEGAN = "began"
    """Another process runs in it than before, or it is checked in another way."""
    RUNS = "runs"
    """It runs, and has no health check."""
    PASSED = "passed"
    """As many probes in a row succeeded as `success_threshold` says."""
    MARRED = "marred"
    """They did, and a line that `errors` finds was printed less than `recovery` ago."""
    FAILED = "failed"
    """As many probes in a row failed as `failure_threshold` says, after `start_period`."""
    ERROR = "error"
    """It printed a line that `errors` finds."""
    RECOVERED = "recovered"
    """`recovery` has passed since the last such line."""
    BLIND = "blind"
    """As many probes in a row as `failure_threshold` says could not be made, or tmux does not answer."""
    WAITS = "waits"
    """It was never started."""
    STOPPED = "stopped"
    """A person stopped it."""
    COMPLETED = "completed"
    """Its process ended with exit code 0."""
    ENDED = "ended"
    """Its process ended with another exit code, or by a signal."""


_U, _H, _D, _X = (
    status.Health.UNKNOWN,
    status.Health.HEALTHY,
    status.Health.DEGRADED,
    status.Health.UNHEALTHY,
)
BEFORE = (_U, _H, _D, _X)
_ROWS = {
    # what is told:  it was unknown, healthy, degraded, unhealthy
    Sign.BEGAN: (_U, _U, _U, _U),
    Sign.RUNS: (_H, _H, _H, _H),
    Sign.PASSED: (_H, _H, _H, _H),
    Sign.MARRED: (_D, _D, _D, _D),
    Sign.FAILED: (_X, _X, _X, _X),
    Sign.ERROR: (_U, _D, _D, _X),
    Sign.RECOVERED: (_U, _H, _H, _X),
    Sign.BLIND: (_U, _U, _U, _U),
    Sign.WAITS: (_U, _U, _U, _U),
    Sign.STOPPED: (_U, _U, _U, _U),
    Sign.COMPLETED: (_U, _U, _U, _U),
    Sign.ENDED: (_X, _X, _X, _X),
}
TABLE: Mapping[tuple[status.Health, Sign], status.Health] = {
    (before, sign): after for sign, row in _ROWS.items() for before, after in zip(BEFORE, row, strict=True)
}


@frozen
class Seen:
    """A pane of ours, as a look shows it."""

    workspace: str
    address: str
    id: str
    uid: str
    pid: int
    session: str
    """tmux's id."""
    running: bool
    """A probe makes sense."""
    pane: spec.Pane | None
    """As it was applied last; None where that cannot be read."""
    sign: Sign | None
    """What looking tells; None: its probe has to."""
    reason: str = ""

    @property
    def check(self) -> spec.Health | None:
        return self.pane.health if self.pane is not None else None


@frozen
class Now:
    """Both clocks: the one that is never set, in seconds, and the time of day."""

    lived: float
    time: datetime


@frozen
class Known:
    """Of one pane. Numbers are of probes in a row, times seconds of the clock that is never set."""

    pid: int
    check: str
    """Names the health check that this is the outcome of."""
    verdict: verdicts.Verdict
    passes: int = 0
    failures: int = 0
    blanks: int = 0
    """Those that could not be made."""
    counted: float = 0.0
    """When the last one was made that counted; before the first, when `start_period` is over."""
    error: float | None = None
    """When it printed its last line that `errors` finds; None: long ago, or never."""
    said: str = ""
    """That line, for people; "" too where one before us heard it."""
    ill: str = ""
    """Why it is to be stopped, or was: it is unhealthy, and `restart_unhealthy`. Stays whatever is measured later: how it ends is then
    our doing."""


@functools.lru_cache(maxsize=4096)
def _declared(text: str) -> spec.Pane | None:
    """Every look asks for every pane, and reading a record takes 50 µs."""
    known = record.parse_pane(text)
    return known.pane if known is not None else None


@functools.lru_cache(maxsize=4096)
def name_of(check: spec.Health | None) -> str:
    return hashlib.blake2s(repr(check).encode(), digest_size=8).hexdigest() if check is not None else ""


def seen(server: status.Server) -> Iterator[Seen]:
    """Every pane of ours."""
    told: set[str] = set()
    for place in status.places(server):
        pane, mark = place.pane, place.pane.mark
        if mark is None or mark.uid in told:
            continue
        told.add(mark.uid)
        declared = _declared(pane.record)
        sign, reason = _at_sight(pane, mark, declared)
        yield Seen(
            workspace=mark.workspace,
            address=mark.address,
            id=pane.id,
            uid=mark.uid,
            pid=pane.pid,
            session=place.session.id,
            running=not pane.dead and mark.stage not in _RESTING,
            pane=declared,
            sign=sign,
            reason=reason,
        )


_RESTING = (status.Stage.WAITING, status.Stage.STOPPED)


def _at_sight(pane: status.Pane, mark: status.Mark, declared: spec.Pane | None) -> tuple[Sign | None, str]:
    if mark.stage is status.Stage.WAITING:
        return Sign.WAITS, "it was never started"
    if mark.stage is status.Stage.STOPPED:
        return Sign.STOPPED, "a person stopped it"
    if not pane.dead:
        return (None, "") if declared is not None and declared.health is not None else (Sign.RUNS, "it runs")
    if pane.exit_code is None and pane.signal is None:
        return None, ""  # how is not known yet
    return (Sign.COMPLETED if pane.exit_code == 0 else Sign.ENDED), ending.ending(pane)


def verdict(each: Seen, now: Now) -> verdicts.Verdict:
    """What one look tells whom nothing was told before: where a probe would have to say, nothing is known."""
    return dataclasses.replace(looked(None, each, now).verdict, since=None)


def looked(known: Known | None, each: Seen, now: Now) -> Known:
    """After a look at the server."""
    check = each.check
    if known is None or known.pid != each.pid or known.check != name_of(check):
        period = check.start_period.total_seconds() if check is not None else 0.0
        before = known if known is not None else _nothing(each)
        reason = "it has not answered a probe yet" if check is not None else ""
        known = Known(
            pid=each.pid,
            check=name_of(check),
            verdict=_told(before.verdict, Sign.BEGAN, reason, now),
            counted=now.lived + period,
        )
    if each.sign is None:
        return known
    return dataclasses.replace(known, verdict=_told(known.verdict, each.sign, each.reason, now))


def _nothing(each: Seen) -> Known:
    return Known(pid=each.pid, check="", verdict=verdicts.Verdict(health=status.Health.UNKNOWN))


def tried(known: Known, check: spec.Health, attempt: status.Attempt, now: Now) -> Known:
    """After an attempt of its probe."""
    if not attempt.measured:
        known = dataclasses.replace(known, blanks=known.blanks + 1, passes=0)
        sign = Sign.BLIND if known.blanks >= check.failure_threshold else None
    elif attempt.healthy:
        known = dataclasses.replace(known, passes=known.passes + 1, failures=0, blanks=0, counted=now.lived)
        marred = known.error is not None and now.lived - known.error < check.recovery.total_seconds()
        enough = known.passes >= check.success_threshold
        sign = (Sign.MARRED if marred else Sign.PASSED) if enough else None
    elif now.lived - known.counted < check.interval.total_seconds() * SPACING:
        known = dataclasses.replace(known, passes=0, blanks=0)
        sign = None
    else:
        known = dataclasses.replace(known, failures=known.failures + 1, passes=0, blanks=0, counted=now.lived)
        sign = Sign.FAILED if known.failures >= check.failure_threshold else None
        if sign is not None and check.restart_unhealthy:
            known = dataclasses.replace(known, ill=known.ill or attempt.reason)
    if sign is Sign.MARRED:  # why is what it printed, not how well the probe went
        reason = known.said or known.verdict.reason
        known = dataclasses.replace(known, verdict=_told(known.verdict, sign, reason, now))
    elif sign is not None:
        known = dataclasses.replace(known, verdict=_told(known.verdict, sign, attempt.reason, now))
    elif known.verdict.health is status.Health.UNKNOWN and attempt.reason and not attempt.healthy:
        known = dataclasses.replace(known, verdict=dataclasses.replace(known.verdict, reason=attempt.reason))
    return known


def spared(known: Known) -> Known:
    """Where nobody has begun to stop it, and it is well again."""
    well = known.verdict.health in (status.Health.HEALTHY, status.Health.DEGRADED)
    return dataclasses.replace(known, ill="") if known.ill and well else known


def printed(known: Known, line: str, now: Now) -> Known:
    """After a line that `errors` finds."""
    known = dataclasses.replace(known, error=now.lived, said=f"it printed: {line}")
    return dataclasses.replace(known, verdict=_told(known.verdict, Sign.ERROR, known.said, now))


def recovers(known: Known, check: spec.Health) -> float | None:
    """When `waited` has something to say; None: nothing is waited for."""
    if known.error is None or known.verdict.health is not status.Health.DEGRADED:
        return None
    return known.error + check.recovery.total_seconds()


def waited(known: Known, check: spec.Health, now: Now) -> Known:
    at = recovers(known, check)
    if at is None or now.lived < at:
        return known
    reason = f"no errors for {check.recovery.total_seconds():g} s"
    return dataclasses.replace(known, error=None, verdict=_told(known.verdict, Sign.RECOVERED, reason, now))


def unseen(known: Known, each: Seen, reason: str, now: Now) -> Known:
    """tmux does not answer: what only looking tells is not known; what a probe tells is."""
    if each.sign is not Sign.RUNS:
        return known
    return dataclasses.replace(known, verdict=_told(known.verdict, Sign.BLIND, reason, now))


def _told(before: verdicts.Verdict, sign: Sign, reason: str, now: Now) -> verdicts.Verdict:
    after = TABLE[before.health, sign]
    over = sign is Sign.COMPLETED
    if after is before.health and before.since is not None and over is before.over:
        if sign is Sign.ERROR and after is not status.Health.DEGRADED:
            return before  # it was no reason
        return dataclasses.replace(before, reason=reason)
    return verdicts.Verdict(health=after, reason=reason, since=now.time, over=over)
