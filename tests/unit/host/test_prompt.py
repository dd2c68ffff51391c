from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.host import prompt
from tests.unit.host import until

SHELLS = [("bash", "--noprofile", "--rcfile", "{rc}", "-i"), ("sh", "-i"), ("dash", "-i")]
ATTACH = """
import fcntl, os, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for fd in range(3):
    os.dup2(terminal, fd)
os.close(terminal)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Terminal:
    """A shell on a terminal of its own, as tmux gives it one."""

    def __init__(self, shell: tuple[str, ...], rc: Path) -> None:
        self.screen, inside = os.openpty()
        self.tty = os.ttyname(inside)
        argv = [word.format(rc=rc) for word in shell]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", ATTACH, self.tty, *argv],
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "ENV": str(rc), "HOME": str(rc.parent), "TERM": "xterm"},
        )
        # The shell may be slow to open it; a terminal nobody holds open forgets its modes.
        self.inside = inside

    def shows_prompt(self) -> bool:
        self.drain()
        return prompt.is_shown(self.process.pid, self.tty)

    def type(self, line: str) -> None:
        os.write(self.screen, line.encode() + b"\r")

    def drain(self) -> None:
        while select.select([self.screen], [], [], 0)[0]:
            os.read(self.screen, 65536)

    def end(self) -> None:
        """Whatever runs in front is told by the terminal's closing."""
        self.process.kill()
        self.process.wait()
        os.close(self.inside)
        os.close(self.screen)


@pytest.fixture
def rc(tmp_path: Path) -> Path:
    path = tmp_path / "rc"
    path.write_text("PS1='> '\n")
    for gate in ("entered", "leave"):
        os.mkfifo(tmp_path / gate)
    return path


@contextlib.contextmanager
def terminal(shell: tuple[str, ...], rc: Path) -> Iterator[Terminal]:
    opened = Terminal(shell, rc)
    try:
        yield opened
    finally:
        opened.end()


@pytest.mark.parametrize("shell", SHELLS)
def test_prompt_is_shown_until_a_command_runs(shell: tuple[str, ...], rc: Path) -> None:
    with terminal(shell, rc) as opened:
        assert until.true(opened.shows_prompt)
        opened.type(f"echo >{rc.parent}/entered; read x <{rc.parent}/leave")
        (rc.parent / "entered").read_bytes()
        assert not opened.shows_prompt()
        (rc.parent / "leave").write_text("\n")
        assert until.true(opened.shows_prompt)
        opened.type("cat")
        assert until.true(lambda: not opened.shows_prompt())


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("doing", ["read x <{leave}", "cat {leave} >/dev/null", "x=$(cat {leave})"])
def test_rc_file_is_not_a_prompt(shell: tuple[str, ...], rc: Path, doing: str) -> None:
    """It waits for us, so it is surely still running when we look."""
    entered, leave = rc.parent / "entered", rc.parent / "leave"
    rc.write_text(f"PS1='> '\necho >{entered}\n{doing.format(leave=leave)}\n")
    with terminal(shell, rc) as opened:
        entered.read_bytes()
        assert not any(opened.shows_prompt() for _ in range(20))
        leave.write_text("\n")
        assert until.true(opened.shows_prompt)


@pytest.mark.parametrize(
    "reading",
    ["read x", "read -t 1000 x", "read -s x", "read -n 1 x", "read -s -n 1 x", "read -s -n 1 -t 1000 x"],
)
def test_question_of_bashs_rc_file_is_not_a_prompt(rc: Path, reading: str) -> None:
    rc.write_text(f"PS1='> '\n{reading}\n")
    with terminal(SHELLS[0], rc) as opened:
        asleep = Path(f"/proc/{opened.process.pid}/wchan")
        assert until.true(
            lambda: (
                not asleep.exists() or asleep.read_text().startswith(("wait_woken", "poll_schedule_timeout"))
            )
        )
        assert not any(opened.shows_prompt() for _ in range(20))
        opened.type("y")
        assert until.true(opened.shows_prompt)


