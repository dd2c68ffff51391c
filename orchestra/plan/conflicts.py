"""Schedules that cannot be meant so: those that are never due, and those that type into one pane at one instant, mixed up."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from orchestra.model import diagnostic, rules, selector, spec
from orchestra.plan import causes, timetable

AHEAD = timedelta(days=8)
"""How far is looked: each day of the week, and one more."""
MOST = 2000
"""Instants of one schedule that are looked at."""


def warnings(
    workspace: spec.Workspace, now: datetime, locations: Mapping[str, diagnostic.Location]
) -> tuple[diagnostic.Diagnostic, ...]:
    """Of a manifest; `locations` as `load.Loaded` has them."""
    if not workspace.rules.schedules:
        return ()
    groups = {group.name: group.panes for group in workspace.groups}
    panes = typed(workspace.rules, spec.candidates(workspace.sessions, workspace.groups), groups)
    found = (*never(workspace.rules, now, locations), *of(workspace.rules, panes, now, {}, locations))
    return tuple(sorted(found, key=lambda each: each.location.line if each.location is not None else 0))


def never(
    known: rules.Rules, now: datetime, locations: Mapping[str, diagnostic.Location]
) -> Iterator[diagnostic.Diagnostic]:
    """Those that will not be due any more, as far as the manifest tells."""
    for each in known.schedules:
        if not each.enabled or _is_ever_due(each, now):
            continue
        passed = isinstance(each.time, rules.At)
        yield diagnostic.Diagnostic(
            severity=diagnostic.Severity.WARNING,
            summary=f'schedule "{each.name}" is never due' + (": its time has passed" if passed else ""),
            location=locations.get(f"schedule {each.name}"),
            hint="say a time to come, or leave it out" if passed else "there is no such day",
        )


def _is_ever_due(each: rules.Schedule, now: datetime) -> bool:
    try:
        return next(timetable.instants(each, now, now), None) is not None
    except timetable.Unreadable:
        return False


def of(
    known: rules.Rules,
    panes: Mapping[str, Collection[str]],
    now: datetime,
    since: Mapping[str, datetime],
    locations: Mapping[str, diagnostic.Location] | None = None,
) -> tuple[diagnostic.Diagnostic, ...]:
    """`panes`: into which each schedule types; `since`: when schedules were first applied, those that were."""
    typing = [each for each in known.schedules if each.enabled and panes.get(each.name)]
    times = {each.name: _times(each, now, since) for each in typing} if len(typing) > 1 else {}
    return tuple(
        _warning(one, other, shared, together, (locations or {}).get(f"schedule {other.name}"))
        for one, other in itertools.combinations(typing, 2)
        if (shared := sorted(set(panes[one.name]) & set(panes[other.name])))
        and not (one.jitter or other.jitter)
        and _are_comparable(one, other, since)
        and (together := sorted(times[one.name] & times[other.name]))
    )


def typed(
    known: rules.Rules,
    candidates: Collection[selector.Candidate],
    groups: Mapping[str, Collection[str]],
) -> dict[str, set[str]]:
    """Schedule → panes that it types into, itself or by a trigger on it."""
    found: dict[str, set[str]] = {}
    for name, do in _doing(known):
        for each in do:
            if isinstance(each.act, rules.SendKeys) and each.act.to and "{{" not in each.act.to:
                found.setdefault(name, set()).update(selector.chosen(each.act.to, candidates, groups))
    return found


def _doing(known: rules.Rules) -> Iterator[tuple[str, tuple[rules.Reaction, ...]]]:
    for schedule in known.schedules:
        yield schedule.name, schedule.do
    for trigger in known.triggers:
        if trigger.enabled and isinstance(trigger.on, rules.OnSchedule):
            yield trigger.on.schedule, trigger.do


def _are_comparable(one: rules.Schedule, other: rules.Schedule, since: Mapping[str, datetime]) -> bool:
    """`every` is counted from when it is applied: until then only what is applied with it can be compared."""
    counted = [isinstance(each.time, rules.Every) and each.name not in since for each in (one, other)]
    return counted[0] == counted[1]


def _times(each: rules.Schedule, now: datetime, since: Mapping[str, datetime]) -> set[datetime]:
    begin = since.get(each.name, now.replace(microsecond=0))
    try:
        coming = itertools.islice(timetable.instants(each, begin, now), MOST)
        return set(itertools.takewhile(lambda at: at <= now + AHEAD, coming))
    except timetable.Unreadable:
        return set()


def _warning(
    one: rules.Schedule,
    other: rules.Schedule,
    shared: list[str],
    together: list[datetime],
    location: diagnostic.Location | None,
) -> diagnostic.Diagnostic:
    first = together[0].isoformat(timespec="seconds").replace("+00:00", "Z")
    often = causes.count(len(together), "time")
    return diagnostic.Diagnostic(
        severity=diagnostic.Severity.WARNING,
        summary=f'schedules "{one.name}" and "{other.name}" type into {", ".join(shared)} at the same instant',
        location=location,
        detail=f"next at {first}, and {often} within {AHEAD.days} days",
        hint="let one of them come at other times, or give it a `jitter`",
    )
