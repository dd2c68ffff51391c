"""Whether panes that somebody follows print again without anybody doing anything."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Collection

from orchestra.engine.react import supervise
from orchestra.model import errors, status

LOOK_EVERY = 5.0
"""Seconds between two looks that nothing asked for: a pane may go and its process stay."""
SOON = 0.05
"""Seconds, where an end is not wholly known yet."""
REAPED = 0.01
"""Seconds from the end of a process until tmux is asked about it."""
WAITING = 1.0
"""Seconds, where panes may come again, or nothing tells that a process ended."""

GivenUp = Callable[[], Collection[str] | None]
"""Uids of panes that are not started again; None: nobody does that."""


class Following:
    """Close it."""

    def __init__(
        self, look: Callable[[], status.Server], epoch: str, panes: Collection[str], given_up: GivenUp
    ) -> None:
        self._look = look
        self._epoch = epoch
        self._panes = panes
        self._given_up = given_up
        self._fds: list[int] = []
        self._due = 0.0
        self._over = False
        self.server = status.Server()
        """As it was looked at last."""

    @property
    def fds(self) -> list[int]:
        """Readable when a process has ended: then `heard`."""
        return self._fds

    @property
    def patience(self) -> float:
        """Seconds until it is to be asked again."""
        return max(self._due - time.monotonic(), 0)

    def heard(self) -> None:
        """tmux may not have noticed yet."""
        self.close()
        self._due = min(self._due, time.monotonic() + REAPED)

    def is_over(self) -> bool:
        if time.monotonic() >= self._due:
            with contextlib.suppress(errors.TmuxUnavailable):  # nobody can say
                self.server = self._look()
                self._judge()
        return self._over

    def _judge(self) -> None:
        there = {place.pane.id: place.pane for place in status.places(self.server)}
        found = (
            [there[id_] for id_ in self._panes if id_ in there] if self.server.epoch == self._epoch else []
        )
        given_up = self._given_up() if any(pane.dead for pane in found) else None
        going = [pane for pane in found if not supervise.is_over(pane, given_up)]
        self._over = not going
        self.close()
        running = [pane.pid for pane in going if not pane.dead]
        if sys.platform == "linux":
            for pid in running:
                with contextlib.suppress(ProcessLookupError):  # then it is dead at the next look
                    self._fds.append(os.pidfd_open(pid))
        unsure = any(pane.dead and pane.exit_code is None and pane.signal is None for pane in going)
        heard = len(self._fds) == len(going)
        wait = SOON if unsure or len(self._fds) < len(running) else LOOK_EVERY if heard and going else WAITING
        self._due = time.monotonic() + wait

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()
