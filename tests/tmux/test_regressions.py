"""What the random worlds of `test_state_machine.py` once broke, each as plainly as it can be said."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import subprocess
import termios
from typing import Any

import pytest

from orchestra.engine.apply import execute
from orchestra.model import errors, spec
from orchestra.plan import build
from tests.support import live, truth, worlds


def workspace(world: truth.Truth, text: str, **panes: dict[str, Any]) -> spec.Workspace:
    """`a: main p0 p1, logs p2 | b: main p0`; fields of a pane by its name in session `a`."""
    sessions = []
    for part in filter(None, text.split("|")):
        name, _, rest = part.strip().partition(":")
        windows = []
        for window in rest.split(","):
            title, *names = window.split()
            made = tuple(
                spec.Pane(
                    address=f"{name}/{each}",
                    **{
                        "dir": str(world.live.folder),
                        "command": ("sleep", f"100{each[-1]}"),
                        **(panes.get(each, {}) if name == "a" else {}),
                    },
                )
                for each in names
            )
            windows.append(spec.Window(name=title, panes=made))
        sessions.append(spec.Session(name=name, windows=tuple(windows)))
    return spec.Workspace(name=live.WORKSPACE, file="/w.yaml", sessions=tuple(sessions))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: w p0, v p1", "a: w p1, v p0"),
        ("a: w p0, v p1, u p2", "a: w p1, v p2, u p0"),
        ("a: w p0 p1, v p2 p3", "a: w p2 p3, v p0 p1"),
        ("a: w p0", "a: w p1"),
        ("a: w p0 p1", "a: w p2 p3"),
        ("a: w p0, v p1", "a: w p1"),
        ("a: w p0 p1, v p2", "a: w p2, v p1"),
        ("a: w p0", "b: w p0"),
        ("a: w p0 | b: w p0", "c: w p0"),
        ("a: w p0 p1 p2", "a: v p0 p1, u p2"),
        ("a: w p0 p1 p2", "a: v p2, u p0 p1"),
        ("a: w p0, v p1", "a: w p0 p1 p2"),
        ("a: w p0, v p1", "a: w p2 p1 p0"),
        ("a: w p0", "a: v p1, w p0, u p2"),
        ("a: w p0 p1", "a: w p0, v p1, u p2"),
        ("a: w p0 p1, v p2", "a: u p1, t p2 p0"),
    ],
)
@pytest.mark.parametrize("back", [False, True], ids=("there", "and back"))
def test_from_one_shape_to_another(world: truth.Truth, before: str, after: str, back: bool) -> None:
    """Also where all that stands in a window or a session, or on the server, goes and others come."""
    world.apply(workspace(world, before))
    pid = world.live.server_pid()
    world.apply(workspace(world, after))
    if back:
        world.apply(workspace(world, before))
    assert world.live.server_pid() == pid


@pytest.mark.parametrize(
    "meddling",
    [
        ("swap-pane", "-d", "-s", "a/p0", "-t", "a/p1"),
        ("swap-pane", "-d", "-s", "a/p0", "-t", "b/p0"),
        ("swap-window", "-d", "-s", "a/p0", "-t", "b/p0"),
        ("move-window", "-d", "-s", "b/p0", "-t", "=a:"),
        ("join-pane", "-d", "-s", "b/p0", "-t", "a/p0"),
        ("break-pane", "-d", "-s", "a/p2", "-t", "=b:"),
        ("link-window", "-d", "-s", "a/p0", "-t", "=b:"),
        ("rename-session", "-t", "=a", "c"),
        ("kill-session", "-t", "=b"),
    ],
    ids=" ".join,
)
def test_what_a_person_moved(world: truth.Truth, meddling: tuple[str, ...]) -> None:
    want = workspace(world, "a: w p0, v p1 p2 | b: w p0")
    world.apply(want)
    ids = {address: row.pane_id for address, row in world.ours().items()}
    assert world.attempt(*(ids.get(word, word) for word in meddling))
    world.apply(want)


def test_renamed_round_about(world: truth.Truth) -> None:
    """Each has the other's name."""
    want = workspace(world, "a: w p0 | b: w p0")
    world.apply(want)
    for name, other in (("a", "x"), ("b", "a"), ("x", "b")):
        assert world.attempt("rename-session", "-t", f"={name}", other)
    world.apply(want)


