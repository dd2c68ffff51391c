"""Commands that look at a live server: status, get, attach -o json, doctor, version, and what a shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestra.cli import output
from orchestra.model import status
from orchestra.plan import overview
from tests.e2e.conftest import Cli, Done
from tests.support.cli_reference import SHAPES

MANIFEST = """\
version: 1
workspace: shop
sessions:
  db:
    labels: {tier: data}
    panes: [{name: server, command: "exec sleep 1000", title: "The datäbase", labels: {kind: server}}]
  api:
    windows:
      - name: main
        panes:
          - {name: server, command: "exec sleep 1001"}
          - {name: shell, focus: true}
      - name: jobs
        panes:
          - {name: good, command: "true"}
          - {name: bad, command: "exit 3"}
          - {name: killed, command: "kill -9 $$"}
          - {name: after, command: "true", depends_on: {bad: completed_successfully}}
"""
OTHER = "version: 1\nworkspace: other\nsessions: {web: {panes: [{name: one, command: exec sleep 1000}]}}\n"
SHAPE = {"status", "command"}


@pytest.fixture
def shop(cli: Cli) -> Cli:
    cli.write("shop.yaml", MANIFEST)
    done = cli.run("apply", "shop.yaml", "--on-error", "continue")
    assert "api/after skipped" in done.err
    _until_ended(cli, "api/killed")
    return cli


def _until_ended(cli: Cli, address: str) -> None:
    """Each look takes a process's time, so this is no busy loop."""
    for _ in range(500):
        if _pane(cli, address)["status"] in ("completed", "failed"):
            return
    raise AssertionError(f"{address} did not end")


def _pane(cli: Cli, address: str) -> dict[str, object]:
    rows: list[dict[str, object]] = cli.json("get", "panes")["panes"]
    (found,) = [row for row in rows if row["address"] == address]
    return found


def test_status_is_a_tree(shop: Cli) -> None:
    shop.tmux("split-window", "-d", "-t", "api:jobs", "sleep 1000")
    lines = shop.ok("status").splitlines()
    assert lines[0] == "shop  7 panes: 3 running, 1 waiting, 1 completed, 2 failed"
    assert lines[1].strip() == "api  unhealthy (api/bad: it exited with code 3)"
    assert lines[2].strip() == "api/main"
    rows = {words[0]: words[1:] for line in lines if (words := line.split()) and "/" in words[0]}
    assert rows["api/server"][:2] == ["running", "pid"]
    assert rows["api/good"] == ["completed", "exit", "0"]
    assert rows["api/bad"] == ["failed", "exit", "3"]
    assert rows["api/killed"] == ["failed", "ended", "by", "SIGKILL"]
    assert " ".join(rows["api/after"]).startswith(
        "waiting never started: waits for api/bad (completed successfully)"
    )
    assert "which exited with 3" in " ".join(rows["api/after"])
    assert "The datäbase" in shop.ok("status")
    assert "1 pane that somebody opened" in shop.ok("status")
    assert "  healthy" not in shop.ok("status")  # of what has no check it goes without saying


def test_status_aligns_its_columns(shop: Cli) -> None:
    rows = [line for line in shop.ok("status").splitlines() if "pid" in line]
    assert len({line.index("pid") for line in rows}) == 1


def test_status_json(shop: Cli) -> None:
    told = shop.json("status", "shop")
    assert set(told) == SHAPE | set(SHAPES["status"])
    (workspace,) = told["workspaces"]
    assert (workspace["name"], workspace["running"], workspace["failed"]) == ("shop", 3, 2)
    sessions = {session["address"]: session for session in workspace["sessions"]}
    assert sessions["db"]["labels"] == {"tier": "data"}
    (pane,) = sessions["db"]["windows"][0]["panes"]
    assert pane["title"] == "The datäbase"
    assert pane["pid"] == shop.panes()["db/server"]
    assert 0 <= pane["seconds"] < 600


def test_status_of_one_and_of_none(shop: Cli) -> None:
    shop.ok("apply", shop.write("other.yaml", OTHER))
    assert [each["name"] for each in shop.json("status")["workspaces"]] == ["other", "shop"]
    assert "web/one" not in shop.ok("status", "shop")
    done = shop.run("status", "shpo")
    assert done.code == 64
    assert "there are: other, shop" in done.err
    assert shop.json("status", "shpo", code=64)["status"] == "error"


def test_without_a_server_there_is_nothing_and_none_is_started(cli: Cli) -> None:
    done = cli.run("status")
    assert (done.code, done.out) == (0, "")
    assert f"no workspace on the tmux server {cli.socket}" in done.err
    assert cli.json("status")["workspaces"] == []
    assert cli.json("get", "panes")["panes"] == []
    assert cli.ok("get", "sessions").split() == "ADDRESS WORKSPACE WINDOWS PANES ATTACHED LABELS".split()  # noqa: SIM905
    assert not cli.socket.exists()
    assert not (cli.folder / "state").exists()
    assert cli.run("attach").code == 64


