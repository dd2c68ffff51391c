"""What is going on while a plan is carried out, on stderr: a line an event, and on a terminal below them what is not there yet."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from orchestra.cli import output
from orchestra.model import progress
from orchestra.model.frozen import frozen

if TYPE_CHECKING:
    import rich.live

_TONES = {
    progress.Phase.STOPPING: "yellow",
    progress.Phase.STARTED: "green",
    progress.Phase.WAITING: "cyan",
    progress.Phase.HEALTHY: "green",
    progress.Phase.WARNING: "yellow",
    progress.Phase.FAILED: "red",
    progress.Phase.SKIPPED: "yellow",
}
_UNFINISHED = (progress.Phase.PENDING, progress.Phase.STOPPING, progress.Phase.WAITING)
_PATIENCE = 0.3
"""Seconds until something unfinished is worth a region."""
_REDRAWS = 4
"""A second: what changes by itself is a count of seconds."""
_MOST_ROWS = 12


@frozen
class _Wait:
    since: float
    phase: progress.Phase
    detail: str


class Screen:
    """Use it around one run, once. Events may come from the loop's thread only; rich redraws in its own."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._region: _Region | None = None
        if not quiet and sys.stderr.isatty() and os.environ.get("TERM") not in (None, "", "dumb"):
            self._region = _Region()
        self._begun = time.monotonic()
        self._asked = 0.0

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._region is not None:
            self._region.hide()
            if error is not None:
                for line in self._region.lines():
                    output.note(line)

    @property
    def elapsed(self) -> float:
        """Seconds, without those in which a person was asked."""
        return time.monotonic() - self._begun - self._asked

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """While something is asked."""
        if self._region is not None:
            self._region.hide()
        begun = time.monotonic()
        try:
            yield
        finally:
            self._asked += time.monotonic() - begun

    def report(self, each: progress.Progress) -> None:
        if self._quiet:
            return
        if self._region is not None and self._region.takes(each):
            return
        if each.phase in (progress.Phase.DONE, progress.Phase.PENDING):
            return
        line = f"{output.paint(f'{each.phase:<8}', sys.stderr, fg=_TONES.get(each.phase))} {_said(each)}"
        if self._region is not None:
            self._region.write(line)
        else:
            output.note(line)


def _said(each: progress.Progress) -> str:
    return output.one_line(f"{each.address} {each.detail}".strip())


class _Region:
    """The lines below the events. rich draws them, in threads of its own: what is drawn never waits for a lock of ours."""

    def __init__(self) -> None:
        self._waits: dict[str, _Wait] = {}
        self._lock = threading.Lock()
        self._coming: threading.Timer | None = None
        self._live: rich.live.Live | None = None

    def takes(self, each: progress.Progress) -> bool:
        """Keeps what is unfinished. True: it is shown here, and needs no line of its own."""
        if each.phase not in _UNFINISHED or not each.address:
            self._waits.pop(each.address, None)
            return False
        known = self._waits.get(each.address)
        since = known.since if known is not None else time.monotonic()
        self._waits[each.address] = _Wait(since=since, phase=each.phase, detail=each.detail)
        if self._coming is None:
            self._coming = threading.Timer(_PATIENCE, self._show)
            self._coming.daemon = True
            self._coming.start()
        return each.phase is not progress.Phase.STOPPING

    def write(self, line: str) -> None:
        with self._lock:
            if self._live is None:
                output.note(line)
                return
            import rich.text  # it is loaded already

            self._live.console.print(rich.text.Text.from_ansi(line), soft_wrap=True)

    def lines(self) -> list[str]:
        """What is not there yet, for the end."""
        return [output.one_line(f"unfinished {row}") for row in self._rows()]

    def hide(self) -> None:
        with self._lock:
            if self._coming is not None:
                self._coming.cancel()
                self._coming = None
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _rows(self) -> list[str]:
        now = time.monotonic()
        waits = list(self._waits.items())
        waits.sort(key=lambda item: (item[1].phase is progress.Phase.PENDING, item[1].since))
        width = max((len(address) for address, _ in waits), default=0)
        return [
            f"{output.duration(now - wait.since):>5}  {address:<{width}}  {wait.detail or wait.phase}"
            for address, wait in waits
        ]

    def _show(self) -> None:
        import rich.console  # 60 ms, for those only who look at something that takes time
        import rich.live
        import rich.text

        class Console(rich.console.Console):
            """Leaves the cursor visible: if we are killed nobody would bring it back."""

            def show_cursor(self, show: bool = True) -> bool:
                return False

        console = Console(stderr=True, highlight=False, markup=False, emoji=False)

        def drawn() -> rich.text.Text:
            rows = self._rows()
            most = max(1, min(_MOST_ROWS, console.height - 3))
            if len(rows) > most:
                rows = [*rows[: most - 1], f"{'':>5}  … and {len(rows) - most + 1} more"]
            shown = "\n".join(output.one_line(row) for row in rows)
            return rich.text.Text(shown, style="dim", no_wrap=True, overflow="ellipsis")

        with self._lock:
            if self._coming is None or self._live is not None:  # hidden meanwhile, or shown again
                return
            self._live = rich.live.Live(
                console=console,
                get_renderable=drawn,
                refresh_per_second=_REDRAWS,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
