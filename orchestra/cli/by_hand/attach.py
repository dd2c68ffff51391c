"""`orchestra pane attach`: one pane on this terminal.

A tmux client shows a window, never one pane, and zooming it would zoom it for everybody; so this is no client. It draws what tmux says
that the pane shows, and types what is typed (docs/decisions/0024-by-hand.md).
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output
from orchestra.cli.by_hand import drawing, meaning
from orchestra.model import errors, hand

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble

FRAME = 0.015
"""Seconds between two looks while something happens."""
IDLE = 0.2
"""While nothing does, and nobody tells."""
BUSY = 2.0
"""Seconds after a change in which more is expected."""
RETRIES = 5


@click.command("attach")
@meaning.address
@click.option("--leave-on-eof", is_flag=True, help="Ctrl-D leaves the pane, and is not typed.")
@options.common
def command(common: options.Common, address: str, leave_on_eof: bool) -> int:
    """Show one pane on this terminal and type into it, until tmux's prefix (Ctrl-b) and d.

    Nobody's window is resized, zoomed or switched: of a pane that is larger than this terminal the part around the cursor is shown. A
    whole session: orchestra attach.

    \b
    Example:
      orchestra pane attach api/server
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise errors.UsageError(
            "pane attach needs a terminal, and this is none",
            hint="orchestra pane capture prints what a pane shows",
        )
    assembly = common.assembly()
    meant = assembly.hands.find(meaning.finding(address))
    if assembly.attaching.where == "inside" and os.environ.get("TMUX_PANE") == meant.id:
        raise errors.Conflict(f"{meant.address} is this very pane")
    if meant.place.pane.dead:
        raise errors.Conflict(
            f"{meant.address}: its process has ended", hint="orchestra pane capture prints what it shows"
        )
    prefix = assembly.host.ask("show-options", "-gv", "prefix").out.decode(errors="replace").strip()
    said = _Viewer(assembly, meant, drawing.control(prefix), prefix, leave_on_eof).run()
    output.note(output.one_line(f"{meant.address}: {said}"))
    return codes.OK


class _Viewer:
    def __init__(
        self, assembly: assemble.Assembly, meant: hand.Meant, key: bytes, prefix: str, leave_on_eof: bool
    ) -> None:
        self._assembly = assembly
        self._keyboard = assembly.keyboard
        # By tmux's id: whatever it is called meanwhile.
        self._meant = hand.Meant(place=meant.place, epoch=meant.epoch, number=meant.number, called=False)
        self._keys = drawing.Keys(key, leave_on_eof=leave_on_eof)
        leave = "Ctrl-D" if leave_on_eof else f"{prefix} d"
        self._hint = f" {meant.address} · {leave} leaves"
        self._shown: tuple[hand.Screen, int, int] | None = None
        self._out = sys.stdout.buffer
        self._drain: Callable[[], None] = lambda: None

    def run(self) -> str:
        import time  # this loop's own beat

        with _raw(), self._drawing(), self._watch() as told:
            changed = time.monotonic()
            while True:
                screen = self._keyboard.screen(self._meant.id)
                if screen is None:
                    return "it is gone"
                if self._draw(screen):
                    changed = time.monotonic()
                if screen.dead:
                    return "its process has ended"
                busy = time.monotonic() - changed < BUSY
                left = FRAME if busy and told is None else IDLE
                ready = select.select([0, *([told] if told is not None else [])], [], [], left)[0]
                if 0 in ready:
                    data = os.read(0, 65536)
                    typed, leave = self._keys.typed(data)
                    if typed and (why := self._type(typed)):
                        return why
                    if leave or not data:
                        return "left"
                    changed = time.monotonic()
                if told is not None and told in ready:
                    self._drain()
                    changed = time.monotonic()

    def _type(self, data: bytes) -> str:
        from orchestra.engine import hands

        message = hand.Message(
            meant=self._meant, strokes=(hand.Paste(data=data),), id=hands.new_id(), force=True
        )
        for _ in range(RETRIES):
            (verdict,) = self._keyboard.send([message])
            if verdict in hand.WENT:
                return ""
            if verdict is not hand.Verdict.UNKNOWN:
                return {hand.Verdict.DEAF: "its input is switched off"}.get(verdict, "its process has ended")
        return "the tmux server does not answer"

    def _draw(self, screen: hand.Screen) -> bool:
        columns, rows = os.get_terminal_size(1)
        if self._shown == (screen, columns, rows):
            return False
        if self._shown is not None and self._shown[1:] != (columns, rows):
            self._out.write(b"\x1b[2J")
        self._shown = (screen, columns, rows)
        self._out.write(drawing.frame(screen, columns, rows, self._hint))
        self._out.flush()
        return True

    @contextlib.contextmanager
    def _drawing(self) -> Iterator[None]:
        self._out.write(drawing.BEGIN)
        try:
            yield
        finally:
            self._out.write(drawing.END)
            self._out.flush()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[int | None]:
        """Readable when the pane prints, where a daemon records it."""
        from orchestra.daemon import logs

        folder = self._assembly.expected().recordings / self._meant.epoch / self._meant.id
        if not (self._meant.place.pane.piped and folder.is_dir()):
            yield None
            return
        watch = logs.Watch([folder])
        self._drain = watch.drain
        try:
            yield watch.fd
        finally:
            watch.close()


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, before)
