"""How a process asks systemd for its scope, with programs that stand for `busctl`. What systemd does with it is said in decision 18."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from orchestra.host import scopes

SHOW = ("sh", "-c", 'echo "$$ $n ${l-unset} $1"; exit 37', "sh", "a b;c")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than a second."""
    monkeypatch.setattr(
        scopes, "_PLACE", scopes._PLACE.replace(f"-k 1 {scopes.ANSWER} ", "-k 1 1 ").replace("n=60", "n=6")
    )


def asked(tmp_path: Path, code: str) -> scopes.Manager:
    program = tmp_path / "busctl"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{tmp_path}/said\n{code}\n")
    program.chmod(0o755)
    return scopes.Manager(
        busctl=str(program), timeout="timeout", bus="unix:path=/x y", extra=("OOMPolicy", "s", "continue")
    )


@pytest.mark.parametrize("code", ["exit 0", "echo no >&2; exit 1", "exec sleep 1000", "kill -9 $$"])
def test_a_command_runs_whatever_the_answer_is(quick: None, tmp_path: Path, code: str) -> None:
    """The same process, with its exact end and its own environment, and nothing said on its terminal."""
    argv = scopes.placed(SHOW, "orchestra-uid-0123abcd.scope", {"pids.max": "6"}, asked(tmp_path, code))
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "n": "own"}
    ) as process:
        said, _ = process.communicate(timeout=30)
    assert said == f"{process.pid} own unset a b;c\n"
    assert process.returncode == 37
    words = (tmp_path / "said").read_text().splitlines()
    assert words[0] == "--address=unix:path=/x y"
    assert words[words.index("StartTransientUnit") + 1 :] == [
        *("ssa(sv)a(sa(sv))", "orchestra-uid-0123abcd.scope", "fail", "4"),
        *("TasksMax", "t", "6", "OOMPolicy", "s", "continue", "CollectMode", "s", "inactive-or-failed"),
        *("PIDs", "au", "1", str(process.pid), "0"),
    ]


def test_a_program_that_is_gone_keeps_nothing_from_starting(quick: None) -> None:
    by = scopes.Manager(busctl="/none/busctl", timeout="/none/timeout", bus="")
    done = subprocess.run(
        scopes.placed(SHOW, "u.scope", {}, by), capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.stderr, done.returncode) == ("", 37)


def test_it_goes_on_as_soon_as_it_is_in(tmp_path: Path) -> None:
    """The name of a group that it is in already stands for that of its scope."""
    own = Path("/proc/self/cgroup").read_text().splitlines()[0].rpartition("/")[2]
    began = time.monotonic()
    argv = scopes.placed(SHOW, own, {}, asked(tmp_path, "exit 0"))
    assert subprocess.run(argv, capture_output=True, check=False, timeout=30).returncode == 37
    assert time.monotonic() - began < scopes.ANSWER


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"pids.max": "6", "memory.high": "1024"}, ("TasksMax", "t", "6", "MemoryHigh", "t", "1024")),
        ({"pids.max": "max"}, ("TasksMax", "t", "18446744073709551615")),
        ({"cpu.max": "5000 100000"}, ("CPUQuotaPerSecUSec", "t", "50000")),
        ({"cpu.max": "250000 100000"}, ("CPUQuotaPerSecUSec", "t", "2500000")),
        ({"cpu.max": "max 100000"}, ("CPUQuotaPerSecUSec", "t", "18446744073709551615")),
    ],
)
def test_a_change_is_asked_for_as_properties(
    tmp_path: Path, files: dict[str, str], words: tuple[str, ...]
) -> None:
    assert scopes.change("u.scope", files, asked(tmp_path, "exit 0"))
    said = (tmp_path / "said").read_text().splitlines()
    assert said[said.index("sba(sv)") + 1 :] == ["u.scope", "true", str(len(words) // 3), *words]
    assert not scopes.change("u.scope", files, asked(tmp_path, "exit 1"))


def test_why_there_is_none_is_told(quick: None, tmp_path: Path) -> None:
    unit, root = "orchestra-probe-0123abcd.scope", tmp_path
    with pytest.raises(scopes.Refused, match=r"^Call failed: no$"):
        scopes.tried(asked(tmp_path, "echo Call failed: no >&2; exit 1"), unit, root)
    with pytest.raises(scopes.Refused, match="not answered within 3 s"):
        scopes.tried(asked(tmp_path, "exec sleep 1000"), unit, root)


def test_what_an_older_systemd_does_not_know_is_left_out(quick: None, tmp_path: Path) -> None:
    refuses = 'case $* in *OOMPolicy*) echo "Cannot set property OOMPolicy, or unknown property." >&2; exit 1;; esac'
    with pytest.raises(scopes.Refused):
        scopes.tried(asked(tmp_path, refuses), "orchestra-none.scope", tmp_path)
    assert "OOMPolicy" not in (tmp_path / "said").read_text()


def test_the_bus_is_found_where_the_environment_names_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scopes, "RUNTIME", str(tmp_path / "run"))
    where = tmp_path / "run" / str(os.geteuid())
    where.mkdir(parents=True)
    with pytest.raises(scopes.Refused, match="dbus-user-session is missing"):
        scopes._user_bus({})
    assert scopes._user_bus({"DBUS_SESSION_BUS_ADDRESS": "tcp:host=x"}) == "tcp:host=x"
    monkeypatch.chdir(where)  # a socket's path may have 107 bytes
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind("bus")
        theirs = {"XDG_RUNTIME_DIR": "/run/user/none", "DBUS_SESSION_BUS_ADDRESS": "tcp:host=x"}
        for environ in ({}, theirs):
            assert scopes._user_bus(environ).endswith(f"/run/{os.geteuid()}/bus")
        named = tmp_path / "a,b"
        named.symlink_to(where)
        assert scopes._user_bus({"XDG_RUNTIME_DIR": str(named)}) == f"unix:path={tmp_path}/a%2cb/bus"
