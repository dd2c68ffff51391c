from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.model.errors import Conflict, OrchestraError, UsageError
from orchestra.store import folder, inventory, pruning
from tests.unit.store import scene
from tests.unit.store.snapshot_scene import FILES, SHOP, Shelf, content, rewritten


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "state" / "snapshots")


def said(error: pytest.ExceptionInfo[OrchestraError]) -> tuple[str, str | None]:
    return str(error.value), error.value.diagnostics[0].hint


# What is saved


def test_what_is_saved_is_found_and_read(shelf: Shelf) -> None:
    given = content(scope=("shop", "shop"), epoch="boot 7", left_out=("é \ud800",), automatic=True)
    kept, written = shelf.save(given)
    assert written
    assert shelf.all() == (kept,) == shelf.all(check=False)
    assert shelf.find(kept.name) == kept
    assert dict(shelf.read(kept)) == FILES
    assert (kept.name, kept.path) == ("shop-20260504-120000-auto", shelf.path / "shop-20260504-120000-auto")
    assert (kept.version, kept.time, kept.problem) == (1, scene.NOW, "")
    assert (kept.host, kept.tmux, kept.epoch, kept.automatic) == ("box", "3.4", "boot 7", True)
    assert (kept.scope, kept.workspaces, kept.left_out) == (("shop",), given.workspaces, given.left_out)
    assert kept.bytes == sum(map(len, FILES.values()))


def test_no_save_is_answered_with_what_was_collected(shelf: Shelf) -> None:
    """That one is thrown away with the collection it belongs to."""
    shelf.save(content(scope=("shop",)), "gc-shop-1")
    kept, written = shelf.save(content(scope=("shop",)))
    assert (written, kept.name) == (True, "shop-20260504-120000")
    assert shelf.save(content(scope=("shop",))) == (kept, False)


def test_the_list_is_documented(shelf: Shelf) -> None:
    document = json.loads((shelf.put("one").path / "snapshot.json").read_bytes())
    assert len(document.pop("sha256")) == len(document.pop("content")) == 64
    assert {path: each["bytes"] for path, each in document.pop("files").items()} == {
        path: len(data) for path, data in FILES.items()
    }
    assert document == {
        "version": 1,
        "time": "2026-05-04T12:01:00.000000+00:00",
        "host": "box",
        "tmux": "3.4",
        "epoch": "first",
        "automatic": False,
        "scope": [],
        "workspaces": {"shop": {"file": "shop.yaml", "sessions": 1, "windows": 2, "panes": 3}},
        "left_out": ["api/vim: not saved"],
    }


def test_it_is_ours_alone(shelf: Shelf) -> None:
    kept = shelf.put()
    for path in (shelf.path, *shelf.path.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert sorted(each.name for each in kept.path.iterdir()) == ["scrollback", "shop.yaml", "snapshot.json"]
    assert shelf.left_over() == []


_PATHS = st.from_regex(r"\A[a-z_-][a-z.]{0,3}(?:/[a-z][0-9]?){0,3}\Z")


@given(files=st.dictionaries(_PATHS, st.binary(max_size=40), max_size=6), text=st.text(max_size=10))
def test_anything_comes_back(files: dict[str, bytes], text: str) -> None:
    taken = {parent for path in files for parent in map(str, Path(path).parents)}
    files = {path: data for path, data in files.items() if path not in taken}
    with tempfile.TemporaryDirectory() as path:
        shelf = Shelf(Path(path))
        kept = shelf.put(files=files, host=text, left_out=(text,), workspaces={})
        assert dict(shelf.read(kept)) == files
        assert shelf.all() == (kept,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": {path: b""}, "workspaces": {}}
        for path in (
            "",
            "/etc/x",
            "../x",
            "a/../x",
            "a//b",
            "a/",
            ".lock",
            "a/.b",
            "a b",
            "é",
            "a\n",
            "snapshot.json",
            "a/" * 8 + "a",
        )
    ]
    + [{"files": {}, "workspaces": content().workspaces}, {"scope": ("../shop",)}],
)
def test_what_no_caller_may_ask(shelf: Shelf, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"snapshot|files|workspaces"):
        shelf.put(**wrong)
    assert shelf.all() == ()
    assert shelf.left_over() == []


