"""Real processes on a terminal of their own, as a pane's are."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestra.host import programs
from orchestra.model import live
from tests.unit.host import until

ENV = {"PATH": os.environ["PATH"], "PS1": "", "NOTE": "a=b c", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Shell:
    pid: int
    master: int

    def type(self, line: str) -> None:
        os.write(self.master, f"{line}\n".encode())

    def running(self) -> live.Running:
        return programs.running([self.pid])[self.pid]

    def until(self, *argvs: tuple[str, ...]) -> live.Running:
        """Returns once exactly these have the terminal."""

        def seen() -> bool:
            return tuple(each.argv for each in self.running().foreground) == argvs

        assert until.true(seen), self.running()
        return self.running()


def _started(argv: list[str], folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        argv,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=ENV,
        cwd=folder,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    return process, master


def _drain(master: int) -> None:
    """A terminal that nobody reads stands still."""
    with contextlib.suppress(OSError):
        while select.select([master], [], [])[0] and os.read(master, 65536):
            pass


@contextlib.contextmanager
def terminal(argv: list[str], folder: Path) -> Iterator[Shell]:
    process, master = _started(argv, folder)
    reader = threading.Thread(target=_drain, args=(master,))
    reader.start()
    try:
        yield Shell(process.pid, master)
    finally:
        for row in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError):
                fields = row.read_text().rpartition(") ")[2].split()
                if int(fields[3]) == process.pid:
                    os.kill(int(row.parent.name), signal.SIGKILL)
        process.wait()
        reader.join()
        os.close(master)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with terminal(["/bin/bash", "--norc", "--noprofile", "-i"], tmp_path) as made:
        yield made


def test_a_shell_in_which_nothing_runs(shell: Shell, tmp_path: Path) -> None:
    found = shell.until()
    assert found.first.argv == ("/bin/bash", "--norc", "--noprofile", "-i")
    assert found.first.dir == str(tmp_path)
    assert found.first.path == os.path.realpath("/bin/bash")
    assert found.env["NOTE"] == "a=b c"


def test_a_programs_words_are_exact(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "two words").mkdir()
    shell.type("cd 'two words'; perl -e 'sleep 1000' -- '' 'a b' \"it's\" $'n\\nl' '$HOME' é")
    found = shell.until(("perl", "-e", "sleep 1000", "--", "", "a b", "it's", "n\nl", "$HOME", "é"))
    assert found.foreground[0].dir == str(tmp_path / "two words")


def test_a_pipeline_is_in_its_order(shell: Shell) -> None:
    shell.type("sleep 1001 | sleep 1002 | sleep 1003")
    shell.until(("sleep", "1001"), ("sleep", "1002"), ("sleep", "1003"))


def test_a_pipeline_whose_first_has_ended(shell: Shell) -> None:
    shell.type("true | sleep 1002")
    shell.until(("sleep", "1002"))


def test_what_runs_in_the_background_is_not_in_the_way(shell: Shell) -> None:
    shell.type("sleep 1001 & sleep 1002")
    shell.until(("sleep", "1002"))


def test_what_a_program_starts_is_its_own(shell: Shell) -> None:
    shell.type("sh -c 'sleep 1001; true'")
    shell.until(("sh", "-c", "sleep 1001; true"))


def test_a_shell_in_a_shell(shell: Shell) -> None:
    shell.type("bash --norc --noprofile -i")
    shell.until(("bash", "--norc", "--noprofile", "-i"))
    shell.type("sleep 1001")
    shell.until(("sleep", "1001"))


def test_a_program_instead_of_a_shell(tmp_path: Path) -> None:
    with terminal(["sleep", "1000"], tmp_path) as made:
        found = made.until()
        assert found.first.argv == ("sleep", "1000")


def test_a_title_that_a_program_gave_itself(shell: Shell) -> None:
    shell.type("perl -e '$0 = \"npm run dev\"; sleep 1000' -- some words to write over")
    found = until.true(lambda: any("npm run dev" in each.argv for each in shell.running().foreground))
    assert found, shell.running()


def test_ourselves_asked_from_that_pane_are_not_what_runs(shell: Shell, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from orchestra.host import programs\n"
        "found = programs.running([int(sys.argv[1])])[int(sys.argv[1])]\n"
        "print(found.foreground, file=open('said', 'w'), flush=True)\n"
    )
    (tmp_path / "look.py").write_text(program)
    root = Path(programs.__file__).parents[2]
    shell.type(f"PYTHONPATH={root} {sys.executable} look.py $$ | cat")
    said = tmp_path / "said"
    assert until.true(lambda: said.exists() and said.read_text().endswith("\n"))
    assert said.read_text() == "()\n"


def test_what_is_still_a_copy_of_who_forked_it_is_not_what_runs() -> None:
    """A pane that was just made is the tmux server once more, with its words and its environment."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os.execv("/bin/sleep", ["sleep", "1000"])
    os.close(reader)
    try:
        assert programs.running([pid]) == {}
        os.close(writer)
        assert until.true(lambda: programs.running([pid]) != {})
        assert programs.running([pid])[pid].first.argv == ("sleep", "1000")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_who_is_gone_is_left_out() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert programs.running([process.pid]) == {}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"vim\0a b\0", ("vim", "a b")),
        (b"vim\0\0", ("vim", "")),
        (b"npm run dev\0\0\0\0", ("npm run dev",)),
        (b"a b\0c\0", ("a b", "c")),
        (b"", ()),
        (b"\0", ()),
        (b"x\0\xff\0", ("x", "\udcff")),
    ],
)
def test_words_as_the_kernel_has_them(raw: bytes, expected: tuple[str, ...]) -> None:
    assert programs._argv(raw) == expected
