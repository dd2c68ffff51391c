"""What a pane prints from now on, whether or not anybody records it."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.daemon import assemble
from orchestra.host import output
from orchestra.model import errors, hand, status
from orchestra.tmux import hands as keyboard

if TYPE_CHECKING:
    from orchestra.daemon import logs

_PATIENCE = timedelta(seconds=2)


@contextlib.contextmanager
def alone(assembly: assemble.Assembly, meant: hand.Meant) -> Iterator[bool]:
    """Of two that want to hear one pane the second waits a little; whether it had to."""
    waited = False

    def waiting(holder: str) -> None:
        nonlocal waited
        waited = True

    with contextlib.ExitStack() as held:
        try:
            lock = assemble.locks(assembly).hold(
                f"hear-{meant.id[1:]}", "pane exec --wait", _PATIENCE, waiting
            )
            held.enter_context(lock)
        except errors.Busy as error:
            raise errors.Conflict(
                f"{meant.address}: another command is given to it, and waited for ({error})",
                hint="wait until it has ended: orchestra pane wait",
            ) from error
        yield waited


class Heard:
    """From its recording, where there is one; else it is recorded for as long as it is heard: in a directory of its own, because a
    piece is no log."""

    def __init__(self, folder: Path, position: output.Position | None, base: str) -> None:
        self.base = base
        self._folder = folder
        self._reading = output.Reading(folder, position)
        self._watch: logs.Watch | None = None
        self._at: output.Segment | None = None

    @classmethod
    def begun(
        cls,
        assembly: assemble.Assembly,
        keys: keyboard.Hands,
        meant: hand.Meant,
        held: contextlib.ExitStack,
    ) -> Heard:
        recorded = assembly.expected().recordings / meant.epoch / meant.id
        piped = meant.place.pane.piped
        end = output.end(recorded)
        if piped and (end is not None or (recorded.is_dir() and assembly.listening.asked(meant.id))):
            found = cls(recorded, end, "")
            held.callback(found.close)
            return found
        if piped:
            keys.stop_hearing(meant.id)  # what a command of ours left behind that was killed
            if any(
                each.pane.piped for each in status.places(assembly.tmux.observe()) if each.pane.id == meant.id
            ):
                raise errors.Conflict(
                    f"{meant.address}: somebody pipes what it prints elsewhere, so that it cannot be heard",
                    hint="without --wait it is only typed",
                )
        base = assembly.directories().state / "heard" / f"{meant.id[1:]}-{secrets.token_hex(4)}"
        folder = base / meant.epoch / meant.id
        folder.mkdir(mode=0o700, parents=True)
        held.callback(shutil.rmtree, base, ignore_errors=True)
        held.callback(keys.stop_hearing, meant.id)
        found = cls(folder, None, str(base))
        held.callback(found.close)
        return found

    def listen(self) -> int | None:
        """A descriptor that is readable when there is more; None where nothing tells. Worth it only for what takes time: letting go of it
        takes the kernel 20 ms, whatever it was asked to watch."""
        if self._watch is None:
            from orchestra.daemon import logs  # asyncio, which short commands need not pay for

            self._watch = logs.Watch([self._folder])
        return self._watch.fd

    def pieces(self) -> Iterator[output.Piece]:
        if self._watch is not None:
            self._watch.drain()
        for piece in self._reading.pieces():
            if self.base and piece.end.segment != self._at:
                self._at = piece.end.segment
                for old in output.segments(self._folder):
                    if old < self._at:
                        (self._folder / str(old)).unlink(missing_ok=True)
            yield piece

    def close(self) -> None:
        self._reading.close()
        if self._watch is not None:
            self._watch.close()
