"""What was typed into shells, saved and brought back: a real daemon that hears it, and shells that know it again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cli
from tests.e2e.test_cli_snapshot import _kept, _reboot
from tests.e2e.test_daemon import found, of, state
from tests.support import live

SHELLS = ("bash", "zsh", "fish")
MANIFEST = "version: 1\nworkspace: w\nsessions:\n  a:\n    panes:   # three kinds\n" + "".join(
    f"      - {{name: {name}, shell: {shutil.which(name)}}}\n" for name in SHELLS
)
CANARY = "cAnArY5ecret"
SECRET = f"curl --token {CANARY} localhost"


@pytest.fixture
def shells(cli: Cli) -> Iterator[Cli]:
    (cli.folder / ".local/share/fish/generated_completions").mkdir(parents=True)
    cli.write(".zshrc", "HISTFILE=~/.zsh_history HISTSIZE=1000 SAVEHIST=1000\n")
    cli.write("w.yaml", MANIFEST)
    cli.ok("daemon", "start")
    cli.ok("apply", "w.yaml")
    yield cli
    cli.ok("daemon", "stop")


def _type(cli: Cli, *lines: str) -> None:
    """Into each of them; returns when the daemon has heard of it."""
    for line in lines:
        for pane in _ids(cli).values():
            cli.tmux("send-keys", "-t", pane, "-l", line)
            cli.tmux("send-keys", "-t", pane, "Enter")
        found(cli, lambda some, line=line: _ran(some, line) == {f"a/{name}" for name in SHELLS})  # type: ignore[misc]


def _ran(some: list[dict[str, Any]], line: str) -> set[str]:
    return {each["address"] for each in of(some, "command.finished") if each["command"] == line}


def _ids(cli: Cli) -> dict[str, str]:
    """By shell."""
    listed = cli.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    return {row.split()[2].partition("/")[2]: row.split()[0] for row in listed}


def _histories(cli: Cli, name: str) -> dict[str, str]:
    return {each.name: each.read_text() for each in (_kept(cli) / name / "history/w").iterdir()}


def test_histories_come_back(shells: Cli) -> None:
    _type(shells, "true one", SECRET, "echo 'last ü'")
    saved = shells.json("snapshot", "save", "--history", "--name", "one")
    assert [each["summary"] for each in saved["warnings"]] == [
        f"left out: a/{name}: 1 line of its history, because it looks as if it held a secret"
        for name in SHELLS
    ]
    assert _histories(shells, "one") == {f"a.{name}": "true one\necho 'last ü'\n" for name in SHELLS}
    assert not shells.json("snapshot", "save", "--history")["new"]
    for path in _kept(shells).rglob("*"):
        assert not path.is_file() or CANARY not in path.read_text()
    text = str(_kept(shells) / "one/w.yaml")
    assert "    panes:   # three kinds\n" in Path(text).read_text()
    shells.ok("diff", text)

    _reboot(shells)
    shells.ok("restore", "one")
    shells.ok("diff", text)
    for pane in _ids(shells).values():
        live.until(lambda pane=pane: _recalls(shells, pane, "last ü"), "what was typed last")  # type: ignore[misc]
        shells.tmux("send-keys", "-t", pane, "C-c")
    shells.ok("snapshot", "save", "--history", "--name", "two")
    assert _histories(shells, "two") == _histories(shells, "one")
    assert Path(text).read_text() == (_kept(shells) / "two/w.yaml").read_text()

    shells.ok("freeze", "w", "--into", "frozen.yaml")
    assert "history" not in (shells.folder / "frozen.yaml").read_text()

    _type(shells, "true three")
    shells.ok("snapshot", "save", "--history", "--name", "three")
    assert set(_histories(shells, "three").values()) == {"true one\necho 'last ü'\ntrue three\n"}
    shells.ok("snapshot", "save", "--name", "without")
    assert "history" not in (_kept(shells) / "without/w.yaml").read_text()


def _recalls(cli: Cli, pane: str, text: str) -> bool:
    """Whether one step back shows it. A second step would pass it by, so a shell that was not ready begins its line anew."""
    cli.tmux("send-keys", "-t", pane, "C-c")
    cli.tmux("send-keys", "-t", pane, "Up")
    try:
        live.until(lambda: text in cli.tmux("capture-pane", "-p", "-t", pane), deadline=2)
    except AssertionError:
        return False
    return True


def test_a_history_of_ones_own(cli: Cli) -> None:
    """A manifest may bring commands along; a snapshot leaves that line as it is, and without a daemon knows what was brought along."""
    cli.write("canned", "make test\n")
    cli.write("w.yaml", MANIFEST.replace("{name: bash,", "{name: bash, history_file: ./canned,"))
    cli.ok("apply", "w.yaml")
    pane = _ids(cli)["bash"]
    live.until(lambda: _recalls(cli, pane, "make test"), "what it knows")
    cli.ok("snapshot", "save", "--name", "one")
    assert "history_file: ./canned," in (_kept(cli) / "one/w.yaml").read_text()
    done = cli.run("snapshot", "save", "--name", "two", "--history")
    assert "no daemon runs" in done.err
    assert _histories(cli, "two") == {"a.bash": "make test\n"}
    assert not list(state(cli).glob("recordings/*/*/history"))
