"""Tables: what the manifest says, what is live, and what is woven into the manifest's text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestra.manifest import load
from orchestra.model import spec
from orchestra.snapshot import difference

HOME = "/home/user"
EXACT = "406c,160x50,0,0[160x25,0,0,0,160x24,0,26,1]"


def loaded(sessions: str) -> spec.Workspace:
    text = f"version: 1\nworkspace: w\nsessions: {sessions}\n"
    return load.load(Path("/x/w.yaml"), load.Inputs(environ={"HOME": HOME}), text).workspace


def found(live: spec.Workspace, declared: spec.Workspace) -> Any:
    return difference.difference(live, declared, HOME)["sessions"]


DECLARED = "{s: {windows: [{name: a, panes: [{name: x}, {name: y, command: sleep 1}]}, {name: b, panes: [{name: z}]}]}}"


@pytest.mark.parametrize(
    ("live", "expected", "arrangement"),
    [
        (DECLARED, "{}", True),
        ("{s: {windows: [{name: a, panes: [{name: x}]}]}}", "{}", True),  # what is gone comes back
        (
            "{s: {windows: [{name: a, panes: [{name: x, was: [vim, q]}, {name: y, command: sleep 1}]}]}}",
            "{s: {windows: [{name: a, panes: [{name: x, was: [vim, q]}]}]}}",
            True,
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}, {name: y, command: sleep 2}]}]}}",
            "{s: {windows: [{name: a, panes: [{name: y, command: sleep 2}]}]}}",
            False,
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x, env: {A: b}}, {name: y, command: sleep 1}]}]}}",
            "{s: {windows: [{name: a, panes: [{name: x, env: {A: b}}]}]}}",
            False,
        ),
        (
            f"{{s: {{windows: [{{name: a, layout: '{EXACT}', zoomed: true, panes: [{{name: x}}, {{name: y, command: sleep 1}}]}}]}}}}",
            f"{{s: {{windows: [{{name: a, panes: [], layout: '{EXACT}', zoomed: true}}]}}}}",
            True,
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}, {name: y, command: sleep 1, focus: true}]}]}}",
            "{s: {windows: [{name: a, panes: [{name: x, focus: null}, {name: y, focus: true}]}]}}",
            True,
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}]}, {name: b, focus: true, panes: [{name: z}]}]}}",
            "{s: {windows: [{name: a, panes: [], focus: null}, {name: b, panes: [], focus: true}]}}",
            True,
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}, {name: y, command: sleep 1}, {name: '3', was: top, dir: /usr}]}]}}",
            "{s: {windows: [{name: a, panes: [{name: '3', was: top, dir: /usr}]}]}}",
            True,
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}]}, {name: c, focus: true, panes: [{name: n, dir: ~/q}]}]}}",
            "{s: {windows: [{name: a, panes: [], focus: null},"
            " {name: c, focus: true, panes: [{name: n, dir: ~/q}]}]}}",
            True,
        ),
        (
            "{s: {windows: [{name: b, panes: [{name: z}, {name: x}]}]}}",  # carried into another window
            "{s: {windows: [{name: b, focus: true, panes: [{name: x}]}]}}",
            True,
        ),
        ("{s: {labels: {a: b}, windows: [{name: a, panes: [{name: x}]}]}}", None, False),
        (
            "{t: {windows: [{name: m, panes: [{name: x, dir: /usr}]}]}}",
            "{t: {windows: [{name: m, panes: [{name: x, dir: /usr}]}]}}",
            True,
        ),
    ],
)
def test_only_what_differs(live: str, expected: str | None, arrangement: bool) -> None:
    declared = loaded(DECLARED)
    made = difference.difference(loaded(live), declared, HOME)
    if expected is not None:
        assert made["sessions"] == yaml.safe_load(expected)
    assert difference.is_arrangement(made, declared) is arrangement


def test_braces_mean_themselves() -> None:
    live = loaded("{s: {windows: [{name: a, panes: [{name: x, was: \"{{ '{{' }} x }}\"}]}]}}")
    assert live.panes[0].was == "{{ x }}"
    (window,) = found(live, loaded("{s: {windows: [{name: a, panes: [{name: x}]}]}}"))["s"]["windows"]
    assert window["panes"][0]["was"] == "{{ '{{' }} x }}"


def _seen(sessions: str, **first: Any) -> spec.Workspace:
    """Live, and nobody's: panes called by their numbers."""
    made = loaded(sessions)
    (session,) = made.sessions
    (window, *rest) = session.windows
    (pane, *others) = window.panes
    panes = (dataclasses.replace(pane, **first), *others)
    windows = (dataclasses.replace(window, panes=panes), *rest)
    return dataclasses.replace(made, sessions=(dataclasses.replace(session, windows=windows),))


