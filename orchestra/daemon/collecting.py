"""Garbage collection in the daemon: looks, marks, saves, takes. What may go is `engine/collect.py`'s to say.

How long something has rested is what this daemon has seen itself, on a clock that nobody sets; one that has just been started knows of
nothing, and so takes nothing. Whatever goes wrong on the way (a listing, the clock, a snapshot) ends the pass, and what was marked is
marked no more.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestra.daemon import assemble, parts
from orchestra.engine import collect, execute
from orchestra.host import clock, paths, whole_file
from orchestra.model import action, codec, errors, event, plan, rules, status
from orchestra.plan import record, rules_changes
from orchestra.store import journal

STATE = "collect"
DEFAULT_IDLE = timedelta(hours=2)
SOONEST, LATEST = 0.5, 60.0
"""Seconds between two passes: a quarter of the shortest time after which something may go, within these."""
LOCK_WAIT = timedelta(seconds=1)
"""Then it is tried in the next pass."""
KEPT = 20
"""Collections that can be undone: the snapshots of older ones are thrown away."""
ENDS = timedelta(seconds=5)
"""For a shell that was hung up on."""

_log = logging.getLogger("orchestra.collect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One workspace's share of a pass."""

    workspace: str
    time: str
    snapshot: str
    """"" where nothing was taken that a snapshot can hold."""
    taken: Mapping[str, str]
    """Address → why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What is being taken, kept before anything is, so that whoever comes after a daemon that was killed can say what became of it."""

    epoch: str
    collection: Collection
    ids: Mapping[str, str]
    """Address → tmux's id; "" of rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    taking: tuple[Taking, ...] = ()
    collections: tuple[Collection, ...] = ()
    """The newest last."""
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Workspace → panes that were taken and are not there again. Only a person's apply makes them anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    server: status.Server
    rests: Mapping[str, status.Rest]
    calm: frozenset[str]
    trees: Mapping[str, frozenset[status.Process]]
    """By uid."""


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
        self._assembly = reach.assembly
        self._found = reach.found
        self._clock = reach.clock
        self._journal = reach.journal
        self._say = reach.say(STATE)
        self._is_busy = reach.is_busy
        self._steady = clock.Steady(reach.clock)
        self._alone = asyncio.Lock()
        self._woken = asyncio.Event()
        self._kept = Kept()
        self._wished: Mapping[str, rules.Gc] = {}
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
        wished = self._wishes(server, users(self._found))
        if wished != self._wished:
            self._wished = wished
            self._woken.set()

    def happened(self, events: Sequence[event.Event]) -> None:
        """What rests is seen by looking."""

    def describe(self) -> Mapping[str, Any]:
        user = users(self._found)
        return {
            "enabled": user is not None,
            "idle": None if user is None or user.idle is None else user.idle.total_seconds(),
            "workspaces": sorted(self._wished),
            "passes": self._passes,
            "marked": _by_workspace(self._marked),
            "spared": _told(self._decided.spared),
            "collections": [codec.dump(each) for each in self._kept.collections],
            "troubles": [self.trouble] if self.trouble else [],
        }

    async def run(self) -> None:
        await self._finish()
        while True:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()
            if self._wished:
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

    def absent(self, workspace: str) -> frozenset[str]:
        """Panes that were collected: what acts by itself does not make them again."""
        return frozenset(self._kept.absent.get(workspace, ()))

    def _pause(self) -> float | None:
        if not self._wished and users(self._found) is None:
            return None
        times = [
            each.total_seconds()
            for gc in self._wished.values()
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
        try:
            found = await asyncio.to_thread(self._look)
        except errors.OrchestraError as error:
            return self._nothing(str(error), trouble=True)
        self.trouble = ""
        self._passes += 1
        wished = self._wishes(found.server, users(self._found), force=force)
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
            await self._take(name, victims, spared, wished, report)
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

    def _world(self, found: Seen, wished: Mapping[str, rules.Gc]) -> collect.World:
        now = self._clock.monotonic()
        if found.server.epoch != self._epoch:  # ids mean others
            self._epoch, self._since, self._marked = found.server.epoch, {}, ()
        self._since = collect.watched(self._since, found.server, found.rests, found.calm, now)
        remembered = frozenset(each.stem for each in self._texts())
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

    def _texts(self) -> Iterable[Any]:
        return self._found.texts.glob("*.json") if self._found.texts.is_dir() else ()

    def _wishes(
        self, server: status.Server, user: rules.Gc | None, *, force: bool = False
    ) -> dict[str, rules.Gc]:
        """By workspace: its own, else the user's."""
        wished: dict[str, rules.Gc] = {}
        names = {mark.workspace for mark in collect.marks(server)} | {*server.rules}
        if user is not None:
            names |= {each.stem for each in self._texts()}
        for name in names:
            known = rules_changes.parse(server.rules.get(name, ""))
            if known is None:  # not readable: nobody knows what it wants
                continue
            gc = known.gc or user
            if force:
                gc = gc or rules.Gc(orphans=False)
                completed = None if gc.completed is None else timedelta(0)
                gc = dataclasses.replace(gc, idle=timedelta(0), completed=completed)
            if gc is not None:
                wished[name] = gc
        return wished

    # --- looking, in threads

    def _eyes(self) -> assemble.Assembly:
        """Of its own: who applies meanwhile rests on what it has seen itself."""
        return assemble.assemble(None, self._assembly.host.path, self._assembly.environ)

    def _look(self) -> Seen:
        own = self._eyes()
        server, rests = own.tmux.observe_rest()
        return seen(own, server, rests)

    # --- taking

    async def _take(
        self,
        workspace: str,
        victims: Sequence[collect.Victim],
        spared: Mapping[str, str],
        wished: Mapping[str, rules.Gc],
        report: Report,
    ) -> None:
        """Saved, said to the journal, then taken."""
        try:
            snapshot = ""
            if any(each.mark is not None for each in victims):
                snapshot = await asyncio.to_thread(self._saved, workspace)
            collection = Collection(
                workspace=workspace,
                time=event.stamp(self._clock.now()),
                snapshot=snapshot,
                taken={each.address: each.why for each in victims},
            )
            taking = Taking(
                epoch=self._epoch,
                collection=collection,
                ids={each.address: each.id if each.mark is not None else "" for each in victims},
            )
            await self._put(dataclasses.replace(self._kept, taking=(*self._kept.taking, taking)))
            stays = await asyncio.to_thread(self._taken, workspace, victims, wished)
        except errors.Busy:
            stays = {each.address: "somebody applies" for each in victims}
        except errors.OrchestraError as error:
            self.trouble = str(error)
            _log.error("nothing was collected of %s: %s", workspace, error)
            stays = {each.address: str(error) for each in victims}
            if self._kept.taking:  # it may have been done in part
                await self._finish()
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
        last = self._kept.taking[-1].collection if self._kept.taking else None
        snapshot = last.snapshot if last is not None and taken else ""
        panes = [pane for each in victims if each.address in taken for pane in each.panes]
        kept = dataclasses.replace(self._kept, taking=())
        if taken and last is not None:
            absent = {**kept.absent, workspace: tuple(sorted({*kept.absent.get(workspace, ()), *panes}))}
            done = dataclasses.replace(last, taken=taken)
            kept = dataclasses.replace(kept, collections=(*kept.collections, done), absent=absent)
        elif last is not None and last.snapshot:
            await asyncio.to_thread(self._discard, last.snapshot)
        kept = await self._bounded(kept)
        body = event.GcCollected(taken=taken, spared={**spared, **stays}, snapshot=snapshot)
        self._kept = kept
        await self._say(body, workspace, "", self._state())
        if taken:
            report.collected[workspace] = taken
            report.snapshots[workspace] = snapshot
        if stays:
            report.spared[workspace] = {**report.spared.get(workspace, {}), **stays}

    async def _bounded(self, kept: Kept) -> Kept:
        old, new = kept.collections[:-KEPT], kept.collections[-KEPT:]
        for each in old:
            if each.snapshot:
                await asyncio.to_thread(self._discard, each.snapshot)
        return dataclasses.replace(kept, collections=new)

    def _taken(
        self, workspace: str, victims: Sequence[collect.Victim], wished: Mapping[str, rules.Gc]
    ) -> dict[str, str]:
        """Address → why it stays. Decided anew under the lock, and compared once more by the server itself."""
        own = self._eyes()
        reconciler = dataclasses.replace(own.reconciler, lock_wait=LOCK_WAIT)
        settings = execute.Settings(wait=False, on_error=execute.OnError.CONTINUE)
        trees: dict[str, frozenset[status.Process]] = {}
        stays: dict[str, str] = {}

        def decide(server: status.Server, rests: Mapping[str, status.Rest]) -> plan.Plan:
            found = seen(own, server, rests)
            trees.update(found.trees)
            decided = collect.decide(self._world_again(found, wished, victims))
            still = collect.still(decided, victims) if server.epoch == self._epoch else ()
            stays.update(
                {
                    each.address: decided.spared.get((workspace, each.address), "it does not rest any more")
                    for each in victims
                    if each not in still
                }
            )
            for each in still:
                if each.kind is action.Kind.GC:
                    (self._found.texts / f"{workspace}.json").unlink(missing_ok=True)
            return collect.lower(workspace, still, server)

        outcome = asyncio.run(reconciler.collect(workspace, decide, settings, lambda _: None))
        stays.update(outcome.result.failed)
        stays.update(outcome.result.skipped)
        gone = [each for each in victims if each.address not in stays]
        self._ended(own, [trees[uid] for each in gone for uid in each.uids if uid in trees])
        return stays

    def _world_again(
        self, found: Seen, wished: Mapping[str, rules.Gc], victims: Sequence[collect.Victim]
    ) -> collect.World:
        """How long they have rested was asked for before; that they rest as they did is compared."""
        return collect.World(
            server=found.server,
            rests=found.rests,
            calm=found.calm,
            quiet={each.id: each.quiet for each in victims},
            rules=wished,
            remembered=frozenset(each.stem for each in self._texts()),
            forgotten={each.id: each.quiet for each in victims if each.kind is action.Kind.GC},
        )

    def _ended(self, own: assemble.Assembly, trees: Sequence[frozenset[status.Process]]) -> None:
        """A shell that will not hear that its terminal is gone."""
        processes = own.world.processes
        shells = frozenset[status.Process]().union(*trees)
        if rest := asyncio.run(processes.ended(shells, ENDS)):
            processes.signal(rest, "SIGKILL")

    def _saved(self, workspace: str) -> str:
        from orchestra.daemon import snapshots  # 30 ms, and only who takes something pays

        own = self._eyes()
        stem = f"gc-{workspace[:36]}-{self._clock.now():%Y%m%d-%H%M%S}"
        known = {each.name for each in snapshots.keeper(own).all(check=False)}
        names = (stem, *(f"{stem}-{number}" for number in range(2, len(known) + 3)))
        free = next(each for each in names if each not in known)
        return snapshots.save(own, workspace, name=free, scrollback=True)[0].name

    def _discard(self, snapshot: str) -> None:
        from orchestra.daemon import snapshots  # as above

        with contextlib.suppress(errors.OrchestraError):  # somebody else did it
            snapshots.keeper(self._eyes()).delete(snapshot)

    # --- what is kept

    async def _finish(self) -> None:
        """What one before us was taking when it was killed: what is gone was taken, and can be had back."""
        for taking in self._kept.taking:
            try:
                server = await asyncio.to_thread(lambda: self._eyes().tmux.observe())
            except errors.OrchestraError as error:
                self.trouble = str(error)
                return
            made = taking.collection
            there = _there(server, made.workspace) if server.epoch == taking.epoch else frozenset()
            stays = {
                address: "the daemon ended before it was taken"
                for address, id_ in taking.ids.items()
                if id_ in there or (not id_ and made.workspace in server.rules)
            }
            taken = {address: why for address, why in made.taken.items() if address not in stays}
            kept = dataclasses.replace(
                self._kept, taking=tuple(each for each in self._kept.taking if each is not taking)
            )
            if taken:
                done = dataclasses.replace(made, taken=taken)
                kept = dataclasses.replace(kept, collections=(*kept.collections, done))
            elif made.snapshot:
                await asyncio.to_thread(self._discard, made.snapshot)
            self._kept = await self._bounded(kept)
            body = event.GcCollected(taken=taken, spared=stays, snapshot=made.snapshot if taken else "")
            await self._say(body, made.workspace, "", self._state())

    async def _see(self, server: status.Server) -> None:
        """What was taken and is there again is absent no more."""
        absent = {
            name: left
            for name, panes in self._kept.absent.items()
            if (left := tuple(each for each in panes if each not in status.owned(server, name)))
        }
        if absent != self._kept.absent:
            await self._put(dataclasses.replace(self._kept, absent=absent))

    async def _put(self, kept: Kept) -> None:
        self._kept = kept
        await asyncio.wrap_future(self._journal.put(self._state()))

    def _state(self) -> dict[str, Any]:
        return {STATE: codec.dump(self._kept)}


