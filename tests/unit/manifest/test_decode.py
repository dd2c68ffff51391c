from pathlib import Path

import pytest

from orchestra.model import spec
from tests.unit.manifest import reading


def test_a_pane_with_nothing_said_has_every_default(tmp_path: Path) -> None:
    assert reading.pane(tmp_path, "") == spec.Pane(address="s/0", dir=str(tmp_path))


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("sessions: {s: {panes: [{name: a}, {name: a}]}}", ["1:42 two panes of one session are called `a`"]),
        ("sessions: {s: {panes: [{name: '1'}, {}]}}", ["1:37 two panes of one session are called `1`"]),
        ("sessions: {s: {windows: [{name: '1'}, {}]}}", ["1:39 two windows of one session are called `1`"]),
        (
            "sessions: {s: {windows: [{panes: [{name: a}]}, {panes: [{name: a}]}]}}",
            ["1:64 two panes of one session are called `a`"],
        ),
        (
            "sessions: {s: {windows: [{focus: true}, {focus: true}]}}",
            ["1:49 only one window of a session can have the focus"],
        ),
        (
            "sessions: {s: {panes: [{focus: true}, {focus: false}, {focus: true}]}}",
            ["1:63 only one pane of a window can have the focus"],
        ),
        ("sessions: {s: {windows: [{panes: [{focus: true}]}, {panes: [{focus: true}]}]}}", []),
        ("sessions: {s: {windows: [], panes: []}}", 3),
        ("sessions: {a.b: {}, '': {}, 'a/b': {}}", 3),
        ("sessions: {s: {panes: [{name: a.b}]}}", 1),
        (
            "sessions: {s: {panes: [{name: 5}]}}",
            ["1:31 expected a name of letters, digits, `-` and `_`, at most 64, found `5`"],
        ),
        ("sessions: {s: }", ["1:15 expected a map, found nothing"]),
        ("sessions: {s: {panes: []}}", ["1:23 this must not be empty"]),
        ("sessions: {s: {command: x}}", ["1:16 unknown key `command` in a session"]),
        ("sessions: {s: {layout: tiled}}", ["1:16 unknown key `layout` in a session"]),
        ("restart: x\ntriggers: []\nschedules: []\nsnapshots: {}\ngc: {idles: 0s}", 3),
        ("sessions: {s: {panes: [{restart: a, limits: b, watch: c}]}}", 3),
    ],
)
def test_what_a_session_cannot_be_is_told(tmp_path: Path, text: str, complaints: list[str] | int) -> None:
    found = reading.complaints(tmp_path, text + "\n")
    assert (len(found) if isinstance(complaints, int) else found) == complaints


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("command: ''", ["this must not be empty"]),
        ("command: []", ["this must not be empty"]),
        ("command: ['']", ["this must not be empty"]),
        ("command: [1]", ["expected text, found `1`"]),
        ("command: 5", ["expected a command line or a list of words, found `5`"]),
        ("command: [a, [b]]", ["expected text or a number or `true` or `false`, found a list"]),
        ("command: a, send_keys: [b]", ["`command` and `send_keys` exclude each other"]),
        ('command: "a\\0b"', ["a text cannot hold a NUL character"]),
        ("send_keys: ls", ["expected a list, found `ls`"]),
        ("send_keys: []", ["this must not be empty"]),
        ('title: "a\\eb"', ["expected one line of printable text, found `a\\x1bb`"]),
        ('labels: {a: "b\\nc"}', ["expected one line of printable text, found `b\\nc`"]),
        ("dir: ''", ["this must not be empty"]),
        ("focus: yes", ["expected `true` or `false`, found `yes`"]),
        ("replicas: 1001", ["expected a whole number from 0 to 1000, found `1001`"]),
        ("helth: {}", ["unknown key `helth` in a pane"]),
        ("limits: {memory: 1X}", ["expected a size: `512K`, `512M` or `2G`, found `1X`"]),
        ("watch: {}", ["`paths` is missing"]),
    ],
)
def test_what_a_pane_cannot_be_is_told(tmp_path: Path, text: str, complaints: list[str]) -> None:
    assert reading.about_pane(tmp_path, text) == complaints


@pytest.mark.parametrize(
    ("windows", "selected"),
    [
        ("[{}, {}]", []),
        ("[{}, {focus: true}]", ["1"]),
        ("[{}, {panes: [{}, {focus: true}]}]", ["1"]),
        ("[{focus: true}, {panes: [{focus: true}]}]", ["0"]),
        ("[{panes: [{focus: true}]}, {panes: [{focus: true}]}]", ["0"]),
    ],
)
def test_the_window_in_focus_says_so_or_has_the_pane_that_does(
    tmp_path: Path, windows: str, selected: list[str]
) -> None:
    session = reading.workspace(tmp_path, f"sessions: {{s: {{windows: {windows}}}}}\n").sessions[0]
    assert [window.name for window in session.windows if window.focus] == selected


def test_panes_are_bounded(tmp_path: Path) -> None:
    text = "sessions: {a: {panes: [{replicas: 600}]}, b: {panes: [{replicas: 401}]}}\n"
    assert reading.complaints(tmp_path, text) == [
        "-1:1 the workspace has 1001 panes: more than 1000 are not supported"
    ]
