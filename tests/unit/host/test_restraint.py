"""Holding processes down and ending them, with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.host import cgroups, process_table, processes, restraint
from orchestra.model import rules
from tests.support import live

UID = f"restraint{os.getpid()}"
"""Tests run side by side, and what bears it is ended."""
SPIN = "while True: pass"
FORKS = "import os, time\nfor _ in range(6): os.fork()\ntime.sleep(1000)"
SESSIONS = (
    "import os, time\n"
    "for _ in range(5):\n"
    "  os.fork()\n"
    "  if os.getpgrp() != os.getpid(): os.setsid()\n"
    "time.sleep(1000)"
)


@pytest.fixture
def start() -> Iterator[object]:
    running: list[subprocess.Popen[bytes]] = []

    def begin(code: str) -> subprocess.Popen[bytes]:
        made = subprocess.Popen(
            [
                sys.executable,
                "-S",
                "-c",
                f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {code!r}])",
            ],
            env={**os.environ, "ORCHESTRA_PANE": UID},
            start_new_session=True,
        )
        running.append(made)
        return made

    yield begin
    for each in running:
        restraint.Restraint().kill(UID, each.pid, 0)
        each.wait()


def tree(pid: int) -> list[int]:
    found = processes.trees(process_table.read(), {UID: pid}, 0, os.getpid())[UID]
    return sorted(each.pid for each in found)


def letter(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def below(pid: int) -> int:
    (child,) = live.until(lambda: live.children(pid))
    return child


@pytest.mark.parametrize("code", [FORKS, SESSIONS], ids=["one group", "a session each"])
def test_a_tree_is_ended_whole(start, code: str) -> None:  # type: ignore[no-untyped-def]
    first = start(code)
    live.until(lambda: len(tree(first.pid)) > 30)
    assert restraint.Restraint().kill(UID, first.pid, 0) == 0
    assert tree(first.pid) == []


def test_what_forks_while_it_is_killed_is_ended(start) -> None:  # type: ignore[no-untyped-def]
    """At most 300 of them are ever born, and each new one leaves its parent's group."""
    code = (
        "import os, time\n"
        "for number in range(300):\n"
        "  if os.fork(): os._exit(0)\n"
        "  os.setsid(); time.sleep(0.002)\n"
        "time.sleep(1000)"
    )
    first = start(code)
    live.until(lambda: len(tree(first.pid)) > 0)
    assert restraint.Restraint().kill(UID, first.pid, 0) == 0
    assert tree(first.pid) == []


def test_a_share_of_the_time_and_freed_in_the_end(start) -> None:  # type: ignore[no-untyped-def]
    first = start(SPIN)
    child = below(first.pid)
    here = restraint.Restraint()
    here.hold({UID: (first.pid, 0.1, False)}, 0)
    live.until(lambda: letter(child) == "T")
    assert letter(first.pid) != "T"  # tmux would let it go on, and more with it
    here.hold({}, 0)
    live.until(lambda: letter(child) == "R")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stands_still_when_who_asked_for_it_is_gone(start, tmp_path: Path, number: int) -> None:  # type: ignore[no-untyped-def]
    first = start(SPIN)
    child = below(first.pid)
    code = (
        "import sys, time\nfrom orchestra.host import restraint\nhere = restraint.Restraint()\n"
        f"here.hold({{{UID!r}: ({first.pid}, 0.05, False)}}, 0)\nprint(here._turning.pid, flush=True)\ntime.sleep(1000)"
    )
    asked = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert asked.stdout is not None
    helper = int(asked.stdout.readline())
    live.until(lambda: letter(child) == "T")
    with live.ended(helper):
        asked.send_signal(number)
        asked.wait()
    assert letter(child) != "T"
    asked.stdout.close()


def test_who_lets_it_run_and_stand_still_is_killed_and_another_one_goes_on(start) -> None:  # type: ignore[no-untyped-def]
    first = start(SPIN)
    child = below(first.pid)
    here = restraint.Restraint()
    here.hold({UID: (first.pid, 0.05, False)}, 0)
    live.until(lambda: letter(child) == "T")
    assert here._turning is not None
    before = here._turning.pid
    os.kill(before, signal.SIGKILL)
    live.until(lambda: letter(before) == "Z")
    here.hold({UID: (first.pid, 0.5, False)}, 0)
    assert here._turning is not None
    assert here._turning.pid != before
    live.until(lambda: letter(child) == "R")
    here.close()
    live.until(lambda: letter(child) == "R")


