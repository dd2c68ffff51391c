"""Snapshots as a user meets them: saved, the server killed, brought back; and what is never in one."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli, Done
from tests.support import live

SHOP = """\
# The shop.
version: 1
workspace: shop
variables:
  seconds: {default: 1000}   # how long
  token: {default: none}
sessions:
  api:   # what customers see
    windows:
      - name: main
        panes:
          - name: server
            command: "exec sleep {{ seconds }}"
          - name: shell   # for people
"""
STAYS = ': > "$HOME/ran-$1"; while :; do sleep 1000; done\n'
"""Says that it runs, and stays."""


@pytest.fixture
def work(cli: Cli) -> Cli:
    """A session that orchestra never made: a shell in which a program runs, and a pane beside it."""
    cli.write("stays", STAYS)
    (cli.folder / "two words").mkdir()
    _mine(cli, "work", "-n", "main", "-c", str(cli.folder))
    cli.tmux("split-window", "-h", "-t", "=work:main", "-c", str(cli.folder / "two words"))
    here = ("-c", str(cli.folder))
    cli.tmux("new-window", "-d", "-t", "=work:", "-n", "it's {{ x }}", *here, "sh", "stays", "first")
    _type(cli, "=work:main.0", "sh stays typed 'a  b'")
    _until_ran(cli, "first", "typed")
    return cli


def _mine(cli: Cli, name: str, *words: str) -> None:
    cli.tmux("-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", "-s", name, *words)


def _type(cli: Cli, pane: str, line: str) -> None:
    cli.tmux("send-keys", "-t", pane, "-l", line)
    cli.tmux("send-keys", "-t", pane, "Enter")


def _until_ran(cli: Cli, *names: str) -> None:
    live.until(lambda: all((cli.folder / f"ran-{each}").exists() for each in names), f"{names} to run")


def _has_run(cli: Cli) -> list[str]:
    return sorted(each.name.removeprefix("ran-") for each in cli.folder.glob("ran-*"))


def _reboot(cli: Cli) -> None:
    with live.ended(pid := int(cli.tmux("display-message", "-p", "#{pid}"))):
        os.kill(pid, signal.SIGKILL)
    for each in cli.folder.glob("ran-*"):
        each.unlink()


def _manifests(cli: Cli, name: str) -> dict[str, str]:
    found: dict[str, str] = cli.json("snapshot", "show", name)["manifests"]
    return found


def _ids(cli: Cli) -> list[str]:
    return cli.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid}").splitlines()


def _screen(cli: Cli, pane: str) -> str:
    return cli.tmux("capture-pane", "-p", "-J", "-S", "-", "-t", pane)


def _names(cli: Cli) -> list[str]:
    return [each["name"] for each in cli.json("snapshot", "list")["snapshots"]]


def _kept(cli: Cli) -> Path:
    (found,) = (cli.folder / "state/orchestra").glob("*/snapshots")
    return found


# --- there and back


def test_save_kill_restore_save_is_the_same(work: Cli) -> None:
    before = _ids(work)
    saved = work.json("snapshot", "save", "--name", "one")
    assert saved == {
        "status": "success",
        "command": "snapshot",
        "name": "one",
        "path": str(_kept(work) / "one"),
        "new": True,
        "workspaces": ["work"],
    }
    assert work.run("snapshot", "diff", "one") == Done(code=0, out="", err="")
    assert _ids(work) == before  # nothing live is touched
    text = _manifests(work, "one")["work"]
    assert "title: it's {{ '{{' }} x }}" in text
    _reboot(work)
    work.ok("restore", "one", "--run", "all")
    _until_ran(work, "first", "typed")
    live.until(lambda: work.run("snapshot", "diff", "one").code == 0, "the same to be live")
    work.ok("snapshot", "save", "--name", "two")
    assert _manifests(work, "two") == {"work": text}
    assert work.run("snapshot", "diff", "one", "two").code == 0


def test_restoring_again_changes_nothing(work: Cli) -> None:
    work.ok("snapshot", "save", "--name", "one")
    _reboot(work)
    work.ok("restore", "one", "--run", "none")
    panes = _ids(work)
    (path,) = [work.folder / each for each in _kept(work).glob("one/*.yaml")]
    assert work.run("diff", str(path)).code == 0
    assert "0 created, 0 updated, 0 replaced, 0 deleted" in work.ok("restore", "one")
    assert _ids(work) == panes


def test_what_a_person_has_opened_is_left_alone(work: Cli) -> None:
    _mine(work, "other")
    work.ok("snapshot", "save", "--name", "one")
    work.tmux("kill-session", "-t", "=other")
    panes = _ids(work)
    done = work.run("restore", "one")
    assert done.code == 0
    assert "the session work is there already and is left alone" in done.err
    assert set(_ids(work)) > set(panes)
    again = work.json("restore", "one")
    assert [each["workspace"] for each in again["workspaces"]] == ["other", "work"]
    assert [each.get("skipped") for each in again["workspaces"]] == [{}, True]


def test_a_session_of_another_workspace_stops_no_other(cli: Cli) -> None:
    for name in ("api", "zoo"):
        _mine(cli, name)
    cli.ok("snapshot", "save", "--name", "one")
    for name in ("api", "zoo"):
        cli.tmux("kill-session", "-t", f"={name}")
    cli.write("shop.yaml", SHOP)
    cli.ok("apply", "shop.yaml")
    panes = cli.panes()
    done = cli.run("restore", "one")
    assert done.code == 0
    assert "it belongs to the workspace shop" in done.err
    assert cli.panes().items() >= panes.items()
    assert "zoo/0" in cli.panes()


def test_what_runs_is_not_stopped_without_asking(cli: Cli) -> None:
    cli.write("shop.yaml", SHOP)
    cli.ok("apply", "shop.yaml", "--no-daemon")
    cli.ok("snapshot", "save", "--name", "one")
    cli.ok("apply", "shop.yaml", "--var", "seconds=2000", "--yes", "--no-daemon")
    panes = cli.panes()
    done = cli.run("restore", "one")
    assert done.code == 1
    assert "this stops what runs: api/server" in done.err
    assert cli.panes() == panes
    cli.ok("restore", "one", "--yes", "--no-wait")
    assert {name: cli.panes()[name] == pid for name, pid in panes.items()} == {
        "api/server": False,
        "api/shell": True,
    }


def test_the_latest_is_of_before_this_server(cli: Cli) -> None:
    assert cli.run("restore", "--latest").code == 1
    _mine(cli, "old")
    cli.ok("snapshot", "save", "old", "--name", "part")  # not of everything
    none = cli.run("restore", "--latest")
    assert none.code == 1
    assert "say one by its NAME" in none.err
    cli.ok("snapshot", "save", "--name", "all")
    cli.ok("snapshot", "save", "--name", "broken")
    with (_kept(cli) / "broken/old.yaml").open("a") as stream:
        stream.write("# x\n")
    _reboot(cli)
    assert "all, saved " in cli.run("restore", "--latest", "--run", "none").err
    assert cli.panes().keys() == {"old/0"}


def test_only_one_of_them(cli: Cli) -> None:
    for name in ("a", "b"):
        _mine(cli, name)
    cli.ok("snapshot", "save", "--name", "one")
    _reboot(cli)
    cli.ok("restore", "one", "--only", "b")
    assert cli.panes().keys() == {"b/0"}
    plan = cli.json("restore", "one", "--only", "a", "--dry-run")
    assert [each["workspace"] for each in plan["workspaces"]] == ["a"]
    assert cli.panes().keys() == {"b/0"}


# --- what ran in shells


@pytest.mark.parametrize(
    ("words", "settings", "ran", "typed"),
    [
        (("--run", "none"), "", [], False),
        ((), "", [], True),
        (("--run", "ask"), "", [], True),
        (("--run", "all"), "", ["first", "typed"], True),
        (("--run", "allow=sh stays typed *"), "", ["typed"], True),
        ((), "restore: {allow: ['* first']}", ["first"], True),
        ((), "restore: {allow: ['sh *'], remap: {'* typed *': 'sh stays another'}}", ["another", "first"], True),
    ],
)  # fmt: skip
def test_what_becomes_of_what_ran(
    work: Cli, words: tuple[str, ...], settings: str, ran: list[str], typed: bool
) -> None:
    work.ok("snapshot", "save", "--name", "one")
    _reboot(work)
    if settings:
        (work.folder / "config/orchestra").mkdir(parents=True)
        work.write("config/orchestra/config.yaml", f"{settings}\n")
    work.ok("restore", "one", *words)
    _until_ran(work, *ran)
    screens = [_screen(work, pane) for pane in ("=work:0.0", "=work:1.0")]
    assert [bool(re.search(r"sh stays \w", each)) for each in screens] == [typed, typed]
    _type(work, "=work:0.1", "sh ~/stays last")  # whatever was to run has been started before this
    _until_ran(work, "last")
    assert _has_run(work) == sorted([*ran, "last"])


@pytest.mark.parametrize(
    "was",
    [
        r'"sh stays a\nsh stays b\n"',
        r'["sh", "stays\rsh stays a\r"]',
        r'"echo \e[201~\rsh stays a\r"',
        r'"echo \x03sh stays a\x0f"',
    ],
)
def test_a_hostile_file_runs_nothing(cli: Cli, was: str) -> None:
    cli.write("stays", STAYS)
    panes = f"[{{was: {was}, shell: /bin/sh}}, {{was: {was}, shell: /bin/bash}}, {{}}]"
    cli.write("evil.yaml", f"version: 1\nworkspace: evil\nsessions: {{evil: {{panes: {panes}}}}}\n")
    done = cli.run("restore", "evil.yaml", "--run", "allow=sh *", "--run", "allow=echo *")
    assert done.code == 0
    assert done.err.count("is not typed") == 2
    _type(cli, "=evil:0.2", "sh stays last")
    _until_ran(cli, "last")
    assert _has_run(cli) == ["last"]


def test_a_line_that_only_begins_as_allowed_is_not_run(cli: Cli) -> None:
    cli.write("stays", STAYS)
    panes = '[{was: "sh stays a; sh stays b"}, {was: "sh stays c | tee x"}, {was: "sh stays d"}]'
    cli.write("w.yaml", f"version: 1\nworkspace: w\nsessions: {{w: {{panes: {panes}}}}}\n")
    cli.ok("restore", "w.yaml", "--run", "allow=sh *")
    _until_ran(cli, "d")
    _until_typed = [live.until(lambda n=n: "stays" in _screen(cli, f"=w:0.{n}")) for n in (0, 1)]  # type: ignore[misc]
    assert all(_until_typed)
    assert _has_run(cli) == ["d"]


# --- files


def test_out_to_a_file_and_back(work: Cli) -> None:
    shown = work.json("snapshot", "save", "work", "--out", "mine.yaml")
    assert shown == {
        "status": "success",
        "command": "snapshot",
        "files": ["mine.yaml"],
        "workspaces": ["work"],
    }
    assert _names(work) == []
    text = (work.folder / "mine.yaml").read_text()
    refused = work.run("snapshot", "save", "work", "--out", "mine.yaml")
    assert (refused.code, "mine.yaml is there already" in refused.err) == (1, True)
    assert (work.folder / "mine.yaml").read_text() == text
    _reboot(work)
    work.ok("validate", "mine.yaml")
    work.ok("restore", "mine.yaml", "--run", "none")
    assert work.panes().keys() == {"work/0", "work/1", "work/2"}


def test_out_to_a_directory_and_back(cli: Cli) -> None:
    for name in ("a", "b"):
        _mine(cli, name)
    cli.ok("snapshot", "save", "--out", "here")
    assert sorted(each.name for each in (cli.folder / "here").iterdir()) == ["a.yaml", "b.yaml"]
    _reboot(cli)
    wrong = cli.run("restore", "here", "--only", "c")
    assert (wrong.code, "it holds: a, b" in wrong.err) == (64, True)
    cli.ok("restore", "here", "--only", "b")
    assert cli.panes().keys() == {"b/0"}
    cli.ok("restore", "here")
    assert cli.panes().keys() == {"a/0", "b/0"}


def test_what_panes_printed_stands_above_the_prompt(cli: Cli) -> None:
    _mine(cli, "work")
    _type(cli, "=work:0.0", "printf 'hello \\033[31m%s\\033[0m\\n' red; echo END")
    live.until(lambda: "\nEND" in _screen(cli, "=work:0.0"))
    cli.ok("snapshot", "save", "--name", "one", "--scrollback")
    assert not cli.json("snapshot", "save", "--scrollback")["new"]
    cli.ok("snapshot", "save", "--scrollback", "--out", "here")
    for place in (["one"], ["here"]):
        _reboot(cli)
        cli.ok("restore", *place)
        live.until(lambda: "END\n" in _screen(cli, "=work:0.0"))
        shown = _screen(cli, "=work:0.0")
        assert "hello red\n" in shown
        assert shown.rstrip().rpartition("\n")[2].strip() in ("$", "#")
        assert "\x1b[31mred" in cli.tmux("capture-pane", "-e", "-p", "-S", "-", "-t", "=work:0.0")


def test_snapshots_are_for_their_owner_alone(work: Cli) -> None:
    work.ok("snapshot", "save", "--name", "one", "--scrollback")
    for each in _kept(work).rglob("*"):
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600), each


# --- secrets


def test_secrets_are_nowhere(cli: Cli) -> None:
    _mine(cli, "work", "-e", "DB_PASSWORD=canary-1", "-e", "URL=https://me:canary-2@x", "-e", "PLAIN=kept")
    cli.tmux("set-option", "-w", "-t", "=work:", "@api-token", "canary-3")
    cli.tmux("set-option", "-p", "-t", "=work:", "@x", "postgres://me:canary-4@db")
    cli.tmux("select-pane", "-t", "=work:", "-T", "tool --password canary-5")
    words = [
        ("tool", "--token", "canary-6"),
        ("mysql", "-pcanary-7"),
        ("curl", "-H", "X-Api-Key: canary-8"),
        ("sh", "-c", "PGPASSWORD=canary-9 psql"),
    ]
    for each in words:
        cli.tmux("new-window", "-d", "-t", "=work:", "perl", "-e", "sleep 1000", "--", *each)
    _type(cli, "=work:0.0", "perl -e '$| = 1; print qq(up\\n); sleep 1000' -- --key 'canary-10' | cat")
    live.until(lambda: "\nup" in _screen(cli, "=work:0.0"))
    done = cli.run("snapshot", "save", "--name", "one")
    assert done.code == 0
    assert "the variable DB_PASSWORD, because it looks like a secret" in done.err
    text = cli.ok("snapshot", "show", "one")
    assert "PLAIN: kept" in text
    assert "sleep 1000" not in text
    cli.write("into.yaml", "version: 1\nworkspace: into\nsessions: {}\n")
    told = [
        done.out + done.err,
        text,
        cli.ok("snapshot", "save", "--out", "out.yaml", "-o", "json"),
        cli.ok("snapshot", "list", "-o", "json"),
        cli.ok("freeze", "work", "--into", "new.yaml"),
        *(each.read_text() for each in cli.folder.rglob("*.yaml")),
        *(each.read_text() for each in (cli.folder / "state").rglob("*") if each.is_file()),
    ]
    assert not re.findall(r"canary-\d+", "\n".join(told))
    assert len(cli.json("snapshot", "show", "one")["left_out"]) >= 6


def test_a_manifests_secrets_are_not_written_out(cli: Cli) -> None:
    shop = SHOP.replace("shell   #", "shell\n            env: {API_TOKEN: '{{ token }}'}   #")
    cli.write("shop.yaml", shop)
    cli.ok("apply", "shop.yaml", "--var", "token=canary-1", "--no-daemon")
    kept = cli.run("snapshot", "save", "--name", "kept")
    assert "left out: shop: the variable token, because it looks like a secret" in kept.err
    assert "{{ token }}" in _manifests(cli, "kept")["shop"]
    cli.write("more.yaml", "sessions: {more: {panes: [{name: x, command: tool --password canary-2}]}}\n")
    cli.write("shop.yaml", shop.replace("workspace: shop", "workspace: shop\ninclude: [./more.yaml]"))
    cli.run("apply", "shop.yaml", "--var", "token=canary-1", "--no-daemon", "--yes", "--no-wait")
    full = cli.run("snapshot", "save", "--name", "full")
    assert "left out: api/shell: the variable API_TOKEN, because it looks like a secret" in full.err
    assert not re.findall(r"canary-\d", full.err + "".join(_manifests(cli, "full").values()))
    assert not [each for each in _kept(cli).rglob("*.*") if each.is_file() and b"canary" in each.read_bytes()]


# --- a workspace's own text, and freeze


def test_a_workspaces_text_is_kept(cli: Cli) -> None:
    cli.write("shop.yaml", SHOP)
    cli.ok("apply", "shop.yaml", "--var", "seconds=2000", "--no-daemon")
    cli.ok("snapshot", "save", "--name", "one")
    saved = f"saved:\n  manifest: {cli.folder}/shop.yaml\n  variables:\n    seconds: 2000\n"
    assert _manifests(cli, "one") == {"shop": SHOP + saved}
    assert cli.run("diff", str(_kept(cli) / "one/shop.yaml")).code == 0
    (cli.folder / "shop.yaml").unlink()
    _reboot(cli)
    cli.ok("restore", "one", "--no-wait")
    cli.ok("snapshot", "save", "--name", "two")
    assert cli.run("diff", str(_kept(cli) / "one/shop.yaml")).code == 0


def test_freeze_keeps_comments_and_tells_conflicts(cli: Cli) -> None:
    cli.write("shop.yaml", SHOP)
    cli.ok("apply", "shop.yaml", "--no-daemon")
    cli.tmux("new-window", "-t", "=api:", "-n", "mine", "-c", "/usr")
    other = SHOP.replace("exec sleep {{ seconds }}", "exec sleep 7")
    cli.write("mine.yaml", other)
    dry = cli.run("freeze", "shop", "--into", "mine.yaml", "--dry-run")
    assert dry.code == 0
    assert "+      - name: mine\n" in dry.out
    assert (cli.folder / "mine.yaml").read_text() == other
    shown = cli.json("freeze", "shop", "--into", "mine.yaml")
    assert (shown["added"], shown["written"]) == (["window api/mine"], True)
    (conflict,) = shown["warnings"]
    assert conflict["summary"] == "`command` of api/server is not what is live"
    assert "`exec sleep 1000`" in conflict["detail"]
    text = (cli.folder / "mine.yaml").read_text()
    assert text.startswith(other)  # every byte that was there
    cli.ok("validate", "mine.yaml")
    assert not cli.json("freeze", "shop", "--into", "mine.yaml")["written"]
    assert (cli.folder / "mine.yaml").read_text() == text


def test_freeze_of_a_session_that_is_nobodys(work: Cli) -> None:
    work.tmux("set-option", "-w", "-t", "=work:main", "automatic-rename", "on")
    first = work.json("freeze", "work", "--into", "new.yaml")
    assert first == {
        "status": "success",
        "command": "freeze",
        "file": "new.yaml",
        "added": ["session work"],
        "written": True,
    }
    again = work.run("freeze", "work", "--into", "new.yaml")
    assert again == Done(code=0, out="new.yaml: nothing to add\n", err="")


# --- the daemon


@pytest.fixture
def saving(cli: Cli) -> Iterator[Cli]:
    _mine(cli, "work")
    yield cli
    cli.ok("daemon", "stop")


def _only_one(saving: Cli) -> None:
    """In the old bridge's words."""
    _mine(saving, "other")
    assert "did you mean other?" in saving.run("snapshot", "autosave", "on", "othr").err
    told = saving.run("-o", "json", "session-autosave", "other", "60").json
    assert [(row["workspace"], row["every"]) for row in told["autosave"]] == [("other", 60.0)]
    saving.tmux("rename-window", "-t", "=other:", "mine")
    live.until(lambda: set(saving.json("snapshot", "list")["snapshots"][0]["workspaces"]) == {"other"})
    assert "snapshots of other every 1m" in saving.ok("snapshot", "autosave", "status")
    assert saving.run("-o", "json", "session-autosave-stop", "other").json["autosave"] == []


