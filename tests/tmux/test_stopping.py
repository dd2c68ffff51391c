"""Stopping a pane leaves nothing behind, however its processes hide, and touches nobody else's."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from orchestra.model import errors, spec
from orchestra.plan import build
from tests.support import live

PYTHON = (sys.executable, "-I", "-S", "-c")
DAEMON = """
import os, signal, sys
for _ in range(2):
    if os.fork(): os._exit(0) if _ else os.wait() and signal.pause()
    os.setsid()
for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(each, signal.SIG_IGN)
os.chdir("/")
os.environ.clear()
for fd in range(3): os.close(fd)
open(sys.argv[1], "w").close()
while True: signal.pause()
"""
"""A daemon as in the book: two forks, a session of its own, deaf, its own environment wiped."""

HIDING = {
    "plain": 'touch "$0"; exec sleep 99999',
    "deaf": 'trap "" TERM HUP INT; touch "$0"; while :; do sleep 99999; done',
    "deaf children": '(trap "" TERM HUP; sleep 99999) & (trap "" TERM HUP; sleep 99999) & touch "$0"; wait',
    "own session": 'setsid sh -c \'trap "" TERM HUP; touch "$0"; sleep 99999; :\' "$0" & wait; sleep 99999',
    "nohup": 'nohup sleep 99999 >/dev/null 2>&1 & touch "$0"; wait',
    "left behind": '(setsid nohup sleep 99999 >/dev/null 2>&1 &) ; touch "$0"; exit 0',
    "stopped": "(kill -STOP $(exec sh -c 'echo $PPID'); sleep 99999) & touch \"$0\"; wait",
    "tree": 'for a in 1 2 3; do (for b in 1 2 3; do setsid sleep 99999 & done; wait) & done; touch "$0"; wait',
}


def workspace(*panes: spec.Pane) -> spec.Workspace:
    windows = tuple(spec.Window(name=pane.name, panes=(pane,)) for pane in panes)
    return spec.Workspace(
        name=live.WORKSPACE, file="/w.yaml", sessions=(spec.Session(name="s", windows=windows),)
    )


def pane(name: str, *command: str, stop: spec.Stop | None = None) -> spec.Pane:
    usual = spec.Stop(timeout=timedelta(milliseconds=300))
    return spec.Pane(address=f"s/{name}", dir="/", command=command or None, stop=stop or usual)


def hidden(tmux: live.Live) -> list[spec.Pane]:
    """One pane for each way to hide; returns when all are hidden."""
    panes = [
        pane(name.replace(" ", "-"), "sh", "-c", script, str(tmux.folder / name))
        for name, script in HIDING.items()
    ]
    panes.append(pane("daemon", *PYTHON, DAEMON, str(tmux.folder / "daemon")))
    return panes


def running(tmux: live.Live) -> list[live.Process]:
    """Without the server, our looks at it, and what a person runs."""
    return [each for each in tmux.processes().values() if "ORCHESTRA_ADDRESS" in each.env]


def test_nothing_is_left(tmux: live.Live) -> None:
    panes = hidden(tmux)
    tmux.apply(workspace(*panes))
    tmux.tmux("new-window", "-d", "-t", "=s:", "sleep", "99999")
    for each in (*HIDING, "daemon"):
        live.until((tmux.folder / each).exists, each)
    (mine,) = (row for row in tmux.rows() if not row.address)
    outcome = tmux.apply(build.nothing(live.WORKSPACE))
    assert outcome.result.ok
    assert [each for each in running(tmux) if each.argv] == []
    assert [(row.pane_id, row.pid, row.dead) for row in tmux.rows()] == [(mine.pane_id, mine.pid, False)]


@pytest.mark.parametrize("way", [*HIDING])
def test_restarted_with_nothing_of_the_old_one(tmux: live.Live, way: str) -> None:
    flag = tmux.folder / "flag"
    first = pane("it", "sh", "-c", HIDING[way], str(flag))
    tmux.apply(workspace(first))
    live.until(flag.exists)
    before = {each.pid for each in running(tmux)}
    assert tmux.apply(workspace(dataclasses.replace(first, command=("sleep", "88888")))).result.ok
    left = [each for each in running(tmux) if each.pid in before]
    assert left == []
    live.until(lambda: [each for each in running(tmux) if each.argv == ("sleep", "88888")])


@pytest.mark.parametrize(
    "stop",
    [
        spec.Stop(keys=("q",), timeout=timedelta(seconds=live.DEADLINE)),
        spec.Stop(keys=("C-c",), timeout=timedelta(seconds=live.DEADLINE)),
        spec.Stop(signal="SIGUSR1", timeout=timedelta(seconds=live.DEADLINE)),
        spec.Stop(
            command="echo asked >>asked; kill -USR1 $(cat pid)", timeout=timedelta(seconds=live.DEADLINE)
        ),
    ],
    ids=("a key", "an interrupt", "a signal", "a command"),
)
def test_asked_as_it_wants_to_be(tmux: live.Live, stop: spec.Stop) -> None:
    script = """
