"""What golden cases would tell at length: tables of one pane's fields, ends and secrets."""

from __future__ import annotations

import dataclasses

import pytest

from orchestra.model import action, plan, rules, spec, status
from orchestra.plan import compare, record
from tests.support import observed, simulate

TOKEN = spec.Secret(name="TOKEN", kind=spec.SourceKind.ENV, source="TOKEN")
PANE = spec.Pane(
    address="api/server",
    command="serve",
    dir="/srv",
    env={"A": "1", "B": "2"},
    secrets=(TOKEN,),
    title="Server",
    labels={"tier": "web"},
    health=spec.Health(probe=spec.CommandProbe(command="ok")),
)
SHELL = spec.Pane(address="api/server", send_keys=("ls", "make"), dir="/srv")
SHELL_TOO = dataclasses.replace(SHELL, address="api/shell")
OTHER = spec.Pane(address="api/other", command="other", dir="/")


def workspace(*panes: spec.Pane) -> spec.Workspace:
    window = spec.Window(name="main", panes=panes)
    return spec.Workspace(name="shop", file="", sessions=(spec.Session(name="api", windows=(window,)),))


def after(desired: spec.Workspace) -> simulate.World:
    world = simulate.World()
    simulate.carry_out(world, observed.plan_for(desired, world, compare.Options(), observed.Uids()))
    return world


def change(
    desired: spec.Workspace, world: simulate.World, options: compare.Options | None = None
) -> tuple[plan.Plan, plan.Change]:
    """The plan, and what it says of the pane `api/server`."""
    made = observed.plan_for(desired, world, options or compare.Options(), observed.Uids(given=100))
    [found] = [each for each in made.changes if (each.kind, each.address) == (action.Kind.PANE, "api/server")]
    return made, found


def causes(found: plan.Change) -> list[tuple[str, str | None, str | None]]:
    return [(each.reason, each.before, each.after) for each in found.causes]


FIELDS: list[tuple[dict[str, object], plan.Verb, list[tuple[str, str | None, str | None]]]] = [
    ({"command": ("serve", "a b")}, plan.Verb.REPLACE, [("command changed", "serve", "serve 'a b'")]),
    (
        {"command": None, "send_keys": ("a",)},
        plan.Verb.REPLACE,
        [("command changed", "serve", None), ("send_keys changed", None, "a")],
    ),
    ({"shell": "/bin/zsh"}, plan.Verb.REPLACE, [("shell changed", None, "/bin/zsh")]),
    ({"dir": "/"}, plan.Verb.REPLACE, [("dir changed", "/srv", "/")]),
    (
        {"env": {"B": "3", "C": "4"}},
        plan.Verb.REPLACE,
        [("env A changed", "1", None), ("env B changed", "2", "3"), ("env C changed", None, "4")],
    ),
    ({"secrets": ()}, plan.Verb.REPLACE, [("secret TOKEN removed", None, None)]),
    (
        {"secrets": (TOKEN, dataclasses.replace(TOKEN, name="NEW"))},
        plan.Verb.REPLACE,
        [("secret NEW added", None, None)],
    ),
    (
        {"secrets": (dataclasses.replace(TOKEN, source="X"),)},
        plan.Verb.UPDATE,
        [("where a secret is read changed", None, None)],
    ),
    ({"title": None}, plan.Verb.UPDATE, [("title changed", "Server", None)]),
    ({"shell_integration": False}, plan.Verb.UPDATE, [("shell_integration changed", "true", "false")]),
    ({"labels": {}}, plan.Verb.UPDATE, [("labels changed", "tier=web", None)]),
    ({"options": {"@a": "b"}}, plan.Verb.UPDATE, [("options changed", None, "@a=b")]),
    ({"was": ("vim", "a b")}, plan.Verb.NONE, []),  # means something only when it is made
    ({"scrollback_file": "/s"}, plan.Verb.NONE, []),
    ({"history_file": "/s"}, plan.Verb.NONE, []),
    ({"opened": True}, plan.Verb.NONE, []),
    (
        {"restart": spec.Restart(policy=spec.Policy.ALWAYS)},
        plan.Verb.UPDATE,
        [("restart changed", None, None)],
    ),
    ({"limits": rules.Limits(memory=1)}, plan.Verb.UPDATE, [("limits changed", None, None)]),
    ({"watch": rules.Watch(paths=("/a",))}, plan.Verb.UPDATE, [("watch changed", None, None)]),
    ({"pin": True}, plan.Verb.UPDATE, [("pin changed", "false", "true")]),
    ({"health": None}, plan.Verb.UPDATE, [("health changed", None, None)]),
    ({"stop": spec.Stop(signal="SIGINT")}, plan.Verb.UPDATE, [("stop changed", None, None)]),
    (
        {"depends_on": (spec.Dependency(pane="api/other", condition=spec.Condition.STARTED),)},
        plan.Verb.UPDATE,
        [("depends_on changed", None, None)],
    ),
    ({"focus": True}, plan.Verb.NONE, []),  # of the window
    ({"size": spec.Size(cells=9)}, plan.Verb.NONE, []),
]


