"""What is live against what is declared: only what differs, and what is new, in the form in which it can be woven into a text."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence

from orchestra.model import names, shells, spec
from orchestra.snapshot import document, programs

Document = document.Document

ARRANGED = frozenset(
    {"layout", "focus", "zoomed", "options", "was", "opened", "scrollback_file", "history_file"}
)
"""Keys that a snapshot sets, because people change them as they work; all others are the manifest's."""


def difference(live: spec.Workspace, declared: spec.Workspace, home: str) -> Document:
    """What is declared and not live is no difference: it comes back."""
    known = {each.name: each for each in declared.sessions}
    sessions: Document = {}
    for each in live.sessions:
        if each.name not in known:
            sessions[each.name] = document.session(each, home)
        elif found := _session(each, known[each.name], home):
            sessions[each.name] = found
    return document.written({"sessions": sessions})


def _session(live: spec.Session, declared: spec.Session, home: str) -> Document:
    known = {each.name: each for each in declared.windows}
    panes = {each.address: each for each in declared.panes}
    made = _changed(document.of_session(live), document.of_session(declared))
    shown, was_shown = _first(live.windows), _first(declared.windows)
    windows: list[Document] = []
    for each in live.windows:
        if each.name not in known:
            focus = {"focus": True} if each.name == shown and shown != was_shown else {}
            windows.append({**document.window(each, home), **focus})
            continue
        window = _window(each, known[each.name], panes, home)
        window.update(_focus(each.name, shown, was_shown, known))
        if window:
            windows.append({"name": each.name, "panes": [], **window})
    return {**made, "windows": windows} if made or windows else {}


def _window(live: spec.Window, declared: spec.Window, known: dict[str, spec.Pane], home: str) -> Document:
    made = _changed(document.of_window(live), document.of_window(declared))
    made.pop("focus", None)
    shown, was_shown = _first(live.panes), _first(declared.panes)
    here = {each.name for each in declared.panes}
    panes: list[Document] = []
    for each in live.panes:
        focus = _focus(each.name, shown, was_shown, here)
        if each.address not in known:
            new = {
                key: value for key, value in document.pane(each, home).items() if key not in ("focus", "size")
            }
            panes.append({**new, **({"focus": True} if each.name == shown and shown != was_shown else {})})
            continue
        pane = _changed(document.pane(each, home), document.pane(known[each.address], home))
        for key in ("focus", "size"):
            pane.pop(key, None)
        pane.update(focus)
        if pane or each.name not in here:
            panes.append({"name": each.name, **pane})
    return {**made, "panes": panes} if made or panes else {}


def _first(items: Sequence[spec.Window] | Sequence[spec.Pane]) -> str:
    return next((each.name for each in items if each.focus), items[0].name)


def _focus(name: str, shown: str, was_shown: str, known: object) -> Document:
    if shown == was_shown:
        return {}
    if name == shown:
        return {"focus": True}
    return {"focus": None} if name == was_shown else {}


def _changed(live: Document, declared: Document) -> Document:
    return {key: live.get(key) for key in {**declared, **live} if live.get(key) != declared.get(key)}


def without_dirs(found: Document, declared: spec.Workspace) -> Document:
    """The same without the directories of new panes in sessions that are declared: there they may have them from above."""
    sessions = found["sessions"]
    assert isinstance(sessions, dict)
    known = {each.name: {pane.name for pane in each.panes} for each in declared.sessions}
    made: Document = {}
    for name, session in sessions.items():
        windows = []
        for window in session.get("windows", ()):
            panes = [
                {
                    key: value
                    for key, value in pane.items()
                    if key != "dir" or pane["name"] in known.get(name, ())
                }
                for pane in window["panes"]
            ]
            windows.append({**window, "panes": panes})
        made[name] = {**session, "windows": windows} if name in known else session
    return {**found, "sessions": made}


def is_arrangement(found: Document, declared: spec.Workspace) -> bool:
    """Whether what is declared differs in nothing but what a snapshot sets."""
    known = {each.name: each for each in declared.sessions}
    sessions = found["sessions"]
    assert isinstance(sessions, dict)
    return all(_is_arranged(session, known[name]) for name, session in sessions.items() if name in known)


def _is_arranged(session: Document, declared: spec.Session) -> bool:
    windows = {each.name for each in declared.windows}
    panes = {each.name for each in declared.panes}
    here = session.get("windows", ())
    assert isinstance(here, list)
    for window in here:
        if window["name"] in windows and not window.keys() <= {"name", "panes", *ARRANGED}:
            return False
        for pane in window["panes"]:
            if pane["name"] in panes and not pane.keys() <= {"name", *ARRANGED}:
                return False
    return session.keys() <= {"windows"}


# --- a session that is not orchestra's beside one that is declared


def paired(live: spec.Workspace, declared: spec.Workspace) -> spec.Workspace:
    """Its windows and panes called as the declared ones they stand for: windows by name, panes by their place in them. What nobody can
    see of a process that runs (its health check, what it waits for) is as declared."""
    known = {title: each for each in declared.sessions for title in (each.name, each.shown)}
    return dataclasses.replace(
        live,
        sessions=tuple(
            _paired_session(each, known[each.shown]) if each.shown in known else each
            for each in live.sessions
        ),
    )


def _paired_session(live: spec.Session, declared: spec.Session) -> spec.Session:
    known = {title: each for each in declared.windows for title in (each.name, each.shown)}
    used = {each.name for each in declared.panes}
    windows: list[spec.Window] = []
    for each in live.windows:
        match = known.get(each.shown) or known.get(each.name)
        panes = match.panes if match is not None else ()
        made: list[spec.Pane] = []
        for place, pane in enumerate(each.panes):
            if place < len(panes):
                made.append(_paired_pane(pane, panes[place]))
                continue
            name = next(free for n in range(len(used) + 1) if (free := str(len(used) + n)) not in used)
            used.add(name)
            made.append(dataclasses.replace(pane, address=names.pane(declared.name, name)))
        if match is None:
            windows.append(dataclasses.replace(each, panes=tuple(made)))
            continue
        same = (
            len(made) == len(panes) and match.layout is not None and _same_layout(each.layout, match.layout)
        )
        windows.append(
            dataclasses.replace(
                each,
                name=match.name,
                title=match.title,
                layout=match.layout if same or len(made) == 1 else each.layout,
                options={
                    key: value
                    for key, value in each.options.items()
                    if key != "automatic-rename" or key in match.options
                },
                panes=tuple(made),
            )
        )
    return dataclasses.replace(
        live, name=declared.name, title=declared.title, labels=declared.labels, windows=tuple(windows)
    )


def _same_layout(live: str | None, declared: str) -> bool:
    return live is not None and live.partition(",")[2] == declared.partition(",")[2]


def _paired_pane(live: spec.Pane, declared: spec.Pane) -> spec.Pane:
    runs = (
        declared.command is not None and live.was is not None and _words(live.was) == _words(declared.command)
    )
    given = all(live.env.get(name) == value for name, value in declared.env.items())
    return dataclasses.replace(
        declared,
        command=declared.command if runs else (live.was if declared.command is not None else None),
        was=None if declared.command is not None else live.was,
        dir=live.dir,
        shell=live.shell or declared.shell,
        env=declared.env if given else live.env,
        options=live.options,
        focus=live.focus,
        size=declared.size,
    )


def _words(words: programs.Words) -> list[str]:
    """A shell that runs a line is as good as the line."""
    found = shlex.split(programs.line(words))
    if len(found) == 3 and found[1] == "-c" and shells.name_of(found[0]) in shells.NAMES:
        return shlex.split(found[2])
    return found
