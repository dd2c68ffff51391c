"""What `orchestra top` shows, line by line and column by column, without a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from orchestra.cli import figures, output, table
from orchestra.model import metrics
from orchestra.model.frozen import frozen

IDLE = 10.0
"""Percent of a core: what stays below never fills a block."""
SPARKS = 20
"""Points of the past."""
MARKS = {
    "running": "●",
    "typing": "●",
    "waiting": "○",
    "completed": "✓",
    "failed": "✗",
    "stopped": "■",
    "ended": "■",
}
NOBODYS = "not orchestra's"


class Order(StrEnum):
    TREE = "tree"
    CPU = "cpu"
    MEMORY = "memory"
    RESTARTS = "restarts"
    UPTIME = "uptime"


@frozen
class Line:
    """A workspace, a session, or a pane (which alone has a `row`)."""

    key: str
    depth: int
    name: str
    usage: metrics.Usage | None
    row: metrics.Row | None = None
    conditions: str = ""
    """Of a workspace: how many of its panes are how, as `MARKS`."""
    recent: Sequence[float | None] = ()


@frozen
class Column:
    title: str
    width: int
    text: Callable[[Line], str]
    right: bool = True


def lines(
    rows: Sequence[metrics.Row],
    recent: Mapping[str, Sequence[float | None]],
    *,
    order: Order = Order.TREE,
    wanted: str = "",
) -> list[Line]:
    """Panes that hold every word of `wanted`; ordered by a figure they stand alone, greatest first."""
    words = wanted.lower().split()
    found = [row for row in rows if all(word in _searched(row) for word in words)]
    if order is not Order.TREE:
        ordered = sorted(found, key=lambda row: _value(row, order), reverse=True)
        return [_pane(row, recent, depth=0) for row in ordered]
    told: list[Line] = []
    # Ours first; sorting is stable, so tmux's order stays otherwise.
    for workspace in sorted(
        dict.fromkeys(row.pane.workspace for row in found), key=lambda name: (not name, name)
    ):
        inside = [row for row in found if row.pane.workspace == workspace]
        told.append(
            Line(
                key=f"workspace {workspace}",
                depth=0,
                name=workspace or NOBODYS,
                usage=_total(inside),
                conditions=_conditions(inside),
            )
        )
        for session in dict.fromkeys(row.pane.session for row in inside):
            panes = [row for row in inside if row.pane.session == session]
            key = f"session {workspace} {session}"
            told.append(Line(key=key, depth=1, name=session, usage=_total(panes)))
            told += [_pane(row, recent, depth=2) for row in panes]
    return told


def columns(width: int, rows: Sequence[metrics.Row] = ()) -> list[Column]:
    """As many as fit and as have anything to show; the pane's name takes of the rest what it needs. What matters least goes first."""
    empty = []
    if all(row.health is None for row in rows):
        empty.append(HEALTH)
    if all(row.restarts is None for row in rows):
        empty.append(RESTARTS)
    shown = [column for column in _LEAST_FIRST if column not in empty]
    room = width - LEAST_NAME - GAP
    while shown and sum(column.width + GAP for column in shown) > room:
        shown.pop(0)
    ordered = [column for column in _ALL if column in shown]
    longest = (
        max((table.width(row.pane.address) for row in rows), default=0) + 6
    )  # with its mark, below a session
    left = width - sum(column.width + GAP for column in ordered) - GAP
    name = max(LEAST_NAME, min(left, longest))
    return [Column(title="PANE", width=name, text=_name, right=False), *ordered]


def cell(column: Column, line: Line) -> str:
    """As wide as its column, and nothing in it that a terminal would obey."""
    text = output.one_line(column.text(line))
    if table.width(text) > column.width:
        while text and table.width(text) > column.width - 1:
            text = text[:-1]
        text += "…"
    room = " " * (column.width - table.width(text))
    return room + text if column.right else text + room


LEAST_NAME, GAP = 16, 1


