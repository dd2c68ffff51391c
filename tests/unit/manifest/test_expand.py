from pathlib import Path

import pytest

from tests.unit.manifest import reading


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("sessions: {s: {}}", ["main: s/0"]),
        ("sessions: {s: {panes: [{}, {name: a}, {}]}}", ["main: s/0", "main: s/a", "main: s/2"]),
        (
            "sessions: {s: {windows: [{}, {panes: [{}, {}]}, {name: w}]}}",
            ["0: s/0", "1: s/1", "1: s/2", "w: s/3"],
        ),
    ],
)
def test_the_nameless_are_called_by_their_position(tmp_path: Path, text: str, addresses: list[str]) -> None:
    windows = reading.workspace(tmp_path, text + "\n").sessions[0].windows
    assert [f"{window.name}: {pane.address}" for window in windows for pane in window.panes] == addresses


@pytest.mark.parametrize(
    ("session", "window", "pane", "directory"),
    [
        ("", "", "", "{here}"),
        ("dir: a", "", "", "{here}/a"),
        ("dir: a", "dir: ../b", "dir: ./c/", "{here}/b/c"),
        ("dir: a", "", "dir: /x//y", "/x/y"),
        ("dir: '~'", "dir: w", "", "/home/u/w"),
        ("dir: '~/a'", "", "", "/home/u/a"),
        ("dir: ./~", "", "", "{here}/~"),
    ],
)
def test_directories_are_relative_to_the_outer_one(
    tmp_path: Path, session: str, window: str, pane: str, directory: str
) -> None:
    text = f"sessions: {{s: {{{session and session + ', '}windows: [{{{window and window + ', '}panes: [{{{pane}}}]}}]}}}}\n"
    [found] = reading.workspace(tmp_path, text, environ={"HOME": "/home/u"}).panes
    assert found.dir == directory.format(here=tmp_path)


@pytest.mark.parametrize(
    ("text", "environ", "complaint"),
    [
        ("dir: ~other/x", {"HOME": "/h"}, "`~other` is not understood: only `~`, one's own home, is"),
        ("dir: '~'", {}, "`~` means nothing here: HOME is not set"),
        ("env_file: ['~x']", {"HOME": "/h"}, "`~x` is not understood: only `~`, one's own home, is"),
    ],
)
def test_homes_that_are_not_known_are_told(
    tmp_path: Path, text: str, environ: dict[str, str], complaint: str
) -> None:
    assert reading.about_pane(tmp_path, text, environ=environ)[0] == complaint


def test_numbers_are_taken_as_they_are_written_where_text_is_meant(tmp_path: Path) -> None:
    pane = reading.pane(
        tmp_path,
        "env: {A: 1.10, B: 0x1F, C: True, D: '', E: 22:30}, labels: {v: 1.0}, command: [sleep, 1.50, true, '']",
    )
    assert pane.env == {"A": "1.10", "B": "0x1F", "C": "True", "D": "", "E": "22:30"}
    assert (pane.labels, pane.command) == ({"v": "1.0"}, ("sleep", "1.50", "true", ""))
