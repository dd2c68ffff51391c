"""`orchestra gc`: what nobody needs any more goes, and can be had back."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import apply, codes, handing, live, options, output, steer, suggest
from orchestra.model import errors, names

if TYPE_CHECKING:  # see options
    from orchestra.cli import client
    from orchestra.daemon.react import collecting
    from orchestra.manifest import load
    from orchestra.model import spec

PATIENCE = 120.0
"""Seconds for a pass: snapshots are saved in it, and shells may take their time to end."""
_SHORTEST = timedelta(minutes=1)
"""`gc enable 2` is two seconds, and was meant to be hours."""


@click.group("gc")
def command() -> None:
    """Garbage collection: idle sessions and what has ended well go when nobody needs them, and can be had back.

    A workspace says what and when in its manifest (gc: {idle: 2h, completed: 1h}); "gc enable" says it for all others of orchestra's.
    Nothing is taken that a person opened, is attached to or has pinned, in which something runs, or that something else depends on.

    \b
    Examples:
      orchestra gc run --dry-run
      orchestra gc enable 2h
      orchestra gc undo
    """


@command.command("status")
@options.common
def status(common: options.Common) -> int:
    """Show what is collected, what goes next, and what went.

    \b
    Example:
      orchestra gc status
    """
    return _shown(common)


def _shown(common: options.Common) -> int:
    there = common.daemon()
    told = _part(there) if there is not None else {}
    wished = _wished(common)
    last = list(told.get("collections", ())) or [_plain(each) for each in _collections(common)]
    if common.json:
        enabled = wished is not None
        row = {"enabled": enabled, "ttl": wished.total_seconds() if wished is not None else None}
        kept = {name: told.get(name) for name in ("workspaces", "passes", "marked", "spared")}
        output.result("gc", {**row, "daemon": there is not None, **kept, "collections": last})
        return codes.OK
    if wished is not None:
        output.say(f"idle sessions go after {output.wished(wished.total_seconds())}")
    else:
        output.say("off, but for what manifests say")
    for name in told.get("workspaces", ()):
        output.say(output.one_line(f"  watches   {name}"))
    _say("goes next", told.get("marked", {}))
    _say("stays", told.get("spared", {}))
    for each in last[-5:]:
        what = ", ".join(each["taken"])
        output.say(
            output.one_line(
                f"  went      {each['workspace']}: {what} ({_when(each['time'])}, {each['snapshot']})"
            )
        )
    if there is None:
        output.note("no daemon runs, so nothing is collected: orchestra daemon start")
    return codes.OK


def _when(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


@command.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what may go now.")
@click.option(
    "--force", is_flag=True, help="What is idle now, however shortly, and whatever manifests say of time."
)
@click.option(
    "--workspace",
    metavar="NAME",
    default="",
    help="Only of this workspace.",
    shell_complete=suggest.workspaces,
)
@options.common
def run(common: options.Common, dry_run: bool, force: bool, workspace: str) -> int:
    """Collect now what may go: two passes, one that marks and one that takes what still rests as it did.

    \b
    Examples:
      orchestra gc run --dry-run
      orchestra gc run --workspace shop
    """
    from orchestra.daemon import added

    there = _needed(common)
    if workspace:
        added.insist(common.assembly().tmux.observe(), workspace)
    body = {"workspace": workspace, "force": force, "dry_run": dry_run}
    told = there.post("/v1/gc", body, patience=PATIENCE)
    if common.json:
        report = {name: told[name] for name in ("planned", "collected", "spared", "snapshots", "nothing")}
        output.result("gc", {"dry_run": dry_run, **report})
        return codes.OK
    if told["nothing"]:
        output.note(output.one_line(f"nothing was collected: {told['nothing']}"))
        return codes.OK
    _say("would go" if dry_run else "goes next", told["planned"])
    _say("went", told["collected"])
    if dry_run:
        _say("stays", told["spared"])
    if not dry_run and told["collected"]:
        output.note("orchestra gc undo brings the last of it back")
    if not told["planned"] and not told["collected"]:
        output.say("nothing to collect")
    return codes.OK


@command.command("enable")
@click.argument("ttl", metavar="[TTL]", type=options.Duration(), required=False)
@options.common
def enable(common: options.Common, ttl: timedelta | None) -> int:
    """Collect idle sessions of every workspace that does not say it otherwise, after TTL (2h). Starts a daemon where there is none.

    \b
    Example:
      orchestra gc enable 2h
    """
    from orchestra.daemon import gc_wish, wished
    from orchestra.model import rules

    if ttl is not None and ttl < _SHORTEST:
        raise errors.UsageError(
            "TTL is a minute or longer: sooner nobody has come back",
            hint="a number without its unit is in seconds; orchestra gc run --force takes what is idle now",
        )
    wanted = rules.Gc(idle=ttl or gc_wish.DEFAULT_IDLE)
    wished.write(common.assembly().directories().gc, wanted)
    there = common.daemon()
    if there is None:
        from orchestra.cli import daemon  # only who needs one

        daemon.begin(common)
    else:
        there.post("/v1/gc", {"wake": True})
    return _switched(True, wanted.idle) if common.json else _shown(common)


@command.command("disable")
@options.common
def disable(common: options.Common) -> int:
    """Take back what "enable" said. What manifests say stays.

    \b
    Example:
      orchestra gc disable
    """
    from orchestra.daemon import wished

    wished.write(common.assembly().directories().gc, None)
    if (there := common.daemon()) is not None:
        there.post("/v1/gc", {"wake": True})
    if common.json:
        return _switched(False, None)
    output.say("off, but for what manifests say")
    return codes.OK


def _switched(on: bool, idle: timedelta | None) -> int:
    output.result("gc", {"enabled": on, "ttl": idle.total_seconds() if idle is not None else None})
    return codes.OK


@command.command("undo")
@click.argument("which", metavar="[WORKSPACE|SNAPSHOT]", required=False)
@click.option("--dry-run", is_flag=True, help="Print what it would do, and stop.")
@click.option("--run", "runs", is_flag=True, help="Also commands that had ended: they run anew.")
@options.common
def undo(common: options.Common, which: str | None, dry_run: bool, runs: bool) -> int:
    """Make again what was collected last, of a workspace or with a snapshot, as it was: its shells are new, and show what stood there.

    A command that had ended is not run a second time unless you say --run.

    \b
    Examples:
      orchestra gc undo
      orchestra gc undo shop
    """
    from orchestra.daemon import snapshots
    from orchestra.engine.apply import execute
    from orchestra.manifest import load
    from orchestra.plan import compare, seen

    known = [each for each in _collections(common) if each.snapshot]
    meant = [each for each in known if which in (None, each.workspace, each.snapshot)]
    if not meant:
        hint = "orchestra gc status shows what went" if known else "nothing was collected yet"
        raise errors.OrchestraError(f"there is nothing to undo{f' of {which}' if which else ''}", hint=hint)
    last, assembly = meant[-1], common.assembly()
    keeper = snapshots.keeper(assembly)
    kept = keeper.find(last.snapshot)
    keeper.read(kept)
    inputs = load.Inputs(
        environment=None, variables={}, variable_files=(), environ=dict(os.environ), user_settings=None
    )
    loaded = options.read(str(kept.path / kept.workspaces[last.workspace].file), inputs, quiet=True)
    there = seen.seen(assembly.tmux.observe(), last.workspace)
    gone = [each for each in last.taken if each not in there.sessions and each not in there.panes]
    if not runs:
        loaded, ended = _without_commands(loaded, gone)
        for address in ended if not common.json else ():
            output.note(f"{address} had ended, and is not run again: orchestra gc undo --run, or apply, does")
    known_now = {
        *(each.name for each in loaded.workspace.sessions),
        *(each.address for each in loaded.workspace.panes),
    }
    targets = tuple(each for each in gone if each in known_now)
    if gone and not targets:
        return codes.OK
    if not targets:
        if common.json:
            output.result("gc", {"undone": [], "snapshot": last.snapshot})
        else:
            output.say(output.one_line(f"{last.workspace}: all of it is there"))
        return codes.OK
    wanted = compare.Options(prune=False, targets=targets)
    if dry_run:
        output.say(output.plan_text(assembly.preview.of(loaded.workspace, wanted)[0], sys.stdout))
        return codes.OK
    settings = execute.Settings(wait=False)
    with live.Screen(common.json) as screen:
        outcome = apply.carry_out(
            common,
            assembly,
            lambda by: by.apply(loaded.workspace, wanted, settings, lambda _: True, screen.report),
        )
    handing.Handing(common, loaded.workspace, start=True).over(outcome)
    return apply.summarise("gc", outcome, common, screen.elapsed)


def _without_commands(loaded: load.Loaded, gone: Sequence[str]) -> tuple[load.Loaded, list[str]]:
    """And the addresses that are left out. What rests and is no shell has ended."""
    ended: list[str] = []

    def stays(pane: spec.Pane) -> bool:
        is_meant = pane.address in gone or names.session_of(pane.address) in gone
        if is_meant and pane.command is not None:
            ended.append(pane.address)
        return not (is_meant and pane.command is not None)

    sessions = []
    for session in loaded.workspace.sessions:
        windows = [
            dataclasses.replace(window, panes=panes)
            for window in session.windows
            if (panes := tuple(pane for pane in window.panes if stays(pane)))
        ]
        if windows:
            sessions.append(dataclasses.replace(session, windows=tuple(windows)))
    workspace = dataclasses.replace(loaded.workspace, sessions=tuple(sessions))
    return dataclasses.replace(loaded, workspace=workspace), ended


@command.command("pin")
@click.argument("addresses", metavar="ADDRESS…", nargs=-1, required=True, shell_complete=suggest.addresses)
@options.common
def pin(common: options.Common, addresses: tuple[str, ...]) -> int:
    """Keep panes from being collected, for as long as they live. A manifest says it for good: pin: true

    An address is session/pane, a session, a workspace, @group or @all.

    \b
    Example:
      orchestra gc pin shop/build
    """
    return _pinned(common, addresses, pinned=True)


@command.command("unpin")
@click.argument("addresses", metavar="ADDRESS…", nargs=-1, required=True, shell_complete=suggest.addresses)
@options.common
def unpin(common: options.Common, addresses: tuple[str, ...]) -> int:
    """Take back what "pin" said. What a manifest pins stays so.

    \b
    Example:
      orchestra gc unpin shop/build
    """
    return _pinned(common, addresses, pinned=False)


def _pinned(common: options.Common, addresses: tuple[str, ...], *, pinned: bool) -> int:
    from orchestra.model import status as seen

    assembly = common.assembly()
    server = assembly.tmux.observe()
    ids: dict[str, str] = {}
    for workspace, found in steer.panes_meant(assembly, addresses).items():
        owned = seen.owned(server, workspace)
        ids |= {each: owned[each].pane.id for each in found if each in owned}
    assembly.tmux.pin(list(ids.values()), pinned=pinned)
    word = "pinned" if pinned else "unpinned"
    if common.json:
        output.result("gc", {word: list(ids)})
    else:
        output.say(output.one_line(f"{word} {', '.join(ids)}"))
    return codes.OK


def _needed(common: options.Common) -> client.Client:
    there = common.daemon()
    if there is None:
        raise errors.Conflict(
            "no daemon runs, so nobody knows for how long anything was idle",
            hint="start it with: orchestra daemon start",
        )
    return there


def _part(there: client.Client) -> dict[str, Any]:
    return dict(there.get("/v1/status")["parts"]["collect"])


def _wished(common: options.Common) -> timedelta | None:
    from orchestra.daemon import gc_wish

    user = gc_wish.users(common.assembly().expected())
    return user.idle if user is not None else None


def _collections(common: options.Common) -> tuple[collecting.Collection, ...]:
    """From the journal, with or without a daemon."""
    from orchestra.daemon.react import collecting

    return collecting.collections(common.assembly().expected())


def _plain(each: collecting.Collection) -> dict[str, Any]:
    return {
        "workspace": each.workspace,
        "time": each.time,
        "snapshot": each.snapshot,
        "taken": dict(each.taken),
    }


def _say(word: str, found: Mapping[str, Mapping[str, str]]) -> None:
    for workspace, rows in found.items():
        for address, why in rows.items():
            output.say(output.one_line(f"  {word:<9} {workspace}: {address}, {why}"))
