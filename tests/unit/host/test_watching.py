"""The same for both: Linux's own notices, and watchfiles."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest

from orchestra.engine.react import globs
from orchestra.host import inotify, notices, watching
from orchestra.model.touch import Touch

Files = notices.Notices | watching.Watchfiles
KINDS = [watching.Watchfiles] + ([notices.Notices] if inotify.AVAILABLE else [])


class World:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.seen: list[tuple[str, Touch]] = []
        self.counts: Callable[[str], bool] = lambda _: False

    def follow(self, *texts: str, ignore: Iterable[str] = ()) -> None:
        some = globs.Globs(texts, ignore)
        self.counts = some.counts
        self.files.follow(some.roots, some.enters)

    async def listen(self) -> None:
        while True:
            found = await self.files.changes()
            self.seen += found

    async def until(self, *paths: Path | str) -> set[str]:
        """All that counts, once these are there; then nothing is seen yet."""
        wanted = set(map(str, paths))
        async with asyncio.timeout(20):
            while not wanted <= {path for path, _ in self.seen if self.counts(path)}:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        found, self.seen = {path for path, _ in self.seen if self.counts(path)}, []
        return found

    async def written(self, path: Path) -> None:
        """Watchfiles may take up a new directory after something was written into it: it is written again."""
        async with asyncio.timeout(20):
            while not any(each == str(path) for each, _ in self.seen):
                if not path.exists() or isinstance(self.files, watching.Watchfiles):
                    path.write_text("1")
                await asyncio.sleep(0.01)

    async def watches(self, *, at_least: int = 1) -> None:
        async with asyncio.timeout(20):
            while self.files.directories < at_least:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


def live(kind: type[Files], scene: Callable[[World], Awaitable[None]]) -> None:
    async def run() -> None:
        here = World(kind())
        task = asyncio.get_running_loop().create_task(here.listen())
        try:
            await scene(here)
        finally:
            here.files.close()
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_change(kind: type[Files], tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        (tmp_path / "a.py").write_text("1")
        here.follow(f"{tmp_path}/**/*.py")
        await here.watches()
        (tmp_path / "a.py").write_text("2")
        assert await here.until(tmp_path / "a.py") == {str(tmp_path / "a.py")}
        (tmp_path / "c.tmp").write_text("3")
        (tmp_path / "c.tmp").rename(tmp_path / "a.py")  # as editors save
        assert await here.until(tmp_path / "a.py") == {str(tmp_path / "a.py")}
        (tmp_path / "new" / "deep").mkdir(parents=True)
        await here.written(tmp_path / "new" / "deep" / "b.py")
        (tmp_path / "a.py").unlink()
        await here.until(tmp_path / "a.py")

    live(kind, scene)


@pytest.mark.parametrize("kind", KINDS)
def test_a_root_that_appears_and_goes_and_comes_again(kind: type[Files], tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        root = tmp_path / "later" / "deep"
        (tmp_path / "there").mkdir()
        here.follow(f"{root}/*.txt", f"{tmp_path}/there/*")
        await here.watches()
        root.mkdir(parents=True)
        (root / "1.txt").write_text("1")
        await here.until(root / "1.txt")
        (root / "1.txt").unlink()
        await here.until(root / "1.txt")
        root.rename(tmp_path / "away")
        (tmp_path / "away" / "2.txt").write_text("2")
        root.mkdir()
        (root / "3.txt").write_text("3")
        assert str(tmp_path / "away" / "2.txt") not in await here.until(root / "3.txt")

    live(kind, scene)


@pytest.mark.parametrize("kind", KINDS)
def test_links(kind: type[Files], tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        (tmp_path / "real" / "sub").mkdir(parents=True)
        (tmp_path / "real" / "round").symlink_to(tmp_path / "real")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        here.follow(f"{tmp_path}/link/**/*.py")
        await here.watches()
        (tmp_path / "real" / "sub" / "a.py").write_text("1")
        await here.until(tmp_path / "link" / "sub" / "a.py")

    live(kind, scene)


@pytest.mark.parametrize("kind", KINDS)
def test_another_wish(kind: type[Files], tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        here.follow(f"{tmp_path}/one/*")
        await here.watches()
        here.follow(f"{tmp_path}/two/*")
        # Whenever it is taken up: what is written again and again is seen.
        async with asyncio.timeout(20):
            while not any(path.startswith(f"{tmp_path}/two") for path, _ in here.seen):
                (tmp_path / "two" / "a").write_text("1")
                await asyncio.sleep(0.01)
        here.follow()
        async with asyncio.timeout(20):
            while kind is notices.Notices and here.files.directories:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    live(kind, scene)


linux = pytest.mark.skipif(not inotify.AVAILABLE, reason="inotify is Linux's")


@linux
def test_what_is_ignored_is_not_watched(tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        for number in range(200):
            (tmp_path / "node_modules" / str(number) / "lib").mkdir(parents=True)
        (tmp_path / "src" / "gen").mkdir(parents=True)
        here.follow(f"{tmp_path}/**/*.js", ignore=[f"{tmp_path}/src/gen"])
        await here.watches(at_least=2)
        assert here.files.directories == 2
        (tmp_path / "node_modules" / "1" / "a.js").write_text("1")
        (tmp_path / "src" / "gen" / "a.js").write_text("1")
        (tmp_path / "src" / "a.js").write_text("1")
        assert await here.until(tmp_path / "src" / "a.js") == {str(tmp_path / "src" / "a.js")}

    live(notices.Notices, scene)


@linux
def test_a_file_counts_when_it_has_been_written(tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        here.follow(f"{tmp_path}/*")
        await here.watches()
        with (tmp_path / "slow").open("w") as file:
            file.write("a part")
            file.flush()
            (tmp_path / "other").touch()
            await here.until(tmp_path / "other")
            (tmp_path / "last").symlink_to("other")
            assert await here.until(tmp_path / "last") == {str(tmp_path / "last")}
        assert await here.until(tmp_path / "slow") == {str(tmp_path / "slow")}
        (tmp_path / "moment").touch()
        (tmp_path / "moment").unlink()
        os.link(tmp_path / "slow", tmp_path / "hard")
        await here.until(tmp_path / "hard")

    live(notices.Notices, scene)


@linux
def test_a_root_that_is_another_directory_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "RECHECK", 0.05)

    async def scene(here: World) -> None:
        (tmp_path / "above" / "root").mkdir(parents=True)
        here.follow(f"{tmp_path}/above/root/*")
        await here.watches()
        (tmp_path / "next" / "root").mkdir(parents=True)
        (tmp_path / "next" / "root" / "a").write_text("1")
        (tmp_path / "above").rename(tmp_path / "before")
        (tmp_path / "next").rename(tmp_path / "above")
        await here.until(tmp_path / "above" / "root" / "a")
        (tmp_path / "above" / "root" / "b").write_text("1")
        await here.until(tmp_path / "above" / "root" / "b")

    live(notices.Notices, scene)


@linux
def test_more_at_once_than_the_kernel_remembers(tmp_path: Path) -> None:
    async def scene(here: World) -> None:
        here.follow(f"{tmp_path}/*.txt")
        await here.watches()
        for number in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 100):
            (tmp_path / f"{number % 50}.log").touch()
        (tmp_path / "a.txt").write_text("1")
        await here.until(tmp_path / "a.txt")

    live(notices.Notices, scene)


@linux
def test_the_machine_lets_nobody_watch_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adds = inotify.Inotify.add

    def full(self: inotify.Inotify, path: str, mask: int) -> int:
        if path.endswith("two"):
            raise OSError(errno.ENOSPC, "No space left on device", path)
        return adds(self, path, mask)

    monkeypatch.setattr(inotify.Inotify, "add", full)

    async def scene(here: World) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
        here.follow(f"{tmp_path}/**/*")
        await here.watches(at_least=2)
        (tmp_path / "one" / "a").write_text("1")
        await here.until(tmp_path / "one" / "a")
        (trouble,) = here.files.troubles
        assert "nobody watch more directories than 2: sudo sysctl fs.inotify.max_user_watches=" in trouble
        monkeypatch.undo()
        here.follow(f"{tmp_path}/two/*")
        (tmp_path / "two" / "a").write_text("1")
        async with asyncio.timeout(20):
            while here.files.troubles:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    live(notices.Notices, scene)


@linux
def test_nothing_can_be_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: inotify.Inotify) -> None:
        raise OSError(errno.EMFILE, "Too many open files", "inotify")

    monkeypatch.setattr(inotify.Inotify, "__init__", refused)

    async def scene(here: World) -> None:
        here.follow(f"{tmp_path}/*")
        async with asyncio.timeout(20):
            while not here.files.troubles:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert "max_user_instances" in here.files.troubles[0]

    live(notices.Notices, scene)


def test_which_one() -> None:
    assert type(watching.files({watching.POLLING: "1"})) is watching.Watchfiles
    assert type(watching.files({watching.POLLING: "false"})) is KINDS[-1]
