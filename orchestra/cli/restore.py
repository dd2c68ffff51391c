"""`orchestra restore`: a snapshot, or a file of one, through the same planner as any manifest."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import apply, codes, handing, live, options, output, suggest
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:  # see options
    from orchestra.daemon import assemble
    from orchestra.engine.apply import execute, reconcile
    from orchestra.manifest import load
    from orchestra.model import spec, status
    from orchestra.plan import compare
    from orchestra.store import inventory
    from orchestra.store import snapshots as store

NONE, ASK, ALL, ALLOW = "none", "ask", "all", "allow="


@click.command("restore")
@click.argument("what", metavar="[NAME|FILE]", required=False, shell_complete=suggest.snapshots)
@click.option(
    "--latest",
    is_flag=True,
    help="The newest whole one, of each workspace; of automatic ones, of an earlier server.",
)
@click.option(
    "--only", multiple=True, metavar="WORKSPACE", help="Of the snapshot, only this. May be given again."
)
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="none|ask|all|allow=GLOB",
    help="What becomes of what ran in shells: nothing; it is typed, without Enter (default); it is run; what fits is run. "
    "May be given again with allow=.",
)
@click.option(
    "--prune", is_flag=True, help="Delete what its workspaces own now and the snapshot does not have."
)
@click.option("--adopt", is_flag=True, help="Take over sessions of these names that are not orchestra's.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before something that runs is stopped.")
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait until what was started is healthy."
)
@click.option(
    "--timeout",
    type=options.Duration(),
    default="60s",
    show_default=True,
    help="How long to wait for each condition.",
)
@click.option("--dry-run", is_flag=True, help="Print what it would do, and stop.")
@options.manifest
@options.common
def command(
    common: options.Common,
    inputs: load.Inputs,
    what: str | None,
    latest: bool,
    only: tuple[str, ...],
    runs: tuple[str, ...],
    prune: bool,
    adopt: bool,
    yes: bool,
    wait: bool,
    timeout: timedelta,
    dry_run: bool,
) -> int:
    """Bring back what a snapshot holds: by its NAME, the --latest, or a FILE that "orchestra snapshot save --out" wrote.

    It is applied as any manifest is: what is there already and as it was is not touched, and what runs is not stopped without asking.
    Sessions of these names that are not orchestra's are left alone. "orchestra snapshot restore" is the same.

    \b
    Examples:
      orchestra restore --latest
      orchestra restore work.yaml --run allow='vim *' --run allow=htop
      orchestra restore 20260131-120000 --dry-run
    """
    if latest == (what is not None):
        raise errors.UsageError(
            "say which snapshot: its NAME, a FILE, or --latest", hint="orchestra snapshot list shows them"
        )
    allowed = _allowed(runs)
    from orchestra.engine.apply import execute

    settings = execute.Settings(wait=wait, timeout=timeout)
    assembly = common.assembly()
    chosen, title = _chosen(assembly, what, only)
    if title and not common.json:
        output.note(title)
    loaded = [options.read(str(path), inputs, quiet=common.json) for path in chosen]
    from orchestra.daemon import assemble
    from orchestra.manifest import load
    from orchestra.plan import order

    for each in loaded:
        order.refuse_cycles(each.workspace, each.locations)
    remaps = load.restore(assemble.settings_file())
    code, rows = codes.OK, []
    for each in loaded:
        observed = assembly.tmux.observe()
        wanted = wanted_of(
            each.workspace, observed, allowed, remaps, prune=prune, adopt=adopt, quiet=common.json
        )
        if wanted is None:
            rows.append({"workspace": each.workspace.name, "skipped": True})
            continue
        if dry_run:
            made = assembly.preview.of(each.workspace, wanted)[0]
            rows.append({"workspace": each.workspace.name, "plan": made})
            if not common.json:
                output.say(f"{each.workspace.name}:\n{output.plan_text(made, sys.stdout)}")
            continue
        try:
            outcome, elapsed = _applied(common, assembly, each, wanted, settings, yes=yes)
        except errors.Conflict as refused:  # the others may come back all the same
            code = codes.ERROR
            rows.append({"workspace": each.workspace.name, "refused": str(refused)})
            if not common.json:
                for told in refused.diagnostics:
                    output.note(output.diagnosis(told, sys.stderr))
            continue
        if common.json:
            rows.append(apply.row(outcome, elapsed))
            code = max(code, codes.OK if outcome.result.ok and not outcome.declined else codes.ERROR)
        else:
            code = max(code, apply.summarise("restore", outcome, common, elapsed))
    if common.json:
        _json(rows, code, dry_run=dry_run)
    return code


def _applied(
    common: options.Common,
    assembly: assemble.Assembly,
    loaded: load.Loaded,
    wanted: compare.Options,
    settings: execute.Settings,
    *,
    yes: bool,
) -> tuple[reconcile.Outcome, float]:
    hands = handing.Handing(common, loaded.workspace, start=True)
    with live.Screen(common.json) as screen:
        ask = apply.asking(yes, screen)
        outcome = apply.carry_out(
            common,
            assembly,
            lambda by: by.apply(loaded.workspace, wanted, settings, ask, screen.report),
            loaded,
            hands,
        )
    hands.over(outcome)
    return outcome, screen.elapsed


def _json(rows: list[dict[str, Any]], code: int, *, dry_run: bool) -> None:
    from orchestra.model import codec

    shown = [{**row, "plan": codec.dump(row["plan"])} if "plan" in row else row for row in rows]
    if code == codes.OK:
        output.result("restore", {"dry_run": dry_run, "workspaces": shown})
    else:
        output.failure("restore", "not everything was done", {"workspaces": shown})


def _allowed(runs: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The mode, and the patterns of what is run in it."""
    patterns = tuple(each.removeprefix(ALLOW) for each in runs if each.startswith(ALLOW))
    modes = [each for each in runs if not each.startswith(ALLOW)]
    unknown = [each for each in modes if each not in (NONE, ASK, ALL)]
    if unknown or len(modes) > 1 or (patterns and modes and modes != [ASK]):
        raise errors.UsageError(
            f"--run {' '.join(runs)}: one of none, ask and all, or allow=GLOB as often as you like"
        )
    return (modes[0] if modes else ASK), patterns


