"""Control groups, in a directory that stands for the kernel's; what the kernel does with it is said in decision 18."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.host import cgroups, scopes
from orchestra.model import rules

THROTTLE = rules.Breach.THROTTLE


@pytest.mark.parametrize(
    ("limits", "held", "walls"),
    [
        (rules.Limits(memory=1000, processes=5, cpu=50), False, ("max 100000", "max", "max")),
        (rules.Limits(processes=5, on_exceed=rules.Breach.KILL), False, ("max 100000", "max", "336")),
        (rules.Limits(processes=5, memory=9, on_exceed=THROTTLE), False, ("max 100000", "9", "6")),
        (rules.Limits(cpu=50, on_exceed=THROTTLE), False, ("max 100000", "max", "max")),
        (rules.Limits(cpu=50, on_exceed=THROTTLE), True, ("50000 100000", "max", "max")),
    ],
)
def test_walls_end_nothing(limits: rules.Limits, held: bool, walls: tuple[str, str, str]) -> None:
    found = cgroups.walls(limits, is_held=held)
    assert (found["cpu.max"], found["memory.high"], found["pids.max"]) == walls
    assert "memory.max" not in found


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    here = cgroups.Found(way=cgroups.Way.DIRECT, base=str(tmp_path), controllers=("cpu", "memory", "pids"))
    monkeypatch.setattr(cgroups, "found", lambda: here)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    return tmp_path


def test_a_command_enters_its_group_and_is_the_same_process(direct: Path) -> None:
    limits = rules.Limits(processes=5, on_exceed=rules.Breach.KILL)
    argv = cgroups.contained(("sh", "-c", 'echo $$ "$1"; exit 37', "sh", "a b;c"), "uid1", limits)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        said, _ = process.communicate(timeout=30)
    (group,) = direct.iterdir()
    assert said == f"{process.pid} a b;c\n"
    assert process.returncode == 37
    assert group.name.startswith("orchestra-uid1-")
    assert (group / "cgroup.procs").read_text() == f"{process.pid}\n"
    assert (group / "pids.max").read_text() == "336\n"


def test_a_group_that_is_swept_before_it_is_entered_is_made_again(
    direct: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tools = tmp_path_factory.mktemp("tools")
    late = tools / "mkdir"
    late.write_text(
        f'#!/bin/sh\n/bin/mkdir "$@" && [ -e {tools}/once ] || {{ touch {tools}/once; rmdir "$2"; }}\n'
    )
    late.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    limits = rules.Limits(processes=5, on_exceed=rules.Breach.KILL)
    subprocess.run(cgroups.contained(("true",), "uid1", limits), check=True, timeout=30)
    (group,) = direct.iterdir()
    assert (tools / "once").exists()
    assert sorted(each.name for each in group.iterdir()) == [
        "cgroup.procs",
        "cpu.max",
        "memory.high",
        "pids.max",
    ]


def test_a_group_that_cannot_be_made_keeps_nothing_from_starting(
    direct: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = cgroups.Found(way=cgroups.Way.DIRECT, base="/proc/none", controllers=("pids",))
    monkeypatch.setattr(cgroups, "found", lambda: lost)
    argv = cgroups.contained(("sh", "-c", "echo ran; exit 3"), "uid1", rules.Limits(processes=5))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("ran\n", "", 3)


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file that says what the user's systemd is asked; it refuses all."""
    program = tmp_path / "busctl"
    program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/said\necho "Call failed: no" >&2\nexit 1\n')
    program.chmod(0o755)
    (tmp_path / "said").touch()
    manager = scopes.Manager(busctl=str(program), timeout="timeout", bus="unix:path=/none")
    here = cgroups.Found(way=cgroups.Way.USER, controllers=("memory", "pids"), manager=manager)
    monkeypatch.setattr(cgroups, "found", lambda: here)
    return tmp_path / "said"


def test_systemd_is_asked_for_what_it_can(user: Path) -> None:
    limits = rules.Limits(memory=1024, processes=5, cpu=5, on_exceed=THROTTLE)
    argv = cgroups.contained(("sh", "-c", "exit 37"), "uid1", limits)
    assert subprocess.run(argv, check=False, timeout=30).returncode == 37
    said = user.read_text()
    assert "MemoryHigh t 1024 TasksMax t 6 " in said
    assert "CPUQuota" not in said
    assert not cgroups.write("/x/orchestra-uid1-0123abcd.scope", cgroups.walls(limits))
    assert "SetUnitProperties sba(sv) orchestra-uid1-0123abcd.scope true 2 " in user.read_text()


