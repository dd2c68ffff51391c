"""What full disks, broken disks, SIGKILL and other savers leave behind: what was there, and the new one whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from orchestra.model.errors import Conflict, OrchestraError
from orchestra.store import folder, inventory
from tests.unit.store.snapshot_scene import (
    FILES,
    Shelf,
    Strike,
    Struck,
    content,
    fails,
    killed_save,
    limited_save,
    torn,
)

OLD = {"shop.yaml": b"older", "more/x": b"x"}
NEW: list[dict[str, Any]] = [{"name": None}, {"name": "new"}]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path / "snapshots")
    shelf.put("old", files=OLD)
    return shelf


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Forked from a server that has everything loaded: a child costs milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.store.snapshot_scene"])
    return context


def whole(shelf: Shelf) -> list[str]:
    """The names; every one is sound, and the newest is chosen and read."""
    kept = shelf.all()
    assert [each.problem for each in kept] == [""] * len(kept)
    assert shelf.latest(epoch="now") == kept[0]
    assert dict(shelf.read(kept[0])) == (FILES if len(kept) > 1 else OLD)
    assert dict(shelf.read(shelf.find("old"))) == OLD
    return [each.name for each in kept]


def reset(shelf: Shelf) -> None:
    """To the old one alone, so that the n-th call is always the one after the n-1st."""
    for path in shelf.path.iterdir():
        if path.is_dir() and path.name != "old":
            shutil.rmtree(path)


# The disk


@pytest.mark.parametrize("name", [None, "new"])
@pytest.mark.parametrize(
    "strike", [fails(errno.ENOSPC), fails(errno.EIO), torn(errno.ENOSPC)], ids=["full", "broken", "torn"]
)
def test_a_call_fails(shelf: Shelf, strike: Strike, name: str | None) -> None:
    """Each of them, one after the other, until a save is through without."""
    told = []
    for n in range(1, 1000):
        with pytest.MonkeyPatch.context() as patch:
            struck = Struck(patch, n, strike)
            try:
                new = shelf.put(name)
            except OrchestraError as error:
                told.append(str(error))
                new = None
        assert whole(shelf) == ([new.name, "old"] if new else ["old"])
        assert shelf.left_over() == []
        if not struck.fired:
            break
        if new:  # it was the old one that could not be read
            shelf.delete(new.name)
    assert not struck.fired
    assert len(told) > 20
    assert {each.rpartition(": ")[0] for each in told} == {f"cannot save a snapshot in {shelf.path}"}


@pytest.mark.parametrize("strike", [fails(errno.ENOSPC), torn(errno.EIO)], ids=["full", "torn"])
def test_from_a_call_on_all_fail(shelf: Shelf, strike: Strike) -> None:
    """Nothing can be taken back then: drafts stay until there is room again, and what had its name by then stays whole."""
    there = []
    for n in range(1, 1000):
        with pytest.MonkeyPatch.context() as patch:
            struck = Struck(patch, n, strike, onwards=True)
            try:
                shelf.put("new")
            except OrchestraError:
                assert struck.fired
            else:
                break
        there.append(whole(shelf))
        reset(shelf)
    assert not struck.fired
    assert there.count(["old"]) > 20
    assert there.count(["new", "old"]) == 2, "the folder itself was not written down"
    assert whole(shelf) == ["new", "old"]
    assert shelf.left_over() == []


def test_writes_that_are_short(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    shelf.put("new")
    assert whole(shelf) == ["new", "old"]


def test_files_that_may_not_grow(shelf: Shelf, processes: ForkServerContext) -> None:
    for most, code in ((0, 3), (30, 3), (100, 3), (100_000, 0)):
        child = processes.Process(target=limited_save, args=(shelf.path, most, {"name": "new"}))
        child.start()
        child.join()
        assert child.exitcode == code
        assert whole(shelf) == (["old"] if code else ["new", "old"])
        assert shelf.left_over() == []


def test_an_interrupted_save_takes_everything_back(shelf: Shelf) -> None:
    def interrupted(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    for n in range(1, 1000):
        with pytest.MonkeyPatch.context() as patch:
            struck = Struck(patch, n, interrupted)
            try:
                shelf.put("new")
            except KeyboardInterrupt:
                assert whole(shelf) == ["old"]
                assert shelf.left_over() == []
            else:
                break
    assert n > 20
    assert not struck.fired


def test_it_is_on_the_disk_before_it_has_a_name(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut could take is written down first: each file, each directory, the list last; then the name."""
    told: list[str] = []
    fsync, rename, write = os.fsync, os.rename, os.write

    def path(descriptor: int) -> str:
        inode = os.fstat(descriptor).st_ino
        return next(str(each) for each in (shelf.path, *shelf.path.rglob("*")) if each.stat().st_ino == inode)

    def synced(descriptor: int) -> None:
        told.append(f"sync {path(descriptor)}")
        fsync(descriptor)

    def renamed(before: Path, after: Path) -> None:
        told.append(f"rename {before}")
        rename(before, after)

    def written(descriptor: int, data: Any) -> int:
        told.append(f"write {path(descriptor)}")
        return write(descriptor, data)

    monkeypatch.setattr(folder, "unused", lambda prefix: f"{prefix}x")
    for name, double in {"fsync": synced, "rename": renamed, "write": written}.items():
        monkeypatch.setattr(os, name, double)
    shelf.put("new")
    draft = shelf.path / ".saving-x"
    files = ("scrollback/shop/api.0.gz", "shop.yaml", "snapshot.json")
    assert told == [
        *(f"{verb} {draft / each}" for each in files for verb in ("write", "sync")),
        *(f"sync {draft / each}" for each in ("scrollback/shop", "scrollback", "")),
        f"rename {draft}",
        f"sync {shelf.path}",
    ]