def test_jobs_of_a_shell_are_lowered_and_raised_again(start) -> None:  # type: ignore[no-untyped-def]
    first = start(SPIN)
    child, before = below(first.pid), os.getpriority(os.PRIO_PROCESS, 0)
    here = restraint.Restraint()
    here.hold({UID: (first.pid, 0.1, True)}, 0)
    assert os.getpriority(os.PRIO_PROCESS, child) == 19
    assert letter(child) != "T"
    here.hold({}, 0)
    assert os.getpriority(os.PRIO_PROCESS, child) in (before, 19)  # to raise it may be forbidden


def test_what_was_left_standing_still_goes_on(start) -> None:  # type: ignore[no-untyped-def]
    first = start(SPIN)
    child = below(first.pid)
    os.kill(child, signal.SIGSTOP)
    live.until(lambda: letter(child) == "T")
    restraint.Restraint().free({UID: first.pid}, 0)
    live.until(lambda: letter(child) == "R")


def test_cues_are_of_the_whole_machine() -> None:
    tasks, memory, busy = restraint.Restraint().cues()
    assert tasks > 1
    assert memory > 1 << 20
    assert busy > 0


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory that stands for the control group of the pane; without a controller of processor time."""
    made = tmp_path / f"orchestra-{UID}-0123abcd"
    made.mkdir()
    (made / "cgroup.procs").touch()
    here = cgroups.Found(way=cgroups.Way.DIRECT, base=str(tmp_path), controllers=("memory", "pids"))
    monkeypatch.setattr(cgroups, "found", lambda: here)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "of", lambda pid, uid: f"/{made.name}")
    return made


LIMITED = rules.Limits(cpu=10, on_exceed=rules.Breach.THROTTLE)


def test_where_the_kernel_does_not_keep_its_time_it_stands_still(start, group: Path) -> None:  # type: ignore[no-untyped-def]
    first = start(SPIN)
    child = below(first.pid)
    here = restraint.Restraint()
    assert here.wall(UID, first.pid, LIMITED)  # nothing is held yet
    here.hold({UID: (first.pid, 0.1, False)}, 0)
    live.until(lambda: letter(child) == "T")
    assert not (group / "cpu.max").exists()
    here.hold({}, 0)
    live.until(lambda: letter(child) == "R")


def test_where_the_kernel_keeps_its_time_nobody_else_does(  # type: ignore[no-untyped-def]
    start, group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = restraint.Restraint()
    able = cgroups.Found(way=cgroups.Way.DIRECT, base=str(group.parent), controllers=("cpu",))
    monkeypatch.setattr(cgroups, "found", lambda: able)
    first = start(SPIN)
    here.wall(UID, first.pid, LIMITED)
    here.hold({UID: (first.pid, 0.1, False)}, 0)
    assert (group / "cpu.max").read_text() == "10000 100000"
    assert here._turning is None
    # Nobody lets it go at first: it is tried again.
    (group / "cpu.max").unlink()
    (group / "cpu.max").mkdir()
    here.hold({}, 0)
    (group / "cpu.max").rmdir()
    here.hold({}, 0)
    assert (group / "cpu.max").read_text() == "max 100000"


@pytest.mark.parametrize("who", ["we", "a tmux server"])
def test_who_else_is_in_a_panes_group_is_not_killed_with_it(  # type: ignore[no-untyped-def]
    start, group: Path, tmp_path: Path, who: str
) -> None:
    """Whom a person started in the pane."""
    server = tmp_path / "tmux: server"
    server.symlink_to("/bin/sleep")
    with subprocess.Popen([server, "1000"]) as other:
        first = start(FORKS)
        live.until(lambda: len(tree(first.pid)) > 30)
        (group / "cgroup.procs").write_text(f"{first.pid}\n{os.getpid() if who == 'we' else other.pid}\n")
        assert restraint.Restraint().kill(UID, first.pid, 0) == 0
        assert not (group / "cgroup.kill").exists()
        (group / "cgroup.procs").write_text(f"{first.pid}\n")
        restraint.Restraint().kill(UID, first.pid, 0)
        assert (group / "cgroup.kill").read_text() == "1"
        other.kill()
