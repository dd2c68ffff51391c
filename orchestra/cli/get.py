"""`orchestra get`: one kind of thing as a table, or as rows of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, status, suggest, table

if TYPE_CHECKING:  # see options
    from orchestra.plan import overview

Row = Mapping[str, object]


@click.command("get")
@click.argument("kind", type=click.Choice(["workspaces", "sessions", "panes"]))
@click.option(
    "--workspace",
    "-w",
    metavar="NAME",
    shell_complete=suggest.workspaces,
    help="Only of this workspace.",
)
@options.common
def command(common: options.Common, kind: str, workspace: str | None) -> int:
    """List what is on the tmux server and is orchestra's. A row's words stand in fixed columns; -o json has more.

    \b
    Examples:
      orchestra get panes
      orchestra get sessions --workspace shop -o json
    """
    from orchestra.daemon import assemble

    assembly = common.assembly()
    found = status.wanted(assembly, assembly.look(), workspace)
    if kind == "workspaces":
        rows = [row for each in found for row in _workspaces(each)]
        columns: Sequence[str] = ("name", "sessions", "panes", "running", "waiting", "completed", "failed")
    elif kind == "sessions":
        rows = [row for each in found for row in _sessions(each)]
        columns = ("address", "workspace", "windows", "panes", "attached", "labels")
    else:
        ages = assemble.ages([pane.pid for each in found for pane in each.panes])
        rows = [row for each in found for row in _panes(each, ages)]
        columns = ("address", "workspace", "status", "pid", "age", "title", "labels", "detail")
    if common.json:
        output.result("get", {kind: rows})
        return codes.OK
    cells = [[_cell(name, row) for name in columns] for row in rows]
    for line in table.lines([[name.upper() for name in columns], *cells], head=True):
        output.say(line)
    return codes.OK


def _workspaces(workspace: overview.Workspace) -> list[Row]:
    from orchestra.plan import overview

    return [
        {
            "name": workspace.name,
            "sessions": len(workspace.sessions),
            "panes": len(workspace.panes),
            **{str(each): workspace.count(each) for each in overview.Condition},
        }
    ]


def _sessions(workspace: overview.Workspace) -> list[Row]:
    return [
        {
            "address": session.address,
            "workspace": workspace.name,
            "tmux_name": session.live_name or None,
            "windows": len(session.windows),
            "panes": len(session.panes),
            "foreign_panes": session.foreign,
            "attached": session.attached,
            "labels": dict(session.labels),
        }
        for session in workspace.sessions
    ]


def _panes(workspace: overview.Workspace, ages: status.Ages) -> list[Row]:
    return [
        {**status.plain_pane(pane, ages), "workspace": workspace.name, "window": window.address}
        for session in workspace.sessions
        for window in session.windows
        for pane in window.panes
    ]


def _cell(name: str, row: Row) -> str:
    """Never empty, so that words can be counted."""
    if name == "age":
        seconds = row["seconds"]
        return output.duration(seconds) if isinstance(seconds, int | float) else "-"
    value = row[name]
    if isinstance(value, Mapping):
        value = table.labels(value)
    return "-" if value is None or value == "" else str(value)
