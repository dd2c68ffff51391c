"""What changes of a workspace's triggers, schedules and garbage collection. No process is touched by it."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from orchestra.model import action, codec, plan, rules
from orchestra.plan import record


def text(wanted: rules.Rules) -> str:
    """As it stands on the server; "" for none at all."""
    plain = codec.dump(wanted)
    return record.text(plain) if plain else ""


@functools.lru_cache(maxsize=256)
def parse(known: str) -> rules.Rules | None:
    """None when it is not readable."""
    if not known:
        return rules.Rules()
    try:
        return codec.load(rules.Rules, json.loads(known))
    except (ValueError, RecursionError):
        return None


def added(wanted: rules.Rules, known: str) -> rules.Rules:
    """What is wanted, and beside it what is there already."""
    before = parse(known) or rules.Rules()
    triggers, schedules = _by_name(wanted.triggers), _by_name(wanted.schedules)
    return rules.Rules(
        triggers=(*wanted.triggers, *(each for each in before.triggers if each.name not in triggers)),
        schedules=(*wanted.schedules, *(each for each in before.schedules if each.name not in schedules)),
        gc=wanted.gc or before.gc,
        groups=(
            *wanted.groups,
            *(each for each in before.groups if each.name not in _by_name(wanted.groups)),
        ),
    )


def changes(wanted: rules.Rules, known: str) -> Iterator[plan.Change]:
    """`known`: what stands on the server. Addresses are `trigger:NAME`, `schedule:NAME` and `gc:`."""
    before = parse(known)
    if before is None:
        unreadable = plan.Cause(reason="what was applied before is not readable")
        yield _change(action.Kind.GC, "", plan.Verb.UPDATE, unreadable)
        before = rules.Rules()
    regrouped = before.groups != wanted.groups
    yield from _named(action.Kind.TRIGGER, _by_name(before.triggers), _by_name(wanted.triggers), regrouped)
    yield from _named(action.Kind.SCHEDULE, _by_name(before.schedules), _by_name(wanted.schedules), regrouped)
    old = {} if before.gc is None else {"": before.gc}
    yield from _named(action.Kind.GC, old, {} if wanted.gc is None else {"": wanted.gc})


def _by_name(every: tuple[Any, ...]) -> dict[str, Any]:
    return {each.name: each for each in every}


def _named(
    kind: action.Kind, before: Mapping[str, Any], wanted: Mapping[str, Any], regrouped: bool = False
) -> Iterator[plan.Change]:
    """`regrouped`: the groups are others now."""
    for name in dict.fromkeys([*wanted, *before]):
        old, new = before.get(name), wanted.get(name)
        if old is None:
            yield _change(kind, name, plan.Verb.CREATE, plan.Cause(reason="it is not on the server"))
        elif new is None:
            yield _change(kind, name, plan.Verb.DELETE, plan.Cause(reason="it is not in the manifest"))
        elif old != new:
            fields = [
                each.name
                for each in dataclasses.fields(new)
                if getattr(old, each.name) != getattr(new, each.name)
            ]
            causes = [plan.Cause(reason=f"{_SAID.get(each, each)} changed") for each in fields]
            yield _change(kind, name, plan.Verb.UPDATE, *causes)
        elif regrouped and _speaks_of_groups(new):
            yield _change(kind, name, plan.Verb.UPDATE, plan.Cause(reason="the groups changed"))
        else:
            yield _change(kind, name, plan.Verb.NONE)


def _speaks_of_groups(what: rules.Trigger | rules.Schedule) -> bool:
    """By name or by the labels that groups give."""
    selectors = [getattr(each.act, "to", "") for each in what.do]
    return any(
        each.startswith("@") or "=" in each or "{{" in each
        for each in (*selectors, getattr(what, "source", ""))
    )


_SAID = {"source": "from", "held": "for"}
"""What a manifest calls it, where that is another word."""


def _change(kind: action.Kind, name: str, verb: plan.Verb, *causes: plan.Cause) -> plan.Change:
    return plan.Change(kind=kind, address=f"{kind}:{name}", verb=verb, causes=causes)
