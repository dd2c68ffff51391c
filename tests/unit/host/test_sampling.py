from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # noqa: F401  # as what it is here, before a test says it is elsewhere
import pytest

from orchestra.host import process_table, sampling
from orchestra.model import metrics
from tests.unit.host import until

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is the witness")
TICKS = os.sysconf("SC_CLK_TCK")
ENOUGH = 0.6
"""Seconds of the processor, so that a tick is less than 2 %."""

BURN = "while True: pass"
SHORT = """
import os, time
while True:
    if os.fork():
        os.wait()
    else:
        end = time.process_time() + 0.02
        while time.process_time() < end: pass
        os._exit(0)
"""
"""Nothing lives longer than 20 ms of the processor; only its parent can tell what it had."""


@contextlib.contextmanager
def running(program: str, *args: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program, *args],
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def spent(pid: int) -> float:
    """By the process and the children it has waited for, as the kernel says."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def sample(sampler: sampling.Sampler, pid: int, *, pss: bool = False) -> metrics.Usage:
    return sampler.sample({"u": pid}, os.getpid(), pss=pss)["u"]


@linux
@pytest.mark.parametrize(("program", "unseen"), [(BURN, 0.0), (SHORT, 0.02)])
def test_known_load_is_measured_within_five_percent(program: str, unseen: float) -> None:
    """`unseen`: what a child has had that nobody has waited for yet, which the witness cannot see."""
    sampler = sampling.Sampler()
    with running(program) as pid:
        assert until.true(lambda: spent(pid) > 0)
        # The witness looks on both sides of each sample, which may lie far apart on a busy machine.
        before_first, first, after_first = spent(pid), sample(sampler, pid), spent(pid)
        assert until.true(lambda: spent(pid) >= after_first + ENOUGH)
        before_second, second, after_second = spent(pid), sample(sampler, pid), spent(pid)
    used, slack = second.cpu_seconds - first.cpu_seconds, unseen + 2 / TICKS
    assert 0.95 * (before_second - after_first) - slack <= used
    assert used <= 1.05 * (after_second - before_first) + slack
    assert second.interval is not None
    assert second.cpu_percent is not None
    assert second.cpu_percent * second.interval / 100 == pytest.approx(used, rel=0.05, abs=1 / TICKS)


@linux
def test_storage_and_memory_are_what_proc_says(tmp_path: Path) -> None:
    program = """
import os, sys
kept = bytearray(os.urandom(1)) * 50_000_000
if os.fork() == 0:
    with open(sys.argv[1], "wb") as file:
        for _ in range(8):
            file.write(bytes(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    os._exit(0)
os.wait()
print("written", flush=True)
sys.stdin.read()
"""
    sampler = sampling.Sampler()
    with running(program, str(tmp_path / "file")) as pid:
        assert until.true(lambda: _written(pid) >= 8 << 20)
        seen = sample(sampler, pid, pss=True)
        assert seen.io_write == pytest.approx(_written(pid), rel=0.05)
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        resident = int(rollup.partition("Rss:")[2].split()[0]) * 1024
        share = int(rollup.partition("Pss:")[2].split()[0]) * 1024
    assert seen.rss == pytest.approx(resident, rel=0.05)
    assert seen.pss == pytest.approx(share, rel=0.05)


def _written(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().partition("\nwrite_bytes: ")[2].split()[0])


def test_whole_tree_counts_and_its_threads() -> None:
    program = """
import os, subprocess, sys, threading
threading.Thread(target=sys.stdin.read, daemon=True).start()
child = subprocess.Popen(["sleep", "1000"])
other = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print("up", flush=True)
threading.Event().wait()
"""
    sampler = sampling.Sampler()
    with running(program) as pid:
        assert until.true(lambda: _count(sampler, pid) == (3, 4))
        (escaped,) = (
            each for each, row in process_table.read().items() if row.parent == pid and row.session == each
        )
        os.kill(escaped, signal.SIGKILL)
        assert until.true(lambda: _count(sampler, pid) == (2, 3)), "a zombie is no process"
        assert 0 <= sample(sampler, pid).uptime < 120


def _count(sampler: sampling.Sampler, pid: int) -> tuple[int, int]:
    seen = sample(sampler, pid)
    return seen.processes, seen.threads


def test_pane_without_a_process_is_left_out() -> None:
    sampler = sampling.Sampler()
    with running("import sys; sys.stdin.read()") as pid:
        assert sampler.sample({"u": pid, "v": 0}, os.getpid()).keys() == {"u"}
    assert sampler.sample({"u": pid}, os.getpid()) == {}


def test_pane_that_comes_and_one_that_goes() -> None:
    sampler = sampling.Sampler()
    with running("import sys; sys.stdin.read()") as one:
        assert sampler.sample({"a": one}, os.getpid())["a"].interval is None
        with running("import sys; sys.stdin.read()") as two:
            both = sampler.sample({"a": one, "b": two}, os.getpid())
            assert both["a"].interval is not None
            assert both["b"].interval is None
        assert sampler.sample({"a": one, "b": two}, os.getpid()).keys() == {"a"}


@linux
def test_psutil_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other systems go by, on this one."""
    with running(BURN) as pid:
        assert until.true(lambda: spent(pid) > 0.1)
        here = sample(sampling.Sampler(), pid)
        monkeypatch.setattr(sys, "platform", "darwin")
        sampler = sampling.Sampler()
        there = sample(sampler, pid)
        again = sample(sampler, pid)
    assert here.cpu_seconds <= there.cpu_seconds <= here.cpu_seconds + 5.0  # it burns on
    assert (there.processes, there.threads) == (here.processes, here.threads) == (1, 1)
    assert there.rss == pytest.approx(here.rss, rel=0.1)
    assert there.uptime == pytest.approx(here.uptime, abs=5.0)
    assert there.pss is None
    assert again.cpu_percent is not None
