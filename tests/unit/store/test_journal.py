from __future__ import annotations

import stat
import subprocess
import sys
import threading
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import exc

from orchestra.model import event
from orchestra.model.errors import OrchestraError
from orchestra.store import healing, journal, trouble
from tests.unit.store import scene


def test_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    opened = scene.make(path)
    assert opened.open() == healing.Found(condition=healing.Condition.FRESH)
    assert (opened.first(), opened.last(), scene.everything(opened)) == (1, 0, ())
    assert opened.healthy
    for each in path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert opened.close()
    assert opened.close()
    assert [each.name for each in path.parent.iterdir()] == ["journal.db"]


def test_numbers_rise_over_all_threads(tmp_path: Path) -> None:
    threads, rounds = 8, 150
    answers: list[list[Future[tuple[event.Event, ...]]]] = [[] for _ in range(threads)]
    with scene.make(tmp_path / "journal.db") as opened:

        def append(thread: int) -> None:
            for each in range(rounds):
                numbers = [thread * 10_000 + each * 10 + n for n in range(each % 4)]
                answers[thread].append(opened.append([scene.exited(n) for n in numbers]))

        workers = [threading.Thread(target=append, args=(n,)) for n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        told = [[each for answer in mine for each in scene.done(answer)] for mine in answers]
        kept = scene.everything(opened)
    assert scene.sequences(kept) == list(range(1, len(kept) + 1))
    assert sorted(kept, key=lambda each: each.sequence) == sorted(
        (each for mine in told for each in mine), key=lambda each: each.sequence
    )
    for mine in told:  # each thread's own, in the order it appended them
        assert scene.sequences(mine) == sorted(scene.sequences(mine))
        assert [scene.number(each) for each in mine] == sorted(scene.number(each) for each in mine)


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for round in range(3):
        opened = scene.make(path)
        found = opened.open()
        assert (found.condition, found.unclean) == (
            healing.Condition.SOUND if round else healing.Condition.FRESH,
            False,
        )
        assert scene.sequences(scene.done(opened.append([scene.exited(1), scene.exited(2)]))) == [
            2 * round + 1,
            2 * round + 2,
        ]
        opened.close()


def test_reading(tmp_path: Path) -> None:
    minute = timedelta(minutes=1)
    with scene.make(tmp_path / "journal.db") as opened:
        scene.done(
            opened.append(
                [
                    scene.exited(1, workspace="shop", address="api/server"),
                    event.Event(body=event.PaneClosed(id="%2"), time=scene.NOW + minute, workspace="shop"),
                    event.Event(body=event.TmuxGone(epoch="1.2"), time=scene.NOW + 2 * minute),
                    scene.exited(4, time=scene.NOW + 3 * minute, workspace="blog", address="api/web"),
                ]
            )
        )
        read = opened.read

        def told(events: tuple[event.Event, ...]) -> list[int]:
            return scene.sequences(events)

        assert told(read(limit=9)) == [1, 2, 3, 4]
        assert told(read(limit=2)) == [1, 2]
        assert told(read(limit=2, newest=True)) == [3, 4]
        assert told(read(limit=0)) == []
        assert told(read(2, limit=9)) == [3, 4]
        assert told(read(limit=9, types=["pane.*"])) == [1, 2, 4]
        assert told(read(limit=9, types=["pane.exited", "tmux.*"])) == [1, 3, 4]
        assert told(read(limit=9, types=["*"])) == [1, 2, 3, 4]
        assert told(read(limit=9, types=["*.exited"])) == [1, 4]
        assert told(read(limit=9, types=["pane.[ce]*", "pane.exite?", "'; --"])) == []
        assert told(read(limit=9, workspace="shop")) == [1, 2]
        assert told(read(limit=9, addresses=["api/web", "api/server"])) == [1, 4]
        assert told(read(limit=9, addresses=["api"])) == [1, 4]
        assert told(read(limit=9, addresses=["API", "ap", "a_i", "api/", "%"])) == []
        assert told(read(limit=9, since=scene.NOW + minute, until=scene.NOW + 3 * minute)) == [2, 3]
        assert told(read(limit=9, workspace="shop", types=["pane.closed"], addresses=["api/web"])) == []


@pytest.mark.parametrize("pattern", ["*", "pane.*", "*.created", "pane.exited", "p*e.*t*", "x", "pane.*x"])
def test_patterns_mean_what_they_mean_elsewhere(tmp_path: Path, pattern: str) -> None:
    with scene.make(tmp_path / "journal.db") as opened:
        bodies: list[event.Body] = [
            event.PaneExited(id="%1", pid=1),
            event.PaneClosed(id="%1"),
            event.TmuxGone(epoch="1"),
        ]
        kept = scene.done(opened.append([event.Event(body=each, time=scene.NOW) for each in bodies]))
        wanted = [each.sequence for each in kept if event.matches(pattern, each.type)]
        assert scene.sequences(opened.read(limit=9, types=[pattern])) == wanted


def test_state_is_written_with_the_events(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with scene.make(path) as opened:
        assert opened.get("trigger") is None
        scene.done(opened.append([scene.exited(1)], state={"trigger": {"runs": [1, None, "é"]}}))
        assert opened.get("trigger") == {"runs": [1, None, "é"]}
        scene.done(opened.put({"trigger": 2, "\udc80": "\udc80"}))
        assert (opened.get("trigger"), opened.get("\udc80"), opened.last()) == (2, "\ufffd", 1)
        with pytest.raises(ValueError, match=r"journal\."):
            opened.put({"journal.sequence": 0})
        with pytest.raises(TypeError):
            opened.put({"a": object()})
        with pytest.raises(ValueError, match="JSON"):
            opened.put({"a": float("nan")})
        assert opened.get("journal.sequence") is None
    with scene.make(path) as opened:
        assert opened.get("trigger") == 2


def test_all_or_nothing(tmp_path: Path) -> None:
    """The database refuses one event of three: of that append neither the others nor the state are there; its neighbours are."""

    def refuse(connection: Any) -> None:
        driver = connection.connection.driver_connection
        driver.create_function("refuse", 0, lambda: 1 / 0)
        driver.execute(
            "CREATE TEMP TRIGGER no BEFORE INSERT ON events WHEN new.body LIKE '%\"pid\":2,%' BEGIN SELECT refuse(); END"
        )

    with scene.make(tmp_path / "journal.db") as opened:
        held = threading.Event()
        opened._writer.work(refuse)
        opened._writer.work(lambda _: held.wait(scene.WAIT))  # so that all three are one batch
        before = opened.append([scene.exited(0)])
        asked = opened.append([scene.exited(n) for n in (1, 2, 3)], state={"a": 1})
        behind = opened.append([scene.exited(4)], state={"b": 1})
        held.set()
        assert scene.sequences(scene.done(before) + scene.done(behind)) == [1, 2]
        with pytest.raises(exc.OperationalError):
            scene.done(asked)
        assert [scene.number(each) for each in scene.everything(opened)] == [0, 4]
        assert (opened.get("a"), opened.get("b")) == (None, 1)
        scene.done(opened.put({}))
        assert opened.healthy


def test_reading_what_no_daemon_has_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with pytest.raises(OrchestraError, match="no journal"):
        journal.read_only(path)
    with scene.make(path) as opened:
        scene.done(opened.append([scene.exited(n) for n in range(5)], state={"a": 1}))
        reader = journal.read_only(path)  # while the writer runs
        assert (reader.first(), reader.last(), reader.get("a")) == (1, 5, 1)
        scene.done(opened.append([scene.exited(5)]))
        assert (reader.last(), scene.number(reader.read(5, limit=1)[0])) == (6, 5)
    before = _listing(tmp_path)
    assert (reader.last(), len(reader.read(limit=9))) == (6, 6)
    assert _listing(tmp_path) == before
    assert len(before) == 1


@pytest.mark.parametrize("index", [True, False])
def test_reading_what_a_killed_writer_left(tmp_path: Path, index: bool) -> None:
    """Its log is read, with its index or without, and everything stays as it is."""
    path, copy = tmp_path / "journal.db", tmp_path / "copy" / "journal.db"
    copy.parent.mkdir(0o700)
    with scene.make(path) as opened:
        scene.done(opened.append([scene.exited(n) for n in range(5)]))
        for suffix in ("", "-wal", "-shm") if index else ("", "-wal"):
            copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    before = _listing(copy.parent)
    assert journal.read_only(copy).last() == 5
    after = _listing(copy.parent)
    assert after.keys() == before.keys()
    for each in (before, after):
        each.pop("journal.db-shm", None)  # SQLite's memory, locks in it
    assert after == before


def _listing(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def test_reading_what_is_broken_says_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("not a database, " * 1000)
    reader = journal.read_only(path)
    with pytest.raises(trouble.Unavailable, match="not a database"):
        reader.last()
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(OrchestraError, match="symbolic link"):
        journal.read_only(path)


def test_closed(tmp_path: Path) -> None:
    opened = scene.make(tmp_path / "journal.db")
    with pytest.raises(trouble.Unavailable, match="not open"):
        opened.last()
    opened.open()
    answer = opened.append([scene.exited(1)])
    opened.close()
    assert answer.done()
    with pytest.raises(trouble.Unavailable, match="closed"):
        opened.append([scene.exited(1)])
    with pytest.raises(trouble.Unavailable, match="not open"):
        opened.last()


def test_importing_it_loads_no_sqlalchemy() -> None:
    program = "import sys; import orchestra.store.journal; print('sqlalchemy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"
