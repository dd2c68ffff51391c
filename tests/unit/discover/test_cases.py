"""A case is a folder: a source, files it names, the manifest it becomes, and what is told; `--update-golden` rewrites the last two."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest

from orchestra.cli import output
from orchestra.discover import kinds, source, translate
from orchestra.manifest import dump, layout, load
from orchestra.plan import order

CASES = Path(__file__).parent / "cases"
EXPECTED = {"manifest.yaml", "warnings.txt"}
NAMES = sorted(path.name for path in CASES.iterdir())


def imported(folder: Path) -> translate.Imported:
    (path,) = (
        each for each in folder.iterdir() if each.name not in EXPECTED and not each.name.endswith(".env")
    )
    found = dataclasses.replace(source.read(str(path)), file=path.name)
    return translate.imported(found, None, layout.panes)


@pytest.mark.parametrize("name", NAMES)
def test_it_becomes_what_was_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    made = imported(CASES / name)
    plain = io.StringIO()  # no terminal: no colours
    shown = {
        "manifest.yaml": dump.text(made.document),
        "warnings.txt": "".join(f"{output.diagnosis(each, plain)}\n" for each in made.warnings),
    }
    for file, text in shown.items():
        expected = CASES / name / file
        if request.config.getoption("--update-golden"):
            expected.write_text(text, encoding="utf-8")
        assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_its_kind_is_seen_and_the_manifest_loads(name: str) -> None:
    assert name.startswith(imported(CASES / name).kind)
    loaded = load.load(CASES / name / "manifest.yaml", load.Inputs(environ={"HOME": "/home/me"}))
    order.refuse_cycles(loaded.workspace, loaded.locations)
    assert loaded.warnings == ()


@pytest.mark.parametrize("name", NAMES)
def test_moved_elsewhere_it_means_the_same_directories(name: str, tmp_path: Path) -> None:
    made = imported(CASES / name)
    there = load.load(CASES / name / "manifest.yaml", load.Inputs(environ={"HOME": "/home/me"}))
    elsewhere = tmp_path / "moved.yaml"
    elsewhere.write_text(dump.text(translate.moved(made.document, str(CASES / name))), encoding="utf-8")
    moved = load.load(elsewhere, load.Inputs(environ={"HOME": "/home/me"}))
    for here, away in zip(there.workspace.panes, moved.workspace.panes, strict=True):
        # Where a variable begins a path, it is relative to the manifest wherever that lies.
        assert away.dir == here.dir or "variables" in made.document


@pytest.mark.parametrize("kind", list(kinds.Kind))
def test_every_kind_has_three_cases(kind: kinds.Kind) -> None:
    assert sum(name.startswith(f"{kind}-") for name in NAMES) >= 3
