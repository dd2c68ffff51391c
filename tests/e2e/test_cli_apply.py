"""diff, apply and delete on a real tmux: what they do, what they print, and what they exit with."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli
from tests.support.cli_reference import SHAPES

MANIFEST = """\
version: 1
workspace: shop
sessions:
  db:
    panes:
      - {name: server, command: "echo ready; exec sleep 1000", health: {output: ready}}
  api:
    depends_on: {db: healthy}
    panes:
      - {name: server, command: "exec sleep 1001"}
      - {name: shell}
groups:
  backend: {sessions: [db, api]}
"""
NEVER = """\
version: 1
workspace: never
sessions:
  a:
    panes:
      - {name: one, command: "exec sleep 1000", health: {command: [sh, -c, "echo not yet >&2; exit 1"], interval: 50ms}}
      - {name: two, command: "exec sleep 1001", depends_on: {one: healthy}}
"""
SHAPE = {"status", "command"}


@pytest.fixture
def shop(cli: Cli) -> str:
    return cli.write("shop.yaml", MANIFEST)


def test_diff_then_apply_then_nothing(cli: Cli, shop: str) -> None:
    done = cli.run("diff", shop)
    assert done.code == 2
    assert "+ pane    db/server   create   it is not on the server" in done.out
    assert done.out.endswith("7 to create, 0 to update, 0 to replace, 0 to delete; 0 unchanged\n")
    done = cli.run("apply", shop)
    assert done.code == 0
    assert done.out.startswith("shop: 7 created, 0 updated, 0 replaced, 0 deleted; 0 unchanged in ")
    told = done.err.splitlines()
    order = [told.index(line) for line in ("started  db/server", "healthy  db/server", "started  api/server")]
    assert order == sorted(order)
    panes = cli.panes()
    assert cli.ok("diff", shop) == "0 to create, 0 to update, 0 to replace, 0 to delete; 7 unchanged\n"
    done = cli.run("apply", shop)
    assert (done.code, done.err) == (0, "")
    assert cli.panes() == panes


def test_diff_json_is_the_plan(cli: Cli, shop: str) -> None:
    told = cli.json("diff", shop, code=2)
    assert set(told) == SHAPE | set(SHAPES["diff"])
    assert told["plan"]["workspace"] == "shop"
    assert {change["verb"] for change in told["plan"]["changes"]} == {"create"}
    cli.ok("apply", shop)
    assert cli.json("diff", shop)["plan"]["steps"] == []


def test_apply_json(cli: Cli, shop: str) -> None:
    told = cli.json("apply", shop, "--dry-run")
    assert set(told) == SHAPE | set(SHAPES["apply --dry-run"])
    done = cli.run("apply", shop, "-o", "json")
    told = done.json
    assert (done.code, done.err) == (0, "")
    assert set(told) == SHAPE | set(SHAPES["apply"])
    assert len(told["changes"]) == 7
    assert (told["failed"], told["skipped"], told["rolled_back"]) == ({}, {}, False)
    assert 0 < told["elapsed"] < 60


def test_dry_run_does_nothing_and_exits_0(cli: Cli, shop: str) -> None:
    planned = cli.run("diff", shop).out
    assert cli.ok("apply", shop, "--dry-run") == planned
    assert cli.json("status")["workspaces"] == []


def test_what_runs_is_not_stopped_unasked(cli: Cli, shop: str) -> None:
    cli.ok("apply", shop)
    before = cli.panes()
    changed = cli.write("changed.yaml", MANIFEST.replace("sleep 1001", "sleep 1002"))
    done = cli.run("apply", changed)
    assert (done.code, done.out) == (1, "")
    assert f"this stops what runs: api/server (pid {before['api/server']})" in done.err
    assert "say --yes" in done.err
    assert "say --yes" in cli.json("apply", changed, code=1)["hint"]
    assert cli.panes() == before
    assert "(stops pid" in cli.run("diff", changed).out
    assert "1 replaced" in cli.ok("apply", changed, "--yes")
    after = cli.panes()
    assert after["api/server"] != before["api/server"]
    assert {**after, "api/server": 0} == {**before, "api/server": 0}


def test_a_saved_plan_is_carried_out_once(cli: Cli, shop: str) -> None:
    assert cli.run("diff", shop, "--out", "plan.json").code == 2
    saved = cli.folder / "plan.json"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert json.loads(saved.read_text())["version"] == 1
    assert "7 to create" in cli.ok("apply", "--plan", "plan.json", "--dry-run")
    assert "7 created" in cli.ok("apply", "--plan", "plan.json")
    done = cli.run("apply", "--plan", "plan.json")
    assert done.code == 1
    assert "the saved plan for shop is stale" in done.err
    assert cli.json("apply", "--plan", "plan.json", code=1)["hint"].startswith("make it anew")


def test_a_saved_plan_that_was_edited_is_none(cli: Cli, shop: str) -> None:
    cli.run("diff", shop, "--out", "plan.json")
    saved = cli.folder / "plan.json"
    saved.write_text(saved.read_text().replace("api/server", "api/other"))
    done = cli.run("apply", "--plan", "plan.json")
    assert (done.code, done.out) == (1, "")
    assert "it was changed after it was saved" in done.err
    assert cli.run("diff", shop).code == 2


def test_a_plan_that_is_none(cli: Cli, shop: str) -> None:
    cli.write("plan.json", "[" * 5000)
    for name in ("plan.json", shop, "gone.json"):
        done = cli.run("apply", "--plan", name)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("error: ")
        assert "Traceback" not in done.err
    done = cli.run("diff", shop, "--out", "no/such/folder/plan.json")
    assert done.code == 1
    assert "cannot save the plan" in done.err


def test_target_takes_what_it_needs_and_no_more(cli: Cli, shop: str) -> None:
    assert "api/shell" not in cli.run("diff", shop, "--target", "api/server").out
    cli.ok("apply", shop, "--target", "api/server")
    assert set(cli.panes()) == {"db/server", "api/server"}
    cli.ok("apply", shop, "--target", "@backend")
    assert set(cli.panes()) == {"db/server", "api/server", "api/shell"}
    done = cli.run("apply", shop, "--target", "@nonsense")
    assert done.code == 64
    assert "backend" in done.err


def test_prune_deletes_what_is_declared_no_more(cli: Cli, shop: str) -> None:
    cli.ok("apply", shop)
    less = cli.write("less.yaml", MANIFEST.replace("      - {name: shell}\n", ""))
    done = cli.run("diff", less)
    assert "- pane    api/shell" in done.out
    done = cli.run("apply", less, "--no-prune", "--yes")
    assert done.code == 0
    assert "api/shell" in cli.panes()
    cli.ok("apply", less, "--yes")
    assert "api/shell" not in cli.panes()


def test_adopt_restarts_nothing(cli: Cli, shop: str) -> None:
    cli.tmux("-f", "/dev/null", "new-session", "-d", "-s", "db", "sleep 1000")
    pid = cli.tmux("list-panes", "-t", "db", "-F", "#{pane_pid}").strip()
    done = cli.run("apply", shop)
    assert done.code == 1
    assert 'session "db" is there already and is not orchestra\'s' in done.err
    assert "--adopt takes it over" in cli.json("apply", shop, code=1)["hint"]
    assert cli.run("diff", shop, "--adopt").code == 2
    done = cli.run("apply", shop, "--adopt", "--target", "db", "--no-wait")
    assert (done.code, cli.panes()) == (0, {"db/server": int(pid)})
    assert cli.run("diff", shop, "--target", "db").code == 0


def test_a_failure_stops_and_names_what_was_not_done(cli: Cli) -> None:
    cli.write("never.yaml", NEVER)
    done = cli.run("apply", "never.yaml", "--timeout", "300ms")
    assert done.code == 1
    assert "error: a/one: not healthy within 0.3s" in done.err
    assert "warning: a/two skipped: a/one failed: not healthy within 0.3s" in done.err
    assert "1 failed, 1 skipped" in done.out
    told = cli.json("apply", "never.yaml", "--timeout", "300ms", code=1)
    assert set(told["skipped"]) == {"a/two"}
    assert told["status"] == "error"
    assert [each["severity"] for each in told["diagnostics"]] == ["warning"] or told["failed"]


def test_no_wait_does_not_wait_for_what_nothing_rests_on(cli: Cli) -> None:
    cli.write("never.yaml", NEVER.replace("      - {name: two", "      # - {name: two"))
    assert "started" in cli.run("apply", "never.yaml", "--no-wait").err


def test_rollback_leaves_it_as_it_was(cli: Cli) -> None:
    good = "version: 1\nworkspace: w\nsessions: {a: {panes: [{name: one, command: exec sleep 1000}]}}\n"
    bad = good.replace("sleep 1000}", "sleep 1001}, {name: two, command: 'exit 3', health: {output: never}}")
    cli.ok("apply", cli.write("good.yaml", good))
    done = cli.run("apply", cli.write("bad.yaml", bad), "--yes", "--on-error", "rollback")
    assert done.code == 1
    assert "rolled back: the workspace is as it was" in done.err
    assert cli.run("diff", "good.yaml").code == 0
    assert set(cli.panes()) == {"a/one"}
    done = cli.run("apply", "bad.yaml", "--yes", "--on-error", "rollback", "-o", "json")
    assert done.json["rolled_back"] is True
    assert cli.run("diff", "good.yaml").code == 0


def test_a_group_is_all_or_nothing(cli: Cli) -> None:
    manifest = NEVER + "groups: {g: {sessions: [a]}}\n"
    cli.write("g.yaml", manifest)
    done = cli.run("apply", "g.yaml", "--target", "@g", "--timeout", "200ms")
    assert done.code == 1
    assert "rolled back" in done.err
    assert cli.json("status")["workspaces"] == []


def test_what_could_not_be_made_is_not_counted_as_made(cli: Cli) -> None:
    cli.write(
        "gone.yaml", "version: 1\nworkspace: w\nsessions: {a: {dir: ./gone, panes: [{name: one}]}, b: {}}\n"
    )
    done = cli.run("apply", "gone.yaml", "--on-error", "continue")
    assert done.code == 1
    assert "its directory" in done.err
    assert done.out.startswith("w: 3 created")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_waiting(cli: Cli, number: int) -> None:
    cli.write("never.yaml", NEVER)
    running = cli.start("apply", "never.yaml")
    running.until("waiting  a/one to be healthy: ")
    running.signal(number)
    done = running.done()
    assert (done.code, done.out) == (130, "")
    assert "interrupted; what is done is done" in done.err
    assert "Traceback" not in done.err
    assert "a/one" in cli.panes()
    good = cli.write("good.yaml", NEVER.replace("exit 1", "exit 0"))
    assert cli.run("apply", good).code == 0
    assert cli.run("diff", good).code == 0


def test_interrupted_json(cli: Cli) -> None:
    cli.write("never.yaml", NEVER)
    running = cli.start("apply", "never.yaml", "-o", "json")
    fd = os.open(cli.folder / "begun", os.O_RDWR | os.O_CREAT)
    os.close(fd)
    _until_there(cli, "a/one")
    running.signal(signal.SIGINT)
    done = running.done()
    assert done.code == 130
    assert done.json["status"] == "error"
    assert done.json["message"] == "interrupted"


def _until_there(cli: Cli, address: str) -> None:
    """Each look takes a process's time, so this is no busy loop."""
    for _ in range(2000):
        told = cli.run("get", "panes", "-o", "json").json
        if address in [pane["address"] for pane in told["panes"]]:
            return
    raise AssertionError(f"{address} did not come")