def test_status_tells_what_a_person_did(shop: Cli) -> None:
    shop.tmux("rename-session", "-t", "db", "renamed")
    assert "renamed renamed" in shop.ok("status")
    shop.tmux("new-session", "-d", "-s", "mine", "sleep 1000")
    shop.tmux("join-pane", "-d", "-s", "renamed:", "-t", "mine:")
    assert "its session is gone; panes of it stand elsewhere" in shop.ok("status")
    assert str(_pane(shop, "db/server")["window"]).startswith("mine/")


def test_get_is_a_table_of_whole_words(shop: Cli) -> None:
    head, *rows = shop.ok("get", "panes").splitlines()
    assert head.split() == ["ADDRESS", "WORKSPACE", "STATUS", "PID", "AGE", "TITLE", "LABELS", "DETAIL"]
    found = {row.split()[0]: row.split() for row in rows}
    assert found["api/good"][1:4] == ["shop", "completed", "-"]
    assert found["db/server"][2:4] == ["running", str(shop.panes()["db/server"])]
    assert found["db/server"][-2] == "kind=server"
    column = head.index("STATUS")
    assert {row[column - 1] for row in rows} == {" "}
    assert shop.ok("get", "workspaces").splitlines()[1].split() == ["shop", "2", "7", "3", "1", "1", "2"]
    sessions = [line.split() for line in shop.ok("get", "sessions").splitlines()[1:]]
    assert ["db", "shop", "1", "1", "0", "tier=data"] in sessions


def test_get_json(shop: Cli) -> None:
    for kind, width in (("workspaces", 10), ("sessions", 8), ("panes", 12)):
        told = shop.json("get", kind)
        assert set(told) == SHAPE | set(SHAPES[f"get {kind}"])
        assert {len(row) for row in told[kind]} == {width}
    assert set(told["panes"][0]) == {
        *("address", "workspace", "window", "id", "status", "detail", "pid", "seconds"),
        *("exit_code", "signal", "title", "labels"),
    }
    shop.ok("apply", shop.write("other.yaml", OTHER))
    assert [row["address"] for row in shop.json("get", "panes", "-w", "other")["panes"]] == ["web/one"]


def test_a_forged_mark_is_a_strangers(shop: Cli) -> None:
    pane = shop.tmux("new-session", "-d", "-P", "-F", "#{pane_id}", "-s", "evil", "sleep 1000").strip()
    shop.tmux("set-option", "-p", "-t", pane, "@orchestra_pane", "shop $(touch\x1b[31m) uid - done 0")
    for words in (["status"], ["get", "panes"], ["status", "-o", "json"]):
        done = shop.run(*words)
        assert done.code == 0
        assert "touch" not in done.out
        assert not output._CONTROL.search(done.out)
    assert not any("touch" in word for word in _completed(shop, "attach", ""))


def test_attach_names_the_command(shop: Cli) -> None:
    told = shop.json("attach", "api")
    assert set(told) == SHAPE | set(SHAPES["attach"])
    assert told["argv"][-3:-1] == ["attach-session", "-t"]
    session = shop.tmux("display-message", "-p", "-t", "=api:", "#{session_id}").strip()
    for address in ("api", "api/server", "api/jobs"):
        assert shop.json("attach", address)["argv"][-1] == session
    assert shop.json("attach")["address"] == "api"  # it alone has a focus


def test_attach_without_a_terminal_or_an_address(shop: Cli) -> None:
    done = shop.run("attach", "api")
    assert done.code == 64
    assert "attach needs a terminal" in done.err
    shop.ok("apply", shop.write("other.yaml", OTHER))
    done = shop.run("attach")
    assert done.code == 64
    assert "which one? say the address" in done.err
    assert "there are: api, db, web, " in done.err
    assert "there is no nonsense of orchestra's" in shop.run("attach", "nonsense").err
    done = shop.run("attach", "api", TMUX="/elsewhere/socket,1,0")
    assert done.code == 1
    assert "another tmux server" in done.err


def test_attach_asks_which_workspace(shop: Cli) -> None:
    shop.tmux("rename-session", "-t", "api", "mine")
    shop.ok("apply", shop.write("other.yaml", OTHER.replace("web", "api")))
    done = shop.run("attach", "api", "-o", "json")
    assert done.code == 64
    assert done.json["hint"] == "say which one with --workspace"
    assert shop.json("attach", "api", "-w", "other")["workspace"] == "other"


