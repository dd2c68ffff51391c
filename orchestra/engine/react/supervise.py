"""Processes that ended, and whether, when and how often they are started again.

`decide` is pure. The `Supervisor` is told of every look at the server and starts what is due: by a plan, as everybody does. What it
knows is kept in the journal, so that it goes on where a daemon before it was killed, and starts nothing twice for one end.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from orchestra.engine import ports
from orchestra.engine.hear import happenings
from orchestra.model import codec, errors, event, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import causes, record

STATE = "supervise"
NEVER = 125
"""An exit code that asks not to be started again (as of `docker run`)."""
TOGETHER = 100
"""Panes started by one plan, which holds the lock of all applies: a person does not wait for a thousand."""
AGAIN = 1.0
"""Seconds until what could not be started is tried again: another command holds the lock."""


@frozen
class Ended:
    """A pane whose process has ended and that has a policy about that, or was ended by one of us."""

    workspace: str
    address: str
    id: str
    uid: str
    pid: int
    exit_code: int | None
    signal: int | None
    restart: spec.Restart
    because: str = ""
    """Why we ended it, if we did: however it took that, it counts as a failure."""

    @property
    def how(self) -> str:
        if self.because:
            return f"it was {self.because}"
        return f"signal {self.signal}" if self.signal is not None else f"exit code {self.exit_code}"


class Sequel(StrEnum):
    """What follows on an end that one of us brings about."""

    POLICY = "policy"
    """What its policy says of what failed."""
    AGAIN = "again"
    """It is started again, whatever its policy says, with the back-off and the limit of that."""
    DOWN = "down"


@frozen
class Past:
    """Of one pane. Times are seconds of a clock that is never set."""

    pid: int
    """Whose end was decided on."""
    restarts: tuple[float, ...] = ()
    due: float | None = None
    failed: str = ""
    """Why it was given up."""
    expected: int = 0
    """A process that somebody of us ends, who has settled what is to follow."""
    sequel: Sequel = Sequel.POLICY
    why: str = ""
    """He ends it."""


def ended(server: status.Server, past: Mapping[str, Past]) -> Iterator[Ended]:
    """Those tmux knows the end of."""
    for place in status.places(server):
        pane, mark = place.pane, place.pane.mark
        if mark is None or not pane.dead or not pane.pid or mark.stage in _NOT_OURS:
            continue
        if pane.exit_code is None and pane.signal is None:
            continue
        known = record.parse_pane(pane.record)
        before = past.get(mark.uid)
        settled = before is not None and before.expected == pane.pid and before.sequel is not Sequel.POLICY
        if known is not None and (settled or known.pane.restart.policy is not spec.Policy.NO):
            yield Ended(
                workspace=mark.workspace,
                address=mark.address,
                id=pane.id,
                uid=mark.uid,
                pid=pane.pid,
                exit_code=pane.exit_code,
                signal=pane.signal,
                restart=known.pane.restart,
            )


_NOT_OURS = (status.Stage.WAITING, status.Stage.STOPPED)
"""Never started, or stopped by a person, until a person starts it."""


def decide(what: Ended, past: Past | None, now: float) -> Past:
    """The same as before when this end was decided on already."""
    if past is not None and past.pid == what.pid:
        return past
    rule = what.restart
    recent = tuple(
        each
        for each in (past.restarts if past is not None else ())
        if now - each < rule.window.total_seconds()
    )
    bare = Past(pid=what.pid, restarts=recent)
    if past is not None and past.expected == what.pid:
        bare = dataclasses.replace(past, pid=what.pid, restarts=recent, due=None, failed="")
    if bare.expected == what.pid and bare.sequel is Sequel.DOWN:
        return dataclasses.replace(bare, failed=bare.why)
    if bare.expected == what.pid and bare.sequel is Sequel.AGAIN:
        pass
    elif what.exit_code == 0 and not what.because and rule.policy is spec.Policy.ON_FAILURE:
        return bare
    elif what.exit_code == NEVER:
        return dataclasses.replace(bare, failed=f"exit code {NEVER} asks not to be started again")
    if len(recent) >= rule.max_restarts:
        often = causes.count(len(recent), "restart")
        return dataclasses.replace(
            bare, failed=f"{what.how} after {often} in {_words(rule.window.total_seconds())}"
        )
    return dataclasses.replace(bare, due=now + _delay(rule, len(recent)))


def _delay(rule: spec.Restart, before: int) -> float:
    """`before`: so many restarts lie in the window. A manifest may allow a million."""
    longest = rule.longest.total_seconds()
    try:
        return min(rule.delay.total_seconds() * rule.factor**before, longest)
    except OverflowError:
        return longest if rule.delay else 0.0


def is_over(pane: status.Pane, given_up: Collection[str] | None) -> bool:
    """Whether nothing runs in it again unless somebody starts it. `given_up`: uids; None: nobody starts what ended."""
    if not pane.dead:
        return False
    if pane.mark is None or pane.mark.stage is status.Stage.STOPPED:
        return True
    if pane.mark.stage is status.Stage.WAITING:  # for another, in an apply that goes on
        return False
    if pane.exit_code is None and pane.signal is None:  # nobody knows yet
        return False
    known = record.parse_pane(pane.record)
    policy = known.pane.restart.policy if known is not None else spec.Policy.NO
    done = pane.exit_code == NEVER or (pane.exit_code == 0 and policy is spec.Policy.ON_FAILURE)
    return policy is spec.Policy.NO or done or given_up is None or pane.mark.uid in given_up


def _words(seconds: float) -> str:
    for size, units in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size and seconds % size == 0:
            return f"{seconds / size:g} {units}"
    return f"{seconds:g} seconds"


Restart = Callable[[str, Mapping[str, str]], Awaitable[Mapping[str, str]]]
"""Starts panes of a workspace, by address with the reason: those that are dead still. Gives, of these, what could not be started with
why, and "" for what was. `Busy`: not now."""
Publish = Callable[[Sequence[happenings.Happening], str, Mapping[str, Any]], Awaitable[object]]
"""Happenings and their cause, with state to be kept in the same transaction."""


class Supervisor:
    """A part of the daemon's."""

    name = STATE

    def __init__(
        self,
        clock: ports.Clock,
        restart: Restart,
        publish: Publish,
        is_busy: Callable[[], bool],
        again: Callable[[], None],
        because: Callable[[str, int], str] = lambda uid, pid: "",
        is_in_hand: Callable[[str, int], bool] = lambda uid, pid: False,
    ) -> None:
        """`is_busy`: whether somebody applies now, who stops and starts things himself; `again` has the server looked at soon;
        `because`: why we had this process of that pane ended, "" if we had not; `is_in_hand`: whether another part of us stops it and
        starts it again."""
        self._clock = clock
        self._is_busy = is_busy
        self._again = again
        self._restart = restart
        self._publish = publish
        self._because = because
        self._is_in_hand = is_in_hand
        self._past: dict[str, Past] = {}
        self._waiting: dict[str, Ended] = {}
        """By uid: what is due at some time."""
        self._starting: set[str] = set()
        """By uid: what is being started, or was and is not counted yet."""
        self._woken = asyncio.Event()

    def resume(self, kept: Any) -> None:
        """What one before us knew, if that can be read."""
        with contextlib.suppress(codec.LoadError, TypeError, KeyError):
            now, then = self._clock.monotonic(), float(kept["at"])
            # The time of day may have been set meanwhile: nothing is older than it was, and nothing is waited for longer.
            passed = max(self._clock.now().timestamp() - then, 0)
            for uid, plain in kept["panes"].items():
                past = codec.load(Past, plain)
                self._past[uid] = dataclasses.replace(
                    past,
                    restarts=tuple(now + each - passed for each in past.restarts),
                    due=None if past.due is None else now + max(past.due - passed, 0),
                )

    def _kept(self) -> dict[str, Any]:
        """Times as seconds from now, for who comes after us has another clock."""
        now = self._clock.monotonic()
        panes = {
            uid: codec.dump(
                dataclasses.replace(
                    past,
                    restarts=tuple(each - now for each in past.restarts),
                    due=None if past.due is None else past.due - now,
                )
            )
            for uid, past in self._past.items()
        }
        return {STATE: {"at": self._clock.now().timestamp(), "panes": panes}}

    def expect(self, uid: str, pid: int, why: str, sequel: Sequel) -> Mapping[str, Any]:
        """Who is about to end a pane's process settles what follows. Gives the state that he has to have kept before he does."""
        past = self._past.get(uid, Past(pid=0))
        self._past[uid] = dataclasses.replace(past, expected=pid, sequel=sequel, why=why)
        return self._kept()

    def because(self, uid: str, pid: int) -> str:
        """Why one of us had this process of that pane ended; "" if nobody had."""
        past = self._past.get(uid)
        return past.why if past is not None and past.expected == pid else self._because(uid, pid)

    def reason(self, uid: str, pid: int) -> str:
        """Why what ran in it runs no more, where that is more than how it ended."""
        past = self._past.get(uid)
        if past is not None and past.failed:
            return f"given up: {past.failed}"
        because = self.because(uid, pid)
        return f"it was {because}" if because else ""

    def happened(self, events: Sequence[event.Event]) -> None:
        """What ended is seen by looking."""

    def describe(self) -> Mapping[str, Any]:
        return {"given_up": dict(self.given_up)}

    @property
    def given_up(self) -> Mapping[str, str]:
        """Why, by uid."""
        return {uid: past.failed for uid, past in self._past.items() if past.failed}

    def restarts(self, uid: str) -> tuple[int, float | None]:
        """How often it was started again, as far as that was counted at its last end, and in how many seconds it will be."""
        past = self._past.get(uid)
        if past is None:
            return 0, None
        now, waiting = self._clock.monotonic(), self._waiting.get(uid)
        due = past.due - now if past.due is not None and waiting is not None else None
        return len(past.restarts), due

    async def looked(self, server: status.Server) -> None:
        """After each look at the server."""
        alive = {place.pane.mark.uid for place in status.places(server) if place.pane.mark is not None}
        for uid in self._past.keys() - alive:
            del self._past[uid]
        for place in status.places(server):
            mark = place.pane.mark
            past = self._past.get(mark.uid) if mark is not None else None
            if mark is not None and past is not None and past.failed and not place.pane.dead:
                # A person has started what was given up: all is forgiven.
                self._past[mark.uid] = Past(pid=past.pid)
        found = {
            each.uid: dataclasses.replace(each, because=self.because(each.uid, each.pid))
            for each in ended(server, self._past)
            if not self._is_in_hand(each.uid, each.pid)
        }
        self._waiting = {uid: each for uid, each in self._waiting.items() if found.get(uid) == each}
        news = [
            uid for uid, each in found.items() if uid not in self._past or self._past[uid].pid != each.pid
        ]
        early = news if news and self._is_busy() else [uid for uid in news if uid in self._starting]
        if early:
            self._again()
            found = {uid: each for uid, each in found.items() if uid not in early}
        happened: list[happenings.Happening] = []
        for uid, each in found.items():
            before, now = self._past.get(uid), self._clock.monotonic()
            past = self._past[uid] = decide(each, before, now)
            if past.due is not None and uid not in self._waiting:
                self._waiting[uid] = each
                self._woken.set()
            if past is before:
                continue
            if past.failed:
                happened.append(_of(each, event.PaneFailed(id=each.id, reason=past.failed)))
            elif past.due is not None:
                told = event.PaneRestarting(
                    id=each.id,
                    delay=timedelta(seconds=max(past.due - now, 0)),
                    number=len(past.restarts) + 1,
                    reason=past.why if past.why and past.expected == each.pid else each.how,
                )
                happened.append(_of(each, told))
        if happened:  # in one transaction: a thousand may have ended at once
            await self._publish(happened, STATE, self._kept())

    async def run(self) -> None:
        while True:
            now = self._clock.monotonic()
            due = [uid for uid in self._waiting if (self._past[uid].due or now) <= now]
            if due:
                await self._start(due)
                continue
            times = [self._past[uid].due or now for uid in self._waiting]
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(times) - now if times else None):
                    await self._woken.wait()

    async def _start(self, due: list[str]) -> None:
        """All of a workspace by one plan."""
        for workspace in dict.fromkeys(self._waiting[uid].workspace for uid in due):
            # Others were started meanwhile, which takes its time: some may be gone.
            found = [uid for uid in due if uid in self._waiting and self._waiting[uid].workspace == workspace]
            found = found[:TOGETHER]  # the rest is due still
            panes = {each.address: each for each in map(self._waiting.pop, found)}
            for uid in found:
                self._past[uid] = dataclasses.replace(self._past[uid], due=None)
            reasons = {address: self._reason(each) for address, each in panes.items()}
            if not panes:
                continue
            self._starting = set(found)
            try:
                failed = await self._restart(workspace, reasons)
                happened = [
                    _of(each, event.PaneFailed(id=each.id, reason=failed[address]))
                    for address, each in panes.items()
                    if address in failed and self._started(each, failed[address])
                ]
            except (errors.Busy, errors.TmuxUnavailable):
                self._later(panes)
                continue
            except errors.OrchestraError as error:
                happened = [
                    _of(each, event.PaneFailed(id=each.id, reason=str(error)))
                    for each in panes.values()
                    if self._started(each, str(error))
                ]
            except BaseException:  # a fault of ours, or the end: it is due still
                self._later(panes)
                raise
            finally:
                self._starting = set()
            await self._publish(happened, STATE, self._kept())  # who comes after us counts them, too
            self._again()  # nothing tells that a pane was started in place

    def _reason(self, each: Ended) -> str:
        number = len(self._past[each.uid].restarts) + 1
        return f"started again after {each.how} ({number} of {each.restart.max_restarts})"

    def _later(self, panes: Mapping[str, Ended]) -> None:
        for each in panes.values():
            past = self._past.get(each.uid)
            if past is not None:  # else its pane is gone
                self._past[each.uid] = dataclasses.replace(past, due=self._clock.monotonic() + AGAIN)
                self._waiting[each.uid] = each

    def _started(self, each: Ended, failed: str) -> bool:
        """Counts it. Whether that is to be told: it could not be done, and its pane is there."""
        past = self._past.get(each.uid)
        if past is None:
            return False
        restarts = (*past.restarts, self._clock.monotonic())
        self._past[each.uid] = dataclasses.replace(past, restarts=restarts, failed=failed)
        return bool(failed)


def _of(each: Ended, body: event.Body) -> happenings.Happening:
    return happenings.Happening(body=body, workspace=each.workspace, address=each.address)
