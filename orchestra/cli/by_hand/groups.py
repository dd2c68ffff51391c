"""`orchestra group`: its commands."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.cli.by_hand import make, meaning
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.engine import hands
    from orchestra.model import hand, status
    from orchestra.plan import grouping

name_argument = click.argument("name", metavar="GROUP", shell_complete=suggest.groups)
sessions_argument = click.argument(
    "sessions", metavar="SESSION…", nargs=-1, required=True, shell_complete=suggest.sessions
)


@click.command("create")
@name_argument
@click.argument("sessions", metavar="[SESSION…]", nargs=-1, shell_complete=suggest.sessions)
@options.common
def create(common: options.Common, name: str, sessions: tuple[str, ...]) -> int:
    """Make a group, of some sessions or empty. group add makes one as well, where there is none.

    \b
    Example:
      orchestra group create backend db api
    """
    from orchestra.daemon import ending
    from orchestra.plan import addressing, grouping

    assembly = common.assembly()
    now, server = _now(), assembly.tmux.observe()
    found = [addressing.session(server, each) for each in sessions]

    def change(made: grouping.ByHand) -> grouping.ByHand:
        empty = grouping.created(made, name, now)
        return grouping.added(empty, name, found, now) if found else empty

    after = ending.change_groups(assembly, change)
    if not server.running:
        output.note("no tmux server runs yet: the group begins with its first session")
    of = f" of {', '.join(sessions)}" if sessions else ""
    return _told(common, "group create", assembly, name, after, f"{name} is a group{of}")


@click.command("add")
@name_argument
@sessions_argument
@options.common
def add(common: options.Common, name: str, sessions: tuple[str, ...]) -> int:
    """Put sessions into a group; it is made where there is none. A session may be in several, and stays in when it is renamed.

    \b
    Example:
      orchestra group add backend db api
    """
    from orchestra.daemon import ending
    from orchestra.plan import addressing, grouping

    assembly = common.assembly()
    server = assembly.tmux.observe()
    found = [addressing.session(server, each) for each in sessions]
    now = _now()
    after = ending.change_groups(assembly, lambda made: grouping.added(made, name, found, now))
    return _told(common, "group add", assembly, name, after, f"{name}: {', '.join(sessions)} added")


@click.command("remove")
@name_argument
@sessions_argument
@options.common
def remove(common: options.Common, name: str, sessions: tuple[str, ...]) -> int:
    """Take sessions out of a group; they run on.

    \b
    Example:
      orchestra group remove backend api
    """
    from orchestra.daemon import ending
    from orchestra.plan import grouping

    assembly = common.assembly()
    server = assembly.tmux.observe()
    after = ending.change_groups(assembly, lambda made: grouping.removed(made, name, sessions, server))
    return _told(common, "group remove", assembly, name, after, f"{name}: {', '.join(sessions)} removed")


@click.command("delete")
@name_argument
@options.common
def delete(common: options.Common, name: str) -> int:
    """Forget a group. Its sessions run on.

    \b
    Example:
      orchestra group delete backend
    """
    from orchestra.daemon import ending
    from orchestra.plan import grouping

    ending.change_groups(common.assembly(), lambda made: grouping.deleted(made, name))
    return meaning.tell(
        common, "group delete", {"group": name}, output.one_line(f"{name} is no group any more")
    )


@click.command("list")
@click.argument("name", metavar="[GROUP]", required=False, shell_complete=suggest.groups)
@options.common
def list_(common: options.Common, name: str | None) -> int:
    """List groups made by hand, with their sessions, and who waits for whom. Groups of manifests: orchestra graph.

    \b
    Example:
      orchestra group list backend -o json
    """
    from orchestra.plan import grouping

    server = common.assembly().tmux.observe()
    made = grouping.parse(server.groups)
    if name is not None:
        grouping.known(made, name)
    rows = [_row(each, made, server) for each in made.groups if name in (None, each)]
    needs = {session: list(others) for session, others in made.dependencies.items()}
    text = [f"{row['group']}: {', '.join(map(str, _list(row['sessions']))) or '(nobody)'}" for row in rows]
    text += (
        [f"{session} waits for {', '.join(others)}" for session, others in needs.items()] if not name else []
    )
    body: dict[str, object] = (
        dict(rows[0]) if name is not None else {"groups": rows, "count": len(rows), "dependencies": needs}
    )
    return meaning.tell(common, "group list", body, [output.one_line(line) for line in text])


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@name_argument
@click.argument("words", metavar="COMMAND…", nargs=-1, required=True)
@click.option(
    "--pane",
    "label",
    metavar="NAME",
    default="0",
    help="In this pane of each session; without it, the first.",
)
@click.option("--wait", is_flag=True, help="Until all have ended: exits 1 unless all ended with 0.")
@click.option("--timeout", type=options.Duration(), help="With --wait: what takes longer is ended.")
@options.common
def exec_(
    common: options.Common,
    name: str,
    words: tuple[str, ...],
    label: str,
    wait: bool,
    timeout: timedelta | None,
) -> int:
    """Type a command into a shell of every session of a group, in one step. If one of them cannot take it, none is given it.

    \b
    Examples:
      orchestra group exec backend 'git pull'
      orchestra group exec --wait backend make test
    """
    from orchestra.engine import hands

    if timeout is not None and not wait:
        raise errors.UsageError("--timeout needs --wait: somebody has to be there to end it")
    text = meaning.line(words)
    assembly = common.assembly()
    finds = [_finding(each.id, label) for each in _members(assembly, name)]
    if wait:
        return _waited(common, assembly, name, finds, text, timeout)

    def prepare(meant: hand.Meant) -> hands.Prepared:
        assembly.hands.shell(meant)
        return hands.Prepared(strokes=hands.line(text))

    found = assembly.hands.put_all(finds, prepare)
    rows = [meaning.where(each) for each in found]
    said = [output.one_line(f"{each.address}: typed") for each in found]
    return meaning.tell(common, "group exec", {"group": name, "executed": text, "panes": rows}, said)


def _waited(
    common: options.Common,
    assembly: assemble.Assembly,
    name: str,
    finds: list[hands.Find],
    text: str,
    timeout: timedelta | None,
) -> int:
    """Side by side, a thread each: every one is given its command at once."""
    from concurrent import futures

    from orchestra.daemon import commander

    wish = commander.Wish(command=text, timeout=timeout)
    found = [assembly.hands.find(each) for each in finds]
    for each in found:
        assembly.hands.shell(each)

    def run(find: hands.Find) -> hand.Ran:
        return commander.Commander(common.assembly()).run(find, wish)

    rows: list[dict[str, object]] = []
    bad = 0
    with futures.ThreadPoolExecutor(max_workers=max(1, len(finds))) as pool:
        for each, done in zip(found, [pool.submit(run, find) for find in finds], strict=True):
            row: dict[str, object] = meaning.where(each)
            try:
                ran = done.result()
                row |= {
                    "exit_code": ran.exit_code,
                    "output": "\n".join(ran.lines),
                    "timed_out": bool(ran.stopped),
                }
                bad += ran.exit_code != 0 or ran.stopped is not None
            except errors.OrchestraError as error:
                row |= {"exit_code": None, "error": str(error)}
                bad += 1
            rows.append(row)
    body: dict[str, object] = {"group": name, "executed": text, "panes": rows}
    if common.json:
        if bad:
            output.failure("group exec", f"{bad} of {len(rows)} did not end well", body)
        else:
            output.result("group exec", body)
    for row in rows if not common.json else ():
        for printed in str(row.get("output", "")).splitlines():
            output.say(f"{output.one_line(str(row['address']))} | {output.printable(printed)}")
        how = row.get("error") or f"exited with {row['exit_code']}"
        output.say(output.one_line(f"{row['address']} {how}"))
    return codes.ERROR if bad else codes.OK


@click.command("kill")
@name_argument
@make.grace_option
@options.common
def kill(common: options.Common, name: str, grace: timedelta | None) -> int:
    """End every session of a group, gracefully, and the group. If one of them is not there, or is where this runs, none is touched.

    \b
    Example:
      orchestra group kill backend
    """
    assembly = common.assembly()
    found = _members(assembly, name)
    failed = make.killed(common, found, grace)
    bad = {session: why for session, why in failed.items() if why}
    rows = [{"session": session, "ended": not why, "reason": why} for session, why in failed.items()]
    if bad:
        message = "; ".join(f"{session}: {why}" for session, why in bad.items())
        if common.json:
            output.failure("group kill", message, {"group": name, "sessions": rows})
        else:
            output.note(output.one_line(f"error: {message}"))
        return codes.ERROR
    from orchestra.daemon import ending
    from orchestra.plan import grouping

    ending.change_groups(assembly, lambda made: grouping.deleted(made, name) if name in made.groups else made)
    said = [output.one_line(f"ended {session}") for session in failed]
    return meaning.tell(common, "group kill", {"group": name, "sessions": rows}, said)


@click.command("export")
@name_argument
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there; nothing is written over."
)
@options.common
def export(common: options.Common, name: str, out: Path | None) -> int:
    """Print a group as a manifest: its sessions as they are now, what runs in them, who waits for whom, and the group.

    \b
    Example:
      orchestra group export backend > backend.yaml
    """
    from orchestra.daemon import exporting

    made = exporting.group(common.assembly(), name)
    warnings = [
        diagnostic.Diagnostic(severity=diagnostic.Severity.WARNING, summary=f"left out: {each}")
        for each in (*made.left_out, *(f"the session {one}, which is gone" for one in made.missing))
    ]
    if out is not None:
        from orchestra.host import whole_file

        if out.exists():
            raise errors.Conflict(f"{out} is there already", hint="name another place, or move it away")
        whole_file.write(out, made.text.encode(), over=False)
    if common.json:
        output.result("group export", {"group": name, "manifest": made.text}, warnings)
        return codes.OK
    for each in warnings:
        output.note(output.diagnosis(each, sys.stderr))
    output.say(made.text.rstrip("\n") if out is None else output.one_line(f"{out}: written"))
    return codes.OK


def _finding(session: str, label: str) -> hands.Find:
    from orchestra.plan import addressing

    return lambda server: addressing.in_session(server, session, label)


def _members(assembly: assemble.Assembly, name: str) -> list[status.Session]:
    """All of them, or `Conflict`."""
    from orchestra.plan import grouping

    server = assembly.tmux.observe()
    known = grouping.known(grouping.parse(server.groups), name)
    found = [(member, grouping.session_of(member, server)) for member in known.members]
    missing = [member.name for member, session in found if session is None]
    if missing:
        raise errors.Conflict(
            f"of the group {name} there is no session {', '.join(missing)}: nothing was done",
            hint=f"orchestra group remove {name} {missing[0]} takes it out",
        )
    if not found:
        raise errors.Conflict(f"nobody is in the group {name}", hint=f"orchestra group add {name} SESSION…")
    return [session for _, session in found if session is not None]


def _told(
    common: options.Common,
    command: str,
    assembly: assemble.Assembly,
    name: str,
    after: grouping.ByHand,
    said: str,
) -> int:
    body = _row(name, after, assembly.tmux.observe())
    return meaning.tell(common, command, body, output.one_line(said))


def _row(name: str, made: grouping.ByHand, server: status.Server) -> dict[str, object]:
    from orchestra.plan import grouping

    group = made.groups.get(name, grouping.Group(created_at=""))
    now = [(member, grouping.called(member, server)) for member in group.members]
    return {
        "group": name,
        "created_at": group.created_at,
        "sessions": [called or member.name for member, called in now],
        "missing": [member.name for member, called in now if called is None],
        "metadata": dict(group.metadata),
    }


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _now() -> str:
    from orchestra.host import clock

    return clock.Clock().now().replace(microsecond=0).isoformat().replace("+00:00", "Z")
