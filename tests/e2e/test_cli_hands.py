"""Panes, sessions and groups by hand, from the command line: no manifest, no daemon."""

from __future__ import annotations

import pytest
from click import testing

from orchestra.cli import group, lazy, main, pane, session, spellings
from tests.e2e.conftest import Cli
from tests.support import cli_reference


@pytest.fixture
def dev(cli: Cli) -> Cli:
    """A session of two bashes, `dev/main` and `dev/other`."""
    cli.environ["SHELL"] = "/bin/bash"
    cli.ok("session", "create", "dev", "--pane", "main")
    cli.ok("pane", "create", "dev", "other")
    return cli


def test_a_pane_from_its_making_to_its_end(dev: Cli) -> None:
    done = dev.run("-o", "json", "pane", "exec", "--wait", "dev/main", "echo out; sh -c 'exit 3'")
    told = done.json
    assert done.code == 3
    assert set(told) == {"status", "command", *cli_reference.SHAPES["pane exec --wait"]}
    assert (told["output"], told["exit_code"], told["pane_id"]) == ("out", 3, 0)
    done = dev.run("pane", "exec", "--wait", "dev/other", "printf", "%s", "a b;c")
    assert (done.out, done.code) == ("a b;c\n", 0)
    dev.ok("pane", "exec", "dev/main", "sleep 1000")
    told = dev.json("pane", "status", "dev/main")
    assert set(told) == {"status", "command", *cli_reference.SHAPES["pane status"]}
    assert (told["state"], told["current_command"]) == ("running", "sleep 1000")
    assert "has the terminal" in dev.run("pane", "exec", "dev/main", "echo no").err
    dev.ok("pane", "signal", "dev/main", "int")
    assert dev.json("pane", "wait", "dev/main")["exit_code"] == 130
    assert dev.json("pane", "list", "dev", "--count")["count"] == 2
    told = dev.json("pane", "list")
    assert set(told["panes"][0]) == {"session", "pane_id", "address", "id", *cli_reference.SHAPES_OF["pane"]}
    dev.ok("pane", "kill", "dev/other")
    assert [each["address"] for each in dev.json("pane", "list")["panes"]] == ["dev/main"]
    dev.ok("session", "kill", "dev")
    assert dev.json("session", "list")["count"] == 0


def test_a_session_that_is_renamed_while_it_ends_is_not_told_as_ended(dev: Cli) -> None:
    dev.tmux("set-option", "-wt", "dev:", "remain-on-exit", "on")
    dev.tmux("set-hook", "-g", "pane-died", "rename-session -t dev other")
    done = dev.run("session", "kill", "dev")
    assert (done.code, "called otherwise by now" in done.out + done.err) == (1, True)
    assert dev.tmux("list-sessions", "-F", "#{session_name}").split() == ["other"]


def test_what_is_typed_and_found(dev: Cli) -> None:
    done = dev.run("pane", "send-text", "dev/main", "--file", "-", "--enter", text="echo first\necho second")
    assert done.code == 0
    dev.ok("pane", "wait", "dev/main", "--for", "^second$", "--timeout", "30s")
    assert "second" in dev.ok("pane", "capture", "dev/main", "3")
    assert dev.run("pane", "has-pattern", "dev/main", "^first$").code == 0
    assert dev.run("pane", "has-pattern", "dev/main", "^third$").code == 1
    assert dev.json("find", "^(first|second)$")["count"] == 2
    assert dev.run("find", "^third$").code == 1
    for _ in range(2):
        dev.ok("pane", "send-text", "dev/other", "echo once; ", "--once", "a key")
    dev.ok("pane", "send-keys", "dev/other", "Enter")
    dev.ok("pane", "wait", "dev/other", "--for", "^once$", "--timeout", "30s")
    assert dev.json("find", "^once$", "dev")["count"] == 1
    assert dev.run("pane", "send-text", "dev/main").code == 64


def test_no_bell_is_rung_and_what_was_half_typed_is_not_lost(dev: Cli) -> None:
    dev.tmux("new-window", "-t", "=dev:")  # in the window one looks at tmux keeps no flag
    dev.ok("pane", "exec", "--wait", "dev/main", "true")
    dev.ok("pane", "send-text", "dev/main", "echo half")
    assert dev.ok("pane", "exec", "--wait", "dev/main", "echo whole") == "whole\n"
    dev.ok("pane", "send-keys", "dev/main", "C-y", "Enter")
    dev.ok("pane", "wait", "dev/main", "--for", "^half$", "--timeout", "30s")
    assert dev.tmux("display-message", "-p", "-t", "=dev:0", "#{window_bell_flag}").strip() == "0"


