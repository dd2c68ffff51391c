"""tmux-resurrect's save files, which tmux-continuum writes too: lines of fields with tabs between them, in three editions."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from orchestra.discover import limits, naming, settings, source
from orchestra.discover.context import Context, Draft
from orchestra.discover.notes import quoted
from orchestra.model import shells
from orchestra.model.diagnostic import Location

KINDS = ("pane", "window", "state", "grouped_session")
RESTORED = frozenset(
    [
        "vi",
        "vim",
        "view",
        "nvim",
        "emacs",
        "man",
        "less",
        "more",
        "tail",
        "top",
        "htop",
        "irssi",
        "weechat",
        "mutt",
    ]
)
"""What tmux-resurrect starts again by itself; other programs only when its user says so."""
COLUMNS = {"pane": 10, "window": 6, "state": 2, "grouped_session": 3}


@dataclass(frozen=True, slots=True)
class _Pane:
    at: Location
    place: int
    title: str
    dir: str
    active: bool
    program: str
    command: str


@dataclass(slots=True)
class _Window:
    at: Location
    name: str = ""
    active: bool = False
    layout: str = ""
    zoomed: bool = False
    panes: list[_Pane] = field(default_factory=list)


def manifest(context: Context) -> Draft:
    found: dict[str, dict[int, _Window]] = {}
    current, panes, titles = "", 0, 0
    for number, line in enumerate(context.source.text.split("\n"), 1):
        at = source.location(context.source.file, number, 1)
        fields = line.split("\t")
        kind = fields[0]
        if not line.strip():
            continue
        if kind not in KINDS or len(fields) < COLUMNS[kind]:
            context.notes.left_out(line, at, "this is no line of tmux-resurrect's")
        elif kind == "grouped_session":
            context.notes.left_out(
                fields[1],
                at,
                f"sessions that share the windows of another ({quoted(fields[2])}) are not part of the language",
            )
        elif kind == "state":
            current = fields[1]
        elif not _is_number(fields[2]):
            context.notes.left_out(line, at, "a window's number was expected in the third field")
        else:
            window = found.setdefault(fields[1], {}).setdefault(int(fields[2]), _Window(at))
            if kind == "window":
                _take_window(window, fields)
            else:
                window.panes.append(_pane(window, fields, at))
                titles += bool(window.panes[-1].title)
                panes += 1
    if panes > limits.PANES:
        raise source.refused(f"the file has more than {limits.PANES} panes")
    if titles:
        context.notes.warn(None, f"the titles of {titles} panes are left out: programs set them themselves")
    names = naming.Names("session", context.notes)
    sessions = {}
    for name, windows in found.items():
        first = next(iter(windows.values()))
        sessions[names.take(name, first.at, instead="main")] = _session(windows, context)
    return Draft(workspace=current or next(iter(found), ""), sessions=sessions)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 7


def _take_window(window: _Window, fields: list[str]) -> None:
    if fields[3].startswith(":"):  # `window session index :name active :flags layout automatic-rename`
        window.name, window.active = fields[3][1:], fields[4] == "1"
        flags, window.layout = fields[5], fields[6] if len(fields) > 6 else ""
    else:  # `window session index active :flags layout`
        window.active, flags, window.layout = fields[3] == "1", fields[4], fields[5]
    window.zoomed = "Z" in flags


def _pane(window: _Window, fields: list[str], at: Location) -> _Pane:
    if fields[3].startswith(":"):  # `… :window_name active :flags index :dir active program :command`
        window.name, window.active = fields[3][1:], fields[4] == "1"
        title, rest = "", fields[6:]
    else:  # `… active :flags index title :dir active program :command`
        title, rest = fields[6], [fields[5], *fields[7:]]
    place, folder, active, program, command = (rest + [""] * 5)[:5]
    return _Pane(
        at=at,
        place=int(place) if _is_number(place) else 0,
        title=title,
        dir=folder.removeprefix(":").replace("\\ ", " "),
        active=active == "1",
        program=program,
        command=command.removeprefix(":"),
    )


def _session(found: dict[int, _Window], context: Context) -> dict[str, object]:
    names = naming.Names("window", context.notes)
    windows: list[dict[str, object]] = []
    focused = False
    for _, window in sorted(found.items()):
        made: dict[str, object] = {}
        if window.name:
            made["name"] = names.take(window.name, window.at, instead="window")
        if window.active and not focused:
            made["focus"] = focused = True
        if not window.panes:
            context.notes.left_out(window.name or "window", window.at, "it has no panes in the file")
            continue
        panes = sorted(window.panes, key=lambda pane: pane.place)
        made["panes"] = [_written(pane, context) for pane in panes]
        if window.zoomed:
            context.notes.warn(
                window.at,
                f"the zoom of the window {quoted(window.name)} is left out: panes are shown side by side",
            )
        settings.arrange(made, window.layout, window.at, context)
        windows.append(made)
    return {"windows": windows} if windows else {}


def _written(pane: _Pane, context: Context) -> dict[str, object]:
    made: dict[str, object] = {}
    if pane.active:
        made["focus"] = True
    if folder := settings.directory(pane.dir, pane.at, context, expands=False):
        made["dir"] = folder
    line = pane.command.strip()
    program = PurePosixPath(_first(line)).name.lstrip("-")
    if line and program in RESTORED:
        made["send_keys"] = settings.lines(line)
    elif line and program not in shells.NAMES:
        context.notes.warn(
            pane.at,
            f"{quoted(line)} ran here and is not started: tmux-resurrect would not start it by itself either",
            hint="if it should run, make it the pane's command",
        )
    elif not line and pane.program and pane.program.lstrip("-") not in shells.NAMES:
        context.notes.warn(
            pane.at,
            f"{quoted(pane.program)} ran here and is not started: the file does not say with which arguments",
        )
    return made


def _first(line: str) -> str:
    try:
        return shlex.split(line)[0]
    except (ValueError, IndexError):
        return line.partition(" ")[0]
