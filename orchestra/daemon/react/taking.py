"""The hands and eyes of garbage collection: they look, save and take, in threads, beside who applies and never with him."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from orchestra.daemon import assemble, gc_wish
from orchestra.engine.apply import execute
from orchestra.engine.react import collect
from orchestra.host import paths
from orchestra.model import action, errors, plan, shells, status
from orchestra.model.frozen import frozen
from orchestra.plan import record
from orchestra.store import inventory

LOCK_WAIT = timedelta(seconds=1)
"""Then it is tried in the next pass."""
ENDS = timedelta(seconds=5)
"""For a shell that was hung up on."""


@frozen
class Seen:
    server: status.Server
    rests: Mapping[str, status.Rest]
    calm: frozenset[str]
    trees: Mapping[str, frozenset[status.Process]]
    """By uid."""


class Hands:
    def __init__(self, assembly: assemble.Assembly, found: paths.Directories) -> None:
        self._assembly = assembly
        self._found = found

    def eyes(self) -> assemble.Assembly:
        """Of our own: who applies meanwhile rests on what it has seen itself."""
        return assemble.assemble(None, self._assembly.host.path, self._assembly.environ)

    def look(self) -> Seen:
        """`TmuxUnavailable` when nobody knows what is there."""
        own = self.eyes()
        server, rests = own.tmux.observe_rest()
        return seen(own, server, rests)

    def server(self) -> status.Server:
        """Without a look at who rests. `TmuxUnavailable`."""
        return self.eyes().tmux.observe()

    def texts(self) -> frozenset[str]:
        """Workspaces whose manifest's text is kept."""
        found = self._found.texts
        return frozenset(each.stem for each in found.glob("*.json")) if found.is_dir() else frozenset()

    def free_name(self, workspace: str, now: datetime) -> str:
        """For a snapshot."""
        from orchestra.daemon import snapshots  # 30 ms, and only who takes something pays

        stem = f"{inventory.COLLECTED}{workspace[:36]}-{now:%Y%m%d-%H%M%S}"
        known = {each.name for each in snapshots.keeper(self.eyes()).all(check=False)}
        names = (stem, *(f"{stem}-{number}" for number in range(2, len(known) + 3)))
        return next(each for each in names if each not in known)

    def save(self, workspace: str, name: str) -> None:
        from orchestra.daemon import snapshots  # as above

        snapshots.save(self.eyes(), workspace, name=name, scrollback=True)

    def has(self, snapshot: str) -> bool:
        from orchestra.daemon import snapshots  # as above

        return any(each.name == snapshot for each in snapshots.keeper(self.eyes()).all(check=False))

    def discard(self, snapshot: str) -> None:
        from orchestra.daemon import snapshots  # as above

        with contextlib.suppress(errors.OrchestraError):  # it was never saved, or somebody else did it
            snapshots.keeper(self.eyes()).delete(snapshot)

    def take(
        self, epoch: str, workspace: str, victims: Sequence[collect.Victim], force: bool
    ) -> dict[str, str]:
        """Address → why it stays. Decided anew under the lock, and compared once more by the server itself."""
        own = self.eyes()
        reconciler = dataclasses.replace(own.reconciler, lock_wait=LOCK_WAIT)
        settings = execute.Settings(wait=False, on_error=execute.OnError.CONTINUE)
        trees: dict[str, frozenset[status.Process]] = {}
        stays: dict[str, str] = {}

        def decide(server: status.Server, rests: Mapping[str, status.Rest]) -> plan.Plan:
            found = seen(own, server, rests)
            trees.update(found.trees)
            decided = collect.decide(self._world_again(found, victims, force))
            still = collect.still(decided, victims) if server.epoch == epoch else ()
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

    def _world_again(self, found: Seen, victims: Sequence[collect.Victim], force: bool) -> collect.World:
        """How long they have rested was asked for before; that they rest as they did is compared. What is wished may be another thing."""
        texts = self.texts()
        return collect.World(
            server=found.server,
            rests=found.rests,
            calm=found.calm,
            quiet={each.id: each.quiet for each in victims},
            rules=gc_wish.wishes(found.server, gc_wish.users(self._found), texts, force=force),
            remembered=texts,
            forgotten={each.id: each.quiet for each in victims if each.kind is action.Kind.GC},
        )

    def _ended(self, own: assemble.Assembly, trees: Sequence[frozenset[status.Process]]) -> None:
        """A shell that will not hear that its terminal is gone."""
        processes = own.world.processes
        shells = frozenset[status.Process]().union(*trees)
        if rest := asyncio.run(processes.ended(shells, ENDS)):
            processes.signal(rest, "SIGKILL")


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


def _is_shell(pane: status.Pane, runs: status.Process) -> bool:
    """Declared as one, and one still: `exec vim` in it runs under its number."""
    known = record.parse_pane(pane.record)
    if known is None or known.pane.command is not None:
        return False
    own = {Path(known.pane.shell).name[:_NAME]} if known.pane.shell is not None else set()
    return runs.name in shells.NAMES | own


_NAME = 15
"""Characters of a process's name that Linux keeps."""
