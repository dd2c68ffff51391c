"""Garbage collection in the daemon: looks, marks, saves, takes. What may go is `engine/react/collect.py`'s to say.

How long something has rested is what this daemon has seen itself, on a clock that nobody sets; one that has just been started knows of
nothing, and so takes nothing. Whatever goes wrong on the way (a listing, the clock, a snapshot) ends the pass, and what was marked is
marked no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from orchestra.daemon import gc_wish
from orchestra.daemon.react import parts, taking
from orchestra.engine.react import collect
from orchestra.host import clock, paths
from orchestra.model import codec, errors, event, rules, status
from orchestra.model.frozen import frozen
from orchestra.store import journal

STATE = "collect"
SOONEST, LATEST = 0.5, 60.0
"""Seconds between two passes: a quarter of the shortest time after which something may go, within these."""
KEPT = 20
"""Collections that can be undone: the snapshots of older ones are thrown away."""

_log = logging.getLogger("orchestra.collect")


@frozen
class Collection:
    """One workspace's share of a pass."""

    workspace: str
    time: str
    snapshot: str
    """"" where nothing was taken that a snapshot can hold."""
    taken: Mapping[str, str]
    """Address → why."""


@frozen
class Taking:
    """What is being taken, kept before anything is, so that whoever comes after a daemon that was killed can say what became of it."""

    epoch: str
    collection: Collection
    ids: Mapping[str, str]
    """Address → tmux's id; "" of rules."""
    panes: Mapping[str, tuple[str, ...]]
    """Address → the panes that go with it."""


@frozen
class Kept:
    taking: tuple[Taking, ...] = ()
    collections: tuple[Collection, ...] = ()
    """The newest last."""
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Workspace → panes that were taken and are not there again. Only a person's apply makes them anew."""


@dataclass(slots=True, kw_only=True)
class Report:
    """Of one pass: workspace → address → why."""

    planned: dict[str, dict[str, str]] = field(default_factory=dict)
    collected: dict[str, dict[str, str]] = field(default_factory=dict)
    spared: dict[str, dict[str, str]] = field(default_factory=dict)
    snapshots: dict[str, str] = field(default_factory=dict)
    nothing: str = ""
    """Why it was no pass."""


