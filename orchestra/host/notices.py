"""Files that change, as Linux tells it: only the directories that are to be entered are watched, each by itself.

inotify knows directories, not trees, and tells of nothing that was there before it was asked: so a directory that appears is watched first,
then read.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Collection, Sequence

from orchestra.host import inotify
from orchestra.model.touch import Touch

RECHECK = 10.0
"""Seconds between looks whether the roots are still what they were: nothing tells when a directory far above one is renamed."""
TOGETHER = 0.02
"""Seconds in which changes are gathered, so that a storm of them wakes us fifty times a second at most."""
DEEP = 200
"""Names in a path, beyond which nobody is followed."""
UNCLOSED = 10_000
MASK = (
    inotify.CREATE | inotify.CLOSE_WRITE | inotify.MOVED_FROM | inotify.MOVED_TO | inotify.DELETE | inotify.DELETE_SELF
    | inotify.MOVE_SELF | inotify.ONLYDIR | inotify.EXCL_UNLINK
)  # fmt: skip
WAITING = (
    inotify.CREATE | inotify.MOVED_TO | inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.ONLYDIR | inotify.MASK_ADD
)  # fmt: skip
"""Where only the appearance of a directory is waited for."""
FULL = (
    "this machine lets nobody watch more directories than {}: sudo sysctl fs.inotify.max_user_watches=524288,"
    " or say what to `ignore`"
)
NONE = "nothing can be watched: sudo sysctl fs.inotify.max_user_instances=512 ({})"


class Notices:
    """`engine.ports.Files`. All but `follow` and `changes` runs in a thread, one turn after the other."""

    def __init__(self) -> None:
        self.troubles: Sequence[str] = ()
        self._inotify: inotify.Inotify | None = None
        self._woken = asyncio.Event()
        self._wanted: tuple[frozenset[str], Callable[[str], bool]] = (frozenset(), lambda _: False)
        self._is_new = False
        self._roots: frozenset[str] = frozenset()
        self._enters: Callable[[str], bool] = lambda _: False
        self._known: dict[str, tuple[int, int] | None] = {}
        """Root → what it was when it was last looked at; None: it was not there."""
        self._watches: dict[str, int] = {}
        self._paths: dict[int, set[str]] = {}
        """One watch may have several paths: links, and roots in roots."""
        self._above: set[str] = set()
        """Of the watched, those that are only waited in, for a root to appear."""
        self._open: set[str] = set()
        """Files that were made, and are yet to be written and closed."""
        self._bad: dict[str, str] = {}
        self._is_doubtful = False
        """Whether a root may have come or gone."""
        self._checked = 0.0

    @property
    def directories(self) -> int:
        return len(self._paths)

    def follow(self, roots: Collection[str], enters: Callable[[str], bool]) -> None:
        self._wanted, self._is_new = (frozenset(roots), enters), True
        self._woken.set()

    async def changes(self) -> Sequence[tuple[str, Touch]]:
        while True:
            await self._wait()
            found = await asyncio.to_thread(self._turn)
            if found:
                return found

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        fd = -1 if self._inotify is None else self._inotify.fd
        if fd >= 0:
            loop.add_reader(fd, self._woken.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK if fd >= 0 or self._is_new else None):
                    await self._woken.wait()
                    if not self._is_new:
                        await asyncio.sleep(TOGETHER)
        finally:
            self._woken.clear()
            if fd >= 0:
                loop.remove_reader(fd)

    def close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    # --- in a thread

    def _turn(self) -> list[tuple[str, Touch]]:
        found: list[tuple[str, Touch]] = []
        if self._is_new:
            self._is_new = False
            self._follow()
        if self._inotify is not None:
            self._read(found)
            if self._is_doubtful or time.monotonic() > self._checked + RECHECK:
                self._is_doubtful, self._checked = False, time.monotonic()
                self._recheck(found)
        self.troubles = tuple(
            each.format(len(self._paths)) if each is FULL else each for each in self._bad.values()
        )
        return found

    def _follow(self) -> None:
        self._roots, self._enters = self._wanted
        self._bad.clear()
        if not self._roots:
            self.close()
            self._watches, self._paths, self._above, self._known = {}, {}, set(), {}
            return
        if self._inotify is None:
            try:
                self._inotify = inotify.Inotify()
            except OSError as error:
                self._bad["inotify"] = NONE.format(error.strerror)
                return
        old = self._paths
        self._watches, self._paths, self._above, self._known = {}, {}, set(), {}
        for root in sorted(self._roots):
            self._begin(root, None)
        for watch in old.keys() - self._paths.keys():
            self._inotify.remove(watch)

    def _begin(self, root: str, found: list[tuple[str, Touch]] | None) -> None:
        """`found`: what lies in it is new."""
        self._known[root] = identity(root)
        if self._known[root] is not None:
            self._walk(root, found)
            return
        above = root
        while identity(above) is None and above != "/":
            above = os.path.dirname(above)  # noqa: PTH120 - text in, text out
        if above not in self._watches and self._watch(above, WAITING):
            self._above.add(above)

    def _walk(self, top: str, found: list[tuple[str, Touch]] | None) -> None:
        todo: list[tuple[str, tuple[str, ...]]] = [(top, (os.path.realpath(top),))]
        while todo:
            path, chain = todo.pop()
            if path.count("/") > DEEP or not self._enters(path) or not self._watch(path):
                continue
            self._above.discard(path)
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        if not _is_directory(entry):
                            if found is not None:
                                found.append((entry.path, Touch.ADDED))
                        elif not entry.is_symlink():
                            todo.append((entry.path, chain))
                        elif (target := _beyond(entry.path, path, chain)) is not None:
                            todo.append((entry.path, (*chain, target)))
            except OSError as error:
                self._cannot(path, error)

    def _watch(self, path: str, mask: int = MASK) -> bool:
        assert self._inotify is not None
        try:
            watch = self._inotify.add(path, mask)
        except OSError as error:
            self._cannot(path, error)
            return False
        self._watches[path] = watch
        self._paths.setdefault(watch, set()).add(path)
        return True

    def _cannot(self, path: str, error: OSError) -> None:
        if error.errno == errno.ENOSPC:
            self._bad["full"] = FULL
        elif error.errno not in (errno.ENOENT, errno.ENOTDIR) and len(self._bad) < 10:
            self._bad[path] = f"{path} is not watched: {error.strerror}"

    def _read(self, found: list[tuple[str, Touch]]) -> None:
        assert self._inotify is not None
        while notices := list(self._inotify.read()):
            for each in notices:
                if each.watch < 0:  # some were lost
                    self._all_anew(found)
                    return
                self._notice(each, found)

    def _notice(self, each: inotify.Notice, found: list[tuple[str, Touch]]) -> None:
        if each.mask & inotify.IGNORED:
            for path in self._paths.pop(each.watch, ()):
                self._watches.pop(path, None)
                self._above.discard(path)
            return
        if each.mask & (inotify.DELETE_SELF | inotify.MOVE_SELF):
            self._is_doubtful = True  # it may be a root; if not, its parent tells of it
            return
        for base in tuple(self._paths.get(each.watch, ())):
            path = f"{base.rstrip('/')}/{each.name}"
            self._is_doubtful |= bool(each.mask & inotify.ISDIR) or base in self._above
            if base in self._above:
                continue
            if each.mask & inotify.ISDIR:
                self._directory(path, each.mask, found)
            else:
                self._file(path, each.mask, found)

    def _directory(self, path: str, mask: int, found: list[tuple[str, Touch]]) -> None:
        if mask & (inotify.CREATE | inotify.MOVED_TO):
            self._walk(path, found)
        else:
            self._forget(path)
            found.append((path, Touch.DELETED))

    def _file(self, path: str, mask: int, found: list[tuple[str, Touch]]) -> None:
        if mask & inotify.CREATE:
            try:
                seen = os.lstat(path)
            except OSError:
                return
            if stat.S_ISLNK(seen.st_mode) and os.path.isdir(path):  # noqa: PTH112 - a string, thousands of times
                self._walk(path, found)
            elif stat.S_ISREG(seen.st_mode) and seen.st_nlink == 1:
                if len(self._open) >= UNCLOSED:
                    self._open.clear()
                self._open.add(path)  # it counts once it is written
            else:
                found.append((path, Touch.ADDED))
        elif mask & inotify.CLOSE_WRITE:
            found.append((path, Touch.ADDED if path in self._open else Touch.MODIFIED))
            self._open.discard(path)
        elif mask & inotify.MOVED_TO:
            found.append((path, Touch.MODIFIED))
        elif path in self._open:
            self._open.discard(path)
        else:
            if path in self._watches:  # a link to a directory
                self._forget(path)
            found.append((path, Touch.DELETED))

    def _forget(self, top: str) -> None:
        assert self._inotify is not None
        for path in [each for each in self._watches if each == top or each.startswith(f"{top}/")]:
            watch = self._watches.pop(path)
            self._above.discard(path)
            if (paths := self._paths.get(watch)) is not None:
                paths.discard(path)
                if not paths:
                    del self._paths[watch]
                    self._inotify.remove(watch)

    def _recheck(self, found: list[tuple[str, Touch]]) -> None:
        for root in sorted(self._roots):
            if identity(root) != self._known.get(root):
                self._forget(root)
                self._begin(root, found)
            elif self._known.get(root) is None and not self._is_waited_for(root):
                self._begin(root, found)
        self._leave()

    def _is_waited_for(self, root: str) -> bool:
        """In the directory next above it that there is."""
        above = os.path.dirname(root)  # noqa: PTH120 - text in, text out
        while identity(above) is None and above != "/":
            above = os.path.dirname(above)  # noqa: PTH120
        return above in self._watches

    def _leave(self) -> None:
        """Directories in which nothing is waited for any more."""
        missing = [root for root in self._roots if self._known.get(root) is None]
        for path in tuple(self._above):
            if not any(root.startswith(f"{path.rstrip('/')}/") for root in missing):
                self._forget_one(path)

    def _forget_one(self, path: str) -> None:
        assert self._inotify is not None
        self._above.discard(path)
        watch = self._watches.pop(path)
        self._paths[watch].discard(path)
        if not self._paths[watch]:
            del self._paths[watch]
            self._inotify.remove(watch)

    def _all_anew(self, found: list[tuple[str, Touch]]) -> None:
        """What changed was told and lost: everything may have."""
        for root in sorted(self._roots):
            self._begin(root, found)


def identity(path: str) -> tuple[int, int] | None:
    try:
        seen = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino) if stat.S_ISDIR(seen.st_mode) else None


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _beyond(link: str, inside: str, chain: tuple[str, ...]) -> str | None:
    """Where it leads; None when that is where one comes from."""
    target, here = os.path.realpath(link), os.path.realpath(inside)
    return None if target in chain or f"{here}/".startswith(f"{target.rstrip('/')}/") else target