@pytest.mark.parametrize(("fields", "verb", "why"), FIELDS)
def test_what_a_changed_field_does(
    fields: dict[str, object], verb: plan.Verb, why: list[tuple[str, str | None, str | None]]
) -> None:
    world = after(workspace(PANE, OTHER))
    made, found = change(workspace(dataclasses.replace(PANE, **fields), OTHER), world)  # type: ignore[arg-type]
    assert (found.verb, causes(found)) == (verb, why)
    processes = [
        step.action for step in made.steps if isinstance(step.action, action.StopPane | action.StartPane)
    ]
    assert [each.address for each in processes] == (["api/server"] * 2 if verb is plan.Verb.REPLACE else [])
    assert bool(found.stops) == (verb is plan.Verb.REPLACE)
    assert not any(cause.drift for cause in found.causes)


def test_every_field_has_a_row() -> None:
    told = {name for fields, _, _ in FIELDS for name in fields}
    assert told | {"address"} == {field.name for field in dataclasses.fields(spec.Pane)}


@pytest.mark.parametrize(
    ("pane", "exit_code", "signal", "verb", "reason"),
    [
        (PANE, 0, None, plan.Verb.NONE, ""),
        (PANE, 3, None, plan.Verb.REPLACE, "its command failed with exit code 3"),
        (PANE, None, 9, plan.Verb.REPLACE, "its process was ended by signal 9"),
        (PANE, 0, 9, plan.Verb.REPLACE, "its process was ended by signal 9"),
        (PANE, None, None, plan.Verb.REPLACE, "its command ended, and tmux does not say how"),
        (SHELL, 0, None, plan.Verb.REPLACE, "its shell ended"),
        (SHELL, 1, None, plan.Verb.REPLACE, "its shell ended"),
        (SHELL, None, None, plan.Verb.REPLACE, "its shell ended"),
        (SHELL, None, 1, plan.Verb.REPLACE, "its process was ended by signal 1"),
    ],
)
def test_what_an_end_does(
    pane: spec.Pane, exit_code: int | None, signal: int | None, verb: plan.Verb, reason: str
) -> None:
    world = after(workspace(pane))
    observed.die(world, {"pane": "api/server", "exit code": exit_code, "signal": signal})
    _, found = change(workspace(pane), world)
    assert (found.verb, [cause.reason for cause in found.causes]) == (verb, [reason] if reason else [])
    assert all(cause.drift for cause in found.causes)
    assert not found.stops  # nothing runs


