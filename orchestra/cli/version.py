"""`orchestra version`: what a bug report needs."""

from __future__ import annotations

import os
import platform

import click

from orchestra.cli import codes, options, output, table


@click.command("version")
@options.common
def command(common: options.Common) -> int:
    """Print the versions of orchestra, of the tmux on PATH, and of Python.

    \b
    Example:
      orchestra version -o json
    """
    import importlib.metadata  # 20 ms, see options

    from orchestra.daemon import assemble

    found = {
        "orchestra": importlib.metadata.version("orchestra-tmux"),
        "tmux": assemble.tmux_version(os.environ),
        "python": platform.python_version(),
    }
    if common.json:
        output.result("version", found)
    else:
        for line in table.lines([[name, version or "not found"] for name, version in found.items()]):
            output.say(line)
    return codes.OK
