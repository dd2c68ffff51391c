"""Whether the daemon answers while everything happens at once:
`python -m benchmarks.flood [--panes 1000] [--triggers 100] [--patience 600]`.

All panes of a workspace are killed at one moment, and each has a restart policy; then each of many triggers runs a command that takes
too long, for several events. Meanwhile the daemon's status is asked for all the time.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable

import psutil

from benchmarks import daemon
from orchestra.cli import client

RULE = "{policy: always, backoff: {initial: 100ms, max: 1s}, max_restarts: 100}"
EVENTS = 5
"""For each trigger."""


class Asking:
    """Asks for the daemon's status until it is left, and looks at what it has meanwhile."""

    def __init__(self, here: daemon.World, asked: client.Client) -> None:
        self._asked = asked
        self._process = psutil.Process(here.pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self._took: list[float] = []
        self._memory = self._processes = self._threads = 0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        daemon.told("status", self._took)
        print(
            f"  at most: {self._memory / 1e6:.0f} MB, {self._threads} threads, {self._processes} processes of the daemon's"
        )

    def _ask(self) -> None:
        while not self._over.wait(0.05):
            began = time.monotonic()
            self._asked.get("/v1/status")
            self._took.append((time.monotonic() - began) * 1000)
            self._memory = max(self._memory, self._process.memory_info().rss)
            self._threads = max(self._threads, self._process.num_threads())
            self._processes = max(self._processes, len(self._process.children(recursive=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panes", type=int, default=1000)
    parser.add_argument("--triggers", type=int, default=100)
    parser.add_argument("--patience", type=int, default=600, help="seconds")
    asked = parser.parse_args()
    with daemon.world() as here:
        _panes(here, asked.panes, asked.patience)
    with daemon.world() as here:
        _triggers(here, asked.triggers, asked.patience)


def _panes(here: daemon.World, count: int, patience: int) -> None:
    path = here.folder / "m.yaml"
    windows = "\n".join(
        f"      - {{name: w{number}, panes: [{{name: p{number}, restart: {RULE}, command: exec sleep 10000}}]}}"
        for number in range(count)
    )
    path.write_text(f"version: 1\nworkspace: bench\nsessions:\n  a:\n    windows:\n{windows}\n")
    asked = here.daemon()
    began = time.monotonic()
    here.orchestra("apply", str(path), "--no-wait", "--yes")
    print(f"{count} panes end at one moment (they were made in {time.monotonic() - began:.1f} s)")
    before = _running(here)
    began = time.monotonic()
    with Asking(here, asked):
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        _until(lambda: len(_running(here) - before) == count, began, patience)
    print(f"  {len(_running(here) - before)} run again after {time.monotonic() - began:.1f} s")


def _running(here: daemon.World) -> set[int]:
    rows = here.tmux("list-panes", "-s", "-t", "=a", "-F", "#{pane_pid} #{pane_dead}").split("\n")
    return {int(row.split()[0]) for row in rows if row.endswith(" 0")}


def _triggers(here: daemon.World, count: int, patience: int) -> None:
    path, done = here.folder / "m.yaml", here.folder / "done"
    done.mkdir()
    rules = "\n".join(
        f"  - {{name: t{number}, on: window.renamed, limit: 100000 per 1m,"
        f" do: [{{run: 'sleep 100 & wait', timeout: 1s, retries: 0}}]}}"
        for number in range(count)
    )
    path.write_text(
        f"version: 1\nworkspace: bench\nsessions: {{a: {{panes: [{{name: p, command: sleep 10000}}]}}}}\ntriggers:\n{rules}\n"
    )
    asked = here.daemon()
    here.orchestra("apply", str(path), "--no-wait", "--yes")
    print(f"{count} triggers run what takes too long, for {EVENTS} events")
    began = time.monotonic()
    with Asking(here, asked):
        for number in range(EVENTS):
            here.tmux("rename-window", "-t", "=a:", f"w{number}")
            time.sleep(0.3)
        _until(lambda: not asked.get("/v1/status")["parts"]["triggers"]["runs"], began, patience)
    print(
        f"  {asked.get('/v1/status')['parts']['triggers']['runs']} are left after {time.monotonic() - began:.1f} s"
    )


def _until(so: Callable[[], bool], began: float, patience: float) -> None:
    while not so() and time.monotonic() - began < patience:
        time.sleep(0.1)


if __name__ == "__main__":
    main()
