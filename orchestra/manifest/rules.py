"""`triggers`, `schedules` and `gc` of a workspace, `limits` and `watch` of a pane."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from orchestra.manifest import duration, event_fields, health, template, tree
from orchestra.manifest.problem import Problems, listed, quoted
from orchestra.manifest.tree import List, Map, Node, Scalar
from orchestra.model import event, occasions, rules, selector
from orchestra.model.frozen import frozen

ACTS = (
    "run", "send_keys", "signal", "start", "stop", "restart", "snapshot", "message", "collect", "apply", "notify",
    "webhook", "log",
)  # fmt: skip
BARE = ("start", "stop", "restart")
"""That may be said with nothing but the panes."""
TO_PANES = (*BARE, "send_keys", "signal", "message")
KINDS = ("output", "idle", "timeout", "file", "metric", "schedule")
TIMES = ("cron", "every", "at")
SIZES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
OFTENEST = timedelta(milliseconds=100)
"""Each time is an event on the disk."""
LEAST_MEMORY = 64 * 1024
"""Bytes. Below it no program can be, so that a number without its unit is a slip."""
UNITS = {"cpu": "%", "memory": "KMGT", "io": "KMGT", "processes": "", "threads": ""}
"""What may stand behind the number a metric is compared with."""


@frozen
class Known:
    """What rules may speak of."""

    problems: Problems
    patterns: health.Patterns
    candidates: Collection[selector.Candidate] = ()
    groups: Mapping[str, Collection[str]] | None = None
    """None: which panes there are is not known, and selectors are looked at for their form only."""
    schedules: Collection[str] = ()
    """That stand elsewhere."""


def workspace(root: Map, known: Known, groups: Sequence[rules.Group] = ()) -> rules.Rules:
    schedules = list(_each(root, "schedules"))
    _refuse_twins("schedule", schedules, known.problems)
    triggers = list(_each(root, "triggers"))
    _refuse_twins("trigger", triggers, known.problems)
    names = [name for each in schedules if (name := tree.text(tree.child(each, "name"))) is not None]
    names += known.schedules
    return rules.Rules(
        triggers=tuple(filter(None, [_trigger(each, names, known) for each in triggers])),
        schedules=tuple(filter(None, [_schedule(each, known) for each in schedules])),
        gc=_gc(tree.child(root, "gc"), known.problems),
        groups=tuple(groups) if triggers or schedules else (),
    )


def _each(root: Map, key: str) -> Iterator[Map]:
    return (each for each in tree.items(tree.child(root, key)) if isinstance(each, Map))


def _refuse_twins(kind: str, nodes: list[Map], problems: Problems) -> None:
    first: dict[str, Node] = {}
    for each in nodes:
        name = tree.child(each, "name")
        text = tree.text(name)
        if name is None or text is None:
            continue
        if text in first:
            problems.add(
                name.at,
                f"two {kind}s are called {quoted(text)}",
                hint=f"the other one is in {first[text].at}",
            )
        first.setdefault(text, name)


# --- triggers


def _trigger(node: Map, schedules: list[str], known: Known) -> rules.Trigger | None:
    name, on = tree.text(tree.child(node, "name")), _on(tree.child(node, "on"), schedules, known)
    do = reactions(tree.child(node, "do"), known)
    if on is not None:
        event_fields.refuse_unknown(
            occasions.types(on), known.problems, when=tree.child(node, "when"), do=tree.child(node, "do")
        )
        if isinstance(on, rules.OnSchedule | rules.OnFile):
            _refuse_no_panes(tree.child(node, "do"), known.problems)
    if name is None or on is None:
        return None
    default = rules.Trigger(name=name, on=on, do=do)
    return rules.Trigger(
        name=name,
        on=on,
        source=_selector(tree.child(node, "from"), known),
        when=when(tree.child(node, "when")),
        limit=_often(tree.child(node, "limit"), known.problems) or default.limit,
        debounce=health.duration_of(node, "debounce", default.debounce, known.problems),
        held=health.duration_of(node, "for", default.held, known.problems),
        enabled=tree.flag(tree.child(node, "enabled")) is not False,
        do=do,
    )


def _on(node: Node | None, schedules: list[str], known: Known) -> rules.On | None:
    if isinstance(node, Map):
        return _on_settings(node, schedules, known)
    said = list(tree.items(node)) if isinstance(node, List) else [node]
    types: list[str] = []
    for each in said:
        text = tree.text(each)
        if each is None or text is None:
            return None
        if not any(event.matches(text, kind) for kind in event.BODIES):
            known.problems.add(
                each.at,
                f"there is no event {quoted(text)}",
                hint=f"there are {listed(sorted(event.BODIES), most=100)}",
                word=text,
                among=tuple(event.BODIES),
            )
            return None
        types.append(text)
    return rules.OnEvent(types=tuple(types))


def _on_settings(node: Map, schedules: list[str], known: Known) -> rules.On | None:
    problems = known.problems
    said = [key for key in KINDS if key in node.entries]
    if not said and node.entries.keys() - {"above", "below"}:
        return None  # a key that there is not, which the schema says
    if not said:
        problems.add(node.at, "this says nothing to react to", hint=f"say one of {listed(KINDS)}")
        return None
    given = node.entries[said[0]].node
    text = tree.text(given)
    match said[0]:
        case "output" if text is not None:
            pattern = health.pattern(text, given, known.patterns, problems)
            return None if pattern is None else rules.OnOutput(pattern=pattern)
        case "idle":
            return rules.OnIdle(after=_longer_than_nothing(node, "idle", problems))
        case "timeout":
            return rules.OnTimeout(after=_longer_than_nothing(node, "timeout", problems))
        case "file":
            return rules.OnFile(paths=tree.texts(given))
        case "schedule" if text is not None:
            if text not in schedules:
                hint = f"there are {listed(schedules)}" if schedules else "the workspace has no schedules"
                problems.add(
                    given.at, f"there is no schedule {quoted(text)}", hint=hint, word=text, among=schedules
                )
            return rules.OnSchedule(schedule=text)
        case "metric" if text is not None and text in UNITS:
            return _on_metric(node, rules.Metric(text), problems)
        case _:
            return None


def _on_metric(node: Map, metric: rules.Metric, problems: Problems) -> rules.On | None:
    side = next((key for key in ("above", "below") if key in node.entries), None)
    if side is None:
        problems.add(node.at, "a metric needs `above` or `below`", hint="for example `above: 80%`")
        return None
    given = node.entries[side].node
    value = _amount(given, metric, problems)
    if value is None:
        return None
    return rules.OnMetric(metric=metric, **{side: value})


def _amount(node: Node, metric: rules.Metric, problems: Problems) -> float | None:
    value = tree.value(node)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = tree.text(node)
    if text is None:
        return None
    unit = text.lstrip("0123456789.")
    if unit and unit not in UNITS[metric]:
        wanted = {"%": "a percentage: `80%`", "KMGT": "a size: `512M`", "": "a number"}[UNITS[metric]]
        problems.add(node.at, f"{quoted(text)} is nothing that `{metric}` can be", hint=f"write {wanted}")
        return None
    number = _number(text, unit)
    return None if number is None else number * SIZES.get(unit, 1)


def when(node: Node | None) -> str:
    """As an expression: a map's fields are compared one by one."""
    if not isinstance(node, Map):
        return tree.text(node) or ""
    return " and ".join(
        part for name, entry in node.entries.items() for part in _compared(f"event.{name}", entry.node)
    )


