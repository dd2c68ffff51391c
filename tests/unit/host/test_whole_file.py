from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from orchestra.host import whole_file


@pytest.mark.parametrize(("over", "mode", "found"), [(True, None, 0o640), (True, 0o600, 0o600)])
def test_over_what_is_there(tmp_path: Path, over: bool, mode: int | None, found: int) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o640)
    whole_file.write(path, b"new", over=over, mode=mode)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", found)
    assert list(tmp_path.iterdir()) == [path]


def test_never_over_what_is_there_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole_file.write(path, b"one", over=False)
    with pytest.raises(FileExistsError):
        whole_file.write(path, b"two", over=False)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        whole_file.write(path, b"new", over=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
