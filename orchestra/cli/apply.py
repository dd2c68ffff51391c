"""`orchestra apply`: make it so."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

import click

from orchestra.cli import codes, live, options, output
from orchestra.engine import execute, reconcile
from orchestra.manifest import load
from orchestra.model import codec, diagnostic, errors, plan, progress
from orchestra.plan import compare, order


@click.command("apply")
@click.argument("file", type=click.Path(), required=False)
@click.option(
    "--plan",
    "saved",
    type=click.Path(path_type=Path),
    help="Carry out a plan that diff --out saved, verbatim.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before something that runs is stopped.")
@click.option(
    "--prune/--no-prune",
    default=True,
    show_default=True,
    help="Delete what the workspace owns and the manifest does not have.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="ADDRESS",
    help="Only this session, window, pane or @group, and what it needs. A @group is all or nothing.",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Take over sessions of these names that are not orchestra's, without restarting anything.",
)
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
@click.option(
    "--on-error",
    type=click.Choice([each.value for each in execute.OnError]),
    default=None,
    help="After a failure: stop (default), continue with what does not depend on it, or rollback.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and stop, as diff does.")
@options.manifest
@options.common
def command(
    common: options.Common,
    inputs: load.Inputs,
    file: str | None,
    saved: Path | None,
    yes: bool,
    prune: bool,
    targets: tuple[str, ...],
    adopt: bool,
    wait: bool,
    timeout: timedelta,
    on_error: str | None,
    dry_run: bool,
) -> int:
    """Make the tmux server what FILE says, and touch nothing else.

    What runs is never stopped without saying so: on a terminal you are asked, elsewhere it needs --yes.

    \b
    Examples:
      orchestra apply manifest.yaml
      orchestra diff manifest.yaml --out plan.json && orchestra apply --plan plan.json
    """
    if (file is None) == (saved is None):
        raise click.UsageError("give a manifest FILE, or --plan FILE")
    grouped = any(each.startswith("@") for each in targets)
    mode = (
        execute.OnError(on_error)
        if on_error
        else (execute.OnError.ROLLBACK if grouped else execute.OnError.STOP)
    )
    settings = execute.Settings(wait=wait, timeout=timeout, on_error=mode)
    reconciler = common.assembly().reconciler
    if saved is not None:
        made = load_plan(saved)
        if dry_run:
            return _show(made, common)
        with live.Screen(common.json) as screen:
            outcome = asyncio.run(
                reconciler.apply_saved(made, settings, lambda each: confirm(each, yes, screen), screen.report)
            )
        return summarise("apply", outcome, common)
    assert file is not None
    loaded = options.read(file, inputs)
    order.refuse_cycles(loaded.workspace, loaded.locations)
    wanted = compare.Options(prune=prune, adopt=adopt, targets=order.targets(loaded.workspace, targets))
    if dry_run:
        return _show(reconciler.preview(loaded.workspace, wanted)[0], common)
    with live.Screen(common.json) as screen:
        outcome = asyncio.run(
            reconciler.apply(
                loaded.workspace, wanted, settings, lambda each: confirm(each, yes, screen), screen.report
            )
        )
    return summarise("apply", outcome, common)


def _show(made: plan.Plan, common: options.Common) -> int:
    if common.json:
        output.result("apply", {"dry_run": True, "plan": codec.dump(made)})
    else:
        output.say(output.plan_text(made, sys.stdout))
    return codes.OK


def load_plan(path: Path) -> plan.Plan:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(plain, dict) or plain.get("version") != 1:
            raise ValueError("it is not a plan of this version")
        return codec.load(plan.Plan, plain.get("plan"))
    except OSError as error:
        raise errors.ActionFailed(f"cannot read the plan {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise errors.ActionFailed(
            f"{path} is not a saved plan: {error}", hint="save one with: orchestra diff FILE --out PLAN"
        ) from error


def confirm(made: plan.Plan, yes: bool, screen: live.Screen) -> bool:
    if yes:
        return True
    screen.pause()
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        running = ", ".join(f"{change.address} (pid {change.stops})" for change in made.stops)
        raise errors.Conflict(
            f"this stops what runs: {running}", hint="look at it with orchestra diff, then apply with --yes"
        )
    output.note(output.plan_text(made, sys.stderr))
    return click.confirm("Go on?", err=True)


def summarise(name: str, outcome: reconcile.Outcome, common: options.Common) -> int:
    """The result on stdout; what went wrong on stderr."""
    result, made = outcome.result, outcome.plan
    if outcome.declined:
        output.note("nothing was done")
        return codes.ERROR
    if common.json:
        rows = {
            "workspace": made.workspace,
            "changes": [codec.dump(change) for change in made.changes if change.verb is not plan.Verb.NONE],
            "failed": dict(result.failed),
            "skipped": dict(result.skipped),
            "rolled_back": outcome.undone is not None,
        }
        if result.ok:
            output.result(name, rows)
        else:
            first = (
                f"{result.failed[0][0]}: {result.failed[0][1]}"
                if result.failed
                else "not everything was done"
            )
            output.say(
                json.dumps({"status": "error", "command": name, "message": first, **rows}, ensure_ascii=False)
            )
        return codes.OK if result.ok else codes.ERROR
    for note in made.notes:
        output.note(output.diagnosis(note, sys.stderr))
    for address, reason in result.failed:
        output.note(_problem(diagnostic.Severity.ERROR, f"{address}: {reason}"))
    for address, reason in result.skipped:
        output.note(_problem(diagnostic.Severity.WARNING, f"{address} skipped: {reason}"))
    if outcome.undone is not None:
        undone = (
            "rolled back: the workspace is as it was"
            if outcome.undone.ok
            else "the roll-back is not complete"
        )
        output.note(undone)
    output.say(_counted(made, result, rolled_back=outcome.undone is not None))
    return codes.OK if result.ok else codes.ERROR


def _problem(severity: diagnostic.Severity, summary: str) -> str:
    return output.diagnosis(diagnostic.Diagnostic(severity=severity, summary=summary), sys.stderr)


def _counted(made: plan.Plan, result: progress.Result, *, rolled_back: bool) -> str:
    bad = {address for address, _ in (*result.failed, *result.skipped)}
    done = [change for change in made.changes if change.address not in bad]

    def number(verb: plan.Verb) -> int:
        return 0 if rolled_back else sum(change.verb is verb for change in done)

    words = {
        plan.Verb.CREATE: "created",
        plan.Verb.UPDATE: "updated",
        plan.Verb.REPLACE: "replaced",
        plan.Verb.DELETE: "deleted",
    }
    text = ", ".join(f"{number(verb)} {word}" for verb, word in words.items())
    text += f"; {made.count(plan.Verb.NONE)} unchanged"
    if bad:
        text += f"; {len(result.failed)} failed, {len(result.skipped)} skipped"
    return f"{made.workspace}: {text}"
