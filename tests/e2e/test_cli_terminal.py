"""The command line in a terminal: questions, what is shown while things come up, colours, and attaching."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Cli

MANIFEST = """\
version: 1
workspace: shop
sessions:
  api: {panes: [{name: server, command: "exec sleep 1000"}, {name: shell}]}
  web: {panes: [{name: one, command: "exec sleep 1000"}]}
"""
NEVER = """\
version: 1
workspace: never
sessions:
  a:
    panes:
      - name: one
        command: "exec sleep 1000"
        health: {command: [sh, -c, "echo not yet, and this is a long line that does not fit >&2; exit 1"], interval: 50ms}
      - {name: two, command: "exec sleep 1001", depends_on: {one: healthy}}
"""
LATE = """\
version: 1
workspace: late
sessions:
  a:
    panes:
      - {name: one, command: "exec sleep 1000", health: {command: [test, -e, there], interval: 50ms}}
      - {name: two, command: "exec sleep 1001", depends_on: {one: healthy}}
"""


@pytest.fixture
def shop(cli: Cli) -> Cli:
    cli.ok("apply", cli.write("shop.yaml", MANIFEST))
    cli.write(
        "changed.yaml",
        MANIFEST.replace('server, command: "exec sleep 1000', 'server, command: "exec sleep 1001'),
    )
    return cli


def test_asked_before_what_runs_is_stopped(shop: Cli) -> None:
    before = shop.panes()
    terminal = shop.terminal("apply", "changed.yaml")
    terminal.asked("Go on? [y/N]: ")
    assert f"(stops pid {before['api/server']})" in terminal.shown
    terminal.type("n\n")
    assert terminal.done() == 1
    assert "nothing was done" in terminal.shown
    assert shop.panes() == before
    terminal = shop.terminal("apply", "changed.yaml")
    terminal.asked("Go on? [y/N]: ")
    terminal.type("y\n")
    assert terminal.done() == 0
    assert "1 replaced" in terminal.shown
    assert shop.panes()["api/server"] != before["api/server"]


def test_the_question_hears_the_first_ctrl_c(shop: Cli) -> None:
    before = shop.panes()
    terminal = shop.terminal("delete", "shop")
    terminal.asked("Go on? [y/N]: ")
    terminal.type("\x03")
    assert terminal.done() == 130
    assert "interrupted" in terminal.shown
    assert shop.panes() == before


def test_declined_json(shop: Cli) -> None:
    terminal = shop.terminal("delete", "shop", "-o", "json")
    terminal.asked("Go on? [y/N]: ")
    terminal.type("n\n")
    assert terminal.done() == 1
    assert '"message": "declined: nothing was done"' in terminal.shown


def test_a_diff_on_a_terminal_says_what_it_is_about(shop: Cli) -> None:
    terminal = shop.terminal("diff", "changed.yaml", env={"NO_COLOR": "1"})
    assert terminal.done() == 2
    assert f"shop, as changed.yaml says, on the tmux server on {shop.socket}:" in terminal.shown
    assert "as changed.yaml" not in shop.run("diff", "changed.yaml").out


def test_what_is_unfinished_is_shown_and_goes_away(cli: Cli) -> None:
    cli.write("late.yaml", LATE)
    terminal = cli.terminal("apply", "late.yaml")
    terminal.until("waits for a/one (healthy)")
    terminal.until("healthy: ")
    cli.write("there", "")
    assert terminal.done() == 0
    lines = [line for line in terminal.shown.replace("\r", "").split("\n") if line]
    assert lines[-1].endswith(" in " + lines[-1].rpartition(" ")[2])
    assert "late: 4 created" in lines[-1]
    assert "\x1b[?25l" not in terminal.shown  # the cursor stays: nobody may live to bring it back


def test_ctrl_c_while_waiting_says_what_was_waited_for(cli: Cli) -> None:
    cli.write("never.yaml", NEVER)
    terminal = cli.terminal("apply", "never.yaml")
    terminal.until("waits for a/one (healthy)")
    terminal.type("\x03")
    assert terminal.done() == 130
    told = terminal.shown.replace("\r", "").split("\n")
    assert any(line.startswith("unfinished") and "a/one" in line for line in told)
    assert any(line.startswith("unfinished") and "waits for a/one" in line for line in told)
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (40, 12), (20, 5), (9, 3)])
def test_what_is_left_on_a_screen_is_readable(cli: Cli, columns: int, rows: int) -> None:
    """tmux is the terminal here: what it shows at the end is what a person sees."""
    cli.write("never.yaml", NEVER)
    with _Screen(cli, columns, rows) as screen:
        text = screen.after("apply", "never.yaml", "--timeout", "900ms")
    shown = text.replace("\n", "")  # where a narrow screen breaks lines is its own business
    assert "started  a/one" in shown
    assert "failed   a/one not healthy within 0.9s" in shown
    assert "skipped  a/two" in shown
    assert "1 failed, 1 skipped" in shown
    assert "waits for" not in shown
    assert shown.count("started  a/one") == 1


class _Screen:
    def __init__(self, cli: Cli, columns: int, rows: int) -> None:
        self._cli = cli
        self._size = ("-x", str(columns), "-y", str(rows))

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._cli.folder / "d"), *words],
            capture_output=True,
            text=True,
            check=True,
            env={**self._cli.environ, "TERM": "xterm-256color"},
        ).stdout

    def __enter__(self) -> _Screen:
        self._tmux("new-session", "-d", *self._size, "sleep 1000")
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def after(self, *words: str) -> str:
        line = " ".join(self._cli.argv(*words))
        socket = self._cli.folder / "d"
        script = f"cd {self._cli.folder}; {line}; printf 'THE END\\n'; tmux -S {socket} wait-for -S end; sleep 1000"
        environment = [
            part for name, value in self._cli.environ.items() for part in ("-e", f"{name}={value}")
        ]
        self._tmux("respawn-pane", "-k", *environment, "-e", "TERM=screen", "sh", "-c", script)
        self._tmux("wait-for", "end")
        while "THE END" not in (text := self._text()).replace("\n", ""):
            pass  # it has been written; tmux has not read it yet
        return text

    def _text(self) -> str:
        return self._tmux("capture-pane", "-p", "-J", "-S", "-200")


def test_attach_shows_the_pane(shop: Cli) -> None:
    terminal = shop.terminal("attach", "api/shell", columns=80, rows=24)
    terminal.until("[api]")
    assert _clients(shop) == ["api"]
    assert shop.tmux("display-message", "-p", "-t", "=api:", "#{@orchestra_pane}").split()[1] == "api/shell"
    shop.tmux("detach-client", "-s", "api")
    assert terminal.done() == 0


def test_attach_inside_tmux_switches(shop: Cli) -> None:
    with _attached(shop, "web"):
        inside = {"TMUX": f"{shop.socket},1,0", "TMUX_PANE": _pane_id(shop, "web/one")}
        done = shop.run("attach", "api/server", server=False, env=inside)
        assert (done.code, done.err) == (0, "")
        assert _clients(shop) == ["api"]
        told = shop.run("attach", "web", "-o", "json", server=False, env=inside).json
        assert told["argv"][-3] == "switch-client"


def test_status_counts_who_is_attached(shop: Cli) -> None:
    with _attached(shop, "web"):
        assert "web  1 client attached" in shop.ok("status")


@contextlib.contextmanager
def _attached(cli: Cli, address: str) -> Iterator[None]:
    terminal = cli.terminal("attach", address, columns=80, rows=24)
    terminal.until(f"[{address}]")
    yield
    cli.tmux("detach-client", "-a")
    for name in _clients(cli):
        cli.tmux("detach-client", "-s", name)
    assert terminal.done() == 0


def _clients(cli: Cli) -> list[str]:
    return cli.tmux("list-clients", "-F", "#{session_name}").split()


def _pane_id(cli: Cli, address: str) -> str:
    rows = [
        row.split(" ")
        for row in cli.tmux("list-panes", "-a", "-F", "#{pane_id} #{@orchestra_pane}").splitlines()
    ]
    (found,) = [row[0] for row in rows if row[2:3] == [address]]
    return found


def test_colours_of_a_plan(shop: Cli) -> None:
    terminal = shop.terminal("diff", "changed.yaml")
    terminal.done()
    assert "\x1b[35m± pane" in terminal.shown
    assert "\x1b" not in shop.run("diff", "changed.yaml").out
