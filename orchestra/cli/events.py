"""`orchestra events`: what happened on a tmux server, and what happens."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.model import errors, event

RECENT = 100
"""Events that are shown when nothing is said of how many."""
PAGE = 500
_BARE = ("sequence", "time", "type", "workspace", "address", "cause")


@click.command("events")
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
    help="Only of this session, window or pane. May be repeated.",
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
def command(
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
    known = [each for each in types if not any(event.matches(each, kind) for kind in event.BODIES)]
    if known:
        raise errors.UsageError(
            f"there are no events of type {known[0]}", hint=f"there are: {', '.join(sorted(event.BODIES))}"
        )
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


def _show(told: Mapping[str, Any], common: options.Common) -> None:
    if common.json:
        output.say(output.json_text(told))
        return
    if told["type"] == "pane.output":
        for line in told["lines"]:
            output.say(
                f"{_when(told)}  {'pane.output':<22} {told.get('address') or told['id']:<20} {output.one_line(line)}"
            )
        return
    name = told.get("address") or told.get("id", "")
    rest = {key: value for key, value in told.items() if key not in _BARE and value is not None}
    if told.get("address"):
        rest.pop("id", None)
    said = "  ".join(f"{key}={_value(value)}" for key, value in rest.items())
    output.say(output.one_line(f"{_when(told)}  {told['type']:<22} {name:<20} {said}").rstrip())


def _when(told: Mapping[str, Any]) -> str:
    local = datetime.fromisoformat(told["time"]).astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()  # noqa: TID251 - shown to a person
    return local.strftime("%H:%M:%S.%f" if today else "%Y-%m-%d %H:%M:%S.%f")[:-3]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {each}" for key, each in value.items()) + "}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
