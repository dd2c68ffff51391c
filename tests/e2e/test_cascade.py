"""`on_restart: cascade` on a real tmux: by a plan, by hand, by the daemon, and with the daemon killed in between."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator, Mapping

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of
from tests.e2e.test_daemon_faults import times
from tests.e2e.test_supervise import pane
from tests.support import live

MANIFEST = """\
version: 1
workspace: c
sessions:
  db:
    panes:
      - name: server
        command: "until test -e go; do sleep 0.01; done; touch up; exec sleep 1001"
        health: {command: test -e up, interval: 100ms}
        restart: {policy: always, backoff: {initial: 10ms}}
  api:
    depends_on: {db: {on_restart: cascade}}
    panes:
      - {name: server, command: "exec sleep 1002"}
      - {name: worker, command: "exec sleep 1003", depends_on: {server: {on_restart: cascade}}}
      - {name: stopped, command: "exec sleep 1004"}
      - {name: once, command: "true"}
      - {name: shell}
  other:
    panes: [{name: client, command: "exec sleep 1005", depends_on: {db: healthy}}]
"""
RESTARTED = ("api/server", "api/worker")
ALL = {"db/server", *RESTARTED}
"""What another process runs in afterwards; in what a person stopped, what completed, a shell, and who did not ask, there is the same."""


def others(cli: Cli, before: Mapping[str, int]) -> set[str]:
    """Where another process is, or was, than before."""
    now = cli.panes()
    return {address for address, pid in before.items() if now[address] != pid}


def respawn(cli: Cli, address: str) -> None:
    """By a person, whom nobody can ask."""
    rows = cli.tmux("list-panes", "-a", "-F", "#{@orchestra_pane} #{pane_id}").splitlines()
    (id_,) = [words[-1] for words in map(str.split, rows) if words[1] == address]
    cli.tmux("respawn-pane", "-k", "-t", id_)


def asked(cli: Cli) -> list[tuple[str, str]]:
    return [(each["address"], each["reason"]) for each in of(events(cli), "pane.restarting")]


@pytest.fixture
def alone(cli: Cli) -> Cli:
    """Without a daemon."""
    cli.write("go", "")
    cli.write("c.yaml", MANIFEST)
    cli.ok("apply", "c.yaml", "--no-daemon")
    cli.ok("stop", "api/stopped")
    return cli


@pytest.fixture
def kept(alone: Cli) -> Iterator[Cli]:
    alone.ok("daemon", "start")
    yield alone
    alone.ok("daemon", "stop")


def test_a_plan_restarts_who_asks_for_it_and_says_so_before(alone: Cli) -> None:
    before = alone.panes()
    alone.write("c.yaml", MANIFEST.replace("sleep 1001", "sleep 2001"))
    shown = alone.run("diff", "c.yaml").out
    assert "db/server is restarted (stops pid" in shown
    assert "db/server is restarted; api/server is restarted (stops pid" in shown
    refused = alone.run("apply", "c.yaml", "--no-daemon")
    assert all(f"{address} (pid {before[address]})" in refused.err for address in RESTARTED)
    done = alone.run("apply", "c.yaml", "--no-daemon", "--yes")
    told = [line.split()[-1] for line in done.err.splitlines() if line.startswith("started")]
    assert told == ["db/server", *RESTARTED]
    assert others(alone, before) == ALL
    assert "0 to replace" in alone.ok("diff", "c.yaml")
    # What nobody of us restarted, and no daemon saw.
    before = alone.panes()
    respawn(alone, "db/server")
    assert "db/server was restarted (stops pid" in alone.run("diff", "c.yaml").out
    alone.ok("apply", "c.yaml", "--no-daemon", "--yes")
    assert others(alone, before) == ALL


def test_a_plan_that_fails_stops_nobody_else_and_is_rolled_back(alone: Cli) -> None:
    before = alone.panes()
    failing = MANIFEST.replace("exec sleep 1001", "exit 3").replace("touch up", "rm -f up")
    alone.write("c.yaml", failing)
    (alone.folder / "up").unlink()  # else it may be found healthy before it fails
    done = alone.run("apply", "c.yaml", "--no-daemon", "--yes")
    assert "api/server skipped: db/server failed: it e" in done.err  # tmux may not know its code yet
    assert others(alone, before) == {"db/server"}
    alone.write("c.yaml", MANIFEST)
    alone.ok("apply", "c.yaml", "--no-daemon", "--yes")
    assert others(alone, before) == ALL
    before = alone.panes()
    alone.write("c.yaml", failing)
    (alone.folder / "up").unlink()
    done = alone.run("apply", "c.yaml", "--no-daemon", "--yes", "--on-error", "rollback")
    assert "rolled back: the workspace is as it was" in done.err
    alone.write("c.yaml", MANIFEST)
    assert others(alone, before) == ALL
    assert "0 to replace" in alone.ok("diff", "c.yaml")


def test_by_hand_it_is_so_without_a_daemon_too(alone: Cli) -> None:
    before = alone.panes()
    done = alone.run("restart", "db/server")
    assert done.out == "c: restarted api/server, api/worker, db/server\n"
    assert (
        f"note: api/server is restarted, too (pid {before['api/server']}): db/server is restarted" in done.err
    )
    assert others(alone, before) == ALL
    before = alone.panes()
    alone.ok("stop", "db/server")
    assert (others(alone, before), pane(alone, "api/server")["status"]) == (set(), "running")
    assert "api/worker is restarted, too" in alone.run("start", "db/server").err
    assert others(alone, before) == ALL


def test_a_crash_restarts_them_in_order_once_it_is_healthy(kept: Cli) -> None:
    before = kept.panes()
    for name in ("go", "up"):
        (kept.folder / name).unlink()
    os.kill(before["db/server"], signal.SIGKILL)
    live.until(lambda: pane(kept, "api/server")["restarts_once"] == "db/server is healthy")
    assert "restarts once db/server is healthy" in kept.ok("status")
    assert others(kept, before) == {"db/server"}
    kept.write("go", "")
    every = found(kept, lambda some: len(of(some, "pane.started", "api/worker")) == 1)
    assert asked(kept) == [
        ("db/server", "signal 9"),
        ("api/server", "db/server was restarted"),
        ("api/worker", "db/server, api/server were restarted"),
    ]
    assert [each["address"] for each in of(every, "pane.started")] == ["db/server", *RESTARTED]
    assert others(kept, before) == ALL
    assert pane(kept, "api/server")["restarts"] == 0


def test_the_daemon_does_what_no_daemon_saw_and_nothing_that_was_done(kept: Cli) -> None:
    before = kept.panes()
    kept.ok("restart", "db/server")
    after = kept.panes()
    kill(pid_of(kept))
    kept.ok("daemon", "start")
    kept.ok("daemon", "restart")  # who looked at it all
    assert (asked(kept), kept.panes(), others(kept, before)) == ([], after, ALL)
    kill(pid_of(kept))
    respawn(kept, "db/server")
    kept.ok("daemon", "start")
    live.until(lambda: len(asked(kept)) == 2 and others(kept, after) == ALL)


SLOW = """\
version: 1
workspace: c
sessions:
  s:
    panes:
      - {name: db, command: "exec sleep 1001", restart: {policy: always, backoff: {initial: 10ms, max: 20ms}, max_restarts: 100000}}
      - name: web
        command: "trap 'touch asked; until test -e go; do sleep 0.01; done; exit 0' TERM; echo >> runs; while :; do sleep 0.01; done"
        depends_on: {db: {on_restart: cascade}}
        restart: POLICY
      - {name: top, command: "exec sleep 1003", depends_on: {web: {on_restart: cascade}}}