trap 'echo answered >>answered; exit 0' USR1 INT
echo $$ >pid.part; mv pid.part pid
while :; do read -r -n1 key && [ "$key" = q ] && { echo answered >>answered; exit 0; }; done
"""
    made = dataclasses.replace(pane("it", "bash", "--norc", "-c", script, stop=stop), dir=str(tmux.folder))
    tmux.apply(workspace(made))
    live.until((tmux.folder / "pid").exists)
    assert tmux.apply(build.nothing(live.WORKSPACE)).result.ok
    assert (tmux.folder / "answered").read_text() == "answered\n"
    assert running(tmux) == []


def test_an_interactive_shell_ends(tmux: live.Live) -> None:
    """It ignores SIGTERM."""
    slow = spec.Stop(timeout=timedelta(seconds=live.DEADLINE))
    tmux.apply(workspace(pane("shell", stop=slow)))
    live.until(lambda: [each for each in running(tmux) if each.argv == ("/bin/sh", "-l")])
    assert tmux.apply(build.nothing(live.WORKSPACE)).result.ok
    assert running(tmux) == []


def test_a_persons_own_tmux_inside_survives(tmux: live.Live) -> None:
    """It was started in our pane and bears its marks, and yet it is nobody's but theirs."""
    nested = tmux.folder / "nested"
    script = f"tmux -S {nested} -f /dev/null new-session -d sleep 99999; touch {nested}.up; exec sleep 88888"
    tmux.apply(workspace(pane("it", "sh", "-c", script)))
    live.until((tmux.folder / "nested.up").exists)
    form = ("list-panes", "-a", "-F", "#{pid} #{pane_pid} #{pane_dead}")

    def inside() -> str:
        return subprocess.run(
            ["tmux", "-S", str(nested), *form], capture_output=True, text=True, env=tmux.environ, check=True
        ).stdout

    before = inside()
    try:
        for desired in (workspace(pane("it", "sleep", "77777")), build.nothing(live.WORKSPACE)):
            assert tmux.apply(desired).result.ok
            assert inside() == before
        assert {each.argv[0] for each in running(tmux)} == {"tmux", "sleep"}
    finally:
        with contextlib.suppress(ProcessLookupError), live.ended(int(before.split(" ")[0])):
            os.kill(int(before.split(" ")[0]), signal.SIGTERM)


def test_we_do_not_stop_ourselves(tmux: live.Live) -> None:
    """An apply that runs in a pane which it would stop refuses before anything is done."""
    manifest = tmux.folder / "w.yaml"
    manifest.write_text(
        "version: 1\nworkspace: world\nsessions: {s: {panes: [{name: it, command: sleep 99999}]}}\n"
    )
    words = " ".join(tmux.cli_words("apply", str(manifest), "--yes"))
    out = tmux.folder / "out"
    script = f"{words} >{out}.part 2>&1; echo $? >>{out}.part; mv {out}.part {out}; exec sleep 99999"
    tmux.apply(workspace(pane("it", "sh", "-c", script), pane("other", "sleep", "99999")))
    live.until(out.exists)
    said = out.read_text()
    assert said.endswith("1\n")
    assert "orchestra runs inside s/it" in said
    assert {row.address for row in tmux.rows()} == {"s/it", "s/other"}


def test_what_is_ours_no_more_is_not_stopped(tmux: live.Live) -> None:
    """Between the look and the deed a person may have made another pane of it."""
    tmux.apply(workspace(pane("it", "sleep", "99999"), pane("other", "sleep", "99999")))
    made = tmux.preview(workspace(pane("other", "sleep", "99999")))
    row = tmux.pane("s/it")
    tmux.tmux("set-option", "-pt", row.pane_id, "@orchestra_pane", "world s/it 000000000000 - done 0")
    with pytest.raises(errors.Conflict):
        tmux.apply_saved(made)
    (still,) = (each for each in tmux.rows() if each.pane_id == row.pane_id)
    assert (still.pid, still.dead) == (row.pid, False)
