"""`orchestra pane`: panes by hand, whoever made them."""

from __future__ import annotations

import click

from orchestra.cli import lazy

MEMBERS = {
    "attach": ("by_hand.attach", "Show one pane, full screen, and type into it."),
    "capture": ("by_hand.look:capture", "Print what a pane shows and has shown."),
    "create": ("by_hand.make:pane", "Make a pane, a shell, in a session."),
    "exec": ("by_hand.exec", "Type a command into a pane's shell, and perhaps wait for its end."),
    "find": ("by_hand.look:find", "Find a pane of a session by its name."),
    "has-pattern": ("by_hand.look:has_pattern", "Say whether something stands in what a pane shows."),
    "kill": ("by_hand.make:kill_pane", "End a pane and what runs in it."),
    "label": ("label", "Put labels on a pane, or print them."),
    "limit": ("limit", "Set what a pane may use, or print it."),
    "list": ("by_hand.look:list_", "List panes, or count them."),
    "send-keys": ("by_hand.send:keys", "Press keys in a pane."),
    "send-text": ("by_hand.send:text", "Type text into a pane, byte for byte."),
    "signal": ("by_hand.send:signal", "Send a signal to what runs in a pane."),
    "status": ("by_hand.look:status_", "Say what a pane does."),
    "wait": ("by_hand.look:wait", "Wait until what runs has ended, or something is printed."),
}


@click.group("pane", cls=lazy.Group, members=MEMBERS)
def command() -> None:
    """Look at, type into and end panes, whoever made them: with or without a manifest, with or without a daemon.

    A pane is called session/NAME, or session/NUMBER by its position from 0, or by tmux's id, %7.

    \b
    Examples:
      orchestra pane list
      orchestra pane exec --wait api/shell 'make test'
      orchestra pane send-keys api/server C-c
    """
