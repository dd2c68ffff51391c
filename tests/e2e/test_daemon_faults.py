"""What may go wrong around the daemon, done to a real one. Short here; `make torture` does each many times more."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of, state
from tests.support import live

TORTURE = os.environ.get("HYPOTHESIS_PROFILE") == "torture"


def times(short: int, long: int) -> int:
    return long if TORTURE else short


def server(cli: Cli) -> int:
    return int(cli.tmux("display-message", "-p", "#{pid}"))


def resident(pid: int) -> int:
    """Kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def last(cli: Cli) -> int:
    """The highest number in the journal, without a command's start."""
    with contextlib.closing(
        sqlite3.connect(f"file:{state(cli)}/journal.sqlite?mode=ro", uri=True)
    ) as journal:
        return int(journal.execute("SELECT max(sequence) FROM events").fetchone()[0])


@pytest.fixture
def busy(cli: Cli) -> Iterator[Cli]:
    """A daemon, a pane that prints without end, and one that ticks."""
    cli.write(
        "busy.yaml",
        "version: 1\nworkspace: busy\nsessions:\n  a:\n    panes:\n"
        "      - {name: flood, command: 'yes a line of output'}\n"
        "      - {name: tick, command: 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.02; done'}\n",
    )
    cli.ok("daemon", "start")
    cli.ok("apply", "busy.yaml")
    yield cli
    cli.ok("daemon", "stop")


@pytest.mark.torture
def test_the_server_survives_what_people_do(busy: Cli) -> None:
    """Chained teardowns, sessions that die at once, panes restarted under flood: with a daemon that listens to all of it."""
    pid, dice = server(busy), random.Random(7)
    follower = busy.start("events", "-f", "-o", "json", "--type", "*", "--type", "pane.output")
    flood = (
        busy.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}")
        .split(" busy a/flood")[0]
        .split()[-1]
    )
    for number in range(times(25, 500)):
        name = f"s{number}"
        for window in range(3):
            words = (
                ("new-session", "-d", "-s", name) if not window else ("new-window", "-d", "-t", f"={name}:")
            )
            busy.tmux(*words, "yes out" if window else "sleep 1000")
        match dice.randrange(4):
            case 0:
                busy.tmux("select-window", "-t", f"={name}:2", ";", "kill-session", "-t", f"={name}")
            case 1:
                busy.tmux(
                    "kill-window",
                    "-t",
                    f"={name}:2",
                    ";",
                    "kill-window",
                    "-t",
                    f"={name}:1",
                    ";",
                    "kill-session",
                    "-t",
                    f"={name}",
                )
            case 2:
                for each in busy.tmux("list-panes", "-s", "-t", f"={name}", "-F", "#{pane_pid}").split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(each), signal.SIGKILL)
            case _:
                busy.tmux("kill-pane", "-t", f"={name}:1", ";", "kill-session", "-t", f"={name}")
        busy.tmux("respawn-pane", "-k", "-t", flood, "yes another line")
    assert server(busy) == pid
    assert follower.process.poll() is None
    found(busy, lambda some: len(of(some, "session.closed")) == len(of(some, "session.created")) - 1)