def test_too_large(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "LARGEST", 63)
    with pytest.raises(OrchestraError, match=r"^scrollback/shop/api\.0\.gz is too large .* 64 bytes, not 63"):
        shelf.put()
    monkeypatch.setattr(inventory, "LARGEST", 64)
    monkeypatch.setattr(inventory, "LONGEST", 100)
    with pytest.raises(OrchestraError, match=r"^too much for one snapshot"):
        shelf.put()
    assert list(shelf.path.iterdir()) == [shelf.path / ".lock"]


# Names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "20260504-120100"),
        ({"automatic": True}, "20260504-120100-auto"),
        ({"scope": ("shop",)}, "shop-20260504-120100"),
        ({"scope": ("shop",), "automatic": True}, "shop-20260504-120100-auto"),
        ({"scope": ("shop", "blog")}, "20260504-120100"),
        ({"scope": ("s" * 63,), "automatic": True}, "s" * 36 + "-20260504-120100-auto"),
    ],
)
def test_names_of_their_own(shelf: Shelf, given: dict[str, Any], name: str) -> None:
    for expected in (name, f"{name}-2", f"{name}-3"):
        shelf.clock.time = scene.NOW
        assert shelf.put(files={"shop.yaml": expected.encode()}, **given).name == expected
    assert shelf.names() == [f"{name}-3", f"{name}-2", name]
    assert all(inventory.NAME.match(each) for each in shelf.names())


