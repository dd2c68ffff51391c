"""What it takes to type and to be told: `python -m benchmarks.hands [--keys 300 --commands 100]`.

A key: from the call until the program in the pane has read it, by a clock that both share. A command: `true`, whose own time is next to
nothing, from the call until its exit code is known, so all of it is overhead. In one process, as a program uses it; a command of the
command line pays for starting Python on top, and that is told beside. On a machine that does other things: chrt -r 1 python -m …
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import libtmux

from benchmarks import daemon
from orchestra.daemon import assemble, commander, making
from orchestra.engine import hands
from orchestra.model import hand, status
from orchestra.plan import addressing

READER = """
import os, sys, time, tty
tty.setraw(0)
out = open(sys.argv[1], "w", buffering=1)
print("ready", flush=True)
while data := os.read(0, 100):
    now = time.monotonic_ns()
    for each in data:
        out.write(f"{now}\\n")
"""
BASH = shutil.which("bash") or "/bin/bash"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--commands", type=int, default=100)
    asked = parser.parse_args()
    with daemon.world() as here:
        os.environ.update(HOME=str(here.folder), XDG_STATE_HOME=here.environ["XDG_STATE_HOME"])
        os.environ.pop("XDG_RUNTIME_DIR", None)
        here.tmux("set-option", "-g", "default-shell", BASH)
        assembly = assemble.assemble(None, str(here.folder / "s"), os.environ)
        print("a key, until the program has read it")
        keys(here, assembly, asked.keys)
        print("pane exec --wait true, in all")
        commands(here, assembly, asked.commands)


def called(address: str) -> hands.Find:
    def find(server: status.Server) -> hand.Meant:
        return addressing.pane(server, address)

    return find


def keys(here: daemon.World, assembly: assemble.Assembly, count: int) -> None:
    log = here.folder / "keys"
    made = here.tmux(
        "new-session", "-d", "-s", "k", "-P", "-F", "#{pane_id}", sys.executable, "-c", READER, str(log)
    ).strip()
    here.tmux("set-option", "-pt", made, "@orchestra_name", "it")
    while "ready" not in here.tmux("capture-pane", "-p", "-t", made):
        time.sleep(0.01)
    meant = assembly.hands.find(called("k/it"))
    stroke = hands.Prepared(strokes=(hand.Keys(keys=("x",)),))

    def by_name() -> None:
        assembly.hands.put(called("k/it"), lambda _: stroke)

    def attached() -> None:
        message = hand.Message(meant=meant, strokes=(hand.Paste(data=b"x"),), id=hands.new_id())
        assembly.keyboard.send([message])

    server = libtmux.Server(socket_path=here.folder / "s")
    pane = server.panes.get(pane_id=made)
    ways: dict[str, Callable[[], object]] = {
        "orchestra: found by its name, then typed": by_name,
        "orchestra: as pane attach types": attached,
        "tmux send-keys": lambda: here.tmux("send-keys", "-t", made, "x"),
        "libtmux": lambda: pane.send_keys("x", enter=False) if pane is not None else None,
    }
    done = itertools.count(1)
    for name, way in ways.items():
        took = []
        for _ in range(count):
            number = next(done)
            before = time.monotonic_ns()
            way()
            took.append((_read(log, number) - before) / 1e6)
        daemon.told(name, took)
    took = []
    for _ in range(max(10, count // 20)):
        number = next(done)
        before = time.monotonic_ns()
        here.orchestra("pane", "send-keys", "k/it", "x")
        took.append((_read(log, number) - before) / 1e6)
    daemon.told("orchestra pane send-keys, a process", took)


def _read(log: Path, number: int) -> int:
    """When that key was read."""
    while True:
        lines = log.read_text().split("\n")
        if len(lines) > number:
            return int(lines[number - 1])
        time.sleep(0.0005)


def commands(here: daemon.World, assembly: assemble.Assembly, count: int) -> None:
    making.session(assembly, "ours", str(here.folder), "it")
    here.tmux("new-session", "-d", "-s", "anyones", "-x", "100", "-y", "30", BASH, "--norc")
    here.tmux("set-option", "-pt", "anyones:", "@orchestra_name", "it")
    by = commander.Commander(assembly)
    for name in ("ours", "anyones"):
        for code in (0, 3):  # warm, and right
            assert by.run(called(f"{name}/it"), commander.Wish(command=f"(exit {code})")).exit_code == code
    true = commander.Wish(command="true")
    _told("orchestra: a shell it started", count, lambda: by.run(called("ours/it"), true))
    _told("orchestra: anyone's bash", count, lambda: by.run(called("anyones/it"), true))

    def plain() -> None:
        here.tmux("send-keys", "-t", "anyones:", f"true; tmux -S {here.folder}/s wait-for -S done", "Enter")
        here.tmux("wait-for", "done")
        here.tmux("capture-pane", "-p", "-t", "anyones:")

    _told("tmux: send-keys, wait-for, capture-pane (no code)", count, plain)
    server = libtmux.Server(socket_path=here.folder / "s")
    pane = next(each for each in server.panes if each.session_name == "anyones")
    counted = itertools.count()

    def witness() -> None:
        number = next(counted)
        pane.send_keys(f"true; echo done-{number}-$?")
        while f"done-{number}-0" not in pane.capture_pane():
            pass

    _told("libtmux: a sentinel, polled for", count, witness)
    _told("orchestra pane exec --wait, a process", max(10, count // 10), lambda: _cli(here))
    here.tmux("set-option", "-g", "remain-on-exit", "off")
    path = here.folder / "m.yaml"
    path.write_text(
        f"version: 1\nworkspace: bench\nsessions:\n  r:\n    panes: [{{name: it, shell: {BASH}}}]\n"
    )
    here.daemon()
    here.orchestra("apply", str(path), "--no-wait", "--yes")
    while not any(
        each.pane.piped for each in status.places(assembly.tmux.observe()) if each.session.name == "r"
    ):
        time.sleep(0.05)
    _told("orchestra: a shell that a daemon records", count, lambda: by.run(called("r/it"), true))


def _cli(here: daemon.World) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "orchestra",
            "-S",
            str(here.folder / "s"),
            "pane",
            "exec",
            "--wait",
            "ours/it",
            "true",
        ],
        env=here.environ,
        check=True,
    )


def _told(name: str, count: int, way: Callable[[], object]) -> None:
    took = []
    for _ in range(count):
        before = time.perf_counter()
        way()
        took.append((time.perf_counter() - before) * 1000)
    daemon.told(name, took)


if __name__ == "__main__":
    main()
