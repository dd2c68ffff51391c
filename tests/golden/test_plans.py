from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest

from orchestra.model import action, plan, status
from tests.golden import case
from tests.support import observed, simulate


def test_there_are_cases() -> None:
    assert len(case.names()) >= 60


@pytest.mark.parametrize("name", case.names())
def test_plan_is_as_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    each = case.read(name)
    others = {path.name for path in each.folder.iterdir()} - case.FILES
    assert all(path.startswith("previous") for path in others)
    text, expected = case.text(each), each.folder / "plan.txt"
    if request.config.getoption("--update-golden"):
        expected.write_text(text)
    assert text == expected.read_text()


@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("name", [name for name in case.names() if not case.is_error(name)])
def test_carried_out_it_leaves_nothing_to_do(name: str, order: str) -> None:
    """In whatever order its edges allow; what is not ours stays, and what need not be restarted runs on."""
    each = case.read(name)
    made = each.plan()
    world = copy.deepcopy(each.world)
    world.values.update({name: value for name, value in each.wanted.secrets.items() if value is not None})
    simulate.carry_out(world, made, order)
    strangers = _strangers(each, each.world.strangers())
    assert _strangers(each, world.strangers(strangers)) == strangers
    assert _processes(world, made).items() >= _processes(each.world, made).items()
    again = observed.planned(each.manifest, world, each.wanted, each.new_uid)
    assert (again.empty, again.steps) == (True, ())
    if each.wanted == observed.Wanted(environment=each.wanted.environment, variables=each.wanted.variables):
        shown, declared = (
            observed.listing(world, made.workspace),
            observed.declared(each.manifest.workspace),
        )
        if made.notes:  # of windows that keep their layout: a person's pane stands in them
            shown, declared = observed.unordered(shown), observed.unordered(declared)
        assert shown == declared


def _strangers(each: case.Case, rows: Mapping[str, object]) -> Mapping[str, object]:
    """Of what is adopted names and order are set; its panes run on."""
    return {id_: row for id_, row in rows.items() if not each.wanted.adopt or id_.startswith("%")}


def _processes(world: simulate.World, made: plan.Plan) -> dict[str, tuple[str, int]]:
    """Of the panes the plan need not restart: where they run."""
    kept = {
        change.address
        for change in made.changes
        if change.kind is action.Kind.PANE and change.verb in (plan.Verb.NONE, plan.Verb.UPDATE)
    }
    found = status.owned(world.seen(), made.workspace)
    return {address: (place.pane.id, place.pane.pid) for address, place in found.items() if address in kept}