@pytest.mark.parametrize("name", ["", ".x", "-x", "a/b", "..", "/etc", "é", "x" * 65, "a b", "x\n", "a\0"])
def test_no_names(shelf: Shelf, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a snapshot"):
        shelf.put(name)
    shelf.put()
    for use in (shelf.find, shelf.delete):
        with pytest.raises(OrchestraError, match=r"^there is no snapshot"):
            use(name)


def test_a_path_is_no_name(shelf: Shelf, tmp_path: Path) -> None:
    kept = shelf.put("one")
    (tmp_path / "precious").mkdir()
    for name in (str(tmp_path / "precious"), "../../precious", "one/scrollback", "./one", str(kept.path)):
        with pytest.raises(OrchestraError, match=r"^there is no snapshot"):
            shelf.delete(name)
    assert (tmp_path / "precious").is_dir()
    assert shelf.all() == (kept,)


@pytest.mark.parametrize("there", ["snapshot", "file", "directory", "link"])
def test_a_taken_name(shelf: Shelf, there: str) -> None:
    shelf.put("before")
    path = shelf.path / "one"
    make: dict[str, Callable[[], object]] = {
        "snapshot": lambda: shelf.put("one", files={}),
        "file": path.touch,
        "directory": path.mkdir,
        "link": lambda: path.symlink_to("nowhere"),
    }
    make[there]()
    before = path.lstat().st_ino
    with pytest.raises(Conflict) as error:
        shelf.put("one")
    assert said(error) == (
        'there is a snapshot "one" already',
        "choose another name, or delete that one first",
    )
    assert path.lstat().st_ino == before
    assert shelf.left_over() == []


def test_the_nearest_name(shelf: Shelf) -> None:
    shelf.put("before-upgrade")
    with pytest.raises(OrchestraError) as error:
        shelf.find("before-upgrad")
    assert said(error) == ('there is no snapshot "before-upgrad"', "did you mean before-upgrade?")
    with pytest.raises(OrchestraError) as error:
        shelf.find("zzz")
    assert said(error)[1] == "orchestra snapshot list shows them"


# Nothing changed


@pytest.mark.parametrize(
    ("before", "then", "written"),
    [
        ({}, {}, False),
        ({}, {"host": "other", "epoch": "second", "left_out": ()}, False),
        ({}, {"automatic": True}, False),
        ({"automatic": True}, {"automatic": True}, False),
        ({"automatic": True}, {}, True),  # it would be pruned some day
        ({}, {"scope": ("shop",)}, True),
        ({"scope": ("blog", "shop")}, {"scope": ("shop", "blog")}, False),
        ({}, {"files": {**FILES, "shop.yaml": SHOP + b"\n"}}, True),
        ({}, {"files": {"shop.yaml": SHOP}}, True),
        ({}, {"files": {**FILES, "note": b""}}, True),
    ],
)
def test_what_did_not_change_is_not_written(
    shelf: Shelf, before: dict[str, Any], then: dict[str, Any], written: bool
) -> None:
    first = shelf.put(**before)
    shelf.clock.time += timedelta(days=1)
    kept, wrote = shelf.save(content(**then))
    assert wrote is written
    assert (kept == first) is not written
    assert len(shelf.all()) == 1 + written


def test_what_did_not_change_is_written_under_a_name(shelf: Shelf) -> None:
    shelf.put("one")
    shelf.put("two")
    assert shelf.names() == ["two", "one"]


def test_it_is_compared_with_the_newest_sound_one(shelf: Shelf) -> None:
    first, second = shelf.put("one"), shelf.put("two", files={})
    assert shelf.save(content(files={})) == (second, False)
    assert shelf.put().name == "20260504-120300"  # as it once was, but not just now
    (shelf.find("20260504-120300").path / "shop.yaml").write_bytes(SHOP[::-1])
    shelf.put(files={"shop.yaml": b"other"}, scope=("shop",))
    assert shelf.save(content(files={})) == (second, False)
    shelf.delete("two")
    assert shelf.save(content()) == (first, False)


# Order


def test_a_clock_that_goes_back(shelf: Shelf) -> None:
    """The order stays that of saving, so nothing hides what was saved last, and nothing prunes it."""
    names = []
    for hours in (0, -5, -10, 3, -400 * 24, 2):
        shelf.clock.time = scene.NOW + timedelta(hours=hours)
        names.append(shelf.put(files={"x": str(hours).encode()}, automatic=True).name)
        assert shelf.names() == names[::-1]
        latest = shelf.latest(epoch="now")
        assert latest
        assert latest.name == names[-1]
    assert shelf.prune(2, timedelta(days=1)) == tuple(names[-3::-1])
    assert shelf.names() == names[:-3:-1]


def test_damaged_ones_are_ordered_by_the_last_time_that_can_be_believed(shelf: Shelf) -> None:
    for name in ("list", "file", "sound"):
        shelf.put(name)
    (shelf.path / "file" / "shop.yaml").unlink()
    (shelf.path / "list" / "snapshot.json").unlink()
    os.utime(shelf.path / "list", (0, 0))
    assert shelf.names() == ["sound", "file", "list"]
    assert shelf.find("list").time == datetime(1970, 1, 1, tzinfo=UTC)
    os.utime(shelf.path / "list", (4e9, 4e9))
    assert shelf.names() == ["list", "sound", "file"]
    assert shelf.put("after").time == scene.NOW + timedelta(minutes=4), "no time of ours came from there"


# Which one is restored

HOLDS = {"shop": ("shop.yaml",), "both": ("shop.yaml", "blog.yaml"), "none": ()}


@pytest.mark.parametrize(
    ("there", "asked", "expected"),
    [
        ("", "", None),
        ("a=all:both:hand:1 b=all:both:hand:2", "", "b"),
        ("a=all:both:hand:1 b=all:both:auto:1", "", "b"),
        ("a=all:both:hand:1 b=all:both:auto:2", "", "a"),  # the nearly empty server after a reboot
        ("a=all:both:auto:1 b=all:none:auto:2", "", "a"),
        ("a=all:both:auto:1 b=all:none:hand:2", "", "b"),
        ("a=all:none:auto:2", "", None),
        ("a=all:both:hand:1 b=shop:shop:hand:2", "", "a"),
        ("a=shop:shop:hand:1", "", None),
        ("a=all:both:hand:1 b=shop:shop:hand:2", "shop", "b"),
        ("a=all:both:hand:1 b=shop:shop:hand:2", "blog", "a"),
        ("a=all:both:hand:1 b=all:none:hand:2", "shop", "a"),
        ("a=shop:shop:auto:1 b=shop:shop:auto:2", "shop", "a"),
        ("a=all:both:hand:1", "other", None),
        ("a=all:both:hand:1 b=all:both:hand:2:cut", "", "a"),
        ("a=all:both:hand:1 b=all:both:hand:2:newer", "", "a"),
        ("a=all:both:hand:1 b=all:both:hand:2:flip c=all:both:hand:2:gone", "", "a"),
        ("a=all:both:hand:1:cut", "", None),
    ],
)
def test_the_latest(shelf: Shelf, there: str, asked: str, expected: str | None) -> None:
    """Of the second life of the server."""
    for number, each in enumerate(there.split()):
        name, _, (scope, holds, kind, epoch, *harm) = (
            *each.partition("=")[:2],
            each.partition("=")[2].split(":"),
        )
        kept = shelf.put(
            name,
            files={path: bytes([number, 0]) for path in HOLDS[holds]},
            scope=() if scope == "all" else (scope,),
            automatic=kind == "auto",
            epoch=epoch,
        )
        _harm(kept, *harm)
    found = shelf.latest(epoch="2", workspace=asked)
    assert (found and found.name) == expected
    assert not found or (shelf.find(found.name), shelf.read(found)) == (found, shelf.read(found))


def _harm(kept: inventory.Kept, harm: str = "") -> None:
    match harm:
        case "cut":
            os.truncate(kept.path / "snapshot.json", 100)
        case "newer":
            rewritten(kept, version=2)
        case "flip":
            (kept.path / "shop.yaml").write_bytes(b"\xff\0")
        case "gone":
            (kept.path / "shop.yaml").unlink()


# Damage


def damaged(shelf: Shelf, name: str, problem: str, *, older: str | None = "before") -> None:
    """What must be true of every damaged snapshot that lies on a sound one."""
    found = shelf.find(name)
    assert found.problem == problem
    assert found.problem.isprintable()
    assert {each.name: each.problem for each in shelf.all()} == {"before": "", name: problem}
    latest = shelf.latest(epoch="now")
    assert latest
    assert latest.name == "before"
    with pytest.raises(OrchestraError) as error:
        shelf.read(found)
    assert said(error) == (
        f'snapshot "{name}" is damaged: {problem}',
        older and f"the one before it is sound: {older}",
    )


@pytest.fixture
def pair(shelf: Shelf) -> Shelf:
    """A snapshot `one` on a sound one."""
    shelf.put("before", files={"shop.yaml": b"older"})
    shelf.put("one")
    os.utime(shelf.path / "one", (4e9, 4e9))
    return shelf


def test_cut_anywhere(pair: Shelf) -> None:
    whole = (pair.path / "one" / "snapshot.json").read_bytes()
    for length in range(len(whole)):
        (pair.path / "one" / "snapshot.json").write_bytes(whole[:length])
        assert pair.find("one").problem == "snapshot.json is not whole"
        assert pair.latest(epoch="now") == pair.find("before")
    damaged(pair, "one", "snapshot.json is not whole")
    (pair.path / "one" / "snapshot.json").write_bytes(whole)
    for path, data in FILES.items():
        for length in range(len(data)):
            os.truncate(pair.path / "one" / path, length)
            damaged(pair, "one", f"{path} is {length} bytes long, not {len(data)}")
            assert pair.find("one", check=False).problem
            (pair.path / "one" / path).write_bytes(data)
    assert pair.names(sound=True) == ["one", "before"]


def test_any_bit_of_the_list(pair: Shelf) -> None:
    whole = (pair.path / "one" / "snapshot.json").read_bytes()
    blank = inventory.unread("one", pair.path / "one", scene.NOW)
    believed = []
    for place in range(8 * len(whole)):
        bits = bytearray(whole)
        bits[place // 8] ^= 1 << place % 8
        with contextlib.suppress(inventory.Damaged):
            believed.append(inventory.load(bytes(bits), blank))
    assert [each.version for each in believed] == [3, 5, 9], "these are one bit away from the version 1"
    for place in range(0, len(whole), 7):
        (pair.path / "one" / "snapshot.json").write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :]
        )
        assert pair.latest(epoch="now") == pair.find("before")


