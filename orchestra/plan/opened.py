"""Panes that are declared and yet not made: those that a person had opened when a snapshot was saved, and those that were collected."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from orchestra.model import spec, status
from orchestra.plan import applied, seen


def without(
    desired: spec.Workspace, found: seen.Seen, observed: status.Server, absent: frozenset[str] = frozenset()
) -> spec.Workspace:
    """Without the panes that a person had opened in sessions that are there: they may be there still, and nobody can tell which. And
    without the `absent` ones that are not there. Windows that lose one are as they were applied last."""
    absent = absent - found.panes.keys()
    if not any(pane.opened or pane.address in absent for pane in desired.panes):
        return desired
    known = {each.name: each for each in applied.workspace(desired.name, observed).sessions}
    made: list[spec.Session] = []
    for session in desired.sessions:
        is_there = session.name in found.sessions
        if not is_there and not any(pane.address in absent for pane in session.panes):
            made.append(session)
            continue
        before = known.get(session.name)
        windows: list[spec.Window] = []
        for window in session.windows:
            left = [
                pane
                for pane in window.panes
                if not (is_there and pane.opened and pane.address not in found.panes)
                and pane.address not in absent
            ]
            if len(left) == len(window.panes):
                windows.append(window)
            elif left:
                windows.append(_as_applied(window, left, before))
        shown = any(window.focus for window in session.windows) and not any(
            window.focus for window in windows
        )
        first = (
            {each.name for each in before.windows if each.focus} if before is not None and shown else set()
        )
        made.append(
            dataclasses.replace(
                session,
                windows=tuple(
                    dataclasses.replace(each, focus=True) if each.name in first else each for each in windows
                ),
            )
        )
    return dataclasses.replace(desired, sessions=tuple(each for each in made if each.windows))


def _as_applied(window: spec.Window, left: Sequence[spec.Pane], before: spec.Session | None) -> spec.Window:
    same = [each for each in before.windows if each.name == window.name] if before is not None else []
    if not same:
        return dataclasses.replace(window, layout=None, panes=tuple(left))
    panes = {each.address: each for each in same[0].panes}
    kept = [
        dataclasses.replace(each, size=panes[each.address].size, focus=panes[each.address].focus)
        if each.address in panes
        else each
        for each in left
    ]
    return dataclasses.replace(window, layout=same[0].layout, zoomed=same[0].zoomed, panes=tuple(kept))
