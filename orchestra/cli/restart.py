"""`orchestra restart`: stop panes and start them again, in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra.cli import options, steer, suggest

if TYPE_CHECKING:  # see options
    from orchestra.model import status
    from orchestra.plan import compare


@click.command("restart")
@click.argument("addresses", metavar="ADDRESS…", nargs=-1, required=True, shell_complete=suggest.addresses)
@options.common
def command(common: options.Common, addresses: tuple[str, ...]) -> int:
    """Stop panes, gracefully, and start them again, in place. Also those that were stopped or have ended.

    What asks to be restarted with them (on_restart: cascade) is, once they have reached the condition it waits for.

    An address is session/pane, a session, a workspace, @group or @all.

    \b
    Examples:
      orchestra restart api/server
      orchestra restart @backend
    """
    from orchestra.plan import compare

    def choose(meant: dict[str, status.Place]) -> compare.Options:
        starts = dict.fromkeys(meant, "restarted by a person")
        return compare.Options(prune=False, targets=tuple(meant), starts=starts)

    return steer.steered(common, "restart", "restarted", addresses, choose)
