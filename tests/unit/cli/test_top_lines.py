from __future__ import annotations

import pytest

from orchestra.cli import table, top_lines
from tests.unit.cli import figured

ROWS = [
    figured.row("own/0", 3.0, workspace=""),
    figured.row("api/server", 50.0, rss=10, restarts=2),
    figured.row("api/db", 5.0, rss=30),
    figured.row("api/job", condition="failed"),
    figured.row("web/shell", None, workspace="blog", uptime=99.0),
]


def shown(lines: list[top_lines.Line]) -> list[str]:
    return ["  " * line.depth + line.name for line in lines]


def test_tree_has_ours_first_and_sums() -> None:
    lines = top_lines.lines(ROWS, {})
    assert shown(lines) == [
        "blog",
        "  web",
        "    shell",
        "shop",
        "  api",
        "    server",
        "    db",
        "    job",
        "not orchestra's",
        "  own",
        "    0",
    ]
    shop = lines[3]
    assert shop.conditions == "2● 1✗"
    assert shop.usage is not None
    assert shop.usage.cpu_percent == 55.0


@pytest.mark.parametrize(
    ("order", "first"),
    [
        (top_lines.Order.CPU, "api/server"),
        (top_lines.Order.MEMORY, "own/0"),
        (top_lines.Order.RESTARTS, "api/server"),
        (top_lines.Order.UPTIME, "web/shell"),
    ],
)
def test_ordered_by_a_figure_panes_stand_alone(order: top_lines.Order, first: str) -> None:
    lines = top_lines.lines(ROWS, {}, order=order)
    assert len(lines) == len(ROWS)
    assert lines[0].name == first
    assert lines[-1].name == ("api/job" if order is not top_lines.Order.RESTARTS else "web/shell")


@pytest.mark.parametrize(
    ("words", "names"),
    [("api", "server db job"), ("SHOP fail", "job"), ("blog", "shell"), ("nothing", ""), ("exit", "job")],
)
def test_only_what_holds_every_word(words: str, names: str) -> None:
    lines = top_lines.lines(ROWS, {}, wanted=words)
    assert " ".join(line.name for line in lines if line.row is not None) == names


@pytest.mark.parametrize("width", [10, 20, 24, 40, 60, 80, 100, 120, 200])
def test_columns_fit_whatever_the_width(width: int) -> None:
    rows = [figured.row("a/b", health="healthy", restarts=1)]
    columns = top_lines.columns(width, rows)
    assert columns[0].title == "PANE"
    assert sum(column.width + top_lines.GAP for column in columns) <= max(width, 17)
    for line in top_lines.lines(ROWS, {}):
        for column in columns:
            assert table.width(top_lines.cell(column, line)) == column.width


def test_what_matters_least_goes_first() -> None:
    rows = [figured.row("a/b", health="healthy", restarts=1)]

    def titles(width: int) -> set[str]:
        return {column.title for column in top_lines.columns(width, rows)}

    assert titles(40) == {"PANE", "CPU", "MEMORY"}
    assert titles(80) >= {"CONDITION", "HEALTH", "RESTARTS", "CPU"}
    assert titles(140) >= {"READ", "CPU BEFORE", "UP"}
    assert top_lines.columns(200, rows)[0].width == top_lines.LEAST_NAME
    assert "HEALTH" not in {column.title for column in top_lines.columns(140, ROWS)}, "nobody probes"


def test_cell_shows_no_escape_and_is_cut_by_cells() -> None:
    line = top_lines.Line(key="k", depth=0, name="\x1b[31m日本語" + "x" * 30, usage=None)
    column = top_lines.columns(24)[0]
    shown = top_lines.cell(column, line)
    assert "\x1b" not in shown
    assert table.width(shown) == column.width
    assert shown.endswith("…") or shown.endswith("… ")


def test_sparks_are_by_the_panes_own_greatest() -> None:
    row = figured.row("a/b")
    past = next(column for column in top_lines.columns(200) if column.title == "CPU BEFORE")
    (line,) = top_lines.lines([row], {row.pane.id: [None, 0.0, 40.0, 80.0]}, order=top_lines.Order.CPU)
    assert top_lines.cell(past, line).endswith(" ▁▅█")
    (line,) = top_lines.lines([row], {row.pane.id: [0.1, 0.2]}, order=top_lines.Order.CPU)
    assert top_lines.cell(past, line).endswith(" ▁▁")
