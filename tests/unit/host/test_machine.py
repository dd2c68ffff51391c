from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestra.host import machine
from tests.unit.host import until

HERE = machine.Machine(Path("/w/exec.pl"), Path("/w/exec.py"))


@pytest.mark.parametrize("shell", ["", "sh", "/no/such/shell", "/", "/usr/sbin/nologin", "/bin/false"])
def test_login_shell_that_cannot_be_is_replaced(monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("SHELL", shell)
    entry = pwd.struct_passwd(("u", "x", os.getuid(), 0, "", "/", sys.executable))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: entry)
    assert HERE.login_shell() == sys.executable

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert HERE.login_shell() == "/bin/sh"


def test_login_shell_is_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", sys.executable)
    assert HERE.login_shell() == sys.executable


def test_is_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path)
    assert HERE.is_directory(str(tmp_path))
    assert HERE.is_directory(str(tmp_path / "link"))
    for path in (tmp_path / "file", tmp_path / "none", tmp_path / "file/x"):
        assert not HERE.is_directory(str(path))
    monkeypatch.chdir(tmp_path)
    assert not HERE.is_directory("")
    assert not HERE.is_directory(".")
    assert not HERE.is_directory(f"{tmp_path}\0")


def test_a_directory_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of a machine that is gone."""
    answers, asked = threading.Event(), list[str]()

    def access(path: str, _: int) -> bool:
        asked.append(path)
        return answers.wait(30)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(machine, "_ANSWERS", 0.05)
    assert not HERE.is_directory("/dead")
    assert not HERE.is_directory("/dead")
    assert asked == ["/dead/."]  # nobody is sent after who waits still
    answers.set()
    assert until.true(lambda: HERE.is_directory("/dead"))


def test_wrap_with_perl(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def which(name: str, path: str | None = None) -> str:
        asked.append(path)
        return "/usr/bin/perl"

    monkeypatch.setattr(shutil, "which", which)
    monkeypatch.setenv("PATH", "/shims")
    assert HERE.wrap(("a", "b c")) == (
        *("/usr/bin/env", "PERL_BADLANG=", "/usr/bin/perl", "-tX", "-C0", "/w/exec.pl"),
        *("a", "b c"),
    )
    assert asked == ["/usr/bin:/usr/local/bin:/shims"]


@pytest.mark.parametrize("found", [None, "bin/perl"])
def test_wrap_without_perl(monkeypatch: pytest.MonkeyPatch, found: str | None) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: found)
    argv = HERE.wrap(("a", "b c"))
    assert argv == (sys.executable, "-I", "-S", "-B", "-X", "utf8", "/w/exec.py", "a", "b c")


def test_server_environment_is_a_logins() -> None:
    login = dict.fromkeys(["HOME", "PATH", "LANG", "LC_ALL", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "TZ"], "x")
    ours = dict.fromkeys(["TMUX", "TMUX_PANE", "ORCHESTRA_PANE", "VIRTUAL_ENV", "PYTHONPATH"], "x")
    moment = dict.fromkeys(
        ["XDG_SESSION_ID", "PWD", "OLDPWD", "SHLVL", "_", "TERM", "STY", "CI", "SUDO_USER"], "x"
    )
    secret = dict.fromkeys(["AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "BASH_ENV"], "x")
    assert machine.server_environment(login | ours | moment | secret) == login


def test_program_runs_in_a_servers_environment() -> None:
    done = subprocess.run(
        ["env"], env=machine.server_environment(os.environ), capture_output=True, check=True
    )
    assert b"PATH=" in done.stdout