def test_the_daemon_saves_what_changed(saving: Cli) -> None:
    assert saving.json("snapshot", "autosave", "status") == {
        "status": "success",
        "command": "snapshot",
        "daemon": False,
        "autosave": [],
    }
    on = saving.json("snapshot", "autosave", "on", "--every", "1h", "--keep", "2")
    (row,) = on["autosave"]
    assert row == {
        "workspace": None,
        "every": 3600.0,
        "keep": 2,
        "max_age": 604800.0,
        "scrollback": False,
        "history": False,
    }
    assert on["daemon"]
    saving.tmux("rename-window", "-t", "=work:", "changed")
    follow = saving.start("events", "--follow", "--after", "0", "--type", "snapshot.saved", "-o", "json")
    names = []
    while True:
        event = json.loads(follow.line())
        assert event["type"] == "snapshot.saved"
        assert event["workspaces"] == {"work": 1}
        names.append(event["name"])
        if "changed" in _manifests(saving, event["name"])["work"]:
            break
    follow.signal(signal.SIGINT)
    follow.done()
    assert names[-1].endswith("-auto")
    assert _names(saving)[0] == names[-1]
    assert saving.json("snapshot", "list")["snapshots"][0]["automatic"]
    none = saving.run("restore", "--latest")  # of this very server
    assert (none.code, "before this server ran" in none.err) == (1, True)
    assert saving.ok("snapshot", "autosave", "off") == "autosave is off\n"
    _only_one(saving)
    saving.ok("daemon", "stop")
    _reboot(saving)
    _mine(saving, "fresh")
    saving.ok("restore", "--latest")
    listed = saving.tmux("list-windows", "-a", "-F", "#{session_name} #{window_name}").splitlines()
    assert "work changed" in listed


