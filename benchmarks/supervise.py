"""From the end of a process to the start of the next one, without the back-off, and from there to the next one of what depends on it
(`on_restart: cascade`): `python -m benchmarks.supervise [--ends 200]`.

A pane touches a file as the first thing it does; it is killed, and the kernel's time of the file tells when the next one began. Then a
storm: fifty panes (`--panes 50`) whose processes fail at once whenever they are started, for a minute (`--seconds 60`); what that costs the
daemon, and whether each end was counted.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from pathlib import Path

from benchmarks import daemon

BACKOFF = 1.0
"""Milliseconds: the least that can be said; taken off below."""
RULE = "{policy: always, backoff: {initial: 1ms, max: 1ms}, max_restarts: 1000000}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ends", type=int, default=200)
    parser.add_argument("--panes", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    with daemon.world() as here:
        touched, after, path = here.folder / "touched", here.folder / "after", here.folder / "m.yaml"
        path.write_text(
            "version: 1\nworkspace: bench\nsessions:\n  a:\n    panes:\n"
            f"      - {{name: one, restart: {RULE}, command: 'touch {touched}; exec sleep 1000'}}\n"
        )
        here.daemon()
        here.orchestra("apply", str(path), "--no-wait", "--yes")
        daemon.told("killed → started again", _restarted(here, touched, asked.ends)[0])
        edge = "{one: {on_restart: cascade}}"
        two = f"      - {{name: two, command: 'touch {after}; exec sleep 1000', depends_on: {edge}}}\n"
        path.write_text(path.read_text() + two)
        here.orchestra("apply", str(path), "--no-wait", "--yes")
        daemon.told("started again → its dependant", _restarted(here, touched, asked.ends // 4, after)[1])
    with daemon.world() as here:
        _storm(here, asked.panes, asked.seconds)


def _storm(here: daemon.World, panes: int, seconds: float) -> None:
    """As restarts are by default: 1 s of back-off, doubled each time, five in ten minutes."""
    path, ran = here.folder / "m.yaml", here.folder / "ran"
    ran.mkdir()
    windows = "".join(
        f"      - {{name: p{number}, panes: [{{name: p{number}, restart: always, "
        f"command: 'echo >> {ran}/{number}; exit 1'}}]}}\n"
        for number in range(panes)
    )
    path.write_text(f"version: 1\nworkspace: bench\nsessions:\n  a:\n    windows:\n{windows}")
    asked = here.daemon()
    here.orchestra("apply", str(path), "--no-wait", "--yes")
    before, began = sum(daemon.spent(here.pid)), time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(min(1.0, seconds))
    share = 100 * (sum(daemon.spent(here.pid)) - before) / (time.monotonic() - began)
    started = [len((ran / str(number)).read_text().splitlines()) for number in range(panes)]
    told = list(asked.stream("/v1/events", {"after": 0, "type": "pane.failed"}))
    print(
        f"  {panes} panes that fail at once, {seconds:.0f} s: the daemon takes {share:.1f} % of a core; "
        f"each was started {min(started)} to {max(started)} times, {len(told)} were given up"
    )


def _restarted(
    here: daemon.World, touched: Path, count: int, after: Path | None = None
) -> tuple[list[float], list[float]]:
    """Milliseconds."""
    took: list[float] = []
    followed: list[float] = []
    pid = 0
    for _ in range(count):
        pid = _runs(here, pid)
        while not touched.exists():
            time.sleep(0.001)
        killed = time.time_ns()
        os.kill(pid, signal.SIGKILL)
        while (at := touched.stat().st_mtime_ns) <= killed:
            time.sleep(0.001)
        took.append((at - killed) / 1e6 - BACKOFF)
        if after is not None:
            while (then := after.stat().st_mtime_ns) <= at:
                time.sleep(0.001)
            followed.append((then - at) / 1e6)
    return took, followed


def _runs(here: daemon.World, before: int) -> int:
    """The pane's process, another one than before."""
    while True:
        rows = here.tmux("list-panes", "-s", "-t", "=a", "-F", "#{pane_pid} #{pane_dead}").split("\n")
        pid, dead = rows[0].split()
        if dead == "0" and int(pid) != before:
            return int(pid)
        time.sleep(0.005)


if __name__ == "__main__":
    main()
