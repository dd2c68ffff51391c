"""Every page is true: what it shows is run, and must come out so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import sandbox
from tests.support import documents

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
    if "```console" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page: Path) -> None:
    with sandbox.opened() as box:
        assert documents.run(page, box.folder, box.environment) > 0


def test_readme_is_run() -> None:
    assert ROOT / "README.md" in PAGES


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("a", "a\n", True),
        ("a", "b\n", False),
        ("a ... c", "a b c\n", True),
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...\nd", "a\nb\nc\n", False),
        ("...", "", True),
    ],
)
def test_matching(expected: str, printed: str, same: bool) -> None:
    assert documents.matches(expected, printed) is same