def _compared(name: str, node: Node) -> Iterator[str]:
    if not isinstance(node, Map):
        yield f"{name} == {_literal(node)}"
        return
    for key, entry in node.entries.items():
        match key:
            case "not":
                yield f"{name} != {_literal(entry.node)}"
            case "in":
                choices = ", ".join(_literal(item) for item in tree.items(entry.node))
                yield f"{name} in [{choices}]"
            case _:
                # None is neither above nor below anything.
                yield f"({name} != none and {name} {'>' if key == 'above' else '<'} {_literal(entry.node)})"


def _literal(node: Node) -> str:
    value = tree.value(node)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str | int | float) else "none"


def _often(node: Node | None, problems: Problems) -> rules.Often | None:
    text = tree.text(node)
    if node is None or text is None:
        return None
    count, _, within = text.partition(" per ")
    length = _length(within, node, problems)
    if not length or not count.isdecimal():
        return None
    return rules.Often(count=int(count), within=length)


def _length(text: str, node: Node, problems: Problems) -> timedelta | None:
    try:
        length = duration.parsed(text)
    except duration.TooLong:
        problems.add(node.at, f"{quoted(text)} is longer than ten years")
        return None
    if length is not None and not length:
        problems.add(node.at, f"{quoted(text)} must be longer than nothing")
    return length


