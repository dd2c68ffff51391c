"""Control groups, in a directory that stands for the kernel's; what the kernel does with it is said in decision 18."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestra.host import cgroups
from orchestra.model import rules

THROTTLE = rules.Breach.THROTTLE


@pytest.mark.parametrize(
    ("limits", "held", "walls"),
    [
        (rules.Limits(memory=1000, processes=5, cpu=50), False, ("max 100000", "max", "max")),
        (rules.Limits(processes=5, on_exceed=rules.Breach.KILL), False, ("max 100000", "max", "18")),
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
    assert (group / "pids.max").read_text() == "18\n"


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


def test_systemd_is_asked_with_properties(monkeypatch: pytest.MonkeyPatch) -> None:
    here = cgroups.Found(way=cgroups.Way.USER, controllers=("cpu", "memory", "pids"))
    monkeypatch.setattr(cgroups, "found", lambda: here)
    limits = rules.Limits(memory=1024, processes=5, on_exceed=THROTTLE)
    words = cgroups.contained(("wrapper", "command"), "uid1", limits)
    assert words[:5] == ("systemd-run", "--user", "--scope", "--quiet", "--collect")
    assert {"TasksMax=6", "MemoryHigh=1024", "CPUQuota="} <= set(words)
    assert words[words.index("--") + 1 :] == ("wrapper", "command")


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


def test_what_is_found_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    cgroups.found.cache_clear()
    try:
        assert cgroups.found().why == "control groups are not mounted here; version 2 is needed"
        cgroups.found.cache_clear()
        (tmp_path / "memory").mkdir()
        assert "version 1" in cgroups.found().why
        cgroups.found.cache_clear()
        (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
        monkeypatch.setenv(cgroups.VARIABLE, str(tmp_path))
        # A directory has no controllers, whatever is written to it.
        assert cgroups.found().way in (cgroups.Way.NONE, cgroups.Way.DIRECT)
    finally:
        cgroups.found.cache_clear()
