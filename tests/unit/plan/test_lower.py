"""What holds of every plan, whatever is wanted and whatever has happened to the server."""

from __future__ import annotations

import copy
import random
from dataclasses import replace

import hypothesis
import networkx
from hypothesis import strategies as st

from orchestra.model import action, errors, plan, spec, status
from orchestra.plan import compare, order
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
    assert kept == strangers
    _check_processes(made, before, world)
    again = observed.plan_for(desired, world, options, uids)
    changed = [change for change in again.changes if change.verb is not plan.Verb.NONE]
    assert (changed, again.steps) == ([], ())
    return made


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
    for _ in range(data.draw(st.integers(0, 4), label="meddling")):
        hypothesis.note(strategies.meddle(chance, world))
    desired = data.draw(st.sampled_from([first, second]), label="desired")
    options = data.draw(strategies.options(desired), label="options")
    needed = replace(options, targets=order.targets(desired, options.targets))
    way = data.draw(st.sampled_from(["first", "last", chance]), label="order of steps")
    made = _apply(desired, world, needed, way)
    if made is not None and needed == compare.Options():
        shown, declared = observed.listing(world, "shop"), observed.declared(desired)
        if made.notes:
            shown, declared = observed.unordered(shown), observed.unordered(declared)
        assert shown == declared