def test_a_name_that_is_somebody_elses_by_now(world: truth.Truth) -> None:
    want = workspace(world, "a: w p0")
    world.apply(want)
    assert world.attempt("rename-session", "-t", "=a", "mine")
    world.opened("new-session", "-d", "-s", "a")
    before = world.rows()
    for adopt in (False, True):
        with pytest.raises(errors.Conflict, match="ours has been renamed"):
            world.live.apply(want, adopt=adopt)
    assert world.rows() == before


def test_anothers_session_is_not_adopted(world: truth.Truth) -> None:
    want = workspace(world, "a: w p0")
    world.apply(want)
    before = world.rows()
    with pytest.raises(errors.Conflict, match='belongs to workspace "world"'):
        world.live.apply(dataclasses.replace(want, name="other"), adopt=True)
    assert world.rows() == before


def test_kept_panes_do_not_stand_in_the_way(world: truth.Truth) -> None:
    world.apply(workspace(world, "a: w p0 p1 p2"))
    less = workspace(world, "a: w p0 p1")
    for _ in range(2):
        assert world.live.apply(less, prune=False).result.ok
        assert set(world.ours()) == {"a/p0", "a/p1", "a/p2"}
    world.nothing_more(less, prune=False)
    world.apply(less)


def test_a_window_of_which_only_a_part_was_meant(world: truth.Truth) -> None:
    want = workspace(world, "a: w p0, v p1 p2")
    for target in (("a/p1",), ("a/p2",), ("a/p0",)):
        assert world.live.apply(want, targets=target).result.ok
        world.nothing_more(want, targets=target)
    world.apply(want)


def test_one_failure_is_told_once(world: truth.Truth) -> None:
    """What rests on it is skipped, by its name; it has not failed as well."""
    want = workspace(world, "a: w p0 p1, v p2 p3", p0={"dir": "/nowhere"})
    outcome = world.live.apply(want)
    ((_, reason),) = outcome.result.failed
    assert "/nowhere" in reason
    assert outcome.result.skipped
    assert all("/nowhere" in why for _, why in outcome.result.skipped)
    assert world.rows() == ()
    world.apply(workspace(world, "a: w p0 p1, v p2 p3"))


def test_nothing_is_left_of_what_could_not_be_begun(world: truth.Truth) -> None:
    want = workspace(world, "a: w p0, v p1", p1={"dir": "/nowhere"})
    settings = execute.Settings(on_error=execute.OnError.ROLLBACK)
    outcome = world.live.apply(want, settings)
    assert [address for address, _ in outcome.result.failed] in (["a/v"], ["a/p1"])
    assert outcome.undone is not None
    assert outcome.undone.ok
    assert world.rows() == ()


@pytest.mark.parametrize("less", ["a: w p0", "a: w p0 | b: w p0"], ids=("a session", "a window"))
def test_a_rollback_takes_back_what_was_let_go_for_a_persons_pane(world: truth.Truth, less: str) -> None:
    """It holds their pane, so it stays when it is declared no more; and it was ours."""
    before = workspace(world, "a: w p0 | b: w p0, v p1")
    world.apply(before)
    world.opened("split-window", "-d", "-t", "=b:v")
    world.apply(before)
    after = workspace(world, less, p0={"dir": "/nowhere"})
    outcome = world.live.apply(after, execute.Settings(on_error=execute.OnError.ROLLBACK))
    assert not outcome.result.ok
    assert outcome.undone is not None
    assert outcome.undone.ok, outcome.undone
    world.under_way(before)
    world.check({}, before)
    world.nothing_more(before)


def test_who_restarts_with_what_is_adopted_is_restarted_by_the_same_plan(world: truth.Truth) -> None:
    edge = spec.Dependency(pane="b/p0", condition=spec.Condition.STARTED, cascades=True)
    want = workspace(world, "a: w p1 | b: w p0", p1={"depends_on": (edge,)})
    world.apply(want)
    before = world.live.pane("a/p1")
    world.live.tmux("kill-session", "-t", "=b")
    world.opened("new-session", "-d", "-s", "b")
    assert world.live.apply(want, adopt=True).result.ok
    after = world.live.pane("a/p1")
    assert (after.pane_id, after.pid != before.pid) == (before.pane_id, True)
    world.nothing_more(want, adopt=True)


