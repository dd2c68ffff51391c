"""What holds of every plan, whatever is wanted and whatever has happened to the server."""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

import hypothesis
import networkx
import pytest
from hypothesis import strategies as st

from orchestra.model import action, errors, plan, spec, status
from orchestra.plan import build, compare, order
from tests.support import observed, simulate
from tests.unit.plan import strategies


def _graph(made: plan.Plan) -> networkx.DiGraph[int]:
    graph: networkx.DiGraph[int] = networkx.DiGraph()
    graph.add_nodes_from(step.id for step in made.steps)
    graph.add_edges_from(
        (before, step.id) for step in made.steps for before in (*step.after, *step.optional_after)
    )
    return graph


def _check_graph(made: plan.Plan, world: simulate.World) -> None:
    assert [step.id for step in made.steps] == list(range(len(made.steps)))
    graph = _graph(made)
    assert set(graph) == {step.id for step in made.steps}
    assert networkx.is_directed_acyclic_graph(graph)
    there = status.owned(world.seen(), made.workspace)
    stops = {step.action.address: step.id for step in made.steps if isinstance(step.action, action.StopPane)}
    for step in made.steps:
        if isinstance(step.action, action.StartPane) and step.action.address in there:
            assert stops[step.action.address] in step.after
        if isinstance(step.action, action.DeletePane) and step.action.address in there:
            assert stops[step.action.address] in step.after
        assert not set(step.after) & set(step.optional_after)


def _apply(
    desired: spec.Workspace, world: simulate.World, options: compare.Options, way: str | random.Random
) -> plan.Plan | None:
    """None when somebody's session stands in the way: then nothing is planned."""
    uids = observed.Uids(given=1000 * world.fresh("apply"))
    try:
        made = observed.plan_for(desired, world, options, uids)
    except errors.Conflict:
        return None
    before = copy.deepcopy(world)
    _check_graph(made, world)
    simulate.carry_out(world, made, way)
    strangers = before.strangers()
    if options.adopt:
        strangers = {id_: row for id_, row in strangers.items() if id_.startswith("%")}
    kept = world.strangers(strangers)
    if options.adopt:  # what is adopted may be waited for until it has ended, which it does by itself
        strangers, kept = _ended_or_not(strangers), _ended_or_not(kept)
    assert kept == strangers
    _check_processes(made, before, world)
    again = observed.plan_for(desired, world, options, uids)
    changed = [change for change in again.changes if change.verb is not plan.Verb.NONE]
    assert (changed, again.steps) == ([], ())
    return made


def _ended_or_not(rows: Mapping[str, object]) -> Mapping[str, object]:
    return {id_: (row[0], row[2]) if isinstance(row, tuple) else row for id_, row in rows.items()}


def _check_processes(made: plan.Plan, before: simulate.World, after: simulate.World) -> None:
    """Who is not to be restarted goes on, with its id and its process; who is to be restarted keeps its id at least."""
    was, now = status.owned(before.seen(), made.workspace), status.owned(after.seen(), made.workspace)
    for change in made.changes:
        if change.kind is not action.Kind.PANE or change.address not in was:
            continue
        old = was[change.address].pane
        if change.verb is plan.Verb.DELETE:
            assert change.address not in now
            continue
        new = now[change.address].pane
        assert new.id == old.id
        if change.verb in (plan.Verb.NONE, plan.Verb.UPDATE):
            assert new.pid == old.pid


@hypothesis.given(
    st.data(), strategies.workspaces(), strategies.workspaces(), st.randoms(use_true_random=False)
)
def test_any_plan_from_any_state(
    data: st.DataObject, first: spec.Workspace, second: spec.Workspace, chance: random.Random
) -> None:
    world = simulate.World()
    _apply(first, world, compare.Options(), "first")
    if data.draw(st.booleans(), label="an apply of the second is cut off"):
        cut = observed.plan_for(second, world, compare.Options(), observed.Uids(given=100_000))
        simulate.carry_out(world, cut, chance, until=chance.randint(0, len(cut.steps)))
    for _ in range(data.draw(st.integers(0, 4), label="meddling")):
        hypothesis.note(strategies.meddle(chance, world))
    desired = data.draw(st.sampled_from([first, second]), label="desired")
    options = data.draw(strategies.options(desired), label="options")
    needed = replace(options, targets=order.targets(desired, options.targets))
    way: str | random.Random = data.draw(st.sampled_from(["first", "last", ""])) or chance
    made = _apply(desired, world, needed, way)
    if made is not None and needed == compare.Options():
        shown, declared = observed.listing(world, "shop"), observed.declared(desired)
        if made.notes:
            shown, declared = observed.unordered(shown), observed.unordered(declared)
        assert shown == declared