@pytest.mark.parametrize(
    ("declared", "live", "first", "expected"),
    [
        (
            "{s: {windows: [{name: a, panes: [{name: x}]}]}}",
            "{s: {windows: [{name: a, panes: [{}]}]}}",
            {},
            "{}",
        ),
        (  # what runs is what is declared, however it was started
            "{s: {windows: [{name: a, panes: [{name: x, command: 'sleep  1'}]}]}}",
            "{s: {windows: [{name: a, panes: [{}]}]}}",
            {"was": ("sleep", "1")},
            "{}",
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x, command: sleep 1}]}]}}",
            "{s: {windows: [{name: a, panes: [{}]}]}}",
            {"was": ("/bin/sh", "-c", "sleep 1")},
            "{}",
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x, command: sleep 1}]}]}}",
            "{s: {windows: [{name: a, panes: [{}]}]}}",
            {"was": ("sleep", "2")},
            "{s: {windows: [{name: a, panes: [{name: x, command: [sleep, '2']}]}]}}",
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}]}]}}",
            "{s: {windows: [{name: a, panes: [{}]}]}}",
            {"was": ("vim",)},
            "{s: {windows: [{name: a, panes: [{name: x, was: [vim]}]}]}}",
        ),
        (  # nobody sees what a pane waits for
            "{s: {windows: [{name: a, panes: [{name: x, command: sleep 1, health: {tcp: 'a:1'}, stop: {signal: INT}}]}]}}",
            "{s: {windows: [{name: a, panes: [{}]}]}}",
            {"was": ("sleep", "1")},
            "{}",
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}]}]}}",
            "{s: {windows: [{name: a, panes: [{}, {}]}]}}",
            {},
            "{s: {windows: [{name: a, panes: [{name: '1', dir: /x}]}]}}",
        ),
        (  # what a freeze wrote agrees with what it was written of
            "{s: {windows: [{name: a, options: {automatic-rename: 'on'}, panes: [{name: x}]}]}}",
            "{s: {windows: [{name: a, options: {automatic-rename: 'on'}, panes: [{}]}]}}",
            {},
            "{}",
        ),
        (
            "{s: {windows: [{name: a, panes: [{name: x}]}]}}",
            "{s: {windows: [{name: a, options: {automatic-rename: 'on'}, panes: [{}]}]}}",
            {},
            "{}",
        ),
    ],
)
def test_a_session_that_is_nobodys_beside_a_declared_one(
    declared: str, live: str, first: dict[str, Any], expected: str
) -> None:
    wanted = loaded(declared)
    assert found(difference.paired(_seen(live, **first), wanted), wanted) == yaml.safe_load(expected)


def test_a_session_is_known_by_the_name_that_tmux_shows() -> None:
    wanted = loaded("{mine: {title: a b, windows: [{name: w, title: 'c:d', panes: [{name: x}]}]}}")
    live = loaded("{a-b: {title: a b, windows: [{name: c-d, title: 'c:d', panes: [{}]}]}}")
    assert found(difference.paired(live, wanted), wanted) == {}
