"""What belongs to a pane of a real tmux, when a person has started a tmux of their own in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.host import machine, process_table, processes
from tests.unit.host import until

HERE = processes.Processes()


def tmux(socket: Path, *words: str) -> str:
    done = subprocess.run(
        ["tmux", "-S", str(socket), "-f", "/dev/null", *words],
        env=machine.server_environment(os.environ)
        | {"LC_ALL": "C.UTF-8", "SHELL": shutil.which("bash") or ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory for sockets, whose paths must be short. Its name is the pane's uid, which all that runs in it bear."""
    with tempfile.TemporaryDirectory(prefix="orchestra-") as directory:
        yield Path(directory)
        with contextlib.suppress(subprocess.CalledProcessError):
            tmux(Path(directory) / "ours.sock", "kill-server")
        for _ in range(2):  # what was just being forked
            for row in process_table.read().values():
                if row.pane == Path(directory).name and row.alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(row.pid, signal.SIGKILL)


def start(place: Path, script: str, expected: int) -> tuple[int, int, dict[str, int]]:
    """A pane that runs `script`; its server's pid, its own, and the pids that were noted by `note NAME`."""
    ours, notes = place / "ours.sock", place / "notes"
    note = f"note() {{ echo $1 $$ >> {shlex.quote(str(notes))}; }}; export -f note\n"
    (place / "script").write_text(note + script)
    uid = f"ORCHESTRA_PANE={place.name}"
    tmux(ours, "new-session", "-d", "-x80", "-y24", "-e", uid, "bash", f"{place}/script")
    server, pane = (int(word) for word in tmux(ours, "list-panes", "-F", "#{pid} #{pane_pid}").split())
    assert until.true(lambda: notes.exists() and notes.read_text().count("\n") == expected)
    found = (line.split() for line in notes.read_text().splitlines())
    return server, pane, {name: int(pid) for name, pid in found}


def stop(uid: str, server: int, pane: int) -> None:
    for _ in range(20):
        left = HERE.trees({uid: pane}, server)[uid]
        if not left:
            return
        HERE.signal(left, "SIGKILL")
        asyncio.run(HERE.ended(left, timedelta(seconds=5)))
    raise AssertionError(left)


@pytest.mark.parametrize(
    "how",
    [
        "tmux -S {theirs} -f /dev/null new-session -d {program}",
        "env -u TMUX tmux -S {theirs} -f /dev/null new-session -d {program}",
        "tmux -S {theirs} -f /dev/null new-session -d {program}; (env -u TMUX tmux -S {theirs} attach &)",
        "(sleep 1000 | tmux -S {theirs} -f /dev/null -D &); until tmux -S {theirs} new -d {program}; do :; done",
    ],
    ids=["daemon", "without TMUX", "attached", "in the foreground"],
)
def test_a_persons_tmux_started_in_the_pane_lives_on(place: Path, how: str) -> None:
    theirs, inner = place / "theirs.sock", place / "inner"
    inner.write_text(
        "note theirs\n"
        "(setsid bash -c 'note theirs-detached; trap \"\" TERM HUP; sleep 1000' &)\n"
        "(env -u TMUX bash -c 'note theirs-unmarked; sleep 1000' &)\n"
        "sleep 1000\n"
    )
    server, pane, known = start(
        place,
        how.format(theirs=theirs, program=f"'bash {inner}'") + "\n"
        "(setsid nohup bash -c 'note ours-detached; trap \"\" TERM HUP; sleep 1000' &)\n"
        "note ours\n"
        "sleep 1000\n",
        expected=5,
    )
    stop(place.name, server, pane)
    alive = {name for name, pid in known.items() if process_table.start_time(pid) is not None}
    assert alive == {"theirs", "theirs-detached", "theirs-unmarked"}
    assert tmux(theirs, "list-panes", "-a", "-F", "#{pane_dead}") == "0"


def test_what_outlives_our_server_is_found_under_the_next(place: Path) -> None:
    ours, uid = place / "ours.sock", place.name
    script = "(setsid nohup bash -c 'note detached; exec sleep 1000' &)\nnote pane\nsleep 1000\n"
    server, pane, known = start(place, script, expected=2)
    tmux(ours, "kill-server")
    assert until.true(lambda: {process_table.start_time(pid) for pid in (server, pane)} == {None})
    # The pane's `sleep` may take a moment longer to die of its hangup.
    detached = {known["detached"]}
    assert until.true(lambda: {process.pid for process in HERE.trees({uid: 0}, 0)[uid]} == detached)
    tmux(ours, "new-session", "-d", "-x80", "-y24")
    next_server = int(tmux(ours, "display-message", "-p", "#{pid}"))
    stop(uid, next_server, 0)
    assert process_table.start_time(known["detached"]) is None
