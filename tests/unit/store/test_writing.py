from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.model.errors import Conflict, JournalFull
from orchestra.store import healing, trouble
from tests.unit.store import scene


class Heard(scene.Told):
    """And lets a test wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.troubled, self.over = threading.Event(), threading.Event()
        self.trouble = _Telling(self)


class _Telling(list[str]):
    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self._heard = heard

    def append(self, reason: str) -> None:
        super().append(reason)
        (self._heard.troubled if reason else self._heard.over).set()


HOLD = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held(path: Path, statement: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), statement], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield
        finally:
            process.kill()


def test_locked_by_another_program(tmp_path: Path) -> None:
    path, told = tmp_path / "journal.db", Heard()
    with scene.make(path, told=told) as opened:
        scene.done(opened.append([scene.exited(0)]))
        with held(path):
            answers = [opened.append([scene.exited(n)], state={"n": n}) for n in range(1, 4)]
            assert told.troubled.wait(scene.WAIT)
            assert not opened.healthy
            assert "locked" in opened.error
            assert not any(each.done() for each in answers)
            assert scene.number(opened.read(limit=9)[0]) == 0  # reading goes on
            with pytest.raises(trouble.Unavailable, match="locked"):
                opened.retain(timedelta(0), 0)
        assert [scene.sequences(scene.done(each)) for each in answers] == [[2], [3], [4]]
        assert told.over.wait(scene.WAIT)
        assert opened.healthy
    assert (told.trouble[-1], told.healed) == ("", [])


def test_locked_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with scene.make(path) as opened:
        scene.done(opened.append([scene.exited(1)]))
    with held(path, "PRAGMA locking_mode = EXCLUSIVE; "), sqlite3.connect(path) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Conflict, match="locked"):
            scene.make(path).open()
        other.rollback()
    other.close()
    with scene.make(path) as opened:
        assert opened.last() == 1


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    small = dataclasses.replace(scene.QUICK, waiting_events=10, waiting_bytes=20_000)
    with scene.make(path, limits=small) as opened:
        with pytest.raises(ValueError, match="more at once"):
            opened.append([scene.exited(n) for n in range(11)])
        with pytest.raises(ValueError, match="more at once"):
            opened.append([scene.exited(1, size=30_000)])
        with held(path):
            answers = [opened.append([scene.exited(n)]) for n in range(10)]
            with pytest.raises(JournalFull, match="no more"):
                opened.append([scene.exited(10)])
            opened.put({})  # weighs nothing
            cancelled = answers[9].cancel()
        kept = [scene.done(each) for each in answers if not each.cancelled()]
        assert len(kept) == 10 - cancelled
        scene.done(opened.append([scene.exited(1, size=15_000)]))
        assert [scene.number(each) for each in scene.everything(opened)] == [*range(len(kept)), 1]
        with held(path):
            opened.append([scene.exited(2, size=15_000)])
            with pytest.raises(JournalFull):
                opened.append([scene.exited(3, size=15_000)])


def test_closing_while_nothing_can_be_written(tmp_path: Path) -> None:
    path, told = tmp_path / "journal.db", Heard()
    opened = scene.make(path, told=told)
    opened.open()
    scene.done(opened.append([scene.exited(1)]))
    with held(path):
        answers = [opened.append([scene.exited(2)]), opened.append([scene.exited(3)])]
        assert told.troubled.wait(scene.WAIT)
        assert not opened.close(timedelta(milliseconds=50))
    for each in answers:
        with pytest.raises(trouble.Unavailable, match="not written"):
            scene.done(each)
    again = scene.make(path)
    assert again.open().unclean
    assert [scene.number(each) for each in scene.everything(again)] == [1]
    again.close()


FILLED = """
import resource, signal, sys
from pathlib import Path
from tests.unit.store import scene, test_writing

