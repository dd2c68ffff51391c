"""Random workspaces, and random things that happen to the servers they run on."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from orchestra.model import spec, status
from orchestra.plan import compare
from tests.support import observed, simulate

SESSIONS = ("a", "b")
WINDOWS = ("w", "x", "y")
PANES = ("0", "1", "2", "3", "4")
LAYOUTS = (None, None, "even-horizontal", "main-vertical", "tiled")
COMMANDS: tuple[str | tuple[str, ...], ...] = ("run 1", "run 2", ("run", "3"))
PROBE = spec.Health(probe=spec.TcpProbe(host="localhost", port=1), interval=timedelta(seconds=1))
TOKEN = spec.Secret(name="TOKEN", kind=spec.SourceKind.ENV, source="TOKEN")


@st.composite
def workspaces(draw: st.DrawFn) -> spec.Workspace:
    sessions: list[spec.Session] = []
    before: list[spec.Pane] = []
    for name in draw(st.lists(st.sampled_from(SESSIONS), unique=True, max_size=len(SESSIONS))):
        names = list(draw(st.permutations(PANES)))
        windows: list[spec.Window] = []
        for window in draw(st.lists(st.sampled_from(WINDOWS), unique=True, min_size=1, max_size=3)):
            count = draw(st.integers(1, max(1, min(3, len(names)))))
            if not names:
                break
            panes = [
                draw(panes_named(f"{name}/{names.pop()}", before)) for _ in range(min(count, len(names)))
            ]
            before += panes
            if panes:
                windows.append(draw(windows_named(window, panes)))
        focus = draw(st.sampled_from([None, *range(len(windows))]))
        sessions.append(
            spec.Session(
                name=name,
                labels=draw(st.sampled_from([{}, {"tier": "a"}])),
                windows=tuple(replace(each, focus=place == focus) for place, each in enumerate(windows)),
            )
        )
    return spec.Workspace(name="shop", file="", sessions=tuple(sessions))


@st.composite
def windows_named(draw: st.DrawFn, name: str, panes: Sequence[spec.Pane]) -> spec.Window:
    focus = draw(st.sampled_from([None, *range(len(panes))]))
    return spec.Window(
        name=name,
        layout=draw(st.sampled_from(LAYOUTS)),
        panes=tuple(replace(each, focus=place == focus) for place, each in enumerate(panes)),
    )


@st.composite
def panes_named(draw: st.DrawFn, address: str, before: Sequence[spec.Pane]) -> spec.Pane:
    # What a pane is hangs on its name, so that a dependency's condition fits it whatever else changes.
    name = address[-1]
    edges = (
        draw(st.lists(st.sampled_from(before), unique_by=lambda each: each.address, max_size=2))
        if before
        else []
    )
    typed = name == "4"
    return spec.Pane(
        address=address,
        dir="/",
        command=None if typed else draw(st.sampled_from(COMMANDS)),
        send_keys=draw(st.sampled_from([("ls",), ("ls", "make")])) if typed else (),
        title=draw(st.sampled_from([None, "one", "two"])),
        labels=draw(st.sampled_from([{}, {"k": "v"}])),
        secrets=(TOKEN,) if draw(st.booleans()) and name in "12" else (),
        size=draw(st.sampled_from([None, spec.Size(percent=20), spec.Size(cells=8)])),
        health=PROBE if name == "1" else None,
        depends_on=tuple(
            spec.Dependency(
                pane=each.address,
                condition=_condition(each.address),
                required=draw(st.booleans()),
                cascades=draw(st.booleans()),
            )
            for each in edges
        ),
    )


def _condition(address: str) -> spec.Condition:
    return {"0": spec.Condition.COMPLETED_SUCCESSFULLY, "1": spec.Condition.HEALTHY}.get(
        address[-1], spec.Condition.STARTED
    )


def options(workspace: spec.Workspace) -> st.SearchStrategy[compare.Options]:
    """Targets with what they need, as `order.targets` gives them."""
    addresses = [
        *(pane.address for pane in workspace.panes),
        *(each.name for each in workspace.sessions),
        "a/old",
    ]
    return st.builds(
        compare.Options,
        prune=st.sampled_from([True, True, False]),
        adopt=st.booleans(),
        targets=st.one_of(
            st.just(()), st.lists(st.sampled_from(addresses), unique=True, max_size=2).map(tuple)
        ),
    )


# --- meddling


def meddle(chance: random.Random, world: simulate.World) -> str:
    """Does one thing to the server; returns what, for the reader of a failure."""
    if not world.running:
        return "there is no server"
    deed = chance.choice(DEEDS)
    deed(world, chance)
    return deed.__name__


def _pane(chance: random.Random, world: simulate.World) -> simulate.Pane:
    return chance.choice([pane for window in world.windows() for pane in window.panes])


def _window(chance: random.Random, world: simulate.World) -> simulate.Window:
    return chance.choice(list(world.windows()))


def kill_pane(world: simulate.World, chance: random.Random) -> None:
    world.remove(_pane(chance, world))


def kill_window(world: simulate.World, chance: random.Random) -> None:
    world.unlink(_window(chance, world))


def kill_session(world: simulate.World, chance: random.Random) -> None:
    observed.kill_session(world, chance.choice(world.sessions).name)


def rename_sessions(world: simulate.World, chance: random.Random) -> None:
    names = [each.name for each in world.sessions]
    after = [*names]
    chance.shuffle(after)
    if chance.random() < 0.5:
        after[0] = "renamed" if "renamed" not in names else "renamed again"
    if len({*after, *names[1:]}) >= len(names) and len(set(after)) == len(after):
        observed.rename_sessions(world, dict(zip(names, after, strict=True)))


def rename_window(world: simulate.World, chance: random.Random) -> None:
    _window(chance, world).name = chance.choice(["vim", *WINDOWS])


def move_pane(world: simulate.World, chance: random.Random) -> None:
    pane, target = _pane(chance, world), _window(chance, world)
    source = world.home(pane)
    if target is source:
        if len(source.panes) == 1:
            return
        session = chance.choice(world.sessions)
        _leave(source, pane)
        session.windows.append(world.new_window("zsh", pane, session))
        return
    world.insert(target, pane)
    if len(source.panes) == 1:
        source.panes.clear()
        world.unlink(source)
    else:
        _leave(source, pane)


def _leave(window: simulate.Window, pane: simulate.Pane) -> None:
    window.panes.remove(pane)
    window.active = window.panes[0]
    window.disturb()


def swap_panes(world: simulate.World, chance: random.Random) -> None:
    one, two = _pane(chance, world), _pane(chance, world)
    here, there = world.home(one), world.home(two)
    first, second = here.panes.index(one), there.panes.index(two)
    here.panes[first], there.panes[second] = two, one
    for window in (here, there):
        if window.active not in window.panes:
            window.active = window.panes[0]


def swap_windows(world: simulate.World, chance: random.Random) -> None:
    one, two = chance.choice(world.sessions), chance.choice(world.sessions)
    first, second = chance.randrange(len(one.windows)), chance.randrange(len(two.windows))
    here, there = one.windows[first], two.windows[second]
    if one is two or (here not in two.windows and there not in one.windows):
        one.windows[first], two.windows[second] = there, here
        for session in (one, two):
            if session.current not in session.windows:
                session.current = session.windows[0]


def move_window(world: simulate.World, chance: random.Random) -> None:
    source, target = chance.choice(world.sessions), chance.choice(world.sessions)
    window = chance.choice(source.windows)
    if window not in target.windows:
        target.windows.append(window)
        world.unlink(window, only=source)


def link_window(world: simulate.World, chance: random.Random) -> None:
    window, session = _window(chance, world), chance.choice(world.sessions)
    if window not in session.windows:
        session.windows.append(window)


def group_session(world: simulate.World, chance: random.Random) -> None:
    if all(each.name != "view" for each in world.sessions):
        observed.group_session(world, {"of": chance.choice(world.sessions).name, "name": "view"})


def open_pane(world: simulate.World, chance: random.Random) -> None:
    window = _window(chance, world)
    new = world.new_pane()
    world.insert(window, new)
    window.active = new


def open_window(world: simulate.World, chance: random.Random) -> None:
    session = chance.choice(world.sessions)
    session.windows.append(world.new_window(chance.choice(["zsh", "w"]), world.new_pane(), session))


def open_session(world: simulate.World, chance: random.Random) -> None:
    free = [name for name in ("mine", "a", "b") if all(each.name != name for each in world.sessions)]
    if free:
        shape = {
            name: chance.randint(1, 2) for name in chance.sample(["w", "x", "zsh"], chance.randint(1, 2))
        }
        observed.open_session(world, {"name": chance.choice(free), "windows": shape})


def resize(world: simulate.World, chance: random.Random) -> None:
    _window(chance, world).disturb()


def resize_terminal(world: simulate.World, chance: random.Random) -> None:
    size = chance.choice([(200, 50), (120, 40)])
    for window in world.windows():
        window.resize(*size)


def die(world: simulate.World, chance: random.Random) -> None:
    """A job may end well; what others wait for to be healthy may not."""
    pane = _pane(chance, world)
    if pane.mark is not None and pane.mark.stage is status.Stage.DONE:
        pane.dead = True
        pane.exit_code, pane.signal = chance.choice([(1, None), (None, 9), (None, None)])


def hold_back(world: simulate.World, chance: random.Random) -> None:
    pane = _pane(chance, world)
    if pane.mark is not None:
        pane.mark = replace(pane.mark, stage=status.Stage.WAITING, fingerprint="-", typed=0)
        pane.dead, pane.exit_code, pane.signal = True, 0, None


def cut_typing(world: simulate.World, chance: random.Random) -> None:
    pane = _pane(chance, world)
    if pane.mark is not None and pane.mark.address.endswith("4") and not pane.dead:
        pane.mark = replace(pane.mark, stage=status.Stage.TYPING, typed=0)


def spoil_record(world: simulate.World, chance: random.Random) -> None:
    each = _marked(world, chance)
    if each.mark is not None:
        each.record = chance.choice(["", "?", "[]", "{}"])


def lose_mark(world: simulate.World, chance: random.Random) -> None:
    _marked(world, chance).mark = None


def _marked(
    world: simulate.World, chance: random.Random
) -> simulate.Session | simulate.Window | simulate.Pane:
    every: list[simulate.Session | simulate.Window | simulate.Pane] = [*world.sessions, *world.windows()]
    return chance.choice([*every, _pane(chance, world)])


def change_secret(world: simulate.World, chance: random.Random) -> None:
    world.values["TOKEN"] = chance.choice(["one", "two"])


DEEDS: tuple[Callable[[simulate.World, random.Random], None], ...] = (
    kill_pane, kill_window, kill_session, rename_sessions, rename_window, move_pane, swap_panes, swap_windows, move_window,
    link_window, group_session, open_pane, open_window, open_session, resize, resize_terminal, die, hold_back, cut_typing,
    spoil_record, lose_mark, change_secret,
)  # fmt: skip
