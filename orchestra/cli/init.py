"""`orchestra init`: a manifest for the project that lies in a directory."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output, suggest, template
from orchestra.model import diagnostic, errors

if TYPE_CHECKING:  # see options
    from orchestra.discover.project import survey


@click.command("init")
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path())
@click.option(
    "--template",
    "name",
    metavar="NAME",
    shell_complete=template.offered,
    help="Write this template instead of looking.",
)
@click.option(
    "--out", metavar="FILE", type=click.Path(), help="Where to write; without it, orchestra.yaml in DIR."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--print", "shown", is_flag=True, help="Print the manifest, and write nothing.")
@options.common
def command(
    common: options.Common, directory: str, name: str | None, out: str | None, force: bool, shown: bool
) -> int:
    """Look at the project in DIR (without it: this directory) and write orchestra.yaml: how it is started, tested and reached.

    Only looks: nothing of the project is run. What was found, and where, is told on stderr, and so is what is missing here.

    \b
    Examples:
      orchestra init
      orchestra init ~/src/shop --print
      orchestra init --template django
    """
    root = Path(os.path.abspath(directory))  # noqa: PTH100 - a link's own name is the name people know
    if not root.is_dir():
        raise errors.UsageError(f"there is no directory {directory}", hint=f"paths begin at {Path.cwd()}")
    target = Path(out) if out is not None else Path(directory) / suggest.DEFAULT_FILES[0]
    shown = shown or out == options.STDIN
    if not shown and not force:
        _refuse_to_hide(target, given=out is not None)
    seen = None
    if name is not None:
        text = _from_template(name, root)
    else:
        seen, text = _look(root, target if not shown else root / suggest.DEFAULT_FILES[0])
    if seen is not None and not common.json:
        _tell(seen, root)
    if shown:
        with template.mirrored(root, text) as draft:
            loaded = template.checked(draft, str(target))
    else:
        placed = template.placed(target, text, force=force)
        assert placed is not None
        loaded = placed
    if common.json:
        body = {
            "file": None if shown else str(target),
            "workspace": loaded.workspace.name,
            "template": name,
            "panes": _panes(seen) if seen is not None else [],
            "missing": [{"tool": tool, "panes": list(panes)} for tool, panes in seen.missing]
            if seen is not None
            else [],
            "manifest": text,
        }
        output.result("init", body, seen.remarks if seen is not None else ())
    elif shown:
        output.say(output.printable(text).rstrip("\n"))
    else:
        sessions = output.number(len(loaded.workspace.sessions), "session")
        panes = output.number(len(loaded.workspace.panes), "pane")
        again = "" if target.name in suggest.DEFAULT_FILES and target.parent.samefile(".") else f" {target}"
        output.say(output.one_line(f"{target}: written ({sessions}, {panes}); next: orchestra diff{again}"))
    return codes.OK


def _refuse_to_hide(target: Path, *, given: bool) -> None:
    """Beside orchestra.yml, an orchestra.yaml would be the one that is meant."""
    others = [] if given else [target.with_name(name) for name in suggest.DEFAULT_FILES]
    for each in (target, *others):
        if os.path.lexists(each):
            raise template.there_already(each)


def _from_template(name: str, root: Path) -> str:
    from orchestra.discover.project import naming, templates

    return templates.for_workspace(template.chosen(name).text, naming.workspace(root.name))


def _look(root: Path, target: Path) -> tuple[survey.Survey, str]:
    from orchestra.discover.project import survey, writing

    try:
        seen = survey.survey(root, lambda tool: shutil.which(tool) is not None)
    except OSError as error:
        raise errors.OrchestraError(f"cannot look into {root}: {error.strerror or error}") from error
    base = os.path.relpath(os.path.realpath(root), os.path.realpath(target.parent))
    return seen, writing.text(seen, "" if base == "." else base)


def _panes(seen: survey.Survey) -> list[dict[str, object]]:
    from orchestra.discover.project import writing

    return [
        {
            "address": f"{session.name}/{pane.name}",
            "command": pane.command,
            "source": writing.origin(pane, session),
            "port": pane.listening.port if pane.listening is not None else None,
        }
        for session in seen.sessions
        for pane in session.panes
    ]


def _tell(seen: survey.Survey, root: Path) -> None:
    rows = _panes(seen)
    if rows:
        output.note(output.one_line(f"found in {root}:"))
        addresses, commands = (
            max(len(output.one_line(str(row[key]))) for row in rows) for key in ("address", "command")
        )
        for row in rows:
            address, line, source = (
                output.one_line(str(row[key])) for key in ("address", "command", "source")
            )
            output.note(f"  {address:<{addresses}}  {line:<{min(commands, 40)}}  {source}")
    else:
        output.note(
            "nothing that orchestra knows how to start was found; the manifest has a shell, and a pane to copy"
        )
    for each in (*seen.remarks, *(_missing(tool, panes) for tool, panes in seen.missing)):
        output.note(output.diagnosis(each, sys.stderr))


def _missing(tool: str, panes: tuple[str, ...]) -> diagnostic.Diagnostic:
    users = ", ".join(panes[:3]) + (f" and {len(panes) - 3} more" if len(panes) > 3 else "")
    return diagnostic.Diagnostic(
        severity=diagnostic.Severity.WARNING, summary=f"{tool} is not on PATH; needed by {users}"
    )
