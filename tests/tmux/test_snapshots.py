"""Save, kill the server, restore, save: the same manifests, whatever people made of their tmux."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as some

from orchestra.cli import restore
from orchestra.daemon import snapshots
from orchestra.manifest import load
from orchestra.model import spec
from tests.support import live
from tests.support.live import Live

TORTURE = os.environ.get("HYPOTHESIS_PROFILE") == "torture"
_ANY = some.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp", "Cf"))
NAMES = some.one_of(
    some.text(some.one_of(_ANY, some.sampled_from(" .:;#{}'\"\\$~%@*é漢")), min_size=1, max_size=10),
    some.sampled_from(
        [
            "0",
            "main",
            "a.b",
            "x:y",
            "#(touch canary)",
            "#{pid}",
            "a;b",
            "{{ x }}",
            "$HOME",
            "%0",
            "=a",
            "on",
            "a\\b",
        ]
    ),
)
WORDS = some.one_of(
    some.text(some.one_of(_ANY, some.sampled_from(" '\"\\$;#{}\n!*~`|&<>é")), max_size=10),
    some.sampled_from(
        ["$(touch canary)", "`touch canary`", "; touch canary", "{{ x }}", "", "-x", "~", "a b"]
    ),
)
VALUES = some.text(some.one_of(_ANY, some.sampled_from(" '\"\\$;#{}~")), max_size=8)
PROGRAM = ": > {folder}/ready$$\nwhile :; do sleep 1000; done\n"
"""Says that it runs, whatever words it is given, and stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    kind: str
    """`shell`, `nested` (a shell in a shell), `first` (a program instead of a shell), `typed` (a program in a shell)."""
    words: tuple[str, ...]
    horizontal: bool
    options: Mapping[str, str]
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    name: str
    panes: tuple[Pane, ...]
    cells: int
    """By how much one pane is made larger."""
    zoomed: bool
    options: Mapping[str, str]


World = Sequence[tuple[str, Sequence[Window]]]

PANES = some.builds(
    Pane,
    kind=some.sampled_from(["shell", "shell", "first", "typed", "nested"]),
    words=some.lists(WORDS, max_size=3).map(tuple),
    horizontal=some.booleans(),
    options=some.dictionaries(some.sampled_from(["@note", "@Other_one"]), VALUES, max_size=2),
    folder=some.sampled_from(["d", "d/two words", "d/é$'"]),
)
WINDOWS = some.builds(
    Window,
    name=NAMES,
    panes=some.lists(PANES, min_size=1, max_size=4).map(tuple),
    cells=some.integers(0, 9),
    zoomed=some.booleans(),
    options=some.dictionaries(some.just("synchronize-panes"), some.just("on"), max_size=1),
)
WORLDS = some.lists(
    some.tuples(NAMES, some.lists(WINDOWS, min_size=1, max_size=3)),
    min_size=1,
    max_size=2,
    unique_by=lambda each: each[0].replace(".", "_").replace(":", "_"),
)


@pytest.mark.torture
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    max_examples=12 if not TORTURE else 1000,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink one takes minutes
    report_multiple_bugs=False,
)
@given(
    world=WORLDS,
    run=some.sampled_from(["none", "ask", "all"]),
    shell=some.sampled_from(["/bin/sh", "/bin/bash"]),
)
def test_what_comes_back_is_what_was_there(world: World, run: str, shell: str) -> None:
    here = Live(shell=shell)
    try:
        _build(here, world)
        seen = _listing(here)
        saved = snapshots.make(here.assembly).manifests
        note("\n".join(saved.values()))
        here.kill_server()
        _restore(here, saved, run)
        again: Mapping[str, str] = {}

        def same() -> bool:  # a program that is typed takes a moment to run
            nonlocal again
            again = snapshots.make(here.assembly).manifests
            return bool(again == saved)

        if run == "all":
            live.until(lambda: _ran(here) == 2 * _programs(world))
            live.until(same)
        assert same(), _difference(saved, again)
        assert _listing(here) == seen
        assert _ran(here) == _programs(world) * (2 if run == "all" else 1)
        assert not list(here.folder.rglob("canary"))
        plans = [here.preview(_load(here, name, text), prune=False) for name, text in again.items()]
        assert all(plan.empty for plan in plans), plans
    finally:
        here.close()


def test_a_hundred_panes() -> None:
    pane = Pane(kind="shell", words=(), horizontal=True, options={}, folder="d")
    window = Window(name="w", panes=(pane,) * 4, cells=3, zoomed=False, options={})
    here = Live()
    try:
        _build(here, [("many", (window,) * 25)])
        saved = snapshots.make(here.assembly).manifests
        assert sum(map(len, saved.values())) <= 100_000
        seen = _listing(here)
        here.kill_server()
        _restore(here, saved, "ask")
        assert snapshots.make(here.assembly).manifests == saved
        assert _listing(here) == seen
    finally:
        here.close()


def _difference(saved: Mapping[str, str], again: Mapping[str, str]) -> str:
    before, after = ("\n".join(each.values()).splitlines() for each in (saved, again))
    return "\n".join(difflib.unified_diff(before, after, "saved", "again", lineterm=""))


