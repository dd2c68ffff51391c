"""Reads what panes print while it is printed: for who listens, and for what shells say of their commands.

Of other panes nothing is read: they cost nothing, however much they print.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta

from orchestra.daemon import logs
from orchestra.engine.hear import bus, happenings, publishing
from orchestra.host import clock, inotify, output, reason, recordings
from orchestra.model import event
from orchestra.model.frozen import frozen
from orchestra.tmux import marks, stream, typed

YOUNG = 10.0
"""Seconds in which who begins to read a pane gets all that it has printed: what wants it is seen after the pane itself."""
HELD = 0.25
"""Seconds for which lines at a shell's prompt wait, at most, for the shell to say that they were a command."""
PIECE = 64 * 1024
"""Bytes read of one pane before it is another's turn, and everybody else's."""
LOST = 10.0
"""Seconds in which it is told once, at most, that a pane prints faster than it is read: one `yes` would fill the journal with that."""
AGAIN, LATEST = 1.0, 60.0
"""Seconds until what cannot be read is tried again; each time twice as long."""


@dataclass(slots=True)
class _Pane:
    id: str
    workspace: str
    address: str
    reading: output.Reading
    stream: stream.Stream
    shell: bool
    typed: typed.Typed
    watch: int = -1
    """-1: nothing tells when it grows."""
    pause: float = 0.0
    again: float = 0.0
    """When it is tried again, monotonic, where it could not be read."""
    lost: int | None = 0
    """Bytes that nobody could read in time, and that are not told of yet; None: an unknown number."""
    silent_until: float = 0.0
    """Monotonic; before, more of these are only counted."""
    held: asyncio.TimerHandle | None = None
    commands: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Number → its text, and when it began, monotonic; those that have not ended."""


@frozen
class Printing:
    """A pane that may be read: whose it is ("" and "": nobody's), and the token of its shell, if a shell of ours runs there."""

    workspace: str
    address: str
    pid: int
    token: str = ""
    since: output.Position | None = None
    """Where its recording ended before it was recorded for who asks now."""


class Printed:
    """In one event loop; `close` it."""

    def __init__(
        self,
        recordings: recordings.Recordings,
        bus: bus.Bus,
        publisher: publishing.Publisher,
        clock: clock.Clock,
    ) -> None:
        self._recordings = recordings
        self._bus = bus
        self._publisher = publisher
        self._clock = clock
        self.resumed: Callable[[str], output.Position | None] = lambda _: None
        """Where somebody before us had got to, of a pane by tmux's id, for who goes on from there."""
        self.from_birth: Callable[[str], bool] = lambda _: False
        """Whether somebody wants all that a pane prints, by address, not only what comes."""
        self._known: Mapping[str, Printing] = {}
        self._read: dict[str, _Pane] = {}
        self._pids: dict[str, int] = {}
        self._born: dict[str, float] = {}
        self._begun = False
        self.troubles: dict[str, str] = {}
        """Why panes are not read, by tmux's id."""
        self._grown: set[str] = set()
        self._some = asyncio.Event()
        self._watches: dict[int, str] = {}
        self._loop = asyncio.get_running_loop()
        self._inotify: inotify.Inotify | None = None
        if inotify.AVAILABLE:
            self._inotify = inotify.Inotify()
            self._loop.add_reader(self._inotify.fd, self._hear)
        bus.changed = self._choose

    def keep(self, panes: Mapping[str, Printing]) -> None:
        """These are recorded now, by tmux's id."""
        # What was there before us has told its commands to the daemon before us.
        fresh = panes.keys() - self._pids.keys() if self._begun else frozenset[str]()
        for pane in [pane for pane in self._read if not self._read[pane].address]:
            if pane in panes and panes[pane].address:
                self._drop(pane)  # it was nobody's
        again = {pane for pane, now in panes.items() if self._pids.get(pane, now.pid) != now.pid}
        for pane in again & self._read.keys():
            if self._read[pane].shell or panes[pane].token:
                self._drop(pane)  # another shell counts its commands from one again
        now = self._clock.monotonic()
        self._born = {pane: at for pane, at in self._born.items() if pane in panes and now - at < YOUNG}
        self._born |= dict.fromkeys(fresh, now)
        self._known, self._begun = panes, True
        self._pids = {pane: now.pid for pane, now in panes.items()}
        self._choose(fresh, again)

    async def run(self) -> None:
        look_at = 0.0
        while True:
            now = self._clock.monotonic()
            unheard = [each.id for each in self._read.values() if each.watch < 0 or each.again]
            if unheard and now >= look_at:
                look_at = now + logs.POLL
                self._grown.update(unheard)
            if not self._grown:
                self._some.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(look_at - now if unheard else None):
                        await self._some.wait()
            for pane in sorted(self._grown):
                self._grown.discard(pane)  # before it is read: what it prints meanwhile is heard meanwhile
                found = self._read.get(pane)
                if found is not None and await self._advance(found):
                    self._grown.add(pane)
                await asyncio.sleep(0)  # thirty of them that print without end are a second

    def close(self) -> None:
        for pane in list(self._read):
            self._drop(pane)
        if self._inotify is not None:
            self._loop.remove_reader(self._inotify.fd)
            self._inotify.close()

    # --- which

    def _choose(self, fresh: Set[str] = frozenset(), again: Set[str] = frozenset()) -> None:
        """`fresh`: panes that were not there before; `again`: in which another process runs than before."""
        wanted = {
            pane: printing
            for pane, printing in self._known.items()
            if printing.token or self._bus.wants_output(printing.address or pane)
        }
        for pane in [pane for pane in self._read if pane not in wanted]:
            self._drop(pane)
        for pane, printing in wanted.items():
            if pane not in self._read:
                try:
                    start = self._start(pane, printing, is_fresh=pane in fresh, is_again=pane in again)
                except OSError as error:  # the next look tries again
                    self.troubles[pane] = _unread(printing.address or pane, error)
                    continue
                self._add(pane, printing, output.Reading(self._recordings.folder(pane), start))
        self.troubles = {pane: why for pane, why in self.troubles.items() if pane in wanted}

    def _start(
        self, pane: str, printing: Printing, *, is_fresh: bool, is_again: bool
    ) -> output.Position | None:
        if is_fresh:
            return printing.since  # from its first command on, and its first line
        folder = self._recordings.folder(pane)
        start = output.end(folder)
        if not printing.token:
            young = self._is_young(pane) and self.from_birth(printing.address or pane)
            return self.resumed(pane) or (printing.since if young else start)
        return (recordings.life(folder, printing.pid) if is_again else None) or start

    def _is_young(self, pane: str) -> bool:
        return self._clock.monotonic() - self._born.get(pane, -YOUNG) < YOUNG

    def _add(self, pane: str, printing: Printing, reading: output.Reading) -> None:
        made = self._read[pane] = _Pane(
            id=pane,
            workspace=printing.workspace,
            address=printing.address,
            reading=reading,
            stream=stream.Stream(printing.token),
            shell=bool(printing.token),
            typed=typed.Typed(shell=bool(printing.token)),
        )
        if self._inotify is not None:
            folder = str(self._recordings.folder(pane))
            with contextlib.suppress(OSError):  # no watch is left, say: it is looked at again and again
                made.watch = self._inotify.add(folder, inotify.MODIFY | inotify.CREATE)
                self._watches[made.watch] = pane
        self.troubles.pop(pane, None)
        self._grow(pane)

    def _drop(self, pane: str) -> None:
        made = self._read.pop(pane)
        self._release(made)
        made.reading.close()
        self.troubles.pop(pane, None)
        if self._inotify is not None and self._watches.pop(made.watch, None) is not None:
            self._inotify.remove(made.watch)

    # --- reading

    def _hear(self) -> None:
        assert self._inotify is not None
        for notice in self._inotify.read():
            if notice.watch < 0:
                self._grown.update(self._read)
            elif (pane := self._watches.get(notice.watch)) is not None:
                self._grown.add(pane)
        self._some.set()

    def _grow(self, pane: str) -> None:
        self._grown.add(pane)
        self._some.set()

    async def _advance(self, pane: _Pane) -> bool:
        """Reads one piece. Whether there may be more."""
        if pane.again > self._clock.monotonic():
            return False
        try:
            piece = pane.reading.read(PIECE)
        except OSError as error:
            await self._failed(pane, error)
            return False
        if pane.again:
            pane.again = pane.pause = 0.0
            self.troubles.pop(pane.id, None)
        if piece is None:
            await self._tell_lost(pane)
            return False
        if piece.lost != 0:
            pane.lost = None if piece.lost is None or pane.lost is None else pane.lost + piece.lost
            if self._clock.monotonic() >= pane.silent_until:
                await self._tell_lost(pane)
        found = pane.stream.feed(piece.data)
        self._tell(pane, pane.typed.feed(found))
        if pane.held is not None and not pane.typed.waits:
            pane.held.cancel()
            pane.held = None
        if pane.held is None and pane.typed.waits:
            pane.held = self._loop.call_later(HELD, self._release, pane)
        if pane.shell:
            marked = [self._command(pane, each) for each in found if isinstance(each, marks.Mark)]
            if told := [self._of(pane, each) for each in marked if each is not None]:
                await self._publisher.publish(told)
        return len(piece.data) == PIECE or pane.lost != 0

    async def _tell_lost(self, pane: _Pane) -> None:
        if pane.lost == 0:
            return
        body = event.PaneOutputLost(id=pane.id, size=pane.lost, reason="it came faster than it was read")
        pane.lost, pane.silent_until = 0, self._clock.monotonic() + LOST
        await self._publisher.publish([self._of(pane, body)])

    async def _failed(self, pane: _Pane, error: OSError) -> None:
        """All others are read on."""
        pane.reading.close()
        pane.pause = min(pane.pause * 2 or AGAIN, LATEST)
        pane.again = self._clock.monotonic() + pane.pause
        trouble = _unread(pane.address or pane.id, error)
        if self.troubles.get(pane.id) != trouble:
            self.troubles[pane.id] = trouble
            await self._publisher.publish([self._of(pane, event.DaemonFault(part="output", reason=trouble))])

    def _release(self, pane: _Pane) -> None:
        """Lines at a prompt that were no command: somebody printed them from behind."""
        if pane.held is not None:
            pane.held.cancel()
            pane.held = None
        self._tell(pane, pane.typed.release())

    def _tell(self, pane: _Pane, told: typed.Told) -> None:
        if told.lines and self._bus.wants_output(pane.address or pane.id):
            body = event.PaneOutput(
                id=pane.id,
                lines=tuple(told.lines),
                position=str(pane.reading.position),
                typed=tuple(told.typed),
            )
            self._publisher.tell([self._of(pane, body)])

    def _command(self, pane: _Pane, mark: marks.Mark) -> event.Body | None:
        match mark.kind:
            case marks.Kind.COMMAND_START:
                pane.commands[mark.number] = (mark.text, self._clock.monotonic())
                self._recordings.typed(pane.id, mark.text)
                return event.CommandStarted(id=pane.id, command=mark.text)
            case marks.Kind.COMMAND_END:
                now = self._clock.monotonic()
                text, began = pane.commands.pop(mark.number, ("", now))
                pane.commands.clear()
                took = timedelta(seconds=now - began)
                return event.CommandFinished(
                    id=pane.id, command=text, exit_code=mark.exit_code, duration=took
                )
            case _:
                return None

    def _of(self, pane: _Pane, body: event.Body) -> happenings.Happening:
        return happenings.Happening(body=body, workspace=pane.workspace, address=pane.address)


def _unread(name: str, error: OSError) -> str:
    return f"what {name} prints cannot be read: {reason.of(error)}"
