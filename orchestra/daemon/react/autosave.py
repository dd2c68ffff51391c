"""Snapshots that the daemon makes by itself: soon after something changed, and on the clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra.daemon import assemble, wished
from orchestra.daemon.react import parts
from orchestra.host import memory, paths
from orchestra.model import codec, errors, event, spec, status
from orchestra.model.frozen import frozen
from orchestra.store import texts

SETTLES = 2.0
"""Seconds without a change after which what changed is saved."""
LATEST = 20.0
"""Seconds after the first change by which it is saved, however much goes on."""

_log = logging.getLogger("orchestra.autosave")


@frozen
class Wish:
    scope: str
    """A workspace, or a session that is no workspace's; "" for everything."""
    wanted: spec.Snapshots


class Autosave:
    """A part of the daemon's. A save is a look at the server, in a thread of its own."""

    name = "autosave"

    def __init__(self, reach: parts.Reach) -> None:
        self._assembly = reach.assembly
        self._found = reach.found
        self._tell = reach.say("")
        self._woken = asyncio.Event()
        self._is_changed = self._is_asked = False
        self.trouble = ""
        self.last = ""
        """The name of the one made last."""

    def resume(self, kept: Any) -> None:
        """It keeps nothing: what is saved is in the snapshots' store."""

    async def looked(self, server: status.Server) -> None:
        """What changed is told by events."""

    def happened(self, events: Sequence[event.Event]) -> None:
        if any(each.type.startswith(("session.", "window.", "pane.")) for each in events):
            self._is_changed = True
            self._woken.set()

    def describe(self) -> Mapping[str, Any]:
        return {"last": self.last, "troubles": [self.trouble] if self.trouble else []}

    async def _say(self, body: event.Body) -> None:
        await self._tell(body, "", "", {})

    def ask(self) -> None:
        """What is wished may be another thing now."""
        self._is_asked = True
        self._woken.set()

    async def run(self) -> None:
        known: set[str] | None = None
        while True:
            self._is_asked = False
            self._woken.clear()
            found = await asyncio.to_thread(wishes, self._found)
            scopes = {each.scope for each in found}
            if known is not None and scopes - known:
                self._is_changed = True  # what is wished of was made before it was wished
            known = scopes
            every = min((each.wanted.autosave.total_seconds() for each in found), default=None)
            if not (found and self._is_changed):  # before anybody wished for it, perhaps
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(every):
                        await self._woken.wait()
            if self._is_asked or not found:
                continue
            await self._settled()
            for each in found:
                await self._save(each)
            await asyncio.to_thread(memory.give_back)

    async def _settled(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LATEST):
                while self._is_changed:
                    self._is_changed = False
                    await asyncio.sleep(SETTLES)
        self._is_changed = False

    async def _save(self, wish: Wish) -> None:
        try:
            saved = await asyncio.to_thread(self._saved, wish)
        except errors.OrchestraError as error:
            if str(error) != self.trouble:
                self.trouble = str(error)
                _log.error("not saved: %s", error)
                await self._say(event.DaemonFault(part="autosave", reason=self.trouble))
            return
        self.trouble = ""
        if saved is not None:
            self.last = saved.name
            await self._say(saved)

    def _saved(self, wish: Wish) -> event.SnapshotSaved | None:
        """None: there was nothing to save, or nothing new."""
        from orchestra.daemon import snapshots  # 30 ms, and only who wishes for it pays

        # Eyes of its own: who applies meanwhile rests on what it has seen itself.
        own = assemble.assemble(None, self._assembly.host.path, self._assembly.environ)
        if not own.tmux.observe().running:
            return None
        try:
            kept, new = snapshots.save(
                own,
                wish.scope,
                automatic=True,
                scrollback=wish.wanted.scrollback,
                with_history=wish.wanted.history,
            )
        except errors.UsageError:  # its workspace is not there
            return None
        snapshots.keeper(own).prune(wish.wanted.keep, wish.wanted.max_age, kept.scope)
        if not new:
            return None
        panes = {name: each.panes for name, each in kept.workspaces.items()}
        return event.SnapshotSaved(name=kept.name, workspaces=panes)


def wishes(found: paths.Directories) -> tuple[Wish, ...]:
    """Of the user, and of manifests that were applied."""
    made = [Wish(scope=scope, wanted=wanted) for scope, wanted in sorted(users(found).items())]
    for path in sorted(found.texts.glob("*.json")) if found.texts.is_dir() else ():
        text = texts.read(found.texts, path.stem)
        if text is not None and (wanted := _loaded(text.autosave)) is not None:
            made.append(Wish(scope=path.stem, wanted=wanted))
    return tuple(made)


@frozen
class _Users:
    of: Mapping[str, spec.Snapshots]
    """By scope."""


def users(found: paths.Directories) -> dict[str, spec.Snapshots]:
    """What `orchestra snapshot autosave on` wrote, by scope."""
    known = wished.read(found.autosave, _Users)
    return (
        {scope: each for scope, each in known.of.items() if _is_possible(each)} if known is not None else {}
    )


def write(found: paths.Directories, wanted: Mapping[str, spec.Snapshots]) -> None:
    """By scope; nothing: off. `OrchestraError`."""
    wished.write(found.autosave, _Users(of=wanted) if wanted else None)


def _loaded(said: object) -> spec.Snapshots | None:
    try:
        found = codec.load(spec.Snapshots, said)
    except codec.LoadError:
        return None
    return found if _is_possible(found) else None


def _is_possible(wanted: spec.Snapshots) -> bool:
    return bool(wanted.autosave) and wanted.keep > 0
