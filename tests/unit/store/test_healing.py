"""Broken files, some hundreds: each is found sound, or set aside and said; what is left in them is in the new one."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.model import event
from orchestra.model.errors import Conflict
from orchestra.store import healing, schema, trouble
from tests.unit.store import scene

Image = dict[str, bytes]
"""Content of the files, by suffix."""
COUNT = 400
"""Events in an image."""
EACH = 30
"""Images of a kind."""


@dataclass(frozen=True)
class Images:
    closed: Image
    killed: Image
    """With a log that holds the second half of the events."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    path = tmp_path_factory.mktemp("images") / "journal.db"
    events = [
        scene.exited(n, size=20_000 if n % 25 == 0 else (0, 100, 5000, 0, 0)[n % 5])
        for n in range(1, COUNT + 1)
    ]
    with scene.make(path) as opened:
        for each in range(0, COUNT // 2, 20):
            scene.done(opened.append(events[each : each + 20], state={"number": each + 20}))
    with scene.make(path) as opened:
        for each in range(COUNT // 2, COUNT, 20):
            scene.done(opened.append(events[each : each + 20], state={"number": each + 20}))
        killed = image(path)
    return Images(image(path), killed)


def image(path: Path) -> Image:
    files = zip(("", "-wal", "-shm"), schema.companions(path), strict=True)
    return {suffix: each.read_bytes() for suffix, each in files if each.exists()}


def lay(folder: Path, content: Image) -> Path:
    path = folder / "journal.db"
    for suffix, data in content.items():
        path.with_name(path.name + suffix).write_bytes(data)
    return path


def outcome(folder: Path, content: Image) -> tuple[healing.Found, tuple[event.Event, ...]]:
    """Opens it, and demands what must be true of every image."""
    folder.mkdir(mode=0o700)
    path = lay(folder, content)
    opened = scene.make(path)
    found = opened.open()
    kept = scene.everything(opened)
    whole = [each for each in kept if each.type != "daemon.fault"]
    assert [scene.number(each) for each in whole] == scene.sequences(whole), "an event that never was"
    opened.get("number")
    new = scene.done(opened.append([scene.exited(9)], state={"number": 1}))[0].sequence
    assert opened.last() == new > max(scene.sequences(kept), default=0)
    opened.close()
    if found.condition is healing.Condition.HEALED:
        assert found.reason
        assert found.aside is not None
        assert (found.aside.read_bytes() if "" in content else b"") == content.get("", b"")
        assert found.aside.name.startswith("journal-20260504T120000Z.broken")
        log = found.aside.with_name(found.aside.name + "-wal")
        assert (log.read_bytes() if log.exists() else b"") == content.get("-wal", b"")
        assert found.rescued == len(kept)
        assert new > COUNT
    else:
        assert found.condition is healing.Condition.SOUND
        assert not list(folder.glob("*.broken*"))
    return found, kept


Damage = Callable[[Image, random.Random], Image]


def cut(suffix: str) -> Damage:
    return lambda image, chance: image | {suffix: image[suffix][: chance.randrange(len(image[suffix]))]}


def flip(suffix: str, first: int, last: int | None, bits: int = 1) -> Damage:
    def damage(image: Image, chance: random.Random) -> Image:
        data = bytearray(image[suffix])
        for _ in range(bits):
            data[chance.randrange(first, last or len(data))] ^= 1 << chance.randrange(8)
        return image | {suffix: bytes(data)}

    return damage


def overwrite(suffix: str, length: int, value: bytes) -> Damage:
    def damage(image: Image, chance: random.Random) -> Image:
        data = bytearray(image[suffix])
        at = chance.randrange(len(data))
        data[at : at + length] = value * len(data[at : at + length])
        return image | {suffix: bytes(data)}

    return damage


def without(suffix: str) -> Damage:
    return lambda image, _: {name: data for name, data in image.items() if name != suffix}


DAMAGES: dict[str, Damage] = {
    "cut": cut(""),
    "log cut": cut("-wal"),
    "header": flip("", 0, 100),
    "first page": flip("", 100, 4096),
    "one bit": flip("", 4096, None),
    "many bits": flip("", 0, None, 300),
    "a bit of the log": flip("-wal", 0, None),
    "the log's header": flip("-wal", 0, 32),
    "the log's first frame": flip("-wal", 32, 56),
    "the index": flip("-shm", 0, None, 50),
    "zeros": overwrite("", 10_000, b"\0"),
    "ones": overwrite("", 600, b"\xff"),
    "zeros in the log": overwrite("-wal", 3000, b"\0"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage(tmp_path: Path, images: Images, kind: str) -> None:
    chance, damage = random.Random(kind), DAMAGES[kind]
    told = set()
    for each in range(EACH):
        base = images.closed if each % 3 == 0 and "log" not in kind and "index" not in kind else images.killed
        broken = damage(base, chance)
        found, kept = outcome(tmp_path / str(each), broken)
        told.add(found.condition)
        if found.condition is healing.Condition.SOUND and not kind.startswith("log cut"):
            # Nothing is missing, save what a cut log hides, which is what a crash leaves as well.
            assert scene.sequences(kept) == list(range(1, COUNT + 1)), (each, found)
        if found.condition is healing.Condition.HEALED and len(broken.get("", b"")) > 100_000:
            assert kept, "rows were readable"
    if kind != "the index" and "log cut" not in kind:
        assert healing.Condition.HEALED in told


def test_little_is_lost(tmp_path: Path, images: Images) -> None:
    """Of a file whose header is gone, everything is read; of one with a broken page, all but that page's rows."""
    for number, base in enumerate((images.closed, images.killed)):
        headless = base | {"": b"\xff" * 4096 + base[""][4096:]}
        found, kept = outcome(tmp_path / f"headless{number}", headless)
        assert scene.sequences(kept) == list(range(1, COUNT + 1))
    data = bytearray(images.closed[""])
    data[20 * 4096 : 21 * 4096] = bytes(4096)
    found, kept = outcome(tmp_path / "page", {"": bytes(data)})
    assert found.condition is healing.Condition.HEALED
    assert COUNT - 40 <= len(kept) < COUNT


def test_damage_that_no_row_shows(tmp_path: Path, images: Images) -> None:
    """In the second page lies what leads back from page to page, which only deleting needs."""
    data = images.closed[""]
    found, kept = outcome(tmp_path / "a", {"": data[:4096] + bytes(4096) + data[8192:]})
    assert found.condition is healing.Condition.HEALED
    assert len(kept) == COUNT


def test_the_log_is_missing(tmp_path: Path, images: Images) -> None:
    found, kept = outcome(tmp_path / "a", {"": images.killed[""]})
    assert found.condition is healing.Condition.HEALED
    assert "write-ahead log is gone" in found.reason
    assert len(kept) >= COUNT // 2
    found, kept = outcome(
        tmp_path / "b", {name: data for name, data in images.killed.items() if name != "-wal"}
    )
    assert found.condition is healing.Condition.HEALED


def test_the_file_is_missing_and_the_log_is_not(tmp_path: Path, images: Images) -> None:
    found, kept = outcome(tmp_path / "a", {name: data for name, data in images.killed.items() if name})
    assert found.condition is healing.Condition.HEALED
    assert kept


def test_a_killed_one_is_sound(tmp_path: Path, images: Images) -> None:
    found, kept = outcome(tmp_path / "a", images.killed)
    assert found == healing.Found(condition=healing.Condition.SOUND, unclean=True)
    assert len(kept) == COUNT
    found, kept = outcome(tmp_path / "b", {name: images.killed[name] for name in ("", "-wal")})
    assert len(kept) == COUNT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"": b""}, "empty"),
        ({"": b"", "-wal": b"x" * 5000}, "empty"),
        ({"": b"Dear diary,\n" * 1000}, "not a database"),
        ({"": b"SQLite"}, "not a database"),
        ({"": b"SQLite format 3\0" + bytes(84)}, "not a journal"),
    ],
)
def test_what_never_was_one(tmp_path: Path, content: Image, reason: str) -> None:
    found, kept = outcome(tmp_path / "a", content)
    assert found.condition is healing.Condition.HEALED
    assert reason in found.reason
    assert kept == ()


