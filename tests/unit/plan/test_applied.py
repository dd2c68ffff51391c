"""What was applied is read back from the live objects alone."""

from __future__ import annotations

import dataclasses
import random

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.model import plan, spec, status
from orchestra.plan import applied, build, compare
from tests.support import observed, simulate
from tests.unit.plan import strategies

PANES = tuple(
    spec.Pane(address=f"api/{name}", command="run", dir="/", size=spec.Size(percent=20), focus=name == "b")
    for name in "abc"
)
WINDOWS = (
    spec.Window(name="main", layout="even-horizontal", panes=PANES[:2]),
    spec.Window(name="logs", focus=True, panes=PANES[2:]),
)
SHOP = spec.Workspace(
    name="shop",
    description="for sale",
    file="/shop.yaml",
    sessions=(spec.Session(name="api", labels={"tier": "web"}, windows=WINDOWS),),
    groups=(spec.Group(name="all", panes=("api/a",)),),
)


def after(workspace: spec.Workspace) -> simulate.World:
    world = simulate.World()
    simulate.carry_out(world, observed.plan_for(workspace, world, compare.Options(), observed.Uids()))
    return world


def kept(workspace: spec.Workspace) -> spec.Workspace:
    """What stands on live objects: not what is only the manifest's; sessions come by name, as tmux lists them."""
    sessions = tuple(sorted(workspace.sessions, key=lambda each: each.name))
    return dataclasses.replace(workspace, file="", description="", labels={}, groups=(), sessions=sessions)


@hypothesis.given(strategies.workspaces())
def test_what_was_applied_is_read_back(workspace: spec.Workspace) -> None:
    world = after(workspace)
    read = applied.workspace("shop", world.seen())
    assert read == kept(workspace)
    again = observed.plan_for(read, world, compare.Options(), observed.Uids(given=1000))
    assert (again.empty, again.steps) == (True, ())


@hypothesis.given(strategies.workspaces(), strategies.workspaces(), st.randoms(use_true_random=False))
def test_rolling_back_is_planning_towards_it(
    first: spec.Workspace, second: spec.Workspace, chance: random.Random
) -> None:
    """From wherever the second apply was cut off."""
    world = after(first)
    before = applied.workspace("shop", world.seen())
    forward = observed.plan_for(second, world, compare.Options(), observed.Uids(given=1000))
    until = chance.randint(0, len(forward.steps))
    simulate.carry_out(world, forward, "first", until=until)
    simulate.carry_out(
        world, observed.plan_for(before, world, compare.Options(), observed.Uids(given=2000)), chance
    )
    assert observed.listing(world, "shop") == observed.declared(first)
    assert applied.workspace("shop", world.seen()) == before


def test_another_workspaces_things_are_left_out() -> None:
    world = after(SHOP)
    assert applied.workspace("bank", world.seen()) == build.nothing("bank")
    assert applied.workspace("shop", status.Server()) == build.nothing("shop")


def test_what_was_never_started_is_there() -> None:
    world = after(SHOP)
    observed.stage_waiting(world, "api/a")
    assert applied.workspace("shop", world.seen()) == kept(SHOP)


def test_a_pane_that_cannot_be_read_is_left_out() -> None:
    world = after(SHOP)
    observed.spoil_record(world, {"pane": "api/c"})
    [session] = applied.workspace("shop", world.seen()).sessions
    assert [(window.name, len(window.panes)) for window in session.windows] == [("main", 2)]


@pytest.mark.parametrize("record", ["", "?", "{}", "[]"])
@pytest.mark.parametrize("kind", ["window", "session"])
def test_where_a_record_cannot_be_read_what_stands_there_counts(kind: str, record: str) -> None:
    """Going back to it must not delete what runs."""
    world = after(SHOP)
    if kind == "window":
        observed.window(world, "api/main").record = record
    else:
        world.sessions[0].record = record
    read = applied.workspace("shop", world.seen())
    assert [pane.address for pane in read.panes] == ["api/a", "api/b", "api/c"]
    made = observed.plan_for(read, world, compare.Options(), observed.Uids(given=1000))
    assert not made.count(plan.Verb.DELETE)
    assert not made.stops


@pytest.mark.parametrize("sizes", ['["x%", true]', '["20", null]', "3", "[]", '[{}, "%"]'])
def test_sizes_that_somebody_wrote_are_no_error(sizes: str) -> None:
    world = after(SHOP)
    observed.window(world, "api/main").record = f'{{"panes": ["a", "b"], "sizes": {sizes}}}'
    [session] = applied.workspace("shop", world.seen()).sessions
    assert [pane.name for pane in session.panes] == ["a", "b", "c"]
