from pathlib import Path
from typing import Any

import pytest

from orchestra.manifest import evaluate, load, schemas
from orchestra.model import spec
from tests.unit.manifest import reading


def names(folder: Path, panes: str, **inputs: object) -> list[str]:
    found = reading.workspace(
        folder, f"variables: {{n: 2}}\nsessions: {{s: {{panes: {panes}}}, t: {{}}}}\n", **inputs
    )
    return [pane.address for pane in found.panes]


@pytest.mark.parametrize(
    ("panes", "addresses"),
    [
        ("[{name: w, replicas: 2}]", ["s/w-0", "s/w-1"]),
        ("[{name: w, replicas: 1}]", ["s/w-0"]),
        ("[{name: w, replicas: 0}, {name: x}]", ["s/x"]),
        ("[{name: w, replicas: 0}]", []),
        ("[{replicas: 2}, {}]", ["s/0", "s/1", "s/2"]),
        ("[{name: w, replicas: '{{ n }}'}]", ["s/w-0", "s/w-1"]),
        ("[{name: w, replicas: '{{ n + 1 }}'}]", ["s/w-0", "s/w-1", "s/w-2"]),
        ("[{name: 'w{{ replica }}', replicas: 2}]", ["s/w0", "s/w1"]),
        ("[{name: '{{ n }}', replicas: 2}]", ["s/2-0", "s/2-1"]),
    ],
)
def test_replicas_become_panes(tmp_path: Path, panes: str, addresses: list[str]) -> None:
    assert names(tmp_path, panes) == [*addresses, "t/0"]


def test_each_replica_knows_its_number(tmp_path: Path) -> None:
    text = "defaults: {pane: {env: {SHARD: '{{ replica }}'}}}\nsessions: {s: {panes: [{replicas: 2, command: 'run {{ replica * 10 }}'}]}}\n"
    panes = reading.workspace(tmp_path, text).panes
    assert [(pane.command, pane.env) for pane in panes] == [
        ("run 0", {"SHARD": "0"}),
        ("run 10", {"SHARD": "1"}),
    ]


def test_a_session_scaled_away_may_still_be_spoken_of(tmp_path: Path) -> None:
    text = (
        "sessions: {s: {panes: [{replicas: 0}]}, t: {depends_on: [s, '@g']}}\ngroups: {g: {sessions: [s]}}\n"
    )
    workspace = reading.workspace(tmp_path, text)
    assert [session.name for session in workspace.sessions] == ["t"]
    assert workspace.panes[0].depends_on == ()


def test_windows_scaled_away_are_not_made(tmp_path: Path) -> None:
    text = "sessions: {s: {windows: [{name: a, panes: [{replicas: 0}]}, {name: b}]}}\n"
    assert [window.name for window in reading.workspace(tmp_path, text).sessions[0].windows] == ["b"]


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("replicas: -1", ["expected a whole number from 0 to 1000, found `-1`"]),
        ("replicas: 1.5", ["expected a whole number from 0 to 1000, found `1.5`"]),
        ("replicas: two, command: '{{ replica }}'", ["expected a whole number from 0 to 1000, found `two`"]),
        ("replicas: '{{ nope }}', command: '{{ replica }}'", ["there is no variable `nope`"]),
        ("command: '{{ replica }}'", ["`replica` is only known in panes with `replicas`"]),
        ("replicas: 3, command: '{{ nope }}'", ["there is no variable `nope`"]),
        (
            "health: {tcp: 'x:1', failure_threshold: '{{ 1 - 1 }}'}",
            ["expected a whole number, at least 1, found `0`"],
        ),
        ("focus: '{{ 1 }}'", ["expected `true` or `false`, found `1`"]),
        ("name: '{{ 1.5 }}'", ["expected a name of letters, digits, `-` and `_`, at most 64, found `1.5`"]),
        (
            "size: \"{{ '{{ x }}' }}\"",
            ["expected cells (`20`) or a percentage from `1%` to `99%`, found `{{ x }}`"],
        ),
        (
            "health: {tcp: 'x:1', interval: \"{{ '{{ x }}' }}\"}",
            ["expected a duration with its unit: `300ms`, `10s`, `5m`, `2h` or `7d`, found `{{ x }}`"],
        ),
    ],
)
def test_what_templates_make_is_held_against_the_schema(
    tmp_path: Path, text: str, complaints: list[str]
) -> None:
    assert reading.about_pane(tmp_path, text) == complaints


def test_types_are_kept_where_they_matter_and_text_is_made_elsewhere(tmp_path: Path) -> None:
    text = """\
variables: {n: 2, yes: true}
sessions:
  s:
    panes:
      - name: "{{ n }}"
        title: "{{ n }}"
        size: "{{ n }}"
        focus: "{{ yes }}"
        env: {A: "{{ yes }}"}
        command: ["{{ n }}"]
"""
    pane = reading.workspace(tmp_path, text).panes[0]
    assert (pane.name, pane.title, pane.command, pane.env) == ("2", "2", ("2",), {"A": "true"})
    assert (pane.size, pane.focus) == (spec.Size(cells=2), True)


def test_typed_keys_are_those_whose_values_are_more_than_text() -> None:
    more_than_text = {
        key
        for kind in (
            "session",
            "window",
            "pane",
            "health",
            "stop",
            "group",
            "secret",
            "dependency_settings",
            "snapshots",
            "restart_settings",
            "backoff",
            "limits",
            "watch",
            "gc",
            "trigger",
            "on_settings",
            "schedule",
            "reaction",
            "snapshot",
            "apply",
        )
        for key, rules in schemas.part(schemas.evaluated(), f"#/$defs/{kind}/properties").items()
        if types(rules) & {"integer", "number", "boolean"}
    }
    sizes = {"memory", "output"}  # whose text means the same as their number
    assert more_than_text - sizes == evaluate.TYPED


def types(rules: dict[str, Any]) -> set[str]:
    if "$ref" in rules:
        return types(schemas.part(schemas.evaluated(), rules["$ref"]))
    own = rules.get("type", [])
    return {own} if isinstance(own, str) else {*own}.union(*map(types, rules.get("anyOf", [])))


def test_the_workspace_s_name_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "version: 1\nworkspace: shop-{{ environment }}\nenvironments: {test: {}}\nenv: {W: '{{ workspace }}'}\nsessions: {s: {}}\n"
    )
    found = load.load(tmp_path / "m.yaml", load.Inputs(environment="test")).workspace
    assert (found.name, found.panes[0].env) == ("shop-test", {"W": "shop-test"})
