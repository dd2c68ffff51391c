from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from orchestra.model import errors
from orchestra.store import samples
from tests.unit.cli import figured


def kept(path: Path, keep: timedelta = timedelta(days=1)) -> samples.Samples:
    return samples.Samples(path / "samples.sqlite", keep)


def test_what_was_added_is_read_in_order_and_by_the_next_one_too(tmp_path: Path) -> None:
    store = kept(tmp_path)
    for time in (60.0, 120.0, 180.0):
        store.add(
            time,
            [figured.row("a/b", rss=int(time)), figured.row("a/c"), figured.row("a/d", condition="failed")],
        )
    store.add(120.0, [figured.row("a/b", rss=121)])
    found = kept(tmp_path).read("a/b", 100.0)
    assert [(time, usage.rss) for time, usage in found] == [(120.0, 121), (180.0, 180)]
    assert found[0][1].cpu_percent is None
    assert store.read("a/d", 0.0) == []
    assert store.read("nobody", 0.0) == []


def test_what_is_old_goes(tmp_path: Path) -> None:
    store = kept(tmp_path, timedelta(hours=2))
    store.add(0.0, [figured.row("old/one"), figured.row("a/b")])
    store.add(2 * 3600.0 + 1, [figured.row("a/b")])
    assert [time for time, _ in store.read("a/b", 0.0)] == [7201.0]
    assert store.read("old/one", 0.0) == []


def test_broken_file_is_put_aside_and_told_once(tmp_path: Path) -> None:
    path = tmp_path / "samples.sqlite"
    path.write_bytes(b"no database at all, but long enough to look like one" * 100)
    store = kept(tmp_path)
    with pytest.raises(errors.OrchestraError, match="was broken"):
        store.add(60.0, [figured.row("a/b")])
    store.add(120.0, [figured.row("a/b")])
    assert [time for time, _ in store.read("a/b", 0.0)] == [120.0]
    assert path.with_name("samples.sqlite.broken").is_file()


def test_place_that_cannot_be_written_is_no_broken_file(tmp_path: Path) -> None:
    (tmp_path / "samples.sqlite").mkdir()
    with pytest.raises(errors.OrchestraError, match="cannot be kept"):
        kept(tmp_path).add(60.0, [figured.row("a/b")])