def test_what_failed_is_told_when_it_cannot_be_rolled_back(world: truth.Truth) -> None:
    before = workspace(world, "a: w p0 | b: w p0")
    world.apply(before)
    real = world.live.assembly.world.processes.signal_group

    def signal_group(pid: int, name: str) -> None:
        real(pid, name)
        if world.live.client("rename-session", "-t", "=b", "c").returncode == 0:
            world.opened("new-session", "-d", "-s", "b")

    world.live.assembly.world.processes.signal_group = signal_group  # type: ignore[method-assign]
    after = workspace(world, "a: w p0 | b: w p0 | d: w p0", p0={"dir": "/nowhere"})
    outcome = world.live.apply(after, execute.Settings(on_error=execute.OnError.ROLLBACK))
    assert "/nowhere" in str(outcome.result.failed)
    assert outcome.undone is not None
    assert "ours has been renamed" in str(outcome.undone.failed)


def test_the_server_dies_while_a_pane_is_stopped(world: truth.Truth) -> None:
    world.apply(workspace(world, "a: w p0 p1"))
    processes = world.live.assembly.world.processes
    real = processes.signal_group

    def signal_group(pid: int, name: str) -> None:
        world.live.kill_server()
        real(pid, name)

    processes.signal_group = signal_group  # type: ignore[method-assign]
    try:
        outcome = world.live.apply(workspace(world, "a: w p0", p0={"command": ("sleep", "2000")}))
        assert not outcome.result.ok
    finally:
        processes.signal_group = real  # type: ignore[method-assign]
    world.apply(workspace(world, "a: w p0"))


def test_deleted_again_and_again(world: truth.Truth) -> None:
    """The server ends with its last session, and somebody always looks just then."""
    for _ in range(10):
        world.apply(workspace(world, "a: w p0"))
        world.apply(build.nothing(live.WORKSPACE))


@pytest.mark.parametrize("panes", [1, 60])
def test_a_client_never_gets_half_of_it(
    world: truth.Truth, monkeypatch: pytest.MonkeyPatch, panes: int
) -> None:
    """If we die the moment it is started, all it is to do lies in its pipe; a cut text can be another command."""
    sizes = []
    real = subprocess.Popen

    def start(argv: list[str], **more: Any) -> subprocess.Popen[bytes]:
        held = bytearray(4)
        fcntl.ioctl(more["stdin"], termios.FIONREAD, held)
        sizes.append(int.from_bytes(held, "little"))
        return real(argv, **more)

    names = " ".join(f"p{n}" for n in range(4))
    windows = ", ".join(f"w{n} q{n}" for n in range(panes))
    env = {f"p{n}": {"env": {"LONG": "#" * 20_000 if panes > 1 else "#"}} for n in range(4)}
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", start)
        assert world.live.apply(workspace(world, f"a: main {names}, {windows}", **env)).result.ok
    assert max(sizes) > (65536 if panes > 1 else 0)


def test_a_hook_that_renames_what_is_new(world: truth.Truth) -> None:
    for command in ("new-session", "new-window", "split-window"):
        with (world.live.folder / ".tmux.conf").open("a") as config:
            config.write(f"set-hook -g after-{command} 'rename-window hooked ; rename-session h-{command}'\n")
    world.apply(workspace(world, "a: w p0 p1, v p2 | b: w p0"))


def test_directories_come_and_go(world: truth.Truth) -> None:
    """tmux would start in HOME, and say nothing."""
    there = world.live.folder / "there"
    there.mkdir()
    want = workspace(world, "a: w p0 p1", p0={"dir": str(there)})
    world.apply(want)
    there.rmdir()
    broken = worlds.replaced(want, "a/p0", command=("sleep", "2000"))
    outcome = world.live.apply(broken)
    assert [address for address, _ in outcome.result.failed] == ["a/p0"]
    os.mkdir(there)  # noqa: PTH102
    world.launched = {key: pane for key, pane in world.launched.items() if pane.address != "a/p0"}
    world.apply(broken)
