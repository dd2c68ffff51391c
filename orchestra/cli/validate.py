"""`orchestra validate`: every problem of every file, at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:  # see options
    from orchestra.manifest import load


@click.command("validate")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, files: tuple[str, ...]) -> int:
    """Look for problems in manifests and print all of them, each with its place. Runs nothing and asks no tmux.

    FILE is a manifest, - for standard input; without any: orchestra.yaml or orchestra.yml in this directory.

    \b
    Example:
      orchestra validate manifests/*.yaml
    """
    from orchestra.host import clock
    from orchestra.plan import conflicts, order

    now = clock.Clock().now()
    rows: list[dict[str, object]] = []
    told: list[diagnostic.Diagnostic] = []
    bad = 0
    for file in files or (options.chosen(None),):
        found: tuple[diagnostic.Diagnostic, ...] = ()
        try:
            loaded = options.read(file, inputs, quiet=True)
            found = loaded.warnings
            order.refuse_cycles(loaded.workspace, loaded.locations)
            found = (*found, *conflicts.warnings(loaded.workspace, now, loaded.locations))
        except errors.ManifestError as error:
            found = (*found, *error.diagnostics)
        wrong = any(each.severity is diagnostic.Severity.ERROR for each in found)
        bad += wrong
        told += found
        rows.append({"file": file, "valid": not wrong, "diagnostics": [output.plain(each) for each in found]})
        if not common.json:
            for each in found:
                output.note(output.diagnosis(each, sys.stderr))
            if not wrong:
                panes, sessions = len(loaded.workspace.panes), len(loaded.workspace.sessions)
                counted = f"{output.number(sessions, 'session')}, {output.number(panes, 'pane')}"
                output.say(output.one_line(f"{file}: valid ({counted})"))
    if common.json and bad:
        message = f"{bad} of {output.number(len(rows), 'file')} {'has' if bad == 1 else 'have'} errors"
        output.failure("validate", message, {"files": rows}, told)
    elif common.json:
        output.result("validate", {"files": rows})
    return codes.ERROR if bad else codes.OK