def _ran(here: Live) -> int:
    return len(list(here.folder.glob("ready*")))


def _programs(world: World) -> int:
    return sum(
        pane.kind in ("first", "typed") for _, windows in world for window in windows for pane in window.panes
    )


def _build(here: Live, world: World) -> None:
    for each in ("d", "d/two words", "d/é$'"):
        (here.folder / each).mkdir()
    (here.folder / "stays").write_text(PROGRAM.format(folder=here.folder))
    made: dict[str, Pane] = {}
    for name, windows in world:
        session = ""
        for window in windows:
            first = window.panes[0]
            where = (
                ("new-window", "-t", f"{session}:")
                if session
                else ("new-session", "-d", "-x", "160", "-y", "50")
            )
            format_ = "#{session_id} #{window_id} #{pane_id}"
            called, id_, pane_id = here.tmux(*where, "-P", "-F", format_, *_start(here, first)).split()
            if not session:
                session = called
                here.tmux("rename-session", "-t", session, "--", _literal(name))
            made[pane_id] = first
            here.tmux("rename-window", "-t", id_, "--", _literal(window.name))
            for pane in window.panes[1:]:
                way = "-h" if pane.horizontal else "-v"
                split = here.tmux(
                    "split-window", way, "-t", id_, "-P", "-F", "#{pane_id}", *_start(here, pane)
                )
                made[split.strip()] = pane
            for option, value in window.options.items():
                here.tmux("set-option", "-w", "-t", id_, option, _literal(value, options=True))
            if window.cells:
                here.tmux("resize-pane", "-R", "-t", id_, str(window.cells))
            if window.zoomed and len(window.panes) > 1:
                here.tmux("resize-pane", "-Z", "-t", id_)
    for pane_id, pane in made.items():
        for option, value in pane.options.items():
            here.tmux("set-option", "-p", "-t", pane_id, option, _literal(value, options=True))
    rows = {row.pane_id: row for row in here.rows()}
    for pane_id, pane in made.items():
        if pane.kind in ("typed", "nested"):
            line = "/bin/sh" if pane.kind == "nested" else shlex.join(_argv(here, pane))
            live.until(lambda row=rows[pane_id]: _at_prompt(here, row))  # type: ignore[misc]
            here.tmux("set-buffer", "--", line)
            here.tmux("paste-buffer", "-p", "-r", "-t", pane_id)
            here.tmux("set-buffer", "--", "\r")
            here.tmux("paste-buffer", "-r", "-t", pane_id)
    expected = sum(pane.kind in ("first", "typed") for pane in made.values())
    live.until(lambda: _ran(here) == expected)
    nested = [rows[pane_id].pid for pane_id, pane in made.items() if pane.kind == "nested"]
    live.until(lambda: all(_children(pid) for pid in nested))


def _start(here: Live, pane: Pane) -> list[str]:
    argv = _argv(here, pane) if pane.kind == "first" else []
    return ["-c", _literal(str(here.folder / pane.folder)), "--", *map(_word, argv)]


def _argv(here: Live, pane: Pane) -> list[str]:
    return ["/bin/sh", str(here.folder / "stays"), *pane.words]


def _literal(text: str, *, options: bool = False) -> str:
    """For an argument in which tmux looks for formats, except in an option's value."""
    return _word(text if options else text.replace("#", "##"))


def _word(text: str) -> str:
    """A `;` at the end would end the command."""
    return f"{text[:-1]}\\;" if text.endswith(";") else text


def _at_prompt(here: Live, row: live.Row) -> bool:
    tty = here.tmux("display-message", "-p", "-t", row.pane_id, "#{pane_tty}").strip()
    return here.assembly.world.processes.at_prompt(row.pid, tty)


def _children(pid: int) -> bool:
    return bool(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def _listing(here: Live) -> list[tuple[object, ...]]:
    zoomed = here.tmux("list-windows", "-a", "-F", "#{window_zoomed_flag}").split()
    options = [
        here.tmux("show-options", "-qv", "-p", "-t", row.pane_id, name)
        for row in here.rows()
        for name in ("@note", "@Other_one")
    ]
    rows = [(row.session, row.window, _cells(row), row.window_active, row.pane_active) for row in here.rows()]
    return [*rows, tuple(zoomed), tuple(options)]


def _cells(row: live.Row) -> tuple[live.Cell, ...]:
    """A window of one pane takes any size."""
    found = live.cells(row.layout)
    return found if len(found) > 1 else ()


def _load(here: Live, name: str, text: str) -> spec.Workspace:
    inputs = load.Inputs(environ=dict(os.environ))
    return load.load(here.folder / f"{name}.yaml", inputs, text).workspace


def _restore(here: Live, saved: Mapping[str, str], run: str) -> None:
    for name, text in saved.items():
        workspace = _load(here, name, text)
        wanted = restore.wanted_of(
            workspace,
            here.assembly.tmux.observe(),
            (run, ()),
            spec.Restore(),
            prune=False,
            adopt=False,
            quiet=True,
        )
        assert wanted is not None
        outcome = here.apply(workspace, prune=False, typed=wanted.typed)
        assert outcome.result.ok, outcome.result
