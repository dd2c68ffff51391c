"""What `start`, `stop` and `restart` share: which panes are meant, and one plan for each workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestra.cli import apply, codes, live, options, output
from orchestra.model import errors, names

if TYPE_CHECKING:  # see options
    from orchestra.model import plan, spec, status
    from orchestra.plan import compare


NOBODY = ("-",)
"""Targets of a plan that is to touch nothing: no targets would mean everything."""


def steered(
    common: options.Common,
    command: str,
    done_word: str,
    wanted: Sequence[str],
    choose: Callable[[dict[str, status.Place]], compare.Options],
    *,
    wait: bool = False,
    timeout: timedelta = timedelta(seconds=60),
) -> int:
    """`choose` is given the panes that are meant, by address."""
    from orchestra.engine.apply import execute
    from orchestra.model import status as seen

    assembly = common.assembly()
    chosen = panes_meant(assembly, wanted)
    code, rows = codes.OK, []
    settings = execute.Settings(wait=wait, timeout=timeout, on_error=execute.OnError.CONTINUE)
    for workspace, addresses in chosen.items():

        def decided(
            _: spec.Workspace, observed: status.Server, workspace: str = workspace, addresses: Any = addresses
        ) -> compare.Options:
            there = seen.owned(observed, workspace)
            return choose({each: there[each] for each in addresses if each in there})

        with live.Screen(common.json) as screen:
            told = _telling(addresses, screen, quiet=common.json)
            outcome = apply.carry_out(
                common,
                assembly,
                lambda by, workspace=workspace, decided=decided, screen=screen, told=told: by.steer(  # type: ignore[misc]
                    workspace, decided, settings, told, screen.report
                ),
            )
        rows.append(apply.row(outcome, screen.elapsed))
        bad = {**dict(outcome.result.failed), **dict(outcome.result.skipped)}
        code = codes.ERROR if bad else code
        if not common.json:
            for address, reason in bad.items():
                output.note(output.one_line(f"error: {address}: {reason}"))
            done = [
                each.address
                for each in outcome.plan.changes
                if each.verb != "none" and each.address not in bad
            ]
            output.say(output.one_line(f"{workspace}: {done_word} {', '.join(done) if done else 'nothing'}"))
    if common.json:
        (output.result if code == codes.OK else _failed)(command, {"workspaces": rows})
    return code


def _telling(named: Sequence[str], screen: live.Screen, *, quiet: bool) -> Callable[[plan.Plan], bool]:
    """What is stopped besides what was named is said before it is. `quiet`: the result alone says it."""

    def told(made: plan.Plan) -> bool:
        others = [change for change in made.stops if change.address not in named and not quiet]
        with screen.paused():
            for each in others:
                why = "; ".join(cause.reason for cause in each.causes)
                output.note(
                    output.one_line(f"note: {each.address} is restarted, too (pid {each.stops}): {why}")
                )
        return True

    return told


def _failed(command: str, row: dict[str, Any]) -> None:
    output.failure(command, "not everything was done", row)


def panes_meant(assembly: Any, wanted: Sequence[str]) -> dict[str, list[str]]:
    """Workspace → addresses of panes, from `session/pane`, `session/window`, `session`, a workspace's name, `@group` and `@all`."""
    from orchestra.daemon import grouping
    from orchestra.plan import overview

    found: dict[str, dict[str, None]] = {}
    every = overview.workspaces(assembly.tmux.observe())
    for word in wanted:
        before = sum(map(len, found.values()))
        for workspace in every:
            groups = grouping.groups(assembly, workspace.name) if word.startswith("@") else {}
            for session in workspace.sessions:
                for window in session.windows:
                    for pane in window.panes:
                        whole = {"@all", workspace.name, session.address, window.address, pane.address}
                        if word in whole or pane.address in groups.get(word, ()):
                            found.setdefault(workspace.name, {})[pane.address] = None
        if sum(map(len, found.values())) == before and not any(word in each for each in found.values()):
            raise _unknown(word, every)
    return {workspace: list(panes) for workspace, panes in found.items()}


def _unknown(word: str, every: Sequence[Any]) -> errors.UsageError:
    import difflib  # only a slip pays for it

    known = [pane.address for each in every for pane in each.panes]
    known += [session.address for each in every for session in each.sessions]
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "orchestra status shows what there is"
    if all(names.NAME.match(part) for part in word.removeprefix("@").split("/")):
        return errors.UsageError(f"nothing of orchestra's is called {word} on this tmux server", hint=hint)
    return errors.UsageError(f"{word} is no address", hint="say session/pane, a session, @group or @all")
