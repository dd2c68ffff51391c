"""`orchestra diff`: the plan, and nothing but the plan."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import click

from orchestra.cli import codes, options, output
from orchestra.manifest import load
from orchestra.model import codec, plan
from orchestra.plan import compare, order


@click.command("diff")
@click.argument("file", type=click.Path())
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for: apply --plan FILE."
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="ADDRESS",
    help="Only this session, window, pane or @group, and what it needs.",
)
@click.option(
    "--prune/--no-prune",
    default=True,
    show_default=True,
    help="Delete what the workspace owns and the manifest does not have.",
)
@click.option("--adopt", is_flag=True, help="Take over sessions of these names that are not orchestra's.")
@options.manifest
@options.common
def command(
    common: options.Common,
    inputs: load.Inputs,
    file: str,
    out: Path | None,
    targets: tuple[str, ...],
    prune: bool,
    adopt: bool,
) -> int:
    """Show what apply would do to make FILE so, each step with its cause. Changes nothing, and runs nothing that FILE names.

    Exit code 0: no differences, 2: some, 1: an error.

    \b
    Example:
      orchestra diff manifest.yaml --env production
    """
    loaded = options.read(file, inputs)
    wanted = order.targets(loaded.workspace, targets)
    made, _, _ = common.assembly().reconciler.preview(
        loaded.workspace, compare.Options(prune=prune, adopt=adopt, targets=wanted)
    )
    if not made.empty:
        order.refuse_cycles(loaded.workspace, loaded.locations)
    if out is not None:
        save(made, out)
    if common.json:
        output.result("diff", {"plan": codec.dump(made)})
    else:
        output.say(output.plan_text(made, sys.stdout))
    return codes.OK if made.empty else codes.DIFFERENCES


def save(made: plan.Plan, path: Path) -> None:
    """Whole or not at all; readable by its owner only, since it names what will be run."""
    text = json.dumps({"version": 1, "plan": codec.dump(made)}, indent=2)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
