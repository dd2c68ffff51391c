"""What the user wants collected of workspaces whose manifest does not say it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from datetime import timedelta

from orchestra.daemon import wished
from orchestra.engine.react import collect
from orchestra.engine.trigger import triggers
from orchestra.host import paths
from orchestra.model import rules, status
from orchestra.plan import rules_changes

DEFAULT_IDLE = timedelta(hours=2)


def wishes(
    server: status.Server, user: rules.Gc | None, remembered: Collection[str], *, force: bool = False
) -> dict[str, rules.Gc]:
    """By workspace: what its manifest says, else what the user does. `force`: what rests may go at once."""
    wished: dict[str, rules.Gc] = {}
    names = {mark.workspace for mark in collect.marks(server)}
    names |= {name for name in server.rules if not name.startswith(triggers.ADDED)}
    if user is not None:
        names |= {*remembered}
    for name in names:
        known = rules_changes.parse(server.rules.get(name, ""))
        if known is None:  # not readable: nobody knows what it wants
            continue
        gc = known.gc or user
        if force:
            gc = gc or rules.Gc(orphans=False)
            completed = None if gc.completed is None else timedelta(0)
            gc = dataclasses.replace(gc, idle=timedelta(0), completed=completed)
        if gc is not None:
            wished[name] = gc
    return wished


def users(found: paths.Directories) -> rules.Gc | None:
    """What `orchestra gc enable` wrote."""
    return wished.read(found.gc, rules.Gc)
