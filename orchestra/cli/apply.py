"""`orchestra apply`: make it so."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestra.cli import codes, diff, handing, live, options, output
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:  # see options
    from types import FrameType

    from orchestra.daemon import assemble
    from orchestra.engine.apply import reconcile
    from orchestra.manifest import load
    from orchestra.model import plan, progress

T = TypeVar("T")


@click.command("apply")
@options.file
@click.option(
    "--plan",
    "saved",
    type=click.Path(path_type=Path),
    help="Carry out a plan that diff --out saved, verbatim, or not at all.",
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before something that runs is stopped.")
@click.option(
    "--prune/--no-prune",
    default=True,
    show_default=True,
    help="Delete what the workspace owns and the manifest does not have.",
)
@options.target(" A @group is all or nothing.")
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
    type=click.Choice(["stop", "continue", "rollback"]),
    default=None,
    help="After a failure: stop (default), continue with what does not depend on it, or rollback.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and stop, as diff does.")
@click.option("--no-daemon", is_flag=True, help="Start no daemon, also where the manifest needs one.")
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
    no_daemon: bool,
) -> int:
    """Make the tmux server what FILE says, and touch nothing else.

    What runs is never stopped without saying so: on a terminal you are asked, elsewhere it needs --yes.
    FILE is a manifest, - for standard input; without it: orchestra.yaml or orchestra.yml in this directory.
    "orchestra up" is the same.

    \b
    Examples:
      orchestra apply manifest.yaml
      orchestra apply manifest.yaml --target @backend --timeout 5m
      orchestra diff manifest.yaml --out plan.json && orchestra apply --plan plan.json
    """
    if saved is not None and file is not None:
        raise click.UsageError("a saved plan knows its manifest: give --plan or FILE, not both")
    decided = targets or adopt or not prune or inputs.environment or inputs.variables or inputs.variable_files
    if saved is not None and decided:
        raise click.UsageError("a saved plan is carried out as it is: what decides a plan was said to diff")
    from orchestra.engine.apply import execute

    grouped = any(each.startswith("@") for each in targets)
    otherwise = execute.OnError.ROLLBACK if grouped else execute.OnError.STOP
    settings = execute.Settings(
        wait=wait, timeout=timeout, on_error=execute.OnError(on_error) if on_error else otherwise
    )
    if saved is not None:
        return _apply_saved(load_plan(saved), settings, common, yes=yes, dry_run=dry_run, start=not no_daemon)
    from orchestra.plan import compare, order

    loaded = options.read(options.chosen(file), inputs, quiet=common.json)
    order.refuse_cycles(loaded.workspace, loaded.locations)
    wanted = compare.Options(prune=prune, adopt=adopt, targets=order.targets(loaded.workspace, targets))
    told = (*loaded.warnings, *_of_schedules(loaded, common))
    assembly = common.assembly()
    if dry_run:
        return _show(assembly.preview.of(loaded.workspace, wanted)[0], common, told)
    hands = handing.Handing(common, loaded.workspace if not targets else None, start=not no_daemon)
    with live.Screen(common.json) as screen:
        ask = asking(yes, screen)
        outcome = carry_out(
            common,
            assembly,
            lambda by: by.apply(loaded.workspace, wanted, settings, ask, screen.report),
            loaded if not targets else None,
            hands,
        )
    hands.over(outcome)
    return summarise("apply", outcome, common, screen.elapsed, told)


def _of_schedules(loaded: load.Loaded, common: options.Common) -> tuple[diagnostic.Diagnostic, ...]:
    """What cannot be meant so, said before anything is done."""
    if not loaded.workspace.rules.schedules:
        return ()
    from orchestra.host import clock
    from orchestra.plan import conflicts

    found = conflicts.warnings(loaded.workspace, clock.Clock().now(), loaded.locations)
    if not common.json:
        for each in found:
            output.note(output.diagnosis(each, sys.stderr))
    return found


def _apply_saved(
    made: plan.Plan, settings: Any, common: options.Common, *, yes: bool, dry_run: bool, start: bool
) -> int:
    if dry_run:
        return _show(made, common)
    from orchestra.plan import applied

    assembly = common.assembly()
    with live.Screen(common.json) as screen:
        ask = asking(yes, screen)
        outcome = carry_out(common, assembly, lambda by: by.apply_saved(made, settings, ask, screen.report))
    there = applied.workspace(made.workspace, assembly.tmux.observe())
    handing.Handing(common, there, start=start).over(outcome)
    return summarise("apply", outcome, common, screen.elapsed)


def carry_out(
    common: options.Common,
    assembly: assemble.Assembly,
    work: Callable[[reconcile.Reconciler], Coroutine[Any, Any, reconcile.Outcome]],
    whole: load.Loaded | None = None,
    hands: handing.Handing | None = None,
) -> reconcile.Outcome:
    """Does it; a daemon that runs is told of it. The text of a manifest that is applied as a `whole` is remembered."""
    outcome = _carried_out(common, assembly, work, hands)
    if whole is not None and not outcome.declined:
        from orchestra.daemon import snapshots

        snapshots.remember(assembly, whole)
    return outcome


def _carried_out(
    common: options.Common,
    assembly: assemble.Assembly,
    work: Callable[[reconcile.Reconciler], Coroutine[Any, Any, reconcile.Outcome]],
    hands: handing.Handing | None,
) -> reconcile.Outcome:
    report = common.reporting()

    def begun(made: plan.Plan) -> None:
        nonlocal report
        if hands is not None:
            with contextlib.suppress(errors.OrchestraError):  # it is tried again after, and then told
                if hands.begin():
                    assembly.tmux.observe()  # where the daemon wants panes recorded
                    report = common.reporting()
        if report is not None:
            from orchestra.daemon import applying  # only who has a daemon tells it

            report(applying.started(made), made.workspace)

    outcome = run(work(dataclasses.replace(assembly.reconciler, begun=begun)))
    if report is not None and outcome.plan.steps and not outcome.declined:
        from orchestra.daemon import applying  # as above

        report(applying.finished(outcome), outcome.plan.workspace)
    return outcome


def run(work: Coroutine[Any, Any, T]) -> T:
    """asyncio answers the first Ctrl-C by cancelling what waits in its loop. A prompt, a passphrase that is asked for, or the wait for
    another's lock stands still in the main task and would not hear of it: there it is raised at once. SIGTERM and SIGHUP are answered
    the same way, so that no probe of ours is left behind."""
    import asyncio  # 40 ms, see options

    main: asyncio.Task[Any] | None = None

    async def watched() -> T:
        nonlocal main
        main = asyncio.current_task()
        try:
            return await work
        except KeyboardInterrupt:
            raise asyncio.CancelledError from None  # a task that ends by anything worse is complained about

    def interrupt(number: int, frame: FrameType | None) -> None:
        if main is None or main.done():
            raise KeyboardInterrupt
        loop = main.get_loop()
        if asyncio.current_task(loop) is main:
            raise KeyboardInterrupt
        main.cancel()
        loop.call_soon_threadsafe(lambda: None)  # it may be asleep

    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, interrupt)
    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _show(made: plan.Plan, common: options.Common, warnings: tuple[diagnostic.Diagnostic, ...] = ()) -> int:
    from orchestra.model import codec

    if common.json:
        output.result("apply", {"dry_run": True, "plan": codec.dump(made)}, warnings)
    else:
        output.say(output.plan_text(made, sys.stdout))
    return codes.OK


def load_plan(path: Path) -> plan.Plan:
    from orchestra.model import codec, plan

    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(plain, dict) or plain.get("version") != 1:
            raise ValueError("it is not a plan of this version")
        if plain.get("sha256") != diff.digest(plain.get("plan")):
            raise ValueError("it was changed after it was saved")
        return codec.load(plan.Plan, plain.get("plan"))
    except OSError as error:
        raise errors.ActionFailed(f"cannot read the plan {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise errors.ActionFailed(
            f"{path} is not a saved plan: {error}", hint="save one with: orchestra diff FILE --out PLAN"
        ) from error


def asking(yes: bool, screen: live.Screen) -> Callable[[plan.Plan], bool]:
    """Whether a plan that stops something may be carried out."""

    def confirmed(made: plan.Plan) -> bool:
        if yes:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            running = ", ".join(f"{change.address} (pid {change.stops})" for change in made.stops)
            raise errors.Conflict(
                f"this stops what runs: {running}",
                hint="look at it with orchestra diff, then say --yes",
            )
        with screen.paused():
            output.note(output.plan_text(made, sys.stderr))
            try:
                return click.confirm("Go on?", err=True)
            except click.Abort:  # Ctrl-C, Ctrl-D
                raise errors.Interrupted("not confirmed") from None

    return confirmed


def summarise(
    name: str,
    outcome: reconcile.Outcome,
    common: options.Common,
    elapsed: float,
    warnings: tuple[diagnostic.Diagnostic, ...] = (),
) -> int:
    """The result on stdout; what went wrong on stderr."""
    result, made = outcome.result, outcome.plan
    if outcome.declined:
        if common.json:
            output.failure(name, "declined: nothing was done", {"workspace": made.workspace})
        else:
            output.note("nothing was done")
        return codes.ERROR
    if common.json:
        rows = row(outcome, elapsed)
        notes = (*warnings, *made.notes)
        if result.ok:
            output.result(name, rows, notes)
        else:
            message = next(
                (f"{address}: {reason}" for address, reason in result.failed), "not everything was done"
            )
            output.failure(name, message, rows, (*notes, *_problems(result)))
        return codes.OK if result.ok else codes.ERROR
    for note in (*made.notes, *_problems(result)):
        output.note(output.diagnosis(note, sys.stderr))
    if outcome.undone is not None:
        undone = (
            "rolled back: the workspace is as it was"
            if outcome.undone.ok
            else "the roll-back is not complete"
        )
        output.note(undone)
        for each in _problems(outcome.undone):
            output.note(output.diagnosis(each, sys.stderr))
    counted = _counted(made, result, rolled_back=outcome.undone is not None)
    output.say(f"{counted} in {output.duration(elapsed)}")
    return codes.OK if result.ok else codes.ERROR


def row(outcome: reconcile.Outcome, elapsed: float) -> dict[str, Any]:
    from orchestra.model import codec

    return {
        "workspace": outcome.plan.workspace,
        "changes": [codec.dump(change) for change in outcome.plan.changes if change.verb != "none"],
        "failed": dict(outcome.result.failed),
        "skipped": dict(outcome.result.skipped),
        "rolled_back": outcome.undone is not None,
        "elapsed": round(elapsed, 3),
    }


def _problems(result: progress.Result) -> list[diagnostic.Diagnostic]:
    error, warning = diagnostic.Severity.ERROR, diagnostic.Severity.WARNING
    return [
        *(
            diagnostic.Diagnostic(severity=error, summary=f"{address}: {reason}")
            for address, reason in result.failed
        ),
        *(
            diagnostic.Diagnostic(severity=warning, summary=f"{address} skipped: {reason}")
            for address, reason in result.skipped
        ),
    ]


def _counted(made: plan.Plan, result: progress.Result, *, rolled_back: bool) -> str:
    bad = _undone(made, {address for address, _ in (*result.failed, *result.skipped)})
    done = [change for change in made.changes if (change.kind, change.address) not in bad]

    def number(verb: str) -> int:
        return 0 if rolled_back else sum(change.verb == verb for change in done)

    words = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
    text = ", ".join(f"{number(verb)} {word}" for verb, word in words.items())
    text += f"; {sum(change.verb == 'none' for change in made.changes)} unchanged"
    if result.failed or result.skipped:
        text += f"; {len(result.failed)} failed, {len(result.skipped)} skipped"
    return f"{made.workspace}: {text}"


def _undone(made: plan.Plan, bad: set[str]) -> set[tuple[str, str]]:
    """The changes that were not made: those told, and what would have been made in the same step."""
    from orchestra.model import action

    found = {(str(change.kind), change.address) for change in made.changes if change.address in bad}
    for step in made.steps:
        what = step.action
        if step.change in bad and isinstance(what, action.CreateSession):
            found |= {("window", what.window.address), ("pane", what.window.seed.pane.address)}
        elif step.change in bad and isinstance(what, action.CreateWindow):
            found.add(("pane", what.seed.pane.address))
    return found
