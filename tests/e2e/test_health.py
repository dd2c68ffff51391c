"""How healthy panes are, measured by a daemon on a real tmux: targets that hang, refuse and flap, probe commands that hang and fork."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of
from tests.e2e.test_daemon_faults import times
from tests.support import live

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Target:
    """An HTTP server that does as it is told: `answer`, `hang`, `refuse` (closes at once), `flap` (every second time)."""

    def __init__(self) -> None:
        self.mood = "answer"
        self.asked = 0
        self._kept: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                asking, _ = self._listening.accept()
                self.asked += 1
                if self.mood == "hang":
                    self._kept.append(asking)
                    continue
                with contextlib.suppress(OSError), asking:
                    if self.mood == "answer" or (self.mood == "flap" and self.asked % 2):
                        asking.recv(4096)
                        asking.sendall(ANSWER)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._kept:
            each.close()


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.close()


@pytest.fixture
def kept(cli: Cli) -> Iterator[Cli]:
    yield cli
    cli.ok("daemon", "stop")


def apply(cli: Cli, *panes: str, more: str = "") -> None:
    lines = "".join(f"      - {each}\n" for each in panes)
    cli.write("h.yaml", f"version: 1\nworkspace: h\nsessions:\n  s:\n    panes:\n{lines}{more}")
    cli.ok("apply", "h.yaml", "--no-wait", "--yes")


def pane(cli: Cli, address: str) -> dict[str, Any]:
    (workspace,) = cli.json("status")["workspaces"]
    every = [
        each for session in workspace["sessions"] for window in session["windows"] for each in window["panes"]
    ]
    return next(each for each in every if each["address"] == address)


def turns(cli: Cli, address: str) -> list[str]:
    """What it became, one after the other."""
    return [each["after"] for each in of(events(cli), "health.changed", address)]


def test_a_target_in_all_its_moods(kept: Cli, target: Target) -> None:
    apply(
        kept,
        f"{{name: web, command: exec sleep 1000, health: {{http: 'http://127.0.0.1:{target.port}/', interval: 100ms, timeout: 200ms}}}}",
        "{name: bare, command: exec sleep 1001}",
        "{name: job, command: 'true'}",
        more="groups: {all: {sessions: [s]}}\n",
    )
    assert kept.ok("wait", "s/web", "--for", "healthy") == "s/web is healthy: HTTP 200\n"
    assert kept.ok("wait", "@all", "--for", "healthy") == "@all is healthy\n"
    assert "healthy  for" in kept.ok("status")
    target.mood = "flap"
    asked = target.asked
    live.until(lambda: target.asked > asked + 20)
    assert turns(kept, "s/web") == ["healthy"]
    target.mood = "hang"
    told = kept.ok("wait", "s", "--for", "unhealthy", "--timeout", "20s")
    assert told == "s is unhealthy: s/web: no answer within 0.2 s\n"
    status = kept.ok("status")
    assert "unhealthy (s/web: no answer within 0.2 s)" in status
    (workspace,) = kept.json("status")["workspaces"]
    assert workspace["groups"][0]["health"]["health"] == "unhealthy"
    assert workspace["sessions"][0]["health"]["since"]
    done = kept.run("wait", "s/web", "--for", "healthy", "--timeout", "100ms")
    assert (done.code, "it is unhealthy (no answer" in done.err) == (1, True)
    target.mood = "answer"
    kept.ok("wait", "s/web", "--for", "healthy", "--timeout", "20s")
    target.mood = "refuse"
    kept.ok("wait", "s/web", "--for", "unhealthy", "--timeout", "20s")
    assert turns(kept, "s/web") == ["healthy", "unhealthy", "healthy", "unhealthy"]
    assert turns(kept, "s") == ["healthy", "unhealthy", "healthy", "unhealthy"]
    assert pane(kept, "s/job")["health"]["health"] == "unknown"
    kept.ok("daemon", "stop")
    assert pane(kept, "s/web")["health"] == {
        "health": "unknown", "reason": "no daemon measures it", "since": None,
    }  # fmt: skip
    done = kept.run("status")
    assert "no daemon runs, and h wants health checks; start it with: orchestra daemon start" in done.err
    assert kept.run("wait", "s/web", "--for", "degraded").code == 64


def test_what_is_printed(kept: Cli) -> None:
    apply(
        kept,
        "{name: p, command: 'echo ready; while read line; do echo $line; done', "
        "health: {output: '^ready$', errors: 'ERROR|^(a|aa)+$', recovery: 300ms}}",
    )
    kept.ok("wait", "s/p", "--for", "healthy", "--timeout", "20s")
    kept.tmux("send-keys", "-t", "s:0.0", "an ERROR \x1b[31m here", "Enter")
    every = found(kept, lambda some: len(of(some, "health.changed", "s/p")) == 3)
    _, ill, well = of(every, "health.changed", "s/p")
    assert (ill["after"], well["after"], well["reason"]) == ("degraded", "healthy", "no errors for 0.3 s")
    assert ill["reason"].startswith("it printed: an ERROR ")
    assert "\x1b" not in ill["reason"]
    kept.tmux("send-keys", "-t", "s:0.0", "a" * 200 + "b", "Enter")  # costs its pattern its whole budget
    live.until(lambda: "took more than" in "".join(kept.json("daemon", "status")["troubles"]))
    done = kept.run("wait", "s/p", "--for", "output=^(a|aa)+$", "--timeout", "20s")
    assert (done.code, done.err.split(": ")[-1]) == (1, "make it simpler\n")
    kept.ok("restart", "s/p")
    assert "ready" in kept.ok("logs", "s/p")
    kept.ok("wait", "s/p", "--for", "healthy", "--timeout", "20s")  # said by the new one, not by the old one
    assert turns(kept, "s/p")[-2:] == ["unknown", "healthy"]


def running(mark: str) -> list[int]:
    """Processes with that word in their arguments."""
    there = []
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (each / "cmdline").read_bytes().split(b"\0"):
                there.append(int(each.name))
    return there


def test_probe_commands_that_hang_and_fork(kept: Cli) -> None:
    """Each is ended with all it started, nobody waits for it, and a daemon that is killed leaves none behind for long."""
    mark = f"7{os.getpid()}.{id(kept)}"
    apply(
        kept,
        *(
            f"{{name: hang{n}, command: exec sleep 1000, "
            f"health: {{command: 'sleep {mark} & sleep {mark}', interval: 100ms, timeout: 300ms}}}}"
            for n in range(6)
        ),
        "{name: good, command: exec sleep 1001, health: {command: 'date +%s.%N >> tried', interval: 100ms}}",
    )
    every = found(
        kept,
        lambda some: all(
            "unhealthy" in [each["after"] for each in of(some, "health.changed", f"s/hang{n}")]
            for n in range(6)
        ),
    )
    ill = [
        each
        for each in of(every, "health.changed")
        if each["after"] == "unhealthy" and "/" in each["address"]
    ]
    assert {each["reason"] for each in ill} == {"timed out after 0.3 s"}
    assert [each["after"] for each in of(every, "health.changed", "s/good")] == ["healthy"]
    live.until(lambda: running(mark))
    kill(pid_of(kept))
    assert running(mark)
    apply(kept, "{name: good, command: exec sleep 1001}")
    kept.ok("daemon", "start")
    live.until(lambda: not running(mark))


def test_what_is_unhealthy_is_started_again_and_then_given_up(kept: Cli) -> None:
    """Also where it ends in good order when it is asked to; a person's stop holds."""
    apply(
        kept,
        "{name: p, command: 'echo run >> runs; trap \"exit 0\" TERM; while :; do sleep 0.05; done', "
        "restart: {policy: on-failure, backoff: {initial: 10ms, max: 10ms}, max_restarts: 2}, "
        "health: {command: 'test ! -e bad', interval: 100ms, failure_threshold: 2, restart_unhealthy: true}}",
    )
    kept.ok("wait", "s/p", "--for", "healthy", "--timeout", "20s")
    kept.write("bad", "")
    every = found(kept, lambda some: of(some, "pane.failed", "s/p"))
    (failed,) = of(every, "pane.failed", "s/p")
    assert failed["reason"] == "it was unhealthy: exited 1 after 2 restarts in 10 minutes"
    assert [each["number"] for each in of(every, "pane.restarting", "s/p")] == [1, 2]
    assert (kept.folder / "runs").read_text() == "run\n" * 3
    done = kept.run("wait", "s/p", "--for", "healthy")
    assert (done.code, "it has failed: it was unhealthy" in done.err) == (1, True)
    assert "given up: it was unhealthy: exited 1 after 2 restarts" in kept.ok("status")
    assert "1 given up" in kept.ok("daemon", "status")
    (kept.folder / "bad").unlink()
    kept.ok("start", "s/p")
    kept.ok("wait", "s/p", "--for", "healthy", "--timeout", "20s")
    assert pane(kept, "s/p")["given_up"] == ""
    kept.ok("stop", "s/p")
    kept.write("bad", "")
    assert pane(kept, "s/p")["status"] == "stopped"
    done = kept.run("wait", "s/p", "--for", "healthy")
    assert (done.code, "a person stopped it" in done.err) == (1, True)
    assert (kept.folder / "runs").read_text() == "run\n" * 4


