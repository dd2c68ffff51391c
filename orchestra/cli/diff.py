"""`orchestra diff`: the plan, and nothing but the plan."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output
from orchestra.host import whole_file
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.manifest import load
    from orchestra.model import plan


@click.command("diff")
@options.file
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for: apply --plan FILE."
)
@options.target("")
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
    file: str | None,
    out: Path | None,
    targets: tuple[str, ...],
    prune: bool,
    adopt: bool,
) -> int:
    """Show what apply would do to make FILE so, each step with its cause. Changes nothing, and runs nothing that FILE names.

    FILE is a manifest, - for standard input; without it: orchestra.yaml or orchestra.yml in this directory.
    Exit code 0: no differences, 2: some, 1: an error.

    \b
    Examples:
      orchestra diff manifest.yaml --env production
      orchestra diff manifest.yaml --out plan.json && orchestra apply --plan plan.json
    """
    from orchestra.host import clock
    from orchestra.model import codec
    from orchestra.plan import compare, conflicts, order

    path = options.chosen(file)
    loaded = options.read(path, inputs, quiet=common.json)
    wanted = order.targets(loaded.workspace, targets)
    assembly = common.assembly()
    made, seen, _ = assembly.preview.of(
        loaded.workspace, compare.Options(prune=prune, adopt=adopt, targets=wanted)
    )
    if not made.empty:
        order.refuse_cycles(loaded.workspace, loaded.locations)
    if out is not None:
        save(made, out)
    clashes = conflicts.warnings(loaded.workspace, clock.Clock().now(), loaded.locations)
    if common.json:
        output.result("diff", {"plan": codec.dump(made)}, (*loaded.warnings, *clashes))
    else:
        for each in clashes:
            output.note(output.diagnosis(each, sys.stderr))
        if sys.stdout.isatty():
            server = (
                f"the tmux server on {assembly.host.path}{'' if seen.running else ', which does not run'}"
            )
            head = output.one_line(f"{made.workspace}, as {path} says, on {server}:")
            output.say(output.paint(head, sys.stdout, dim=True))
        output.say(output.plan_text(made, sys.stdout))
    return codes.OK if made.empty else codes.DIFFERENCES


def digest(plain: object) -> str:
    """Of a plan as JSON data: a saved one that was edited is no plan that was ever made."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def save(made: plan.Plan, path: Path) -> None:
    """Whole or not at all; readable by its owner only, since it names what will be run."""
    from orchestra.model import codec

    plain = codec.dump(made)
    text = output.json_text({"version": 1, "sha256": digest(plain), "plan": plain}, indent=2)
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise errors.ActionFailed(f"cannot save the plan as {path}: it is not a regular file")
    try:
        whole_file.write(path, text.encode(errors="surrogateescape"), over=True, mode=0o600)
    except OSError as error:
        raise errors.ActionFailed(f"cannot save the plan as {path}: {error.strerror}") from error
