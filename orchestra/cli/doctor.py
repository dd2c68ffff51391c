"""`orchestra doctor`: can orchestra work here, and what should one know."""

from __future__ import annotations

import os
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, options, output

if TYPE_CHECKING:  # see options
    from orchestra.daemon import doctor

_SIGNS = {
    "ok": ("ok", "green"),
    "note": ("note", "cyan"),
    "warning": ("warning", "yellow"),
    "error": ("error", "red"),
}
_WIDTH = 100


@click.command("doctor")
@options.common
def command(common: options.Common) -> int:
    """Look at tmux, its version and known faults, the server, this machine and orchestra's directories. Changes nothing.

    Exit code 1 when something makes orchestra unusable; warnings do not.

    \b
    Example:
      orchestra doctor
    """
    from orchestra.daemon import assemble

    found = assemble.checks(common.socket_name, common.socket_path, os.environ)
    broken = [each for each in found if each.verdict == "error"]
    rows = {
        "checks": [
            {
                "name": each.name,
                "verdict": str(each.verdict),
                "summary": each.summary,
                **({"hint": each.hint} if each.hint else {}),
            }
            for each in found
        ]
    }
    if common.json and broken:
        output.failure("doctor", f"{broken[0].name}: {broken[0].summary}", rows)
    elif common.json:
        output.result("doctor", rows)
    else:
        for each in found:
            for line in _lines(each):
                output.say(line)
    return codes.ERROR if broken else codes.OK


def _lines(each: doctor.Check) -> list[str]:
    sign, tone = _SIGNS[each.verdict]
    head = output.paint(f"{sign:<8}", sys.stdout, fg=tone)
    indent = " " * 9
    shown = textwrap.wrap(
        output.one_line(f"{each.name}: {each.summary}"),
        _WIDTH - len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = [f"{head} {shown[0]}", *(indent + line for line in shown[1:])]
    if each.hint:
        lines.append(f"{indent}{output.paint('hint:', sys.stdout, fg='cyan')} {output.one_line(each.hint)}")
    return lines
