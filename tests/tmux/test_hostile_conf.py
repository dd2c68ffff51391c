"""A person's ~/.tmux.conf may say what it likes: what comes out is the same."""

from __future__ import annotations

import dataclasses

import pytest

from orchestra.model import spec
from orchestra.plan import build
from tests.support import live, truth

CONFIGURATIONS = {
    "numbered from one": "set -g base-index 1\nsetw -g pane-base-index 1\nset -g renumber-windows on",
    "renames by itself": "setw -g automatic-rename on\nsetw -g allow-rename on\nset -g automatic-rename-format X",
    "ends what nobody looks at": "set -g destroy-unattached on\nset -g detach-on-destroy off",
    "ends when nobody is attached": "set -s exit-unattached on",
    "keeps nothing that is dead": "setw -g remain-on-exit off",
    "starts something else": "set -g default-command 'echo hijacked; exit 1'\nset -g default-shell /bin/false",
    "types everywhere": "setw -g synchronize-panes on",
    "has sizes of its own": (
        "setw -g main-pane-width 11\nsetw -g main-pane-height 3\nset -g default-size 20x10\n"
        "setw -g pane-border-status top\nset -g status off"
    ),
    "renames what is new": "\n".join(
        f"set-hook -g after-{command} 'rename-window hooked ; rename-session hooked-{number}'"
        for number, command in enumerate(
            (
                "new-session",
                "new-window",
                "split-window",
                "respawn-pane",
                "rename-window",
                "select-layout",
                "kill-pane",
            )
        )
    ),
    "rearranges what is new": (
        "set-hook -g after-split-window 'select-layout even-vertical'\nset-hook -g after-select-layout 'resize-pane -Z'\n"
        "set-hook -g after-new-window 'split-window sleep 99999'"
    ),
    "sees everything": (
        "set -g mouse on\nset -ga update-environment 'E0 E1 ORCHESTRA_PANE'\nset -g set-titles on\n"
        "set -g set-titles-string X\nsetw -g monitor-activity on\nsetw -g monitor-silence 1\nset -g visual-bell on"
    ),
    "sizes windows by hand": "set -g window-size manual\nsetw -g aggressive-resize on",
    "remembers nothing": "set -g history-limit 0\nset -s escape-time 0\nset -g word-separators ''\nset -g @orchestra_pane x",
    "is broken": "set -g no-such-option on\nsource-file /nowhere\nbind-key",
    "has a session of its own": "new-session -d -s mine -n work sleep 99999",
}


def pane(world: truth.Truth, address: str, **more: object) -> spec.Pane:
    return spec.Pane(address=address, dir=str(world.live.folder), **more)  # type: ignore[arg-type]


def workspace(world: truth.Truth, seconds: int = 1000, *more: spec.Pane) -> spec.Workspace:
    sleep = ("sleep", str(seconds))
    windows = (
        spec.Window(
            name="main",
            layout="main-vertical",
            panes=(
                pane(world, "a/p0", command=sleep, title="the first"),
                pane(world, "a/p1", env={"E0": "1"}, command="exec sleep 1001"),
                pane(
                    world,
                    "a/p2",
                    send_keys=tuple(f"echo {word} $$ >>{world.live.folder}/typed" for word in ("one", "two")),
                ),
            ),
        ),
        spec.Window(
            name="logs",
            layout="even-horizontal",
            panes=(
                pane(world, "a/p3", command=("true",)),
                pane(
                    world,
                    "a/p4",
                    command=sleep,
                    depends_on=(
                        spec.Dependency(pane="a/p3", condition=spec.Condition.COMPLETED_SUCCESSFULLY),
                    ),
                ),
                *more,
            ),
        ),
        spec.Window(name="third", panes=(pane(world, "a/p5"),)),
    )
    sessions = (
        spec.Session(name="a", windows=windows),
        spec.Session(
            name="b", windows=(spec.Window(name="main", panes=(pane(world, "b/p0", command=sleep),)),)
        ),
    )
    return spec.Workspace(name=live.WORKSPACE, file="/w.yaml", sessions=sessions)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_the_same_outcome(world: truth.Truth, configuration: str) -> None:
    (world.live.folder / ".tmux.conf").write_text(CONFIGURATIONS[configuration] + "\n")
    if configuration == "has a session of its own":
        world.live.tmux("start-server", ";", "list-sessions")
        (row,) = world.rows()
        world.strangers[row.pane_id] = row.pid
    first = workspace(world)
    world.apply(first)
    sizes = {cell for row in world.rows() if row.address.startswith("a/") for cell in live.cells(row.layout)}
    assert max(cell.width for cell in sizes) == 200
    more = workspace(world, 1001, pane(world, "a/p6", command=("sleep", "1002")))
    world.apply(more)
    world.attempt("kill-pane", "-t", world.live.pane("a/p1").pane_id)
    world.attempt("break-pane", "-d", "-s", world.live.pane("a/p4").pane_id)
    world.apply(more)
    moved = dataclasses.replace(
        first,
        sessions=(
            dataclasses.replace(first.sessions[0], windows=first.sessions[0].windows[::-1]),
            *first.sessions[1:],
        ),
    )
    world.apply(moved)
    world.apply(build.nothing(live.WORKSPACE))
    assert {row.pane_id for row in world.rows()} == set(world.strangers)
