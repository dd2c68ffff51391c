"""Commands that end at once: how each ended and the last line it wrote are there, for every one of them."""

from __future__ import annotations

import os
import signal

from orchestra.model import spec, status
from tests.support import live

COUNT = 200


def test_every_exit_code_and_every_last_line(tmux: live.Live) -> None:
    panes = [
        spec.Pane(
            address=f"s/p{n}", dir="/", command=("sh", "-c", f"echo first; printf 'last {n}'; exit {n % 256}")
        )
        for n in range(COUNT)
    ]
    windows = tuple(spec.Window(name=pane.name, panes=(pane,)) for pane in panes)
    session = spec.Session(name="s", windows=windows)
    outcome = tmux.apply(spec.Workspace(name=live.WORKSPACE, file="/w.yaml", sessions=(session,)))
    assert outcome.result.ok

    def all_ended() -> dict[str, status.Pane]:
        os.kill(tmux.server_pid(), signal.SIGCHLD)
        seen = {
            place.pane.mark.address: place.pane
            for place in status.places(tmux.assembly.tmux.observe())
            if place.pane.mark is not None and place.pane.dead and place.pane.exit_code is not None
        }
        return seen if len(seen) == COUNT else {}

    ended = live.until(all_ended)
    assert [ended[f"s/p{n}"].exit_code for n in range(COUNT)] == [n % 256 for n in range(COUNT)]
    captures = [
        f"capture-pane -p -S- -t {ended[f's/p{n}'].id} ; display-message -p =={n}==" for n in range(COUNT)
    ]
    shown = tmux.client("source-file", "-", text="\n".join(captures)).stdout
    for n in range(COUNT):
        screen, _, shown = shown.partition(f"=={n}==\n")
        assert screen.split("\n")[:2] == ["first", f"last {n}"]


def test_ended_by_a_signal(tmux: live.Live) -> None:
    names = ("SIGTERM", "SIGKILL", "SIGSEGV", "SIGHUP", "SIGINT")
    panes = tuple(
        spec.Pane(address=f"s/{name}", dir="/", command=("sh", "-c", f"kill -{name[3:]} $$"))
        for name in names
    )
    session = spec.Session(name="s", windows=(spec.Window(name="main", panes=panes),))
    tmux.apply(spec.Workspace(name=live.WORKSPACE, file="/w.yaml", sessions=(session,)))

    def all_ended() -> bool:
        os.kill(tmux.server_pid(), signal.SIGCHLD)
        return all(row.dead and row.signal for row in tmux.rows())

    live.until(all_ended)
    seen = {
        place.pane.mark.address: place.pane
        for place in status.places(tmux.assembly.tmux.observe())
        if place.pane.mark
    }
    for name in names:
        assert seen[f"s/{name}"].signal == signal.Signals[name]
        assert seen[f"s/{name}"].exit_code is None


def test_a_command_that_is_not_there(tmux: live.Live) -> None:
    pane = spec.Pane(address="s/p", dir="/", command=("/nowhere/program", "x"))
    session = spec.Session(name="s", windows=(spec.Window(name="main", panes=(pane,)),))
    tmux.apply(spec.Workspace(name=live.WORKSPACE, file="/w.yaml", sessions=(session,)))

    def ended() -> bool:
        os.kill(tmux.server_pid(), signal.SIGCHLD)
        return tmux.pane("s/p").exit_code == "127"

    live.until(ended)
    assert "cannot run /nowhere/program: No such file" in tmux.assembly.tmux.capture(tmux.pane("s/p").pane_id)
