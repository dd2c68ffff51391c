"""The command line itself: help, slips, output, and what starting costs. No tmux is asked."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from orchestra.cli import main, output
from tests.e2e.conftest import Cli
from tests.support import cli_reference

MANIFEST = "version: 1\nworkspace: words\nsessions: {a: {panes: [{name: one, command: sleep 1000}]}}\n"
HEAVY = ("asyncio", "jinja2", "jsonschema", "libtmux", "networkx", "psutil", "rich", "yaml")


def test_help_lists_every_command(cli: Cli) -> None:
    text = cli.ok("--help")
    assert all(name in text for name in main.COMMANDS)
    assert cli.run("-h").out == text


@pytest.mark.parametrize("name", [*main.COMMANDS, *main.ALIASES])
def test_every_command_has_help_with_an_example(cli: Cli, name: str) -> None:
    text = cli.ok(name, "--help")
    assert "Example" in text
    assert "orchestra " + main.ALIASES.get(name, name) in text


def test_every_command_of_a_command_has_help_with_an_example() -> None:
    parts = cli_reference.page().split("\n### orchestra ")[1:]
    assert len(parts) > 50
    assert [part.split("\n", 1)[0] for part in parts if "Example" not in part.split("\n```\n")[0]] == []


def test_the_reference_is_fresh() -> None:
    assert cli_reference.PAGE.read_text(encoding="utf-8") == cli_reference.page(), (
        "run .venv/bin/python -m tests.support.cli_reference"
    )


def test_without_a_command_help_is_printed_and_it_is_a_mistake(cli: Cli) -> None:
    done = cli.run(server=False)
    assert (done.code, done.out) == (64, "")
    assert "Usage: orchestra" in done.err
    assert "command" in cli.json(code=64)["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["aply"], 'no such command "aply"\n  hint: did you mean apply?'),
        (["ps"], "did you mean status?"),
        (["zzz"], "orchestra --help lists the commands"),
        (["diff", "--tagret", "a"], "no such option --tagret\n  hint: did you mean --target"),
        (["diff", "a.yaml", "b.yaml"], "unexpected extra argument"),
        (["get"], "orchestra get --help says more"),
        (["get", "pane"], "'pane' is not one of"),
        (["apply", "x", "--timeout", "soon"], "not a duration"),
        (["apply", "x", "--timeout", "99999999d"], "longer than anybody waits"),
        (["apply", "x", "--plan", "y"], "not both"),
        (["apply", "--plan", "y", "--target", "a"], "a saved plan is carried out as it is"),
        (["-o", "yaml", "status"], "'yaml' is not one of"),
        (["diff", "--var", "novalue"], "expected NAME=VALUE"),
    ],
)
def test_a_wrong_command_line_is_told_with_a_hint_and_exits_64(cli: Cli, words: list[str], said: str) -> None:
    done = cli.run(*words)
    assert (done.code, done.out) == (64, "")
    assert said in done.err
    assert done.err.startswith("error: ")
    told = cli.run(*words, "-o", "json")
    assert told.code == 64
    if "yaml" not in words:
        assert told.json["status"] == "error"
        assert told.json["diagnostics"][0]["severity"] == "error"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["-o", "json", "-L", "diff", "down"], "delete"),
        (["-o", "json", "-S", "x", "--nonsense"], ""),
        (["diff", "-o", "text", "missing", "-ojson"], "diff"),
    ],
)
def test_json_names_the_command_however_wrong_the_words_are(cli: Cli, words: list[str], command: str) -> None:
    done = cli.run(*words, server=False)
    assert done.code != 0
    assert done.json["status"] == "error"
    assert done.json["command"] == command


def test_the_last_o_counts(cli: Cli) -> None:
    done = cli.run("validate", "missing.yaml", "-o", "json", "-o", "text")
    assert done.out == ""
    assert "there is no file missing.yaml" in done.err


def test_without_a_file_the_usual_names_are_looked_for(cli: Cli) -> None:
    for name in ("validate", "diff", "apply", "delete", "render", "graph"):
        done = cli.run(name)
        assert done.code == 64
        assert "there is no orchestra.yaml or orchestra.yml in" in done.err
    cli.write("orchestra.yml", MANIFEST)
    assert "1 pane)" in cli.ok("validate")
    cli.write("orchestra.yaml", MANIFEST.replace("words", "other"))
    assert "other" in cli.ok("render")
    assert "a/one" in cli.ok("graph")


def test_a_missing_file_is_told_with_what_may_be_meant(cli: Cli) -> None:
    cli.write("shop.yaml", MANIFEST)
    done = cli.run("diff", "shpo.yaml")
    assert done.code == 1
    assert "there is no file shpo.yaml" in done.err
    assert "did you mean shop.yaml?" in done.err
    assert "there is no directory elsewhere either" in cli.run("diff", "elsewhere/a.yaml").err
    assert f"paths begin at {cli.folder}" in cli.run("diff", "zzzzzzzz").err


def test_hostile_words_reach_the_terminal_harmless(cli: Cli) -> None:
    evil = "\x1b[31m\x9b31m\u202eevil"
    for words in (
        [evil],
        ["diff", evil],
        ["status", evil],
        ["diff", "--" + evil],
        ["get", evil],
        ["delete", evil],
    ):
        for more in ([], ["-o", "json"]):
            done = cli.run(*words, *more)
            assert done.code != 0
            for text in (done.out, done.err):
                assert not output._CONTROL.search(text), (words, text)
            if more:
                assert json.loads(done.out)["status"] == "error"


def test_a_reader_that_goes_away_is_no_traceback(cli: Cli) -> None:
    line = " ".join([sys.executable, "-m", "orchestra", "schema", "|", "head", "-c", "1"])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        capture_output=True,
        text=True,
        env=cli.environ,
        check=False,
    )
    assert done.stdout == "{"
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_closed_streams_are_no_traceback(cli: Cli) -> None:
    line = f"{sys.executable} -m orchestra version"
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&-"):
        done = subprocess.run(
            ["bash", "-c", f"{line} {closed}"], capture_output=True, text=True, env=cli.environ, check=False
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == 0


def test_a_locale_without_letters_for_it_still_prints(cli: Cli) -> None:
    cli.write("a.yaml", MANIFEST.replace("version", "description: Ünïcode →\nversion"))
    done = cli.run("render", "a.yaml", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.code == 0
    assert "description" in done.out


def test_colours_on_a_terminal_only(cli: Cli) -> None:
    def shown(**environ: str) -> str:
        terminal = cli.terminal("diff", "nothing.yaml", env=environ)
        assert terminal.done() == 1
        return terminal.shown

    assert "\x1b[31m" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in shown(TERM="dumb")
    assert "\x1b" not in cli.run("diff", "nothing.yaml").err


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in main.COMMANDS), ["--version"]])
def test_help_loads_nothing_heavy(cli: Cli, words: list[str]) -> None:
    assert _loaded(cli, *words) == set()


def test_looking_loads_nothing_that_only_doing_needs(cli: Cli) -> None:
    manifest = MANIFEST + "groups: {all: {sessions: [a]}}\n"
    cli.write("a.yaml", manifest.replace("sleep 1000}", "sleep 1000}, {name: two, depends_on: [one]}"))
    cli.ok("apply", "a.yaml")
    assert _loaded(cli, "diff", "a.yaml") == {"yaml"}
    assert _loaded(cli, "status") == set()
    assert _loaded(cli, "get", "panes") == set()
    assert _loaded(cli, "attach", "a", "-o", "json") == set()
    assert _loaded(cli, "apply", "a.yaml") == {"asyncio", "yaml"}


def _loaded(cli: Cli, *words: str) -> set[str]:
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "orchestra", "-S", str(cli.socket), *words],
        capture_output=True,
        text=True,
        env=cli.environ,
        cwd=cli.folder,
        check=True,
    ).stderr
    modules = {
        line.rpartition("|")[2].strip() for line in listed.splitlines() if line.startswith("import time")
    }
    return {name for name in HEAVY if name in modules}
