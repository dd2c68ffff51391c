"""`orchestra render`: the manifest as it is understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output

if TYPE_CHECKING:  # see options
    from orchestra.manifest import load


@click.command("render")
@options.file
@options.manifest
@options.common
def command(common: options.Common, inputs: load.Inputs, file: str | None) -> int:
    """Print FILE in full: variables, overlays and includes put in, defaults and short forms written out. Runs nothing.

    Secrets stay references, and values of env_file are not shown. What is printed is a manifest itself.
    FILE is a manifest, - for standard input; without it: orchestra.yaml or orchestra.yml in this directory.

    \b
    Example:
      orchestra render manifest.yaml --env production --var port=9000
    """
    from orchestra.manifest import dump

    loaded = options.read(options.chosen(file), inputs, quiet=common.json)
    if common.json:
        output.result("render", {"manifest": loaded.document}, loaded.warnings)
    else:
        output.say(output.printable(dump.text(loaded.document)).rstrip("\n"))
    return codes.OK
