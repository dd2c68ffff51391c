"""`orchestra group`: groups of sessions, by hand."""

from __future__ import annotations

import click

from orchestra.cli import lazy

MEMBERS = {
    "add": ("by_hand.groups:add", "Put sessions into a group."),
    "create": ("by_hand.groups:create", "Make a group."),
    "delete": ("by_hand.groups:delete", "Forget a group; its sessions run on."),
    "exec": ("by_hand.groups:exec_", "Type a command into every session of a group, or into none."),
    "export": ("by_hand.groups:export", "Print a group as a manifest."),
    "kill": ("by_hand.groups:kill", "End every session of a group, or none."),
    "list": ("by_hand.groups:list_", "List groups, their sessions, and who waits for whom."),
    "remove": ("by_hand.groups:remove", "Take sessions out of a group."),
}


@click.group("group", cls=lazy.Group, members=MEMBERS)
def command() -> None:
    """Groups of sessions, made by hand. They stand on the tmux server itself and end with it; a manifest keeps them.

    \b
    Examples:
      orchestra group add backend db api
      orchestra group exec backend 'git pull'
      orchestra group export backend > backend.yaml
    """