def seen(own: assemble.Assembly, server: status.Server, rests: Mapping[str, status.Rest]) -> Seen:
    """With a look at what runs in panes of ours."""
    processes = own.world.processes
    ours = [place.pane for place in status.places(server) if place.pane.mark is not None]
    roots = {pane.mark.uid: 0 if pane.dead else pane.pid for pane in ours if pane.mark is not None}
    trees = processes.trees(roots, server.pid) if roots else {}
    calm: set[str] = set()
    for pane in ours:
        assert pane.mark is not None
        tree = trees.get(pane.mark.uid)
        if tree is None:
            continue
        shell = next(iter(tree)) if len(tree) == 1 else None
        only_shell = shell is not None and shell.pid == pane.pid and _is_shell(pane, shell)
        if not tree if pane.dead else only_shell and processes.at_prompt(pane.pid, pane.tty):
            calm.add(pane.id)
    return Seen(server=server, rests=rests, calm=frozenset(calm), trees=trees)


_SHELLS = frozenset({"sh", "dash", "ash", "bash", "zsh", "fish", "ksh", "mksh", "csh", "tcsh"})


def _is_shell(pane: status.Pane, runs: status.Process) -> bool:
    """Declared as one, and one still: `exec vim` in it runs under its number."""
    known = record.parse_pane(pane.record)
    if known is None or known.pane.command is not None:
        return False
    own = {Path(known.pane.shell).name[:_NAME]} if known.pane.shell is not None else set()
    return runs.name in _SHELLS | own


_NAME = 15
"""Characters of a process's name that Linux keeps."""


def _there(server: status.Server, workspace: str) -> frozenset[str]:
    """Ids of what is this workspace's still."""
    found = {place.pane.id for place in status.owned(server, workspace).values()}
    found |= {
        session.id
        for session in server.sessions
        if session.mark is not None and session.mark.workspace == workspace
    }
    return frozenset(found)


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


# --- the user's wish, for what has none of its own


def users(found: paths.Directories) -> rules.Gc | None:
    """What `orchestra gc enable` wrote."""
    try:
        return codec.load(rules.Gc, json.loads(found.gc.read_bytes()))
    except (OSError, ValueError, RecursionError, codec.LoadError):
        return None


def write(found: paths.Directories, wanted: rules.Gc | None) -> None:
    """None: off. `OrchestraError`."""
    try:
        if wanted is None:
            found.gc.unlink(missing_ok=True)
            return
        whole_file.write(found.gc, json.dumps(codec.dump(wanted)).encode(), over=True, mode=0o600)
    except OSError as error:
        raise errors.OrchestraError(f"cannot write {found.gc}: {error.strerror or error}") from error