def test_panes_of_a_manifest(cli: Cli) -> None:
    cli.environ["SHELL"] = "/bin/bash"
    panes = "{name: loop, command: 'while :; do sleep 1; done'}, {name: shell}, {name: main, command: [sleep, '1000']}"
    cli.write("m.yaml", f"version: 1\nworkspace: w\nsessions: {{a: {{panes: [{panes}]}}}}\n")
    cli.ok("apply", "m.yaml", "--no-wait")
    told = {each["address"]: each for each in cli.json("pane", "list")["panes"]}
    assert told["a/loop"]["state"] == "running"
    assert told["a/loop"]["current_command"].endswith("-c while :; do sleep 1; done")
    assert (told["a/main"]["state"], told["a/main"]["current_command"]) == ("running", "sleep 1000")
    assert told["a/shell"]["state"] == "idle"
    assert "has the terminal" in cli.run("pane", "exec", "a/loop", "echo no").err
    assert cli.run("pane", "exec", "--wait", "a/shell", "echo yes; sh -c 'exit 6'").code == 6
    assert "yes" in cli.ok("logs", "a/1")
    assert cli.json("pane", "status", "a/1")["exit_code"] == 6
    cli.ok("pane", "signal", "a/main", "TERM")
    assert cli.json("pane", "wait", "a/main", "--timeout", "30s")["signal"] == 15
    cli.ok("delete", "w", "--yes")


def test_labels(dev: Cli) -> None:
    dev.ok("label", "dev/main", "owner=ann", "app.kubernetes.io/name=a, b}#")
    assert dev.ok("label", "dev/main", "owner") == "ann\n"
    dev.ok("pane", "label", "dev/main", "owner-")
    assert dev.json("label", "dev/main")["labels"] == {"app.kubernetes.io/name": "a, b}#"}
    done = dev.run("label", "dev/main", "app.kubernetes.io/nam")
    assert done.code == 1
    assert "did you mean app.kubernetes.io/name?" in done.err


def test_groups(dev: Cli) -> None:
    dev.ok("session", "create", "api")
    assert dev.ok("group", "create", "both", "dev", "api") == "both is a group of dev, api\n"
    assert dev.json("group", "list", "both")["sessions"] == ["dev", "api"]
    dev.ok("group", "delete", "both")
    dev.ok("group", "add", "backend", "dev", "api")
    dev.ok("session", "depends", "api", "dev")
    dev.tmux("rename-session", "-t", "=dev", "database")
    assert dev.json("group", "list", "backend")["sessions"] == ["database", "api"]
    done = dev.run("-o", "json", "group", "exec", "--wait", "backend", "basename $PWD; exit_with")
    told = done.json
    assert done.code == 1
    assert [each["exit_code"] for each in told["panes"]] == [127, 127]
    dev.ok("pane", "exec", "database/1", "sleep 1000")
    done = dev.run("group", "exec", "--pane", "1", "backend", "echo no")
    assert done.code != 0
    assert "no pane 1 in api" in done.err
    dev.ok("group", "export", "backend", "--out", "backend.yaml")
    assert "1 file" in dev.ok("validate", "backend.yaml") or "backend.yaml" in dev.ok(
        "validate", "backend.yaml"
    )
    told = dev.json("render", "backend.yaml")["manifest"]
    assert set(told["sessions"]) == {"database", "api"}
    assert "automatic-rename" not in (dev.folder / "backend.yaml").read_text()
    dev.tmux("set-option", "-gw", "automatic-rename", "off")
    dev.tmux("set-option", "-w", "-t", "=database:0", "automatic-rename", "on")
    assert dev.ok("group", "export", "backend").count("automatic-rename") == 1
    assert told["groups"]["backend"]["sessions"] == ["database", "api"]
    dev.tmux("kill-session", "-t", "=api")
    done = dev.run("group", "kill", "backend")
    assert done.code == 1
    assert "there is no session api" in done.err
    assert dev.json("session", "list")["count"] == 1
    dev.ok("group", "remove", "backend", "api")
    dev.ok("group", "kill", "backend")
    assert dev.run("group", "list").out == ""


