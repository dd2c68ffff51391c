"""`orchestra delete`: backwards through the graph, gracefully, only what is owned."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import apply, live, options, suggest
from orchestra.model import errors, names

if TYPE_CHECKING:  # see options
    from orchestra.manifest import load
    from orchestra.model import status


@click.command("delete")
@click.argument(
    "what", metavar="[FILE|WORKSPACE]", required=False, shell_complete=suggest.files_and_workspaces
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask before something that runs is stopped.")
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, what: str | None, yes: bool) -> int:
    """Stop and remove what a workspace owns: dependants first, each gracefully. What a person opened stays.

    The workspace is named, or declared in FILE; without either: in orchestra.yaml or orchestra.yml in this directory.
    "orchestra down" is the same.

    \b
    Examples:
      orchestra delete manifest.yaml
      orchestra down shop --yes
    """
    assembly = common.assembly()
    name = workspace_name(what, inputs, assembly.tmux.observe())
    from orchestra.engine.apply import execute

    settings = execute.Settings(wait=False, timeout=timedelta(seconds=60), on_error=execute.OnError.CONTINUE)
    with live.Screen(common.json) as screen:
        ask = apply.asking(yes, screen)
        outcome = apply.carry_out(common, assembly, lambda by: by.delete(name, settings, ask, screen.report))
    if outcome.result.ok and not outcome.declined:
        from orchestra.daemon import snapshots  # 30 ms, and not for who declines

        snapshots.forget(assembly, name)
    return apply.summarise("delete", outcome, common, screen.elapsed)


def workspace_name(given: str | None, inputs: load.Inputs, seen: status.Server) -> str:
    """A workspace on the server by its name, else the one a file declares."""
    from orchestra.plan import overview

    there = overview.names_of(seen)
    what = options.chosen(given) if given is None else given
    if what in there:
        return what
    if what == options.STDIN or Path(what).is_file():
        return options.read(what, inputs, quiet=True).workspace.name
    if names.WORKSPACE.match(what):
        raise errors.UsageError(
            f"no workspace {what} on this tmux server, and no such file",
            hint=f"there are: {', '.join(there)}" if there else "there is no workspace of orchestra's on it",
        )
    raise errors.UsageError(f"{what} is neither a file nor a workspace's name")
