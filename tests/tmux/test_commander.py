"""A pane's shell given commands, and heard to their ends: with shell integration and without, in each shell."""

from __future__ import annotations

import os
import random
import shutil
import string
import threading
from collections.abc import Callable
from datetime import timedelta

import hypothesis
import pytest

from orchestra.daemon import commander, making
from orchestra.model import errors, hand, status
from orchestra.plan import addressing
from tests.support import live

SHELLS = [
    pytest.param(shutil.which(name) or f"{name} is missing", id=name) for name in ("bash", "zsh", "fish")
]
FOREIGN = [
    pytest.param(shutil.which(name) or f"{name} is missing", id=name) for name in ("bash", "dash", "fish")
]
COMMANDS = (
    ("echo hi", ("hi",), 0),
    ("false", (), 1),
    ("sh -c 'exit 7'", (), 7),
    ("sh -c 'exit 255'", (), 255),
    ("sh -c 'kill -9 $$'", None, 137),
    ("printf x", ("x",), 0),
    ("printf 'a\\n\\nb\\n'", ("a", "", "b"), 0),
    ("echo 'it'\"'\"'s' \"quoted\" '#(touch canary)' '$HOME'", ("it's quoted #(touch canary) $HOME",), 0),
    ("no_such_command_here", None, 127),
    ("sh -c 'echo out; echo err >&2; exit 3'", ("out", "err"), 3),
    ("echo zażółć 日本 😀", ("zażółć 日本 😀",), 0),
    ("true", (), 0),
)
LOOPS = {"fish": "for x in 1 2\necho $x\nend", "": "for x in 1 2\ndo echo $x\ndone"}


def times(short: int, long: int) -> int:
    """Long under `make torture`."""
    return long if hypothesis.settings.get_current_profile_name() == "torture" else short


def called(address: str) -> Callable[[status.Server], hand.Meant]:
    return lambda server: addressing.pane(server, address)


class Shell:
    """A shell in a pane, `s/it`."""

    def __init__(self, tmux: live.Live, path: str, *, ours: bool) -> None:
        self.tmux, self.path = tmux, path
        (tmux.folder / ".local/share/fish/generated_completions").mkdir(parents=True)
        (tmux.folder / ".zshrc").touch()  # or zsh asks what to do
        os.environ["SHELL"] = path
        if ours:
            making.session(tmux.assembly, "s", str(tmux.folder), "it")
        else:
            tmux.tmux("new-session", "-d", "-s", "s", "-x", "120", "-y", "40", "-c", str(tmux.folder), path)
            tmux.tmux("set-option", "-pt", "s:", "@orchestra_name", "it")
        self.commander = commander.Commander(tmux.assembly)

    def run(self, command: str, **more: object) -> hand.Ran:
        wish = commander.Wish(command=command, **more)  # type: ignore[arg-type]
        return self.commander.run(called("s/it"), wish)


@pytest.fixture
def start(tmux: live.Live) -> Callable[..., Shell]:
    return lambda path, *, ours: Shell(tmux, path, ours=ours)


@pytest.mark.parametrize("path", SHELLS)
def test_its_own_output_and_how_it_ended(start: Callable[..., Shell], path: str) -> None:
    check(start(path, ours=True))


@pytest.mark.parametrize("path", FOREIGN)
def test_in_a_shell_that_does_not_tell(start: Callable[..., Shell], path: str) -> None:
    check(start(path, ours=False))


def check(shell: Shell) -> None:
    for command, lines, code in COMMANDS:
        ran = shell.run(command)
        assert ran.exit_code == code, (command, ran)
        assert lines is None or ran.lines == lines, (command, ran)
    loop = LOOPS["fish" if "fish" in shell.path else ""]
    assert shell.run(loop).lines == ("1", "2")
    assert not (shell.tmux.folder / "canary").exists()
    # In its own place, not in a shell of its own.
    shell.run("cd /")
    assert shell.run("pwd").lines == ("/",)
    # Nothing is left: no pipe, no file.
    assert (
        shell.tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_pipe} [#{@orchestra_heard}]") == "0 []\n"
    )
    left = [path for path in shell.tmux.folder.rglob("*") if path.parent.name in ("commands", "heard")]
    assert left == []


