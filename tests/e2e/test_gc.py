"""Garbage collection as a user meets it: a real daemon, killed at will, and what it took had back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_daemon import found, kill, of, pid_of
from tests.support import live

MANIFEST = """\
version: 1
workspace: g
sessions:
  idle: {panes: [{name: a}, {name: b}]}
  work:
    panes:
      - {name: server, command: 'exec sleep 1000'}
      - {name: once, command: 'true'}
      - {name: bad, command: 'false'}
  kept: {panes: [{name: shell, pin: true}]}
gc: {idle: 1s, completed: 1s}
"""


@pytest.fixture
def collecting(cli: Cli) -> Iterator[Cli]:
    cli.write("g.yaml", MANIFEST)
    assert "the manifest wants garbage collection" in cli.run("apply", "g.yaml").err
    yield cli
    cli.ok("daemon", "stop")


def test_what_nobody_needs_goes_and_comes_back(collecting: Cli) -> None:
    every = found(
        collecting,
        lambda some: (
            {address for each in of(some, "gc.collected") for address in each["taken"]}
            >= {"idle", "work/once"}
        ),
    )
    planned = {address for each in of(every, "gc.planned") for address in each["victims"]}
    assert planned == {"idle", "work/once"}
    first = min(each["sequence"] for each in of(every, "gc.collected"))
    assert of(every, "gc.planned")[0]["sequence"] < first
    assert set(collecting.panes()) == {"work/server", "work/bad", "kept/shell"}
    told = collecting.json("gc", "status")
    assert (told["enabled"], told["workspaces"]) == (False, ["g"])
    slip = collecting.run("gc", "run", "--workspace", "gg")
    assert (slip.code, "did you mean g?" in slip.err) == (64, True)
    assert told["spared"]["g"]["kept"] == "kept/shell: pinned"
    assert "goes" not in collecting.ok("gc", "run", "--dry-run")
    collecting.ok("daemon", "stop")
    lines = collecting.run("diff", "g.yaml").out
    assert "session idle" in lines
    snapshot = next(each for each in told["collections"] if "idle" in each["taken"])["snapshot"]
    assert "pane" in collecting.ok("gc", "undo", snapshot, "--dry-run")
    collecting.tmux("set-option", "-s", "@orchestra_rules", "")  # or it would go again
    assert "0 updated, 0 replaced, 0 deleted" in collecting.ok("gc", "undo", snapshot)
    assert {"idle/a", "idle/b"} <= set(collecting.panes())
    again = collecting.run("gc", "undo", snapshot)
    assert again.out == ("" if "not run again" in again.err else "g: all of it is there\n")
    assert collecting.run("gc", "undo", "nowhere").code == 1
    snapshot = next(each for each in told["collections"] if "work/once" in each["taken"])["snapshot"]
    done = collecting.run("gc", "undo", snapshot)
    assert "work/once had ended, and is not run again" in done.err
    assert "work/once" not in collecting.panes()
    assert "1 created" in collecting.ok("gc", "undo", snapshot, "--run")
    assert "work/once" in collecting.panes()


def test_by_hand(cli: Cli) -> None:
    cli.write("h.yaml", MANIFEST.replace("gc: {idle: 1s, completed: 1s}\n", ""))
    cli.ok("apply", "h.yaml")
    nobody = cli.run("gc", "run")
    assert (nobody.code, "orchestra daemon start" in nobody.err) == (1, True)
    assert "TTL is a minute or longer" in cli.run("gc", "enable", "2").err
    assert cli.json("gc", "enable") == {"status": "success", "command": "gc", "enabled": True, "ttl": 7200.0}
    try:
        assert "idle sessions go after 2h" in cli.ok("gc", "status")
        assert "nothing to collect" in cli.ok("gc", "run")
        cli.ok("gc", "pin", "idle/b")
        live.until(lambda: cli.json("gc", "run", "--dry-run", "--force")["spared"]["g"]["idle"] == "pinned")
        cli.ok("gc", "unpin", "idle")
        assert cli.json("gc", "run", "--force")["collected"] == {"g": {"idle": "idle for 0 seconds"}}
        assert cli.ok("gc", "undo").startswith("g: 4 created")
        cli.ok("gc", "disable")
        assert "off" in cli.ok("gc", "status")
    finally:
        cli.ok("daemon", "stop")


def test_the_daemon_dies_between_mark_and_sweep(collecting: Cli) -> None:
    """And one that comes later takes it once, after its own time."""
    found(collecting, lambda some: of(some, "gc.planned"))
    kill(pid_of(collecting))  # wherever it is by now
    collecting.ok("daemon", "start")
    every = found(
        collecting,
        lambda some: (
            {address for each in of(some, "gc.collected") for address in each["taken"]}
            >= {"idle", "work/once"}
        ),
    )
    taken = [address for each in of(every, "gc.collected") for address in each["taken"]]
    assert sorted(taken) == ["idle", "work/once"]
    assert set(collecting.panes()) == {"work/server", "work/bad", "kept/shell"}


def test_what_acts_by_itself_does_not_make_it_again(cli: Cli) -> None:
    again = "triggers: [{name: again, on: gc.collected, do: [{apply: {yes: true}}]}]\n"
    cli.write("g.yaml", MANIFEST.replace("completed: 1s", "events: 1h") + again)
    cli.ok("apply", "g.yaml")
    try:
        every = found(cli, lambda some: of(some, "trigger.succeeded"))
        assert [set(each["taken"]) for each in of(every, "gc.collected")] == [{"idle"}]
        assert not {"idle/a", "idle/b"} & set(cli.panes())
        cli.ok("apply", "g.yaml", "--yes")
        assert "idle/a" in cli.panes()
    finally:
        cli.ok("daemon", "stop")