def _chosen(assembly: assemble.Assembly, what: str | None, only: Sequence[str]) -> tuple[list[Path], str]:
    """The manifests, all of them known to be whole."""
    from orchestra.daemon import snapshots

    keeper = snapshots.keeper(assembly)
    if what is not None and _is_place(what, keeper):
        path = Path(what)
        if not path.is_dir():
            if only:
                raise errors.UsageError("--only is for a snapshot or a directory: a file is one workspace")
            return [path], ""
        found = {each.stem: each for each in sorted(path.glob("*.yaml"))}
        if not found:
            raise errors.UsageError(f"there is no manifest in {path}")
        _refuse_missing(str(path), found, only)
        return [each for name, each in found.items() if not only or name in only], ""
    if what is None:
        from orchestra.daemon import latest  # and who says a name does not

        chosen = dict(latest.latest(assembly, only))
        missing = [name for name in only if name not in chosen]
        for each in {each.name: each for each in chosen.values()}.values():
            keeper.read(each)
        if missing or not chosen:
            of = f"of {', '.join(missing)}" if missing else "of everything"
            raise errors.OrchestraError(
                f"there is no snapshot to restore: none {of}, made by hand or before this server ran",
                hint="orchestra snapshot list shows what there is: say one by its NAME",
            )
    else:
        kept = keeper.find(what)
        keeper.read(kept)
        _refuse_missing(kept.name, kept.workspaces, only)
        chosen = {name: kept for name in kept.workspaces if not only or name in only}
    every = {each.name: each for each in chosen.values()}
    paths = [each.path / each.workspaces[name].file for name, each in chosen.items()]
    return paths, "; ".join(map(_titled, every.values()))