def test_any_byte_of_a_file(pair: Shelf) -> None:
    for path, data in FILES.items():
        for place in range(len(data)):
            (pair.path / "one" / path).write_bytes(
                data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
            )
            damaged(pair, "one", f"{path} is not what was saved")
            assert pair.find("one", check=False).problem == "", "this is what check is for"
        (pair.path / "one" / path).write_bytes(data)
    assert pair.names(sound=True) == ["one", "before"]


NOT_WHOLE = "snapshot.json is not whole"
CHANGED = "snapshot.json is not what was saved"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", NOT_WHOLE),
        (b"null", NOT_WHOLE),
        (b"[]", NOT_WHOLE),
        (b"[" * 100_000, NOT_WHOLE),
        (b"[" * 100_000 + b"]" * 100_000, NOT_WHOLE),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, NOT_WHOLE),
        (b"[" * 900 + b"]" * 900, NOT_WHOLE),
        (b'{"version":' + b"9" * 5000 + b"}", NOT_WHOLE),
        (b'{"version":NaN}', NOT_WHOLE),
        (b'{"version":1e999}', NOT_WHOLE),
        (b"\xff\xfe{}", NOT_WHOLE),
        (b'"\xed\xa0\x80"', NOT_WHOLE),
        (b"{}", CHANGED),
        (b'{"version":true}', CHANGED),
        (b'{"sha256":[],"version":1}', CHANGED),
        (b'{"version":"2"}', CHANGED),
        (b" " * (inventory.LONGEST + 1), "snapshot.json is 4194305 bytes long, more than 4194304"),
    ],
    ids=range(17),
)
def test_a_hostile_list(pair: Shelf, text: bytes, problem: str) -> None:
    (pair.path / "one" / "snapshot.json").write_bytes(text)
    damaged(pair, "one", problem)
    pair.delete("one")
    assert pair.names() == ["before"]


