"""`orchestra freeze`: what is live, merged into a manifest that a person wrote."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.host import whole_file
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.manifest import load


@click.command("freeze")
@click.argument("what", metavar="SESSION|WORKSPACE", shell_complete=suggest.workspaces)
@click.option(
    "--into",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="The manifest; where there is none it is made.",
)
@click.option("--dry-run", is_flag=True, help="Print what would change in FILE, and write nothing.")
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, what: str, into: Path, dry_run: bool) -> int:
    """Write what is live into the manifest FILE, keeping its comments and its order.

    What is new is added, what agrees is left as it is, and what does not agree is told and not written over. Nothing live is touched.
    What ran in shells is written as `was`, which apply never runs; make it a `command` where it shall be one.

    \b
    Examples:
      orchestra freeze work --into orchestra.yaml --dry-run
      orchestra freeze work --into orchestra.yaml
    """
    from orchestra.daemon import freezing

    path = into.resolve()
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise errors.OrchestraError(f"cannot read {into}: {error}") from error
    loaded = options.read(str(path), inputs, quiet=True) if before else None
    frozen = freezing.freeze(common.assembly(), what, before, loaded, inputs)
    changed = frozen.text != before
    if changed and not dry_run:
        _replace(path, before, frozen.text)
    if common.json:
        row = {"file": str(into), "added": list(frozen.added), "written": changed and not dry_run}
        output.result("freeze", row, frozen.notes)
        return codes.OK
    for each in frozen.notes:
        output.note(output.diagnosis(each, sys.stderr))
    if dry_run:
        lines = difflib.unified_diff(
            before.splitlines(), frozen.text.splitlines(), str(into), f"{into} (frozen)", lineterm=""
        )
        for line in lines:
            output.say(output.one_line(line))
        return codes.OK
    told = f"added {', '.join(frozen.added)}" if frozen.added else "nothing to add"
    output.say(output.one_line(f"{into}: {told}"))
    return codes.OK


def _replace(path: Path, before: str, text: str) -> None:
    """Not over what somebody else wrote meanwhile."""
    try:
        if (path.read_text(encoding="utf-8") if path.exists() else "") != before:
            raise errors.Conflict(f"{path} was changed meanwhile", hint="say it again")
        whole_file.write(path, text.encode(), over=path.exists())
    except OSError as error:
        raise errors.OrchestraError(f"cannot write {path}: {error.strerror or error}") from error
