"""Which triggers are in force, and which of them an event concerns.

Triggers in force are those of a workspace's rules, those a person added, each schedule's and each watched pane's. `compiled` makes an
index of them, so that an event meets only those that its type concerns.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import timedelta
from typing import Any

from orchestra.model import event, names, occasions, rules, selector, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import addressing, applied, record, rules_changes

ADDED = "+"
"""Before a workspace's name: under that key what a person added stands on the server, and no apply touches it. Alone: what looks at a
session that is no workspace's, by the session's id; its workspace is ""."""
GONE = 1000
"""Panes of nobody's that are remembered after they are gone: what is told of their end is looked at later."""
PLACES = 10_000
"""Pairs of types and addresses that are remembered with what they concern."""
EVERYBODYS = frozenset(
    kind for kind in event.BODIES if kind.startswith(("tmux.", "daemon.", "snapshot.", "breaker."))
)
"""Types of the whole server's: they belong to no workspace, and each workspace's triggers may react to them."""


@frozen
class Rule:
    """A trigger in force."""

    workspace: str
    trigger: rules.Trigger
    types: frozenset[str]
    fields: Mapping[str, object] = field(default_factory=dict)
    """Of the event's, that must be so."""
    addresses: frozenset[str] | None = None
    """Panes, windows and sessions it looks at; None: all."""
    above: bool | None = None
    """Of a metric: whether it has to be above its bound, or below."""
    overlap: rules.Overlap = rules.Overlap.QUEUE
    origin: str = "manifest"
    """`manifest`, `added`, `schedule` or `watch`."""

    @property
    def key(self) -> str:
        return f"{self.workspace} {self.trigger.name}"


@frozen
class Scene:
    """A workspace as triggers see it."""

    candidates: tuple[selector.Candidate, ...] = ()
    gone: tuple[selector.Candidate, ...] = ()
    """That were there at the look before: what is told of their end comes when they are gone."""
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)


