"""`orchestra status`: how workspaces are, as a tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, health, options, output, suggest, table
from orchestra.host import clock
from orchestra.model import errors, verdicts
from orchestra.model import status as seen

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.plan import overview

Ages = Mapping[int, timedelta]
"""By pid."""
Groups = Mapping[str, tuple[tuple[str, ...], verdicts.Verdict]]
"""`@name` → its panes and its health."""


@click.command("status")
@click.argument("workspace", required=False, shell_complete=suggest.workspaces)
@options.common
def command(common: options.Common, workspace: str | None) -> int:
    """Show the workspaces on the tmux server, or one of them: sessions, windows and panes, what runs and what ended how.

    All of it is read from the live server; no manifest is needed. How healthy it is, why and since when, how often it was started
    again and what was given up the daemon tells, where one runs.

    \b
    Examples:
      orchestra status
      orchestra status shop -o json
    """
    from orchestra.daemon import assemble

    assembly = common.assembly()
    server = assembly.look()
    found = wanted(assembly, server, workspace)
    ages = assemble.ages([pane.pid for each in found for pane in each.panes])
    report = health.reported(common, server)
    of_groups = {each.name: health.groups(assembly, each.name, _verdicts(each, report)) for each in found}
    if common.json:
        rows = [_plain(each, ages, report, of_groups[each.name]) for each in found]
        output.result("status", {"measured": report.measured, "workspaces": rows})
        return codes.OK
    if not found:
        output.note(f"no workspace on the tmux server {output.one_line(assembly.host.path)}")
    for number, each in enumerate(found):
        if number:
            output.say("")
        for line in _tree(each, ages, report, of_groups[each.name]):
            output.say(line)
    if not report.measured:
        _tell_what_nobody_does(found, server)
    return codes.OK


def _tell_what_nobody_does(found: Sequence[overview.Workspace], server: seen.Server) -> None:
    from orchestra.cli import handing
    from orchestra.plan import applied  # only where no daemon runs

    for each in found:
        if wanted := handing.lives_on(applied.workspace(each.name, server)):
            output.note(
                f"no daemon runs, and {each.name} wants {wanted}; start it with: orchestra daemon start"
            )


def wanted(
    assembly: assemble.Assembly, server: seen.Server, workspace: str | None
) -> tuple[overview.Workspace, ...]:
    """All of the server's, or the one that is named."""
    from orchestra.plan import overview

    every = overview.workspaces(server)
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


def _verdicts(workspace: overview.Workspace, report: health.Report) -> list[tuple[str, verdicts.Verdict]]:
    return [
        (each.address, report.panes[each.id].verdict) for each in workspace.panes if each.id in report.panes
    ]


def _tree(
    workspace: overview.Workspace, ages: Ages, report: health.Report, of_groups: Groups
) -> Iterator[str]:
    """Panes' columns are aligned over the whole workspace; windows are shown where there are several."""
    now = clock.Clock().now()
    rows: list[list[str]] = []
    lines: list[str | int] = []
    for session in workspace.sessions:
        lines.append(_session(session, report.sessions.get((workspace.name, session.address))))
        for window in session.windows:
            several = len(session.windows) > 1
            if several:
                lines.append(f"    {output.one_line(window.address)}")
            for pane in window.panes:
                lines.append(len(rows))
                told = report.panes.get(pane.id)
                rows.append(_row(pane, ages, told, now, indent="      " if several else "    "))
        if session.foreign:
            text = f"    {output.number(session.foreign, 'pane')} that somebody opened"
            lines.append(output.paint(text, sys.stdout, dim=True))
    lines += [f"  {output.one_line(name)}  {_health(verdict)}" for name, (_, verdict) in of_groups.items()]
    if not any(row[4] for row in rows):  # nothing is known of anybody's health that the rest does not say
        rows = [[*row[:4], *row[6:]] for row in rows]
    name = output.paint(output.one_line(workspace.name), sys.stdout, bold=True)
    yield f"{name}  {counted(workspace)}"
    shown = table.lines(rows) if rows else []
    for line in lines:
        yield shown[line] if isinstance(line, int) else line