@pytest.mark.torture
def test_the_daemon_is_killed_while_it_cures(kept: Cli) -> None:
    """Whenever that is: each illness is cured by one restart, and nothing is told twice."""
    apply(
        kept,
        "{name: p, command: 'echo run >> runs; trap \"sleep 0.3; exit 0\" TERM; while :; do sleep 0.05; done', "
        "restart: {policy: on-failure, backoff: {initial: 200ms, max: 200ms}, max_restarts: 100000}, "
        "health: {command: 'test ! -e bad && touch ok', interval: 100ms, failure_threshold: 1, restart_unhealthy: true}}",
        "{name: q, command: exec sleep 1000, health: {command: 'true', interval: 100ms}}",
    )
    kept.ok("wait", "s/p", "--for", "healthy", "--timeout", "20s")
    for number in range(times(3, 100)):
        daemon = pid_of(kept)
        killer = threading.Timer(0.1 + number % 20 * 0.07, os.kill, (daemon, signal.SIGKILL))
        with live.ended(daemon):
            killer.start()
            kept.write("bad", "")
        killer.join()
        (kept.folder / "bad").unlink()
        kept.ok("daemon", "start")
        kept.ok("wait", "s/p", "--for", "healthy", "--timeout", "20s")
    every = events(kept)
    ill = [each for each in of(every, "health.changed", "s/p") if each["reason"] == "exited 1"]
    assert ill
    assert (kept.folder / "runs").read_text() == "run\n" * (len(ill) + 1)
    assert len(of(every, "pane.restarting", "s/p")) == len(ill)
    assert turns(kept, "s/q") == ["healthy"]
    told = turns(kept, "s/p")
    assert all(one != other for one, other in itertools.pairwise(told)), told


