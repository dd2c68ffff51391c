"""What the daemon hears and what it costs: `python -m benchmarks.daemon [--quick]`.

Ends of processes and lines of output, from the moment they happen to the moment a subscriber has them; what recording costs a producer;
what the daemon costs when nothing happens. Beside it, in the same run, what people do without one: polling, tmux's own hooks, `pipe-pane`.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import random
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestra.cli import client

PATIENCE = 10.0


class World:
    """A tmux server, and with `daemon` a daemon, in a folder of their own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ob"))
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        (self.folder / "state").mkdir()
        self.pid = 0
        self.tmux(
            "-f", "/dev/null", "new-session", "-d", "-s", "hold", "-x", "200", "-y", "50", "sleep 100000"
        )
        self.tmux("set-option", "-g", "remain-on-exit", "on")

    def tmux(self, *words: str, text: str | None = None) -> str:
        argv = ["tmux", "-u", "-S", str(self.folder / "s"), *words]
        done = subprocess.run(argv, capture_output=True, text=True, env=self.environ, input=text, check=False)
        return done.stdout

    def orchestra(self, *words: str) -> str:
        argv = [sys.executable, "-m", "orchestra", "-S", str(self.folder / "s"), *words]
        return subprocess.run(argv, capture_output=True, text=True, env=self.environ, check=True).stdout

    def daemon(self, code: str = "") -> client.Client:
        """`code`: what runs in the command line's place, to see what a daemon with it does."""
        if code:
            argv = [sys.executable, "-c", code, "-S", str(self.folder / "s"), "daemon", "run"]
            subprocess.Popen(argv, env=self.environ, start_new_session=True, stderr=subprocess.DEVNULL)
            while b"no daemon" in self._status():
                time.sleep(0.1)
        else:
            self.orchestra("daemon", "start")
        (state,) = (self.folder / "state/orchestra").iterdir()
        found = client.Client(state / "run/daemon.sock")
        self.pid = int(found.get("/v1/status")["pid"])
        return found

    def _status(self) -> bytes:
        argv = [sys.executable, "-m", "orchestra", "-S", str(self.folder / "s"), "daemon", "status"]
        return subprocess.run(argv, capture_output=True, env=self.environ, check=False).stdout

    def apply(self, panes: dict[str, str]) -> None:
        """One window each."""
        windows = "\n".join(
            f"      - {{name: {name}, panes: [{{name: {name}, command: '{command}'}}]}}"
            for name, command in panes.items()
        )
        path = self.folder / "m.yaml"
        path.write_text(f"version: 1\nworkspace: bench\nsessions:\n  a:\n    windows:\n{windows}\n")
        self.orchestra("apply", str(path), "--no-wait", "--yes")

    def close(self) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def world() -> Iterator[World]:
    made = World()
    try:
        yield made
    finally:
        made.close()


def told(name: str, values: list[float], missed: int = 0) -> None:
    values = sorted(values)
    if not values:
        print(f"  {name:<46} nothing of {missed}")
        return
    p99 = values[min(len(values) - 1, int(len(values) * 0.99))]
    print(
        f"  {name:<46} p50 {statistics.median(values):7.1f}  p99 {p99:7.1f}  max {values[-1]:7.1f} ms"
        f"   {len(values)} of {len(values) + missed}",
        flush=True,
    )


