"""Panes that are restarted because what they depend on was (`on_restart: cascade`), whoever restarted that.

`decide` is pure: what a pane's record says it was started beside, and what is there now. So nothing is lost that happened while no
daemon ran. A pane's turn comes when what it depends on has reached its condition, and when nothing else that it depends on in this way
is about to be restarted itself: one restart of a database is one restart of each, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import graphlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from orchestra.model import codec, errors, event, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import cascade, record

STATE = "cascade"


@frozen
class Due:
    """A pane whose turn it is."""

    workspace: str
    address: str
    id: str
    uid: str
    pid: int
    beside: str
    """The processes that are there now."""
    reason: str


@frozen
class Past:
    """A pane that we said we restart, of which this process (`pid`) is to end."""

    pid: int
    beside: str
    reason: str
    failed: str = ""
    """Why it could not be done. It is not tried again for the same processes."""


@frozen
class Decision:
    due: tuple[Due, ...] = ()
    waits: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Uid of a pane that is to be restarted → once what is so."""
    circles: tuple[str, ...] = ()
    """Workspaces in which who restarts whom goes in a circle, so that nobody is: of applies that were cut off."""


IsHealthy = Callable[[str, int], bool]
"""Whether this process of the pane with that uid is, as its health check says."""


def decide(server: status.Server, past: Mapping[str, Past], is_healthy: IsHealthy) -> Decision:
    due: list[Due] = []
    waits: dict[str, str] = {}
    circles: list[str] = []
    for workspace in dict.fromkeys(_asking(server)):
        there = status.owned(server, workspace)
        known = {
            address: read
            for address, place in there.items()
            if _MARKED in place.pane.record and (read := record.parse_pane(place.pane.record)) is not None
        }
        edges = {
            address: [each.pane for each in cascade.cascading(read.pane)] for address, read in known.items()
        }
        try:
            order = [*graphlib.TopologicalSorter(edges).static_order()]
        except graphlib.CycleError:
            circles.append(workspace)
            continue
        to_come: set[str] = set()
        for address in order:
            if address not in known:
                continue
            found = _one(there, address, known[address], past, to_come, is_healthy)
            if found is None:
                continue
            to_come.add(address)
            if isinstance(found, Due):
                due.append(found)
            elif (mark := there[address].pane.mark) is not None:
                waits[mark.uid] = found
    return Decision(due=tuple(due), waits=waits, circles=tuple(circles))


_MARKED = '"beside":'
"""In the record of each pane that asks for it, and in few others: what need not be parsed is not."""


def _asking(server: status.Server) -> Iterator[str]:
    for place in status.places(server):
        if place.pane.mark is not None and _MARKED in place.pane.record:
            yield place.pane.mark.workspace


def _one(
    there: Mapping[str, status.Place],
    address: str,
    known: record.PaneRecord,
    past: Mapping[str, Past],
    to_come: set[str],
    is_healthy: IsHealthy,
) -> Due | str | None:
    """It is its turn, or once what is so, or it is not concerned. `to_come`: those before it that are about to be restarted."""
    pane = there[address].pane
    assert pane.mark is not None
    said = past.get(pane.mark.uid)
    begun = said if said is not None and said.pid == pane.pid else None
    halfway = begun is not None and pane.dead and pane.mark.stage is not status.Stage.STOPPED
    if not halfway and not cascade.may_be_restarted(pane):
        return None
    now = " ".join(cascade.beside(known.pane, there).values())
    if begun is not None and begun.failed and (halfway or begun.beside == now):
        return None

    def due(reason: str) -> Due:
        assert pane.mark is not None
        return Due(
            workspace=pane.mark.workspace,
            address=address,
            id=pane.id,
            uid=pane.mark.uid,
            pid=pane.pid,
            beside=now,
            reason=reason,
        )

    if begun is not None and halfway:  # whoever stopped it did not come to start it: that waits for nothing
        return due(begun.reason)
    restarted: list[str] = []
    for each in cascade.cascading(known.pane):
        if each.pane in to_come:
            return f"{each.pane} is restarted"
        place = there.get(each.pane)
        match cascade.edge(each, known.beside, place, is_healthy=_is_healthy(place, is_healthy)):
            case cascade.Edge.COMING:
                verb = "is" if each.condition is spec.Condition.HEALTHY else "has"
                return f"{each.pane} {verb} {each.condition.replace('_', ' ')}"
            case cascade.Edge.THERE:
                restarted.append(each.pane)
    return due(cascade.was_restarted(restarted)) if restarted else None


def _is_healthy(place: status.Place | None, is_healthy: IsHealthy) -> bool:
    if place is None or place.pane.mark is None:
        return False
    read = record.parse_pane(place.pane.record)
    if read is None or read.pane.health is None:
        return True
    return is_healthy(place.pane.mark.uid, place.pane.pid)