# --- what is done


def reactions(node: Node | None, known: Known) -> tuple[rules.Reaction, ...]:
    made = (_reaction(each, known) for each in tree.items(node) if isinstance(each, Map))
    return tuple(each for each in made if each is not None)


def _reaction(node: Map, known: Known) -> rules.Reaction | None:
    said = [key for key in ACTS if key in node.entries]
    if not said and node.entries.keys() - {"timeout", "retries"}:
        return None  # as above
    if len(said) != 1:
        known.problems.add(
            node.at,
            "this says nothing to do"
            if not said
            else f"{quoted(said[0])} and {quoted(said[1])} exclude each other",
            hint=f"say one of {listed(ACTS, most=20)}; several things are several entries",
        )
        return None
    act = _act(said[0], node.entries[said[0]].node, known)
    if act is None:
        return None
    default = rules.Reaction(act=act)
    if isinstance(act, rules.Webhook) or (isinstance(act, rules.Notify) and act.urls):
        default = rules.Reaction(act=act, retries=rules.OUTSIDE)
    retries = tree.whole(tree.child(node, "retries"))
    return rules.Reaction(
        act=act,
        timeout=health.duration_of(node, "timeout", default.timeout, known.problems, positive=True),
        retries=default.retries if retries is None else retries,
    )


def _act(key: str, node: Node, known: Known) -> rules.Act | None:
    text = tree.text(node)
    match key:
        case "run":
            command = health.command(tree.child(node, "command"))
            directory = tree.text(tree.child(node, "dir"))
            if not command or directory is None or _is_spliced(tree.child(node, "command"), known.problems):
                return None
            return rules.Run(command=command, dir=directory, env=_texts(node, "env"))
        case "send_keys":
            keys = tree.texts(node if isinstance(node, List) else tree.child(node, "keys"))
            return rules.SendKeys(keys=keys, to=_to(node, known)) if keys else None
        case "signal":
            given = tree.child(node, "signal") if isinstance(node, Map) else node
            name = health.signal_name(given, known.problems)
            return None if name is None else rules.Signal(signal=name, to=_to(node, known))
        case "start":
            return rules.Start(to=_target(node, known))
        case "stop":
            return rules.Stop(to=_target(node, known))
        case "restart":
            return rules.Restart(to=_target(node, known))
        case "snapshot":
            return rules.Snapshot(scrollback=tree.flag(tree.child(node, "scrollback")) or False)
        case "message":
            said = tree.text(tree.child(node, "text"))
            return None if said is None else rules.Message(text=said, to=_to(node, known))
        case "collect":
            return rules.Collect()
        case "apply":
            return rules.Apply(yes=tree.flag(tree.child(node, "yes")) or False)
        case "notify":
            title = tree.text(tree.child(node, "title"))
            if title is None:
                return None
            more = tree.text(tree.child(node, "text")) or ""
            return rules.Notify(title=title, text=more, urls=tree.texts(tree.child(node, "urls")))
        case "webhook":
            return _webhook(node, known.problems)
        case "log" if text is not None:
            return rules.Log(text=text)
        case _:
            return None


def _is_spliced(node: Node | None, problems: Problems) -> bool:
    """Whether what an event says would become part of a command."""
    for each in tree.items(node) if isinstance(node, List) else [node]:
        if each is not None and template.is_template(tree.text(each) or ""):
            problems.add(
                each.at,
                "what an event says is never put into a command",
                hint="it comes in the environment: `$ORCHESTRA_EVENT_ADDRESS`; and as JSON on standard input",
            )
            return True
    return False