@pytest.mark.parametrize("shell", SHELLS)
def test_open_continuation_is_a_prompt(shell: tuple[str, ...], rc: Path) -> None:
    with terminal(shell, rc) as opened:
        assert until.true(opened.shows_prompt)
        opened.type("for x in 1 2")
        assert until.true(opened.shows_prompt)


def test_every_line_typed_at_a_prompt_is_run_once(rc: Path) -> None:
    """Some of them read from the terminal or wait: nothing typed may become their input."""
    log = rc.parent / "log"
    with terminal(("bash", "--noprofile", "--rcfile", "{rc}", "-i"), rc) as opened:
        for number in range(30):
            assert until.true(lambda: opened.shows_prompt() and opened.shows_prompt())
            opened.type(f"read -t 0.01 x; echo {number} $x >>{log}")
            # As the engine sees it: it types, and is asked next when the line has arrived.
            assert until.true(lambda: log.exists() and log.read_text().count("\n") == number + 1)  # noqa: B023
        assert log.read_text() == "".join(f"{number}\n" for number in range(30))


def test_stopped_shell_waits_for_nothing(rc: Path) -> None:
    with terminal(("sh", "-i"), rc) as opened:
        assert until.true(opened.shows_prompt)
        opened.process.send_signal(signal.SIGSTOP)
        assert until.true(lambda: not opened.shows_prompt())
        opened.process.send_signal(signal.SIGCONT)
        assert until.true(opened.shows_prompt)


@pytest.mark.parametrize(
    "reading", ["read x", "read -k 1 x", "read -s -k 1 x", "read -q x", "read -t 1000 x"]
)
def test_question_of_zshs_rc_file_is_not_a_prompt(rc: Path, reading: str) -> None:
    (rc.parent / ".zshrc").write_text(f"PS1='> '\necho >{rc.parent}/entered\n{reading}\n")
    with terminal(("zsh", "-i"), rc) as opened:
        (rc.parent / "entered").read_bytes()
        assert not any(opened.shows_prompt() for _ in range(50))
        opened.type("y")
        assert until.true(opened.shows_prompt)


def test_command_that_a_key_started_is_not_a_prompt(rc: Path) -> None:
    """It runs in the shell's own group, and zsh leaves the terminal as it is for editing."""
    entered, leave = rc.parent / "entered", rc.parent / "leave"
    widget = f"ask() {{ /bin/sh -c 'echo >{entered}; read x <{leave}' }}; zle -N ask; bindkey '^T' ask"
    (rc.parent / ".zshrc").write_text(f"PS1='> '\nunsetopt monitor\n{widget}\n")
    with terminal(("zsh", "-i"), rc) as opened:
        assert until.true(opened.shows_prompt)
        os.write(opened.screen, b"\x14")
        entered.read_bytes()
        assert not any(opened.shows_prompt() for _ in range(50))
        leave.write_text("\n")
        assert until.true(opened.shows_prompt)


def test_line_typed_while_fish_still_draws_its_prompt_is_run(rc: Path) -> None:
    """fish sets the terminal first and then runs what draws its prompt, so it may look as if it waited; it will read."""
    entered, leave = rc.parent / "entered", rc.parent / "leave"
    draw = f"function fish_prompt; echo > {entered}; cat {leave}; end"
    with terminal(("fish", "--no-config", "--init-command", draw), rc) as opened:
        entered.read_bytes()
        opened.type(f"echo > {rc.parent}/run; exec cat")
        leave.write_text("> ")
        assert until.true((rc.parent / "run").exists)


def test_gone_process_and_gone_terminal_show_none(rc: Path) -> None:
    with terminal(("sh", "-i"), rc) as opened:
        assert until.true(opened.shows_prompt)
        assert not prompt.is_shown(opened.process.pid, "/dev/null")
        assert not prompt.is_shown(opened.process.pid, f"{rc}/none")
    assert not prompt.is_shown(opened.process.pid, opened.tty)


def test_ps_tells_the_same(rc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "_look", prompt._look_ps)
    for shell in (("bash", "--noprofile", "--rcfile", "{rc}", "-i"), ("sh", "-i")):
        with terminal(shell, rc) as opened:
            assert until.true(opened.shows_prompt)
            opened.type("cat")
            assert until.true(lambda: not opened.shows_prompt())
