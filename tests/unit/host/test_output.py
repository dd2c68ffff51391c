"""Recordings: what is read is what was written, in order, whatever comes and goes meanwhile."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.host import output, recordings
from orchestra.tmux import recording


def test_both_sides_mean_the_same_files() -> None:
    assert (output.SEGMENT, 26**recording.SUFFIX) == (recording.SEGMENT, 676)
    assert f"-b {output.SEGMENT} -a 2" in recording.opening("/x")
    assert output.RING < output.NEARLY < 676


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("/plain", "/plain/#{pid}"),
        ("/it's", """'/it'"'"'s'/#{pid}"""),
        ("/#{x} #(y)", "'/##{x} ##(y)'/#{pid}"),
        ("/100%d", "/100%%d/#{pid}"),
    ],
)
def test_a_directory_is_a_directory(base: str, said: str) -> None:
    assert said in recording.opening(base)


def write(folder: Path, pid: int, number: int, data: bytes) -> None:
    (folder / str(output.Segment(1, pid, number))).write_bytes(data)


def read(reading: output.Reading) -> tuple[bytes, list[int | None]]:
    pieces = list(reading.pieces())
    return b"".join(each.data for each in pieces), [each.lost for each in pieces if each.lost != 0]


@hypothesis.given(strategies.lists(strategies.integers(1, 3), max_size=6), strategies.integers(1, 700_000))
@hypothesis.settings(max_examples=30, deadline=None)
def test_all_of_it_in_order(sizes: list[int], last: int) -> None:
    """`split` fills a file before it begins the next; each recording's last one ends anywhere."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder, whole = Path(name), b""
        reading = output.Reading(folder)
        assert reading.read() is None
        for pid, size in enumerate(sizes, start=1):
            for number in range(size):
                full = number < size - 1
                data = bytes([pid * 16 + number]) * (output.SEGMENT if full else last % output.SEGMENT + 1)
                write(folder, pid, number, data)
                whole += data
        found, lost = read(reading)
        assert (found, lost) == (whole, [])
        assert reading.read() is None
        reading.close()


def test_what_grows_is_read_on_and_positions_stay_true(tmp_path: Path) -> None:
    write(tmp_path, 1, 0, b"one")
    reading = output.Reading(tmp_path)
    first = reading.read()
    assert first is not None
    assert (first.data, str(first.end)) == (b"one", "1-1-aa:3")
    assert reading.read() is None
    with (tmp_path / "1-1-aa").open("ab") as file:
        file.write(b"two")
    assert [piece.data for piece in reading.pieces()] == [b"two"]
    reading.close()
    assert read(output.Reading(tmp_path, output.Position.parse("1-1-aa:3")))[0] == b"two"
    assert output.end(tmp_path) == output.Position.parse("1-1-aa:6")


def test_what_grows_faster_than_it_is_read_has_an_end(tmp_path: Path) -> None:
    write(tmp_path, 1, 0, b"x" * output.CHUNK)
    reading = output.Reading(tmp_path)
    for number, piece in enumerate(reading.pieces(), start=1):
        write(tmp_path, 1, number, piece.data)
    assert number == 1
    assert len(next(reading.pieces()).data) == output.CHUNK
    reading.close()


def test_what_went_before_it_was_read_is_counted(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path, 1, number, b"x" * output.SEGMENT)
    reading = output.Reading(tmp_path)
    assert reading.read(100) is not None
    assert output.trim(tmp_path) == 40
    assert len(output.segments(tmp_path)) == output.RING
    data, lost = read(reading)
    assert lost == [7 * output.SEGMENT]
    assert len(data) == (1 + output.RING) * output.SEGMENT - 100
    reading.close()
    _, lost = read(output.Reading(tmp_path, output.Position.parse("1-1-aa:10")))
    assert lost == [8 * output.SEGMENT - 10]


def test_names_that_are_no_recording_are_left_alone(tmp_path: Path) -> None:
    for name in ("pane", "times", "1-1-aaa", "x-1-aa", "1-1-AA", ".1-1-aa"):
        (tmp_path / name).write_text("mine")
    assert output.trim(tmp_path, ring=0) == 0
    assert output.segments(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("text", ["", "1-1-aa", "1-1-aa:", "1-1-aa:-1", "a:1", "1-1-aa:1:2", "1-1-a1:1"])
def test_what_is_no_position(text: str) -> None:
    assert output.Position.parse(text) is None


def test_times_are_kept_short(tmp_path: Path) -> None:
    path = tmp_path / recordings.TIMES
    for number in range(12_000):
        recordings.note(path, 1_700_000_000 + number, output.Position(output.Segment(1, 2, 3), number))
    assert path.stat().st_size <= recordings.MOST + 100
    found = recordings.times(tmp_path)
    assert found[-1] == (1_700_011_999, output.Position(output.Segment(1, 2, 3), 11_999))
    assert [time for time, _ in found] == sorted(time for time, _ in found)
