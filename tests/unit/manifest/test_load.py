import dataclasses
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from orchestra.manifest import load
from orchestra.model import errors
from orchestra.model.diagnostic import Diagnostic
from tests.unit.manifest import reading

MANIFESTS = sorted((Path(__file__).parents[3] / "manifests").glob("*.yaml"))


def test_sessions_windows_and_panes_are_located(tmp_path: Path) -> None:
    text = """\
sessions:
  api:
    windows:
      - name: w
        panes:
          - {name: server}
          - {replicas: 2}
  db: {}
"""
    loaded = reading.loaded(tmp_path, text)
    assert {address: (at.line - 2, at.column) for address, at in loaded.locations.items()} == {
        "api": (2, 3),
        "window api/w": (4, 9),
        "api/server": (6, 13),
        "api/1": (7, 13),
        "api/2": (7, 13),
        "db": (8, 3),
        "window db/main": (8, 7),
        "db/0": (8, 7),
    }


def test_the_document_is_full_and_in_the_schema_s_order(tmp_path: Path) -> None:
    text = """\
variables: {port: 80}
secrets: {A: {from_file: a}}
defaults: {pane: {stop: {timeout: 1s}, title: t}}
environments: {e: {}}
sessions: {s: {panes: [{size: 5, command: ["{{ port }}"], name: n, replicas: 1, env_file: [.env]}]}}
"""
    (tmp_path / ".env").write_text("X=canary")
    loaded = reading.loaded(tmp_path, text, environment="e")
    pane = {
        "name": "n-0",
        "command": ["80"],
        "title": "t",
        "size": 5,
        "env_file": [f"{tmp_path}/.env"],
        "stop": {"timeout": "1s"},
    }
    assert json.dumps(loaded.document) == json.dumps(
        {
            "version": 1,
            "workspace": "shop",
            "secrets": {"A": {"from_file": f"{tmp_path}/a"}},
            "sessions": {"s": {"dir": str(tmp_path), "windows": [{"name": "main", "panes": [pane]}]}},
        }
    )


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_document_loads_to_the_same_again(tmp_path: Path, path: Path) -> None:
    first = load.load(path, load.Inputs(environ={"HOME": "/home/u"}))
    (tmp_path / "again.yaml").write_text(json.dumps(first.document))
    again = load.load(tmp_path / "again.yaml", load.Inputs())
    assert dataclasses.replace(again.workspace, file=first.workspace.file) == first.workspace


def test_standard_input_is_a_manifest_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.yaml").write_text("sessions: {o: {}}\n")
    text = f"{reading.HEAD}include: [other.yaml]\nsessions: {{s: {{dir: sub}}}}\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    workspace = load.load(Path("-"), load.Inputs()).workspace
    assert workspace.file == "-"
    assert [pane.dir for pane in workspace.panes] == [str(tmp_path / "sub"), str(tmp_path)]


def test_the_file_is_told_as_it_was_named_and_kept_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reading.loaded(tmp_path, "sessions: {s: {}}\n")
    assert load.load(Path("manifest.yaml"), load.Inputs()).workspace.file == str(tmp_path / "manifest.yaml")
    with pytest.raises(errors.ManifestError) as failed:
        load.load(Path("none.yaml"), load.Inputs())
    assert [one.summary for one in failed.value.diagnostics] == ["there is no file none.yaml"]


def test_everything_is_told_in_the_order_it_stands(tmp_path: Path) -> None:
    text = """\
env: {A: [1]}
sessions:
  s: {nope: 1, panes: [{name: a, command: "{{ x }}", depends_on: [b]}, {name: a}]}
x: 1
x: 2
"""
    assert reading.complaints(tmp_path, text) == [
        "1:10 expected text or a number or `true` or `false`, found a list",
        "3:7 unknown key `nope` in a session",
        "3:43 there is no variable `x`",
        "3:67 unknown session or pane `b` in depends_on",
        "3:79 two panes of one session are called `a`",
        "4:1 unknown key `x` in a manifest",
        "5:1 the key `x` stands here twice",
    ]


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("version: 2\nworkspace: a\n", ["expected `1`, the version of the language, found `2`"]),
        ("version: 1\n", ["`workspace` is missing"]),
        ("{}", ["`version` is missing", "`workspace` is missing"]),
        ("[]", ["the file must be a map of keys and values"]),
        ("x", ["the file must be a map of keys and values"]),
        (
            "version: 1\nworkspace: A\n",
            ["expected a name of lowercase letters, digits, `-` and `_`, at most 63, found `A`"],
        ),
        (
            "version: 1\nworkspace: [a]\nenv: {A: '{{ workspace }}'}\n",
            ["expected a name of lowercase letters, digits, `-` and `_`, at most 63, found a list"],
        ),
        ("version: 1\nworkspace: a\nsessions:\n", ["expected a map, found nothing"]),
    ],
)
def test_the_outermost_is_checked(tmp_path: Path, text: str, complaints: list[str]) -> None:
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(errors.ManifestError) as failed:
        load.load(tmp_path / "m.yaml", load.Inputs())
    assert [one.summary for one in failed.value.diagnostics] == complaints


def test_no_more_than_a_hundred_problems_are_told(tmp_path: Path) -> None:
    found = reading.diagnostics(tmp_path, "".join(f"k{number}: 1\n" for number in range(150)))
    assert len(found) == 101
    assert found[-1].summary == "50 more problems are not shown"