def ends(count: int) -> None:
    """SIGTERM to a pane's process, until somebody knows its signal."""
    print(f"the end of a pane's process, with its status ({count} times)")
    with world() as here:
        asked = here.daemon()
        heard: dict[str, float] = {}
        some = threading.Condition()

        def listen() -> None:
            for _, each in asked.stream("/v1/events", {"follow": True, "type": "pane.exited"}):
                with some:
                    if each["signal"] == 15:
                        heard[each["id"]] = time.perf_counter()
                    some.notify_all()

        threading.Thread(target=listen, daemon=True).start()

        def wait(pane: str) -> float | None:
            with some:
                some.wait_for(lambda: pane in heard, PATIENCE)
            return heard.get(pane)

        told("daemon → subscriber", *_ends(here, count, wait))
    for interval in (0.5, 0.1):
        with world() as here:

            def poll(pane: str, interval: float = interval, here: World = here) -> float | None:
                until = time.perf_counter() + PATIENCE
                time.sleep(random.random() * interval)  # nobody's clock starts when a process ends
                while time.perf_counter() < until:
                    if here.tmux("display-message", "-p", "-t", pane, "#{pane_dead_signal}").strip():
                        return time.perf_counter()
                    time.sleep(interval)
                return None

            told(f"polling every {interval} s", *_ends(here, max(10, count // 20), poll))
    with world() as here:
        here.tmux("set-hook", "-g", "pane-died[7]", "wait-for -S died")

        def hooked(pane: str, here: World = here) -> float | None:
            subprocess.run(
                ["timeout", "5", "tmux", "-S", str(here.folder / "s"), "wait-for", "died"], check=False
            )
            return time.perf_counter()

        told("pane-died hook and wait-for", *_ends(here, max(10, count // 20), hooked))


def _ends(here: World, count: int, wait: Callable[[str], float | None]) -> tuple[list[float], int]:
    taken: list[float] = []
    for _ in range(count):
        words = ("new-window", "-d", "-P", "-F", "#{pane_id} #{pane_pid}", "-t", "hold:", "sleep 100000")
        pane, pid = here.tmux(*words).split()
        time.sleep(0.06)
        began = time.perf_counter()
        os.kill(int(pid), signal.SIGTERM)
        when = wait(pane)
        if when is not None:
            taken.append((when - began) * 1000)
        here.tmux("kill-pane", "-t", pane)
    return taken, count - len(taken)


def lines(count: int) -> None:
    """A line with the time it was printed, until somebody has it."""
    print(f"a line of output ({count} lines, one every 10 ms)")
    script = (
        "import time\n"
        "time.sleep(1)\n"
        f"for n in range({count}):\n    time.sleep(0.01)\n    print('at', time.clock_gettime_ns(time.CLOCK_MONOTONIC), flush=True)\n"
        "time.sleep(1000)\n"
    )
    with world() as here:
        (here.folder / "p.py").write_text(script)
        here.daemon()
        here.apply({"p": f"{sys.executable} {here.folder}/p.py"})
        for name, words in (
            ("orchestra events -f --type pane.output", ("events", "-f", "--type", "pane.output")),
            ("orchestra logs -f", ("logs", "-f", "a/p")),
        ):
            argv = [sys.executable, "-m", "orchestra", "-S", str(here.folder / "s"), *words]
            began = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            here.tmux("respawn-pane", "-k", "-t", "a:p", f"{sys.executable} {here.folder}/p.py")
            with subprocess.Popen(argv, stdout=subprocess.PIPE, env=here.environ) as reader:
                told(name, *_lines(reader, count, began))
                reader.kill()
        here.tmux("respawn-pane", "-k", "-t", "a:p", f"{sys.executable} {here.folder}/p.py")
        taken: list[float] = []
        known: set[str] = set()
        until = time.perf_counter() + count * 0.012 + 2
        while time.perf_counter() < until:
            shown = here.tmux("capture-pane", "-p", "-t", "a:p")
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            for at in re.findall(r"at (\d+)", shown):
                if at not in known:
                    known.add(at)
                    taken.append((now - int(at)) / 1e6)
            time.sleep(0.1)
        told("capture-pane every 0.1 s", taken, max(count - len(taken), 0))


def _lines(reader: subprocess.Popen[bytes], count: int, began: int) -> tuple[list[float], int]:
    assert reader.stdout is not None
    taken: list[float] = []
    until, rest = time.perf_counter() + count * 0.012 + 5, b""
    while len(taken) < count and time.perf_counter() < until:
        if not select.select([reader.stdout], [], [], 0.5)[0]:
            continue
        data = os.read(reader.stdout.fileno(), 65536)
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        rest += data
        taken += [(now - int(at)) / 1e6 for at in re.findall(rb"at (\d+)\n", rest) if int(at) > began]
        rest = rest[rest.rfind(b"\n") + 1 :]
    return taken, count - len(taken)


def floods(number: int, panes: int) -> None:
    """Numbered lines as fast as a program can, recorded and not."""
    print(f"{number} numbered lines from each of {panes} at once")
    script = "s=$(date +%s%N); seq {n}; e=$(date +%s%N); echo $(((e-s)/1000000)) > {path}; exec sleep 1000"
    times: dict[str, float] = {}
    for name in ("unobserved", "recorded", "pipe-pane cat"):
        with world() as here:
            if name == "recorded":
                here.daemon()
            paths = [here.folder / f"t{each}" for each in range(panes)]
            for each, path in enumerate(paths):
                (here.folder / f"{each}.sh").write_text(script.format(n=number, path=path) + "\n")
            if name == "recorded":
                here.apply({f"p{each}": f"sh {here.folder}/{each}.sh" for each in range(panes)})
            else:
                for each in range(panes):
                    here.tmux("new-window", "-d", "-n", f"p{each}", "sleep 1000")
                    if name != "unobserved":
                        here.tmux("pipe-pane", "-t", f"=hold:=p{each}", f"exec cat > {here.folder}/o{each}")
                for each in range(panes):
                    here.tmux("respawn-pane", "-k", "-t", f"=hold:=p{each}", f"sh {here.folder}/{each}.sh")
            until = time.perf_counter() + 120
            while (
                not all(path.exists() and path.read_text().strip() for path in paths)
                and time.perf_counter() < until
            ):
                time.sleep(0.02)
            times[name] = statistics.median(int(path.read_text()) for path in paths)
            whole = ""
            if name == "recorded":
                right = sum(_is_whole(here, f"a/p{each}", number) for each in range(panes))
                whole = f"   every line once and in order: {right} of {panes}"
            ratio = times[name] / times["unobserved"]
            print(f"  {name:<46} {times[name]:7.0f} ms, {ratio:.2f} of unobserved{whole}", flush=True)


def _is_whole(here: World, address: str, number: int) -> bool:
    here.orchestra("wait", address, "--for", f"output=^{number}$", "--timeout", "60s")
    return here.orchestra("logs", address) == "".join(f"{each}\n" for each in range(1, number + 1))


def many(panes: int) -> None:
    """A server with so many panes: until the daemon sees and records all of them, and what it costs then."""
    print(f"{panes} panes")
    with world() as here:
        for first in range(0, panes, 100):
            lines = [
                f"new-window -d -n w{each} 'exec sleep 100000'"
                for each in range(first, min(first + 100, panes))
            ]
            here.tmux("source-file", "-", text="\n".join(lines))
        began = time.perf_counter()
        asked = here.daemon()
        print(f"  until it is ready                              {time.perf_counter() - began:.2f} s")
        assert asked.get("/v1/status")["panes"] == panes + 1
        time.sleep(5)
        before = sum(spent(here.pid))
        time.sleep(30)
        print(
            f"  idle: {(sum(spent(here.pid)) - before) / 30 * 100:.3f} % of a core, {pss(here.pid) / 1024:.0f} MB",
            flush=True,
        )
        heard: list[tuple[float, str]] = []

        def listen() -> None:
            for _, each in asked.stream("/v1/events", {"follow": True, "type": "pane.exited"}):
                heard.append((time.perf_counter(), each["id"]))

        threading.Thread(target=listen, daemon=True).start()
        time.sleep(0.5)
        pids = [int(each) for each in here.tmux("list-panes", "-a", "-F", "#{pane_pid}").split()][1:201]
        began = time.perf_counter()
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        until = began + PATIENCE
        while len(heard) < len(pids) and time.perf_counter() < until:
            time.sleep(0.01)
        print(
            f"  200 ends at once: {len(heard)} told within {(heard[-1][0] - began) * 1000:.0f} ms", flush=True
        )


def idle(panes: int, seconds: float) -> None:
    """CPU of the daemon and of what it starts, and their proportional memory, when nothing happens."""
    print(f"nothing happens in {panes} panes, for {seconds:g} s")
    with world() as here:
        here.daemon()
        here.apply({f"p{each}": "exec sleep 100000" for each in range(panes)})
        time.sleep(5)
        server = int(here.tmux("display-message", "-p", "#{pid}"))
        family = [here.pid, *_recorders(server)]
        before = sum(sum(spent(pid)) for pid in family)
        time.sleep(seconds)
        used = sum(sum(spent(pid)) for pid in family) - before
        memory = sum(pss(pid) for pid in family)
        print(
            f"  daemon and {len(family) - 1} others: {used / seconds * 100:.3f} % of a core,"
            f" {memory / 1024:.0f} MB (the daemon {pss(here.pid) / 1024:.0f})",
            flush=True,
        )


def _recorders(server: int) -> list[int]:
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [int(pid) for pid in children if b"split" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def spent(pid: int) -> tuple[float, float]:
    """Seconds of CPU: its own, and of what it has started and waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / tick, (int(fields[13]) + int(fields[14])) / tick


def pss(pid: int) -> int:
    (line,) = (
        row for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if row.startswith("Pss:")
    )
    return int(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("only", nargs="*", help="ends, lines, flood, floods, many, idle")
    asked = parser.parse_args()
    quick = asked.quick
    parts: dict[str, Callable[[], None]] = {
        "ends": functools.partial(ends, 100 if quick else 1000),
        "lines": functools.partial(lines, 100 if quick else 500),
        "flood": functools.partial(floods, 200_000 if quick else 1_000_000, 1),
        "floods": functools.partial(floods, 100_000 if quick else 300_000, 10),
        "many": functools.partial(many, 200 if quick else 1000),
        "idle": functools.partial(idle, 100, 10 if quick else 120),
    }
    for name, part in parts.items():
        if not asked.only or name in asked.only:
            part()


if __name__ == "__main__":
    main()
