"""What is an interactive shell, and what is not."""

from __future__ import annotations

import os

import pytest

from orchestra.host import foreground, process_table
from orchestra.model import hand


@pytest.mark.parametrize(
    ("line", "program", "shell"),
    [
        ("bash", "bash", True),
        ("-bash", "bash", True),
        ("/usr/bin/zsh -l", "zsh-5.9", True),
        ("bash --rcfile /x/bash.sh", "bash", True),
        ("/bin/bash --posix -l", "bash", True),
        ("fish -l --init-command source", "fish", True),
        ("sh", "dash", True),
        ("busybox sh", "busybox", True),
        ("nu", "nu", True),
        ("elvish", "elvish", True),
        ("busybox sh", "", True),
        ("bash -i", "bash", True),
        ("bash -O extglob", "bash", True),
        ("bash script.sh", "bash", False),
        ("bash -c true", "bash", False),
        ("sh -ec true", "dash", False),
        ("fish -C 'x' script", "fish", False),
        ("python3", "python3.11", False),
        ("vim", "vim", False),
        ("busybox vi", "busybox", False),
        ("bash", "perl", False),  # our wrapper calls itself as what it runs
        ("bash", "", True),  # where the system does not tell
        ("", "", False),
    ],
)
def test_is_shell(line: str, program: str, shell: bool) -> None:
    assert foreground.is_shell(line.split(), program) is shell


def test_a_number_that_means_another_process_now_is_not_signalled() -> None:
    own = hand.Foreground(
        pid=os.getpid(),
        group=os.getpgrp(),
        argv=("x",),
        program="",
        own=True,
        shell=False,
        started=(process_table.start_time(os.getpid()) or 0) + 1,
    )
    assert foreground.Terminals().signal(own, "SIGKILL") is False


def test_of_what_is_gone_nothing_is_told() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert foreground.Terminals().foreground(pid) is None
    assert foreground.Terminals().first(pid) is None
