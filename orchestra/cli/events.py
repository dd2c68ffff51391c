"""`orchestra events`: what happened on a tmux server, and what happens."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from orchestra.cli import codes, event_text, options, output, suggest
from orchestra.model import errors, event

RECENT = 100
"""Events that are shown when nothing is said of how many."""
PAGE = 500


class _Group(click.Group):
    """With a life of its own where no subcommand is named."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in self.commands:
            raise errors.UsageError(
                f'no such command "events {args[0]}"',
                hint="events is chosen by options: orchestra events --help",
            )
        return super().resolve_command(ctx, args)


@click.group("events", cls=_Group, invoke_without_command=True)
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens from now on.")
@click.option(
    "--since", type=options.Since(), metavar="WHEN", help="From 10m ago, or from 2026-01-31T12:00 on."
)
@click.option("--after", type=click.IntRange(min=0), metavar="N", help="After the event with this number.")
@click.option(
    "--type", "types", multiple=True, metavar="PATTERN",
    help="Only these: pane.exited, pane.*, and pane.output, which comes only when it is named. May be repeated.",
)  # fmt: skip
@click.option(
    "--from", "addresses", multiple=True, metavar="ADDRESS", shell_complete=suggest.addresses,
    help="Only of this pane or window, or of this session and all in it. May be repeated.",
)  # fmt: skip
@click.option(
    "--workspace",
    "-w",
    default="",
    metavar="NAME",
    shell_complete=suggest.workspaces,
    help="Only of this workspace.",
)
@click.option(
    "--tail", "-n", type=click.IntRange(min=1), metavar="N",
    help="Only the last N of those. Without it, and without --since, --after and -f: the last 100.",
)  # fmt: skip
@options.common
@click.pass_context
def command(
    ctx: click.Context,
    common: options.Common,
    follow: bool,
    since: datetime | None,
    after: int | None,
    types: tuple[str, ...],
    addresses: tuple[str, ...],
    workspace: str,
    tail: int | None,
) -> int:
    """Show the events that are kept, oldest first; with --follow also those to come. With -o json a line each.

    Without a daemon it shows what the last one kept.

    \b
    Examples:
      orchestra events --since 10m --type 'pane.*'
      orchestra events -f --from api/server
    """
    if ctx.invoked_subcommand is not None:
        return codes.OK
    known = [each for each in types if not any(event.matches(each, kind) for kind in event.BODIES)]
    if known:
        import difflib  # only a slip pays for it

        near = difflib.get_close_matches(known[0], event.BODIES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(event.BODIES))}"
        raise errors.UsageError(f"there are no events of type {known[0]}", hint=hint)
    if tail is None and since is None and after is None and not follow:
        tail = RECENT
    there = common.daemon()
    if there is None:
        if follow:
            raise errors.Conflict(
                "no daemon runs, so nothing would come", hint="start it with: orchestra daemon start"
            )
        for each in _kept(common, since, after or 0, types, addresses, workspace, tail):
            _show(event.dump(each), common)
        return codes.OK
    query = {
        "follow": follow, "after": None if follow and (since, after, tail) == (None, None, None) else after or 0,
        "since": since.timestamp() if since is not None else None,
        "type": types, "address": addresses, "workspace": workspace or None, "newest": tail,
    }  # fmt: skip
    for name, told in there.stream("/v1/events", query):
        if name == "lost":
            output.note(f"some are missing: {told['reason']}")
        else:
            _show(told, common)
            sys.stdout.flush()
    if follow:
        raise errors.ActionFailed("the daemon ended", hint="orchestra daemon status")
    return codes.OK


def _kept(
    common: options.Common,
    since: datetime | None,
    after: int,
    types: tuple[str, ...],
    addresses: tuple[str, ...],
    workspace: str,
    tail: int | None,
) -> Iterator[event.Event]:
    from orchestra.store import journal

    path = common.assembly().expected().journal
    if not path.exists():
        output.note("nothing was kept: no daemon ever ran for this tmux server")
        return
    reader = journal.read_only(path)
    while True:
        page = reader.read(
            after, limit=tail or PAGE, types=types, addresses=addresses, workspace=workspace, since=since,
            newest=tail is not None,
        )  # fmt: skip
        yield from page
        if tail is not None or len(page) < PAGE:
            return
        after = page[-1].sequence


@command.command("replay")
@click.argument("runs", metavar="[RUN]…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--list", "listed", is_flag=True, help="Only list them.")
@click.option("--forget", is_flag=True, help="Do them no more, and forget them.")
@options.common
def replay(
    common: options.Common, runs: tuple[str, ...], everything: bool, listed: bool, forget: bool
) -> int:
    """Do again what triggers did not get done, however often they tried. With nothing said: list it.

    It goes on where it failed, with the same run's number; from the beginning where its trigger says something else by now.

    \b
    Examples:
      orchestra events replay --list
      orchestra events replay 1f0c29a48d3be657
    """
    there = common.daemon()
    if listed or not (runs or everything):
        if forget:
            raise click.UsageError("say which to forget, or --all")
        return _list_failed(common, there.get("/v1/triggers/failed")["runs"] if there else _failed(common))
    if runs and everything:
        raise click.UsageError("give RUN or --all, not both")
    if there is None:
        raise errors.Conflict(
            "no daemon runs, so nobody would do it", hint="start it with: orchestra daemon start"
        )
    done = there.post("/v1/triggers/replay", {"runs": list(runs), "forget": forget})["runs"]
    if common.json:
        output.result("events", {"runs": done})
        return codes.OK
    word = "forgotten" if forget else "begun again"
    for each in done:
        output.say(output.one_line(f"{word}: {each['run']} of {each['workspace']} {each['trigger']}"))
    if not done:
        output.say("nothing has failed")
    return codes.OK


