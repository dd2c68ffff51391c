"""`orchestra import` as a person uses it: what is printed loads, applies on a real tmux, and applied again changes nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Cli
from tests.support.cli_reference import SHAPES

PROCFILE = "web: sleep 1000\nworker: echo $PORT; sleep 1001\n"


def layout() -> str:
    """An exact layout for two panes, with the checksum tmux gives it."""
    cells, total = "80x24,0,0{40x24,0,0,0,39x24,41,0,1}", 0
    for byte in cells.encode():
        total = ((total >> 1) + ((total & 1) << 15) + byte) & 0xFFFF
    return f"{total:04x},{cells}"


SAMPLES = {
    "tmuxp": (
        "tmuxp.yaml",
        "session_name: one two\nwindows:\n- window_name: a\n  layout: main-vertical\n  options: {main-pane-width: 60%}\n"
        "  panes: [echo hello, {shell_command: [cd /, 'echo ''{{x}}'''], focus: true}]\n- panes: [{shell: sleep 1000}]\n",
        3,
    ),
    "tmuxinator": (
        "x.tmuxinator.yml",
        "name: x\nroot: .\npre_window: echo before\nwindows:\n- a: {layout: tiled, panes: [echo 1, {named: [echo 2, echo 3]}]}\n"
        "- b: echo <%= ENV['NOT_SET'] || 'there' %>\n",
        3,
    ),
    "teamocil": ("teamocil.yml", "name: t\nwindows: [{name: w, layout: even-h, panes: [echo 1, {commands: [cd /, pwd]}]}]\n", 2),
    "smug": (
        "smug.yml",
        "session: s\nroot: .\nwindows:\n- {name: a, commands: [echo 1], panes: [{type: vertical, commands: [echo 2]}]}\n"
        "- {name: b, manual: true}\n",
        2,
    ),
    "tmux-resurrect": (
        "tmux_resurrect_1.txt",
        "pane\ta\t1\t1\t:*\t0\tt\t:/\t1\tsh\t:\npane\ta\t1\t1\t:*\t1\tt\t:/tmp\t0\ttop\t:top -b -d 1000\n"
        f"window\ta\t1\t:w\t1\t:*\t{layout()}\t:\nstate\ta\t\n",
        2,
    ),
    "procfile": ("Procfile", PROCFILE, 2),
    "docker-compose": (
        "compose.yaml",
        "services:\n  a:\n    command: sleep 1000\n    scale: 2\n    restart: unless-stopped\n    mem_limit: 1g\n    cpus: 4\n"
        "    healthcheck: {test: 'true', interval: 1s}\n"
        "  b:\n    command: [sh, -c, 'exec sleep $$N']\n    environment: {N: 1001}\n    depends_on: {a: {condition: service_healthy}}\n"
        "    stop_signal: INT\n    develop: {watch: [{path: ., action: restart, ignore: ['*']}]}\n"
        "  c: {command: sleep 1002, profiles: [debug]}\n",
        3,
    ),
    "process-compose": (
        "process-compose.yaml",
        "processes:\n  a:\n    command: echo ready; sleep 1000\n    ready_log_line: ready\n"
        "  b:\n    command: sleep 100{{.PC_REPLICA_NUM}}\n    replicas: 2\n    depends_on: {a: {condition: process_log_ready}}\n"
        "    availability: {restart: on_failure, max_restarts: 2}\n    watch: {paths: [{path: src}]}\n"
        "  c: {command: sleep 1, disabled: true}\n"
        "  d: {command: sleep 1003, schedule: {interval: 1h, run_on_start: true}}\n",
        4,
    ),
    "supervisord": (
        "supervisord.conf",
        "[program:a]\ncommand=sleep 100%(process_num)d\nprocess_name=%(program_name)s_%(process_num)02d\nnumprocs=2\n"
        "[program:b]\ncommand=sh -c \"exec sleep $N\"\nenvironment=N=\"1001\"\nstopsignal=INT\n[group:g]\nprograms=a,b\n",
        3,
    ),
    "bridge": (
        "snapshot.json",
        json.dumps(
            {
                "version": "3.1.0",
                "session_name": "dev",
                "saved_at": "2025-10-22T10:30:00Z",
                "layout": {"window_layout": layout()},
                "panes": [
                    {"pane_id": 0, "label": "a", "working_dir": "/", "command": "echo 1", "metadata": {"k": "v"}},
                    {"pane_id": 1, "label": "b", "working_dir": "/tmp", "command": "bash", "environment": {"A": "1"}},
                ],
                "metadata": {"group": "g", "tags": ["t"]},
            }
        ),
        2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_is_imported_applies_and_then_nothing_is_left_to_do(cli: Cli, kind: str) -> None:
    file, text, panes = SAMPLES[kind]
    cli.write(file, text)
    cli.ok("import", file, "--out", "made.yaml")
    first = cli.json("apply", "made.yaml")
    assert first["failed"] == {}
    before = cli.panes()
    assert len(before) == panes
    assert cli.run("diff", "made.yaml").code == 0
    assert "0 created, 0 updated, 0 replaced, 0 deleted" in cli.ok("apply", "made.yaml")
    assert cli.panes() == before


def test_dependencies_of_a_file_of_groups_hold(cli: Cli) -> None:
    cli.write("groups.json", '{"groups": {"g": {"sessions": ["a", "b"]}}, "dependencies": {"b": ["a"]}}')
    cli.ok("import", "groups.json", "--out", "made.yaml")
    cli.ok("apply", "made.yaml", "--target", "@g")
    assert cli.run("diff", "made.yaml").code == 0
    assert "b/0" in cli.ok("graph", "made.yaml")


def test_what_is_asked_for_by_a_variable_starts(cli: Cli) -> None:
    cli.write(
        "compose.yaml", "services: {a: {command: sleep 1000, profiles: [debug]}, b: {command: sleep 1001}}"
    )
    cli.ok("import", "compose.yaml", "--out", "made.yaml")
    cli.ok("apply", "made.yaml", "--var", "profile_debug=true")
    assert {address.partition("/")[2] for address in cli.panes()} == {"a-0", "b"}


def test_results_on_stdout_and_warnings_on_stderr(cli: Cli) -> None:
    cli.write("Procfile", PROCFILE + "what is this\n")
    done = cli.run("import", "Procfile")
    assert done.code == 0
    assert done.out.startswith("# Imported from Procfile (procfile).\nversion: 1\n")
    assert done.err.startswith("warning: `what is this` is left out")
    assert "Procfile:3:1" in done.err
    assert cli.run("validate", "-", text=done.out).code == 0


def test_as_json(cli: Cli) -> None:
    cli.write("Procfile", PROCFILE + "what is this\n")
    told = cli.json("import", "Procfile")
    assert set(told) == {"status", "command", "warnings", *SHAPES["import"]}
    assert (told["command"], told["kind"]) == ("import", "procfile")
    assert told["warnings"][0]["location"]["line"] == 3
    assert told["manifest"] == cli.ok("import", "Procfile")
    told = cli.json("import", "Procfile", "--out", "made.yaml")
    assert set(told) == {"status", "command", "warnings", *SHAPES["import --out"]}
    assert (cli.folder / "made.yaml").read_text() == told["manifest"]


def test_out_is_not_overwritten_unless_told_so(cli: Cli) -> None:
    cli.write("Procfile", PROCFILE)
    cli.write("made.yaml", "mine")
    done = cli.run("import", "Procfile", "--out", "made.yaml")
    assert (done.code, done.out) == (1, "")
    assert "made.yaml is there already\n  hint: --force replaces it" in done.err
    assert (cli.folder / "made.yaml").read_text() == "mine"
    cli.ok("import", "Procfile", "--out", "made.yaml", "--force")
    assert "workspace" in (cli.folder / "made.yaml").read_text()
    assert sorted(path.name for path in cli.folder.glob("*made*")) == ["made.yaml"]
    assert "cannot write" in cli.run("import", "Procfile", "--out", "missing/made.yaml").err
    assert cli.run("import", "Procfile", "--force").code == 64


def test_out_elsewhere_means_the_same_directories(cli: Cli) -> None:
    (cli.folder / "shop" / "web").mkdir(parents=True)
    (cli.folder / "elsewhere").mkdir()
    cli.write("shop/.env", "A=1\n")
    cli.write(
        "shop/process-compose.yaml",
        "processes: {a: {command: sleep 1000, working_dir: web}, b: {command: sleep 1001}}",
    )
    cli.ok("import", "shop/process-compose.yaml", "--out", "elsewhere/made.yaml")
    cli.ok("apply", "elsewhere/made.yaml")
    listed = cli.tmux("list-panes", "-s", "-F", "#{pane_pid}").split()
    folders = {str(Path(f"/proc/{pid}/cwd").readlink()) for pid in listed}
    assert folders == {str(cli.folder / "shop"), str(cli.folder / "shop" / "web")}


def test_the_kind_may_be_said(cli: Cli) -> None:
    cli.write("tasks", "web: echo {a: b\n")
    assert cli.json("import", "tasks", "--from", "foreman")["kind"] == "procfile"
    done = cli.run("import", "-", "--from", "procfile", text=PROCFILE)
    assert "Imported from standard input (procfile)" in done.out
    assert cli.run("import", "tasks", "--from", "make").code == 64
    assert "kind" not in cli.json("import", "missing", code=1)
    cli.write("what.yaml", "a: {b: 1}\n")
    assert "say which one it is with --from" in cli.run("import", "what.yaml").err


def test_nothing_is_run_and_no_server_is_started(cli: Cli) -> None:
    cli.write("x.tmuxinator.yml", "name: x\nwindows: [{a: '<%= `touch pwned` %>'}, {b: '$(touch pwned)'}]\n")
    before = sorted(path.name for path in cli.folder.iterdir())
    done = cli.run("import", "x.tmuxinator.yml")
    assert "Ruby code" in done.err
    assert sorted(path.name for path in cli.folder.iterdir()) == before


def test_names_that_a_terminal_would_obey_are_harmless(cli: Cli) -> None:
    name = "\x1b[31m\nProcfile.dev"
    cli.write(name, PROCFILE)
    done = cli.run("import", name, "--from", "procfile")
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert (
        subprocess.run(
            ["grep", "-c", "^# Imported", "-"], input=done.out, text=True, capture_output=True, check=True
        ).stdout
        == "1\n"
    )
