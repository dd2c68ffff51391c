from pathlib import Path

import pytest

from tests.unit.manifest import reading

TEXT = """\
variables: {port: {type: integer, default: 8000}}
environments:
  prod:
    variables: {port: 80, zone: eu}
    description: "{{ zone }}"
    env: {LOG: warning}
    sessions:
      api: {env: {A: prod}, panes: [{name: server, send_keys: [x], health: {http: 'http://h/'}}, {name: extra}]}
      new: {}
  full: {variables: {port: {default: 81}}, sessions: {api: {panes: [{command: other}]}}}
env: {LOG: info, KEPT: x}
sessions:
  api:
    env: {A: base, B: "{{ port }}"}
    panes:
      - {name: server, command: run, title: T, health: {tcp: "h:1", interval: 5s}}
      - {name: shell}
"""


def test_maps_merge_and_lists_of_named_things_merge_by_name(tmp_path: Path) -> None:
    workspace = reading.workspace(tmp_path, TEXT, environment="prod")
    server = workspace.panes[0]
    assert [pane.address for pane in workspace.panes] == ["api/server", "api/shell", "api/extra", "new/0"]
    assert server.env == {"LOG": "warning", "KEPT": "x", "A": "prod", "B": "80"}
    assert (server.command, server.send_keys, server.title) == (None, ("x",), "T")
    assert server.health is not None
    assert (type(server.health.probe).__name__, server.health.interval.total_seconds()) == ("HttpProbe", 5)
    assert workspace.description == "eu"


def test_lists_with_a_nameless_item_are_replaced(tmp_path: Path) -> None:
    workspace = reading.workspace(tmp_path, TEXT, environment="full")
    assert [(pane.address, pane.command) for pane in workspace.panes] == [("api/0", "other")]
    assert workspace.panes[0].env["B"] == "81"


def test_without_an_environment_nothing_changes(tmp_path: Path) -> None:
    assert [pane.address for pane in reading.workspace(tmp_path, TEXT).panes] == ["api/server", "api/shell"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (TEXT, "did you mean `prod`?"),
        ("environments: {a: {}, b: {}}", "the manifest has `a`, `b`"),
        ("", "the manifest has no `environments`"),
    ],
)
def test_an_unknown_environment_is_told_with_those_there_are(tmp_path: Path, text: str, hint: str) -> None:
    [one] = reading.diagnostics(tmp_path, text, environment="prd")
    assert (one.summary, one.hint) == ("there is no environment `prd`", hint)


def test_environments_that_are_not_chosen_are_checked(tmp_path: Path) -> None:
    text = "environments: {prod: {version: 1, sessions: {api: {panes: [{helth: 1, focus: '{{ x }}', size: 1.5}]}}}}\n"
    assert reading.complaints(tmp_path, text) == [
        "1:23 unknown key `version` in an environment",
        "1:61 unknown key `helth` in a pane",
        "1:95 expected cells (`20`) or a percentage from `1%` to `99%`, found `1.5`",
    ]


def test_windows_merge_by_name_whichever_way_they_are_written(tmp_path: Path) -> None:
    text = """\
environments: {e: {sessions: {s: {windows: [{name: main, layout: tiled, panes: [{name: b}]}]}}}}
sessions: {s: {panes: [{name: a}]}}
"""
    [window] = reading.workspace(tmp_path, text, environment="e").sessions[0].windows
    assert (window.layout, [pane.name for pane in window.panes]) == ("tiled", ["a", "b"])
