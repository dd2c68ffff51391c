"""Triggers that a person added: they stand on the tmux server beside the manifest's, and no apply touches them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import timedelta

from orchestra.daemon import assemble, grouping
from orchestra.engine.trigger import matching, triggers
from orchestra.host import output
from orchestra.manifest import single
from orchestra.model import action, errors, event, names, rules, status
from orchestra.plan import addressing, rules_changes

LOCK_WAIT = timedelta(seconds=60)
MOST = 100
"""Triggers for sessions that are no workspace's; where it would be more, those of sessions that are gone go."""


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


def subscribe(
    assembly: assemble.Assembly, session: status.Session, file: str, text: str
) -> tuple[rules.Trigger, ...]:
    """To a session that is no workspace's, as it is now: whatever it is called later, and never another. As `add`; what is done can be a
    command only, because nothing else of ours has a say in what a person opened."""
    made = single.triggers(file, text, "nobody", (), {})
    if any(not isinstance(each.act, rules.Run) for trigger in made for each in trigger.do):
        raise errors.UsageError(f"{names.given(session.name)} is no workspace's: only `run` can be done")
    for each in made:
        types = each.on.types if isinstance(each.on, rules.OnEvent) else ()
        kinds = [
            kind for name, kind in event.BODIES.items() if any(event.matches(one, name) for one in types)
        ]
        if types and not any("id" in event.blank(kind) for kind in kinds):
            raise errors.UsageError(f"{', '.join(types)} is of no pane, window or session")
    if any(_listens(each) for each in made):
        _check_pipes(assembly, session)

    def changed(before: rules.Rules) -> rules.Rules:
        kept = before.triggers
        if len(kept) + len(made) > MOST:
            there = {each.id for each in assembly.tmux.observe().sessions}
            kept = tuple(each for each in kept if each.source in there)
        if len(kept) + len(made) > MOST:
            raise errors.Conflict(
                f"there are {len(kept)} triggers for sessions that are no workspace's",
                hint="remove some: orchestra trigger list",
            )
        for each in made:
            if any(each.name == other.name for other in kept):
                raise errors.Conflict(
                    f"there is a trigger called {each.name} already",
                    hint=f"choose another name, or: orchestra trigger remove {each.name}",
                )
        bound = (dataclasses.replace(each, source=session.id) for each in made)
        return dataclasses.replace(before, triggers=(*kept, *bound))

    _write(assembly, "", changed)
    return made


def _listens(trigger: rules.Trigger) -> bool:
    on = trigger.on
    return isinstance(on, rules.OnOutput) or (
        isinstance(on, rules.OnEvent) and event.PaneOutput.type in on.types
    )


def _check_pipes(assembly: assemble.Assembly, session: status.Session) -> None:
    folder = assembly.expected().recordings / assembly.tmux.observe().epoch
    for number, place in enumerate(addressing.panes(session)):
        pane = place.pane
        if pane.mark is not None or not pane.piped:
            continue
        known = output.end(folder / pane.id) is not None or assembly.listening.asked(pane.id)
        if not known or output.has_ended(folder / pane.id):
            raise errors.Conflict(
                f"{names.given(session.name)}/{pane.name or number}: somebody pipes what it prints elsewhere, so that it cannot be heard",
                hint=f"end that first: tmux pipe-pane -t {pane.id}",
            )


def remove(assembly: assemble.Assembly, workspace: str, name: str) -> None:
    def changed(before: rules.Rules) -> rules.Rules:
        left = tuple(each for each in before.triggers if each.name != name)
        if len(left) == len(before.triggers):
            raise errors.Conflict(f"there is no trigger {name} any more that a person added")
        return dataclasses.replace(before, triggers=left) if left else rules.Rules()

    _write(assembly, workspace, changed)


def hear_no_more(assembly: assemble.Assembly) -> None:
    """Ends recordings of panes that are nobody's and that no trigger looks at any more: where no daemon runs that would."""
    server = assembly.tmux.observe()
    wanted = matching.wanted(server, triggers.in_force(server, triggers.InForce()))
    over = [
        place.pane.id
        for place in status.places(server)
        if place.pane.mark is None
        and place.pane.piped
        and ("", place.pane.id) not in wanted
        and not output.has_ended(assembly.expected().recordings / server.epoch / place.pane.id)
    ]
    if over:
        assembly.listening.stop_asked(over)


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


def insist(server: status.Server, workspace: str) -> None:
    """`UsageError` where there is none of that name: neither panes nor rules of it."""
    if workspace not in {*_workspaces(server), *server.rules}:
        raise unknown(workspace, server)


def unknown(workspace: str, server: status.Server) -> errors.UsageError:
    import difflib  # only a slip pays for it

    known = _workspaces(server)
    near = difflib.get_close_matches(workspace, known, n=1)
    hint = f"there are: {', '.join(known)}" if known else "orchestra apply makes one"
    hint = f"did you mean {near[0]}?" if near else hint
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