def test_the_latest_of_workspaces_that_are_saved_by_themselves(cli: Cli) -> None:
    """Beside the newest of everything, and without any; but not of what was deleted."""
    for name, more in (
        ("one", "snapshots: {autosave: 1h}\n"),
        ("two", "snapshots: {autosave: 1h}\n"),
        ("other", ""),
    ):
        text = f"version: 1\nworkspace: {name}\n{more}sessions: {{{name}: {{panes: [{{name: p}}]}}}}\n"
        cli.write(f"{name}.yaml", text)
    cli.ok("apply", "other.yaml")
    cli.ok("snapshot", "save", "--name", "all")
    for name in ("one", "two"):
        cli.ok("apply", f"{name}.yaml")
    live.until(lambda: sum(each.endswith("-auto") for each in _names(cli)) >= 2, "both to be saved")
    cli.ok("delete", "two", "--yes")
    _reboot(cli)
    told = cli.run("restore", "--latest", "--run", "none")
    assert told.code == 0
    assert "-auto, saved " in told.err
    assert {address.partition("/")[0] for address in cli.panes()} == {"one", "other"}
    _reboot(cli)
    cli.ok("snapshot", "delete", "all")
    cli.ok("restore", "--latest", "--run", "none")
    assert {address.partition("/")[0] for address in cli.panes()} == {"one"}
    none = cli.run("restore", "--latest", "--only", "one", "--only", "wrok")
    assert (none.code, "none of wrok" in none.err) == (1, True)
    cli.ok("daemon", "stop")