@pytest.mark.parametrize(
    ("given", "now", "verb"),
    [
        ("old", "old", plan.Verb.NONE),
        ("old", "new", plan.Verb.REPLACE),
        ("old", None, plan.Verb.NONE),  # nobody can say: unchanged
        (None, "new", plan.Verb.NONE),  # adopted: what it was given nobody knows
        (None, None, plan.Verb.NONE),
    ],
)
def test_what_a_secret_does(given: str | None, now: str | None, verb: plan.Verb) -> None:
    desired = workspace(PANE)
    world = after(desired)
    live = observed.pane(world, "api/server")
    digests = {} if given is None else {"TOKEN": record.digest(world.key, "TOKEN", given)}
    live.record = record.pane_text(PANE, digests)
    made = observed.plan_for(desired, world, compare.Options(), observed.Uids(given=100), {"TOKEN": now})
    [found] = [each for each in made.changes if each.kind is action.Kind.PANE]
    assert found.verb is verb
    assert [each.reason for each in found.causes] == (
        ["the value of secret TOKEN changed"] if verb is plan.Verb.REPLACE else []
    )


@pytest.mark.parametrize(("typed", "left"), [(0, "2 lines"), (1, "1 line")])
def test_lines_that_are_not_typed_yet(typed: int, left: str) -> None:
    world = after(workspace(SHELL))
    observed.stage_typing(world, {"pane": "api/server", "typed": typed})
    made, found = change(workspace(SHELL), world)
    assert (found.verb, found.causes[0].reason) == (plan.Verb.UPDATE, f"{left} of send_keys not typed yet")
    [step] = made.steps
    assert isinstance(step.action, action.TypeLines)
    assert step.action.mark.typed == typed


def test_a_shell_that_ended_while_typing_is_typed_into_from_the_first_line() -> None:
    world = after(workspace(SHELL))
    observed.stage_typing(world, {"pane": "api/server", "typed": 1})
    observed.die(world, {"pane": "api/server", "exit code": 0})
    made, found = change(workspace(SHELL), world)
    assert found.verb is plan.Verb.REPLACE
    assert [step.action.mark.typed for step in made.steps if isinstance(step.action, action.TypeLines)] == [0]


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("rests", ["dead", "waiting"])
def test_what_rests_is_left_resting_in_a_rollback(rests: str, edited: bool) -> None:
    """Unless what is there is not what shall be there: then its process has to be another one."""
    world = after(workspace(PANE))
    if rests == "dead":
        observed.die(world, {"pane": "api/server", "exit code": 1})
    else:
        observed.stage_waiting(world, "api/server")
    desired = workspace(dataclasses.replace(PANE, command="serve2") if edited else PANE)
    resting = compare.Options(resting=frozenset({"api/server"}))
    assert change(desired, world)[1].verb in (plan.Verb.REPLACE, plan.Verb.CREATE)
    _, found = change(desired, world, resting)
    if rests == "dead" and edited:
        assert found.verb is plan.Verb.REPLACE
    else:
        assert found.verb in (plan.Verb.NONE, plan.Verb.UPDATE)


def test_of_two_panes_with_one_address_the_second_is_nobodys() -> None:
    """Whoever made it so: what he did it to is left alone."""
    desired = workspace(PANE, OTHER)
    world = after(desired)
    mark = observed.pane(world, "api/server").mark
    assert mark is not None
    copied = world.new_pane(dataclasses.replace(mark, uid="another"))
    world.insert(observed.window(world, "api/main"), copied)
    before = (copied.pid, copied.dead, copied.record)
    made = observed.plan_for(desired, world, compare.Options(), observed.Uids(given=100))
    assert made.empty
    simulate.carry_out(world, made)
    gone = observed.plan_for(workspace(OTHER), world, compare.Options(), observed.Uids(given=200))
    simulate.carry_out(world, gone)
    assert (copied.pid, copied.dead, copied.record) == before


def test_a_new_panes_mark_is_its_own() -> None:
    made = observed.plan_for(workspace(PANE, SHELL_TOO), simulate.World(), compare.Options(), observed.Uids())
    marks: list[status.Mark] = []
    for step in made.steps:
        match step.action:
            case action.CreateSession(mark=mark, window=window):
                marks += [mark, window.mark, window.seed.mark]
            case action.CreatePane(seed=seed):
                marks.append(seed.mark)
            case _:
                pass
    assert len({mark.uid for mark in marks}) == len(marks) == 4
    assert {mark.workspace for mark in marks} == {"shop"}
    assert [mark.stage for mark in marks] == [
        status.Stage.DONE,
        status.Stage.DONE,
        status.Stage.DONE,
        status.Stage.TYPING,
    ]


