"""Files that change: Linux's own notices where they are had, elsewhere watchfiles.

Not watchfiles on Linux, because it watches a whole tree with all that is ignored in it, and cannot take up a directory without beginning
anew. It is used there when WATCHFILES_FORCE_POLLING is set: for directories of other machines, whose changes no kernel tells.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from orchestra.host import inotify, notices
from orchestra.model.touch import Touch

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

POLLING = "WATCHFILES_FORCE_POLLING"
AGAIN = 2.0
"""Seconds after which it is looked whether a root has appeared, or what is watched is another thing."""


def files(environ: Mapping[str, str]) -> notices.Notices | Watchfiles:
    """`engine.ports.Files` of this machine."""
    is_polling = environ.get(POLLING, "").lower() not in ("", "0", "false", "disable", "disabled")
    return notices.Notices() if inotify.AVAILABLE and not is_polling else Watchfiles(polling=is_polling)


class Watchfiles:
    """`engine.ports.Files`: one watcher for all roots, with a thread of its own that is Rust's."""

    def __init__(self, *, polling: bool = False) -> None:
        self.troubles: Sequence[str] = ()
        self.directories = 0
        self._polling = polling
        self._wanted: frozenset[str] = frozenset()
        self._watched: dict[str, tuple[int, int]] = {}
        """Root → which directory it was."""
        self._notify: RustNotify | None = None
        self._is_begun = False
        """What is there already when something is wished for is not new."""
        self._woken = asyncio.Event()
        self._stop = threading.Event()

    def follow(self, roots: Collection[str], enters: Callable[[str], bool]) -> None:
        """What is not to be entered is watched with the rest, and does not count to who is told."""
        self._wanted, self._is_begun = frozenset(roots), False
        self._woken.set()
        self._stop.set()

    async def changes(self) -> Sequence[tuple[str, Touch]]:
        while True:
            if not self._wanted:
                self._woken.clear()
                await self._woken.wait()
            self._stop.clear()
            try:
                found = await asyncio.to_thread(self._turn)
            except asyncio.CancelledError:
                self._stop.set()
                raise
            if found:
                return found

    def close(self) -> None:
        self._stop.set()

    def _turn(self) -> list[tuple[str, Touch]]:
        found = self._anew()
        if self._notify is None:
            self._stop.wait(AGAIN)
            return found
        told = self._notify.watch(50, 20, int(AGAIN * 1000), self._stop)
        if isinstance(told, str):
            return found
        kinds = {1: Touch.ADDED, 2: Touch.MODIFIED, 3: Touch.DELETED}
        return [*found, *((self._named(path), kinds[kind]) for kind, path in sorted(told))]

    def _anew(self) -> list[tuple[str, Touch]]:
        """Watches what is there now of what is wanted; gives what lies in a root that has appeared."""
        there = {each: found for each in self._wanted if (found := notices.identity(each)) is not None}
        if there == self._watched:
            return []
        import watchfiles._rust_notify as rust  # only who watches files pays for it

        appeared = [
            each for each, known in there.items() if self._is_begun and self._watched.get(each) != known
        ]
        self._is_begun = True
        self._watched, self._notify, self.troubles = there, None, ()
        if there:
            try:
                self._notify = rust.RustNotify(sorted(there), False, self._polling, 300, True, True)
            except (OSError, rust.WatchfilesRustInternalError) as error:
                self.troubles = (f"files are not watched: {error}",)
        self.directories = len(there)
        return [
            (os.path.join(folder, name), Touch.ADDED)  # noqa: PTH118 - strings, thousands of them
            for root in appeared
            for folder, _, names in os.walk(root)
            for name in names
        ]

    def _named(self, path: str) -> str:
        """As it was asked for, where a root is a link."""
        for root in self._watched:
            real = os.path.realpath(root)
            if real != root and path.startswith(f"{real}/"):
                return root + path[len(real) :]
        return path