def test_the_same_list_spelled_differently_is_not_ours(pair: Shelf) -> None:
    path = pair.path / "one" / "snapshot.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))
    damaged(pair, "one", CHANGED)


SUM = {"sha256": "0" * 64, "bytes": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": None},
        {"time": "yesterday"},
        {"time": 5},
        {"time": "2026-05-04T12:00:00"},
        {"time": "9999-12-31T23:59:59.999999+00:00"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"host": None},
        {"automatic": 1},
        {"scope": "shop"},
        {"scope": [1]},
        {"scope": {}},
        {"left_out": [["x"]]},
        {"workspaces": []},
        {"workspaces": {"shop": 5}},
        {"workspaces": {"shop": {"file": "shop.yaml"}}},
        {"workspaces": {"shop": {"file": "other", "sessions": 1, "windows": 1, "panes": 1}}},
        {"workspaces": {"shop": {"file": "shop.yaml", "sessions": -1, "windows": 1, "panes": 1}}},
        {"workspaces": {"shop": {"file": "shop.yaml", "sessions": True, "windows": 1, "panes": 1}}},
        {"workspaces": {"shop": {"file": [], "sessions": 1, "windows": 1, "panes": 1}}},
        {"files": []},
        {"files": {"shop.yaml": "x"}},
        {"files": {"shop.yaml": {**SUM, "bytes": -1}}},
        {"files": {"shop.yaml": {**SUM, "bytes": 1.0}}},
        {"files": {"shop.yaml": {**SUM, "bytes": inventory.LARGEST + 1}}},
        {"files": {"shop.yaml": {**SUM, "sha256": None}}},
        *({"workspaces": {}, "files": {path: SUM}} for path in ("/etc/passwd", "../before/shop.yaml")),
        *(
            {"workspaces": {}, "files": {path: SUM}}
            for path in ("a/../../x", "", ".", "x\n", "\x1b[2J", "a\0b")
        ),
        {"workspaces": {}, "files": {"snapshot.json": SUM}},
        {"content": []},
    ],
)
def test_a_list_that_proves_nonsense(pair: Shelf, changes: dict[str, Any]) -> None:
    rewritten(pair.find("one"), **changes)
    damaged(pair, "one", "snapshot.json makes no sense")
    assert pair.find("one").files == {}


