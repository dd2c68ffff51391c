"""A plan as a value: the fingerprint of its world, and what it must never hold."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable

import pytest

from orchestra.model import codec, plan, spec
from orchestra.plan import build, compare
from tests.support import observed, simulate

TOKEN = spec.Secret(name="TOKEN", kind=spec.SourceKind.ENV, source="TOKEN")
CANARY = "hunter2-canary"


def workspace(name: str = "shop", session: str = "api") -> spec.Workspace:
    panes = tuple(
        spec.Pane(address=f"{session}/{each}", command="run", dir="/", secrets=(TOKEN,)) for each in "abc"
    )
    windows = (spec.Window(name="main", panes=panes[:2]), spec.Window(name="logs", panes=panes[2:]))
    return spec.Workspace(name=name, file="", sessions=(spec.Session(name=session, windows=windows),))


@pytest.fixture
def world() -> simulate.World:
    """Two workspaces and a person's session."""
    made = simulate.World(values={"TOKEN": CANARY})
    observed.open_session(made, {"name": "mine", "windows": {"zsh": 2}})
    for each in (workspace(), workspace("bank", "vault")):
        simulate.carry_out(made, observed.plan_for(each, made, compare.Options(), observed.Uids()))
    return made


def fingerprint(world: simulate.World) -> str:
    return planned(world).world


def planned(world: simulate.World) -> plan.Plan:
    return observed.plan_for(workspace(), world, compare.Options(), observed.Uids(given=100))


MATTERS: list[Callable[[simulate.World], object]] = [
    lambda world: observed.kill_pane(world, "shop!api/a"),
    lambda world: observed.die(world, {"pane": "shop!api/a", "exit code": 1}),
    lambda world: observed.rename_sessions(world, {"api": "x"}),
    lambda world: observed.rename_windows(world, {"shop!api/main": "x"}),
    lambda world: observed.stage_waiting(world, "shop!api/a"),
    lambda world: observed.spoil_record(world, {"pane": "shop!api/a"}),
    lambda world: observed.spoil_record(world, {"window": "shop!api/main"}),
    lambda world: observed.spoil_record(world, {"session": "api"}),
    lambda world: observed.swap_panes(world, ["shop!api/a", "shop!api/b"]),
    lambda world: observed.swap_windows(world, ["shop!api/main", "shop!api/logs"]),
    lambda world: observed.move_pane(world, {"pane": "shop!api/a", "to": "mine:zsh"}),
    lambda world: observed.lose_mark(world, "shop!api/a"),
    lambda world: setattr(world, "lives", world.lives + 1),  # another server that looks the same
]
DOES_NOT: list[Callable[[simulate.World], object]] = [
    lambda world: observed.kill_session(world, "mine"),
    lambda world: observed.open_window(world, {"in": "mine"}),
    lambda world: observed.kill_pane(world, "bank!vault/a"),
    lambda world: observed.resize(world, "bank!vault/main"),
]


@pytest.mark.parametrize("deed", MATTERS)
def test_a_saved_plan_is_stale_when_what_it_rests_on_changed(
    world: simulate.World, deed: Callable[[simulate.World], object]
) -> None:
    before = fingerprint(world)
    deed(world)
    assert fingerprint(world) != before


def test_how_a_process_ended_matters(world: simulate.World) -> None:
    observed.die(world, {"pane": "shop!api/a", "exit code": 1})
    before = fingerprint(world)
    observed.die(world, {"pane": "shop!api/a", "exit code": 0})
    assert fingerprint(world) != before


@pytest.mark.parametrize("deed", DOES_NOT)
def test_a_saved_plan_outlives_what_others_do(
    world: simulate.World, deed: Callable[[simulate.World], object]
) -> None:
    before = fingerprint(world)
    deed(world)
    assert fingerprint(world) == before


def test_nothing_is_a_world_too() -> None:
    """Else one plan could be carried out twice onto an empty server."""
    empty, running = simulate.World(), simulate.World()
    running.start()
    prints = {fingerprint(empty), fingerprint(running)}
    taken = simulate.World()
    observed.open_session(taken, "api")
    prints.add(build.world("shop", planned(empty).changes, taken.seen()))
    prints.add(build.world("bank", planned(empty).changes, simulate.World().seen()))
    assert len(prints) == 4


def test_the_world_of_a_saved_plan_is_found_again(world: simulate.World) -> None:
    made = planned(world)
    again = codec.load(plan.Plan, json.loads(json.dumps(codec.dump(made))))
    assert again == made
    assert build.world(again.workspace, again.changes, copy.deepcopy(world).seen()) == made.world


@pytest.mark.parametrize("now", [CANARY, "canary-hunter3"])
def test_no_plan_holds_a_secrets_value(world: simulate.World, now: str) -> None:
    edited = dataclasses.replace(workspace().panes[0], title="new", dir="/tmp")
    window = dataclasses.replace(workspace().sessions[0].windows[0], panes=(edited, workspace().panes[1]))
    desired = dataclasses.replace(
        workspace(),
        sessions=(spec.Session(name="api", windows=(window,)), *workspace(session="new").sessions),
    )
    made = observed.plan_for(desired, world, compare.Options(), observed.Uids(given=100), {"TOKEN": now})
    assert made.steps
    text = json.dumps(codec.dump(made))
    assert "TOKEN" in text
    assert CANARY not in text
    assert now not in text


def test_an_empty_plan_has_no_steps(world: simulate.World) -> None:
    made = planned(world)
    assert (made.empty, made.steps, made.stops) == (True, (), ())
    assert made.count(plan.Verb.NONE) == 6
