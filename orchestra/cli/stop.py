"""`orchestra stop`: stop panes, until they are started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestra.cli import options, steer, suggest

if TYPE_CHECKING:  # see options
    from orchestra.model import status
    from orchestra.plan import compare


@click.command("stop")
@click.argument("addresses", metavar="ADDRESS…", nargs=-1, required=True, shell_complete=suggest.addresses)
@options.common
def command(common: options.Common, addresses: tuple[str, ...]) -> int:
    """Stop panes, gracefully and dependants first. They stay stopped, whatever their restart policy, until they are started.

    An address is session/pane, a session, a workspace, @group or @all.

    \b
    Examples:
      orchestra stop api/server
      orchestra stop @backend
    """
    from orchestra.plan import compare

    def choose(meant: dict[str, status.Place]) -> compare.Options:
        return compare.Options(prune=False, targets=tuple(meant), stops=frozenset(meant))

    return steer.steered(common, "stop", "stopped", addresses, choose)
