"""`orchestra metrics`: what panes use of the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, figures, options, output, suggest, table
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.model import metrics

HEAD = ("PANE", "CPU", "MEMORY", "READ", "WRITTEN", "THREADS", "PROCESSES", "UPTIME")
MOST_LINES = 30
"""Of a history that is printed for people."""


@click.command("metrics")
@click.argument("addresses", metavar="[ADDRESS…]", nargs=-1, shell_complete=suggest.addresses)
@click.option("--watch", is_flag=True, help="Again and again, until Ctrl-C; with -o json a line each time.")
@click.option(
    "--history", type=options.Duration(), help="How it was: up to an hour, or longer if it is kept."
)
@click.option(
    "--interval",
    type=options.Duration(),
    help="Between two samples; else 2s, and 1s once where no daemon measures.",
)
@click.option("--pss", is_flag=True, help="Also memory without what is shared; takes a little longer.")
@click.option("--prometheus", is_flag=True, help="All the daemon has, as Prometheus reads it.")
@options.common
def command(
    common: options.Common,
    addresses: tuple[str, ...],
    watch: bool,
    history: timedelta | None,
    interval: timedelta | None,
    pss: bool,
    prometheus: bool,
) -> int:
    """Show what panes use, each with all its processes, and the sums: processor, memory, storage.

    An address is session/pane, a session, a window, a workspace, @group, @all (as without any), or tmux's own %id; panes that
    orchestra did not make are measured as well. CPU is of one core, over the time between two samples. A daemon measures all the
    time; without one two samples are taken, a second apart.

    \b
    Examples:
      orchestra metrics
      orchestra metrics api @backend --watch
      orchestra metrics api/server --history 1h -o json
    """
    if prometheus:
        return _prometheus(common, alone=not (addresses or watch or history or pss))
    words = addresses or ("@all",)
    if history is not None:
        return _history(common, words, history)
    source = figures.source(common, interval, watch=watch)
    if not watch:
        return _once(common, source, words, pss)
    while True:
        rows = source.rows(pss=pss)
        figures.chosen(common, rows, words)  # a slip ends it before the screen is wiped
        _once(common, source, words, pss, rows=rows, redraw=True)
        source.rest()


def _prometheus(common: options.Common, *, alone: bool) -> int:
    if common.json or not alone:
        raise errors.UsageError("--prometheus is all there is, in a form of its own", hint="say nothing else")
    output.say(figures.rememberer(common).text("/metrics").rstrip("\n"))
    return codes.OK


def _once(
    common: options.Common,
    source: figures.Source,
    words: Sequence[str],
    pss: bool,
    *,
    rows: Sequence[metrics.Row] | None = None,
    redraw: bool = False,
) -> int:
    rows = source.rows(pss=pss) if rows is None else rows
    chosen = figures.chosen(common, rows, words)
    if common.json:
        output.result("metrics", {"source": source.name, **_plain(common, chosen, rows, words)})
        sys.stdout.flush()
        return codes.OK
    lines = list(_lines(chosen, pss))
    used = [row.usage for row in chosen if row.usage is not None]
    over = max((each.interval for each in used if each.interval is not None), default=None)
    if redraw and sys.stdout.isatty():
        output.say("\x1b[H\x1b[J" + "\n".join(lines))
    else:
        for line in lines:
            output.say(line)
    sys.stdout.flush()
    if over is not None and not redraw:
        output.note(f"over the last {output.duration(over)}, measured by {source.name}")
    return codes.OK


def _lines(rows: Sequence[metrics.Row], pss: bool) -> Iterator[str]:
    from orchestra.model import metrics

    head = [*HEAD[:3], "PSS", *HEAD[3:]] if pss else list(HEAD)
    told: list[list[str]] = [head]
    sessions = _by_session(rows)
    for name, inside in sessions.items():
        told += [[row.pane.address, *figures.cells(row.usage, pss=pss)] for row in inside]
        if len(inside) > 1 and len(sessions) > 1:
            told.append(
                [f"{name[1]}: {len(inside)} panes", *figures.cells(metrics.total(_used(inside)), pss=pss)]
            )
    if len(rows) > 1:
        told.append([f"all {len(rows)} panes", *figures.cells(metrics.total(_used(rows)), pss=pss)])
    yield from table.lines(told, head=True)


def _by_session(rows: Sequence[metrics.Row]) -> Mapping[tuple[str, str], list[metrics.Row]]:
    found: dict[tuple[str, str], list[metrics.Row]] = {}
    for row in rows:
        found.setdefault((row.pane.workspace, row.pane.session), []).append(row)
    return found


def _used(rows: Sequence[metrics.Row]) -> list[metrics.Usage]:
    return [row.usage for row in rows if row.usage is not None]


def _plain(
    common: options.Common, chosen: Sequence[metrics.Row], rows: Sequence[metrics.Row], words: Sequence[str]
) -> dict[str, Any]:
    from orchestra.model import metrics

    def summed(inside: Sequence[metrics.Row]) -> dict[str, Any]:
        return {"pane_count": len(inside), **metrics.dump_usage(metrics.total(_used(inside)))}

    return {
        "panes": [metrics.dump(row) for row in chosen],
        "sessions": [
            {"session": session, "workspace": workspace, **summed(inside)}
            for (workspace, session), inside in _by_session(chosen).items()
        ],
        "groups": [
            {"group": word, **summed(figures.chosen(common, rows, [word]))}
            for word in words
            if word.startswith("@") and word != "@all"
        ],
        "total": summed(chosen),
    }


def _history(common: options.Common, words: Sequence[str], duration: timedelta) -> int:
    there = figures.rememberer(common)
    chosen = figures.chosen(common, figures.told(there, max_age=60.0), words)
    found = [(row.pane, figures.history(there, row, duration)) for row in chosen]
    if common.json:
        panes = [
            {"address": pane.address, "id": pane.id, "workspace": pane.workspace, "points": points}
            for pane, points in found
        ]
        output.result("metrics", {"history": panes})
        return codes.OK
    for number, (pane, points) in enumerate(found):
        if number:
            output.say("")
        output.say(output.paint(output.one_line(pane.address), sys.stdout, bold=True))
        if not points:
            output.say("nothing is known yet")
            continue
        rows = [["TIME", "CPU", "MEMORY", "READ/S", "WRITTEN/S", "THREADS", "PROCESSES"]]
        rows += [_past(group) for group in figures.spread(points, MOST_LINES)]
        for line in table.lines(rows, head=True):
            output.say(line)
    return codes.OK


def _past(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Several points as one line: their mean, at the time of the last."""

    def mean(name: str) -> float | None:
        known = [point[name] for point in points if point[name] is not None]
        return sum(known) / len(known) if known else None

    at = datetime.fromtimestamp(points[-1]["time"]).astimezone()
    return [
        at.strftime("%m-%d %H:%M:%S"),
        figures.percent(mean("cpu_percent")),
        figures.size(mean("rss")),
        figures.size(mean("io_read_rate")),
        figures.size(mean("io_write_rate")),
        str(points[-1]["threads"]),
        str(points[-1]["processes"]),
    ]
