from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil  # noqa: F401  # as what it is here, before a test says it is elsewhere
import pytest

from orchestra.host import process_table
from tests.unit.host import family, until

linux = pytest.mark.skipif(sys.platform != "linux", reason="about /proc")


def test_row_tells_parent_session_and_whose_it_is() -> None:
    env = {"XORCHESTRA_PANE": "no", "ORCHESTRA_PANE": "u1", "TMUX": "/a,b/c,12,3"}
    with family.living(((), ((("setsid",), ()),)), env) as known:
        table = process_table.read()
        (child,) = known.pids - {known.root}
        root = table[known.root]
        assert (root.parent, root.session, root.alive) == (os.getpid(), known.root, True)
        assert (root.pane, root.tmux, root.server) == ("u1", "/a,b/c,12,3", False)
        assert (table[child].parent, table[child].session) == (known.root, child)
        assert process_table.start_time(child) == table[child].started
        assert process_table.parent(child) == known.root


def test_environment_without_them_tells_nothing() -> None:
    with family.living(((), ()), {"LAST": "ORCHESTRA_PANE=x"}) as known:
        row = process_table.read()[known.root]
        assert (row.pane, row.tmux) == ("", "")


def test_zombie_is_not_alive() -> None:
    process = subprocess.Popen(["true"])
    try:
        assert until.true(lambda: not process_table.read()[process.pid].alive)
        assert process_table.start_time(process.pid) is None
    finally:
        process.wait()
    assert process.pid not in process_table.read()


@linux
def test_process_lives_on_without_its_main_thread() -> None:
    program = """
import ctypes, os, threading
ended = threading.Event()
threading.Thread(target=lambda: (os.read(0, 1), ended.set())).start()
ctypes.CDLL(None).pthread_exit(None)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    try:
        stat = Path(f"/proc/{process.pid}/stat")
        assert until.true(lambda: ") Z " in stat.read_text())
        assert process_table.read()[process.pid].alive
        assert process_table.start_time(process.pid) is not None
    finally:
        process.kill()
        process.communicate()


@linux
def test_name_may_be_anything() -> None:
    program = r"""
import ctypes, os
ctypes.CDLL(None).prctl(15, b") R 1 (\n\xff", 0, 0, 0)
os.write(1, b"up\n")
os.read(0, 1)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        row = process_table.read()[process.pid]
        assert (row.name, row.parent) == (") R 1 (\n\udcff", os.getpid())
    finally:
        process.communicate()


@linux
def test_psutil_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"ORCHESTRA_PANE": "u1", "TMUX": "/s,12,3"}
    with family.living(((), (((), ()), (("setsid", "orphan"), ()))), env) as known:
        ours = process_table.read()
        monkeypatch.setattr(sys, "platform", "darwin")
        theirs = process_table.read()
        monkeypatch.undo()
        for pid in known.pids:
            for field in ("parent", "session", "name", "alive", "server", "pane", "tmux"):
                assert getattr(ours[pid], field) == getattr(theirs[pid], field), field