def test_somebody_elses_database(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE events (a)")
    other.close()
    found = scene.make(path).open()
    assert (found.condition, found.reason) == (healing.Condition.HEALED, "the file is not a journal")


def test_the_state_is_rescued(tmp_path: Path, images: Images) -> None:
    for number, base in enumerate((images.closed, images.killed)):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        path = lay(folder, base | {"": b"\xff" * 4096 + base[""][4096:]})
        with scene.make(path) as opened:
            assert opened.get("number") == COUNT
            assert opened.last() == COUNT + 1_000_000


def test_numbers_go_on_where_nothing_is_left(tmp_path: Path) -> None:
    """No number below can have been given: the clock's milliseconds rise faster than events come."""
    path = tmp_path / "journal.db"
    path.write_text("nothing")
    clock = scene.Clock()
    with scene.make(path, clock=clock) as opened:
        first = scene.done(opened.append([scene.exited(1)]))[0].sequence
        assert first > 10**11
    path.write_text("nothing again")
    clock.time += timedelta(minutes=1)
    with scene.make(path, clock=clock) as opened:
        assert opened.last() > first


def test_broken_files_do_not_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    names = []
    for each in range(3):
        path.write_text(f"nothing {each}")
        opened = scene.make(path)
        found = opened.open()
        assert found.aside is not None
        names.append(found.aside.name)
        assert found.aside.read_text() == f"nothing {each}"
        opened.close()
    stem = "journal-20260504T120000Z.broken"
    assert names == [stem, f"{stem}.1", f"{stem}.2"]


def test_a_repair_that_takes_too_long_ends(tmp_path: Path, images: Images) -> None:
    class Slow(scene.Clock):
        def monotonic(self) -> float:
            self.ticks += 1
            return self.ticks

    path = lay(tmp_path, images.closed | {"": b"\xff" * 100 + images.closed[""][100:]})
    opened = scene.make(path, clock=Slow())
    found = opened.open()
    assert 0 < found.rescued < COUNT
    assert "no time" in found.reason
    opened.close()


def test_a_repair_that_is_killed_is_ended_by_the_next_start(
    tmp_path: Path, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every rename."""
    rename = Path.rename

    class Killed(BaseException):
        pass

    for moment in range(1, 9):
        folder = tmp_path / str(moment)
        folder.mkdir(mode=0o700)
        path = lay(folder, images.killed | {"": b"\xff" * 100 + images.killed[""][100:]})
        renames = 0

        def renamed(self: Path, goal: Path, moment: int = moment) -> Path:
            nonlocal renames
            renames += 1
            if renames == moment:
                raise Killed
            return rename(self, goal)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", renamed)
            opened = scene.make(path)
            try:
                opened.open()
            except Killed:
                pass
            else:
                opened.close()
                assert moment == 6  # as many as there are, and one
                return
        opened = scene.make(path)
        found = opened.open()
        assert found.condition is healing.Condition.HEALED
        assert len(scene.everything(opened)) == COUNT
        opened.close()
    pytest.fail("renames without end")


def test_a_newer_version_is_refused_and_left(tmp_path: Path, images: Images) -> None:
    path = lay(tmp_path, images.closed)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    values = scene.state_row(schema.FORMAT, schema.VERSION + 1)
    connection.execute("REPLACE INTO state VALUES (?, ?, ?, ?)", values)
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Conflict, match="newer orchestra") as error:
        scene.make(path).open()
    assert error.value.diagnostics[0].hint
    assert path.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} <= {"journal.db", "journal.db-shm", "journal.db-wal"}


def test_what_is_not_a_file_is_refused_and_left(tmp_path: Path) -> None:
    goal = tmp_path / "goal"
    goal.write_text("mine")
    makers: list[Callable[[Path], None]] = [
        Path.mkdir,
        lambda path: path.symlink_to(goal),
        lambda path: path.symlink_to(tmp_path / "nowhere"),
        lambda path: path.with_name("journal.db-wal").symlink_to(goal),
        lambda path: path.with_name("journal.db-shm").mkdir(),
    ]
    for number, make in enumerate(makers):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        make(folder / "journal.db")
        before = sorted(each.name for each in folder.iterdir())
        with pytest.raises(Conflict, match=r"symbolic link|not a file") as error:
            scene.make(folder / "journal.db").open()
        assert error.value.diagnostics[0].hint
        assert sorted(each.name for each in folder.iterdir()) == before
    assert goal.read_text() == "mine"


def test_a_directory_that_is_not_ours_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(Conflict, match="others may write"):
        scene.make(shared / "journal.db").open()
    (tmp_path / "file").touch()
    with pytest.raises(Conflict, match="not a directory"):
        scene.make(tmp_path / "file" / "journal.db").open()


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    mine = path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: mine + 1)
    with pytest.raises(Conflict, match="another user"):
        scene.make(path).open()


def test_nothing_can_be_made_there() -> None:
    with pytest.raises(trouble.Unavailable, match="cannot use"):
        scene.make(Path("/proc/nowhere/journal.db")).open()
