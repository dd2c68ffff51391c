"""What measuring costs, and how right it is: `python -m benchmarks.metrics [--panes 100] [--seconds 120]`.

Costs are processor time, which other programs disturb less than the time on the wall. Beside ours, in the same run, psutil as
people use it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from benchmarks import daemon
from orchestra.cli import client
from orchestra.daemon import assemble
from orchestra.host import sampling
from orchestra.plan import measured

FAMILY = 'sh -c "sleep 100000 & sleep 100001 & wait"'
"""With the pane's own shell four processes."""
BURN = 'python3 -c "while 1: pass"'
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    with daemon.world() as here:
        here.apply({f"p{number}": FAMILY for number in range(asked.panes)})
        _cost(here, asked.panes)
        _idle(here, here.daemon(), asked.panes, asked.seconds)
    with daemon.world() as here:
        here.apply({"p0": BURN, "p1": FAMILY})
        _accuracy(here, here.daemon())


def _cost(here: daemon.World, count: int) -> None:
    assembly = assemble.assemble(None, str(here.folder / "s"), here.environ)
    server = assembly.tmux.observe()
    roots = {pane.key: pane.pid for pane in measured.panes(server) if pane.pid}
    sampler = sampling.Sampler()
    sampled = sampler.sample(roots, server.pid)
    processes = sum(usage.processes for usage in sampled.values())
    print(
        f"one sample of {count} panes of {processes} processes, among {len(psutil.pids())} (processor / wall, ms)"
    )
    _timed("ours, nothing came or went", lambda: sampler.sample(roots, server.pid))
    _timed("ours, the first of a sampler", lambda: sampling.Sampler().sample(roots, server.pid), 5)
    _timed("ours, with PSS", lambda: sampler.sample(roots, server.pid, pss=True), 5)
    _timed("psutil: children(recursive=True) of each pane", lambda: _psutil(roots), 3)


def _timed(name: str, sample: Callable[[], object], times: int = 20) -> None:
    spent, took = [], []
    for _ in range(times):
        before, began = time.process_time(), time.perf_counter()
        sample()
        spent.append(1000 * (time.process_time() - before))
        took.append(1000 * (time.perf_counter() - began))
    print(f"  {name:<48} {statistics.median(spent):8.2f} / {statistics.median(took):8.2f}", flush=True)


def _psutil(roots: Mapping[str, int]) -> None:
    for pid in roots.values():
        root = psutil.Process(pid)
        for each in (root, *root.children(recursive=True)):
            with each.oneshot():
                each.cpu_times()
                each.memory_info()
                each.io_counters()
                each.num_threads()


def _idle(here: daemon.World, asked: client.Client, count: int, seconds: float) -> None:
    print(f"the daemon with {count} panes where nothing happens, over {seconds:g} s")
    time.sleep(12)  # until it has taken its first samples
    before, began = _spent(here.pid), time.monotonic()
    time.sleep(seconds)
    share = 100 * (_spent(here.pid) - before) / (time.monotonic() - began)
    rss = psutil.Process(here.pid).memory_full_info().pss / 2**20
    print(f"  processor {share:.3f} % of a core, memory {rss:.0f} MB PSS")
    took: list[float] = []
    for _ in range(10):
        start = time.perf_counter()
        asked.get("/v1/metrics", {"max_age": 60})
        took.append(1000 * (time.perf_counter() - start))
    daemon.told("GET /v1/metrics, a sample that is there", took)
    took = []
    for _ in range(10):
        start = time.perf_counter()
        here.orchestra("metrics")
        took.append(1000 * (time.perf_counter() - start))
    daemon.told("orchestra metrics, from start to end", took)


def _accuracy(here: daemon.World, asked: client.Client) -> None:
    """A busy pane, by us and by /proc over the same interval."""
    listed = here.tmux("list-panes", "-a", "-F", "#{pane_pid} #{@orchestra_pane}").splitlines()
    pid = next(int(line.split()[0]) for line in listed if " a/p0 " in line)
    off = []
    for _ in range(5):
        asked.get("/v1/metrics", {"max_age": 0})
        before, began = _family(pid), time.monotonic()
        time.sleep(3)
        row = next(
            each for each in asked.get("/v1/metrics", {"max_age": 0})["panes"] if each["address"] == "a/p0"
        )
        truth = 100 * (_family(pid) - before) / (time.monotonic() - began)
        off.append(100 * abs(row["cpu_percent"] - truth) / truth)
    print(
        f"a busy pane's processor against /proc over the same 3 s: off by {statistics.mean(off):.2f} %, at most {max(off):.2f} %"
    )


def _family(pid: int) -> float:
    root = psutil.Process(pid)
    return sum(_spent(each.pid) for each in (root, *root.children(recursive=True)))


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


if __name__ == "__main__":
    main()