# SIGKILL


@pytest.mark.parametrize("given", NEW, ids=["unnamed", "named"])
def test_a_killed_save(shelf: Shelf, processes: ForkServerContext, given: dict[str, Any]) -> None:
    """At each call, the one of a write half done: the new one is whole, or not there, and the next save sweeps."""
    ends = []
    for n in range(1, 1000):
        reset(shelf)
        folder.write(shelf.path / folder.unused(folder.SAVING), FILES, last="shop.yaml")
        child = processes.Process(target=killed_save, args=(shelf.path, n, given))
        child.start()
        child.join()
        names = whole(shelf)
        ends.append((child.exitcode, len(names), len(shelf.left_over())))
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
    assert ends[-1] == (0, 2, 0), "the last save was through, and had swept what it found"
    assert ends.count((-signal.SIGKILL, 1, 1)) > 20
    assert ends.count((-signal.SIGKILL, 2, 0)) == 2, "renamed, and not yet written down"
    assert {*ends} <= {(0, 2, 0), *((-signal.SIGKILL, *each) for each in ((1, 1), (1, 0), (2, 0)))}


def test_a_killed_deletion(shelf: Shelf) -> None:
    shelf.put("new")
    (shelf.path / "new").rename(shelf.path / folder.unused(folder.DELETING))
    assert whole(shelf) == ["old"]
    shelf.put("next")
    assert whole(shelf) == ["next", "old"]
    assert shelf.left_over() == []


# Leftovers


def test_leftovers_are_never_seen(shelf: Shelf) -> None:
    (shelf.path / "old").rename(shelf.path / folder.unused(folder.SAVING))
    assert shelf.all() == ()
    assert shelf.latest(epoch="now") is None


def test_a_sweep_takes_nothing_else(shelf: Shelf, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "x").touch()
    left = shelf.path / folder.unused(folder.SAVING)
    left.mkdir()
    (left / "link").symlink_to(precious)
    (shelf.path / f"{folder.SAVING}link").symlink_to(precious)
    (shelf.path / f"{folder.SAVING}file").touch()
    (shelf.path / ".other").mkdir()
    (shelf.path / "foreign").mkdir()
    shelf.put("new")
    assert not left.exists()
    assert sorted(each.name for each in shelf.path.iterdir()) == [
        ".lock", ".other", ".saving-file", ".saving-link", "foreign", "new", "old",
    ]  # fmt: skip
    assert (precious / "x").exists()