def test_one_of_a_newer_orchestra(pair: Shelf) -> None:
    rewritten(pair.find("one"), version=2, files={"what": ["ever"]})
    found = pair.find("one")
    assert (found.version, found.newer, found.problem) == (2, True, "was made by a newer orchestra")
    with pytest.raises(OrchestraError) as error:
        pair.read(found)
    assert said(error) == ('snapshot "one" was made by a newer orchestra', "update orchestra")
    assert pair.latest(epoch="now") == pair.find("before")


def test_the_hint_names_one_of_the_same_scope_that_is_sound_and_older(pair: Shelf) -> None:
    for name, usual in {"cut": {}, "shop": {"scope": ("shop",)}, "bad": {}, "young": {}}.items():
        pair.put(name, **usual)
    for name in ("cut", "bad"):
        (pair.path / name / "shop.yaml").unlink()
    with pytest.raises(OrchestraError) as error:
        pair.read(pair.find("bad"))
    assert said(error)[1] == "the one before it is sound: one"
    for name in ("one", "before"):
        pair.delete(name)
    with pytest.raises(OrchestraError) as error:
        pair.read(pair.find("bad"))
    assert said(error)[1] is None


def test_another_one_of_that_name_is_not_read(shelf: Shelf) -> None:
    kept = shelf.put("one")
    shelf.delete("one")
    with pytest.raises(OrchestraError, match=r"^there is no snapshot"):
        shelf.read(kept)
    shelf.put("one", files={})
    with pytest.raises(Conflict, match="is another one by now"):
        shelf.read(kept)


# What else lies there


def test_what_is_no_snapshot_is_passed_over(shelf: Shelf, tmp_path: Path) -> None:
    kept = shelf.put("one")
    (shelf.path / "file").write_text("x")
    (shelf.path / ".hidden").mkdir()
    (shelf.path / "strange name").mkdir()
    (shelf.path / "link").symlink_to("one")
    (shelf.path / "dangling").symlink_to("nowhere")
    (shelf.path / "circle").symlink_to("circle")
    os.mkfifo(shelf.path / "fifo")
    assert shelf.all() == (kept,)
    for name in ("file", "link", "dangling", "circle", "fifo", ".hidden", ".lock"):
        with pytest.raises(OrchestraError, match=r"^there is no snapshot"):
            shelf.delete(name)
    assert len(list(shelf.path.iterdir())) == 9
    assert shelf.put(files={}).name == "20260504-120200"