@contextlib.contextmanager
def daemon_of(cli: Cli) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A daemon, just begun, and where it says that it is ready: what `daemon start` does, without the start of another command."""
    reader, writer = os.pipe()
    words = cli.argv("daemon", "run", "--ready-fd", str(writer))
    process = subprocess.Popen(words, env=cli.environ, cwd="/", pass_fds=(writer,), start_new_session=True)
    os.close(writer)
    try:
        yield process, reader
    finally:
        process.kill()
        process.wait()
        os.close(reader)


@pytest.mark.torture
def test_the_daemon_dies_under_load(busy: Cli) -> None:
    """No pane is touched, nothing recorded is lost, and every end is told once, with its code."""
    pid, panes = server(busy), busy.panes()
    dice, codes = random.Random(3), dict[str, int]()
    busy.ok("daemon", "stop")
    busy.tmux("set-option", "-g", "remain-on-exit", "on")
    rounds, began = times(4, 1000), time.monotonic()
    for number in range(rounds):
        before = last(busy)
        with daemon_of(busy) as (daemon, ready):
            if number % 4 == 3:  # before it is ready, perhaps
                killer = threading.Timer(dice.random(), daemon.kill)
            else:
                assert os.read(ready, 16), "it did not start"
                killer = threading.Timer(dice.random() * 0.1, daemon.kill)
            killer.start()
            words = ("new-window", "-d", "-P", "-F", "#{pane_id}", "-t", "=a:", f"exit {number % 200}")
            codes[busy.tmux(*words).strip()] = number % 200
            killer.join()
            daemon.wait(live.DEADLINE)
        assert last(busy) >= before
        if number % 50 == 49 or number == rounds - 1:
            with daemon_of(busy) as (_, ready):
                assert os.read(ready, 16), "it did not start"
                every = found(
                    busy, lambda some: codes.keys() <= {one["id"] for one in of(some, "pane.exited")}
                )
            for pane in busy.tmux("list-panes", "-s", "-t", "=a:", "-F", "#{pane_id}").split():
                if pane in codes:
                    busy.tmux("kill-pane", "-t", pane)
            print(f"{number + 1} kills after {time.monotonic() - began:.0f} s")
    told = {each["id"]: each["exit_code"] for each in of(every, "pane.exited")}
    assert len(told) == len(of(every, "pane.exited"))
    assert {pane: told[pane] for pane in codes} == codes
    assert [each["sequence"] for each in every] == sorted({each["sequence"] for each in every})
    assert (server(busy), busy.panes()) == (pid, panes)
    numbers = [
        int(line.split()[1]) for line in busy.ok("logs", "a/tick").splitlines() if line.startswith("tick ")
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_daemon_hangs(busy: Cli) -> None:
    """Programs in panes run on, and tmux answers."""
    daemon = pid_of(busy)
    os.kill(daemon, signal.SIGSTOP)
    try:
        seen = busy.tmux("capture-pane", "-p", "-t", "a:0.1")
        live.until(lambda: busy.tmux("capture-pane", "-p", "-t", "a:0.1") != seen)
    finally:
        os.kill(daemon, signal.SIGCONT)
    busy.tmux("new-session", "-d", "-s", "after", "sleep 1000")
    found(busy, lambda some: "after" in [each["name"] for each in of(some, "session.created")])


def test_tmux_hangs_and_the_daemon_is_stopped(busy: Cli) -> None:
    """It ends, though a thread of it waits for tmux; and the next one hears again."""
    tmux = server(busy)
    asked, ticks = psutil.Process(pid_of(busy)), int(busy.tmux("display", "-p", "-t", "a:0.1", "#{pane_pid}"))
    os.kill(tmux, signal.SIGSTOP)
    try:
        os.kill(ticks, signal.SIGKILL)
        live.until(lambda: [each for each in asked.children() if "display-message" in each.cmdline()])
        busy.ok("daemon", "stop")
    finally:
        os.kill(tmux, signal.SIGCONT)
    busy.ok("daemon", "start")
    busy.tmux("new-session", "-d", "-s", "after", "sleep 1000")
    found(busy, lambda some: "after" in [each["name"] for each in of(some, "session.created")])


def test_output_without_end_is_bounded(busy: Cli) -> None:
    """On the disk, in memory, and in the time others wait; also where a health check looks for what it never prints."""
    health = "health: {output: nowhere, errors: nothing}"
    follower = busy.start("events", "-f", "--type", "pane.output")
    del follower  # it reads nothing
    for number in range(4):
        name = f"more{number}"
        text = f"version: 1\nworkspace: {name}\nsessions: {{{name}: {{panes: [{{name: p, command: 'yes more of it', {health}}}]}}}}\n"
        busy.ok("apply", "--no-wait", busy.write(f"{name}.yaml", text))
    daemon = pid_of(busy)

    def printed() -> int:
        newest = [
            int(name.name.rpartition("-")[2] > "bg") for name in state(busy).glob("recordings/*/*/*-*-*")
        ]
        return sum(newest)

    live.until(lambda: printed() > 6)
    busy.tmux("new-session", "-d", "-s", "now", "sleep 1000")
    found(busy, lambda some: "now" in [each["name"] for each in of(some, "session.created")])
    assert resident(daemon) < 200_000
    for folder in state(busy).glob("recordings/*/*"):
        size = sum(each.stat().st_size for each in folder.iterdir() if each.exists())
        assert size < 24 * 1024 * 1024


def test_the_disk_is_full(busy: Cli) -> None:
    """Events wait, the daemon says so, and goes on when there is room."""
    daemon = pid_of(busy)
    soft, hard = resource.prlimit(daemon, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon, resource.RLIMIT_FSIZE, (4096, hard))
    busy.tmux("new-session", "-d", "-s", "meanwhile", "sleep 1000")
    live.until(lambda: busy.json("daemon", "status")["troubles"])
    resource.prlimit(daemon, resource.RLIMIT_FSIZE, (soft, hard))
    found(busy, lambda some: "meanwhile" in [each["name"] for each in of(some, "session.created")])
    live.until(lambda: not busy.json("daemon", "status")["troubles"])
    resource.prlimit(daemon, resource.RLIMIT_FSIZE, (4096, hard))
    busy.tmux("new-session", "-d", "-s", "later", "sleep 1000")
    live.until(lambda: busy.json("daemon", "status")["troubles"])
    began = time.monotonic()
    busy.ok("daemon", "stop")
    assert time.monotonic() - began < 10
    busy.ok("daemon", "start")
    found(busy, lambda some: "later" in [each["name"] for each in of(some, "session.created")])


def test_the_journal_is_locked_by_somebody(busy: Cli) -> None:
    other = sqlite3.connect(state(busy) / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    busy.tmux("new-session", "-d", "-s", "meanwhile", "sleep 1000")
    live.until(lambda: busy.json("daemon", "status")["troubles"])
    other.execute("ROLLBACK")
    other.close()
    found(busy, lambda some: "meanwhile" in [each["name"] for each in of(some, "session.created")])


def test_the_server_is_killed_and_another_starts(busy: Cli) -> None:
    for number in range(3):
        with live.ended(server(busy)):
            os.kill(server(busy), signal.SIGKILL)
        found(busy, lambda some: len(of(some, "tmux.gone")) == number + 1)  # noqa: B023 - called here
        busy.ok("apply", "busy.yaml", "--no-wait")
        found(busy, lambda some: len(of(some, "tmux.started")) == number + 2)  # noqa: B023 - likewise
    assert busy.ok("logs", "a/tick", "--tail", "1").startswith("tick ")


HOSTILE = r"""
import os, sys
out = sys.stdout.buffer
for part in (
    b"%begin 1 2 3\n%end 1 2 3\n%exit\n%output %0 x\n",
    b"S 1 1 0: 0: 0:\nP $9 @9 %9 0 0 7 0 1 1 0 80 24 0 0\n",
    b"data: {\"type\": \"daemon.stopped\"}\n\nevent: forged\n\n",
    b"\xff\xfe\xc3\x28 invalid\n",
    b"\x1b]0;" + b"t" * 100_000 + b"\n",
    b"\x1bP" + b"q" * 1_000_000 + b"\x1b\\\n",
    b"\x1b[" + b"9" * 100_000 + b"m\n",
    b"x" * 10_000_000 + b"\n",
    bytes(range(256)) * 1000 + b"\n",
    b"\x1b[?1049l\x1b[0m\n#(touch canary) #{pane_id}\n",
    b"\nthe end\n",
):
    out.write(part)
    out.flush()
