"""A readable description of what stands on a server, as a simulated one.

    applied: previous.yaml       # or a list: each applied to the end, one after the other; left out: nothing was
    secrets: {API_TOKEN: old}    # values at that time; others have one made of their name
    terminal: [80, 24]           # size of new windows, 200 x 50 when it is left out
    meddling:                    # what people and crashes did since, in order
      - rename session: {api: foo}

An entry of `applied`, and `apply` among the meddling, may be a map with `manifest`, what `Wanted` holds and `cut off after` (so many
steps).
Windows are named `session/window` by our address or `session:window` by their live names; panes by our address, or as a window and a
number: `main:zsh.0`. Of two workspaces on one server the second one's objects are named by `workspace!address`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from orchestra.manifest import load
from orchestra.model import diagnostic, names, plan, spec, status
from orchestra.plan import build, compare, layout, order
from tests.support import simulate

HOME = "/home/user"
Rows = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Session -> window -> panes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a user says beside the manifest."""

    environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    prune: bool = True
    adopt: bool = False
    secrets: Mapping[str, str | None] = field(default_factory=dict)
    """Values as they are now; None: nobody can say."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Wanted:
        return cls(**{**plain, "targets": tuple(plain.get("targets", ()))})


@dataclass
class Uids:
    """Words that no two objects share, the same in each run."""

    given: int = 0

    def __call__(self) -> str:
        self.given += 1
        return f"u{self.given}"


def loaded(path: Path, wanted: Wanted) -> load.Loaded:
    """The manifest; places in it are told relative to its folder."""
    return load.load(
        path,
        load.Inputs(
            environment=wanted.environment, variables=wanted.variables, environ={"HOME": HOME, "PATH": "/bin"}
        ),
    )


def planned(manifest: load.Loaded, world: simulate.World, wanted: Wanted, new_uid: Uids) -> plan.Plan:
    """As `orchestra diff` does it."""
    order.refuse_cycles(manifest.workspace, manifest.locations)
    return plan_for(
        manifest.workspace,
        world,
        compare.Options(
            prune=wanted.prune,
            adopt=wanted.adopt,
            targets=order.targets(manifest.workspace, wanted.targets),
        ),
        new_uid,
        wanted.secrets,
    )


def plan_for(
    workspace: spec.Workspace,
    world: simulate.World,
    options: compare.Options,
    new_uid: Callable[[], str],
    secrets: Mapping[str, str | None] | None = None,
) -> plan.Plan:
    known = {
        secret: (secrets or {}).get(secret.name, world.value(secret.name))
        for pane in workspace.panes
        for secret in pane.secrets
    }
    return build.build(
        workspace, world.seen(), world.digests(known), options, new_uid=new_uid, size=world.size
    )


def world(folder: Path, new_uid: Uids) -> simulate.World:
    """What `observed.yaml` of this folder describes; no server when there is none."""
    file = folder / "observed.yaml"
    said: dict[str, Any] = (yaml.safe_load(file.read_text()) if file.exists() else None) or {}
    made = simulate.World(
        values=dict(said.pop("secrets", {})), size=tuple(said.pop("terminal", simulate.SIZE))
    )
    applied = said.pop("applied", [])
    for each in [applied] if isinstance(applied, str | dict) else applied:
        _apply(folder, {"manifest": each} if isinstance(each, str) else dict(each), made, new_uid)
    for entry in said.pop("meddling", []):
        ((what, how),) = entry.items()
        if what == "apply":
            _apply(folder, dict(how), made, new_uid)
        else:
            MEDDLING[what](made, how)
    if said:
        raise ValueError(f"{file.name}: unknown {', '.join(said)}")
    return made


def _apply(folder: Path, how: dict[str, Any], made: simulate.World, new_uid: Uids) -> None:
    manifest, until = how.pop("manifest"), how.pop("cut off after", None)
    wanted = Wanted.of(how)
    simulate.carry_out(made, planned(loaded(folder / manifest, wanted), made, wanted, new_uid), until=until)


# --- finding what a description names


def _marks(made: simulate.World, name: str) -> tuple[str, str]:
    workspace, sign, address = name.rpartition("!")
    if sign:
        return workspace, address
    panes = (pane for window in made.windows() for pane in window.panes)
    return next((pane.mark.workspace for pane in panes if pane.mark is not None), ""), name


def _session(made: simulate.World, name: str) -> simulate.Session:
    """By its live name: sessions are what people see."""
    return next(each for each in made.sessions if each.name == name)


def window(made: simulate.World, name: str) -> simulate.Window:
    if ":" in name:
        session, _, live = name.partition(":")
        return next(each for each in _session(made, session).windows if each.name == live)
    workspace, address = _marks(made, name)
    return next(
        each
        for each in made.windows()
        if each.mark is not None and (each.mark.workspace, each.mark.address) == (workspace, address)
    )


def pane(made: simulate.World, name: str) -> simulate.Pane:
    if "." in name and ":" in name:
        where, _, number = name.rpartition(".")
        return window(made, where).panes[int(number)]
    workspace, address = _marks(made, name)
    return next(
        each
        for place in made.windows()
        for each in place.panes
        if each.mark is not None and (each.mark.workspace, each.mark.address) == (workspace, address)
    )


def _mark(mark: status.Mark | None) -> status.Mark:
    assert mark is not None
    return mark


# --- what people and crashes do


def rename_sessions(made: simulate.World, names: Mapping[str, str]) -> None:
    """All at once: two may take each other's names."""
    found = {name: _session(made, name) for name in names}
    for name, session in found.items():
        session.name = names[name]
    assert len({each.name for each in made.sessions}) == len(made.sessions)


