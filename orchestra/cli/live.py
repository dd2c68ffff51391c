"""What is going on while a plan is carried out, on stderr."""

from __future__ import annotations

import sys
from types import TracebackType

from orchestra.cli import output
from orchestra.model import progress

_TONES = {
    progress.Phase.STOPPING: "yellow",
    progress.Phase.STARTED: "green",
    progress.Phase.WAITING: "cyan",
    progress.Phase.HEALTHY: "green",
    progress.Phase.WARNING: "yellow",
    progress.Phase.FAILED: "red",
    progress.Phase.SKIPPED: "yellow",
}


class Screen:
    """A line an event: it reads the same in a terminal, a pipe and a log."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def pause(self) -> None:
        """Before something is asked."""

    def report(self, each: progress.Progress) -> None:
        if self._quiet or each.phase is progress.Phase.DONE:
            return
        phase = output.paint(f"{each.phase:<8}", sys.stderr, fg=_TONES.get(each.phase))
        output.note(f"{phase} {output.one_line(f'{each.address} {_detail(each)}'.strip())}")


def _detail(each: progress.Progress) -> str:
    return "" if each.phase is progress.Phase.STARTED else each.detail
