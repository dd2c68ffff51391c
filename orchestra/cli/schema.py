"""`orchestra schema`: what a manifest may hold, for editors and programs."""

from __future__ import annotations

import click

from orchestra.cli import codes, options, output


@click.command("schema")
@options.common
def command(common: options.Common) -> int:
    """Print the JSON Schema (2020-12) of manifests. Every key has a description, its default and examples.

    \b
    Example:
      orchestra schema > manifest.schema.json
    """
    from orchestra.manifest import schemas

    if common.json:
        output.result("schema", {"schema": schemas.written()})
    else:
        output.say(output.json_text(schemas.written(), indent=2))
    return codes.OK
