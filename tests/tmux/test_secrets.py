"""A secret's value is where it belongs, in the pane's environment, and nowhere else: canaries, and everywhere one could look."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import live

CANARY = f"canary-{os.getpid()}-{secrets.token_hex(4)}"
"""Another one in each process: tests beside this one may let theirs fly."""
VALUES = {
    "FROM_ENV": f"{CANARY} env; #(touch ran) $(touch ran) 'x' \\",
    "FROM_FILE": f"{CANARY} file é €",
    "FROM_COMMAND": f"{CANARY} command",
    "FROM_ENV_FILE": f"{CANARY} env file",
}

MANIFEST = """
version: 1
workspace: world
secrets:
  FROM_ENV: {{from_env: SOURCE}}
  FROM_FILE: {{from_file: sources/file}}
  FROM_COMMAND: {{from_command: cat sources/command}}
sessions:
  s:
    env_file: [sources/env]
    panes:
      - name: words
        command: [sh, -c, 'env >words; exec sleep {seconds}']
        health: {{command: 'env >probe-{seconds}'}}
        stop: {{command: 'env >stop-{seconds}; kill -TERM $(cat pid)'}}
      - {{name: text, command: 'echo $$ >pid; env >text; exec sleep {seconds}'}}
      - {{name: typed, send_keys: ['env >typed']}}
      - {{name: waits, command: [sh, -c, 'env >waits; exec sleep {seconds}'], depends_on: [words]}}
      - {{name: fails, command: ['/nowhere/program']}}
"""


@pytest.fixture
def canaries(tmux: live.Live) -> Iterator[live.Live]:
    sources = tmux.folder / "sources"
    sources.mkdir()
    (sources / "file").write_text(VALUES["FROM_FILE"] + "\n")
    (sources / "command").write_text(VALUES["FROM_COMMAND"] + "\n")
    (sources / "env").write_text(f"FROM_ENV_FILE='{VALUES['FROM_ENV_FILE']}'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE", VALUES["FROM_ENV"])
        yield tmux
        tmux.cli("daemon", "stop")


class Watch:
    """Reads every command line on the machine, again and again."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.rounds = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            for entry in os.listdir("/proc"):  # noqa: PTH208 - as often as can be
                if entry.isdecimal():
                    with contextlib.suppress(OSError):
                        words = Path(f"/proc/{entry}/cmdline").read_bytes()
                        if CANARY.encode() in words:
                            self.seen.add(words.decode(errors="replace"))
            self.rounds += 1
            self._over.wait(0.002)


def written(folder: Path) -> list[Path]:
    """Everything under HOME in which a value stands, but what is meant to hold one."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "sources" and CANARY.encode() in path.read_bytes():
            found.append(path)
    return found


def told_by_tmux(tmux: live.Live) -> str:
    words: list[list[str]] = [
        ["show-options", "-s"], ["show-options", "-g"], ["show-options", "-gw"], ["show-hooks", "-g"],
        ["show-environment", "-g"], ["show-environment", "-gh"], ["list-buffers"], ["show-messages"], ["list-keys"],
        ["list-panes", "-a", "-F", "#{pane_start_command} #{pane_start_path} #{pane_current_command} #{pane_title}"],
        ["list-commands"], ["display-message", "-ap"],
    ]  # fmt: skip
    for row in tmux.rows():
        words += [
            ["show-options", "-t", row.session_id],
            ["show-environment", "-t", row.session_id],
            ["show-environment", "-ht", row.session_id],
            ["show-options", "-wt", row.window_id],
            ["show-options", "-pt", row.pane_id],
            ["display-message", "-apt", row.pane_id],
            ["capture-pane", "-pS-", "-t", row.pane_id],
        ]
    return "\n".join(tmux.client(*each).stdout for each in words)


def test_nowhere_but_in_the_panes(canaries: live.Live) -> None:
    tmux, path = canaries, canaries.folder / "w.yaml"
    said: list[str] = []
    another = f"{CANARY} another"
    expected = {**VALUES, "FROM_ENV": another}

    def cli(*words: str, code: int) -> None:
        done = tmux.cli(*words)
        said.extend((done.stdout, done.stderr))
        assert done.returncode == code, done.stderr

    with Watch() as watch:
        path.write_text(MANIFEST.format(seconds=1000))
        cli("validate", str(path), code=0)
        cli("render", str(path), code=0)
        cli("diff", str(path), "--out", str(tmux.folder / "plan-1.json"), code=2)
        cli("apply", str(path), "-o", "json", code=0)
        for name in ("words", "text", "typed", "waits"):
            live.until((tmux.folder / name).exists, name)
        path.write_text(MANIFEST.format(seconds=1001))
        cli("diff", str(path), "--out", str(tmux.folder / "plan-2.json"), "-o", "json", code=2)
        cli("apply", "--plan", str(tmux.folder / "plan-2.json"), "--yes", code=0)
        os.environ["SOURCE"] = another
        cli("diff", str(path), code=2)
        cli("apply", str(path), "--yes", code=0)
        for command in (
            ("status",),
            ("get", "panes"),
            ("get", "panes", "-o", "json"),
            ("doctor",),
            ("graph", str(path)),
        ):
            cli(*command, code=0)
        (tmux.folder / "sources" / "file").unlink()
        cli("apply", str(path), "--yes", code=1)

    live.until(lambda: CANARY in (tmux.folder / "waits").read_text())
    for name in ("words", "text", "typed", "waits", "probe-1001", "stop-1000"):
        env = dict(line.split("=", 1) for line in (tmux.folder / name).read_text().split("\n") if "=" in line)
        for key, value in expected.items():
            assert env[key] == value or name in ("stop-1000", "typed"), (name, key)
            assert CANARY in env[key]
    for pattern in ("words", "text", "typed", "waits", "probe-*", "stop-*"):
        for file in tmux.folder.glob(pattern):
            file.unlink()
    assert watch.rounds > 5
    assert watch.seen == set()
    assert CANARY not in "".join(said)
    assert CANARY not in told_by_tmux(tmux)
    assert written(tmux.folder) == []
    assert not list(tmux.folder.rglob("ran"))
    server = live.process(tmux.server_pid())
    assert server is not None
    assert CANARY not in "".join([*server.argv, *server.env.values()])


def test_what_we_look_with_can_see(canaries: live.Live) -> None:
    """The test above fails when a value leaks: here one is leaked into every place it looks at."""
    tmux = canaries
    with Watch() as watch:
        tmux.tmux("new-session", "-d", "sh", "-c", f"sleep 99999; : {CANARY}")
        live.until(lambda: watch.seen)
    for words in (
        ("set-option", "-s", "@x", CANARY),
        ("set-option", "-p", "@x", CANARY),
        ("set-environment", "-h", "X", CANARY),
        ("set-environment", "-g", "X", CANARY),
        ("rename-window", CANARY),
        ("select-pane", "-T", CANARY),
    ):
        before = told_by_tmux(tmux).count(CANARY)
        tmux.tmux(*words)
        assert told_by_tmux(tmux).count(CANARY) > before, words
    (tmux.folder / "state").mkdir(exist_ok=True)
    (tmux.folder / "state" / "log").write_text(CANARY)
    assert written(tmux.folder) == [tmux.folder / "state" / "log"]
