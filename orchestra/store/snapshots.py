"""Where snapshots are kept: a directory each, whole or not there at all, and nothing in it is believed that does not prove itself.

What another program or a broken disk left between them is passed over or shown as damaged, never an error. They are in the order in
which they were saved, even when the clock went back: a time is never before that of a snapshot already there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

from orchestra.model.errors import Conflict, OrchestraError, UsageError
from orchestra.store import folder, inventory, looking, pruning, trouble
from orchestra.store.clock import Clock
from orchestra.store.inventory import Content, Kept, Sum

_TICK = timedelta(microseconds=1)
_LOCK = ".lock"
_WIDEST = 36
"""Of a workspace's name in a snapshot's, which has 64 with time and number."""


class Snapshots:
    """Threads and programs may use the same folder at the same time."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """The folder is made by the first save; it must not be one where others can write."""
        self._folder = folder
        self._clock = clock

    def save(self, content: Content, name: str | None = None) -> tuple[Kept, bool]:
        """False, and the one that is there, when nothing changed since the newest of this scope and no name was asked for.

        But a save by hand is not answered with an automatic one, which is pruned some day, nor any save with what was collected.
        `Conflict` when the name is taken, `UsageError` when it cannot be one. After any other `OrchestraError` nothing new is there;
        only where the disk refuses even to take it back, the new one stays, whole.
        """
        if name is not None and not inventory.NAME.match(name):
            raise UsageError(
                f'"{name}" cannot be the name of a snapshot',
                hint="letters, digits, ., - and _, beginning with a letter or digit, at most 64",
            )
        try:
            with self._saving():
                return self._saved(content, name)
        except OSError as error:
            raise OrchestraError(
                f"cannot save a snapshot in {self._folder}: {trouble.words(error)}",
                hint="earlier snapshots are as they were",
            ) from error

    def all(self, *, check: bool = True) -> tuple[Kept, ...]:
        """Newest first, damaged ones too. `check` reads every file; without it a file is only known to be there, as long as it was.

        `OrchestraError` only when the folder itself cannot be read.
        """
        try:
            names = [each.name for each in self._folder.iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise OrchestraError(f"cannot read {self._folder}: {trouble.words(error)}") from error
        look = folder.verified if check else folder.measured
        found = [each for name in names if (each := self._looked(name, look))]
        return tuple(sorted(found, key=looking.order, reverse=True))

    def find(self, name: str, *, check: bool = True) -> Kept:
        found = self._looked(name, folder.verified if check else folder.measured)
        if found is None:
            raise self._missing(name)
        return found

    def read(self, kept: Kept) -> Mapping[str, bytes]:
        """Every file, by path, exactly as saved. `Conflict` when another one has the name by now."""
        files: dict[str, bytes] = {}

        def take(top: int, path: str, listed: Sum) -> None:
            files[path] = folder.verified(top, path, listed)

        found = self._looked(kept.name, take)
        if found is None:
            raise self._missing(kept.name)
        if found.newer:
            raise OrchestraError(f'snapshot "{kept.name}" {found.problem}', hint="update orchestra")
        if found.problem:
            older = looking.sound(
                each
                for each in self.all(check=False)
                if each.scope == found.scope and looking.order(each) < looking.order(found)
            )
            raise OrchestraError(
                f'snapshot "{kept.name}" is damaged: {found.problem}',
                hint=f"the one before it is sound: {older.name}" if older else None,
            )
        if found.sha256 != kept.sha256:
            raise Conflict(f'snapshot "{kept.name}" is another one by now', hint="look at it again")
        return files

    def latest(self, *, epoch: str, workspace: str = "") -> Kept | None:
        """What to restore: the newest sound one of everything, or one that holds the workspace.

        An automatic one of this same life (`epoch`) of the server does not count: after a reboot the first save of a nearly
        empty server must not hide what was there before.
        """
        return looking.sound(
            each
            for each in self.all(check=False)
            if (workspace in each.workspaces if workspace else not each.scope)
            and not (each.automatic and each.epoch == epoch)
        )

    def delete(self, name: str) -> None:
        if self._looked(name, looking.without) is None:
            raise self._missing(name)
        self._discard(name)

    def prune(self, keep: int, max_age: timedelta, scope: Collection[str] = ()) -> tuple[str, ...]:
        """Deletes automatic ones of this scope that are too many or too old, see `pruning.doomed`. Returns their names."""
        ours = [
            found
            for each in self.all(check=False)
            if each.automatic and each.scope == tuple(sorted(set(scope)))
            if (found := self._looked(each.name, folder.verified))
        ]
        gone = pruning.doomed(ours, keep=keep, max_age=max_age, now=self._clock.now())
        for name in gone:
            self._discard(name)
        return gone

    @contextlib.contextmanager
    def _saving(self) -> Iterator[None]:
        """Who can lock for itself knows that nobody else is saving, and that every draft is left over. The lock ends with its program."""
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.sync(self._folder.parent)
        lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                folder.sweep(self._folder)
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    def _saved(self, content: Content, name: str | None) -> tuple[Kept, bool]:
        known = self.all(check=False)
        time = max([self._clock.now().astimezone(UTC), *(each.time + _TICK for each in known if each.sha256)])
        raw = inventory.dump(content, time)
        draft = self._folder / folder.unused(folder.SAVING)
        new = inventory.load(raw, inventory.unread(draft.name, draft, time))
        if name is None:
            newest = looking.sound(
                each
                for each in known
                if each.scope == new.scope and not each.name.startswith(inventory.COLLECTED)
            )
            if newest and newest.content == new.content and (new.automatic or not newest.automatic):
                return newest, False
        elif os.path.lexists(self._folder / name):
            raise _taken(name)
        path = draft
        try:
            folder.write(draft, {**content.files, inventory.FILE: raw}, last=inventory.FILE)
            path = self._placed(draft, name, new)
            folder.sync(self._folder)
        except BaseException:
            with contextlib.suppress(OSError):
                folder.discard(path)
            raise
        return replace(new, name=path.name, path=path), True

    def _placed(self, draft: Path, name: str | None, new: Kept) -> Path:
        """Under the name, or the first free one. A directory with something in it is never renamed over."""
        for called in [name] if name is not None else _names(new):
            path = self._folder / called
            if os.path.lexists(path):
                continue
            try:
                draft.rename(path)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # somebody else was faster
                    raise
            else:
                return path
        raise _taken(str(name))

    def _looked(self, name: str, look: looking.Look) -> Kept | None:
        return looking.at(self._folder, name, look)

    def _discard(self, name: str) -> None:
        try:
            folder.discard(self._folder / name)
        except FileNotFoundError:
            return  # somebody else did it
        except (OSError, RecursionError) as error:
            raise OrchestraError(f'cannot delete snapshot "{name}": {trouble.words(error)}') from error

    def _missing(self, name: str) -> OrchestraError:
        import difflib  # only a slip pays for it

        known = [each.name for each in self.all(check=False)]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "orchestra snapshot list shows them"
        return OrchestraError(f'there is no snapshot "{name}"', hint=hint)


def _names(new: Kept) -> Iterator[str]:
    """Of its time, and with a number where that is taken."""
    workspace = f"{new.scope[0][:_WIDEST]}-" if len(new.scope) == 1 else ""
    first = f"{workspace}{new.time:%Y%m%d-%H%M%S}{'-auto' if new.automatic else ''}"
    return itertools.chain([first], (f"{first}-{number}" for number in itertools.count(2)))


def _taken(name: str) -> Conflict:
    return Conflict(
        f'there is a snapshot "{name}" already', hint="choose another name, or delete that one first"
    )
