"""Keeping panes within limits: `python -m benchmarks.limits [--rounds 10] [--panes 100] [--seconds 60]`.

From the moment a pane goes over a limit to the end of its process: a hog of memory (from where it touches what is too much) and a fork
bomb of 256 processes; how a processor hog is held at its share; and what 100 limited panes cost that do nothing. Before all, where there
are control groups: by how much a limited command begins later. `--rounds 0` measures only that.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks import daemon
from orchestra.host import cgroups
from orchestra.model import rules

LIMITS = "{memory: 60M, processes: 20, on_exceed: kill, after: 1}"
WAIT = "while [ ! -e %s ]; do sleep 0.01; done; exec python3 -S -c '%s'"
HOG = 'import time; x = b"x" * 45_000_000; open("%s", "w").close(); y = x * 2; time.sleep(1000)'
BOMB = 'import os, time\\nopen("%s", "w").close()\\nfor _ in range(8): os.fork()\\ntime.sleep(1000)'
"""2 to the power of 8 in all: bounded."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--panes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    _placement()
    if not asked.rounds:
        return
    for name, code in (("memory hog, over its limit → ended", HOG), ("fork bomb, begun → all ended", BOMB)):
        daemon.told(name, [_ended(code) for _ in range(asked.rounds)])
    print(f"a processor hog that may have 20 % has {_held():.1f} %")
    _idle(asked.panes, asked.seconds)


def _placement() -> None:
    """Of a command that does nothing, each way by turns."""
    began = time.monotonic()
    here = cgroups.found()
    if here.way is cgroups.Way.NONE:
        print(f"no control groups: {here.why}")
        return
    print(f"control groups ({here.way}) were found in {1000 * (time.monotonic() - began):.1f} ms")
    limits = rules.Limits(memory=1 << 30, processes=50)
    systemd_run = (
        "systemd-run",
        *(("--user",) if here.manager and here.manager.bus else ()),
        "--scope",
        "--quiet",
    )
    took: dict[str, list[float]] = {}
    for _ in range(20):
        for name, argv in (
            ("by itself", ("true",)),
            ("in a group of its own", cgroups.contained(("true",), "bench", limits)),
            *((("by systemd-run", (*systemd_run, "--collect", "true")),) if here.manager else ()),
        ):
            began = time.monotonic()
            subprocess.run(argv, check=True)
            took.setdefault(name, []).append(1000 * (time.monotonic() - began))
    for name, each in took.items():
        print(f"a command {name}: p50 {statistics.median(each):.1f} ms, max {max(each):.1f} ms")


def _ended(code: str) -> float:
    """Milliseconds until tmux knows."""
    with daemon.world() as here:
        go, over = here.folder / "go", here.folder / "over"
        _apply(here, [(WAIT % (go, code % over), LIMITS)])
        here.daemon()
        time.sleep(3)  # it has been measured, and is far from its limits
        go.touch()
        while "1" not in here.tmux("list-panes", "-s", "-t", "=a", "-F", "#{pane_dead}").split("\n")[0]:
            time.sleep(0.002)
        return (time.time_ns() - over.stat().st_mtime_ns) / 1e6


def _held() -> float:
    """Percent of a core, over ten seconds, once it has settled."""
    with daemon.world() as here:
        _apply(here, [("while :; do :; done", "{cpu: 20%, on_exceed: throttle, after: 1}")])
        here.daemon()
        (root,) = here.tmux("list-panes", "-s", "-t", "=a", "-F", "#{pane_pid}").split()
        child = int(Path(f"/proc/{root}/task/{root}/children").read_text().split()[0])
        time.sleep(5)
        before, began = daemon.spent(child)[0], time.monotonic()
        time.sleep(10)
        return 100 * (daemon.spent(child)[0] - before) / (time.monotonic() - began)


def _idle(panes: int, seconds: float) -> None:
    for limits in ("", "{memory: 1G, processes: 50, cpu: 90%, on_exceed: kill}"):
        with daemon.world() as here:
            _apply(here, [("exec sleep 100000", limits)] * panes)
            here.daemon()
            time.sleep(10)
            before, began = daemon.spent(here.pid)[0], time.monotonic()
            time.sleep(seconds)
            share = 100 * (daemon.spent(here.pid)[0] - before) / (time.monotonic() - began)
            print(
                f"{panes} quiet panes {'with' if limits else 'without'} limits: the daemon takes {share:.2f} % of a core"
            )


def _apply(here: daemon.World, panes: list[tuple[str, str]]) -> None:
    lines = []
    for number, (command, limits) in enumerate(panes):
        lines.append(
            f"      - name: w{number}\n        panes:\n          - name: p{number}\n            command: |-"
        )
        lines += [f"              {line}" for line in command.replace("\\n", "\n").split("\n")]
        if limits:
            lines.append(f"            limits: {limits}")
    path = here.folder / "m.yaml"
    path.write_text("version: 1\nworkspace: bench\nsessions:\n  a:\n    windows:\n" + "\n".join(lines) + "\n")
    here.orchestra("apply", str(path), "--no-wait", "--yes", "--no-daemon")


if __name__ == "__main__":
    main()