class Collecting:
    """A part of the daemon's."""

    name = STATE

    def __init__(self, reach: parts.Reach) -> None:
        self._hands = taking.Hands(reach.assembly, reach.found)
        self._found = reach.found
        self._clock = reach.clock
        self._keep = reach.keep
        self._say = reach.say(STATE)
        self._is_busy = reach.is_busy
        self._steady = clock.Steady(reach.clock)
        self._alone = asyncio.Lock()
        self._woken = asyncio.Event()
        self._kept = Kept()
        self.wished: Mapping[str, rules.Gc] = {}
        """By workspace, as it was seen last."""
        self._epoch = ""
        self._since: dict[str, collect.Since] = {}
        self._forgotten: dict[str, float] = {}
        """Workspace that owns nothing → since when we see that."""
        self._marked: tuple[collect.Victim, ...] = ()
        self._decided = collect.Decision()
        self._passes = 0
        self.trouble = ""

    # --- a part

    def resume(self, kept: Any) -> None:
        with contextlib.suppress(codec.LoadError):
            self._kept = codec.load(Kept, kept) if kept is not None else Kept()

    async def looked(self, server: status.Server) -> None:
        wished = self._wishes(server)
        if wished != self.wished:
            self.wished = wished
            self._woken.set()

    def happened(self, events: Sequence[event.Event]) -> None:
        """What rests is seen by looking."""

    def describe(self) -> Mapping[str, Any]:
        user = gc_wish.users(self._found)
        return {
            "enabled": user is not None,
            "idle": None if user is None or user.idle is None else user.idle.total_seconds(),
            "workspaces": sorted(self.wished),
            "passes": self._passes,
            "marked": _by_workspace(self._marked),
            "spared": _told(self._decided.spared),
            "collections": [codec.dump(each) for each in self._kept.collections],
            "troubles": [self.trouble] if self.trouble else [],
        }

    async def run(self) -> None:
        async with self._alone:  # somebody may ask at once
            await self._finish()
        while True:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()
            if self.wished or gc_wish.users(self._found) is not None:
                await self.sweep()

    async def asked(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Over the API."""
        if request.get("wake"):  # what the user wishes may be another thing now
            self._woken.set()
            return {"status": "success"}
        report = await self.sweep(
            str(request.get("workspace", "")),
            at_once=True,
            force=request.get("force") is True,
            dry_run=request.get("dry_run") is True,
        )
        return {"status": "success", **dataclasses.asdict(report)}

    async def one_pass(self, workspace: str) -> None:
        """What a trigger's `collect` does."""
        await self.sweep(workspace)

    def absent(self, workspace: str) -> frozenset[str]:
        """Panes that were collected: what acts by itself does not make them again (`compare.Options.absent`)."""
        return frozenset(self._kept.absent.get(workspace, ()))

    def _pause(self) -> float | None:
        if not self.wished and gc_wish.users(self._found) is None:
            return None
        times = [
            each.total_seconds()
            for gc in self.wished.values()
            for each in (gc.idle, gc.completed)
            if each is not None
        ]
        return min(max(min(times, default=LATEST) / 4, SOONEST), LATEST)

    # --- a pass

    async def sweep(
        self, only: str = "", *, at_once: bool = False, force: bool = False, dry_run: bool = False
    ) -> Report:
        """One pass, over all workspaces or one. `at_once`: and a second one right after, which takes what the first has marked; `force`:
        whatever rests now, however shortly; `dry_run`: only says what may go."""
        async with self._alone:
            report = await self._pass(only, force=force, dry_run=dry_run)
            if at_once and not dry_run and not report.nothing:
                more = await self._pass(only, force=force)
                more.planned = {
                    name: each for name, each in more.planned.items() if name not in more.collected
                }
                more.snapshots, more.collected = (
                    {**report.snapshots, **more.snapshots},
                    _joined(report.collected, more.collected),
                )
                return more
            return report

    async def _pass(self, only: str, *, force: bool, dry_run: bool = False) -> Report:
        if not self._steady.went_on():
            return self._nothing("the clock was set, or the machine slept: nothing is collected this time")
        if self._is_busy():
            return self._nothing("somebody applies")
        if self._kept.taking:
            await self._finish()
        if self._kept.taking:
            return self._nothing(self.trouble)
        try:
            found = await asyncio.to_thread(self._hands.look)
        except errors.OrchestraError as error:
            return self._nothing(str(error), trouble=True)
        self.trouble = ""
        self._passes += 1
        wished = self._wishes(found.server, force=force)
        if not force:
            self.wished = wished
        decided = collect.decide(self._world(found, wished))
        if only:
            decided = dataclasses.replace(
                decided, victims=tuple(each for each in decided.victims if each.workspace == only)
            )
        self._decided = decided
        report = Report(spared=_told(decided.spared))
        if dry_run:
            report.planned = _by_workspace(decided.victims)
            return report
        others = tuple(each for each in self._marked if only and each.workspace != only)
        here = [each for each in self._marked if each not in others]
        budgets = {name: gc.budget for name, gc in wished.items()}
        settled = collect.settle(decided, here, budgets)
        self._marked = (*others, *settled.mark)
        await self._see(found.server)
        names = dict.fromkeys(each.workspace for each in settled.take)
        for name in names:
            victims = [each for each in settled.take if each.workspace == name]
            spared = {
                address: why for (workspace, address), why in settled.spared.items() if workspace == name
            }
            await self._take(name, victims, spared, force, report)
        for name, spared in _told(settled.spared).items():
            if name not in names:
                await self._say(event.GcCollected(taken={}, spared=spared), name, "", {})
        for name, planned in _by_workspace(settled.new).items():
            await self._say(event.GcPlanned(victims=planned), name, "", {})
        report.planned = _by_workspace(settled.mark)
        return report

    def _nothing(self, why: str, *, trouble: bool = False) -> Report:
        """All is forgotten that a pass could rest on."""
        self._since, self._forgotten, self._marked = {}, {}, ()
        self._decided = collect.Decision()
        if trouble:
            if why != self.trouble:
                _log.error("nothing is collected: %s", why)
            self.trouble = why
        return Report(nothing=why)

    def _world(self, found: taking.Seen, wished: Mapping[str, rules.Gc]) -> collect.World:
        now = self._clock.monotonic()
        if found.server.epoch != self._epoch:  # ids mean others
            self._epoch, self._since, self._marked = found.server.epoch, {}, ()
        self._since = collect.watched(self._since, found.server, found.rests, found.calm, now)
        remembered = self._hands.texts()
        owning = {mark.workspace for mark in collect.marks(found.server)}
        gone = {*found.server.rules, *remembered} - owning
        self._forgotten = {name: self._forgotten.get(name, now) for name in gone}
        return collect.World(
            server=found.server,
            rests=found.rests,
            calm=found.calm,
            quiet={id_: timedelta(seconds=now - each.at) for id_, each in self._since.items()},
            rules=wished,
            remembered=remembered,
            forgotten={name: timedelta(seconds=now - at) for name, at in self._forgotten.items()},
        )

    def _wishes(self, server: status.Server, *, force: bool = False) -> Mapping[str, rules.Gc]:
        return gc_wish.wishes(server, gc_wish.users(self._found), self._hands.texts(), force=force)

    # --- taking

    async def _take(
        self,
        workspace: str,
        victims: Sequence[collect.Victim],
        spared: Mapping[str, str],
        force: bool,
        report: Report,
    ) -> None:
        """Said to the journal, saved, then taken."""
        try:
            snapshot = ""
            if any(each.mark is not None for each in victims):
                snapshot = await asyncio.to_thread(self._hands.free_name, workspace, self._clock.now())
            collection = Collection(
                workspace=workspace,
                time=event.stamp(self._clock.now()),
                snapshot=snapshot,
                taken={each.address: each.why for each in victims},
            )
            begun = Taking(
                epoch=self._epoch,
                collection=collection,
                ids={each.address: each.id if each.mark is not None else "" for each in victims},
                panes={each.address: each.panes for each in victims},
            )
            await self._put(dataclasses.replace(self._kept, taking=(*self._kept.taking, begun)))
            if snapshot:
                await asyncio.to_thread(self._hands.save, workspace, snapshot)
            stays = await asyncio.to_thread(self._hands.take, self._epoch, workspace, victims, force)
        except errors.Busy:
            stays = {each.address: "somebody applies" for each in victims}
        except errors.OrchestraError as error:
            self.trouble = str(error)
            _log.error("nothing was collected of %s: %s", workspace, error)
            stays = {each.address: str(error) for each in victims}
            if self._kept.taking:  # it may have been done in part
                await self._finish(str(error))
                return
        await self._told(workspace, victims, stays, spared, report)

    async def _told(
        self,
        workspace: str,
        victims: Sequence[collect.Victim],
        stays: Mapping[str, str],
        spared: Mapping[str, str],
        report: Report,
    ) -> None:
        taken = {each.address: each.why for each in victims if each.address not in stays}
        for begun in self._kept.taking:
            await self._done(begun, taken, {**spared, **stays})
            if taken:
                report.collected[workspace] = taken
                report.snapshots[workspace] = begun.collection.snapshot
        if stays:
            report.spared[workspace] = {**report.spared.get(workspace, {}), **stays}

    async def _done(self, begun: Taking, taken: Mapping[str, str], spared: Mapping[str, str]) -> None:
        """In one transaction: what went, for who listens, for `gc undo`, and for who would make it anew."""
        made = begun.collection
        every, absent = self._kept.collections, dict(self._kept.absent)
        dropped = [] if taken else [made]
        if taken:
            every = (*every, dataclasses.replace(made, taken=taken))
            gone = {pane for address in taken for pane in begun.panes[address]}
            absent[made.workspace] = tuple(sorted({*absent.get(made.workspace, ()), *gone}))
            dropped += every[:-KEPT]
        left = tuple(each for each in self._kept.taking if each is not begun)
        self._kept = Kept(taking=left, collections=every[-KEPT:], absent=absent)
        body = event.GcCollected(taken=taken, spared=spared, snapshot=made.snapshot if taken else "")
        await self._say(body, made.workspace, "", self._state())
        for each in dropped:
            if each.snapshot:
                await asyncio.to_thread(self._hands.discard, each.snapshot)

    # --- what is kept

    async def _finish(self, why: str = "the daemon ended before it was taken") -> None:
        """What was being taken when one before us was killed, or when something failed: what is gone was taken, and can be had back.
        `why` the rest stays."""
        for begun in self._kept.taking:
            try:
                server = await asyncio.to_thread(self._hands.server)
            except errors.OrchestraError as error:
                self.trouble = str(error)
                return
            made = begun.collection
            stays = dict.fromkeys(made.taken, why)
            # Before its snapshot was saved nothing was taken.
            if not made.snapshot or await asyncio.to_thread(self._hands.has, made.snapshot):
                there = _there(server) if server.epoch == begun.epoch else frozenset()
                stays = {
                    address: why
                    for address, id_ in begun.ids.items()
                    if id_ in there or (not id_ and made.workspace in server.rules)
                }
            taken = {address: each for address, each in made.taken.items() if address not in stays}
            await self._done(begun, taken, stays)

    async def _see(self, server: status.Server) -> None:
        """What was taken and is there again is absent no more; nor is it once its workspace is forgotten."""
        known = {mark.workspace for mark in collect.marks(server)} | {*server.rules} | self._hands.texts()
        absent = {
            name: left
            for name, panes in self._kept.absent.items()
            if name in known
            and (left := tuple(each for each in panes if each not in status.owned(server, name)))
        }
        if absent != self._kept.absent:
            await self._put(dataclasses.replace(self._kept, absent=absent))

    async def _put(self, kept: Kept) -> None:
        self._kept = kept
        await self._keep(self._state())

    def _state(self) -> dict[str, Any]:
        return {STATE: codec.dump(self._kept)}


def _there(server: status.Server) -> frozenset[str]:
    """Ids of sessions and panes, whosever they are by now."""
    return frozenset(
        {session.id for session in server.sessions} | {place.pane.id for place in status.places(server)}
    )


def _by_workspace(victims: Iterable[collect.Victim]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for each in victims:
        found.setdefault(each.workspace, {})[each.address] = each.why
    return found


def _told(spared: Mapping[tuple[str, str], str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for (workspace, address), why in spared.items():
        found.setdefault(workspace, {})[address] = why
    return found


def _joined(
    first: Mapping[str, Mapping[str, str]], second: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in {**first, **second}}


def collections(found: paths.Directories) -> tuple[Collection, ...]:
    """Those that can be undone, the newest last; also when no daemon runs."""
    if not found.journal.exists():
        return ()
    try:
        return codec.load(Kept, journal.read_only(found.journal).get(STATE) or {}).collections
    except codec.LoadError:
        return ()