@pytest.mark.parametrize("ours", [True, False])
def test_the_history_shows_the_commands_and_nothing_of_ours(start: Callable[..., Shell], ours: bool) -> None:
    shell = start(shutil.which("bash"), ours=ours)
    commands = ["echo one", "echo 'two!x'", "for x in 1 2\ndo echo $x\ndone", "false"]
    for each in commands:
        shell.run(each)
    listed = "\n".join(shell.run("history").lines)
    assert "orchestra" not in listed
    assert "7717" not in listed
    for each in ("echo one", "echo 'two!x'", "for x in 1 2", "false"):
        assert listed.count(each) == 1, (each, listed)


def test_a_history_that_leaves_out_what_begins_with_a_space_loses_nothing(
    start: Callable[..., Shell],
) -> None:
    shell = start(shutil.which("bash"), ours=False)
    shell.run("HISTCONTROL=ignorespace:ignoredups")
    for each in ("echo one", "echo two", "echo two"):
        shell.run(each)
    listed = "\n".join(shell.run("history").lines)
    assert "orchestra" not in listed
    assert "echo one" in listed
    assert "HISTCONTROL=" in listed


def test_a_zsh_that_does_not_tell_is_asked_only_if_its_history_may_keep_it(
    start: Callable[..., Shell],
) -> None:
    shell = start(shutil.which("zsh"), ours=False)
    with pytest.raises(errors.Conflict, match="history"):
        shell.run("echo hi")
    assert shell.run("echo hi; sh -c 'exit 4'", history=True).exit_code == 4


def test_what_cannot_take_a_command_is_told(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    tmux = shell.tmux
    shell.run("true")
    tmux.tmux("send-keys", "-t", "s:", "exec sleep 99999", "Enter")
    live.until(lambda: "sleep" in tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_current_command}"))
    with pytest.raises(errors.Conflict, match=r"`sleep 99999` .* has the terminal"):
        shell.run("echo no")
    tmux.tmux("respawn-pane", "-k", "-t", "s:", "bash", "--norc")
    tmux.tmux("send-keys", "-t", "s:", "cat", "Enter")
    live.until(lambda: tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_current_command}") == "cat\n")
    with pytest.raises(errors.Conflict, match=r"`cat` .* has the terminal"):
        shell.run("echo no")
    assert "echo no" not in tmux.tmux("capture-pane", "-p", "-t", "s:")


def test_two_at_once_one_after_the_other_or_not_at_all(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    shell.run("true")
    done: list[hand.Ran] = []
    first = threading.Thread(target=lambda: done.append(shell.run("sleep 0.3; echo first")))
    first.start()
    live.until(
        lambda: shell.tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_current_command}") == "sleep\n"
    )
    assert commander.Commander(shell.tmux.assemble()).run(
        called("s/it"), commander.Wish(command="echo second")
    ).lines == ("second",)
    first.join()
    assert done[0].lines == ("first",)
    busy = threading.Thread(
        target=lambda: done.append(shell.run("sleep 99999", timeout=timedelta(seconds=4)))
    )
    busy.start()
    live.until(
        lambda: shell.tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_current_command}") == "sleep\n"
    )
    with pytest.raises(errors.Conflict, match="another command is given to it"):
        commander.Commander(shell.tmux.assemble()).run(called("s/it"), commander.Wish(command="echo second"))
    shell.tmux.tmux("send-keys", "-t", "s:", "C-c")
    busy.join()
    assert done[1].exit_code == 130