def _session(session: overview.Session, verdict: verdicts.Verdict | None) -> str:
    parts = [f"  {output.one_line(session.address)}"]
    if session.labels:
        parts.append(f"[{output.one_line(table.labels(session.labels))}]")
    if not session.live_name:
        parts.append("its session is gone; panes of it stand elsewhere")
    elif session.live_name != session.address:
        parts.append(f"renamed {output.one_line(session.live_name)}")
    if session.attached:
        parts.append(f"{output.number(session.attached, 'client')} attached")
    if verdict is not None and (verdict.health in _ILL or any(pane.checked for pane in session.panes)):
        parts.append(_health(verdict))
    return "  ".join(parts)


_ILL = (seen.Health.DEGRADED, seen.Health.UNHEALTHY)


def _health(verdict: verdicts.Verdict) -> str:
    name = output.paint(verdict.health, sys.stdout, fg=table.TONES[verdict.health])
    return f"{name} ({output.one_line(verdict.reason)})" if verdict.reason else name


def _row(
    pane: overview.Pane, ages: Ages, told: health.Told | None, now: datetime, *, indent: str
) -> list[str]:
    age = ages.get(pane.pid)
    runs = f"pid {pane.pid}" if pane.pid else ""
    since = f"for {output.duration(age.total_seconds())}" if age is not None else ""
    well, lasted, why = "", "", [""]
    if told is not None:
        if pane.checked and pane.pid:
            well = told.verdict.health
            lasted = _lasted(told.verdict.since, now)
            why = ["" if told.verdict.health is seen.Health.HEALTHY else told.verdict.reason]
        why += [
            f"given up: {told.given_up}" if told.given_up else "" if pane.pid else told.ended_because,
            f"starts again in {output.duration(told.restarts_in.total_seconds())}"
            if told.restarts_in is not None
            else "",
            f"restarts once {told.restarts_once}" if told.restarts_once else "",
            f"started again {output.number(told.restarts, 'time')}" if told.restarts else "",
            told.over_limits,
        ]
    labels = f"[{table.labels(pane.labels)}]" if pane.labels else ""
    more = [pane.detail, *why, pane.title, labels]
    head = [f"{indent}{pane.address}", pane.condition, runs, since, well, lasted]
    return [*head, "  ".join(each for each in more if each)]


def _lasted(since: datetime | None, now: datetime) -> str:
    return f"for {output.duration(max((now - since).total_seconds(), 0.0))}" if since is not None else ""


def _plain(
    workspace: overview.Workspace, ages: Ages, report: health.Report, of_groups: Groups
) -> dict[str, object]:
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
                "health": _plain_health(report.sessions.get((workspace.name, session.address))),
                "windows": [
                    {
                        "address": window.address,
                        "foreign_panes": window.foreign,
                        "panes": [
                            {**plain_pane(pane, ages), **_plain_told(report.panes.get(pane.id))}
                            for pane in window.panes
                        ],
                    }
                    for window in session.windows
                ],
            }
            for session in workspace.sessions
        ],
        "groups": [
            {"name": name, "panes": list(panes), "health": health.plain(verdict)}
            for name, (panes, verdict) in of_groups.items()
        ],
    }


def _plain_health(verdict: verdicts.Verdict | None) -> dict[str, object] | None:
    return None if verdict is None else health.plain(verdict)


def _plain_told(told: health.Told | None) -> dict[str, object]:
    """`ended_because`: why the daemon had it ended; `given_up`: why it is not started again; `over_limits`: which, for
    people to read; "" where that is not so."""
    if told is None:
        return {
            "health": None,
            "restarts": None,
            "restarts_in": None,
            "ended_because": "",
            "given_up": "",
            "restarts_once": "",
            "over_limits": "",
        }
    soon = told.restarts_in
    return {
        "health": health.plain(told.verdict),
        "restarts": told.restarts,
        "restarts_in": None if soon is None else soon.total_seconds(),
        "ended_because": told.ended_because,
        "given_up": told.given_up,
        "restarts_once": told.restarts_once,
        "over_limits": told.over_limits,
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
