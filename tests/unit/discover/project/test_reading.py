"""What other people's documents may cost, and that nothing is followed out of the directory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.discover.project import folder, reading, saying


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("python3 -m http.server 8765", 8765),
        ("python3 -m http.server --bind 127.0.0.1 8765", 8765),
        ("next dev -p 4000", 4000),
        ("vite --port=4001 --host", 4001),
        ("PORT=3001 react-scripts start", 3001),
        ("gunicorn app:app -b 0.0.0.0:9000", 9000),
        ("python manage.py runserver 0.0.0.0:8001", 8001),
        ("php -S localhost:8080 -t public", 8080),
        ("mkdir -p 2024 && true", None),
        ("serve --port 99999", None),
        ("sleep 1000", None),
        ("node --inspect=9229 a.js", None),
    ],
)
def test_a_port_that_a_command_says(command: str, port: int | None) -> None:
    assert saying.port(command) == port


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("80", 80),
        (8000, 8000),
        ("0", None),
        (65536, None),
        (True, None),
        ("٣", None),
        (-1, None),
        (10**4000, None),
        ([], None),
    ],
)
def test_only_ports_are_ports(value: object, port: int | None) -> None:
    assert reading.port(value) == port


def test_merging_works_as_yaml_says() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {x: 3}\nc: {<<: [*a, *b], y: 4}\nd: {<<: *b}\n"
    assert reading.yaml_value(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 3},
        "c": {"x": 1, "y": 4},
        "d": {"x": 3},
    }


@hypothesis.given(strategies.text("abc:-{}[]*&<!, \n'\"|>#", max_size=60))
def test_no_text_is_more_than_a_refusal(text: str) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        reading.yaml_value(text)


def test_a_file_is_read_only_where_it_lies(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "link").symlink_to(outside)
    (root / "around").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    (root / "a/file").write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    seen = folder.listed(root)
    assert seen.files == {"a/file"}
    assert seen.folders == {"a"}
    assert seen.text("a/file") == "one\ntwo\n"
    assert [seen.text(path) for path in ("link", "around/outside", "pipe", "../outside")] == [None] * 4
    assert not seen.has_folder("around")
    (root / "a/file").unlink()
    (root / "a/file").symlink_to(outside)
    again = folder.Folder(root=root, files=frozenset({"a/file", "pipe"}), folders=frozenset(), cut=False)
    assert again.text("a/file") is None
    assert again.text("pipe") is None
    assert set(again.unread) == {"a/file", "pipe"}
