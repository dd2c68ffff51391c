from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.host import clock, lock
from orchestra.model.errors import Conflict
from tests.unit.host import until

NOW, LONG = timedelta(0), timedelta(seconds=60)
HOLD = """
import signal, subprocess, sys
from datetime import timedelta
from pathlib import Path
from orchestra.host import clock, lock

signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background inherits it ignored

def waiting(holder):
    print("waiting for", holder, flush=True)

locks = lock.Locks(Path(sys.argv[1]), clock.Clock())
with locks.hold("apply", sys.argv[2], timedelta(seconds=60), waiting):
    print("held", flush=True)
    exec(sys.argv[3])
"""


def start(directory: Path, purpose: str, then: str = "sys.stdin.read()") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory), purpose, then],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def held(directory: Path, purpose: str = "apply shop") -> Iterator[subprocess.Popen[str]]:
    process = start(directory, purpose)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def locks(tmp_path: Path) -> lock.Locks:
    return lock.Locks(tmp_path, clock.Clock())


def ignore(holder: str) -> None:
    pass


def nobody(holder: str) -> None:
    raise AssertionError(holder)


def test_conflict_names_pid_purpose_and_since(tmp_path: Path, locks: lock.Locks) -> None:
    told: list[str] = []
    with held(tmp_path) as other:
        with pytest.raises(Conflict) as conflict, locks.hold("apply", "x", NOW, told.append):
            pass
        since = json.loads((tmp_path / "apply.lock").read_text())["since"]
        assert told == [f"apply shop (pid {other.pid}, since {since})"]
        assert str(conflict.value) == f"{told[0]} holds the lock apply"
        with locks.hold("other", "x", NOW, nobody):
            pass


def test_timeout_is_kept(tmp_path: Path, locks: lock.Locks) -> None:
    with held(tmp_path):
        started = time.monotonic()
        with pytest.raises(Conflict), locks.hold("apply", "x", timedelta(milliseconds=200), ignore):
            pass
        assert 0.2 <= time.monotonic() - started < 5


def test_file_is_private_and_empty_when_free(tmp_path: Path, locks: lock.Locks) -> None:
    path = tmp_path / "apply.lock"
    with locks.hold("apply", "x", NOW, nobody):
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert path.read_text() == ""


def test_freed_by_the_holders_death(tmp_path: Path, locks: lock.Locks) -> None:
    with held(tmp_path) as other:
        told: list[str] = []

        def kill(holder: str) -> None:
            told.append(holder)
            other.kill()

        with locks.hold("apply", "x", LONG, kill):
            assert len(told) == 1


def test_freed_by_an_exception_and_free_for_the_next(locks: lock.Locks) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), locks.hold("apply", "x", NOW, nobody):
            raise ZeroDivisionError


def test_children_do_not_inherit_it(tmp_path: Path, locks: lock.Locks) -> None:
    # -3: /dev/null, or `communicate` would wait for this child, too
    child = "p = subprocess.Popen(['sleep', '1000'], close_fds=False, stdin=-3, stdout=-3, stderr=-3); print(p.pid)"
    holder = start(tmp_path, "x", child)
    output, _ = holder.communicate(timeout=30)
    pid = int(output.split()[1])
    try:
        with locks.hold("apply", "x", NOW, nobody):
            pass
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"pid": "x"}', b"[" * 4096, b"9" * 5000]
)
def test_garbage_in_the_file(tmp_path: Path, locks: lock.Locks, garbage: bytes) -> None:
    path = tmp_path / "apply.lock"
    path.write_bytes(garbage)
    with locks.hold("apply", "x", NOW, nobody):
        path.write_bytes(garbage)
        told: list[str] = []
        with pytest.raises(Conflict), locks.hold("apply", "y", NOW, told.append):
            pass
        assert told == ["another process"]


def test_what_a_holder_wrote_cannot_write_on_the_screen(tmp_path: Path, locks: lock.Locks) -> None:
    with locks.hold("apply", "a\x1b[31m\nb", NOW, nobody):
        told: list[str] = []
        with pytest.raises(Conflict), locks.hold("apply", "y", NOW, told.append):
            pass
        assert told[0].startswith("a [31m b (pid ")


def test_removed_file_is_no_lock(tmp_path: Path, locks: lock.Locks) -> None:
    """A waiter on a file that somebody removed gets the lock of the file that is there."""
    with held(tmp_path) as other:

        def remove(holder: str) -> None:
            (tmp_path / "apply.lock").unlink()
            other.kill()

        with locks.hold("apply", "x", LONG, remove):
            told: list[str] = []
            with pytest.raises(Conflict), locks.hold("apply", "y", NOW, told.append):
                pass
            assert told[0].startswith("x (pid ")


def test_symlink_is_refused(tmp_path: Path, locks: lock.Locks) -> None:
    (tmp_path / "apply.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locks.hold("apply", "x", NOW, nobody):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_waiting_is_interrupted_by_ctrl_c(tmp_path: Path) -> None:
    with held(tmp_path):
        waiter = start(tmp_path, "second")
        assert waiter.stdout is not None
        assert waiter.stdout.readline().startswith("waiting for apply shop")
        waiter.send_signal(signal.SIGINT)
        _, errors = waiter.communicate(timeout=30)
        assert "KeyboardInterrupt" in errors


def test_waiter_that_gave_up_does_not_keep_it(tmp_path: Path, locks: lock.Locks) -> None:
    """Its thread gets the lock later, when nobody wants it any more."""
    with (
        held(tmp_path),
        pytest.raises(Conflict),
        locks.hold("apply", "x", timedelta(milliseconds=50), ignore),
    ):
        pass
    assert until.true(lambda: not any(thread.name == "lock" for thread in threading.enumerate()))
    with locks.hold("apply", "x", LONG, ignore):
        pass


def test_20_processes_take_turns(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")
    turn = f"p = Path({str(count)!r}); n = int(p.read_text()); p.write_text(''); p.write_text(str(n + 1))"
    processes = [start(tmp_path, f"turn {number}", turn) for number in range(20)]
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert (process.returncode, errors) == (0, "")
    assert count.read_text() == "20"
