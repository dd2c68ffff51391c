from pathlib import Path

import pytest

from tests.unit.manifest import reading


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def test_included_files_are_merged_in(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, one="workspace: other\nsessions: {a: {}}\nenv: {A: a}\ninclude: [sub/two.yaml]\n")
    write(
        tmp_path / "sub",
        two="version: 1\nsessions: {b: {dir: here}}\ngroups: {g: {sessions: [a, b]}}\nlabels: {x: y}\n",
    )
    workspace = reading.workspace(
        tmp_path, "include: [one.yaml]\nenv: {B: b}\nsessions: {c: {depends_on: ['@g']}}\n"
    )
    assert workspace.name == "shop"
    assert {session.name for session in workspace.sessions} == {"a", "b", "c"}
    assert workspace.panes[0].env == {"B": "b", "A": "a"}
    assert workspace.labels == {"x": "y"}
    assert {pane.dir for pane in workspace.panes if pane.address == "b/0"} == {str(tmp_path / "sub/here")}


def test_a_file_included_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, one="include: [two.yaml]\n", two="sessions: {a: {}}\n")
    assert reading.complaints(tmp_path, "include: [one.yaml, two.yaml]\n") == []


@pytest.mark.parametrize(
    ("mine", "other", "complaints"),
    [
        ("sessions: {a: {}}", "sessions: {a: {}}", ["2:12 `a` is declared in two files"]),
        ("groups: {a: {}}", "groups: {a: {}}", ["2:10 `a` is declared in two files"]),
        ("env: {A: b}", "env: {A: b}", ["2:7 `A` is declared in two files"]),
        ("shell: a", "shell: a", ["2:1 `shell` is declared in two files"]),
        ("defaults: {pane: {dir: a}}", "defaults: {pane: {dir: b}}", ["2:19 `dir` is declared in two files"]),
        ("defaults: {pane: {dir: a}}", "defaults: {pane: {title: b}}", []),
        ("environments: {e: {env: {A: a}}}", "environments: {e: {env: {B: b}}}", []),
        ("description: a", "description: b", []),
    ],
)
def test_what_two_files_declare_is_an_error(
    tmp_path: Path, mine: str, other: str, complaints: list[str]
) -> None:
    write(tmp_path, other=other)
    assert reading.complaints(tmp_path, f"include: [other.yaml]\n{mine}\n") == complaints


def test_a_clash_names_the_other_place(tmp_path: Path) -> None:
    write(tmp_path, other="env: {}\nsessions:\n  a: {}\n")
    [one] = reading.diagnostics(tmp_path, "include: [other.yaml]\nsessions: {a: {}}\n")
    assert one.hint == f"the other place is {tmp_path}/other.yaml:3:3"


def test_a_circle_is_told_with_its_files(tmp_path: Path) -> None:
    write(tmp_path, one="include: [two.yaml]\n", two="include: [manifest.yaml]\n")
    [one] = reading.diagnostics(tmp_path, "include: [one.yaml]\n")
    assert one.summary == "files include each other in a circle"
    assert one.detail == " → ".join(
        str(tmp_path / f"{name}.yaml") for name in ("manifest", "one", "two", "manifest")
    )
    assert str(one.location) == f"{tmp_path}/two.yaml:1:11"


def test_problems_of_every_file_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, one="a: 1\na: 2\nsessions: [\n", two="sessions: {x: {nope: 1}}\n")
    found = reading.complaints(tmp_path, "include: [one.yaml, two.yaml, three.yaml, /dev/zero]\nnope: 1\n")
    assert [complaint.partition(" ")[2] for complaint in found] == [
        f"there is no file {tmp_path}/three.yaml",
        "cannot read /dev/zero: it is not a regular file",
        "unknown key `nope` in a manifest",
        "the key `a` stands here twice",
        "YAML: did not find expected node content (while parsing a flow node)",
        "unknown key `nope` in a session",
    ]


def test_an_included_path_is_no_template(tmp_path: Path) -> None:
    assert reading.complaints(tmp_path, 'include: ["{{ x }}.yaml"]\n') == [
        "1:11 an included path cannot be a template"
    ]


def test_files_are_bounded(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path, **{f"f{number}": f"include: [f{number + 1}.yaml]\n"})
    [complaint] = reading.complaints(tmp_path, "include: [f0.yaml]\n")
    assert complaint.endswith("more than 50 files are included")


def test_values_of_all_files_count_together(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path, **{f"f{number}": "x: [" + "1," * 6000 + "]\n"})
    found = reading.complaints(
        tmp_path, "include: [" + ", ".join(f"f{number}.yaml" for number in range(10)) + "]\n"
    )
    assert any("holds more than 50000 values" in complaint for complaint in found)
