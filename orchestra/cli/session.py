"""`orchestra session`: sessions by hand, whoever made them."""

from __future__ import annotations

import click

from orchestra.cli import lazy

MEMBERS = {
    "create": ("by_hand.make:session", "Make a session of one pane."),
    "depends": ("by_hand.sessions:depends", "Say that one session waits for another."),
    "health": ("by_hand.sessions:health", "Say whether sessions are healthy, and why not."),
    "kill": ("by_hand.make:kill_session", "End a session and what runs in it."),
    "list": ("by_hand.sessions:list_", "List sessions, their panes, groups and health."),
    "wait-healthy": (
        "by_hand.sessions:wait_healthy",
        "Wait until a session, and what it waits for, is healthy.",
    ),
}


@click.group("session", cls=lazy.Group, members=MEMBERS)
def command() -> None:
    """Make, look at and end sessions, whoever made them, and say who waits for whom.

    \b
    Examples:
      orchestra session create api --dir ~/src/api
      orchestra session depends api db
      orchestra session wait-healthy api --timeout 1m
    """