def _calls(work: Callable[[], object]) -> int:
    """How many functions it calls, Python's own included: a measure that no other program on the machine disturbs."""
    count = 0

    def tally(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(tally)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def _wide(count: int, sessions: int, windows: int | None, command: str = "run") -> spec.Workspace:
    """`count` panes in so many sessions and windows, in chains of ten that need each other."""
    panes = [
        spec.Pane(
            address=f"s{number % sessions}/p{number}",
            command=command,
            dir="/",
            depends_on=(
                spec.Dependency(
                    pane=f"s{(number - sessions) % sessions}/p{number - sessions}",
                    condition=spec.Condition.STARTED,
                ),
            )
            if number >= sessions and number % 10
            else (),
        )
        for number in range(count)
    ]
    made: list[spec.Session] = []
    for session in range(sessions):
        own = panes[session::sessions]
        each = -(-len(own) // (windows or len(own)))
        made.append(
            spec.Session(
                name=f"s{session}",
                windows=tuple(
                    spec.Window(name=f"w{at}", panes=tuple(own[at : at + each]))
                    for at in range(0, len(own), each)
                ),
            )
        )
    return spec.Workspace(name="shop", file="", sessions=tuple(made))


SHAPES = [
    (1, None),  # a window for each pane
    (100, None),
    (10, 4),
    (1, 1),  # more than any terminal has room for; here it has
]
"""Sessions, and windows in each."""
WIDE = (10_000, 10_000)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("then", ["nothing", "edited", "deleted", "reversed", "renamed", "killed"])
def test_a_thousand_panes_are_planned_in_bounded_work(shape: tuple[int, int | None], then: str) -> None:
    """Four times the panes, about four times the work and the steps."""
    work: list[int] = []
    steps: list[int] = []
    for count in (250, 1000):
        before = _wide(count, *shape)
        world = simulate.World(size=WIDE)
        if then != "nothing":
            made = observed.plan_for(before, world, compare.Options(), observed.Uids())
            simulate.carry_out(world, made)
        if then == "killed":
            for window in list(world.windows())[1::2]:
                world.unlink(window)
        desired = {
            "nothing": before,
            "edited": _wide(count, *shape, "run 2"),
            "deleted": build.nothing("shop"),
            "reversed": _reversed(before),
            "renamed": _renamed(before),
            "killed": before,
        }[then]
        seen = world.seen()
        plans: list[plan.Plan] = []
        work.append(_calls(lambda: plans.append(_plan(desired, seen))))  # noqa: B023 - called at once
        steps.append(len(plans[0].steps))
    assert work[1] < 6 * work[0]
    assert steps[1] <= 4.5 * steps[0] + 10
    assert steps[1] <= 6 * 1000
    assert work[1] < 1000 * 1000


def _plan(desired: spec.Workspace, seen: status.Server) -> plan.Plan:
    return build.build(desired, seen, {}, compare.Options(), new_uid=observed.Uids(given=10**6), size=WIDE)


def _reversed(workspace: spec.Workspace) -> spec.Workspace:
    return replace(
        workspace,
        sessions=tuple(
            replace(
                session,
                windows=tuple(replace(window, panes=window.panes[::-1]) for window in session.windows[::-1]),
            )
            for session in workspace.sessions
        ),
    )


def _renamed(workspace: spec.Workspace) -> spec.Workspace:
    """Every window gets the name of the next one: every pane moves."""
    return replace(
        workspace,
        sessions=tuple(
            replace(
                session,
                windows=tuple(
                    replace(window, name=after.name)
                    for window, after in zip(
                        session.windows, (*session.windows[1:], session.windows[0]), strict=True
                    )
                ),
            )
            for session in workspace.sessions
        ),
    )
