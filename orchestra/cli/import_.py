"""`orchestra import`: what another tool's file says, as a manifest."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output
from orchestra.host import whole_file
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:  # see options
    from orchestra.discover import translate
    from orchestra.manifest import load

KINDS = (
    "tmuxp", "tmuxinator", "teamocil", "smug", "tmux-resurrect", "tmux-continuum", "procfile", "foreman", "docker-compose",
    "compose", "process-compose", "supervisord", "bridge",
)  # fmt: skip
"""Those of discover.kinds and their other names, without loading it; a test holds them together."""


@click.command("import")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--from", "kind", metavar="KIND", type=click.Choice(KINDS), help=f"What FILE is: {', '.join(KINDS)}."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the manifest there, not to standard output.",
)
@click.option("--force", is_flag=True, help="Let --out replace a file that is there.")
@options.common
def command(common: options.Common, file: str, kind: str | None, out: Path | None, force: bool) -> int:
    """Print a manifest that does what FILE of another tool does. Runs nothing that stands in it, and changes nothing.

    What FILE is, is seen from its name and content; - is standard input. Whatever cannot be carried over is a warning on standard
    error. Paths in the manifest are right where FILE lies; with --out, where the manifest is written.

    \b
    Examples:
      orchestra import Procfile > orchestra.yaml
      orchestra import ~/.tmuxp/shop.yaml --out shop.yaml
    """
    from orchestra.discover import kinds, source, translate
    from orchestra.manifest import dump, layout

    if force and out is None:
        raise errors.UsageError("--force is about --out, which is not given")
    found = source.read(file)
    chosen = None if kind is None else kinds.ALIASES.get(kind) or kinds.Kind(kind)
    made = translate.imported(found, chosen, layout.panes)
    refuse_faulty(made, found.folder)
    document: Mapping[str, object] = made.document
    if out is not None and (prefix := os.path.relpath(found.folder, out.resolve().parent)) != ".":
        document = translate.moved(document, prefix)
    told = output.one_line(file if file != options.STDIN else "standard input")
    text = f"# Imported from {told} ({made.kind}).\n{output.printable(dump.text(document))}"
    if out is not None:
        _write(text, out, force=force)
    if common.json:
        where = {} if out is None else {"file": str(out)}
        output.result("import", {"kind": str(made.kind), "manifest": text, **where}, made.warnings)
        return codes.OK
    for warning in made.warnings:
        output.note(output.diagnosis(warning, sys.stderr))
    if out is None:
        output.say(text.rstrip("\n"))
    else:
        warnings = output.number(len(made.warnings), "warning")
        output.say(output.one_line(f"{out}: imported from {told} ({made.kind}), with {warnings}"))
    return codes.OK


def refuse_faulty(made: translate.Imported, folder: Path) -> None:
    """Loads what was made as `apply` will; where that fails, the fault is ours and is told so."""
    from orchestra.discover import translate
    from orchestra.manifest import dump, load
    from orchestra.plan import order

    with tempfile.TemporaryDirectory(prefix="orchestra-") as scratch:
        path = Path(scratch) / "imported.yaml"
        path.write_text(dump.text(translate.moved(made.document, str(folder))), encoding="utf-8")
        try:
            loaded = load.load(path, _inputs())
            order.refuse_cycles(loaded.workspace, loaded.locations)
        except errors.ManifestError as failed:
            first = "this is a fault in orchestra: what it made of the file is not a manifest"
            fault = diagnostic.Diagnostic(severity=diagnostic.Severity.ERROR, summary=first)
            raise errors.ManifestError([fault, *failed.diagnostics, *made.warnings]) from failed


def _inputs() -> load.Inputs:
    """Variables have their defaults here, as they will where nobody sets them."""
    from orchestra.manifest import load

    return load.Inputs(environ={"HOME": os.environ.get("HOME", "/")})


def _write(text: str, out: Path, *, force: bool) -> None:
    """Whole or not at all."""
    path = out.resolve()
    if path.exists() and not path.is_file():
        raise errors.ActionFailed(f"cannot write {out}: it is not a regular file")
    try:
        whole_file.write(path, text.encode(), over=force)
    except FileExistsError:
        raise errors.ActionFailed(f"{out} is there already", hint="--force replaces it") from None
    except OSError as failed:
        raise errors.ActionFailed(f"cannot write {out}: {failed.strerror}") from failed