def instead(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def outside(path: Path) -> Path:
    """The same, elsewhere."""
    there = path.parents[3] / "outside"
    path.rename(there)
    return there


@pytest.mark.parametrize(
    ("path", "change", "problem"),
    [
        ("shop.yaml", lambda path: path.symlink_to(outside(path)), "shop.yaml is no plain file"),
        (
            "shop.yaml",
            lambda path: instead(path, lambda path: path.symlink_to("nowhere")),
            "shop.yaml is no plain file",
        ),
        ("shop.yaml", lambda path: instead(path, Path.mkdir), "shop.yaml is no plain file"),
        ("shop.yaml", lambda path: instead(path, os.mkfifo), "shop.yaml is no plain file"),
        ("shop.yaml", lambda path: path.unlink(), "shop.yaml is missing"),
        (
            "shop.yaml",
            lambda path: os.truncate(path, 1 << 40),
            f"shop.yaml is {1 << 40} bytes long, not {len(SHOP)}",
        ),
        (
            "scrollback",
            lambda path: path.symlink_to(outside(path), target_is_directory=True),
            "scrollback/shop/api.0.gz is no plain file",
        ),
        (
            "scrollback/shop",
            lambda path: outside(path) and path.touch(),
            "scrollback/shop/api.0.gz is no plain file",
        ),
        ("snapshot.json", lambda path: path.symlink_to(outside(path)), "snapshot.json is no plain file"),
        ("snapshot.json", lambda path: instead(path, os.mkfifo), "snapshot.json is no plain file"),
        ("snapshot.json", lambda path: instead(path, Path.mkdir), "snapshot.json is no plain file"),
        ("snapshot.json", lambda path: path.unlink(), "snapshot.json is missing"),
        (
            "snapshot.json",
            lambda path: os.truncate(path, 1 << 40),
            f"snapshot.json is {1 << 40} bytes long, more than {inventory.LONGEST}",
        ),
    ],
)
def test_what_is_not_a_file_of_ours(
    tmp_path: Path, path: str, change: Callable[[Path], object], problem: str
) -> None:
    shelf = Shelf(tmp_path / "a" / "b")
    shelf.put("before", files={"shop.yaml": b"older"})
    change(shelf.put("one").path / path)
    os.utime(shelf.path / "one", (4e9, 4e9))
    damaged(shelf, "one", problem)
    elsewhere = [each for each in tmp_path.rglob("*") if each.name == "outside"]
    shelf.delete("one")
    assert all(each.exists() for each in elsewhere)
    assert shelf.names() == ["before"]


def test_a_file_more_is_no_damage_and_is_not_read(shelf: Shelf) -> None:
    kept = shelf.put()
    (kept.path / ".DS_Store").write_text("x")
    assert shelf.all() == (kept,)
    assert dict(shelf.read(kept)) == FILES


@pytest.mark.parametrize(
    ("forbidden", "problem"),
    [
        ("shop.yaml", "shop.yaml cannot be read: permission denied"),
        ("snapshot.json", "snapshot.json cannot be read: permission denied"),
        ("one", "cannot be read: permission denied"),
    ],
)
def test_what_may_not_be_read(
    pair: Shelf, monkeypatch: pytest.MonkeyPatch, forbidden: str, problem: str
) -> None:
    real, one = os.open, (pair.path / "one").stat().st_ino

    def refuse(path: Any, flags: int, *args: Any, dir_fd: int | None = None) -> int:
        inside = dir_fd is not None and os.fstat(dir_fd).st_ino == one
        if path == pair.path / forbidden or (inside and path == forbidden):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *args, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    damaged(pair, "one", problem)


def test_one_that_goes_while_it_is_looked_at_was_never_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [shelf.put("one"), shelf.put("two")]
    real = folder.read

    def late(top: int, path: str, most: int) -> bytes:
        if (shelf.path / "one").exists() and os.fstat(top).st_ino == kept[0].path.stat().st_ino:
            folder.discard(shelf.path / "one")
        return real(top, path, most)

    monkeypatch.setattr(folder, "read", late)
    assert shelf.all() == (kept[1],)


def test_no_folder_holds_nothing(shelf: Shelf) -> None:
    assert (shelf.all(), shelf.latest(epoch=""), shelf.prune(0, timedelta(0))) == ((), None, ())
    assert not shelf.path.exists()


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(shelf: Shelf) -> None:
    shelf.path.parent.mkdir()
    shelf.path.write_text("x")
    with pytest.raises(OrchestraError, match=r"^cannot read .*: not a directory$"):
        shelf.all()
    with pytest.raises(OrchestraError, match=r"^cannot save a snapshot in .*: file exists$"):
        shelf.put()


# Deleting


def test_delete_follows_nothing(shelf: Shelf, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    kept = shelf.put("one")
    (kept.path / "link").symlink_to(precious)
    (kept.path / "file").symlink_to(precious / "file")
    shelf.put("two")
    shelf.delete("one")
    assert shelf.names() == ["two"]
    assert (precious / "file").read_text() == "x"
    assert shelf.left_over() == []
    with pytest.raises(OrchestraError, match=r'^there is no snapshot "one"'):
        shelf.delete("one")


# Pruning


def kept(name: str, minutes: int, epoch: str = "1", problem: str = "", version: int = 1) -> inventory.Kept:
    return inventory.Kept(
        name=name,
        path=Path(name),
        time=scene.NOW - timedelta(minutes=minutes),
        version=version,
        epoch=epoch,
        problem=problem,
        automatic=True,
    )


@pytest.mark.parametrize(
    ("ours", "keep", "expected"),
    [
        ([], 0, ""),
        ([kept("a", 1)], 0, ""),
        ([kept("a", 100)], 5, ""),  # old, and the last one
        ([kept("a", 1), kept("b", 2), kept("c", 3)], 2, "c"),
        ([kept("a", 1), kept("b", 2), kept("c", 3)], 0, "b c"),
        ([kept("a", 1), kept("b", 2), kept("c", 3)], -1, "b c"),
        ([kept("a", 1), kept("b", 59), kept("c", 61)], 5, "c"),
        ([kept("a", -500), kept("b", 1)], 5, ""),  # from the future
        # Lives: the last of each stays, of three.
        ([kept("a", 1, "4"), kept("b", 2, "3"), kept("c", 3, "3"), kept("d", 4, "2"), kept("e", 5, "1")], 1, "c e"),
        ([kept("a", 1, "2"), kept("b", 100, "1"), kept("c", 101, "1")], 9, "c"),
        # Damaged ones do not count, and go by age.
        ([kept("x", 1, problem="x"), kept("a", 2), kept("b", 3), kept("y", 61, problem="x")], 1, "b y"),
        ([kept("x", 61, problem="x"), kept("y", 62, problem="x")], 0, ""),
        ([kept("a", 1), kept("n", 61, problem="newer", version=2)], 0, ""),
    ],
)  # fmt: skip
def test_what_may_go(ours: list[inventory.Kept], keep: int, expected: str) -> None:
    gone = pruning.doomed(ours, keep=keep, max_age=timedelta(hours=1), now=scene.NOW)
    assert " ".join(gone) == expected


@given(
    given=st.lists(st.tuples(st.integers(-5, 120), st.sampled_from("12345"), st.booleans()), max_size=12),
    keep=st.integers(0, 5),
)
def test_what_may_never_go(given: list[tuple[int, str, bool]], keep: int) -> None:
    ours = sorted(
        (
            kept(f"n{number}", minutes, epoch, "" if sound else "x")
            for number, (minutes, epoch, sound) in enumerate(given)
        ),
        key=lambda each: (each.time, each.name),
        reverse=True,
    )
    gone = pruning.doomed(ours, keep=keep, max_age=timedelta(hours=1), now=scene.NOW)
    stay = [each for each in ours if each.name not in gone]
    sound = [each for each in ours if not each.problem]
    assert [each for each in stay if not each.problem][:1] == sound[:1]
    young = [each for each in sound[:keep] if scene.NOW - each.time <= timedelta(hours=1)]
    assert {each.name for each in young} <= {each.name for each in stay}
    lives = list(dict.fromkeys(each.epoch for each in sound))
    assert lives[:3] == list(dict.fromkeys(each.epoch for each in stay if not each.problem))[:3]
    assert len([each for each in stay if not each.problem]) <= keep + 3
    assert pruning.doomed(stay, keep=keep, max_age=timedelta(hours=1), now=scene.NOW) == ()


def test_only_automatic_ones_of_the_scope_are_pruned(shelf: Shelf) -> None:
    def fill(name: str | None, **given: Any) -> str:
        return shelf.put(name, files={"x": str(shelf.clock.time).encode()}, **given).name

    mine = [fill(None, automatic=True, scope=("blog", "shop")) for _ in range(4)]
    others = [
        fill("by-hand", scope=("blog", "shop")),
        fill(None, automatic=True),
        fill(None, automatic=True, scope=("shop",)),
    ]
    (shelf.path / mine[0] / "x").unlink()
    shelf.clock.time += timedelta(hours=1)
    assert shelf.prune(1, timedelta(hours=1), ("shop", "blog", "shop")) == (mine[2], mine[1], mine[0])
    assert sorted(shelf.names()) == sorted([mine[3], *others])
    assert shelf.left_over() == []


def test_one_without_a_list_is_pruned_as_its_name_says(shelf: Shelf) -> None:
    for name in ("20200101-000000-auto", "20200101-000000-auto-2", "by-hand", "shop-20200101-000000-auto"):
        shelf.put(name)
        (shelf.path / name / "snapshot.json").unlink()
        os.utime(shelf.path / name, (0, 0))
    shelf.put(automatic=True)
    assert sorted(shelf.prune(5, timedelta(days=9))) == ["20200101-000000-auto", "20200101-000000-auto-2"]
    assert shelf.prune(5, timedelta(days=9), ("shop",)) == (), "none of the shop is sound"
    shelf.put(automatic=True, scope=("shop",))
    assert shelf.prune(5, timedelta(days=9), ("shop",)) == ("shop-20200101-000000-auto",)
    assert shelf.names() == ["shop-20260504-120600-auto", "20260504-120500-auto", "by-hand"]