def test_a_wall_without_its_controller_does_not_stand(direct: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants processor time kept has to know that it is not. The others stand all the same."""
    here = cgroups.Found(way=cgroups.Way.DIRECT, base=str(direct), controllers=("memory", "pids"))
    monkeypatch.setattr(cgroups, "found", lambda: here)
    (direct / "g").mkdir()
    limits = rules.Limits(processes=5, cpu=5, on_exceed=THROTTLE)
    assert not cgroups.write("/g", cgroups.walls(limits, is_held=True))
    assert (direct / "g" / "pids.max").read_text() == "6"
    assert cgroups.write("/g", cgroups.walls(limits))


def test_a_panes_variables_are_its_own(direct: Path) -> None:
    limits = rules.Limits(processes=5)
    argv = cgroups.contained(("sh", "-c", 'echo "$n $d"'), "uid1", limits)
    done = subprocess.run(
        argv, env={**os.environ, "n": "1", "d": "2"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 2\n"


def test_a_daemon_leaves_the_group_of_the_pane_it_is_started_in(
    direct: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ("sh", "-c", "echo $$; exit 37")
    assert cgroups.apart(argv) == argv
    monkeypatch.setattr(cgroups, "_told", lambda pid: "0::/a/orchestra-uid1-0123abcd.scope/below\n")
    with subprocess.Popen(cgroups.apart(argv), stdout=subprocess.PIPE, text=True) as process:
        said, _ = process.communicate(timeout=30)
    (group,) = direct.iterdir()
    assert group.name.startswith("orchestra-daemon-")
    assert (group / "cgroup.procs").read_text() == said == f"{process.pid}\n"
    assert process.returncode == 37
    assert [each.name for each in group.iterdir()] == ["cgroup.procs"]


def test_without_them_a_command_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "found", lambda: cgroups.Found(way=cgroups.Way.NONE, why="none"))
    assert cgroups.contained(("a", "b"), "uid1", rules.Limits(processes=5)) == ("a", "b")


def test_only_groups_of_ours_are_known_and_swept(direct: Path) -> None:
    (direct / "orchestra-uid1-0123abcd").mkdir()
    (direct / "orchestra-of-somebody").mkdir()
    (direct / "other").mkdir()
    cgroups.sweep()
    assert sorted(each.name for each in direct.iterdir()) == ["orchestra-of-somebody", "other"]
    assert cgroups.of(os.getpid(), "uid1") == ""


@pytest.mark.parametrize(
    ("uid", "group"), [("uid1", "/a/orchestra-uid1-0123abcd.scope"), ("uid", ""), ("uid2", ""), ("", "")]
)
def test_a_group_is_its_own_panes_alone(uid: str, group: str) -> None:
    """Whose tmux server runs in another pane is in that one's group, and does not write to it, let alone kill it."""
    assert cgroups.named("1:name=x:/y\n0::/a/orchestra-uid1-0123abcd.scope\n", uid) == group


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was found, before and after."""
    cgroups._kept.clear()
    yield
    cgroups._kept.clear()


def test_what_is_found_is_tried(forgotten: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert cgroups.found().why == "control groups are not mounted here; version 2 is needed"
    cgroups._kept.clear()
    (tmp_path / "memory").mkdir()
    assert "version 1" in cgroups.found().why
    cgroups._kept.clear()
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    monkeypatch.setenv(cgroups.VARIABLE, str(tmp_path))
    # A directory has no controllers, whatever is written to it.
    assert cgroups.found().way in (cgroups.Way.NONE, cgroups.Way.DIRECT)


def test_a_manager_that_does_not_answer_is_asked_again_after_a_while(
    user: Path, forgotten: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "SYSTEMD", tmp_path)
    (tmp_path / "cgroup.controllers").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/none")
    for _ in range(2):
        assert cgroups.found().why.endswith(", gives us none: Call failed: no")
    assert len(user.read_text().splitlines()) == 1
    monkeypatch.setattr(cgroups, "AGAIN", 0.0)
    cgroups._kept.clear()
    cgroups.found()
    cgroups.found()
    assert len(user.read_text().splitlines()) == 3
