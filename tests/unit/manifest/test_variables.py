from pathlib import Path
from typing import Any

import pytest

from tests.unit.manifest import reading

DECLARED = """\
variables:
  s: {type: string, default: d}
  i: {type: integer, default: 1}
  n: {type: number, default: 1}
  b: {type: boolean, default: false}
  e: {type: string, default: x, enum: [x, y]}
  short: 5
description: "{{ s }} {{ i }} {{ n }} {{ b }} {{ e }} {{ short }}"
"""


@pytest.mark.parametrize(
    ("given", "description"),
    [
        ({}, "d 1 1 false x 5"),
        ({"s": "", "i": "-7", "n": "2.5", "b": "yes", "e": "y", "short": "+6"}, " -7 2.5 true y 6"),
        ({"s": "1.10", "b": "OFF", "n": "3"}, "1.10 1 3 false x 5"),
        ({"s": "{{ i }}"}, "{{ i }} 1 1 false x 5"),
    ],
)
def test_what_the_command_line_gives_becomes_the_variable_s_type(
    tmp_path: Path, given: dict[str, str], description: str
) -> None:
    assert reading.workspace(tmp_path, DECLARED, variables=given).description == description


@pytest.mark.parametrize(
    ("given", "complaint", "hint"),
    [
        ({"i": "x"}, "--var i: the variable `i` must be a whole number, not `x`", None),
        ({"i": "1.5"}, "--var i: the variable `i` must be a whole number, not `1.5`", None),
        ({"i": "9" * 30}, f"--var i: the variable `i` must be a whole number, not `{'9' * 30}`", None),
        ({"n": "inf"}, "--var n: the variable `n` must be a number, not `inf`", None),
        ({"n": "1_0"}, "--var n: the variable `n` must be a number, not `1_0`", None),
        ({"b": "maybe"}, "--var b: the variable `b` must be `true` or `false`, not `maybe`", None),
        ({"e": "z"}, "--var e: the variable `e` cannot be `z`", "it is one of `x`, `y`"),
        ({"shor": "1"}, "--var: there is no variable `shor`", "did you mean `short`?"),
        (
            {"zzzzz": "1"},
            "--var: there is no variable `zzzzz`",
            "the manifest declares `s`, `i`, `n`, `b`, `e`, `short`",
        ),
        ({"s": "a\0b"}, "--var s: the variable `s` must be text, not `a\\x00b`", None),
        ({"s": "\udc80"}, "--var s: the variable `s` must be text, not `\\udc80`", None),
        ({"s": "x" * 70_000}, "--var s: the variable `s` is longer than 65536 characters", None),
    ],
)
def test_what_does_not_fit_is_told(
    tmp_path: Path, given: dict[str, str], complaint: str, hint: str | None
) -> None:
    [one] = reading.diagnostics(tmp_path, DECLARED, variables=given)
    assert (one.summary, one.hint) == (complaint, hint)


def test_the_last_one_to_speak_wins(tmp_path: Path) -> None:
    names = ["default", "settings", "overlay", "file", "later", "environ", "given"]
    text = "variables: {" + ", ".join(f"{name}: 0" for name in names) + "}\n"
    text += "environments: {e: {variables: {" + ", ".join(f"{name}: 2" for name in names[2:]) + "}}}\n"
    text += 'description: "' + "".join(f"{{{{ {name} }}}}" for name in names) + '"\n'
    settings, file, later = (tmp_path / name for name in ("settings", "file", "later"))
    settings.write_text("variables: {nobody: 1, " + ", ".join(f"{name}: 1" for name in names[1:]) + "}\n")
    file.write_text("".join(f"{name}: 3\n" for name in names[3:]))
    later.write_text("".join(f"{name}: 4\n" for name in names[4:]))
    inputs: dict[str, Any] = {
        "environment": "e",
        "user_settings": settings,
        "variable_files": (file, later),
        "environ": {**{f"ORCHESTRA_VAR_{name}": "5" for name in names[5:]}, "ORCHESTRA_VAR_nobody": "1"},
        "variables": {"given": "6"},
    }
    assert reading.workspace(tmp_path, text, **inputs).description == "0123456"


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("{port: {type: integer}}", ["1:13 the variable `port` has no value"]),
        ("{port: {type: integer, default: x}}", ["1:44 the variable `port` must be a whole number, not `x`"]),
        ("{a: {default: z, enum: [x]}}", ["1:26 the variable `a` cannot be `z`"]),
        (
            "{port: {type: int}}",
            ["1:26 expected one of `string`, `integer`, `number`, `boolean`, found `int`"],
        ),
        (
            "{port: }",
            [
                "1:19 expected a default, or a map such as `{type: string}` for one that must be given, found nothing"
            ],
        ),
        (
            "{port: [1]}",
            [
                "1:19 expected a default, or a map such as `{type: string}` for one that must be given, found a list"
            ],
        ),
        ("{a-b: 1}", ["1:13 expected a variable's name of letters, digits and `_`, at most 64, found `a-b`"]),
        (
            "{replica: 1}",
            ["1:13 a variable cannot be called `replica`: templates have a meaning for that already"],
        ),
        ("{not: 1}", ["1:13 a variable cannot be called `not`: templates have a meaning for that already"]),
        ("{p: {typ: string, default: x}}", ["1:17 unknown key `typ` in a variable"]),
        ("[1]", ["1:12 expected a map, found a list"]),
    ],
)
def test_declarations_are_checked(tmp_path: Path, text: str, complaints: list[str]) -> None:
    assert reading.complaints(tmp_path, f"variables: {text}\n") == complaints


def test_a_missing_value_is_told_once_and_how_to_give_it(tmp_path: Path) -> None:
    pane = "{command: '{{ port }}', size: '{{ port }}', title: '{{ port + 1 }}'}"
    text = f"variables: {{port: {{type: integer}}}}\nsessions: {{s: {{panes: [{pane}]}}}}\n"
    [one] = reading.diagnostics(tmp_path, text)
    assert (
        one.hint
        == "give it with --var port=…, in a --var-file or as ORCHESTRA_VAR_port, or declare a default"
    )
    assert reading.diagnostics(tmp_path, text, environ={"ORCHESTRA_VAR_port": "3"}) == ()


def test_variable_files_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "vars"
    file.write_text("shor: 1\ni: x\ns: [1]\n")
    found = reading.diagnostics(tmp_path, DECLARED, variable_files=(file,))
    assert [(str(one.location), one.summary) for one in found] == [
        (f"{file}:1:7", f"{file}: there is no variable `shor`"),
        (f"{file}:2:4", "the variable `i` must be a whole number, not `x`"),
        (f"{file}:3:1", "`s` must be text, a number, `true` or `false`"),
    ]
    [missing] = reading.diagnostics(tmp_path, DECLARED, variable_files=(tmp_path / "none",))
    assert missing.summary == f"there is no file {tmp_path}/none"


def test_a_variable_of_the_environment_with_a_slip_is_warned_about(tmp_path: Path) -> None:
    loaded = reading.loaded(
        tmp_path, DECLARED, environ={"ORCHESTRA_VAR_shrt": "1", "ORCHESTRA_VAR_other": "1"}
    )
    assert [(one.severity, one.summary, one.hint) for one in loaded.warnings] == [
        (
            "warning",
            "`ORCHESTRA_VAR_shrt` names no variable of this manifest",
            "did you mean `ORCHESTRA_VAR_short`?",
        )
    ]