def rename_windows(made: simulate.World, names: Mapping[str, str]) -> None:
    found = {name: window(made, name) for name in names}
    for name, each in found.items():
        each.name = names[name]


def kill_pane(made: simulate.World, name: str) -> None:
    made.remove(pane(made, name))


def kill_window(made: simulate.World, name: str) -> None:
    made.unlink(window(made, name))


def kill_session(made: simulate.World, name: str) -> None:
    """Windows that are linked elsewhere, and those of a group, live on."""
    session = _session(made, name)
    made.sessions.remove(session)
    if not made.sessions:
        made.running, made.key = False, ""


def kill_server(made: simulate.World, _: object) -> None:
    made.sessions.clear()
    made.running, made.key = False, ""


def start_server(made: simulate.World, _: object) -> None:
    """One without sessions, as `exit-empty off` leaves it."""
    made.start()


def move_pane(made: simulate.World, how: Mapping[str, str]) -> None:
    """`to`: a window, or `new window in SESSION`."""
    moved, to = pane(made, how["pane"]), how["to"]
    place = made.home(moved)
    if len(place.panes) == 1 and to.startswith("new window in "):
        return
    fresh = to.removeprefix("new window in ") if to.startswith("new window in ") else None
    target = None if fresh is not None else window(made, to)
    assert target is not place
    if target is not None:
        made.insert(target, moved)
    place.panes.remove(moved)
    if not place.panes:
        made.unlink(place)
    else:
        place.active = place.panes[0]
        place.disturb()
    if fresh is not None:
        _session(made, fresh).windows.append(made.new_window("zsh", moved, _session(made, fresh)))


def swap_panes(made: simulate.World, names: list[str]) -> None:
    one, two = (pane(made, name) for name in names)
    there, here = made.home(two), made.home(one)
    first, second = here.panes.index(one), there.panes.index(two)
    here.panes[first], there.panes[second] = two, one
    for place in (here, there):
        if place.active not in place.panes:
            place.active = place.panes[0]


def swap_windows(made: simulate.World, names: list[str]) -> None:
    one, two = (window(made, name) for name in names)
    first = next(each for each in made.sessions if one in each.windows)
    second = next(each for each in made.sessions if two in each.windows)
    here, there = first.windows.index(one), second.windows.index(two)
    first.windows[here], second.windows[there] = two, one
    for session in (first, second):
        if session.current not in session.windows:
            session.current = session.windows[0]


def move_window(made: simulate.World, how: Mapping[str, str]) -> None:
    moved, target = window(made, how["window"]), _session(made, how["to"])
    source = next(each for each in made.sessions if moved in each.windows)
    target.windows.append(moved)
    made.unlink(moved, only=source)


def link_window(made: simulate.World, how: Mapping[str, str]) -> None:
    _session(made, how["to"]).windows.append(window(made, how["window"]))


def group_session(made: simulate.World, how: Mapping[str, str]) -> None:
    of = _session(made, how["of"])
    made.sessions.append(
        simulate.Session(
            id=f"${made.fresh('$')}", name=how["name"], windows=of.windows, current=of.windows[0]
        )
    )


def open_pane(made: simulate.World, name: str) -> None:
    place, new = window(made, name), made.new_pane()
    made.insert(place, new)
    place.active = new


def open_window(made: simulate.World, how: Mapping[str, str]) -> None:
    session = _session(made, how["in"])
    session.windows.append(made.new_window(how.get("name", "zsh"), made.new_pane(), session))


def open_session(made: simulate.World, how: Any) -> None:
    """Its name, or `{name: …, windows: {NAME: how many panes}}`."""
    how = {"name": how} if isinstance(how, str) else how
    session = None
    made.start()
    for name, count in how.get("windows", {"zsh": 1}).items():
        place = made.new_window(name, made.new_pane())
        for _ in range(count - 1):
            made.insert(place, made.new_pane())
        if session is None:
            session = made.new_session(how["name"], place)
        else:
            session.windows.append(place)


def resize(made: simulate.World, name: str) -> None:
    """A border is dragged."""
    place = window(made, name)
    place.disturb()


def arrange(made: simulate.World, how: Mapping[str, str]) -> None:
    """With select-layout."""
    place = window(made, how["window"])
    place.layout = layout.arrange(how["layout"], [None] * len(place.panes), *place.size)


