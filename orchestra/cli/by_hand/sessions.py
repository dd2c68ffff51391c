"""`orchestra session list`, `depends`, `health` and `wait-healthy`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from orchestra.cli import codes, options, output, suggest, table
from orchestra.cli.by_hand import meaning
from orchestra.model import errors, names


@click.command("list")
@options.common
def list_(common: options.Common) -> int:
    """List the sessions on the tmux server, whoever made them.

    \b
    Example:
      orchestra session list -o json
    """
    from orchestra.daemon import conditions
    from orchestra.plan import addressing

    assembly = common.assembly()
    server = assembly.tmux.observe()
    every = [names.given(each.name) for each in server.sessions]
    health = conditions.health(assembly, server, every)
    groups = conditions.groups_of(server)
    rows: list[dict[str, object]] = [
        {
            "name": name,
            "id": each.id,
            "workspace": each.mark.workspace if each.mark is not None else None,
            "created": datetime.fromtimestamp(each.created, UTC).isoformat().replace("+00:00", "Z"),
            "attached": each.attached,
            "windows": len(each.windows),
            "panes": len(addressing.panes(each)),
            "groups": list(groups.get(name, ())),
            "health": health[name][0],
            "reason": health[name][1],
        }
        for name, each in zip(every, server.sessions, strict=True)
    ]
    columns = ("name", "panes", "attached", "workspace", "groups", "health", "reason")
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    text = table.lines([[column.upper() for column in columns], *cells], head=True)
    return meaning.tell(common, "session list", {"sessions": rows, "count": len(rows)}, text)


def _cell(value: object) -> str:
    if isinstance(value, list):
        value = ",".join(value)
    return "-" if value is None or value == "" else str(value)


@click.command("depends")
@click.argument("session", shell_complete=suggest.sessions)
@click.argument("other", shell_complete=suggest.sessions)
@click.option("--remove", is_flag=True, help="It waits for OTHER no longer.")
@options.common
def depends(common: options.Common, session: str, other: str, remove: bool) -> int:
    """Say that SESSION waits for OTHER to be healthy. A circle is refused.

    It is what session wait-healthy waits for, and what group export writes down; nothing is started or stopped.

    \b
    Examples:
      orchestra session depends api db
      orchestra session depends api db --remove
    """
    from orchestra.daemon import ending
    from orchestra.plan import addressing, grouping

    assembly = common.assembly()
    server = assembly.tmux.observe()
    if not remove:
        for each in (session, other):
            addressing.session(server, each)
        after = ending.change_groups(assembly, lambda made: grouping.depending(made, session, other))
    else:
        after = ending.change_groups(assembly, lambda made: grouping.independent(made, session, other))
    needs = list(after.dependencies.get(session, ()))
    said = f"{session} waits for {', '.join(needs) or 'nobody'}"
    return meaning.tell(
        common, "session depends", {"session": session, "depends_on": needs}, output.one_line(said)
    )


@click.command("health")
@click.argument("sessions", metavar="[SESSION…]", nargs=-1, shell_complete=suggest.sessions)
@options.common
def health(common: options.Common, sessions: tuple[str, ...]) -> int:
    """Say how sessions are: healthy; degraded, when a pane failed or ERROR, FATAL or CRASH stands in its last lines; unhealthy, when
    it is gone or nothing runs in it.

    Exits 1 unless all of them are healthy. What a manifest's own checks say: orchestra wait ADDRESS --for healthy.

    \b
    Examples:
      orchestra session health
      orchestra session health api -o json
    """
    from orchestra.daemon import conditions

    assembly = common.assembly()
    server = assembly.tmux.observe()
    wanted = list(sessions) or [names.given(each.name) for each in server.sessions]
    found = conditions.health(assembly, server, wanted)
    rows = [{"session": name, "health": how, "reason": why} for name, (how, why) in found.items()]
    body: dict[str, object] = dict(rows[0]) if len(sessions) == 1 else {"sessions": rows}
    text = table.lines([[name, how, why] for name, (how, why) in found.items()]) if rows else []
    good = all(how is conditions.Health.HEALTHY for how, _ in found.values())
    return meaning.tell(common, "session health", body, text, code=codes.OK if good else codes.ERROR)


@click.command("wait-healthy")
@click.argument("session", shell_complete=suggest.sessions)
@click.option(
    "--timeout", type=options.Duration(), default="60s", show_default=True, help="How long to wait."
)
@options.common
def wait_healthy(common: options.Common, session: str, timeout: timedelta) -> int:
    """Wait until a session is healthy, and before it all that it waits for.

    \b
    Example:
      orchestra session wait-healthy api --timeout 2m
    """
    from orchestra.daemon import conditions

    assembly = common.assembly()
    if not assembly.tmux.observe().running:
        raise errors.ActionFailed(f"there is no session {session}: no tmux server runs here")
    chain = conditions.wait_healthy(assembly, session, timeout)
    body = {"session": session, "health": "healthy", "waited_for": list(chain[:-1])}
    return meaning.tell(common, "session wait-healthy", body, output.one_line(f"{session} is healthy"))
