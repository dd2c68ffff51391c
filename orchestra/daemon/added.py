"""Triggers that a person added: they stand on the tmux server beside the manifest's, and no apply touches them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import timedelta

from orchestra.daemon import assemble, grouping
from orchestra.engine import triggers
from orchestra.manifest import single
from orchestra.model import action, errors, rules, status
from orchestra.plan import rules_changes

LOCK_WAIT = timedelta(seconds=60)


def add(assembly: assemble.Assembly, workspace: str, file: str, text: str) -> tuple[rules.Trigger, ...]:
    """`text`: one trigger as in a manifest, or a list; paths in it begin where `file` lies. `ManifestError`, `Conflict`."""
    server = assembly.tmux.observe()
    force = triggers.in_force(server, triggers.InForce())
    if workspace not in _workspaces(server):
        raise unknown(workspace, server)
    scene = force.scenes.get(workspace) or triggers.scene(workspace, server)
    groups = {**_groups(assembly, workspace), **scene.groups}
    known = rules_changes.parse(server.rules.get(workspace, "")) or rules.Rules()
    schedules = [each.name for each in known.schedules]
    made = single.triggers(file, text, workspace, scene.candidates, groups, schedules)
    taken = {rule.trigger.name for rule in force.rules if rule.workspace == workspace}
    taken |= {each.name for each in known.triggers}

    def changed(before: rules.Rules) -> rules.Rules:
        there = taken | {each.name for each in before.triggers}
        for each in made:
            if each.name in there:
                raise errors.Conflict(
                    f"{workspace} has a trigger called {each.name} already",
                    hint=f"choose another name, or: orchestra trigger remove {each.name}",
                )
        members = tuple(rules.Group(name=name, panes=tuple(panes)) for name, panes in groups.items())
        return dataclasses.replace(before, triggers=(*before.triggers, *made), groups=members)

    _write(assembly, workspace, changed)
    return made


def remove(assembly: assemble.Assembly, workspace: str, name: str) -> None:
    def changed(before: rules.Rules) -> rules.Rules:
        left = tuple(each for each in before.triggers if each.name != name)
        if len(left) == len(before.triggers):
            raise errors.Conflict(f"{workspace} has no trigger {name} any more that a person added")
        return dataclasses.replace(before, triggers=left) if left else rules.Rules()

    _write(assembly, workspace, changed)


def _write(assembly: assemble.Assembly, workspace: str, change: Callable[[rules.Rules], rules.Rules]) -> None:
    """Under the lock that everybody takes who writes rules."""
    world = assembly.world
    with world.locks.hold(assemble.LOCK, f"triggers of {workspace}", LOCK_WAIT, lambda _: None):
        server = assembly.tmux.observe()
        if not server.running:
            raise errors.OrchestraError("no tmux server is running")
        key = triggers.ADDED + workspace
        before = rules_changes.parse(server.rules.get(key, "")) or rules.Rules()
        what = action.WriteRules(workspace=key, text=rules_changes.text(change(before)))
        (outcome,) = assembly.tmux.execute([action.Order(action=what)])
        if outcome.error is not None:
            raise errors.ActionFailed(f"it was not written: {outcome.error}")


def _groups(assembly: assemble.Assembly, workspace: str) -> Mapping[str, frozenset[str]]:
    known = grouping.groups(assembly, workspace)
    return {name.removeprefix("@"): frozenset(panes) for name, panes in known.items()}


def _workspaces(server: status.Server) -> list[str]:
    marks = [place.pane.mark for place in status.places(server)]
    return list(dict.fromkeys(mark.workspace for mark in marks if mark is not None))


def unknown(workspace: str, server: status.Server) -> errors.UsageError:
    known = _workspaces(server)
    hint = f"there are: {', '.join(known)}" if known else "orchestra apply makes one"
    return errors.UsageError(f"there is no workspace {workspace} on this tmux server", hint=hint)


def chosen(server: status.Server, workspace: str) -> str:
    """The one that is said, or the only one there is. `UsageError`."""
    known = _workspaces(server)
    if workspace:
        if workspace not in known and triggers.ADDED + workspace not in server.rules:
            raise unknown(workspace, server)
        return workspace
    if len(known) == 1:
        return known[0]
    if not known:
        raise errors.UsageError("there is no workspace on this tmux server", hint="orchestra apply makes one")
    raise errors.UsageError(
        f"there are several workspaces: {', '.join(known)}", hint="say which: --workspace NAME"
    )


def workspace_of(server: status.Server, session: str) -> str:
    """Whose a session is. `UsageError`."""
    for each in server.sessions:
        if each.mark is not None and session in (each.mark.address, each.name):
            return each.mark.workspace
    raise errors.UsageError(
        f"no session of orchestra's is called {session} on this tmux server",
        hint="orchestra status shows them",
    )
