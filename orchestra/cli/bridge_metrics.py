"""The old spellings `pane-metrics`, `session-metrics` and `metrics-history`: their arguments, and the fields their readers know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, figures, options, output
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.model import metrics

INTERVAL = timedelta(milliseconds=500)
"""Between two samples, where no daemon measures."""


def fields(usage: metrics.Usage | None) -> dict[str, object]:
    """As the bridge called them: MB and KB of 1024, percent of one core and of the machine's memory."""
    from orchestra.daemon.react import measuring

    percent = usage.cpu_percent if usage is not None else None
    rss = usage.rss if usage is not None else 0
    return {
        "cpu_percent": round(percent or 0.0, 1),
        "memory_mb": round(rss / 1024**2, 1),
        "memory_percent": round(100 * rss / measuring.memory(), 1),
        "io_read_kb": usage.io_read // 1024 if usage is not None else 0,
        "io_write_kb": usage.io_write // 1024 if usage is not None else 0,
        "uptime_seconds": int(usage.uptime) if usage is not None else 0,
        "thread_count": usage.threads if usage is not None else 0,
        "process_count": usage.processes if usage is not None else 0,
    }


@click.command("pane-metrics")
@click.argument("session")
@click.argument("pane")
@options.common
def pane_metrics(common: options.Common, session: str, pane: str) -> int:
    """What a pane uses, as JSON: PANE is its name, its number in the session, or tmux's %id.

    \b
    Example:
      orchestra pane-metrics dev 0
    """
    rows = figures.source(common, INTERVAL).rows()
    number, row = _pane(_inside(rows, session), session, _named(common, session, pane))
    return _tell("pane-metrics", session, {"pane_id": number, **fields(row.usage)})


@click.command("session-metrics")
@click.argument("session")
@options.common
def session_metrics(common: options.Common, session: str) -> int:
    """What the panes of a session use together, and each, as JSON.

    \b
    Example:
      orchestra session-metrics dev
    """
    from orchestra.model import metrics

    rows = _inside(figures.source(common, INTERVAL).rows(), session)
    used = [row.usage for row in rows if row.usage is not None]
    panes = [
        {"pane_id": number, "label": row.pane.address.rpartition("/")[2], **fields(row.usage)}
        for number, row in enumerate(rows)
    ]
    body = {"pane_count": len(rows), **fields(metrics.total(used)), "panes": panes}
    return _tell("session-metrics", session, body)


@click.command("metrics-history")
@click.argument("session")
@click.argument("pane")
@click.argument("duration", type=options.Duration(), default="1h")
@options.common
def metrics_history(common: options.Common, session: str, pane: str, duration: timedelta) -> int:
    """How a pane's use was in the last DURATION, an hour without one, as JSON. The daemon remembers it.

    \b
    Example:
      orchestra metrics-history dev 0 10m
    """
    from orchestra.daemon.react import measuring

    there = figures.rememberer(common)
    rows = _inside(figures.told(there, max_age=60.0), session)
    number, row = _pane(rows, session, _named(common, session, pane))
    points = [
        {
            "timestamp": _stamp(datetime.fromtimestamp(point["time"], UTC)),
            "cpu_percent": round(point["cpu_percent"] or 0.0, 1),
            "memory_mb": round(point["rss"] / 1024**2, 1),
            "memory_percent": round(100 * point["rss"] / measuring.memory(), 1),
            "io_read_kb_per_second": round((point["io_read_rate"] or 0.0) / 1024, 1),
            "io_write_kb_per_second": round((point["io_write_rate"] or 0.0) / 1024, 1),
            "thread_count": point["threads"],
            "process_count": point["processes"],
        }
        for point in figures.history(there, row, duration)
    ]
    return _tell("metrics-history", session, {"pane_id": number, "history": points})


def _tell(command: str, session: str, body: dict[str, Any]) -> int:
    from orchestra.host import clock

    now = _stamp(clock.Clock().now())
    output.result(command, {"session": session, **body, "timestamp": now})
    return codes.OK


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _inside(rows: Sequence[metrics.Row], session: str) -> list[metrics.Row]:
    """In tmux's order, so that the old numbers count."""
    found = [row for row in rows if row.pane.tmux_session == session]
    found = found or [row for row in rows if row.pane.session == session]
    if not found:
        there = ", ".join(dict.fromkeys(row.pane.tmux_session for row in rows))
        raise errors.OrchestraError(
            f"there is no session {session}", hint=f"there are: {there}" if there else None
        )
    return found


def _named(common: options.Common, session: str, pane: str) -> str:
    """tmux's id of a pane by what it is called by hand; the sampler does not know such names."""
    from orchestra.plan import addressing

    try:
        return addressing.in_session(common.assembly().tmux.observe(), session, pane).id
    except errors.UsageError:
        return pane


def _pane(rows: Sequence[metrics.Row], session: str, text: str) -> tuple[int, metrics.Row]:
    for number, row in enumerate(rows):
        if text in (row.pane.id, row.pane.address, row.pane.address.rpartition("/")[2]):
            return number, row
    if text.isdecimal() and int(text) < len(rows):
        return int(text), rows[int(text)]
    there = ", ".join(row.pane.address.rpartition("/")[2] for row in rows)
    raise errors.OrchestraError(f"there is no pane {text} in {session}", hint=f"there are: {there}")