def test_version(cli: Cli) -> None:
    told = cli.json("version")
    assert set(told) == SHAPE | set(SHAPES["version"])
    asked = subprocess.run(["tmux", "-V"], capture_output=True, text=True, check=True).stdout
    assert f"tmux {told['tmux']}" == asked.strip()
    assert cli.ok("version").split() == [word for pair in list(told.items())[2:] for word in pair]
    assert cli.run("version", "-o", "json", PATH="/nowhere").json["tmux"] is None
    assert told["orchestra"] in cli.ok("--version")


def _checks(done: Done) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in done.json["checks"]}


def test_doctor_when_all_is_well(shop: Cli) -> None:
    told = shop.json("doctor")
    assert set(told) == SHAPE | set(SHAPES["doctor"])
    found = _checks(shop.run("doctor", "-o", "json"))
    assert {each["verdict"] for each in found.values()} <= {"ok", "note"}
    assert "answers on" in found["server"]["summary"]
    assert "tmux#5498" in found["control-clients"]["summary"]
    text = shop.ok("doctor")
    assert "ok       tmux: " in text
    assert max(map(len, text.splitlines())) <= 120


def test_doctor_looks_and_makes_nothing(cli: Cli) -> None:
    found = _checks(cli.run("doctor", "-o", "json"))
    assert "apply starts one" in found["server"]["summary"]
    assert "made when it is needed" in found["state"]["summary"]
    assert not (cli.folder / "state").exists()
    assert not cli.socket.exists()


def test_doctor_without_tmux(cli: Cli) -> None:
    done = cli.run("doctor", "-o", "json", PATH="/nowhere")
    assert done.code == 1
    assert _checks(done)["tmux"]["verdict"] == "error"
    assert "tmux is not installed" in done.json["message"]
    assert cli.run("doctor", PATH="/nowhere").code == 1
    done = cli.run("status", PATH="/nowhere")
    assert done.code == 1
    assert "orchestra doctor" in done.err


@pytest.mark.parametrize(
    ("said", "verdict", "code"),
    [
        ("tmux 3.2", "error", 1),
        ("tmux 2.9a", "error", 1),
        ("tmux 3.2a", "ok", 0),
        ("tmux 3.7c", "ok", 0),
        ("tmux next-3.8", "note", 0),
        ("tmux 4.0", "note", 0),
        ("tmux master", "warning", 0),
        ("", "warning", 0),
    ],
)
def test_doctor_judges_the_version(cli: Cli, said: str, verdict: str, code: int) -> None:
    _fake_tmux(cli, f"echo '{said}'")
    done = cli.run("doctor", "-o", "json", PATH=f"{cli.folder}/bin:{os.environ['PATH']}")
    assert (done.code, _checks(done)["tmux"]["verdict"]) == (code, verdict)


def _fake_tmux(cli: Cli, version: str) -> None:
    (cli.folder / "bin").mkdir()
    script = cli.folder / "bin/tmux"
    real = shutil.which("tmux")
    script.write_text(f'#!/bin/sh\nif [ "$1" = -V ]; then {version}; else exec {real} "$@"; fi\n')
    script.chmod(0o755)


def test_doctor_knows_which_faults_a_version_has() -> None:
    from orchestra.tmux import doctor

    assert len(doctor.faults(doctor.parsed("tmux 3.3a"))) == len(doctor.FAULTS)
    assert len(doctor.faults(doctor.parsed("tmux 3.7"))) == len(doctor.FAULTS) - 1
    assert doctor.faults(None) == doctor.FAULTS


