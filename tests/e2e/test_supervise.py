"""Restarts by the daemon, and a person's start, stop and restart, on a real tmux."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import events, found, kill, of, pid_of
from tests.support import live

MANIFEST = """\
version: 1
workspace: r
sessions:
  s:
    panes:
      - name: flaky
        command: 'echo run >> runs; [ $(wc -l < runs) -gt 3 ] && exec sleep 1000; exit 3'
        restart: {policy: on-failure, backoff: {initial: 10ms, max: 20ms}}
      - {name: hopeless, command: 'exit 4', restart: {policy: always, backoff: {initial: 10ms}, max_restarts: 2}}
      - {name: done, command: 'true', restart: on-failure}
      - {name: server, command: 'exec sleep 1001', restart: {policy: always, backoff: {initial: 10ms}}}
      - {name: client, command: 'exec sleep 1002', depends_on: [server]}
groups: {pair: {sessions: [s]}}
"""


@pytest.fixture
def kept(cli: Cli) -> Iterator[Cli]:
    cli.write("r.yaml", MANIFEST)
    done = cli.run("apply", "r.yaml")
    assert "the daemon was started: the manifest wants restarts" in done.err
    yield cli
    cli.ok("daemon", "stop")


def pane(cli: Cli, address: str) -> dict[str, Any]:
    (workspace,) = cli.json("status")["workspaces"]
    windows = [window for session in workspace["sessions"] for window in session["windows"]]
    every = [each for window in windows for each in window["panes"]]
    return next(each for each in every if each["address"] == address)


def test_what_dies_is_started_again_until_it_has_failed(kept: Cli) -> None:
    every = found(
        kept,
        lambda some: (
            of(some, "pane.failed", "s/hopeless") and len(of(some, "pane.restarting", "s/flaky")) == 3
        ),
    )
    assert [each["number"] for each in of(every, "pane.restarting", "s/flaky")] == [1, 2, 3]
    assert [each["number"] for each in of(every, "pane.restarting", "s/hopeless")] == [1, 2]
    assert of(every, "pane.failed", "s/hopeless")[0]["reason"] == "exit code 4 after 2 restarts in 10 minutes"
    assert not of(every, "pane.restarting", "s/done")
    live.until(lambda: pane(kept, "s/flaky")["status"] == "running")
    assert (kept.folder / "runs").read_text() == "run\n" * 4


def test_what_a_person_stops_stays_so_until_a_person_starts_it(kept: Cli) -> None:
    before = pane(kept, "s/server")["pid"]
    assert kept.ok("stop", "s/server") == "r: stopped s/server\n"
    assert pane(kept, "s/server")["status"] == "stopped"
    assert "nothing" in kept.ok("stop", "s/server")
    done = kept.run("apply", "r.yaml", "--yes")
    assert "note: s/server was stopped by a person and stays so: orchestra start s/server" in done.err
    kept.ok("daemon", "restart")
    assert pane(kept, "s/server")["status"] == "stopped"
    assert not of(events(kept), "pane.restarting", "s/server")
    kept.ok("start", "s/server")
    after = pane(kept, "s/server")
    assert (after["status"], after["pid"] != before) == ("running", True)
    told = kept.json("restart", "s/server")
    assert told["command"] == "restart"
    again = told["workspaces"][0]
    assert [each["address"] for each in again["changes"]] == ["s/server"]
    assert pane(kept, "s/server")["pid"] != after["pid"]
    assert not of(events(kept), "pane.restarting", "s/server")  # who does it himself needs no supervisor


def test_what_has_lost_its_secret_is_not_started_without_it_and_keeps_no_other(cli: Cli) -> None:
    """It was in the environment of who applied, and is not in the daemon's."""
    cli.write(
        "r.yaml",
        """\
version: 1
workspace: r
sessions:
  s:
    panes:
      - name: needs
        command: 'echo "<$TOKEN>" >> needs; exit 3'
        secrets: {TOKEN: {from_env: TOKEN}}
        restart: {policy: always, backoff: {initial: 10ms}}
      - name: other
        command: 'echo run >> other; [ $(wc -l < other) -gt 2 ] && exec sleep 1000; exit 3'
        restart: {policy: always, backoff: {initial: 10ms}}
      - name: limited
        command: 'exec sleep 1001'
        secrets: {TOKEN: {from_env: TOKEN}}
triggers:
  - {name: stop, on: window.renamed, do: [{stop: s/limited}]}
""",
    )
    cli.ok("daemon", "start")
    cli.ok("apply", "r.yaml", TOKEN="hidden")
    every = found(cli, lambda some: of(some, "pane.failed", "s/needs"))
    why = (
        "it is not started without its secrets: the environment variable TOKEN is not set, for the daemon "
        "(put it right, then orchestra start s/needs)"
    )
    assert of(every, "pane.failed", "s/needs")[0]["reason"] == why
    live.until(lambda: (cli.folder / "other").read_text().count("run") == 3)
    assert (cli.folder / "needs").read_text() == "<hidden>\n"
    assert why in cli.ok("status")
    cli.tmux("rename-window", "-t", "s", "other")
    found(cli, lambda some: of(some, "trigger.succeeded"))
    assert pane(cli, "s/limited")["status"] == "stopped"
    cli.ok("start", "s/needs", TOKEN="again")
    live.until(lambda: (cli.folder / "needs").read_text().count("again") == 1)
    cli.ok("daemon", "stop")


def test_groups_and_slips(kept: Cli) -> None:
    stopped = kept.json("stop", "@pair")["workspaces"][0]
    assert {each["address"] for each in stopped["changes"]} >= {"s/server", "s/client"}
    every = found(
        kept, lambda some: of(some, "pane.exited", "s/server") and of(some, "pane.exited", "s/client")
    )
    ends = [
        each["address"] for each in of(every, "pane.exited") if each["address"] in ("s/server", "s/client")
    ]
    assert ends == ["s/client", "s/server"]  # dependants first
    kept.ok("start", "@all")
    assert pane(kept, "s/client")["status"] == "running"
    for words, hint in (
        (("stop", "s/servr"), "did you mean s/server?"),
        (("start", "a b"), "say session/pane"),
    ):
        done = kept.run(*words)
        assert done.code == 64
        assert hint in done.err


def test_the_daemon_dies_while_it_waits_to_start_something(kept: Cli) -> None:
    """And one that comes later starts it once."""
    slow = MANIFEST.replace(
        "exec sleep 1001', restart: {policy: always, backoff: {initial: 10ms}}",
        "exec sleep 1001', restart: {policy: always, backoff: {initial: 2s}}",
    )
    kept.write("r.yaml", slow)
    kept.ok("apply", "r.yaml", "--yes")
    before = pane(kept, "s/server")["pid"]
    os.kill(before, signal.SIGKILL)
    found(kept, lambda some: of(some, "pane.restarting", "s/server"))
    kill(pid_of(kept))
    kept.ok("daemon", "start")
    live.until(lambda: pane(kept, "s/server")["status"] == "running")
    every = events(kept)
    assert len(of(every, "pane.restarting", "s/server")) == 1
    started = found(kept, lambda some: of(some, "pane.started", "s/server"))
    assert len(of(started, "pane.started", "s/server")) == 1