def _webhook(node: Node, problems: Problems) -> rules.Webhook | None:
    given = tree.child(node, "url")
    url = tree.text(given)
    if given is None or url is None:
        return None
    if not url.startswith(("http://", "https://", "{{")):
        problems.add(
            given.at, f"{quoted(url)} is not an http address", hint="for example `http://127.0.0.1:9000/hook`"
        )
        return None
    return rules.Webhook(
        url=url,
        headers=_texts(node, "headers"),
        secrets=_texts(node, "secrets"),
        body=tree.text(tree.child(node, "body")),
    )


def _refuse_no_panes(do: Node | None, problems: Problems) -> None:
    """Of what is no pane's: who does not say which panes are meant means the event's own."""
    for each in tree.items(do):
        for key in TO_PANES:
            given = tree.child(each, key)
            if given is None or tree.child(given, "to") is not None:
                continue
            if key not in BARE or not isinstance(given, Scalar):
                problems.add(
                    given.at,
                    f"{quoted(key)} does not say which panes",
                    hint="times and files are of no pane: say `to`, as in `to: api/server`, `to: '@backend'` or `to: '@all'`",
                )


def _texts(node: Node, key: str) -> dict[str, str]:
    pairs = tree.children(tree.child(node, key))
    return {name: entry.node.text for name, entry in pairs if isinstance(entry.node, Scalar)}


def _to(node: Node, known: Known) -> str:
    return _selector(tree.child(node, "to"), known) if isinstance(node, Map) else ""


def _target(node: Node, known: Known) -> str:
    return _to(node, known) if isinstance(node, Map) else _selector(node, known)


def _selector(node: Node | None, known: Known) -> str:
    text = tree.text(node)
    if node is None or text is None or "{{" in text:
        return text or ""
    if (wrong := selector.fault(text)) is not None:
        known.problems.add(
            node.at,
            wrong,
            hint="say an address, a glob (`api/*`), `@group`, `@all`, or labels (`tier=backend`)",
        )
    elif known.groups is not None and not selector.chosen(text, known.candidates, known.groups):
        among = [*known.groups] if text.startswith("@") else _names(known.candidates)
        word = text.removeprefix("@")
        there = f"there are {listed(dict.fromkeys(among))}" if among else None
        hint = "labels stand on panes, sessions and groups" if "=" in text else there
        known.problems.add(node.at, f"{quoted(text)} means no pane", hint=hint, word=word, among=among)
    return text


def _names(candidates: Collection[selector.Candidate]) -> list[str]:
    found = dict.fromkeys(each.address for each in candidates)
    return [*found, *dict.fromkeys(address.partition("/")[0] for address in found)]


# --- schedules


def _schedule(node: Map, known: Known) -> rules.Schedule | None:
    problems = known.problems
    name = tree.text(tree.child(node, "name"))
    said = [key for key in TIMES if key in node.entries]
    do = reactions(tree.child(node, "do"), known)
    event_fields.refuse_unknown(("schedule.due",), known.problems, do=tree.child(node, "do"))
    _refuse_no_panes(tree.child(node, "do"), problems)
    if not said:
        problems.add(node.at, "this is never due", hint=f"say one of {listed(TIMES)}")
        return None
    time = _time(said[0], node, problems)
    zone = tree.child(node, "timezone")
    if name is None or time is None:
        return None
    default = rules.Schedule(name=name, time=time, do=do)
    return rules.Schedule(
        name=name,
        time=time,
        timezone=_zone(zone, problems),
        jitter=health.duration_of(node, "jitter", default.jitter, problems),
        misfire=_chosen(node, "misfire", default.misfire),
        overlap=_chosen(node, "overlap", default.overlap),
        enabled=tree.flag(tree.child(node, "enabled")) is not False,
        do=do,
    )


def _time(key: str, node: Map, problems: Problems) -> rules.Cron | rules.Every | rules.At | None:
    given = node.entries[key].node
    text = tree.text(given)
    if text is None:
        return None
    if key == "every":
        interval = _longer_than_nothing(node, "every", problems)
        if interval < OFTENEST:
            problems.add(
                given.at, f"{quoted(text)} is more often than a schedule can be: at most every 100ms"
            )
            return None
        return rules.Every(interval=interval)
    if key == "at":
        try:
            datetime.fromisoformat(text)
        except ValueError:
            problems.add(
                given.at, f"{quoted(text)} is no date with a time", hint="for example `2026-12-24 18:00`"
            )
            return None
        return rules.At(time=text)
    import cronsim  # only who has a schedule pays for it

    text = _NAMED.get(text, text)
    try:
        cronsim.CronSim(text, _SOME_TIME)
    except cronsim.CronSimError as wrong:
        problems.add(
            given.at, f"{quoted(text)} is no cron expression: {wrong}", hint="for example `0 9 * * MON-FRI`"
        )
        return None
    return rules.Cron(expression=text)


