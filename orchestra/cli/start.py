"""`orchestra start`: start panes whose process has ended or was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra.cli import options, steer, suggest

if TYPE_CHECKING:  # see options
    from orchestra.model import status
    from orchestra.plan import compare


@click.command("start")
@click.argument("addresses", metavar="ADDRESS…", nargs=-1, required=True, shell_complete=suggest.addresses)
@options.common
def command(common: options.Common, addresses: tuple[str, ...]) -> int:
    """Start panes whose process has ended, was stopped, or was never started. What runs is not touched, unless it asks to be restarted
    with them (on_restart: cascade).

    An address is session/pane, a session, a workspace, @group or @all.

    \b
    Examples:
      orchestra start api/server
      orchestra start @backend
    """
    from orchestra.plan import compare

    def choose(meant: dict[str, status.Place]) -> compare.Options:
        starts = {each: "started by a person" for each, place in meant.items() if place.pane.dead}
        return compare.Options(prune=False, targets=tuple(starts) or steer.NOBODY, starts=starts)

    return steer.steered(common, "start", "started", addresses, choose)