def _titled(kept: inventory.Kept) -> str:
    return f"{kept.name}, saved {kept.time.astimezone().strftime('%Y-%m-%d %H:%M:%S')}"


def _is_place(what: str, keeper: store.Snapshots) -> bool:
    """And no snapshot's name. A directory needs no slash where no snapshot is called so."""
    path = Path(what)
    if os.sep in what or what.endswith((".yaml", ".yml")) or path.is_file():
        return True
    return path.is_dir() and all(each.name != what for each in keeper.all(check=False))


def _refuse_missing(where: str, known: Collection[str], only: Sequence[str]) -> None:
    for each in only:
        if each not in known:
            raise errors.UsageError(
                f"{where} holds no workspace {each}", hint=f"it holds: {', '.join(known)}"
            )


def wanted_of(
    workspace: spec.Workspace,
    observed: status.Server,
    allowed: tuple[str, tuple[str, ...]],
    remaps: spec.Restore,
    *,
    prune: bool,
    adopt: bool,
    quiet: bool,
) -> compare.Options | None:
    """None: there is nothing of it that may be restored."""
    from orchestra.plan import compare, seen

    found = seen.seen(observed, workspace.name)
    theirs = []
    for session in workspace.sessions:
        holder = found.named(session.shown)
        if holder is None or session.name in found.sessions:
            continue
        if holder.mark is not None:
            theirs.append((session, f"it belongs to the workspace {holder.mark.workspace}"))
        elif not adopt:
            theirs.append((session, "--adopt takes it over as it stands, without restarting anything"))
    for session, hint in theirs:
        if not quiet:
            note = diagnostic.Diagnostic(
                severity=diagnostic.Severity.NOTE,
                summary=f"the session {session.shown} is there already and is left alone",
                hint=hint,
            )
            output.note(output.diagnosis(note, sys.stderr))
    if theirs and len(theirs) == len(workspace.sessions):
        return None
    left = {session.name for session, _ in theirs}
    targets = tuple(each.name for each in workspace.sessions if each.name not in left) if left else ()
    return compare.Options(
        prune=prune, adopt=adopt, targets=targets, typed=_typed(workspace, allowed, remaps, quiet=quiet)
    )


def _typed(
    workspace: spec.Workspace, allowed: tuple[str, tuple[str, ...]], remaps: spec.Restore, *, quiet: bool
) -> Mapping[str, tuple[str, bool]]:
    mode, patterns = allowed
    if mode == NONE:
        return {}
    from orchestra.snapshot import programs

    every = (*patterns, *remaps.allow)
    found: dict[str, tuple[str, bool]] = {}
    for pane in workspace.panes:
        if pane.was is None:
            continue
        try:
            line = programs.typed(pane.was)
        except programs.Unwritable as why:
            if not quiet:
                note = diagnostic.Diagnostic(
                    severity=diagnostic.Severity.WARNING,
                    summary=f"{pane.address}: what ran in it, {why.reason}, is not typed",
                )
                output.note(output.diagnosis(note, sys.stderr))
            continue
        typed = next((new for old, new in remaps.remap.items() if fnmatch.fnmatchcase(line, old)), line)
        found[pane.address] = (typed, mode == ALL or fits(pane.was, every))
    return found


def fits(was: str | tuple[str, ...], patterns: Sequence[str]) -> bool:
    """Whether it is run: of a pipeline each command must fit, and a line that is more than that is never what a pattern meant."""
    from orchestra.snapshot import programs

    found = programs.commands(was)
    wanted = patterns if len(found) < 2 else [part.strip() for each in patterns for part in each.split("|")]
    return bool(found) and all(
        any(fnmatch.fnmatchcase(programs.line(words), each) for each in wanted) for words in found
    )
