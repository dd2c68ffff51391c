import io
import os
from pathlib import Path

import pytest

from orchestra.manifest import limits, read
from orchestra.manifest.problem import Problems
from orchestra.model.diagnostic import Location
from orchestra.model.errors import ManifestError


def told(file: str, most: int = limits.FILE_BYTES) -> str:
    problems = Problems()
    assert read.text(file, problems, named_at=Location(file="by", line=1, column=1), most=most) is None
    with pytest.raises(ManifestError) as failed:
        problems.raise_all()
    [one] = failed.value.diagnostics
    return f"{one.location} {one.summary}"


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"a: 1\n", "a: 1\n"), (b"\xef\xbb\xbfa: \xc3\xa4\r\n\t", "a: ä\r\n\t"), (b"", "")],
)
def test_text_is_read(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "m").write_bytes(content)
    assert read.text(str(tmp_path / "m"), Problems()) == text


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a\nb: \xff", "m:2:4 this is not UTF-8 text"),
        (b"a\n\n  \x00", "m:3:3 a NUL byte is not allowed here"),
        (b"a: \x1b[31m", "m:1:4 the control character '\\x1b' is not allowed here"),
        ("a: \x9b31m".encode(), "m:1:4 the control character '\\x9b' is not allowed here"),
        ("a: \ufeff".encode(), "m:1:4 the control character '\\ufeff' is not allowed here"),
        ("ä: \x7f".encode(), "m:1:4 the control character '\\x7f' is not allowed here"),
    ],
)
def test_what_is_no_text_is_told_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m").write_bytes(content)
    assert told("m") == complaint


def test_a_file_may_be_so_large_and_no_larger(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"x" * 10)
    assert read.text(str(tmp_path / "m"), Problems(), most=10) == "x" * 10
    assert "is larger than" in told(str(tmp_path / "m"), most=9)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/tty", "/dev/null"])
def test_devices_are_not_read(device: str) -> None:
    assert told(device).startswith("by:1:1 cannot read ")


def test_what_is_no_file_is_told_where_it_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert told(str(tmp_path / "fifo")) == f"by:1:1 cannot read {tmp_path}/fifo: it is not a regular file"
    assert told(str(tmp_path)) == f"by:1:1 {tmp_path} is a directory, not a file"
    assert told(str(tmp_path / "none")) == f"by:1:1 there is no file {tmp_path}/none"
    assert "cannot read" in told("a\0b")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a: 1")))
    assert read.text("-", Problems()) == "a: 1"