told = test_writing.Heard()
opened = scene.make(Path(sys.argv[1]), told=told)
opened.open()
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for step in range(int(sys.argv[2])):
    told.troubled.clear()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000 + 4096 * step // 2 + 517 * step, most))
    answers, number = [], opened.last()
    while not told.troubled.is_set():
        for _ in range(20):
            number += 1
            answers.append((number, opened.append([scene.exited(number, size=700)], state={"n": number})))
        told.troubled.wait(0.005)
    last = opened.last()
    assert opened.error, "healthy"
    assert all(n <= last for n, each in answers if each.done()), "acknowledged, not there"
    assert not all(each.done() for _, each in answers)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert [scene.sequences(scene.done(each)) for _, each in answers] == [[n] for n, _ in answers]
    assert opened.get("n") == number
    opened.retain(scene.timedelta(days=1), 100_000)
opened.close()
print(told.healed)
"""


def test_no_room_to_write(tmp_path: Path) -> None:
    """The kernel refuses to let the files grow, at ever other places: appends wait, and when there is room again they are written."""
    path = tmp_path / "journal.db"
    told = subprocess.check_output(
        [sys.executable, "-c", FILLED, str(path), "12"],
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert told == "[]\n"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    with scene.make(path) as opened:
        kept = scene.everything(opened)
        assert [scene.number(each) for each in kept] == scene.sequences(kept)


def test_the_file_is_taken_away(tmp_path: Path) -> None:
    """What is written from then on must be at the path, and no number is given twice."""
    path, told = tmp_path / "journal.db", Heard()
    with scene.make(path, told=told) as opened:
        scene.done(opened.append([scene.exited(n) for n in range(3)]))
        for each in tmp_path.iterdir():
            each.unlink()
        assert scene.sequences(scene.done(opened.append([scene.exited(3)]))) == [4]
        assert [(each.condition, each.reason) for each in told.healed] == [
            (healing.Condition.HEALED, "the file was taken away")
        ]
        assert opened.last() == 4
    with scene.make(path) as opened:
        assert scene.sequences(scene.everything(opened)) == [4]


def test_the_file_breaks_while_it_is_in_use(tmp_path: Path) -> None:
    path, told = tmp_path / "journal.db", Heard()
    with scene.make(path, told=told) as opened:
        for each in range(0, 3000, 500):
            scene.done(opened.append([scene.exited(n, size=50) for n in range(each, each + 500)]))
        opened._writer.work(lambda c: scene.checkpoint(c)).result(scene.WAIT)
        with path.open("r+b") as file:
            for page in range(1, path.stat().st_size // 4096, 2):
                file.seek(page * 4096)
                file.write(b"\xff" * 16)
        number = scene.done(opened.append([scene.exited(3000)]))[0].sequence
        assert number > 3000
        assert len(told.healed) == 1
        kept = scene.everything(opened)
        assert len(kept) > 1000
        assert kept[-1].sequence == number
        assert told.healed[0].aside is not None
        assert told.healed[0].aside.exists()


@pytest.mark.parametrize(
    "statement", ["DELETE FROM state", "DROP TABLE events", "UPDATE state SET value = 'x'"]
)
def test_somebody_else_writes_into_it(tmp_path: Path, statement: str) -> None:
    """What is left of it is in the new one, and numbers go on."""
    path, told = tmp_path / "journal.db", Heard()
    with scene.make(path, told=told) as opened:
        scene.done(opened.append([scene.exited(n) for n in range(5)]))
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA secure_delete = ON")
            other.execute(statement)
        other.close()
        assert scene.done(opened.append([scene.exited(5)]))[0].sequence > 5
        assert len(told.healed) == 1
        kept = [scene.number(each) for each in scene.everything(opened)]
        assert kept == ([5] if "DROP" in statement else [*range(6)])


def test_no_room_at_the_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(tmp_path / "journal.db")],
        capture_output=True,
        text=True,
        check=False,
        timeout=scene.WAIT,
    )
    assert (done.returncode, done.stdout) == (0, "opened\n"), done.stderr


NO_ROOM = """
import resource, signal, sys
from pathlib import Path
from orchestra.store import trouble
from tests.unit.store import scene
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
try:
    scene.make(Path(sys.argv[1])).open()
except trouble.Unavailable as error:
    assert "cannot use" in str(error), error
else:
    raise AssertionError("it opened")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
with scene.make(Path(sys.argv[1])) as opened:
    scene.done(opened.append([scene.exited(1)]))
print("opened")
"""