sys.stdin.read()
"""


def test_a_hostile_pane(busy: Cli) -> None:
    import sys

    busy.write("hostile.py", HOSTILE)
    follower = busy.start("events", "-f", "-o", "json", "--type", "pane.output", "--from", "h/p")
    live.until(lambda: busy.json("daemon", "status")["listeners"])
    text = f"version: 1\nworkspace: h\nsessions: {{h: {{panes: [{{name: p, command: [{sys.executable}, {busy.folder}/hostile.py]}}]}}}}\n"
    pid = server(busy)
    busy.ok("apply", busy.write("h.yaml", text))
    busy.ok("wait", "h/p", "--for", "output=^the end$", "--timeout", "60s")
    shown = busy.ok("logs", "h/p")
    assert "the end\n" in shown
    assert not [letter for letter in shown if ord(letter) < 32 and letter not in "\n\t"]
    assert server(busy) == pid
    assert resident(pid_of(busy)) < 250_000
    assert not of(events(busy), "daemon.stopped")
    assert not list(busy.folder.rglob("canary"))
    del follower


@pytest.mark.torture
def test_killed_clients_of_the_api(busy: Cli) -> None:
    """Whoever asks may die at any moment."""
    for _ in range(times(10, 300)):
        asked = subprocess.Popen(
            busy.argv("events", "-f", "--after", "0"), env=busy.environ, stdout=subprocess.PIPE
        )
        assert asked.stdout is not None
        asked.stdout.readline()
        asked.kill()
        asked.wait()
        asked.stdout.close()
    live.until(lambda: busy.json("daemon", "status")["listeners"] == 0)
    kill(pid_of(busy))


def test_the_clock_is_set(cli: Cli) -> None:
    """By a year, forth and back, while a command runs: how long things took is right, nothing is lost, and what ends is noticed."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    said = cli.folder / cli.write("time", "+0")
    wait = "until [ -e go ]; do read -rt 0.01 <> <(:); done"
    cli.write(
        "clock.yaml",
        "version: 1\nworkspace: clock\nshell: /bin/bash\nsessions:\n  a:\n    panes:\n"
        f"      - {{name: shell, send_keys: ['{wait}']}}\n      - {{name: waits, command: '{wait}'}}\n",
    )
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(said),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    cli.ok("daemon", "start", **faked)
    cli.ok("apply", "clock.yaml")
    found(cli, lambda some: of(some, "command.started", "a/shell"))
    for step in ("+1y", "-1y", "+0"):
        said.write_text(step)
        cli.ok("daemon", "status")
        cli.tmux("rename-window", "-t", "a:", f"now{step[0]}{step[1]}")
        found(cli, lambda some, step=step: len(of(some, "window.renamed")) > ("+1y", "-1y", "+0").index(step))  # type: ignore[misc]
    cli.write("go", "")
    every = found(
        cli, lambda some: of(some, "command.finished", "a/shell") and of(some, "pane.exited", "a/waits")
    )
    (ended,) = of(every, "command.finished", "a/shell")
    assert 0 < ended["duration"] < live.DEADLINE
    assert [each["sequence"] for each in every] == list(range(1, len(every) + 1))
    years = {each["time"][:4] for each in of(every, "window.renamed")}
    assert len(years) == 3, years  # it was set
    assert 0 <= cli.json("daemon", "status")["uptime"] < live.DEADLINE * 2
    cli.ok("daemon", "stop")
    cli.ok("daemon", "start")
    assert len(events(cli)) >= len(every)
    cli.ok("daemon", "stop")