def resize_terminal(made: simulate.World, size: list[int]) -> None:
    width, height = size
    made.size = width, height
    for place in made.windows():
        place.resize(width, height)


def resize_ours(made: simulate.World, size: list[int]) -> None:
    """The terminal that apply is called from."""
    made.size = size[0], size[1]


def die(made: simulate.World, how: Mapping[str, Any]) -> None:
    """`exit code` or `signal`; neither: tmux has not told yet."""
    dead = pane(made, how["pane"])
    dead.dead, dead.exit_code, dead.signal = True, how.get("exit code"), how.get("signal")


def stage_waiting(made: simulate.World, name: str) -> None:
    """As an apply leaves it whose dependency failed."""
    held = pane(made, name)
    held.mark = replace(_mark(held.mark), stage=status.Stage.WAITING, fingerprint="-", typed=0)
    held.dead, held.exit_code, held.signal = True, 0, None


def stage_stopped(made: simulate.World, name: str) -> None:
    """By a person."""
    stopped = pane(made, name)
    stopped.mark = replace(_mark(stopped.mark), stage=status.Stage.STOPPED)
    stopped.dead, stopped.exit_code, stopped.signal = True, None, 15


def respawn(made: simulate.World, name: str) -> None:
    """By a person, or by the daemon."""
    again = pane(made, name)
    again.pid, again.dead, again.exit_code, again.signal = 1000 + made.fresh("pid"), False, None, None


def stage_typing(made: simulate.World, how: Mapping[str, Any]) -> None:
    shell = pane(made, how["pane"])
    shell.mark = replace(_mark(shell.mark), stage=status.Stage.TYPING, typed=how["typed"])


def spoil_record(made: simulate.World, how: Mapping[str, str]) -> None:
    for kind, name in how.items():
        found: simulate.Pane | simulate.Window | simulate.Session
        match kind:
            case "pane":
                found = pane(made, name)
            case "window":
                found = window(made, name)
            case _:
                found = _session(made, name)
        found.record = "?"


def lose_mark(made: simulate.World, name: str) -> None:
    """The user option is taken off."""
    pane(made, name).mark = None


def change_secrets(made: simulate.World, values: Mapping[str, str]) -> None:
    made.values.update(values)


MEDDLING: Mapping[str, Callable[[simulate.World, Any], None]] = {
    "rename session": rename_sessions,
    "rename window": rename_windows,
    "kill pane": kill_pane,
    "kill window": kill_window,
    "kill session": kill_session,
    "kill server": kill_server,
    "start empty server": start_server,
    "move pane": move_pane,
    "swap panes": swap_panes,
    "swap windows": swap_windows,
    "move window": move_window,
    "link window": link_window,
    "group session": group_session,
    "open pane in": open_pane,
    "open window": open_window,
    "open session": open_session,
    "resize": resize,
    "arrange": arrange,
    "resize terminal": resize_terminal,
    "our terminal": resize_ours,
    "die": die,
    "stage waiting": stage_waiting,
    "stage stopped": stage_stopped,
    "respawn": respawn,
    "stage typing": stage_typing,
    "spoil record": spoil_record,
    "lose mark": lose_mark,
    "change secrets": change_secrets,
}


# --- looking independently of plans


def listing(made: simulate.World, workspace: str) -> Rows:
    """Ours as it stands: session name -> window name -> panes' names, each in its order; what runs not is told beside the name."""
    rows: dict[str, dict[str, tuple[str, ...]]] = {}
    for session in sorted(made.sessions, key=lambda each: each.name):
        if session.mark is None or session.mark.workspace != workspace:
            continue
        rows[session.name] = {
            place.name: tuple(_listed(each) for each in place.panes if each.mark is not None)
            for place in session.windows
            if place.mark is not None
            and place.mark.workspace == workspace
            and names.session_of(place.mark.address) == session.mark.address  # not one that is linked there
        }
    return rows


def _listed(each: simulate.Pane) -> str:
    mark = _mark(each.mark)
    name = mark.address.partition("/")[2]
    as_wanted = (status.Stage.DONE, status.Stage.STOPPED)
    return name if mark.stage in as_wanted else f"{name} {mark.stage}"


def declared(workspace: spec.Workspace) -> Rows:
    """What `listing` must show of it."""
    return {
        session.name: {each.name: tuple(pane.name for pane in each.panes) for each in session.windows}
        for session in sorted(workspace.sessions, key=lambda each: each.name)
    }


def unordered(rows: Rows) -> Rows:
    """For windows that keep their layout, since a person's pane stands in them."""
    return {
        session: {name: tuple(sorted(panes)) for name, panes in windows.items()}
        for session, windows in rows.items()
    }


def relative(each: diagnostic.Diagnostic, folder: Path) -> diagnostic.Diagnostic:
    if each.location is None:
        return each
    return replace(each, location=replace(each.location, file=each.location.file.removeprefix(f"{folder}/")))