REFUSALS: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("save", "wrok"), 64, "did you mean work?"),
    (("save", "work", "--all"), 64, "not both"),
    (("save", "--name", "../x"), 64, "cannot be the name"),
    (("save", "--name", "one"), 1, 'there is a snapshot "one" already'),
    (("save", "--name", "x", "--out", "y"), 64, "--name is for a snapshot that is kept"),
    (("save", "--out", "stays/x.yaml"), 1, "cannot write stays/x.yaml"),
    (("show", "onee"), 1, "did you mean one?"),
    (("show", "zzz"), 1, 'there is no snapshot "zzz"'),
    (("show", "one", "wrok"), 64, "it holds: work"),
    (("diff", "zzz"), 1, 'there is no snapshot "zzz"'),
    (("delete", "one", "zzz"), 1, 'there is no snapshot "zzz"'),
    (("delete",), 64, "NAME"),
    (("autosave", "on", "--every", "0s"), 64, "longer than nothing"),
    (("autosave", "maybe"), 64, "maybe"),
    (("restore",), 64, "say which snapshot"),
    (("restore", "one", "--latest"), 64, "say which snapshot"),
    (("restore", "one", "--run", "some"), 64, "one of none, ask and all"),
    (("restore", "one", "--run", "all", "--run", "none"), 64, "one of none, ask and all"),
    (("restore", "one", "--only", "wrok"), 64, "it holds: work"),
    (("restore", "none.yaml"), 1, "there is no file none.yaml"),
    (("restore", "mine.yaml", "--only", "x"), 64, "a file is one workspace"),
    (("restore", "two words"), 64, "there is no manifest in two words"),
    (("restore", "./two words"), 64, "there is no manifest in two words"),
)


