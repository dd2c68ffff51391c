"""Small random workspaces and random edits of them, for property tests on a real tmux."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from orchestra.model import spec
from tests.support import live

SESSIONS = ("a", "b", "c")
WINDOWS = ("w0", "w1", "w2", "w3")
PANES = ("p0", "p1", "p2", "p3", "p4", "p5")
WINDOWS_EACH, PANES_EACH = 3, 3
LAYOUTS = (
    None, "even-horizontal", "even-vertical", "main-horizontal", "main-vertical", "main-vertical-mirrored", "tiled",
)  # fmt: skip
SIZES = (None, None, spec.Size(percent=20), spec.Size(cells=6))
TITLES = (None, "one", "#(touch canary) é;")
VALUES = ("0", "1")
KINDS = ("words", "words", "words", "string", "job", "ready", "shell", "typed")
JOB = ("true",)

T = TypeVar("T")


Draw = Callable[[int], int]
"""A number below: of Hypothesis, or of a random generator."""


def pick(draw: Draw, choices: Sequence[T]) -> T:
    return choices[draw(len(choices))]


def shuffled(draw: Draw, items: Sequence[T]) -> list[T]:
    left = list(items)
    return [left.pop(draw(len(left))) for _ in items]


def short(workspace: spec.Workspace) -> str:
    """For the report of a failed example."""

    def text(pane: spec.Pane) -> str:
        command = pane.command if isinstance(pane.command, str) else " ".join(pane.command or ("shell",))
        waits = "".join(
            f" <{edge.pane} {edge.condition}{'' if edge.required else '?'}" for edge in pane.depends_on
        )
        more = "".join(f" {key}={value}" for key, value in pane.env.items())
        typed = " typed" if pane.send_keys else ""
        size = f" {pane.size.cells or pane.size.percent}" if pane.size else ""
        return f"{pane.name}({command}{typed}{more} {pane.dir[-2:]} {pane.title or ''}{size}{waits})"

    return " | ".join(
        f"{session.name}:"
        + "; ".join(f" {w.name} {w.layout}: {', '.join(map(text, w.panes))}" for w in session.windows)
        for session in workspace.sessions
    )


@dataclass
class _Window:
    name: str
    layout: str | None = None
    focus: bool = False
    panes: list[spec.Pane] = field(default_factory=list)


@dataclass
class _Session:
    name: str
    labels: dict[str, str] = field(default_factory=dict)
    windows: list[_Window] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {pane.name for window in self.windows for pane in window.panes}


class World:
    """Draws workspaces whose panes start in `folder`."""

    def __init__(self, folder: Path, draw: Draw) -> None:
        self._folder, self._draw = folder, draw
        for name in ("d0", "d1"):
            (folder / name).mkdir(exist_ok=True)

    def first(self) -> spec.Workspace:
        sessions = [_Session("a")]
        if pick(self._draw, (False, True)):
            sessions.append(_Session("b"))
        for session in sessions:
            for _ in range(pick(self._draw, (1, 2))):
                self._add_window(session)
        return _built(sessions)

    def edited(self, workspace: spec.Workspace, times: int | None = None) -> spec.Workspace:
        sessions = [
            _Session(
                session.name,
                dict(session.labels),
                [_Window(each.name, each.layout, each.focus, list(each.panes)) for each in session.windows],
            )
            for session in workspace.sessions
        ]
        for _ in range(times or pick(self._draw, (1, 1, 2, 3))):
            pick(self._draw, _EDITS)(self, sessions)
        return _built(sessions)

    def with_session(self, workspace: spec.Workspace, name: str) -> spec.Workspace:
        session = _Session(name)
        for _ in range(pick(self._draw, (1, 2))):
            self._add_window(session)
        (built,) = _built([session]).sessions
        return dataclasses.replace(workspace, sessions=(*workspace.sessions, built))

    # --- one edit each

    def _pane_edit(self, sessions: list[_Session], change: Callable[[spec.Pane], spec.Pane]) -> None:
        if windows := [window for session in sessions for window in session.windows]:
            window = pick(self._draw, windows)
            place = pick(self._draw, range(len(window.panes)))
            window.panes[place] = change(window.panes[place])

    def command(self, sessions: list[_Session]) -> None:
        self._pane_edit(sessions, lambda pane: self._with_command(pane))

    def environment(self, sessions: list[_Session]) -> None:
        env = {name: pick(self._draw, VALUES) for name in ("E0", "E1") if pick(self._draw, (False, True))}
        self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, env=env))

    def directory(self, sessions: list[_Session]) -> None:
        where = str(self._folder / pick(self._draw, ("d0", "d1")))
        self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, dir=where))

    def title(self, sessions: list[_Session]) -> None:
        title = pick(self._draw, TITLES)
        self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, title=title))

    def labels(self, sessions: list[_Session]) -> None:
        labels = {"tier": pick(self._draw, VALUES)}
        if pick(self._draw, (False, True)) and sessions:
            pick(self._draw, sessions).labels = labels
        else:
            self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, labels=labels))

    def stop(self, sessions: list[_Session]) -> None:
        stop = spec.Stop(
            signal=pick(self._draw, (None, "SIGINT", "SIGKILL")), timeout=timedelta(seconds=live.DEADLINE)
        )
        self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, stop=stop))

    def size(self, sessions: list[_Session]) -> None:
        size = pick(self._draw, SIZES)
        self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, size=size))

    def focus(self, sessions: list[_Session]) -> None:
        self._pane_edit(sessions, lambda pane: dataclasses.replace(pane, focus=not pane.focus))

    def depends(self, sessions: list[_Session]) -> None:
        """On what comes before it by name, so that there is no circle."""
        every = [pane for session in sessions for window in session.windows for pane in window.panes]

        def change(pane: spec.Pane) -> spec.Pane:
            before = [each for each in every if each.address < pane.address]
            if not before or not pick(self._draw, (False, True, True)):
                return dataclasses.replace(pane, depends_on=())
            edge = spec.Dependency(
                pane=pick(self._draw, before).address,
                condition=pick(self._draw, (spec.Condition.STARTED, spec.Condition.HEALTHY)),
                required=pick(self._draw, (False, True)),
            )
            return dataclasses.replace(pane, depends_on=(edge,))

        self._pane_edit(sessions, change)

    def layout(self, sessions: list[_Session]) -> None:
        if windows := [window for session in sessions for window in session.windows]:
            pick(self._draw, windows).layout = pick(self._draw, LAYOUTS)

    def window_order(self, sessions: list[_Session]) -> None:
        if sessions:
            session = pick(self._draw, sessions)
            session.windows = shuffled(self._draw, session.windows)

    def pane_order(self, sessions: list[_Session]) -> None:
        if windows := [window for session in sessions for window in session.windows]:
            window = pick(self._draw, windows)
            window.panes = shuffled(self._draw, window.panes)

    def rename_window(self, sessions: list[_Session]) -> None:
        if sessions:
            session = pick(self._draw, sessions)
            free = [name for name in WINDOWS if name not in {window.name for window in session.windows}]
            if free:
                pick(self._draw, session.windows).name = pick(self._draw, free)

    def add_pane(self, sessions: list[_Session]) -> None:
        windows = [
            (session, window)
            for session in sessions
            for window in session.windows
            if len(window.panes) < PANES_EACH and len(session.names) < len(PANES)
        ]
        if windows:
            session, window = pick(self._draw, windows)
            window.panes.insert(pick(self._draw, range(len(window.panes) + 1)), self._new_pane(session))

    def remove_pane(self, sessions: list[_Session]) -> None:
        if windows := [window for session in sessions for window in session.windows]:
            window = pick(self._draw, windows)
            del window.panes[pick(self._draw, range(len(window.panes)))]
            _cleared(sessions)

    def move_pane(self, sessions: list[_Session]) -> None:
        """Into another window, perhaps a new one, of its session."""
        if not sessions:
            return
        session = pick(self._draw, sessions)
        source = pick(self._draw, session.windows)
        others = [each for each in session.windows if each is not source and len(each.panes) < PANES_EACH]
        free = [name for name in WINDOWS if name not in {window.name for window in session.windows}]
        if free and len(session.windows) < WINDOWS_EACH:
            others.append(_Window(free[0]))
        if others:
            target = pick(self._draw, others)
            if target not in session.windows:
                session.windows.insert(pick(self._draw, range(len(session.windows) + 1)), target)
            pane = source.panes.pop(pick(self._draw, range(len(source.panes))))
            target.panes.insert(pick(self._draw, range(len(target.panes) + 1)), pane)
            _cleared(sessions)

    def add_window(self, sessions: list[_Session]) -> None:
        roomy = [each for each in sessions if len(each.windows) < WINDOWS_EACH and len(each.names) < 4]
        if roomy:
            self._add_window(pick(self._draw, roomy))

    def remove_window(self, sessions: list[_Session]) -> None:
        if sessions:
            session = pick(self._draw, sessions)
            del session.windows[pick(self._draw, range(len(session.windows)))]
            _cleared(sessions)

    def add_session(self, sessions: list[_Session]) -> None:
        if free := [name for name in SESSIONS if name not in {session.name for session in sessions}]:
            session = _Session(free[0])
            sessions.insert(pick(self._draw, range(len(sessions) + 1)), session)
            self._add_window(session)

    def remove_session(self, sessions: list[_Session]) -> None:
        if sessions:
            del sessions[pick(self._draw, range(len(sessions)))]

    # --- drawing

    def _add_window(self, session: _Session) -> None:
        free = [name for name in WINDOWS if name not in {window.name for window in session.windows}]
        window = _Window(free[0], pick(self._draw, LAYOUTS))
        session.windows.append(window)
        for _ in range(pick(self._draw, (1, 1, 2, 3))):
            if len(session.names) < len(PANES):
                window.panes.append(self._new_pane(session))
        if not window.panes:
            session.windows.remove(window)

    def _new_pane(self, session: _Session) -> spec.Pane:
        name = next(each for each in PANES if each not in session.names)
        bare = spec.Pane(
            address=f"{session.name}/{name}",
            dir=str(self._folder / "d0"),
            stop=spec.Stop(timeout=timedelta(seconds=live.DEADLINE)),
        )
        return self._with_command(bare)

    def _with_command(self, pane: spec.Pane) -> spec.Pane:
        seconds = str(pick(self._draw, range(1000, 1003)))
        base = dataclasses.replace(pane, command=None, send_keys=(), health=None)
        match pick(self._draw, KINDS):
            case "words":
                return dataclasses.replace(base, command=("sleep", seconds))
            case "string":
                return dataclasses.replace(base, command=f"exec sleep {seconds}")
            case "job":
                return dataclasses.replace(base, command=JOB)
            case "ready":
                flag = self._folder / f"ready-{pane.address.replace('/', '-')}"
                return dataclasses.replace(
                    base,
                    command=("sh", "-c", f"touch {flag}; exec sleep {seconds}"),
                    health=spec.Health(
                        probe=spec.CommandProbe(command=("test", "-e", str(flag))),
                        timeout=timedelta(seconds=live.DEADLINE),
                    ),
                )
            case "typed":
                return dataclasses.replace(
                    base, send_keys=tuple(f"echo {line} $$ >>{self._folder}/typed" for line in ("one", "two"))
                )
            case _:
                return base


_EDITS = (
    World.command, World.command, World.environment, World.directory, World.title, World.labels, World.stop, World.size,
    World.focus, World.depends, World.depends, World.layout, World.window_order, World.pane_order, World.rename_window,
    World.add_pane, World.add_pane, World.remove_pane, World.move_pane, World.move_pane, World.add_window,
    World.remove_window, World.add_session, World.remove_session,
)  # fmt: skip


def _cleared(sessions: list[_Session]) -> None:
    """Without what is empty."""
    for session in sessions:
        session.windows[:] = [window for window in session.windows if window.panes]
    sessions[:] = [session for session in sessions if session.windows]


def _built(sessions: list[_Session]) -> spec.Workspace:
    every = {
        pane.address: pane for session in sessions for window in session.windows for pane in window.panes
    }

    def mended(pane: spec.Pane) -> spec.Pane:
        edges = []
        for edge in pane.depends_on:
            target = every.get(edge.pane)
            if target is not None:
                # A job is never healthy for long, and nothing else completes.
                job = target.command == JOB
                condition = spec.Condition.COMPLETED_SUCCESSFULLY if job else edge.condition
                if not job and condition is spec.Condition.COMPLETED_SUCCESSFULLY:
                    condition = spec.Condition.STARTED
                edges.append(dataclasses.replace(edge, condition=condition))
        return dataclasses.replace(pane, depends_on=tuple(edges))

    return spec.Workspace(
        name=live.WORKSPACE,
        file="/world.yaml",
        sessions=tuple(
            spec.Session(
                name=session.name,
                labels=session.labels,
                windows=tuple(
                    spec.Window(
                        name=window.name,
                        layout=window.layout,
                        focus=window.focus,
                        panes=tuple(map(mended, window.panes)),
                    )
                    for window in session.windows
                ),
            )
            for session in sessions
        ),
    )


def argv(pane: spec.Pane) -> tuple[str, ...] | None:
    """What its process is once it is under way; None for a job, which is over by then."""
    if pane.command is None:
        return ("/bin/sh", "-l")
    if pane.command == JOB:
        return None
    text = pane.command if isinstance(pane.command, str) else " ".join(pane.command)
    found = re.search(r"sleep \d+$", text)
    assert found is not None
    return tuple(found[0].split())


def replaced(workspace: spec.Workspace, address: str, **fields: Any) -> spec.Workspace:
    """One pane otherwise."""

    def window(each: spec.Window) -> spec.Window:
        panes = (dataclasses.replace(p, **fields) if p.address == address else p for p in each.panes)
        return dataclasses.replace(each, panes=tuple(panes))

    return dataclasses.replace(
        workspace,
        sessions=tuple(
            dataclasses.replace(each, windows=tuple(map(window, each.windows))) for each in workspace.sessions
        ),
    )


RESTARTS = ("command", "send_keys", "shell", "dir", "env")


def same_start(one: spec.Pane, other: spec.Pane) -> bool:
    """Whether going from one to the other restarts nothing, as the manifest's reference says it."""
    return all(getattr(one, name) == getattr(other, name) for name in RESTARTS)
