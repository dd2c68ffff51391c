from pathlib import Path

import pytest

from orchestra.model.spec import Secret, SourceKind
from tests.unit.manifest import reading


def test_inner_levels_win(tmp_path: Path) -> None:
    text = """\
env: {A: 0, B: 0, C: 0, D: 0}
shell: /0
sessions:
  s:
    env: {B: 1, C: 1, D: 1}
    windows: [{env: {C: 2, D: 2}, panes: [{env: {D: 3}}, {shell: /3}]}, {shell: /2}]
"""
    first, second, third = reading.workspace(tmp_path, text).panes
    assert first.env == {"A": "0", "B": "1", "C": "2", "D": "3"}
    assert [pane.shell for pane in (first, second, third)] == ["/0", "/3", "/2"]


def test_files_and_values_and_secrets_have_their_order(tmp_path: Path) -> None:
    (tmp_path / "outer.env").write_text("A=secret\nB=secret\nC=secret\nexport D='x'\nS=1\n")
    (tmp_path / "inner.env").write_text("C=secret\nE=1\nF=1\n")
    text = """\
env_file: [outer.env]
env: {B: workspace, E: workspace, S: plain}
secrets: {S: {from_env: TOKEN}, T: {from_file: t}, U: {from_command: pass show u}}
sessions: {s: {env_file: [inner.env], env: {F: session, C: session}, secrets: {T: {from_file: /other}}, panes: [{}]}}
"""
    [pane] = reading.workspace(tmp_path, text).panes
    assert pane.env == {"B": "workspace", "F": "session", "C": "session"}
    assert pane.secrets == (
        Secret(name="A", kind=SourceKind.ENV_FILE, source=str(tmp_path / "outer.env")),
        Secret(name="D", kind=SourceKind.ENV_FILE, source=str(tmp_path / "outer.env")),
        Secret(name="E", kind=SourceKind.ENV_FILE, source=str(tmp_path / "inner.env")),
        Secret(name="S", kind=SourceKind.ENV, source="TOKEN"),
        Secret(name="T", kind=SourceKind.FILE, source="/other"),
        Secret(name="U", kind=SourceKind.COMMAND, source="pass show u"),
    )


def test_values_of_files_are_nowhere_in_what_is_loaded(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=canary-1\nB='canary-2'\n")
    loaded = reading.loaded(tmp_path, "env_file: [.env]\nsessions: {s: {}}\n")
    assert "canary" not in repr(loaded)
    assert {secret.name for secret in loaded.workspace.panes[0].secrets} == {"A", "B"}


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        (
            "env: {TMUX: x}",
            [
                "1:7 expected a variable's name of letters, digits and `_`, none of `TMUX`, `TMUX_PANE` and `ORCHESTRA_…`, found `TMUX`"
            ],
        ),
        ("env: {TMUX_PANE: x, ORCHESTRA_X: x, 1A: x}", 3),
        ('env: {"A\\n": x}', 1),
        (
            "env: {A: [1], B: }",
            [
                "1:10 expected text or a number or `true` or `false`, found a list",
                "1:18 expected text or a number or `true` or `false`, found nothing",
            ],
        ),
        ("secrets: {A: {}}", ["1:11 the secret `A` has no source"]),
        ("secrets: {A: {from_env: a, from_file: b}}", ["1:28 `from_env` and `from_file` exclude each other"]),
        ("secrets: {A: {from_env: a b}}", ["1:25 expected the name of an environment variable, found `a b`"]),
        ("secrets: {TMUX: {from_env: a}}", 1),
        ("secrets: {A: x}", ["1:14 expected a map, found `x`"]),
        ("env_file: .env", ["1:11 expected a list, found `.env`"]),
        ("env_file: ['{{ x }}']", ["1:12 there is no variable `x`"]),
    ],
)
def test_what_is_refused_is_told(tmp_path: Path, text: str, complaints: list[str] | int) -> None:
    found = reading.complaints(tmp_path, f"{text}\nsessions: {{s: {{}}}}\n")
    assert (len(found) if isinstance(complaints, int) else found) == complaints


def test_problems_of_files_are_told_without_their_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TMUX=canary\nA-B=canary\nC='canary\n")
    found = reading.diagnostics(tmp_path, "env_file: [.env, none.env, .]\nsessions: {s: {}}\n")
    assert [(str(one.location).removeprefix(f"{tmp_path}/"), one.summary) for one in found] == [
        (".env:1:1", "`TMUX` cannot be a variable's name here"),
        (".env:2:1", "`A-B` cannot be a variable's name here"),
        (".env:3:1", "a quote is not closed"),
        ("manifest.yaml:3:18", f"there is no file {tmp_path}/none.env"),
        ("manifest.yaml:3:28", f"{tmp_path} is a directory, not a file"),
    ]
    assert "canary" not in repr(found)


def test_variables_are_bounded_wherever_they_come_from(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.env").write_text("".join(f"A{number}_{one}=x\n" for one in range(501)))
    text = "env_file: [1.env]\nsessions: {s: {env_file: [2.env]}, t: {}}\n"
    assert reading.complaints(tmp_path, text) == ["2:15 this has more than 1000 environment variables"]


def test_a_file_named_again_further_in_wins_again(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=1\n")
    text = "env_file: [a.env]\nenv: {A: plain}\nsessions: {s: {}, t: {env_file: [a.env]}}\n"
    first, second = reading.workspace(tmp_path, text).panes
    assert (first.env, first.secrets) == ({"A": "plain"}, ())
    assert (second.env, [secret.name for secret in second.secrets]) == ({}, ["A"])