def test_interrupted_while_another_is_at_work(cli: Cli, shop: str) -> None:
    cli.write("never.yaml", NEVER)
    first = cli.start("apply", "never.yaml")
    first.until("waiting  a/one to be healthy: ")
    second = cli.start("apply", shop)
    second.until("is at work here")
    second.signal(signal.SIGINT)
    done = second.done()
    assert (done.code, done.out) == (130, "")
    assert f"apply never (pid {first.process.pid}" in done.err
    assert first.process.poll() is None
    assert "db/server" not in cli.panes()


def test_delete_takes_what_is_owned_and_leaves_what_a_person_opened(cli: Cli, shop: str) -> None:
    cli.ok("apply", shop)
    cli.tmux("split-window", "-d", "-t", "api", "sleep 1003")
    done = cli.run("delete", "shop")
    assert done.code == 1
    assert "this stops what runs" in done.err
    out = cli.ok("delete", "shop", "--yes")
    assert out.startswith("shop: 0 created, 0 updated, 0 replaced, 7 deleted; 0 unchanged in ")
    assert cli.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_start_command}") == 'api "sleep 1003"\n'
    assert cli.json("status")["workspaces"] == []


def test_delete_by_file_and_json(cli: Cli, shop: str) -> None:
    cli.ok("apply", shop)
    told = cli.json("down", shop, "--yes")
    assert set(told) == SHAPE | set(SHAPES["delete"])
    assert told["command"] == "delete"
    assert {change["verb"] for change in told["changes"]} == {"delete"}
    done = cli.run("delete", "shop")
    assert done.code == 64
    assert "no workspace shop on this tmux server" in done.err
    assert cli.ok("delete", shop).startswith("shop: 0 created")