def test_one_pane_on_a_terminal(dev: Cli) -> None:
    size = dev.tmux("display-message", "-p", "-t", "dev:", "#{window_width}x#{window_height}")
    terminal = dev.terminal("pane", "attach", "dev/other", columns=40, rows=10)
    terminal.until("\x1b[?2026l")
    terminal.type("echo se'e'n\r")
    terminal.until("seen")
    terminal.type("\x02d")
    assert terminal.done() == 0
    assert "dev/other: left" in terminal.shown
    assert dev.tmux("display-message", "-p", "-t", "dev:", "#{window_width}x#{window_height}") == size
    assert dev.tmux("list-clients") == ""
    terminal = dev.terminal("pane-interact", "dev", "other")
    terminal.until("seen")
    terminal.type("\x04")
    assert terminal.done() == 0
    assert "needs a terminal" in dev.run("pane", "attach", "dev/main").err


def test_where_there_is_nothing(cli: Cli) -> None:
    for words in (["pane", "list"], ["session", "list"], ["group", "list"]):
        assert cli.run(*words).code == 0
    for words in (
        ["pane", "exec", "dev/0", "x"], ["session", "kill", "dev"], ["group", "exec", "g", "x"], ["session", "wait-healthy", "x"],
    ):  # fmt: skip
        done = cli.run(*words)
        assert done.code in (1, 64), words
        assert done.err.startswith("error: ")
    assert cli.run("session", "health", "dev").code == 1
    assert not cli.socket.exists()


SLIPS = (
    (["pane", "exce", "a", "b"], "did you mean exec?"),
    (["pane", "signal", "dev/main", "SIGTREM"], "did you mean SIGTERM?"),
    (["pane", "exec", "dev/man", "x"], "did you mean main?"),
    (["pane", "exec", "--timeout", "3s", "dev/main", "x"], "--timeout needs --wait"),
    (["session", "kill", "dve"], "did you mean dev?"),
    (["session", "create", "a.b"], "cannot be a session's name"),
    (["session", "create", "dev"], "there is a session dev already"),
    (["pane", "create", "dev", "main"], "there is a pane main in dev already"),
    (["pane", "create", "dev", "7"], "cannot be a pane's name"),
    (["pane", "has-pattern", "dev/main", "("], "is not a regular expression"),
    (["label", "dev/main", "a b=c"], "cannot be a label's name"),
)


def test_slips(dev: Cli) -> None:
    for words, said in SLIPS:
        done = dev.run(*words)
        assert done.code in (1, 64), words
        assert said in done.err


def test_completion(dev: Cli) -> None:
    dev.ok("group", "add", "backend", "dev")
    dev.ok("label", "dev/main", "owner=ann")

    def offered(*words: str) -> set[str]:
        line = " ".join(["orchestra", "-S", str(dev.socket), *words])
        done = dev.run(
            server=False, _ORCHESTRA_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) + 2)
        )
        return {each.partition(",")[2] for each in done.out.splitlines()}

    assert offered("pane", "exec", "dev/") == {"dev/main", "dev/other"}
    assert offered("group", "exec", "b") == {"backend"}
    assert offered("session", "kill", "d") == {"dev"}
    assert "SIGTERM" in offered("pane", "signal", "dev/main", "SIGT")
    assert offered("label", "dev/main", "o") == {"owner"}


def test_an_old_spelling_answers_in_json_under_its_name(dev: Cli) -> None:
    done = dev.run("pane-status", "dev", "main")
    assert set(done.json) == {"status", "command", "timestamp", *cli_reference.SHAPES["pane status"]}
    assert done.json["command"] == "pane-status"
    for words in (
        ["pane-status", "dev", "nobody"],
        ["pane-status"],
        ["pane-exec", "dev"],
        ["pane-signal", "dev", "0", "X"],
    ):
        done = dev.run(*words)
        assert done.code == 1, words
        assert {"status", "command", "timestamp", "message", "hint"} <= set(done.json)
        assert (done.json["status"], done.json["command"]) == ("error", words[0])
    done = dev.run("pane-status", "-o", "text", "dev", "main")
    assert done.out.startswith("dev/main idle")
    assert dev.run("pane-status", "dev", "dev/main").json["address"] == "dev/main"
    assert "did you mean pane-status?" in dev.run("pane-statsu", "dev", "0").err


@pytest.mark.parametrize("group", [pane.command, session.command, group.command], ids=lambda each: each.name)
def test_every_command_of_a_group_has_help_with_an_example(group: lazy.Group) -> None:
    for name in group.members:
        done = testing.CliRunner().invoke(main.commands, [str(group.name), name, "--help"])
        assert done.exit_code == 0
        assert "Example" in done.output, name


def test_every_old_spelling_has_help_with_an_example() -> None:
    for name in spellings.SPELLINGS:
        done = testing.CliRunner().invoke(main.commands, [name, "--help"])
        assert done.exit_code == 0
        assert f"orchestra {name}" in done.output
