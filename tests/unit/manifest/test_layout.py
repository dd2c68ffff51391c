from pathlib import Path

import pytest

from orchestra.manifest import layout
from tests.unit.manifest import reading


def exact(cells: str) -> str:
    return f"{layout.checksum(cells):04x},{cells}"


@pytest.mark.parametrize(
    ("text", "panes"),
    [
        ("b25d,80x24,0,0,0", 1),
        ("bb62,159x48,0,0{79x48,0,0,79x48,80,0}", 2),
        (exact("80x24,0,0"), 1),
        (exact("80x24,0,0[80x12,0,0,1,80x11,0,13{40x11,0,13,2,39x11,41,13,3}]"), 3),
        (exact("80x24,0,0{40x24,0,0[40x12,0,0,0,40x11,0,13,4],39x24,41,0,1}"), 3),
    ],
)
def test_exact_layouts_have_room(text: str, panes: int) -> None:
    assert layout.panes(text) == panes


@pytest.mark.parametrize(
    "text",
    [
        "0000,80x24,0,0,0",
        exact(""),
        exact("80x24"),
        exact("80x24,0,0{"),
        exact("80x24,0,0{40x24,0,0"),
        exact("80x24,0,0{40x24,0,0]"),
        exact("80x24,0,0}"),
        exact("80x24,0,0,0,80x24,0,0,1"),
        exact("80x24,0,0{40x24,0,0,1}x"),
        exact("80x24,0,0{40x24,0,0,1,}"),
    ],
)
def test_broken_layouts_are_refused(text: str) -> None:
    with pytest.raises(layout.Malformed):
        layout.panes(text)


@pytest.mark.parametrize(
    ("window", "complaints"),
    [
        ("layout: main-vertical, panes: [{size: 30%}, {size: 20}]", []),
        ("panes: [{size: 30%}]", []),
        ("layout: tiled, panes: [{size: 30%}]", ["a size means nothing in `tiled`"]),
        (
            f"layout: '{exact('80x24,0,0')}', panes: [{{size: 3}}]",
            ["a size means nothing in an exact layout"],
        ),
        (
            f"layout: '{exact('80x24,0,0')}', panes: [{{}}, {{}}]",
            ["the layout has room for 1 panes, and the window has 2"],
        ),
        (
            "layout: '0000,80x24,0,0'",
            [f"the layout's checksum is {layout.checksum('80x24,0,0'):04x}, not 0000"],
        ),
        ("layout: main-vertica", ["expected a layout's name or an exact layout, found `main-vertica`"]),
        ("panes: [{size: 0}]", ["expected cells (`20`) or a percentage from `1%` to `99%`, found `0`"]),
        ("panes: [{size: 100%}]", ["expected cells (`20`) or a percentage from `1%` to `99%`, found `100%`"]),
        ("panes: [{size: 0%}]", ["expected cells (`20`) or a percentage from `1%` to `99%`, found `0%`"]),
    ],
)
def test_windows_are_laid_out(tmp_path: Path, window: str, complaints: list[str]) -> None:
    found = reading.complaints(tmp_path, f"sessions: {{s: {{windows: [{{{window}}}]}}}}\n")
    assert [complaint.partition(" ")[2] for complaint in found] == complaints


def test_the_name_that_was_meant_is_guessed(tmp_path: Path) -> None:
    [one] = reading.diagnostics(tmp_path, "sessions: {s: {windows: [{layout: main-vertica}]}}\n")
    assert one.hint == "did you mean `main-vertical`?"
