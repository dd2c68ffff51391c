"""`orchestra validate`: every problem of every file, at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from orchestra.cli import codes, options, output
from orchestra.manifest import load
from orchestra.model import codec, diagnostic, errors
from orchestra.plan import order


@click.command("validate")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, files: tuple[str, ...]) -> int:
    """Look for problems in manifests and print all of them, each with its place. Runs nothing and asks no tmux.

    \b
    Example:
      orchestra validate manifests/*.yaml
    """
    rows: list[dict[str, object]] = []
    bad = 0
    for file in files:
        found: tuple[diagnostic.Diagnostic, ...] = ()
        try:
            loaded = load.load(Path(file), inputs)
            found = loaded.warnings
            order.refuse_cycles(loaded.workspace, loaded.locations)
        except errors.ManifestError as error:
            found = (*found, *error.diagnostics)
        wrong = any(each.severity is diagnostic.Severity.ERROR for each in found)
        bad += wrong
        rows.append({"file": file, "valid": not wrong, "diagnostics": [codec.dump(each) for each in found]})
        if not common.json:
            for each in found:
                output.note(output.diagnosis(each, sys.stderr))
            if not wrong:
                panes, sessions = len(loaded.workspace.panes), len(loaded.workspace.sessions)
                output.say(output.one_line(f"{file}: valid ({sessions} sessions, {panes} panes)"))
    if common.json and not bad:
        output.result("validate", {"files": rows})
    elif common.json:
        body = {
            "status": "error",
            "command": "validate",
            "message": f"{bad} of {len(files)} files have errors",
        }
        output.say(json.dumps({**body, "files": rows}, ensure_ascii=False))
    return codes.ERROR if bad else codes.OK
