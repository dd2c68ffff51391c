"""Limits on a real tmux: what is over one is told, and done about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of
from tests.e2e.test_supervise import pane
from tests.support import live

HOG = "[python3, -S, -c, 'import time; x = b\"x\" * 80_000_000; time.sleep(1000)']"
FEW = "for i in 1 2 3 4 5 6; do sleep 1000 & done; wait"
BOMB = "import os, time\\nwhile not os.path.exists('go'): time.sleep(0.01)\\nfor _ in range(8): os.fork()\\ntime.sleep(1000)"
MANIFEST = f"""\
version: 1
workspace: l
sessions:
  s:
    panes:
      - {{name: told, command: {HOG}, limits: {{memory: 40M, after: 1}}}}
      - name: again
        command: {HOG}
        limits: {{memory: 40M, on_exceed: restart, after: 1}}
        restart: {{policy: no, backoff: {{initial: 10ms, max: 10ms}}, max_restarts: 1}}
      - {{name: stopped, command: '{FEW}', limits: {{processes: 5, on_exceed: stop, after: 1}}, restart: always}}
      - {{name: loud, command: 'while :; do echo 0123456789 >> said; seq 20000; done', limits: {{output: 1K, on_exceed: kill, after: 1}}}}
      - {{name: brief, command: 'exec sleep 1000', limits: {{time: 100ms, on_exceed: kill}}}}
      - {{name: bomb, command: [python3, -S, -c, "{BOMB}"], limits: {{processes: 20, on_exceed: kill}}}}
      - {{name: quiet, command: 'exec sleep 1000', limits: {{memory: 1G, processes: 10, cpu: 90%, on_exceed: kill}}}}
