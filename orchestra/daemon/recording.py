"""Which panes of a server are recorded, and for whom their output is read: after each look, what is not so is made so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Set
from pathlib import Path

from orchestra.daemon import enduring, printed
from orchestra.engine.apply import launching
from orchestra.host import output, recordings
from orchestra.model import spec, status
from orchestra.plan import record
from orchestra.tmux import listening

Panes = Mapping[str, status.Pane]
"""By tmux's id."""


class Recording:
    def __init__(
        self,
        folder: Path,
        hooks: listening.Listening,
        kept: recordings.Recordings,
        read: printed.Printed,
        enduring: enduring.Enduring,
        strangers: Callable[[], Set[str]],
        look: Callable[[], None],
    ) -> None:
        """`strangers`: panes that are nobody's, and that somebody asked to have recorded. `look`: at the server, once more."""
        self._folder = folder
        self._hooks = hooks
        self._kept = kept
        self._read = read
        self._enduring = enduring
        self._strangers = strangers
        self._look = look
        self._on = ""
        """The server's life in which we have begun."""
        self._to_renew: set[str] = set()
        self._holding: dict[str, tuple[int, output.Position | None]] = {}
        """Pane → what holds the place of its process, which waits, and up to where that has printed: it says what is waited for, and that
        is no output of the process."""
        self._asked: dict[str, output.Position | None] = {}
        """Strangers, and where their recording ended before."""
        self._let_go: set[str] = set()

    def renew(self, pane: str) -> None:
        """Into a new file, from the next look on."""
        self._to_renew.add(pane)
        self._look()

    async def looked(self, server: status.Server) -> None:
        """`TmuxUnavailable` where it can be asked no more."""
        if not server.running:
            self._read.keep({})
            self._kept.keep("none", {})
            return
        await self._begin(server)
        places = list(status.places(server))
        ours = {place.pane.id: place.pane for place in places if place.pane.mark is not None}
        nobodys = {place.pane.id: place.pane for place in places if place.pane.mark is None}
        to_renew, self._to_renew = self._to_renew, set()
        await self._record_ours(ours, to_renew)
        asked = await self._record_asked(server, nobodys, to_renew)
        self._keep(server, ours, asked)

    async def _begin(self, server: status.Server) -> None:
        if server.epoch != self._on or server.recordings != str(self._folder):
            await asyncio.to_thread(self._hooks.begin, str(self._folder))
            self._on = server.epoch
            self._look()  # what changed before it could tell us

    async def _record_ours(self, ours: Panes, to_renew: Set[str]) -> None:
        base = str(self._folder)
        if silent := _silent(ours):
            await asyncio.to_thread(self._hooks.record, silent, base)
        if again := to_renew & ours.keys():
            await asyncio.to_thread(self._hooks.record, sorted(again), base, again=True)

    async def _record_asked(self, server: status.Server, nobodys: Panes, to_renew: Set[str]) -> Panes:
        """Those that a trigger a person added looks at, for as long as it does."""
        wanted, base = self._strangers(), str(self._folder)
        there = {id_: pane for id_, pane in nobodys.items() if id_ in wanted}
        folder = self._folder / server.epoch
        self._asked = {
            id_: self._asked[id_] if id_ in self._asked else output.end(folder / id_) for id_ in there
        }
        if silent := _silent(there):
            await asyncio.to_thread(self._hooks.record_asked, silent, base)
        if again := to_renew & there.keys():
            await asyncio.to_thread(self._hooks.record_asked, sorted(again), base, again=True)
        over = {id_ for id_, pane in nobodys.items() if pane.piped and id_ not in wanted}
        if ours := [id_ for id_ in sorted(over - self._let_go) if not output.has_ended(folder / id_)]:
            await asyncio.to_thread(self._hooks.stop_asked, ours)
        self._let_go = over
        return there

    def _keep(self, server: status.Server, ours: Panes, asked: Panes) -> None:
        marked = [(id_, pane, pane.mark) for id_, pane in ours.items() if pane.mark is not None]
        whose = {id_: f"{mark.workspace} {mark.address} {mark.uid}" for id_, _, mark in marked}
        shells = {id_: shell for id_, pane in ours.items() if (shell := _integrated(pane)) is not None}
        histories = {id_: shell.history_file for id_, shell in shells.items() if shell.history_file}
        self._kept.keep(server.epoch, whose | {id_: f"- {id_} -" for id_ in asked}, histories)
        self._note_holders(
            server, {id_: pane.pid for id_, pane, mark in marked if mark.stage is status.Stage.WAITING}
        )
        with self._enduring.apart("output"):  # no watch may be left, say
            self._read.keep(
                {
                    id_: printed.Printing(
                        workspace=mark.workspace,
                        address=mark.address,
                        pid=pane.pid,
                        token=launching.token(mark.uid) if id_ in shells else "",
                    )
                    for id_, pane, mark in marked
                }
                | {
                    id_: printed.Printing(workspace="", address="", pid=pane.pid, since=self._asked[id_])
                    for id_, pane in asked.items()
                }
            )

    def _note_holders(self, server: status.Server, waiting: Mapping[str, int]) -> None:
        """While it waits: once its process is there, nobody can say any more what of all that was printed is whose."""
        folder = self._folder / server.epoch
        holding = {id_: (pid, output.end(folder / id_)) for id_, pid in waiting.items()}
        for id_, (pid, end) in holding.items():
            if end is not None and self._holding.get(id_) != (pid, end):
                self._kept.ended(id_, pid)
        self._holding = holding


def _silent(panes: Panes) -> list[str]:
    return [id_ for id_, pane in panes.items() if not pane.piped and not pane.dead]


def _integrated(pane: status.Pane) -> spec.Pane | None:
    """Where it is an interactive shell that was started with integration."""
    known = record.parse_pane(pane.record)
    if known is None or known.pane.command is not None or not known.pane.shell_integration:
        return None
    return known.pane