def test_doctor_sees_control_clients_and_an_older_server(shop: Cli) -> None:
    with subprocess.Popen(
        ["tmux", "-S", str(shop.socket), "-C", "attach-session", "-t", "db"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=shop.environ,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        while b"%session-changed" not in client.stdout.readline():
            pass
        done = shop.run("doctor", "-o", "json")
        client.stdin.close()  # how a control client goes
        client.stdout.read()
    assert done.code == 0
    assert _checks(done)["control-clients"]["verdict"] == "warning"
    assert "a control-mode client is attached" in _checks(done)["control-clients"]["summary"]
    _fake_tmux(shop, "echo tmux 3.6b")
    found = _checks(shop.run("doctor", "-o", "json", PATH=f"{shop.folder}/bin:{os.environ['PATH']}"))
    assert "the program is 3.6b" in found["server-version"]["summary"]


def test_doctor_looks_at_directories_locale_and_perl(cli: Cli) -> None:
    cli.ok("apply", cli.write("other.yaml", OTHER))
    found = _checks(cli.run("doctor", "-o", "json"))
    state, runtime = (Path(found[name]["summary"]) for name in ("state", "runtime"))
    assert runtime.is_relative_to(cli.folder / "run")
    runtime.chmod(0o777)
    found = _checks(cli.run("doctor", "-o", "json", LANG="C", LC_ALL="C"))
    assert (found["runtime"]["verdict"], found["locale"]["verdict"]) == ("warning", "warning")
    assert found["state"]["verdict"] == "ok"
    shutil.rmtree(state)
    state.write_text("")
    done = cli.run("doctor", "-o", "json")
    assert done.code == 1
    assert "is not a directory" in _checks(done)["state"]["summary"]


def test_a_server_that_cannot_be_asked_is_an_error_not_an_absence(cli: Cli) -> None:
    cli.socket.write_text("")
    for words in (["status"], ["diff", cli.write("other.yaml", OTHER)], ["doctor"], ["attach", "a"]):
        done = cli.run(*words)
        assert done.code in (0, 1, 2, 64)
        assert "Traceback" not in done.err


# --- completion


def _completed(cli: Cli, *words: str, **environ: str) -> list[str]:
    """What bash would offer for the last word."""
    line = ["orchestra", "-S", str(cli.socket), *words]
    done = cli.run(
        server=False,
        _ORCHESTRA_COMPLETE="bash_complete",
        COMP_WORDS=" ".join(f"'{word}'" if word else "" for word in line),
        COMP_CWORD=str(len(line) - 1),
        env=environ,
    )
    assert (done.code, done.err) == (0, "")
    return [row.partition(",")[2] if row.startswith("plain,") else row for row in done.out.split()]


def test_commands_and_options_are_completed(cli: Cli) -> None:
    assert _completed(cli, "d") == ["daemon", "delete", "diff", "doctor"]
    assert "--target" in _completed(cli, "apply", "--t")
    assert _completed(cli, "graph", "x", "--format", "m") == ["mermaid"]
    assert _completed(cli, "get", "p") == ["panes"]


def test_live_names_are_completed(shop: Cli) -> None:
    shop.ok("apply", shop.write("other.yaml", OTHER))
    assert _completed(shop, "status", "") == ["other", "shop"]
    assert _completed(shop, "get", "panes", "--workspace", "s") == ["shop"]
    assert _completed(shop, "delete", "s") == ["file,s", "shop"]
    offered = _completed(shop, "attach", "api")
    assert {"api", "api/main", "api/jobs", "api/server", "api/after"} <= set(offered)
    assert _completed(shop, "attach", "we") == ["web", "web/one"]


def test_targets_are_completed_from_the_manifest_on_the_line(shop: Cli) -> None:
    manifest = OTHER.replace("web", "'{{ name }}'") + "variables: {name: w}\ngroups: {g: {}}\n"
    shop.write("more.yaml", OTHER + "groups: {g: {sessions: [web]}}\n")
    assert _completed(shop, "apply", "more.yaml", "--target", "") == ["@g", "web", "web/one"]
    assert _completed(shop, "diff", "more.yaml", "--target", "@") == ["@g"]
    shop.write("broken.yaml", manifest + "}")
    assert "db/server" in _completed(shop, "apply", "broken.yaml", "--target", "d")
    assert "db/server" in _completed(shop, "apply", "--target", "d")
    shop.write("orchestra.yaml", OTHER)
    assert _completed(shop, "apply", "--target", "") == ["web", "web/one"]


def test_completion_is_silent_when_something_is_wrong(cli: Cli) -> None:
    assert _completed(cli, "status", "") == []
    assert _completed(cli, "apply", "gone.yaml", "--target", "") == []
    assert _completed(cli, "attach", "", PATH="/nowhere") == []


def test_the_scripts_are_ones_their_shells_take(cli: Cli) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = cli.ok("completion", shell)
        assert "_ORCHESTRA_COMPLETE" in script
        told = cli.json("completion", shell)
        assert set(told) == SHAPE | set(SHAPES["completion"])
        assert told["script"].strip() == script.strip()
        program = shutil.which(shell)
        if program is not None:  # bash always is
            subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_bash_completes(shop: Cli) -> None:
    wrapper = shop.folder / "orchestra"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(shop.argv())} "$@"\n')
    wrapper.chmod(0o755)
    lines = [
        'eval "$(./orchestra completion bash)" 2>/dev/null',
        "compopt() { :; }",
        "COMP_WORDS=(./orchestra attach api/s) COMP_CWORD=2",
        "_orchestra_completion ./orchestra",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        env={**shop.environ, "TMUX": f"{shop.socket},1,0"},
        cwd=shop.folder,
        check=True,
    )
    assert done.stdout.splitlines() == ["api/server", "api/shell"]


def test_every_condition_has_a_tone() -> None:
    from orchestra.cli import table

    assert set(table.TONES) == {str(each) for each in (*overview.Condition, *status.Health)}
