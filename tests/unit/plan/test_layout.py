"""Layout strings against tmux's own: those of 3.3a are quoted as it printed them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from orchestra.model import spec
from orchestra.plan import layout

FROM_TMUX = (
    "a87d,100x30,0,0,0",
    "8e27,100x30,0,0{25x30,0,0,3,74x30,26,0,1}",
    "5b8a,200x50,0,0{80x50,0,0,0,119x50,81,0[119x24,81,0,1,119x25,81,25,2]}",
    "4efd,200x50,0,0[200x24,0,0{99x24,0,0,0,100x24,100,0,1},200x25,0,25,2]",
    "9f54,200x50,0,0[200x24,0,0,0,200x25,0,25{66x25,0,25,1,66x25,67,25,2,66x25,134,25,3}]",
    "2d0e,200x50,0,0[200x16,0,0{66x16,0,0,0,66x16,67,0,1,66x16,134,0,2},200x16,0,17{66x16,0,17,3,66x16,67,17,4,66x16,134,17,5},200x16,0,34,6]",
)
TERMINALS = ((200, 50), (137, 41), (80, 24), (61, 31))
CELLS, SHARE = spec.Size(cells=10), spec.Size(percent=30)


def leaves(cell: layout.Cell) -> Iterator[layout.Cell]:
    if not cell.kind:
        yield cell
    for each in cell.cells:
        yield from leaves(each)


def check_sums(cell: layout.Cell) -> None:
    """Its cells and the borders between them fill it, without a gap and without overlapping."""
    if not cell.kind:
        assert cell.width >= 1
        assert cell.height >= 1
        return
    assert len(cell.cells) > 1
    x, y = cell.x, cell.y
    for each in cell.cells:
        assert (each.x, each.y) == (x, y)
        if cell.kind == "{":
            assert each.height == cell.height
            x += each.width + 1
        else:
            assert each.width == cell.width
            y += each.height + 1
        check_sums(each)
    assert (x - 1 == cell.x + cell.width) if cell.kind == "{" else (y - 1 == cell.y + cell.height)


@pytest.mark.parametrize("text", FROM_TMUX)
def test_checksum_is_tmuxs(text: str) -> None:
    said, _, body = text.partition(",")
    assert layout.checksum(body) == said


@pytest.mark.parametrize("text", FROM_TMUX)
def test_what_tmux_prints_is_understood(text: str) -> None:
    cell = layout.parse(text)
    check_sums(cell)
    assert layout.parse(layout.to_text(cell)) == cell
    assert layout.count(cell) == len(list(leaves(cell)))


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 10])
@pytest.mark.parametrize("name", [*layout.NAMES, None])
def test_every_layout_fills_the_window(name: str | None, count: int, terminal: tuple[int, int]) -> None:
    text = layout.arrange(name, [None] * count, *terminal)
    cell = layout.parse(text)
    check_sums(cell)
    assert (cell.x, cell.y, cell.width, cell.height) == (0, 0, *terminal)
    assert layout.count(cell) == count
    assert layout.to_text(cell) == text


@pytest.mark.parametrize("count", [2, 3, 4, 6])
@pytest.mark.parametrize("name", ["even-horizontal", "even-vertical"])
def test_even_is_even(name: str, count: int) -> None:
    cells = list(leaves(layout.parse(layout.arrange(name, [None] * count, 200, 50))))
    lengths = [cell.width if name == "even-horizontal" else cell.height for cell in cells]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("count", range(2, 13))
def test_tiled_has_tmuxs_grid(count: int) -> None:
    """As many rows and columns as `layout_set_tiled` makes: rows first, then columns, until all have room."""
    rows = columns = 1
    while rows * columns < count:
        rows += 1
        if rows * columns < count:
            columns += 1
    cell = layout.parse(layout.arrange("tiled", [None] * count, 200, 50))
    assert len({each.y for each in leaves(cell)}) == rows
    assert len({each.x for each in leaves(cell) if each.y == 0}) == columns


@pytest.mark.parametrize(
    ("name", "sizes", "lengths"),
    [
        ("even-horizontal", [CELLS, None, None], [10, 94, 94]),
        ("even-horizontal", [SHARE, None], [60, 139]),
        ("even-horizontal", [None, SHARE, CELLS], [128, 60, 10]),
        ("even-horizontal", [CELLS, CELLS], [10, 189]),  # all say a size: the last takes the rest
        ("even-vertical", [CELLS, None], [10, 39]),
        (None, [CELLS, None], [10, 39]),  # stacked, as soon as a pane has a size
        (None, [spec.Size(percent=1), None], [1, 48]),
        ("main-vertical", [CELLS, None, None], [10, 189, 189]),
        ("main-vertical-mirrored", [None, None, CELLS], [189, 189, 10]),
    ],
)
def test_sizes_are_kept(name: str | None, sizes: list[spec.Size | None], lengths: list[int]) -> None:
    cells = list(leaves(layout.parse(layout.arrange(name, sizes, 200, 50))))
    stacked = name in (None, "even-vertical")
    assert [cell.height if stacked else cell.width for cell in cells] == lengths


@pytest.mark.parametrize(
    ("name", "sizes", "lengths"),
    [
        ("main-vertical", [None, CELLS, None], [50, 10, 39]),
        ("main-vertical-mirrored", [CELLS, None, None], [10, 39, 50]),
        ("main-horizontal", [None, CELLS, None], [25, 24, 24]),
        ("main-horizontal", [CELLS, None, None], [10, 39, 39]),
        ("main-horizontal-mirrored", [None, None, CELLS], [39, 39, 10]),
    ],
)
def test_heights_of_what_stands_beside_the_main_pane(
    name: str, sizes: list[spec.Size | None], lengths: list[int]
) -> None:
    cells = leaves(layout.parse(layout.arrange(name, sizes, 200, 50)))
    assert [cell.height for cell in cells] == lengths


def test_the_main_pane_has_half() -> None:
    first, *_ = leaves(layout.parse(layout.arrange("main-vertical", [None, None, None], 200, 50)))
    assert (first.width, first.height) == (100, 50)


@pytest.mark.parametrize(
    ("name", "sizes", "terminal"),
    [
        ("even-horizontal", [None] * 11, (20, 24)),
        ("even-vertical", [None] * 6, (80, 10)),
        ("tiled", [None] * 100, (10, 10)),
        ("main-vertical", [None, None], (2, 24)),
        ("main-horizontal", [None] * 5, (6, 24)),
        ("even-horizontal", [spec.Size(percent=60), spec.Size(percent=40), None], (200, 50)),
        ("even-horizontal", [spec.Size(cells=199), None], (200, 50)),
    ],
)
def test_what_does_not_fit_is_refused(
    name: str, sizes: list[spec.Size | None], terminal: tuple[int, int]
) -> None:
    with pytest.raises(layout.TooSmall):
        layout.arrange(name, sizes, *terminal)


@pytest.mark.parametrize(
    ("name", "count", "terminal"),
    [("even-horizontal", 10, (19, 1)), ("even-vertical", 5, (1, 9)), ("main-vertical", 2, (3, 1))],
)
def test_what_just_fits_fits(name: str, count: int, terminal: tuple[int, int]) -> None:
    cells = list(leaves(layout.parse(layout.arrange(name, [None] * count, *terminal))))
    assert {cell.width if terminal[0] > terminal[1] else cell.height for cell in cells} == {1}


def test_an_exact_layout_is_passed_through() -> None:
    assert layout.arrange(FROM_TMUX[1], [None, None], 80, 24) == FROM_TMUX[1]


def exact(body: str) -> str:
    return f"{layout.checksum(body)},{body}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000,100x30,0,0,0",
        exact(""),
        exact("100x30"),
        exact("100x30,0,0{50x30,0,0,0"),
        exact("100x30,0,0{50x30,0,0,0]"),
        exact("100x30,0,0,0,1"),
        exact("100x30,0,0{50x30,0,0,0;49x30,51,0,1}"),
        exact("9x9,0,0[" * 300),
        json.dumps({"L": {"t": "h", "w": 1}}),
        json.dumps({"L": 3}),
        "{",
    ],
)
def test_what_is_no_layout_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the text is: one kind of error
        layout.parse(text)


def test_cells_without_ids_are_understood() -> None:
    assert layout.parse(exact("159x48,0,0{79x48,0,0,79x48,80,0}")) == layout.parse(
        exact("159x48,0,0{79x48,0,0,5,79x48,80,0,6}")
    )


def test_json_of_newer_versions_is_understood() -> None:
    pane = {"t": "p", "w": 79, "h": 48, "y": 0}
    text = json.dumps(
        {"L": {"t": "h", "w": 159, "h": 48, "x": 0, "y": 0, "c": [{**pane, "x": 0}, {**pane, "x": 80}]}}
    )
    assert layout.parse(text) == layout.parse(exact("159x48,0,0{79x48,0,0,79x48,80,0}"))


MAIN = (
    "e103,200x50,0,0{80x50,0,0,0,119x50,81,0"
    "[119x7,81,0,1,119x7,81,8,2,119x7,81,16,3,119x7,81,24,4,119x7,81,32,5,119x10,81,40,6]}"
)
GRID = FROM_TMUX[5]
SCALED = (  # by tmux 3.3a in one step
    (
        MAIN,
        "c7d9,137x41,0,0{48x41,0,0,0,88x41,49,0"
        "[88x5,49,0,1,88x5,49,6,2,88x5,49,12,3,88x6,49,18,4,88x6,49,25,5,88x9,49,32,6]}",
    ),
    (
        GRID,
        "7421,137x41,0,0[137x13,0,0{45x13,0,0,0,45x13,46,0,1,45x13,92,0,2},"
        "137x13,0,14{45x13,0,14,3,45x13,46,14,4,45x13,92,14,5},137x13,0,28,6]",
    ),
)
SCALED_ON = (  # and on from there, to a third size
    (GRID, "5934,61x19,0,0[61x5,0,0{19x5,0,0,0,19x5,20,0,1,21x5,40,0,2},61x5,0,6{19x5,0,6,3,19x5,20,6,4,21x5,40,6,5},61x7,0,12,6]"),
    (MAIN, "f811,90x33,0,0{24x33,0,0,0,65x33,25,0[65x3,25,0,1,65x3,25,4,2,65x4,25,8,3,65x5,25,13,4,65x5,25,19,5,65x8,25,25,6]}"),
)  # fmt: skip


@pytest.mark.parametrize(("before", "after"), SCALED)
def test_scaled_as_tmux_scales(before: str, after: str) -> None:
    there = layout.parse(after)
    assert layout.scaled(layout.parse(before), there.width, there.height) == there


@pytest.mark.parametrize(("before", "after"), [*SCALED, *SCALED_ON])
def test_what_tmux_scaled_is_the_same(before: str, after: str) -> None:
    assert layout.same(before, after)


@pytest.mark.parametrize("terminal", [*TERMINALS, (5, 3), (1, 1)])
@pytest.mark.parametrize("text", FROM_TMUX)
def test_scaled_cells_still_fill_the_window(text: str, terminal: tuple[int, int]) -> None:
    """Or what is left of it: no pane vanishes."""
    before = layout.parse(text)
    cell = layout.scaled(before, *terminal)
    check_sums(cell)
    assert layout.count(cell) == layout.count(before)
    assert cell.width >= terminal[0]
    assert cell.height >= terminal[1]
    assert terminal not in TERMINALS or (cell.width, cell.height) == terminal
    assert layout.scaled(cell, cell.width, cell.height) == cell


def test_other_ids_are_the_same() -> None:
    assert layout.same(exact("9x9,0,0{4x9,0,0,1,4x9,5,0,2}"), exact("9x9,0,0{4x9,0,0,7,4x9,5,0,3}"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("200x50,0,0{100x50,0,0,0,99x50,101,0,1}", "200x50,0,0{101x50,0,0,0,98x50,102,0,1}"),  # by one cell
        ("200x50,0,0{100x50,0,0,0,99x50,101,0,1}", "100x25,0,0{25x25,0,0,0,74x25,26,0,1}"),  # and scaled
        (
            "200x50,0,0{60x50,0,0,0,139x50,61,0,1}",
            "120x50,0,0{36x50,0,0,0,83x50,37,0,1}",
        ),  # in proportion: not tmux
        ("200x50,0,0{100x50,0,0,0,99x50,101,0,1}", "200x50,0,0[200x25,0,0,0,200x24,0,26,1]"),
        ("200x50,0,0{100x50,0,0,0,99x50,101,0,1}", "200x50,0,0,0"),
        ("200x50,0,0{66x50,0,0,0,66x50,67,0,1,66x50,134,0,2}", "200x50,0,0{66x50,0,0,0,133x50,67,0,1}"),
    ],
)
def test_what_somebody_did_is_not_the_same(before: str, after: str) -> None:
    assert not layout.same(exact(before), exact(after))


@pytest.mark.parametrize(("before", "after"), [("", FROM_TMUX[0]), (FROM_TMUX[0], ""), ("a,x", "a,y")])
def test_what_cannot_be_read_is_not_the_same(before: str, after: str) -> None:
    assert not layout.same(before, after)