@pytest.mark.torture
def test_what_is_healthy_is_never_taken_for_ill(kept: Cli, target: Target) -> None:
    """10,000 probes while the machine has more to do than it can."""
    apply(
        kept,
        *(
            f"{{name: http{n}, command: exec sleep 1000, health: {{http: 'http://127.0.0.1:{target.port}/', interval: 100ms}}}}"
            for n in range(10)
        ),
        *(
            f"{{name: tcp{n}, command: exec sleep 1000, health: {{tcp: '127.0.0.1:{target.port}', interval: 100ms}}}}"
            for n in range(5)
        ),
        "{name: command, command: exec sleep 1000, health: {command: 'true', interval: 500ms}}",
        *(f"{{name: busy{n}, command: 'while :; do :; done'}}" for n in range(4)),
        "{name: flood, command: 'yes a line', health: {output: line, errors: ERROR}}",
    )
    probes = times(600, 10_000)
    live.until(lambda: kept.json("daemon", "status")["parts"]["health"]["attempts"] > probes, deadline=3000)
    every = of(events(kept), "health.changed")
    assert (
        len({each["address"] for each in every if each["after"] == "healthy"}) == 18
    )  # each pane, and the session
    others = [(each["after"], each["reason"]) for each in every if each["after"] != "healthy"]
    assert {after for after, _ in others} <= {"unknown"}, others  # what cannot be measured is not ill