# Others who save


def amid(monkeypatch: pytest.MonkeyPatch, other: Callable[[], object]) -> None:
    """Once, when a save has written its files and not yet renamed them."""
    real = folder.write

    def write(draft: Path, files: Mapping[str, bytes], last: str) -> None:
        monkeypatch.setattr(folder, "write", real)
        real(draft, files, last)
        other()

    monkeypatch.setattr(folder, "write", write)


def test_a_draft_is_not_swept_while_it_is_written(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Shelf(shelf.path)
    amid(monkeypatch, lambda: other.put("other"))
    shelf.put("new")
    assert sorted(whole(shelf)) == ["new", "old", "other"]


def test_the_same_name_at_the_same_time(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    amid(monkeypatch, lambda: Shelf(shelf.path).put("new"))
    with pytest.raises(Conflict, match=r'^there is a snapshot "new" already$'):
        shelf.put("new", files={"shop.yaml": b"of the loser"})
    assert whole(shelf) == ["new", "old"]
    assert shelf.left_over() == []


def test_the_same_second(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Shelf(shelf.path)
    other.clock.time = shelf.clock.time
    names: list[str] = []
    amid(monkeypatch, lambda: names.append(other.put().name))
    names.append(shelf.put().name)
    assert names == ["20260504-120200", "20260504-120200-2"]
    assert whole(shelf) == [*names[::-1], "old"]


def test_a_name_that_is_taken_at_the_last_moment(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the look whether it is: the rename itself refuses."""
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(Conflict):
        shelf.put("old")
    assert whole(shelf) == ["old"]
    assert shelf.left_over() == []


def test_many_at_once(shelf: Shelf) -> None:
    """Saves, readers, deletions and prunings: what is there is always whole."""
    start, wrong = threading.Barrier(6), list[object]()

    def saves(number: int) -> None:
        start.wait()
        mine = Shelf(shelf.path)
        for each in range(8):
            kept, _ = mine.save(content(automatic=True, files={"x": bytes([number, each])}))
            if each % 3 == 0:
                mine.delete(kept.name)

    def reads() -> None:
        start.wait()
        for _ in range(30):
            wrong.extend(each for each in shelf.all() if each.problem)

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except (OrchestraError, OSError, inventory.Damaged) as error:
            wrong.append(error)

    works = [*(lambda number=number: saves(number) for number in range(4)), reads, reads]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    assert len(shelf.names(sound=True)) == 4 * 5 + 1
    assert shelf.left_over() == []


def test_who_saves_shares_the_lock(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """So others save too, and nobody sweeps."""

    def tries() -> None:
        lock = os.open(shelf.path / ".lock", os.O_RDWR)
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(lock)
        tried.append(True)

    tried: list[bool] = []
    amid(monkeypatch, tries)
    shelf.put("new")
    assert tried
    lock = os.open(shelf.path / ".lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)


@pytest.mark.parametrize("there", [Path.mkdir, lambda path: path.symlink_to("old/shop.yaml")])
def test_a_lock_that_is_none(shelf: Shelf, there: Callable[[Path], None]) -> None:
    (shelf.path / ".lock").unlink()
    there(shelf.path / ".lock")
    with pytest.raises(OrchestraError, match=r"^cannot save a snapshot in "):
        shelf.put("new")
    assert whole(shelf) == ["old"]


def test_a_deletion_that_fails_is_told(shelf: Shelf) -> None:
    shelf.put("new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", fails(errno.EROFS))
        with pytest.raises(OrchestraError, match=r'^cannot delete snapshot "new": read-only file system$'):
            shelf.delete("new")
    assert whole(shelf) == ["new", "old"]


def test_somebody_else_deletes_it(shelf: Shelf) -> None:
    """Between the look and the rename: it is gone, as was asked."""
    shelf.put("new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", fails(errno.ENOENT))
        shelf.delete("new")
