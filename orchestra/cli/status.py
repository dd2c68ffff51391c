"""`orchestra status`: how workspaces are, as a tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest, table
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.plan import overview

Ages = Mapping[int, timedelta]
"""By pid."""


@click.command("status")
@click.argument("workspace", required=False, shell_complete=suggest.workspaces)
@options.common
def command(common: options.Common, workspace: str | None) -> int:
    """Show the workspaces on the tmux server, or one of them: sessions, windows and panes, what runs and what ended how.

    All of it is read from the live server; no manifest is needed. Whether what runs is healthy is not known between applies.

    \b
    Examples:
      orchestra status
      orchestra status shop -o json
    """
    from orchestra.daemon import assemble

    assembly = common.assembly()
    found = wanted(common, assembly, workspace)
    ages = assemble.ages([pane.pid for each in found for pane in each.panes])
    if common.json:
        output.result("status", {"workspaces": [_plain(each, ages) for each in found]})
        return codes.OK
    if not found:
        output.note(f"no workspace on the tmux server {output.one_line(assembly.host.path)}")
    for number, each in enumerate(found):
        if number:
            output.say("")
        for line in _tree(each, ages):
            output.say(line)
    return codes.OK


def wanted(
    common: options.Common, assembly: assemble.Assembly, workspace: str | None
) -> tuple[overview.Workspace, ...]:
    """All of the server's, or the one that is named."""
    from orchestra.plan import overview

    every = overview.workspaces(assembly.look())
    if workspace is None:
        return every
    found = tuple(each for each in every if each.name == workspace)
    if not found:
        there = ", ".join(each.name for each in every)
        raise errors.UsageError(
            f"no workspace {workspace} on the tmux server {assembly.host.path}",
            hint=f"there are: {there}" if there else "there is no workspace of orchestra's on it",
        )
    return found


def counted(workspace: overview.Workspace) -> str:
    from orchestra.plan import overview

    parts = [(workspace.count(each), each) for each in overview.Condition]
    told = ", ".join(f"{count} {name}" for count, name in parts if count)
    return f"{output.number(len(workspace.panes), 'pane')}{': ' if told else ''}{told}"


def _tree(workspace: overview.Workspace, ages: Ages) -> Iterator[str]:
    """Panes' columns are aligned over the whole workspace; windows are shown where there are several."""
    rows: list[list[str]] = []
    lines: list[str | int] = []
    for session in workspace.sessions:
        lines.append(_session(session))
        for window in session.windows:
            several = len(session.windows) > 1
            if several:
                lines.append(f"    {output.one_line(window.address)}")
            for pane in window.panes:
                lines.append(len(rows))
                rows.append(_row(pane, ages, indent="      " if several else "    "))
        if session.foreign:
            text = f"    {output.number(session.foreign, 'pane')} that somebody opened"
            lines.append(output.paint(text, sys.stdout, dim=True))
    name = output.paint(output.one_line(workspace.name), sys.stdout, bold=True)
    yield f"{name}  {counted(workspace)}"
    told = table.lines(rows) if rows else []
    for line in lines:
        yield told[line] if isinstance(line, int) else line


def _session(session: overview.Session) -> str:
    parts = [f"  {output.one_line(session.address)}"]
    if session.labels:
        parts.append(f"[{output.one_line(table.labels(session.labels))}]")
    if not session.live_name:
        parts.append("its session is gone; panes of it stand elsewhere")
    elif session.live_name != session.address:
        parts.append(f"renamed {output.one_line(session.live_name)}")
    if session.attached:
        parts.append(f"{output.number(session.attached, 'client')} attached")
    return "  ".join(parts)


def _row(pane: overview.Pane, ages: Ages, *, indent: str) -> list[str]:
    age = ages.get(pane.pid)
    runs = f"pid {pane.pid}" if pane.pid else ""
    since = f"for {output.duration(age.total_seconds())}" if age is not None else ""
    more = [pane.detail, pane.title, f"[{table.labels(pane.labels)}]" if pane.labels else ""]
    return [f"{indent}{pane.address}", pane.condition, runs, since, "  ".join(each for each in more if each)]


def _plain(workspace: overview.Workspace, ages: Ages) -> dict[str, object]:
    from orchestra.plan import overview

    return {
        "name": workspace.name,
        "panes": len(workspace.panes),
        **{str(each): workspace.count(each) for each in overview.Condition},
        "sessions": [
            {
                "address": session.address,
                "tmux_name": session.live_name or None,
                "attached": session.attached,
                "labels": dict(session.labels),
                "foreign_panes": session.foreign,
                "windows": [
                    {
                        "address": window.address,
                        "foreign_panes": window.foreign,
                        "panes": [plain_pane(pane, ages) for pane in window.panes],
                    }
                    for window in session.windows
                ],
            }
            for session in workspace.sessions
        ],
    }


def plain_pane(pane: overview.Pane, ages: Ages) -> dict[str, object]:
    age = ages.get(pane.pid)
    return {
        "address": pane.address,
        "id": pane.id,
        "status": str(pane.condition),
        "detail": pane.detail,
        "pid": pane.pid or None,
        "seconds": round(age.total_seconds(), 1) if age is not None else None,
        "exit_code": pane.exit_code,
        "signal": pane.signal,
        "title": pane.title,
        "labels": dict(pane.labels),
    }
