"""Two applies at once: one after the other, in either order, never a mix."""

from __future__ import annotations

import concurrent.futures
import subprocess

import pytest

from orchestra.model import errors
from orchestra.plan import build
from tests.support import live, truth, worlds


def manifest(world: truth.Truth, name: str, *panes: str, workspace: str = live.WORKSPACE) -> str:
    path = world.live.folder / f"{name}.yaml"
    rows = "".join(
        f"          - {{name: {pane}, command: [sleep, '{1000 + n}']}}\n" for n, pane in enumerate(panes)
    )
    path.write_text(
        f"version: 1\nworkspace: {workspace}\nsessions:\n  {workspace[0]}{name[0]}:\n    windows:\n"
        f"      - name: main\n        panes:\n{rows}"
    )
    return str(path)


def at_once(world: truth.Truth, *words: tuple[str, ...]) -> list[subprocess.CompletedProcess[str]]:
    with concurrent.futures.ThreadPoolExecutor(len(words)) as pool:
        return list(pool.map(lambda each: world.live.cli(*each), words))


@pytest.mark.parametrize("attempt", range(3))
def test_one_order(world: truth.Truth, attempt: int) -> None:
    """The one that comes second sees all that the first one did: its panes are gone, or it is."""
    del attempt
    ours, theirs = manifest(world, "one", "p0", "p1", "p2"), manifest(world, "two", "q0", "q1", "q2")
    done = at_once(world, ("apply", ours, "--yes"), ("apply", theirs, "--yes"))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    addresses = sorted(world.ours())
    assert addresses in (["wo/p0", "wo/p1", "wo/p2"], ["wt/q0", "wt/q1", "wt/q2"])
    assert len(world.rows()) == 3
    left = {each.env.get("ORCHESTRA_ADDRESS") for each in world.live.processes().values()} - {None}
    assert left <= set(addresses)


def test_the_same_twice(world: truth.Truth) -> None:
    path = manifest(world, "one", "p0", "p1")
    done = at_once(world, *[("apply", path)] * 4)
    assert [each.returncode for each in done] == [0] * 4, [each.stderr for each in done]
    assert sorted(each.stdout.split(":")[1].split(",")[0].strip() for each in done) == ["0 created"] * 3 + [
        "4 created"
    ]
    assert sorted(world.ours()) == ["wo/p0", "wo/p1"]


def test_two_workspaces(world: truth.Truth) -> None:
    """Also when each starts the server."""
    paths = [manifest(world, name, "p0", "p1", workspace=name) for name in ("first", "second")]
    done = at_once(world, *(("apply", path) for path in paths))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    assert sorted({row.session for row in world.rows()}) == ["ff", "ss"]


def test_a_saved_plan_races_with_itself(world: truth.Truth) -> None:
    """Carried out once; the other is told that it is stale."""
    path, saved = manifest(world, "one", "p0", "p1"), str(world.live.folder / "plan.json")
    assert world.live.cli("diff", path, "--out", saved).returncode == 2
    done = at_once(world, *[("apply", "--plan", saved)] * 3)
    assert sorted(each.returncode for each in done) == [0, 1, 1], [each.stderr for each in done]
    assert sum("is stale" in each.stderr for each in done) == 2
    assert sorted(world.ours()) == ["wo/p0", "wo/p1"]


def test_applying_while_a_person_works(world: truth.Truth) -> None:
    """Whatever they do in between, what comes after makes it good."""
    path = manifest(world, "one", *(f"p{n}" for n in range(6)))
    assert world.live.cli("apply", path).returncode == 0
    running = subprocess.Popen(
        world.live.cli_words("delete", path, "--yes"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while running.poll() is None:
            for row in world.rows()[:1]:
                world.attempt("break-pane", "-d", "-s", row.pane_id)
                world.attempt("select-window", "-t", row.window_id)
    finally:
        running.kill()
        running.wait()
    assert world.live.cli("delete", path, "--yes").returncode in (0, 64)
    assert world.ours() == {}


def test_reading_waits_for_nobody(world: truth.Truth) -> None:
    """Nor does what fails hold on to the lock."""
    want = worlds.World(world.live.folder, lambda limit: limit // 2).first()
    world.apply(want)
    world.live.tmux("rename-session", "-t", f"={want.sessions[0].name}", "x")
    world.live.tmux("new-session", "-d", "-s", want.sessions[0].name, "sleep", "99999")
    for _ in range(3):
        with pytest.raises(errors.Conflict):
            world.live.apply(want)
    world.live.tmux("kill-session", "-t", f"={want.sessions[0].name}")
    world.apply(want)
    world.apply(build.nothing(live.WORKSPACE))