def _failed(common: options.Common) -> Sequence[Mapping[str, Any]]:
    """As the last daemon left it."""
    from orchestra.daemon.react import triggering
    from orchestra.host import clock
    from orchestra.store import journal

    path = common.assembly().expected().journal
    return triggering.dead_of(journal.read_only(path).get, clock.Clock()) if path.exists() else ()


def _list_failed(common: options.Common, runs: Sequence[Mapping[str, Any]]) -> int:
    if common.json:
        output.result("events", {"runs": list(runs)})
        return codes.OK
    for each in runs:
        when = datetime.fromtimestamp(each["failed"], UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        what = f"{each['workspace']} {each['trigger']}: {each['action']}: {each['reason']}"
        output.say(output.one_line(f"{each['run']}  {when}  {what}"))
    if not runs:
        output.say("nothing has failed")
    return codes.OK


KINDS = {
    "pane-exit": "pane.exited",
    "pane-output": "pane.output",
    "pattern-match": "output",
    "timeout": "timeout",
}
"""The old bridge's events."""


@command.command("subscribe")
@click.argument("session", metavar="SESSION", shell_complete=suggest.addresses)
@click.argument("kind", metavar="EVENT")
@click.argument("rest", metavar="[PATTERN|SECONDS] CALLBACK", nargs=-1, required=True)
@click.option("--name", metavar="NAME", help="What the trigger is called; else by what it does.")
@options.common
def subscribe(
    common: options.Common, session: str, kind: str, rest: tuple[str, ...], name: str | None
) -> int:
    """Run CALLBACK, a command line, whenever EVENT happens in a session's panes: a trigger as "orchestra trigger add" makes it.

    EVENT is pane-exit, pane-output, pattern-match PATTERN, timeout SECONDS, or any type of "orchestra events". CALLBACK gets the event as
    ORCHESTRA_EVENT_… and on its standard input; ${session} and ${pane_id}, the pane's number, are variables of its environment.

    The session may be one that no manifest has. Then what its panes print is recorded while a trigger looks at it, and only then.

    \b
    Examples:
      orchestra events subscribe api pane-exit 'echo "${session}:${pane_id} ended" >> ends.log'
      orchestra events subscribe api pattern-match 'ERROR|FATAL' './report'
    """
    from orchestra.cli import trigger
    from orchestra.daemon import added
    from orchestra.plan import addressing

    wants = kind in ("pattern-match", "timeout")
    if len(rest) != (2 if wants else 1):
        needed = {"pattern-match": "PATTERN CALLBACK", "timeout": "SECONDS CALLBACK"}.get(kind, "CALLBACK")
        raise click.UsageError(f"{kind} needs {needed}")
    if kind not in KINDS and not any(event.matches(kind, each) for each in event.BODIES):
        raise errors.UsageError(
            f"there are no events {kind}", hint=f"there are {', '.join(KINDS)}, and {', '.join(event.BODIES)}"
        )
    on: Any = KINDS.get(kind, kind)
    if wants:
        value = rest[0]
        on = {on: f"{value}s" if kind == "timeout" and value.replace(".", "", 1).isdecimal() else value}
    assembly = common.assembly()
    found = addressing.session(assembly.tmux.observe(), session)
    mark = found.mark
    document = {
        "name": name or f"{kind.replace('.', '-').replace('*', 'any')}-{secrets.token_hex(3)}",
        "on": on,
        **({"from": mark.address} if mark is not None else {}),
        "limit": "600 per 1m",
        "do": [
            {
                "run": {
                    "command": rest[-1],
                    "dir": str(Path.cwd()),
                    "env": {"session": session, "pane_id": "{{ event.pane }}"}
                    if mark is not None
                    else {"session": "{{ event.session }}", "pane_id": "{{ event.pane_id }}"},
                }
            }
        ],
    }
    file, text = str(Path("callback").absolute()), json.dumps(document)
    if mark is not None:
        with trigger.spoken(_PLACES):
            (made,) = trigger.put(common, mark.workspace, file, text)
    else:
        with trigger.spoken(_PLACES):
            (made,) = added.subscribe(assembly, found, file, text)
        trigger.wake(common)
    if common.json:
        output.result("events", {"subscribed": made.name, "session": session})
    else:
        output.say(output.one_line(f"subscribed: {made.name} (orchestra trigger remove {made.name} ends it)"))
    return codes.OK


_PLACES = {"name": "--name", "on.output": "PATTERN", "on.timeout": "SECONDS", "on": "EVENT", "do": "CALLBACK"}


def _show(told: Mapping[str, Any], common: options.Common) -> None:
    if common.json:
        output.say(output.json_text(told))
        return
    if told["type"] == "pane.output":
        for line in told["lines"]:
            output.say(
                f"{event_text.when(told)}  {'pane.output':<22} {told.get('address') or told['id']:<20} {output.one_line(line)}"
            )
        return
    output.say(output.one_line(event_text.line(told)))