def test_an_open_quote_is_told_and_taken_back(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    with pytest.raises(errors.ActionFailed, match="did not say that it began"):
        shell.run("echo 'open")
    assert shell.run("echo after").lines == ("after",)


@pytest.mark.parametrize("path", [*SHELLS, pytest.param(shutil.which("dash"), id="dash")])
def test_what_somebody_has_half_typed_is_not_run_with_it(start: Callable[..., Shell], path: str) -> None:
    shell = start(path, ours=not path.endswith("dash"))
    shell.run("true")
    shell.tmux.tmux("send-keys", "-t", "s:", "-l", "rm -rf x")
    shell.tmux.tmux("send-keys", "-t", "s:", "Left")
    ran = shell.run("echo clean")
    assert (ran.lines, ran.exit_code) == (("clean",), 0)


def test_a_shell_that_ends_with_its_command(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    shell.run("true")
    shell.tmux.tmux("set-option", "-pt", "s:", "remain-on-exit", "on")
    assert shell.run("exit 5").exit_code == 5


@pytest.mark.parametrize("ours", [True, False])
def test_what_takes_too_long_is_ended(start: Callable[..., Shell], ours: bool) -> None:
    shell = start(shutil.which("bash"), ours=ours)
    soon = timedelta(seconds=0.3)
    ran = shell.run("sleep 99999", timeout=soon)
    assert ran.stopped is hand.Stop.KEY
    assert ran.exit_code in (130, None)
    deaf = "sh -c 'trap \"\" INT; while :; do sleep 1; done'"
    assert shell.run(deaf, timeout=soon, grace=soon).stopped is hand.Stop.TERM
    deafer = "sh -c 'trap \"\" INT TERM; while :; do sleep 1; done'"
    assert shell.run(deafer, timeout=soon, grace=soon).stopped is hand.Stop.KILL
    # A loop of the shell's own is interrupted; the shell is never killed.
    assert shell.run("while :; do :; done", timeout=soon, grace=soon).stopped is hand.Stop.KEY
    assert shell.run("echo alive").lines == ("alive",)


def test_what_was_left_by_one_that_was_killed_is_in_nobodys_way(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    shell.run("true")
    pane = shell.tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_id}").strip()
    shell.tmux.tmux(
        "set-option", "-pt", pane, "@orchestra_heard", "/gone", ";", "pipe-pane", "-t", pane, "cat >/dev/null"
    )
    live.until(lambda: shell.tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_pipe}") == "1\n")
    assert shell.run("echo heard").lines == ("heard",)


def test_a_pane_that_a_person_pipes_is_not_taken_from_them(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    shell.run("true")
    shell.tmux.tmux("pipe-pane", "-t", "s:", "cat >/dev/null")
    with pytest.raises(errors.Conflict, match="pipes"):
        shell.run("echo no")
    assert shell.tmux.tmux("display-message", "-p", "-t", "s:", "#{pane_pipe}") == "1\n"


def test_a_hundred_thousand_lines(start: Callable[..., Shell]) -> None:
    shell = start(shutil.which("bash"), ours=True)
    ran = shell.run("seq 100000; sh -c 'exit 9'")
    assert ran.exit_code == 9
    assert ran.lost == 0
    assert ran.lines == tuple(str(number) for number in range(1, 100_001))


@pytest.mark.torture
@pytest.mark.parametrize("ours", [True, False])
def test_one_command_after_another(start: Callable[..., Shell], ours: bool) -> None:
    """Odd codes, quotes, many lines, much output: each is told of as it was."""
    shell = start(shutil.which("bash"), ours=ours)
    dice = random.Random(5)
    letters = string.printable.replace("\x0b", "").replace("\x0c", "").replace("\r", "").replace("\t", "")
    for number in range(times(12, 1000)):
        code = dice.randrange(256)
        if number % 50 == 7:
            ran = shell.run(f"seq 100000; (exit {code})")
            assert len(ran.lines) == 100_000
        else:
            text = "".join(dice.choices(letters, k=dice.randrange(60)))
            quoted = "'" + text.replace("'", "'\\''") + "'"
            ran = shell.run(f"printf '%s\\n' {quoted}; (exit {code})")
            assert ran.lines == tuple(text.split("\n")), (number, text, ran)
        assert ran.exit_code == code, (number, ran)


def test_a_shell_is_waited_for(start: Callable[..., Shell]) -> None:
    """That reads its user's files yet."""
    os.environ["SHELL"] = str(shutil.which("bash"))
    shell = start(shutil.which("bash"), ours=False)
    (shell.tmux.folder / ".bashrc").write_text("read -t 2.5 -N 1 </dev/tty; PS1='> '\n")
    shell.tmux.tmux("respawn-pane", "-k", "-t", "s:", "bash")
    ran = shell.run("echo late")
    assert (ran.lines, ran.exit_code) == (("late",), 0)