_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SOME_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - only the expression is looked at


def _zone(node: Node | None, problems: Problems) -> str:
    text = tree.text(node)
    if node is None or text is None:
        return ""
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        problems.add(
            node.at,
            f"there is no time zone {quoted(text)}",
            hint="for example `Europe/Berlin`",
            word=text,
            among=zoneinfo.available_timezones(),
        )
    return text


def _longer_than_nothing(node: Map, key: str, problems: Problems) -> timedelta:
    return health.duration_of(node, key, timedelta(seconds=1), problems, positive=True)


# --- garbage collection, limits, watch


def _gc(node: Node | None, problems: Problems) -> rules.Gc | None:
    if not isinstance(node, Map):
        return None
    default = rules.Gc()

    def length(key: str) -> timedelta | None:
        if tree.child(node, key) is None:
            return None
        assert isinstance(node, Map)
        return health.duration_of(node, key, timedelta(0), problems, positive=True) or None

    return rules.Gc(
        idle=length("idle"),
        completed=length("completed"),
        events=length("events"),
        logs=length("logs"),
        orphans=tree.flag(tree.child(node, "orphans")) is not False,
        budget=tree.whole(tree.child(node, "budget")) or default.budget,
    )


def limits(node: Node | None, problems: Problems) -> rules.Limits | None:
    if not isinstance(node, Map):
        return None
    default = rules.Limits()
    time = tree.child(node, "time")
    memory = _size(tree.child(node, "memory"))
    if memory is not None and memory < LEAST_MEMORY:
        problems.add(
            node.entries["memory"].node.at,
            f"no process runs in {memory} bytes",
            hint="a size without a unit is in bytes; for example `512M`",
        )
    cpu = _number(tree.text(tree.child(node, "cpu")), "%")
    if cpu == 0:
        problems.add(
            node.entries["cpu"].node.at,
            "`cpu` must be more than nothing",
            hint="for example `50%`, of one core",
        )
    return rules.Limits(
        memory=memory,
        cpu=cpu,
        processes=tree.whole(tree.child(node, "processes")),
        output=_size(tree.child(node, "output")),
        time=None if time is None else _longer_than_nothing(node, "time", problems),
        on_exceed=_chosen(node, "on_exceed", default.on_exceed),
        after=tree.whole(tree.child(node, "after")) or default.after,
    )


def _size(node: Node | None) -> int | None:
    if (whole := tree.whole(node)) is not None:
        return whole
    text = tree.text(node) or ""
    unit = text.lstrip("0123456789.")
    number = _number(text, unit)
    return None if number is None else max(1, int(number * SIZES.get(unit, 1)))


Choice = TypeVar("Choice", bound=StrEnum)


def _chosen(node: Map, key: str, default: Choice) -> Choice:
    """The default also for what the schema refuses: it says so."""
    said = tree.text(tree.child(node, key))
    return next((each for each in type(default) if each == said), default)


def _number(text: str | None, unit: str) -> float | None:
    """None also for what the schema refuses."""
    try:
        return float(text.removesuffix(unit)) if text is not None else None
    except ValueError:
        return None


def watch(node: Node | None, known: Known) -> rules.Watch | None:
    if not isinstance(node, Map):
        return None
    paths, do = tree.texts(tree.child(node, "paths")), tree.child(node, "do")
    default = rules.Watch(paths=paths)
    event_fields.refuse_unknown(("watch.changed",), known.problems, do=do)
    return rules.Watch(
        paths=paths,
        ignore=tree.texts(tree.child(node, "ignore")),
        debounce=health.duration_of(node, "debounce", default.debounce, known.problems),
        do=reactions(do, known) if isinstance(do, List) else default.do,
    )