"""


@pytest.mark.parametrize(
    ("policy", "ends"), [("no", "while no daemon runs"), ("always", "under the next one")]
)
def test_the_daemon_dies_while_it_stops_a_dependant(cli: Cli, policy: str, ends: str) -> None:
    """That one then ends well, for which alone nobody would start it; or its own policy would, and so twice."""
    cli.write("c.yaml", SLOW.replace("POLICY", policy))
    cli.ok("apply", "c.yaml")
    before = cli.panes()
    os.kill(before["s/db"], signal.SIGKILL)
    live.until(lambda: (cli.folder / "asked").exists())
    kill(pid_of(cli))
    if ends == "while no daemon runs":
        cli.write("go", "")
        live.until(lambda: pane(cli, "s/web")["status"] == "completed")
    cli.ok("daemon", "start")
    cli.write("go", "")
    live.until(lambda: others(cli, before) == {*before} and len(asked(cli)) == 3)
    assert asked(cli) == [
        ("s/db", "signal 9"),
        ("s/web", "s/db was restarted"),
        ("s/top", "s/web was restarted"),
    ]
    assert (cli.folder / "runs").read_text() == "\n" * 2
    cli.ok("daemon", "stop")


@pytest.mark.torture
def test_whenever_the_daemon_dies_each_is_restarted_once(cli: Cli) -> None:
    cli.write("go", "")
    cli.write("c.yaml", SLOW.replace("POLICY", "no"))
    cli.ok("apply", "c.yaml")
    dice = random.Random(7)
    for number in range(1, times(2, 100) + 1):
        before = cli.panes()
        os.kill(before["s/db"], signal.SIGKILL)
        threading.Event().wait(dice.random() * 1.2)  # what is tried, and no wait for anything
        kill(pid_of(cli))
        cli.ok("daemon", "start")
        live.until(lambda before=before: others(cli, before) == {*before})  # type: ignore[misc]
        every = found(cli, lambda some, number=number: len(of(some, "pane.restarting")) >= 3 * number)  # type: ignore[misc]
        assert len(of(every, "pane.restarting")) == 3 * number
        live.until(lambda number=number: (cli.folder / "runs").read_text() == "\n" * (number + 1))  # type: ignore[misc]
    cli.ok("daemon", "stop")