def test_nothing_a_manifest_holds_reaches_a_screen_as_an_escape(tmp_path: Path) -> None:
    text = '"\\e]0;x\\a": 1\nsessions: {"\\e[2J": {panes: [{name: "\\e[31m", signal: "\\u202e"}]}}\n'
    for one in reading.diagnostics(tmp_path, text):
        assert (one.summary + (one.hint or "")).isprintable()


def test_what_is_not_needed_is_not_imported(tmp_path: Path) -> None:
    text = f"{reading.HEAD}variables: {{port: 80}}\nsessions: {{s: {{panes: [{{command: 'x {{{{ port }}}}'}}]}}}}\n"
    (tmp_path / "m.yaml").write_text(text)
    code = (
        "import pathlib, sys; from orchestra.manifest import load; load.load(pathlib.Path(sys.argv[1]), load.Inputs());"
        "print({'jinja2', 'jsonschema', 'networkx', 'difflib', 'referencing', 'attr'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "m.yaml")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "set()\n"


KINDS: Any = load.schema()["$defs"]
KEYS = [
    *KINDS["environment"]["properties"],
    *(key for kind in KINDS.values() for key in kind.get("properties", ())),
]
KEYS += ["version", "environments", "include", "restart", "a", "b", "db", "@a"]
VALUES: list[Any] = [
    *(None, True, 0, 1, 3, -1, 1.5, "", "a", "b", "db", "db/a", "@a", "1s", "30%", "tiled", "main-vertical"),
    *("{{ a }}", "{{ a + 1 }}", "{{ replica }}", "{{", "{% if a %}x{% endif %}", "{{ a | default('x') }}"),
    *("4f3d,200x50,0,0", "healthy", "http://h/", "h:1", "(", "~", "~/x", "..", "/dev/zero"),
]
TOKENS = [
    "{{", "}}", "{%", "%}", "a", "b", "1", "+", "-", "*", "/", "%", "(", ")", "[", "]", "|", ".", ",", "'x'", '"y"', "if",
    "else", "endif", "not", "in", "is", "==", "~", "default", "join", "raw", "endraw", "#", "{", "}",
]  # fmt: skip
STRUCTURES = strategies.recursive(
    strategies.sampled_from(VALUES),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=30,
)


def settle(folder: Path, text: str | bytes, **inputs: Any) -> None:
    path = folder / "m.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    for one in told(path, **inputs):
        assert one.summary.isprintable(), one
        assert one.hint is None or one.hint.isprintable(), one


def told(path: Path, **inputs: Any) -> Sequence[Diagnostic]:
    try:
        return load.load(path, load.Inputs(**inputs)).warnings
    except errors.ManifestError as failed:
        return failed.diagnostics


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=200)
@hypothesis.given(
    strategies.text() | strategies.binary() | strategies.text(alphabet="{}[]:,-&*!|>'\"%@`#?\n \tab<1~")
)
def test_any_text_is_loaded_or_refused(tmp_path: Path, text: str | bytes) -> None:
    settle(tmp_path, text)


@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
    max_examples=300,
)
@hypothesis.given(
    strategies.dictionaries(strategies.sampled_from(KEYS), STRUCTURES, max_size=6),
    STRUCTURES,
    strategies.sampled_from([None, "a", "b"]),
)
def test_any_structure_is_loaded_or_refused(
    tmp_path: Path, root: dict[str, Any], sessions: Any, environment: str | None
) -> None:
    document = {
        "version": 1,
        "workspace": "shop",
        "variables": {"a": 1},
        "sessions": {"a": sessions, "db": {"panes": [sessions]}},
        **root,
    }
    settle(
        tmp_path, json.dumps(document), environment=environment, environ={"HOME": "/h"}, variables={"a": "2"}
    )


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=200)
@hypothesis.given(
    strategies.lists(
        strategies.sampled_from(TOKENS),
        max_size=12,
    )
)
def test_any_template_is_evaluated_or_refused(tmp_path: Path, parts: list[str]) -> None:
    pane = {"command": "{{ " + " ".join(parts) + " }}", "title": " ".join(parts)}
    settle(
        tmp_path,
        json.dumps(
            {
                "version": 1,
                "workspace": "w",
                "variables": {"a": 1, "b": "x"},
                "sessions": {"s": {"panes": [pane]}},
            }
        ),
    )


def test_a_directory_of_sockets_and_fifos_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    text = "include: [fifo]\nenv_file: [fifo]\nsessions: {s: {}}\n"
    assert [complaint.partition(" ")[2] for complaint in reading.complaints(tmp_path, text)] == [
        f"cannot read {tmp_path}/fifo: it is not a regular file"
    ] * 2
    with pytest.raises(errors.ManifestError):
        load.load(tmp_path / "fifo", load.Inputs())


def settings(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_how_long_figures_are_kept_is_the_users_to_say(tmp_path: Path) -> None:
    assert load.metrics_kept(tmp_path / "nothing.yaml") is None
    assert load.metrics_kept(settings(tmp_path, "variables: {a: 1}\n")) is None
    assert load.metrics_kept(settings(tmp_path, "metrics: {keep: 1d12h}\n")) == timedelta(hours=36)


@pytest.mark.parametrize("text", ["{keep: 7}", "{keep: ages}", "{kepe: 7d}", '{keep: "{{ days }}"}'])
def test_what_is_no_duration_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(errors.ManifestError) as failed:
        load.metrics_kept(settings(tmp_path, f"metrics: {text}\n"))
    at = failed.value.diagnostics[0].location
    assert at is not None
    assert at.line == 1
