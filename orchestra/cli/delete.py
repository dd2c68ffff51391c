"""`orchestra delete`: backwards through the graph, gracefully, only what is owned."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import click

from orchestra.cli import apply, live, options
from orchestra.engine import execute
from orchestra.manifest import load
from orchestra.model import errors, names, status


@click.command("delete")
@click.argument("what", metavar="FILE|WORKSPACE")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before something that runs is stopped.")
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, what: str, yes: bool) -> int:
    """Stop and remove what a workspace owns: dependants first, each gracefully. What a person opened stays.

    \b
    Examples:
      orchestra delete manifest.yaml
      orchestra down shop --yes
    """
    assembly = common.assembly()
    name = workspace_name(what, inputs, assembly.tmux.observe())
    settings = execute.Settings(wait=False, timeout=timedelta(seconds=60), on_error=execute.OnError.CONTINUE)
    with live.Screen(common.json) as screen:
        outcome = asyncio.run(
            assembly.reconciler.delete(
                name, settings, lambda each: apply.confirm(each, yes, screen), screen.report
            )
        )
    return apply.summarise("delete", outcome, common)


def workspace_name(what: str, inputs: load.Inputs, seen: status.Server) -> str:
    """A workspace on the server by its name, else the one a file declares."""
    there = {mark.workspace for place in status.places(seen) if (mark := place.pane.mark) is not None}
    if what in there:
        return what
    if what == "-" or Path(what).is_file():
        return options.read(what, inputs).workspace.name
    if names.WORKSPACE.match(what):
        raise errors.UsageError(
            f"no workspace {what} on this tmux server, and no such file",
            hint=f"there are: {', '.join(sorted(there))}"
            if there
            else "there is no workspace of orchestra's on it",
        )
    raise errors.UsageError(f"{what} is neither a file nor a workspace's name")