Choose = Callable[[status.Server], Coroutine[Any, Any, Mapping[str, str]]]
Restart = Callable[[str, Choose], Awaitable[Mapping[str, str]]]
"""Restarts panes of a workspace by a plan: asks which, by address with the reason, of what it sees when nobody else applies any more.
Gives, of these, what could not be done with why, and "" for what was. `Busy`: not now."""
Say = Callable[[event.Body, str, str, Mapping[str, Any]], Awaitable[None]]
"""An event of a workspace and an address, with state to be kept in the same transaction."""


class Cascade:
    """A part of the daemon's."""

    name = STATE

    def __init__(
        self,
        restart: Restart,
        say: Say,
        is_busy: Callable[[], bool],
        is_healthy: IsHealthy,
        look: Callable[[], None],
        again: Callable[[], None],
    ) -> None:
        """`is_busy`: whether somebody applies now, who sees to it himself; `look` has the server looked at, `again` a moment later."""
        self._restart = restart
        self._say = say
        self._is_busy = is_busy
        self._is_healthy = is_healthy
        self._look = look
        self._again = again
        self._past: dict[str, Past] = {}
        self._found = Decision()
        self._due: dict[str, None] = {}
        """Workspaces."""
        self._is_at_it = False
        self._woken = asyncio.Event()

    def resume(self, kept: Any) -> None:
        """What one before us said it would do, if that can be read."""
        with contextlib.suppress(codec.LoadError, TypeError, AttributeError):
            self._past.update({uid: codec.load(Past, plain) for uid, plain in kept.items()})

    def _kept(self) -> dict[str, Any]:
        return {STATE: {uid: codec.dump(past) for uid, past in self._past.items()}}

    def is_in_hand(self, uid: str, pid: int) -> bool:
        """Whether we end this process and start another one in its place."""
        past = self._past.get(uid)
        return past is not None and past.pid == pid and not past.failed

    @property
    def failed(self) -> Mapping[str, str]:
        """Why, by uid."""
        return {uid: past.failed for uid, past in self._past.items() if past.failed}

    @property
    def waits(self) -> Mapping[str, str]:
        """Once what is so it is restarted, by uid."""
        return self._found.waits

    def describe(self) -> Mapping[str, Any]:
        circles = [
            f"{name}: `on_restart: cascade` goes in a circle: apply it" for name in self._found.circles
        ]
        return {"waits": dict(self.waits), "troubles": circles}

    def happened(self, events: Sequence[event.Event]) -> None:
        """What is waited for may be healthy now."""
        if self._found.waits and any(isinstance(each.body, event.HealthChanged) for each in events):
            self._look()

    async def looked(self, server: status.Server) -> None:
        pids = {
            place.pane.mark.uid: place.pane.pid
            for place in status.places(server)
            if place.pane.mark is not None
        }
        self._past = {uid: past for uid, past in self._past.items() if pids.get(uid) == past.pid}
        self._found = decide(server, self._past, self._is_healthy)
        if not self._found.due:
            return
        if self._is_busy():
            if not self._is_at_it:
                self._again()
            return
        self._due.update(dict.fromkeys(each.workspace for each in self._found.due))
        self._woken.set()

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._due:
                workspace = next(iter(self._due))
                del self._due[workspace]
                await self._turn(workspace)

    async def _turn(self, workspace: str) -> None:
        """All of a workspace whose turn it is, by one plan."""
        asked: dict[str, Due] = {}

        async def choose(server: status.Server) -> Mapping[str, str]:
            for each in decide(server, self._past, self._is_healthy).due:
                if each.workspace == workspace:
                    asked[each.address] = each
                    await self._announce(each)
            return {address: each.reason for address, each in asked.items()}

        self._is_at_it = True
        try:
            failed = await self._restart(workspace, choose)
        except (errors.Busy, errors.TmuxUnavailable):
            self._again()
            return
        except errors.OrchestraError as error:
            failed = dict.fromkeys(asked, str(error))
        finally:
            self._is_at_it = False
        for address, why in failed.items():
            if why:
                await self._fail(asked[address], why)
        self._look()  # nothing tells that a pane was started in place

    async def _announce(self, each: Due) -> None:
        """Once, and before it is done: who comes after us, should we be killed, goes on with it."""
        before = self._past.get(each.uid)
        past = Past(pid=each.pid, beside=each.beside, reason=each.reason)
        if before is not None and dataclasses.replace(before, reason=each.reason) == past:
            return
        self._past[each.uid] = past
        told = event.PaneRestarting(id=each.id, delay=timedelta(0), number=0, reason=each.reason)
        await self._say(told, each.workspace, each.address, self._kept())

    async def _fail(self, each: Due, why: str) -> None:
        past = self._past.get(each.uid)
        if past is not None:  # else its pane is gone
            self._past[each.uid] = dataclasses.replace(past, failed=why)
            told = event.PaneFailed(id=each.id, reason=why)
            await self._say(told, each.workspace, each.address, self._kept())