# --- JSON, words, refusals


def test_shapes(work: Cli) -> None:
    work.ok("snapshot", "save", "--name", "one")
    (row,) = work.json("snapshot", "list")["snapshots"]
    shown = work.json("snapshot", "show", "one")
    assert {**row, "status": "success", "command": "snapshot", "manifests": shown["manifests"]} == shown
    assert row.keys() == {
        "name", "path", "time", "automatic", "bytes", "problem", "workspaces", "left_out",
    }  # fmt: skip
    assert row["workspaces"] == {"work": {"sessions": 1, "windows": 2, "panes": 3}}
    work.tmux("kill-pane", "-t", "=work:main.1")
    differences: list[Any] = work.json("snapshot", "diff", "one", code=2)["differences"]
    assert differences[:2] == ["--- one/work.yaml", "+++ live/work.yaml"]
    plan = work.json("restore", "one", "--adopt", "--dry-run")
    assert plan["dry_run"] is True
    assert [each["workspace"] for each in plan["workspaces"]] == ["work"]
    assert work.json("snapshot", "delete", "one")["deleted"] == ["one"]
    assert work.json("snapshot", "list")["snapshots"] == []


def test_what_is_damaged_is_told_and_never_used(work: Cli) -> None:
    work.ok("snapshot", "save", "--name", "good")
    work.ok("snapshot", "save", "--name", "bad")
    (_kept(work) / "bad/work.yaml").write_text("version: 1\n")
    for words in (("show", "bad"), ("diff", "bad"), ("restore", "bad")):
        done = work.run("snapshot", *words)
        assert done.code == 1
        assert 'snapshot "bad" is damaged' in done.err
        assert "the one before it is sound: good" in done.err
    assert "bad" in work.ok("snapshot", "list")


def test_refusals(work: Cli) -> None:
    work.ok("snapshot", "save", "--name", "one")
    work.ok("snapshot", "save", "--out", "mine.yaml")
    before = _ids(work)
    for words, code, said in REFUSALS:
        done = work.run("snapshot", *words)
        assert (done.code, said in done.err) == (code, True), (words, done)
    assert _ids(work) == before
    assert _names(work) == ["one"]


def test_without_a_server_there_is_nothing_to_save(cli: Cli) -> None:
    done = cli.run("snapshot", "save")
    assert (done.code, "no tmux server is running" in done.err) == (1, True)
    assert not cli.socket.exists()
    assert cli.run("snapshot", "list").code == 0


def test_asked_from_a_pane_of_that_server_it_is_not_what_ran_there(cli: Cli) -> None:
    _mine(cli, "work")
    words = " ".join(cli.argv("snapshot", "save", "--name", "inside"))
    _type(cli, "=work:0.0", f"cd {Path(__file__).parents[2]}; {words} | cat")
    live.until(lambda: "inside: saved" in _screen(cli, "=work:0.0"))
    assert "was:" not in _manifests(cli, "inside")["work"]