OPENED = spec.Pane(address="api/2", dir="/srv", opened=True, focus=True)


def test_what_a_person_had_opened_is_made_with_its_session_only() -> None:
    """And where the session is there the window stays as it was applied."""
    window = spec.Window(name="main", layout="even-vertical", panes=(PANE, OTHER))
    more = spec.Window(
        name="main", layout="8205,80x24,0,0{40x24,0,0,0,39x24,41,0,1}", panes=(PANE, OTHER, OPENED)
    )
    alone = spec.Window(name="mine", focus=True, panes=(dataclasses.replace(OPENED, address="api/3"),))

    def of(*windows: spec.Window) -> spec.Workspace:
        return spec.Workspace(name="shop", file="", sessions=(spec.Session(name="api", windows=windows),))

    saved = of(dataclasses.replace(more, layout=None), alone)
    there = observed.plan_for(saved, after(of(window)), compare.Options(), observed.Uids(given=100))
    assert there.empty, there.changes
    absent = observed.plan_for(saved, simulate.World(), compare.Options(), observed.Uids())
    assert {each.address for each in absent.changes if each.verb is plan.Verb.CREATE} >= {
        "api/2",
        "api/3",
        "api/mine",
    }
    restored = after(saved)
    assert observed.plan_for(saved, restored, compare.Options(), observed.Uids(given=100)).empty


def test_a_person_stops_and_starts() -> None:
    world = after(workspace(PANE, OTHER))
    options = compare.Options(prune=False, targets=("api/server",), stops=frozenset({"api/server"}))
    made, found = change(workspace(PANE, OTHER), world, options)
    assert (found.verb, causes(found)) == (plan.Verb.UPDATE, [("stopped by a person", None, None)])
    assert found.stops
    assert [type(step.action) for step in made.steps] == [action.Write, action.StopPane]
    simulate.carry_out(world, made)
    again, found = change(workspace(PANE, OTHER), world, options)
    assert (found.verb, again.steps) == (plan.Verb.NONE, ())
    applied, found = change(workspace(dataclasses.replace(PANE, command="other"), OTHER), world)
    assert found.verb is plan.Verb.UPDATE
    assert not any(isinstance(step.action, action.StartPane) for step in applied.steps)
    assert any("orchestra start api/server" in note.summary for note in applied.notes)
    starts = compare.Options(
        prune=False, targets=("api/server",), starts={"api/server": "started by a person"}
    )
    made, found = change(workspace(PANE, OTHER), world, starts)
    assert (found.verb, causes(found)) == (plan.Verb.REPLACE, [("started by a person", None, None)])
    simulate.carry_out(world, made)
    _, found = change(workspace(PANE, OTHER), world)
    assert found.verb is plan.Verb.NONE


def test_what_was_collected_is_made_anew_only_where_a_person_has_it_so() -> None:
    both, one = workspace(SHELL_TOO, OTHER), workspace(SHELL_TOO)

    def created(world: simulate.World, *absent: str) -> set[str]:
        options = compare.Options(absent=frozenset(absent))
        made = observed.plan_for(both, world, options, observed.Uids(given=100))
        return {
            each.address
            for each in made.changes
            if (each.kind, each.verb) == (action.Kind.PANE, plan.Verb.CREATE)
        }

    assert created(after(one)) == {"api/other"}
    assert created(after(one), "api/other") == set()
    assert created(simulate.World(), "api/other") == {"api/shell"}
    assert created(simulate.World(), "api/other", "api/shell") == set()
    assert created(after(both), "api/other") == set()  # it is there: nothing is taken from it
    made = observed.plan_for(
        both, after(both), compare.Options(absent=frozenset({"api/other"})), observed.Uids(given=100)
    )
    assert made.empty
