"""What watching files costs, ours and watchfiles over the whole tree: `python -m benchmarks.watch [--directories 5000]`.

A project of 200 directories beside a `node_modules` of thousands that is ignored. Each way runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from orchestra.engine.react import globs
from orchestra.host import notices, watching

SOURCES = 200
CHURN = 20_000
IDLE = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directories", type=int, default=5000)
    parser.add_argument("--one", choices=["notices", "watchfiles"])
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.one is not None:
        asyncio.run(_measured(asked.one, asked.folder))
        return
    folder = Path(tempfile.mkdtemp(prefix="watch-"))
    try:
        for number in range(SOURCES):
            (folder / "src" / f"{number % 14}" / f"{number}").mkdir(parents=True)
        for number in range(asked.directories):
            (folder / "node_modules" / f"{number % 500}" / f"{number}").mkdir(parents=True)
        print(
            f"{'':<12}{'watches':>9}{'begin ms':>10}{'RSS MB':>8}{'idle CPU %':>12}{'churn CPU ms':>14}{'seen after ms':>15}"
        )
        for one in ("notices", "watchfiles"):
            subprocess.run(
                [sys.executable, "-m", "benchmarks.watch", "--one", one, "--folder", folder], check=True
            )
    finally:
        shutil.rmtree(folder)


async def _measured(one: str, folder: Path) -> None:
    files: notices.Notices | watching.Watchfiles = (
        notices.Notices() if one == "notices" else watching.Watchfiles()
    )
    some = globs.Globs([f"{folder}/**/*.js"])
    before = _resident()
    began = time.perf_counter()
    files.follow(some.roots, some.enters)
    seen = asyncio.Event()

    async def listen() -> None:
        while True:
            if any(some.counts(path) for path, _ in await files.changes()):
                seen.set()

    async def saved() -> float:
        seen.clear()
        at = time.perf_counter()
        (folder / "src" / "1" / "1" / "a.js").write_text("1")
        await seen.wait()
        return (time.perf_counter() - at) * 1000

    task = asyncio.get_running_loop().create_task(listen())
    while not seen.is_set():
        (folder / "src" / "1" / "1" / "b.js").write_text("1")
        await asyncio.sleep(0.005)
    took = (time.perf_counter() - began) * 1000
    watches = _watches()
    used = time.process_time()
    await asyncio.sleep(IDLE)
    idle = (time.process_time() - used) / IDLE * 100
    churn = await asyncio.create_subprocess_exec(sys.executable, "-c", _CHURN, folder, str(CHURN))
    used = time.process_time()
    await churn.wait()
    await asyncio.sleep(0.5)
    churned = (time.process_time() - used) * 1000
    late = sorted([await saved() for _ in range(20)])[10]
    print(
        f"{one:<12}{watches:>9}{took:>10.0f}{_resident() - before:>8.1f}{idle:>12.2f}{churned:>14.0f}{late:>15.1f}"
    )
    task.cancel()
    files.close()


_CHURN = """
import pathlib, sys
for number in range(int(sys.argv[2])):
    (pathlib.Path(sys.argv[1]) / 'node_modules' / f'{number % 500}' / f'{number % 50}.js').write_text('1')
"""


def _resident() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _watches() -> int:
    infos: Sequence[Path] = list(Path("/proc/self/fdinfo").iterdir())
    count = 0
    for each in infos:
        try:
            count += each.read_text().count("inotify wd:")
        except OSError:
            continue
    return count


if __name__ == "__main__":
    main()