def _pane(row: metrics.Row, recent: Mapping[str, Sequence[float | None]], *, depth: int) -> Line:
    name = row.pane.address.rpartition("/")[2] if depth else row.pane.address
    return Line(
        key=row.pane.id,
        depth=depth,
        name=name,
        usage=row.usage,
        row=row,
        recent=recent.get(row.pane.id, ()),
    )


def _searched(row: metrics.Row) -> str:
    pane = row.pane
    parts = (
        pane.workspace,
        pane.address,
        pane.tmux_session,
        pane.condition,
        pane.detail,
        pane.id,
        row.health,
    )
    return " ".join(part for part in parts if part).lower()


def _value(row: metrics.Row, order: Order) -> float:
    usage = row.usage
    match order:
        case Order.CPU:
            return usage.cpu_percent or 0.0 if usage is not None else -1.0
        case Order.MEMORY:
            return usage.rss if usage is not None else -1.0
        case Order.RESTARTS:
            return row.restarts or 0
        case Order.UPTIME:
            return usage.uptime if usage is not None else -1.0
        case Order.TREE:
            return 0.0


def _total(rows: Sequence[metrics.Row]) -> metrics.Usage | None:
    used = [row.usage for row in rows if row.usage is not None]
    return metrics.total(used) if used else None


def _conditions(rows: Sequence[metrics.Row]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        mark = MARKS.get(row.pane.condition, "?")
        counts[mark] = counts.get(mark, 0) + 1
    return " ".join(f"{count}{mark}" for mark, count in counts.items())


def _name(line: Line) -> str:
    mark = f"{MARKS.get(line.row.pane.condition, '?')} " if line.row is not None else ""
    return f"{'  ' * line.depth}{mark}{line.name}"


def _condition(line: Line) -> str:
    if line.row is None:
        return line.conditions
    pane = line.row.pane
    short = pane.detail if pane.detail.startswith(("exit ", "ended by ")) else ""
    return f"{pane.condition} {short.removeprefix('ended by ')}".rstrip()


def _usage(read: Callable[[metrics.Usage], str]) -> Callable[[Line], str]:
    return lambda line: "" if line.usage is None else read(line.usage)


def _restarts(line: Line) -> str:
    return str(line.row.restarts) if line.row is not None and line.row.restarts is not None else ""


def _sparks(line: Line) -> str:
    """Each pane's by its own greatest: the figure beside it says how much that is."""
    if line.row is None:
        return ""
    top = max(IDLE, *(value for value in line.recent if value is not None), 0.0)
    return figures.sparkline(line.recent, SPARKS, top)


CONDITION = Column(title="CONDITION", width=16, text=_condition, right=False)
HEALTH = Column(
    title="HEALTH",
    width=9,
    text=lambda line: (line.row.health or "") if line.row is not None else "",
    right=False,
)
RESTARTS = Column(title="RESTARTS", width=8, text=_restarts)
CPU = Column(title="CPU", width=7, text=_usage(lambda usage: figures.percent(usage.cpu_percent)))
PAST = Column(title="CPU BEFORE", width=SPARKS, text=_sparks)
MEMORY = Column(title="MEMORY", width=7, text=_usage(lambda usage: figures.size(usage.rss)))
READ = Column(title="READ", width=7, text=_usage(lambda usage: figures.size(usage.io_read)))
WRITTEN = Column(title="WRITTEN", width=7, text=_usage(lambda usage: figures.size(usage.io_write)))
PROCESSES = Column(title="PROC", width=4, text=_usage(lambda usage: str(usage.processes)))
UPTIME = Column(title="UP", width=5, text=_usage(lambda usage: output.duration(usage.uptime)))

_ALL = (CONDITION, HEALTH, RESTARTS, CPU, PAST, MEMORY, READ, WRITTEN, PROCESSES, UPTIME)
_LEAST_FIRST = (READ, WRITTEN, PROCESSES, UPTIME, PAST, HEALTH, RESTARTS, CONDITION, MEMORY, CPU)
