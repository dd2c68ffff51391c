from pathlib import Path

import pytest

from tests.unit.manifest import reading


def test_inner_defaults_win_and_the_thing_itself_wins_over_all(tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    settings.write_text("shell: /user\ndefaults: {pane: {title: user, labels: {user: x, all: user}}}\n")
    text = """\
defaults: {pane: {title: workspace, labels: {workspace: x, all: workspace}, command: run}, window: {layout: tiled}, session: {env: {S: s}}}
sessions:
  s:
    defaults: {pane: {title: session, labels: {session: x, all: session}}, window: {env: {W: w}}}
    windows:
      - defaults: {pane: {title: window, labels: {window: x, all: window}}}
        panes: [{}, {title: pane, labels: {pane: x, all: pane}, send_keys: [x]}]
      - layout: even-vertical
"""
    [session] = reading.workspace(tmp_path, text, user_settings=settings).sessions
    first, second, third = session.panes
    labels = {"user": "x", "workspace": "x", "session": "x", "window": "x"}
    assert (first.title, first.labels, first.command) == ("window", {**labels, "all": "window"}, "run")
    assert (second.title, second.labels) == ("pane", {**labels, "pane": "x", "all": "pane"})
    assert (second.command, second.send_keys) == (None, ("x",))
    assert (third.title, third.command, third.shell, third.env) == (
        "session",
        "run",
        "/user",
        {"S": "s", "W": "w"},
    )
    assert [window.layout for window in session.windows] == ["tiled", "even-vertical"]


def test_health_and_stop_defaults_are_completed_by_the_pane(tmp_path: Path) -> None:
    text = """\
defaults: {pane: {health: {http: "http://h/", interval: 1s}, stop: {signal: INT, timeout: 1s}}}
sessions: {s: {panes: [{}, {health: {tcp: "h:1"}, stop: {keys: [C-c]}}]}}
"""
    first, second = reading.workspace(tmp_path, text).panes
    assert first.health is not None
    assert second.health is not None
    assert [type(pane.health.probe).__name__ for pane in (first, second) if pane.health] == [
        "HttpProbe",
        "TcpProbe",
    ]
    assert second.health.interval == first.health.interval
    assert (second.stop.keys, second.stop.signal, second.stop.timeout) == (("C-c",), None, first.stop.timeout)


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("defaults: {pane: {name: x}}", ["1:19 `name` cannot be a default here"]),
        (
            "defaults: {pane: {replicas: 2, focus: true}}",
            ["1:19 `replicas` cannot be a default here", "1:32 `focus` cannot be a default here"],
        ),
        (
            "defaults: {session: {windows: []}}",
            ["1:22 `windows` cannot be a default here", "1:31 this must not be empty"],
        ),
        (
            "defaults: {pane: {limits: {memry: 1M}}}",
            ["1:28 unknown key `memry` in the limits"],
        ),
        ("defaults: {panes: {}}", ["1:12 unknown key `panes` in `defaults`"]),
        ("sessions: {s: {defaults: {session: {}}}}", ["1:27 `session` cannot be a default here"]),
        (
            "sessions: {s: {windows: [{defaults: {window: {}, pane: {x: 1}}}]}}",
            ["1:38 `window` cannot be a default here", "1:57 unknown key `x` in a pane"],
        ),
        (
            "defaults: {pane: {title: 1}}\nsessions: {s: {}, t: {}}",
            ["1:26 expected one line of printable text, found `1`"],
        ),
    ],
)
def test_defaults_are_checked_and_told_once(tmp_path: Path, text: str, complaints: list[str]) -> None:
    assert reading.complaints(tmp_path, text + "\n") == complaints


def test_the_user_s_settings_are_checked_at_their_own_place(tmp_path: Path) -> None:
    settings = tmp_path / "settings"
    settings.write_text("sessions: {}\ndefaults: {pane: {titel: x}}\nvariables: {a: [1]}\n")
    found = reading.diagnostics(tmp_path, "sessions: {s: {}}\n", user_settings=settings)
    assert [(str(one.location), one.summary, one.hint) for one in found] == [
        (
            f"{settings}:1:1",
            "unknown key `sessions` in the settings",
            "there are `shell`, `variables`, `defaults`, `restore`, `metrics`",
        ),
        (f"{settings}:2:19", "unknown key `titel` in a pane", "did you mean `title`?"),
        (f"{settings}:3:16", "expected text or a number or `true` or `false`, found a list", None),
    ]


def test_settings_need_not_exist(tmp_path: Path) -> None:
    assert reading.complaints(tmp_path, "", user_settings=tmp_path / "none") == []
