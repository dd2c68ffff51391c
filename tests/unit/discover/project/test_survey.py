"""Projects of every kind, and hostile ones: what is written for them, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.discover.project import survey
from orchestra.manifest import load
from orchestra.plan import order
from tests.unit.discover.project import case


def test_there_are_cases() -> None:
    assert len(case.names()) >= 30


@pytest.mark.parametrize("name", case.names())
def test_a_project_gets_its_manifest(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    each = case.read(name)
    root = each.made(tmp_path)
    texts = case.texts(each.survey(root))
    if request.config.getoption("--update-golden"):
        for kind, path in each.expected.items():
            path.write_text(texts[kind], encoding="utf-8")
    assert texts == {kind: path.read_text(encoding="utf-8") for kind, path in each.expected.items()}
    assert texts == case.texts(each.survey(root))
    written = root / "written.yaml"
    written.write_text(texts["manifest"], encoding="utf-8")
    loaded = load.load(written, load.Inputs(environ={"HOME": "/home"}))
    order.refuse_cycles(loaded.workspace, loaded.locations)
    assert loaded.warnings == ()
    assert sum(pane.focus for pane in loaded.workspace.panes) == 1


@pytest.mark.parametrize("name", case.names())
def test_no_two_panes_listen_on_one_port(name: str, tmp_path: Path) -> None:
    each = case.read(name)
    seen = each.survey(each.made(tmp_path))
    used = [pane.listening.port for session in seen.sessions for pane in session.panes if pane.listening]
    assert len(used) == len(set(used))


def test_too_many_files_are_cut_the_same_way_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestra.discover.project.folder.MOST_ENTRIES", 50)
    for number in range(100):
        (tmp_path / f"{number:03}").mkdir()
    (tmp_path / "000" / "package.json").write_text("{}")
    first, again = (survey.survey(tmp_path, lambda tool: True) for _ in range(2))
    assert first == again
    assert any("the rest was not looked at" in each.summary for each in first.remarks)


def test_a_directory_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        survey.survey(tmp_path / "none", lambda tool: True)


def test_what_is_deeper_than_people_put_packages_is_not_looked_at(tmp_path: Path) -> None:
    deep = tmp_path / "a/b/c/d/e"
    deep.mkdir(parents=True)
    (deep / "go.mod").write_text("module x\n")
    (deep / "main.go").write_text("package main\n\nfunc main() {}\n")
    assert survey.survey(tmp_path, lambda tool: True).empty