@frozen
class InForce:
    rules: tuple[Rule, ...] = ()
    scenes: Mapping[str, Scene] = field(default_factory=dict)
    index: Mapping[tuple[str, str], tuple[Rule, ...]] = field(default_factory=dict)
    """By workspace and type; "" for what is everybody's."""
    places: dict[tuple[str, str, str], tuple[Rule, ...]] = field(default_factory=dict, compare=False)
    """What was found already: by workspace, type and address."""
    known: frozenset[tuple[str, str]] = frozenset()
    """Workspace and address of every pane, window and session that is there, or was a look ago."""
    epoch: str = ""
    """Of the server's life: tmux's ids are others in the next one."""

    def matching(self, each: event.Event) -> Iterator[Rule]:
        """By type, place and fields; `when` is not looked at."""
        key = (each.workspace, each.type, named(each))
        here = self.places.get(key)
        if here is None:
            here = self._here(each)
            if len(self.places) < PLACES:
                self.places[key] = here
        body = each.body
        for rule in here:
            if rule.fields and any(getattr(body, name) != value for name, value in rule.fields.items()):
                continue
            if isinstance(body, event.PaneMetric) and rule.above not in (None, body.value > body.bound):
                continue
            yield rule

    def _here(self, each: event.Event) -> tuple[Rule, ...]:
        name = named(each)
        return tuple(
            rule
            for rule in self.index.get((each.workspace, each.type), ())
            if rule.addresses is None or name in rule.addresses or self._is_new(rule, each)
        )

    def told(self, rule: Rule, plain: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of what is nobody's, the session's name and the pane's number are told as well: its id says nothing to a person."""
        if rule.workspace:
            return plain
        here = self.scenes.get("", Scene())
        for each in (*here.candidates, *here.gone):
            if each.address == plain.get("id") and each.window == rule.trigger.source:
                number = {"pane_id": int(each.labels["pane"])} if "pane" in each.labels else {}
                return {**plain, "session": each.labels["session"], **number}
        return plain

    def knows(self, workspace: str, address: str) -> bool:
        return workspace not in self.scenes or (workspace, address) in self.known

    def _is_new(self, rule: Rule, each: event.Event) -> bool:
        """What was not seen yet, or is gone: its address and its groups are all that is known of it."""
        source = rule.trigger.source
        if not each.address or self.knows(each.workspace, each.address):
            return False
        alone = (selector.Candidate(address=each.address),)
        return bool(selector.chosen(source, alone, self.scenes[each.workspace].groups))


# --- what is in force


def in_force(server: status.Server, before: InForce) -> InForce:
    """Of a server, as its rules, records and panes are now; `before`: at the look before."""
    made: list[Rule] = []
    scenes: dict[str, Scene] = {}
    watched: dict[str, list[spec.Pane]] = defaultdict(list)
    for place in status.places(server):
        mark = place.pane.mark
        read = record.parse_pane(place.pane.record) if mark is not None else None
        if mark is not None and read is not None and read.pane.watch is not None:
            watched[mark.workspace].append(read.pane)
    for workspace in sorted(({name.removeprefix(ADDED) for name in server.rules} | watched.keys()) - {""}):
        wanted = rules_changes.parse(server.rules.get(workspace, "")) or rules.Rules()
        added = rules_changes.parse(server.rules.get(ADDED + workspace, "")) or rules.Rules()
        here = scenes[workspace] = scene(
            workspace, server, (*added.groups, *wanted.groups), before.scenes.get(workspace, Scene())
        )
        made += of_rules(workspace, wanted, here)
        own = {each.name for each in wanted.triggers}
        made += [
            _rule(workspace, each, here, origin="added")
            for each in added.triggers
            if each.enabled and each.name not in own  # a manifest that says that name means its own
        ]
        made += [_watching(workspace, pane) for pane in watched[workspace]]
    if ADDED in server.rules:
        here = scenes[""] = strangers(server, before)
        known = rules_changes.parse(server.rules[ADDED]) or rules.Rules()
        made += [_stranger(each, here) for each in known.triggers if each.enabled]
    return replace(compiled(made, scenes), epoch=server.epoch)


def strangers(server: status.Server, before: InForce) -> Scene:
    """What is no workspace's, by tmux's ids; a candidate's `window` is its session, its labels are what people call it."""
    there: list[selector.Candidate] = []
    for session in server.sessions:
        called = {"session": names.given(session.name)}
        ids = [session.id, *(each.id for each in session.windows if each.mark is None)]
        there += [selector.Candidate(address=id_, window=session.id, labels=called) for id_ in ids]
        there += [
            selector.Candidate(
                address=place.pane.id, window=session.id, labels={**called, "pane": str(number)}
            )
            for number, place in enumerate(addressing.panes(session))
            if place.pane.mark is None
        ]
    present = {(each.address, each.window) for each in there}
    was = before.scenes.get("", Scene()) if before.epoch == server.epoch else Scene()
    gone = [each for each in (*was.gone, *was.candidates) if (each.address, each.window) not in present]
    return Scene(candidates=tuple(there), gone=tuple(gone[-GONE:]))


def _stranger(trigger: rules.Trigger, here: Scene) -> Rule:
    ids = (each.address for each in (*here.candidates, *here.gone) if each.window == trigger.source)
    return Rule(
        workspace="",
        trigger=trigger,
        types=frozenset(occasions.types(trigger.on)),
        fields=_fields(trigger),
        addresses=frozenset(ids),
        origin="added",
    )


def named(each: event.Event) -> str:
    """Its address; of what is no workspace's tmux's id."""
    return each.address if each.workspace else str(getattr(each.body, "id", ""))


def scene(
    workspace: str, server: status.Server, groups: Sequence[rules.Group] = (), before: Scene | None = None
) -> Scene:
    by_name = {each.name: each for each in groups}
    there = spec.candidates(applied.workspace(workspace, server).sessions, tuple(by_name.values()))
    known = {each.address for each in there}
    was = before.candidates if before is not None else ()
    return Scene(
        candidates=there,
        gone=tuple(each for each in was if each.address not in known),
        groups={name: frozenset(each.panes) for name, each in by_name.items()},
    )


def of_rules(workspace: str, wanted: rules.Rules, scene: Scene) -> Iterator[Rule]:
    for each in wanted.triggers:
        if each.enabled:
            yield _rule(workspace, each, scene)
    for schedule in wanted.schedules:
        if schedule.enabled and schedule.do:
            derived = rules.Trigger(
                name=f"schedule:{schedule.name}",
                on=rules.OnSchedule(schedule=schedule.name),
                limit=_UNLIMITED,
                do=schedule.do,
            )
            yield _rule(workspace, derived, scene, origin="schedule", overlap=schedule.overlap)


def _watching(workspace: str, pane: spec.Pane) -> Rule:
    assert pane.watch is not None
    derived = rules.Trigger(
        name=f"watch:{pane.address}",
        on=rules.OnEvent(types=(event.WatchChanged.type,)),
        source=pane.address,
        do=pane.watch.do,
    )
    return Rule(
        workspace=workspace,
        trigger=derived,
        types=frozenset({event.WatchChanged.type}),
        addresses=frozenset({pane.address}),
        origin="watch",
    )


_UNLIMITED = rules.Often(count=1000, within=timedelta(minutes=1))
"""A schedule is as often as it says."""


def _rule(
    workspace: str,
    trigger: rules.Trigger,
    scene: Scene,
    *,
    origin: str = "manifest",
    overlap: rules.Overlap = rules.Overlap.QUEUE,
) -> Rule:
    has_place = not isinstance(trigger.on, rules.OnFile | rules.OnSchedule)
    return Rule(
        workspace=workspace,
        trigger=trigger,
        types=frozenset(occasions.types(trigger.on)),
        fields=_fields(trigger),
        above=trigger.on.above is not None if isinstance(trigger.on, rules.OnMetric) else None,
        addresses=reached(trigger.source, scene) if trigger.source and has_place else None,
        overlap=overlap,
        origin=origin,
    )


def _fields(trigger: rules.Trigger) -> Mapping[str, object]:
    """What else an event of its types has to have: those are told for each trigger by itself."""
    match trigger.on:
        case rules.OnOutput(pattern=pattern):
            return {"pattern": pattern}
        case rules.OnIdle(after=after) | rules.OnTimeout(after=after):
            return {"duration": after}
        case rules.OnFile():
            return {"trigger": trigger.name}
        case rules.OnMetric(metric=metric, above=above, below=below):
            return {"metric": str(metric), "bound": above if above is not None else below}
        case rules.OnSchedule(schedule=schedule):
            return {"schedule": schedule}
        case _:
            return {}


def reached(source: str, scene: Scene) -> frozenset[str]:
    """The panes a selector chooses, and the windows and sessions that are in it with all their panes, or by their name."""
    every = (*scene.candidates, *scene.gone)
    panes = set(selector.chosen(source, every, scene.groups))
    places: dict[str, list[str]] = defaultdict(list)
    for each in every:
        places[each.address.partition("/")[0]].append(each.address)
        places[each.window].append(each.address)
    by_name = "=" not in source and not source.startswith("@")
    whole = {
        place
        for place, members in places.items()
        if panes.issuperset(members) or (by_name and fnmatch.fnmatchcase(place, source))
    }
    return frozenset(panes | whole)


def compiled(made: Sequence[Rule], scenes: Mapping[str, Scene]) -> InForce:
    index: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in made:
        for kind in rule.types:
            index[rule.workspace, kind].append(rule)
            if kind in EVERYBODYS and rule.addresses is None:
                index["", kind].append(rule)
    known = {
        (workspace, address)
        for workspace, scene in scenes.items()
        for each in (*scene.candidates, *scene.gone)
        for address in (each.address, each.window, each.address.partition("/")[0])
    }
    return InForce(
        rules=tuple(made),
        scenes=scenes,
        index={key: tuple(found) for key, found in index.items()},
        known=frozenset(known),
    )
