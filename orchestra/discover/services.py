"""Processes that run beside each other, as one session: a window each, replicas side by side, and who waits for whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestra.discover import limits, naming, source
from orchestra.discover.context import Context
from orchestra.discover.notes import quoted
from orchestra.discover.variables import expression
from orchestra.model.diagnostic import Location
from orchestra.model.frozen import frozen


@frozen
class Need:
    condition: str
    at: Location
    required: bool = True
    cascades: bool = False


@dataclass(slots=True, kw_only=True)
class Service:
    name: str
    at: Location
    pane: dict[str, object]
    """Without its name, replicas and dependencies."""
    needs: dict[str, Need] = field(default_factory=dict)
    count: int | None = None
    """How many; None: one, without a number in its name."""
    copies: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    """Panes instead of `pane`, where they differ in more than a number."""
    switches: tuple[str, ...] = ()
    """Boolean variables, one of which must be true for it to be there."""


def session(found: list[Service], context: Context) -> tuple[dict[str, object], dict[str, list[str]]]:
    """The session, and the panes' names of every service."""
    total = sum(len(each.copies) or (1 if each.count is None else each.count) for each in found)
    if total > limits.PANES:
        raise source.refused(f"the file asks for more than {limits.PANES} panes")
    windows, panes = naming.Names("window", context.notes), naming.Names("pane", context.notes)
    called: dict[str, list[str]] = {}
    made: list[dict[str, object]] = []
    for each in found:
        windowed = windows.take(each.name, each.at, instead="process")
        bodies = each.copies or [(each.name, {**each.pane, **_replicas(each)})]
        listed: list[dict[str, object]] = []
        called[each.name] = []
        for name, body in bodies:
            numbers = None
            if "replicas" in body:
                numbers = 1 if each.count is None else each.count
            taken, every = panes.take_numbered(name, numbers, each.at, instead="process")
            listed.append({"name": taken, **body})
            called[each.name] += every
        made.append({"name": windowed, "panes": listed})
    _depend(found, made, called, context)
    return {"windows": made} if made else {}, called


def _replicas(service: Service) -> dict[str, object]:
    if service.count is None and not service.switches:
        return {}
    count = 1 if service.count is None else service.count
    if not service.switches:
        return {"replicas": count}
    return {"replicas": expression(f"{count} if {' or '.join(service.switches)} else 0")}


def _depend(
    found: list[Service], made: list[dict[str, object]], called: dict[str, list[str]], context: Context
) -> None:
    services = {each.name: each for each in found}
    circular = _circular(services)
    edges = 0
    for each, window in zip(found, made, strict=True):
        listed: dict[str, object] = {}
        for name, need in each.needs.items():
            there = services.get(name)
            what = f"{each.name} → {name}"
            if there is None:
                context.notes.left_out(what, need.at, f"{quoted(name)} is not imported")
            elif (each.name, name) in circular:
                context.notes.left_out(what, need.at, "the dependencies go in a circle")
            elif there.switches and set(there.switches) != set(each.switches):
                context.notes.left_out(what, need.at, f"{quoted(name)} is not always there")
            else:
                edges += len(called[name]) * len(called[each.name])
                if edges > limits.DEPENDENCIES:
                    raise source.refused(
                        f"the file has more than {limits.DEPENDENCIES} dependencies, replicas counted"
                    )
                listed |= dict.fromkeys(called[name], _entry(need))
        if listed:
            panes = window["panes"]
            assert isinstance(panes, list)
            for pane in panes:
                pane["depends_on"] = dict(listed)


def _entry(need: Need) -> object:
    said: dict[str, object] = {"condition": need.condition}
    if not need.required:
        said["required"] = False
    if need.cascades:
        said["on_restart"] = "cascade"
    return said if len(said) > 1 else need.condition


def _circular(services: dict[str, Service]) -> frozenset[tuple[str, str]]:
    """Edges that close a circle, found without recursion."""
    state: dict[str, bool] = {}
    """False: on the way; True: done with."""
    back: set[tuple[str, str]] = set()
    for start in services:
        if start in state:
            continue
        state[start] = False
        stack = [(start, iter(services[start].needs))]
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = True
                stack.pop()
            elif following in services and following not in state:
                state[following] = False
                stack.append((following, iter(services[following].needs)))
            elif state.get(following) is False:
                back.add((name, following))
    return frozenset(back)
