"""`orchestra snapshot`: a live server as manifests, kept and brought back."""

from __future__ import annotations

import difflib
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, options, output, restore, suggest
from orchestra.host import whole_file
from orchestra.model import diagnostic, errors, names

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble, snapshots
    from orchestra.store.inventory import Kept


@click.group("snapshot")
def command() -> None:
    """Save what is live as manifests, and bring it back.

    A snapshot holds a manifest for each workspace, and one for every other session: "orchestra diff" and "orchestra apply" take them as
    they are. Secrets, and what looks like them, are never in it.

    \b
    Examples:
      orchestra snapshot save
      orchestra snapshot list
      orchestra snapshot restore --latest
    """


@command.command("save")
@click.argument("what", metavar="[SESSION|WORKSPACE]", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything; so without SESSION or WORKSPACE, too.")
@click.option("--name", metavar="NAME", help="What it is called; without it, by the time.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write it there and do not keep it: one manifest as a file, several, or with --scrollback or --history, as a directory.",
)
@click.option("--scrollback", is_flag=True, help="With what panes have printed, at most 2,000 lines each.")
@click.option("--history", is_flag=True, help="With what was typed into shells, at most 500 commands each.")
@options.common
def save(
    common: options.Common,
    what: str | None,
    everything: bool,
    name: str | None,
    out: Path | None,
    scrollback: bool,
    history: bool,
) -> int:
    """Save a session, a workspace, or everything on the tmux server. Nothing live is touched.

    \b
    Examples:
      orchestra snapshot save
      orchestra snapshot save work --out work.yaml
    """
    if what is not None and everything:
        raise errors.UsageError("say a session or workspace, or --all, not both")
    if out is not None and name is not None:
        raise errors.UsageError("--name is for a snapshot that is kept, --out for one that is not")
    from orchestra.daemon import snapshots

    assembly = common.assembly()
    if history and common.daemon() is None:
        output.note("no daemon runs, so nobody hears what is typed: orchestra daemon start")
    if out is not None:
        made = snapshots.make(assembly, what or "", scrollback=scrollback, with_history=history)
        written = _write(out, made)
        return _told(common, {"files": written}, f"{out}: saved", made.left_out, made.workspaces)
    kept, new = snapshots.save(assembly, what or "", name=name, scrollback=scrollback, with_history=history)
    word = "saved" if new else "nothing has changed since this one"
    return _told(
        common,
        {"name": kept.name, "path": str(kept.path), "new": new},
        f"{kept.name}: {word}",
        kept.left_out,
        kept.workspaces,
    )


def _told(common: options.Common, row: dict[str, Any], text: str, left_out: Any, workspaces: Any) -> int:
    warnings = [
        diagnostic.Diagnostic(severity=diagnostic.Severity.WARNING, summary=f"left out: {each}")
        for each in left_out
    ]
    if common.json:
        output.result("snapshot", {**row, "workspaces": list(workspaces)}, warnings)
        return codes.OK
    for each in warnings:
        output.note(output.diagnosis(each, sys.stderr))
    output.say(output.one_line(f"{text} ({', '.join(workspaces)})"))
    return codes.OK


def _write(out: Path, made: snapshots.Made) -> list[str]:
    """Nothing that is there is written over."""
    files = {f"{name}.yaml": text.encode() for name, text in made.manifests.items()}
    if len(files) == 1 and not made.other and not out.is_dir():
        placed = {out: next(iter(files.values()))}
    else:
        placed = {out / path: data for path, data in {**files, **made.other}.items()}
    there = [path for path in placed if os.path.lexists(path)]
    if there:
        raise errors.Conflict(f"{there[0]} is there already", hint="name another place, or move it away")
    try:
        for path, data in placed.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_file.write(path, data, over=False)
    except OSError as error:
        raise errors.OrchestraError(f"cannot write {out}: {error.strerror or error}") from error
    return [str(path) for path in placed]


@command.command("list")
@options.common
def list_(common: options.Common) -> int:
    """List them, the newest first.

    \b
    Example:
      orchestra snapshot list
    """
    from orchestra.daemon import snapshots

    known = snapshots.keeper(common.assembly()).all()
    if common.json:
        output.result("snapshot", {"snapshots": [_row(each) for each in known]})
        return codes.OK
    wide = max((len(each.name) for each in known), default=0)
    for each in known:
        told = f"({each.problem})" if each.problem else _what(each)
        output.say(output.one_line(f"{each.name:<{wide}}  {_size(each.bytes):>8}  {told}"))
    if not known:
        output.note("there is no snapshot yet: orchestra snapshot save makes one")
    return codes.OK


@command.command("show")
@click.argument("name", shell_complete=suggest.snapshots)
@click.argument("workspace", required=False)
@options.common
def show(common: options.Common, name: str, workspace: str | None) -> int:
    """Print the manifests of the snapshot NAME, or the one of WORKSPACE.

    \b
    Example:
      orchestra snapshot show 20260131-120000 shop
    """
    from orchestra.daemon import snapshots

    keeper = snapshots.keeper(common.assembly())
    kept = keeper.find(name)
    texts = _texts(kept, keeper.read(kept), workspace)
    if common.json:
        output.result("snapshot", {**_row(kept), "manifests": texts})
        return codes.OK
    output.note(output.one_line(f"{kept.path}: {_what(kept)}"))
    for each in kept.left_out:
        output.note(output.one_line(f"left out: {each}"))
    output.say("\n---\n".join(output.printable(text).rstrip("\n") for text in texts.values()))
    return codes.OK


@command.command("diff")
@click.argument("first", shell_complete=suggest.snapshots)
@click.argument("second", shell_complete=suggest.snapshots, required=False)
@options.common
def diff(common: options.Common, first: str, second: str | None) -> int:
    """Show what differs between two snapshots; with one, between it and what is live now.

    Ends with 2 when there are differences. What restoring would do: orchestra snapshot restore FIRST --dry-run

    \b
    Example:
      orchestra snapshot diff 20260131-120000
    """
    from orchestra.daemon import snapshots

    assembly = common.assembly()
    keeper = snapshots.keeper(assembly)

    def texts(name: str) -> dict[str, str]:
        kept = keeper.find(name)
        return _texts(kept, keeper.read(kept), None)

    before = texts(first)
    after = texts(second) if second is not None else dict(snapshots.make(assembly).manifests)
    if second is None:
        after = {name: text for name, text in after.items() if name in before or not keeper.find(first).scope}
    lines: list[str] = []
    for name in sorted({*before, *after}):
        lines += difflib.unified_diff(
            before.get(name, "").splitlines(),
            after.get(name, "").splitlines(),
            f"{first}/{name}.yaml",
            f"{second or 'live'}/{name}.yaml",
            lineterm="",
        )
    if common.json:
        output.result("snapshot", {"differences": lines})
    elif lines:
        output.say("\n".join(output.one_line(line) for line in lines))
    return codes.DIFFERENCES if lines else codes.OK


@command.command("delete")
@click.argument("names", metavar="NAME…", nargs=-1, required=True, shell_complete=suggest.snapshots)
@options.common
def delete(common: options.Common, names: tuple[str, ...]) -> int:
    """Delete snapshots. Nothing live is touched.

    \b
    Example:
      orchestra snapshot delete 20260131-120000
    """
    from orchestra.daemon import snapshots

    keeper = snapshots.keeper(common.assembly())
    for name in names:
        keeper.find(name)
    for name in names:
        keeper.delete(name)
    if common.json:
        output.result("snapshot", {"deleted": list(names)})
    else:
        output.say(output.one_line(f"deleted: {', '.join(names)}"))
    return codes.OK


@command.command("autosave")
@click.argument("what", metavar="on|off|status", type=click.Choice(["on", "off", "status"]))
@click.argument("scope", metavar="[SESSION|WORKSPACE]", required=False, shell_complete=suggest.workspaces)
@click.option(
    "--every",
    type=options.Duration(),
    help="How often at least, when something changed (5m).",
)
@click.option("--keep", type=click.IntRange(1, 10_000), help="How many are kept (10).")
@click.option(
    "--max-age",
    type=options.Duration(),
    help="For how long; the newest one always (7d).",
)
@click.option("--scrollback/--no-scrollback", default=None, help="With what panes have printed (no).")
@click.option("--history/--no-history", default=None, help="With what was typed into shells (no).")
@options.common
def autosave(
    common: options.Common,
    what: str,
    scope: str | None,
    every: timedelta | None,
    keep: int | None,
    max_age: timedelta | None,
    scrollback: bool | None,
    history: bool | None,
) -> int:
    """Have the daemon save everything, or one session or workspace: soon after something changed, and on the clock.

    "on" starts a daemon where there is none; what is not said stays as it was. "off" alone is for all that was put on by hand. A
    manifest says the same for its workspace: snapshots: {autosave: 5m}

    \b
    Examples:
      orchestra snapshot autosave on --every 5m --history
      orchestra snapshot autosave on notes
    """
    from orchestra.daemon.react import autosave as saving
    from orchestra.model import spec

    assembly = common.assembly()
    put_on = saving.users(assembly.expected())
    if what == "on":
        if every is not None and not every:
            raise errors.UsageError("--every must be longer than nothing")
        of = "" if scope is None else _scope(assembly, scope)
        before = put_on.get(of) or spec.Snapshots(autosave=timedelta(minutes=5))
        wanted = spec.Snapshots(
            autosave=every or before.autosave,
            keep=keep or before.keep,
            max_age=before.max_age if max_age is None else max_age,
            scrollback=before.scrollback if scrollback is None else scrollback,
            history=before.history if history is None else history,
        )
        saving.write(assembly.directories(), {**put_on, of: wanted})
    elif what == "off":
        gone = set(put_on) if scope is None else {scope}
        if not gone & put_on.keys() and scope is not None:
            gone = {_scope(assembly, scope)}
        saving.write(assembly.directories(), {of: each for of, each in put_on.items() if of not in gone})
    running = common.daemon()
    if running is not None and what != "status":
        running.post("/v1/autosave", {})
    elif what == "on":
        from orchestra.cli import daemon  # only who needs one

        daemon.begin(common)
        running = common.daemon()
    found = saving.wishes(assembly.expected())
    if common.json:
        rows = [
            {
                "workspace": each.scope or None,
                "every": each.wanted.autosave.total_seconds(),
                "keep": each.wanted.keep,
                "max_age": each.wanted.max_age.total_seconds(),
                "scrollback": each.wanted.scrollback,
                "history": each.wanted.history,
            }
            for each in found
        ]
        output.result("snapshot", {"daemon": running is not None, "autosave": rows})
        return codes.OK
    if not found:
        output.say("autosave is off")
    for each in found:
        of = f"of {each.scope}" if each.scope else "of everything"
        when = output.wished(each.wanted.autosave.total_seconds())
        output.say(output.one_line(f"snapshots {of} every {when}, {each.wanted.keep} are kept"))
    if found and running is None:
        output.note("no daemon runs, so none is made: orchestra daemon start")
    return codes.OK


def _scope(assembly: assemble.Assembly, name: str) -> str:
    """A workspace, or a session; of a workspace's session the workspace. `UsageError`."""
    from orchestra.plan import addressing, overview

    server = assembly.tmux.observe()
    if name in overview.names_of(server):
        return name
    found = addressing.session(server, name)
    return found.mark.workspace if found.mark is not None else names.given(found.name)


command.add_command(restore.command)


def _texts(kept: Kept, files: Any, workspace: str | None) -> dict[str, str]:
    if workspace is not None and workspace not in kept.workspaces:
        raise errors.UsageError(
            f"{kept.name} holds no workspace {workspace}", hint=f"it holds: {', '.join(kept.workspaces)}"
        )
    return {
        name: files[held.file].decode() for name, held in kept.workspaces.items() if workspace in (None, name)
    }


def _row(kept: Kept) -> dict[str, Any]:
    return {
        "name": kept.name,
        "path": str(kept.path),
        "time": kept.time.isoformat(),
        "automatic": kept.automatic,
        "bytes": kept.bytes,
        "problem": kept.problem or None,
        "workspaces": {
            name: {"sessions": held.sessions, "windows": held.windows, "panes": held.panes}
            for name, held in kept.workspaces.items()
        },
        "left_out": list(kept.left_out),
    }


def _what(kept: Kept) -> str:
    panes = sum(held.panes for held in kept.workspaces.values())
    scope = "everything: " if not kept.scope else ""
    when = kept.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{when}  {scope}{', '.join(kept.workspaces)}; {output.number(panes, 'pane')}"


def _size(count: int) -> str:
    return f"{count} B" if count < 10_000 else f"{count // 1000} kB"