def test_delete_works_when_the_manifest_is_broken(cli: Cli, shop: str) -> None:
    cli.ok("apply", shop)
    cli.write(shop, "{")
    assert cli.run("delete", shop, "--yes").code == 1
    assert "7 deleted" in cli.ok("delete", "shop", "--yes")


def test_progress_that_nobody_reads_stops_nothing(cli: Cli, shop: str) -> None:
    running = cli.start("apply", shop)
    assert running.process.stderr is not None
    running.process.stderr.close()
    assert running.process.stdout is not None
    out = running.process.stdout.read().decode()
    assert running.process.wait() == 0
    assert out.startswith("shop: 7 created")


def test_secrets_are_nowhere(cli: Cli) -> None:
    value = "canary-3f9c"
    cli.write(
        "s.yaml",
        "version: 1\nworkspace: s\nsecrets: {T: {from_env: VALUE}}\n"
        "sessions: {a: {panes: [{name: one, command: 'exec sleep 1000', health: {command: 'test -n \"$T\"'}}]}}\n",
    )
    for words in (["diff", "s.yaml", "--out", "p.json"], ["apply", "s.yaml"], ["apply", "s.yaml", "-o", "json"],
                  ["render", "s.yaml"], ["status"], ["get", "panes", "-o", "json"]):  # fmt: skip
        done = cli.run(*words, VALUE=value)
        assert done.code in (0, 2)
        assert value not in done.out + done.err
    assert value not in Path(cli.folder / "p.json").read_text()
    done = cli.run("diff", "s.yaml", VALUE="another")
    assert "the value of secret T changed" in done.out
    done = cli.run("diff", "s.yaml")
    assert done.code == 1
    assert "the environment variable VALUE is not set" in done.err