"""


@pytest.fixture
def limited(cli: Cli) -> Iterator[Cli]:
    cli.write("l.yaml", MANIFEST)
    done = cli.run("apply", "l.yaml")
    assert "the daemon was started: the manifest wants restarts and limits" in done.err
    yield cli
    cli.ok("daemon", "stop")


def exceeded(every: list[dict[str, Any]], address: str) -> list[tuple[str, str]]:
    return [(each["limit"], each["action"]) for each in of(every, "limit.exceeded", address)]


def test_what_is_over_a_limit_is_dealt_with_as_it_was_said(limited: Cli) -> None:
    (limited.folder / "go").touch()
    ends = {"s/again", "s/stopped", "s/loud", "s/brief", "s/bomb"}
    every = found(
        limited,
        lambda some: (
            {each["address"] for each in of(some, "pane.exited")} >= ends
            and len(of(some, "pane.failed")) == 2
            and bool(of(some, "limit.exceeded", "s/told"))
        ),
    )
    assert exceeded(every, "s/told") == [("memory", "warn")]
    assert exceeded(every, "s/again") == [("memory", "restart")] * 2
    assert exceeded(every, "s/stopped") == [("processes", "stop")]
    assert exceeded(every, "s/loud") == [("output", "kill")]
    assert exceeded(every, "s/brief") == [("time", "kill")]
    assert exceeded(every, "s/bomb") == [("processes", "kill")]
    assert exceeded(every, "s/quiet") == []
    failed = {each["address"]: each["reason"] for each in of(every, "pane.failed")}
    assert failed["s/stopped"].startswith("stopped by its limit, processes: 7 of 5")
    assert "after 1 restart in 10 minutes" in failed["s/again"]
    assert len(of(every, "pane.restarting", "s/again")) == 1
    assert not of(
        every, "pane.restarting", "s/stopped"
    )  # its policy would start it again, and its limit says no
    shown = {line.split()[0]: line for line in limited.ok("status").splitlines() if line.startswith("    s/")}
    for name, why in (
        ("s/loud", "ended by SIGKILL  killed by its limit, output: "),
        ("s/stopped", "given up: stopped by its limit, processes: 7 of 5"),
        ("s/again", "given up: it was stopped by its limit, memory: "),
    ):
        assert why in shown[name]
    left = [
        each
        for each in Path("/proc").glob("[0-9]*")
        if b"ORCHESTRA_ADDRESS=s/bomb" in _environ(each) and str(limited.folder).encode() in _environ(each)
    ]
    assert left == []
    assert pane(limited, "s/told")["status"] == "running"
    assert pane(limited, "s/quiet")["status"] == "running"


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def test_the_daemon_dies_over_a_limit_and_nothing_is_done_twice(limited: Cli) -> None:
    found(
        limited, lambda some: len(of(some, "pane.failed")) == 2 and bool(of(some, "limit.exceeded", "s/told"))
    )
    kill(pid_of(limited))
    limited.ok("daemon", "start")
    # A look of the new one is over when it has heard of another change.
    limited.ok("limit", "s/quiet", "time=10ms", "on_exceed=warn")
    every = found(limited, lambda some: bool(of(some, "limit.exceeded", "s/quiet")))
    assert exceeded(every, "s/told") == [("memory", "warn")]
    assert len(of(every, "pane.failed")) == 2
    assert len(of(every, "pane.restarting", "s/again")) == 1
    assert pane(limited, "s/stopped")["status"] == "failed"


def letter(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def test_a_throttled_pane_runs_on_when_its_daemon_is_killed(cli: Cli) -> None:
    cli.write(
        "l.yaml",
        "version: 1\nworkspace: l\nsessions:\n  s:\n    panes:\n"
        "      - {name: hog, command: 'while :; do :; done', limits: {cpu: 1%, on_exceed: throttle, after: 1}}\n",
    )
    cli.ok("apply", "l.yaml")
    (child,) = live.until(lambda: live.children(pane(cli, "s/hog")["pid"]))
    live.until(lambda: letter(child) == "T", "it stands still")
    live.until(lambda: "over its limit of cpu, held to 5% of the time" in cli.ok("status"))
    kill(pid_of(cli))
    live.until(lambda: letter(child) == "R", "it runs")
    cli.ok("daemon", "start")
    live.until(lambda: letter(child) == "T", "it stands still again")
    assert exceeded(events(cli), "s/hog") == [("cpu", "throttle")]
    cli.ok("limit", "s/hog", "cpu=none")
    found(cli, lambda some: bool(of(some, "limit.kept", "s/hog")))
    live.until(lambda: letter(child) == "R", "it runs")
    assert pane(cli, "s/hog")["over_limits"] == ""
    cli.ok("daemon", "stop")


def test_limits_by_hand_on_panes_of_anybody(cli: Cli) -> None:
    cli.tmux("-f", "/dev/null", "new-session", "-d", "-s", "mine", "sleep 1000; sleep 1001")
    assert cli.ok("limit", "mine/0") == "%0: no limits\n"
    done = cli.run("limit", "mine/0", "processes=1", "time=10ms")
    assert (done.code, "the daemon was started" in done.err) == (0, True)
    assert done.out == "%0: processes 1 (by hand), time 0.01s (by hand); above: warn, seen 3 times\n"
    every = found(cli, lambda some: len(of(some, "limit.exceeded")) == 2)
    assert {(each["id"], each["limit"], each["action"]) for each in of(every, "limit.exceeded")} == {
        ("%0", "processes", "warn"),
        ("%0", "time", "warn"),
    }
    refused = cli.run("limit", "mine/0", "on_exceed=restart")
    assert refused.code == 64
    assert "is not orchestra's" in refused.err
    told = cli.json("limit", "mine/0", "--clear", "--set", "memory", "512")
    assert (told["pane_id"], told["limits"]["memory_mb"], told["limits"]["on_exceed"]) == (
        0,
        512.0,
        "throttle",
    )
    cli.ok("daemon", "restart")
    assert cli.json("limit", "mine/0")["by_hand"] == ["memory", "on_exceed"]
    assert cli.ok("limit", "%0", "--clear") == "%0: no limits\n"
    pid = int(cli.tmux("display-message", "-p", "-t", "%0", "#{pane_pid}"))
    with live.ended(pid):  # asked for in so many words
        cli.ok("limit", "mine/0", "time=10ms", "on_exceed=kill")
    assert cli.run("limit", "nobody/0").code == 64
    cli.ok("daemon", "stop")


def test_slips_are_told(cli: Cli) -> None:
    cli.tmux("-f", "/dev/null", "new-session", "-d", "-s", "mine", "sleep 1000")
    done = cli.run("limit", "mine/0", "memory=lots")
    assert done.code == 64
    assert "say it as memory=512M" in done.err
