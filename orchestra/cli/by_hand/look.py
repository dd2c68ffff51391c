"""`orchestra pane list`, `find`, `status`, `capture`, `has-pattern` and `wait`: what is there, and what it shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest, table
from orchestra.cli.by_hand import meaning
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.model import hand, status


@click.command("list")
@click.argument("session", required=False, shell_complete=suggest.sessions)
@click.option("--count", is_flag=True, help="Only how many there are.")
@options.common
def list_(common: options.Common, session: str | None, count: bool) -> int:
    """List the panes of a session, or all on the tmux server, whoever made them.

    \b
    Examples:
      orchestra pane list
      orchestra pane list api --count
    """
    from orchestra.plan import addressing

    server = common.assembly().tmux.observe()
    if session is not None:
        addressing.session(server, session)
    found = addressing.selected(server, session if session is not None else "@all")
    body: dict[str, object] = {"session": session} if session is not None else {}
    if count:
        return meaning.tell(common, "pane list", {**body, "count": len(found)}, str(len(found)))
    rows = [row(each) for each in found]
    cells = [
        [
            str(each["address"]),
            str(each["id"]),
            str(each["state"]),
            str(each["current_command"] or "-"),
            table.labels(labels(one)),
        ]
        for each, one in zip(rows, found, strict=True)
    ]
    text = table.lines([["ADDRESS", "ID", "STATE", "COMMAND", "LABELS"], *cells], head=True)
    return meaning.tell(common, "pane list", {**body, "panes": rows, "count": len(rows)}, text)


def row(meant: hand.Meant) -> dict[str, object]:
    """A pane as lists have it."""
    from orchestra.host import foreground

    pane = meant.place.pane
    found = None if pane.dead else foreground.Terminals().foreground(pane.pid)
    return {
        **meaning.where(meant),
        "label": label(pane),
        "state": "dead" if found is None else "idle" if found.shell else "running",
        "current_command": found.line if found is not None else None,
        "pid": pane.pid or None,
        "exit_code": pane.exit_code,
        "active": pane.active,
        "window": meant.place.window.name,
        "width": meant.place.window.width,
        "height": meant.place.window.height,
        "title": pane.title,
        "workspace": pane.mark.workspace if pane.mark is not None else None,
        "metadata": dict(labels(meant)),
    }


def label(pane: status.Pane) -> str | None:
    if pane.mark is not None:
        return pane.name or pane.mark.address.rpartition("/")[2]
    return pane.name or None


def labels(meant: hand.Meant) -> dict[str, str]:
    """What its manifest says, and what was put on it by hand."""
    return {**declared(meant), **meant.place.pane.labels}


def declared(meant: hand.Meant) -> dict[str, str]:
    from orchestra.plan import record

    pane = meant.place.pane
    known = record.parse_pane(pane.record) if pane.mark is not None else None
    return dict(known.pane.labels) if known is not None else {}


@click.command("find")
@click.argument("session", shell_complete=suggest.sessions)
@click.argument("label")
@options.common
def find(common: options.Common, session: str, label: str) -> int:
    """Find a pane of a session by its name: prints its address. Exits 1 when there is none.

    \b
    Example:
      orchestra pane find api server -o json
    """
    from orchestra.plan import addressing

    server = common.assembly().tmux.observe()
    try:
        meant = addressing.in_session(server, session, label)
    except errors.UsageError as error:
        raise errors.ActionFailed(str(error), hint=error.diagnostics[0].hint) from None
    return meaning.tell(common, "pane find", {"label": label}, output.one_line(meant.address), meant=meant)


@click.command("status")
@meaning.address
@options.common
def status_(common: options.Common, address: str) -> int:
    """Say what a pane does: idle (its shell waits), running (what, and since when), or dead (and how it ended).

    \b
    Example:
      orchestra pane status api/server -o json
    """
    from orchestra.daemon import conditions

    assembly = common.assembly()
    meant = assembly.hands.find(meaning.finding(address))
    found = conditions.pane(assembly, meant)
    return meaning.tell(
        common, "pane status", plain(found), output.one_line(f"{meant.address} {told(found)}"), meant=meant
    )


def plain(found: object) -> dict[str, object]:
    from orchestra.daemon import conditions

    assert isinstance(found, conditions.Condition)
    return {
        "state": found.state,
        "running": found.state is conditions.State.RUNNING,
        "current_command": found.command or None,
        "pid": found.pid or None,
        "since_seconds": round(found.since.total_seconds(), 1) if found.since is not None else None,
        "exit_code": found.exit_code,
        "signal": found.signal,
    }


def told(found: object) -> str:
    from orchestra.daemon import conditions

    assert isinstance(found, conditions.Condition)
    if found.state is conditions.State.DEAD:
        how = f"signal {found.signal}" if found.signal is not None else f"code {found.exit_code}"
        return f"dead, ended with {how}"
    since = f" for {output.duration(found.since.total_seconds())}" if found.since is not None else ""
    if found.state is conditions.State.RUNNING:
        return f"running `{found.command}` (pid {found.pid}){since}"
    last = f", the last command exited with {found.exit_code}" if found.exit_code is not None else ""
    return f"idle{last}"


@click.command("capture")
@meaning.address
@click.argument("lines", type=click.IntRange(min=1), required=False)
@options.common
def capture(common: options.Common, address: str, lines: int | None) -> int:
    """Print what a pane shows and has shown, or its last LINES lines. What it printed before that: orchestra logs.

    \b
    Example:
      orchestra pane capture api/server 20
    """
    assembly = common.assembly()
    meant = assembly.hands.find(meaning.finding(address))
    found = assembly.keyboard.capture(meant.id, lines)
    return meaning.tell(
        common,
        "pane capture",
        {"output": "\n".join(found), "lines": len(found)},
        [output.printable(line) for line in found],
        meant=meant,
    )


@click.command("has-pattern")
@meaning.address
@click.argument("pattern")
@click.argument("lines", type=click.IntRange(min=1), required=False)
@options.common
def has_pattern(common: options.Common, address: str, pattern: str, lines: int | None) -> int:
    """Exit 0 if a regular expression is found in what a pane shows and has shown, or in its last LINES lines, else 1.

    \b
    Example:
      orchestra pane has-pattern api/server 'listening on [0-9]+' 50 && curl localhost:8000
    """
    matches = Matching(pattern)
    assembly = common.assembly()
    meant = assembly.hands.find(meaning.finding(address))
    found = matches(assembly.keyboard.capture(meant.id, lines))
    return meaning.tell(
        common,
        "pane has-pattern",
        {"pattern": pattern, "found": bool(found), "matches": found},
        [output.printable(line) for line in found],
        meant=meant,
        code=codes.OK if found else codes.ERROR,
    )


class Matching:
    """Lines in which a regular expression is found. `UsageError` when it is none."""

    def __init__(self, pattern: str) -> None:
        from orchestra.engine import patterns

        fault = patterns.fault(pattern)
        if fault is not None:
            raise errors.UsageError(f"{pattern!r} is not a regular expression: {fault}")
        self._pattern, self._search = pattern, patterns.search

    def __call__(self, lines: list[str]) -> list[str]:
        return [line for line in lines if self._search(self._pattern, (line,)) is not None]


@click.command("wait")
@meaning.address
@click.option(
    "--for",
    "pattern",
    metavar="RE",
    help="Until this regular expression is found in what it prints or shows.",
)
@click.option("--timeout", type=options.Duration(), help="How long to wait. Without it: for ever.")
@options.common
def wait(common: options.Common, address: str, pattern: str | None, timeout: timedelta | None) -> int:
    """Wait until the command that runs in a pane has ended, or until something is printed. Exits 1 when that does not come in time.

    How a command ended is known where the pane's shell tells (one orchestra made), and of a pane that is dead.

    \b
    Examples:
      orchestra pane wait build/main --timeout 10m
      orchestra pane wait api/server --for 'listening on'
    """
    assembly = common.assembly()
    meant = assembly.hands.find(meaning.finding(address))
    if pattern is not None:
        from orchestra.cli import wait as waiting

        line = waiting.printed(
            common, assembly, meant.address, meant.place, pattern, timeout or waiting.LONGEST
        )
        body: dict[str, object] = {"pattern": pattern, "found": True, "line": line}
        return meaning.tell(
            common, "pane wait", body, output.one_line(f"{meant.address} printed: {line}"), meant=meant
        )
    from orchestra.daemon import conditions

    found = conditions.wait(assembly, meant, timeout)
    code = f" with code {found.exit_code}" if found.exit_code is not None else ""
    said = (
        f"{meant.address} {'is dead, it ended' if found.state == 'dead' else 'is idle; what ran ended'}{code}"
    )
    return meaning.tell(common, "pane wait", plain(found), output.one_line(said), meant=meant)
