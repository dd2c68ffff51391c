"""Who waits for whom: applications for databases, all of a package for what must be done once, a front end for what it hands on to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestra.discover.project import found
from orchestra.model import names

HEALTHY, DONE = "healthy", "completed_successfully"


def linked(sessions: Iterable[found.Session]) -> list[found.Session]:
    made = list(sessions)
    stores = {
        names.pane(session.name, pane.name): HEALTHY
        for session in made
        for pane in session.panes
        if pane.role is found.Role.DATABASE
    }
    serving = {
        pane.listening.port: names.pane(session.name, pane.name)
        for session in reversed(made)
        for pane in reversed(session.panes)
        if pane.listening is not None and pane.role is found.Role.SERVER
    }
    after: dict[str, dict[str, str]] = {}
    for session in made:
        for pane in session.panes:
            wanted = _after(pane, session, stores, serving)
            here = names.pane(session.name, pane.name)
            # Two that call each other cannot wait for each other: the first one does.
            after[here] = {
                name: condition for name, condition in wanted.items() if not _waits(name, here, after)
            }
    return [
        replace(
            session,
            panes=tuple(
                replace(pane, after=after[names.pane(session.name, pane.name)]) for pane in session.panes
            ),
        )
        for session in made
    ]


def _waits(one: str, other: str, after: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether `one` is `other`, or waits for it already, through however many."""
    waiting, seen = [one], {one}
    while waiting:
        here = waiting.pop()
        if here == other:
            return True
        for name in after.get(here, ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return False


def _after(
    pane: found.Pane, session: found.Session, stores: dict[str, str], serving: dict[int, str]
) -> dict[str, str]:
    own = {each.name: each for each in session.panes}
    after = {
        names.pane(session.name, name): DONE if own[name].role is found.Role.ONCE else _ready(own[name])
        for name in pane.needs
        if name in own and name != pane.name
    }
    if pane.stores and not any(own[name].role is found.Role.ONCE for name in pane.needs if name in own):
        after.update(stores)
    for port in pane.calls:
        called = serving.get(port)
        if called is not None and called != names.pane(session.name, pane.name):
            after[called] = HEALTHY
    return after


def _ready(pane: found.Pane) -> str:
    return HEALTHY if pane.listening is not None else "started"
