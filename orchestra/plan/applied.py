"""The workspace as it was last applied, read back from the records on its live objects.

Rolling back is planning towards this; so is deleting by name, and telling a status without a manifest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from orchestra.model import names, rules, spec, status
from orchestra.plan import record, rules_changes, seen


def workspace(name: str, observed: status.Server) -> spec.Workspace:
    """A pane whose record is unreadable is left out, one that was never started is not. Where a window's or session's record is
    unreadable what stands in it counts: a plan towards this must not delete it. No sessions when there is nothing of that name."""
    found = seen.seen(observed, name)
    panes = {
        address: read.pane
        for address, place in found.panes.items()
        if (read := record.parse_pane(place.pane.record)) is not None
    }
    windows = {
        address: window
        for address, (_, live) in found.windows.items()
        if (window := _window(address, live, panes, found)) is not None
    }
    sessions = [_session(address, live, windows, found) for address, live in found.sessions.items()]
    known = rules_changes.parse(observed.rules.get(name, ""))
    return spec.Workspace(
        name=name,
        file="",
        sessions=tuple(each for each in sessions if each.windows),
        rules=known if known is not None else rules.Rules(),
    )


def _window(
    address: str, live: status.Window, panes: Mapping[str, spec.Pane], found: seen.Seen
) -> spec.Window | None:
    session, _, name = address.partition("/")
    kept = record.parse(live.record)
    listed = (
        _list(kept.get("panes")) if kept else _standing(session, [pane.mark for pane in live.panes], found)
    )
    sizes = _list(kept.get("sizes"))
    there: list[spec.Pane] = []
    for place, each in enumerate(listed):
        pane = panes.get(names.pane(session, str(each)))
        if pane is not None:
            size = _size(sizes[place]) if place < len(sizes) else None
            there.append(dataclasses.replace(pane, size=size, focus=kept.get("focus") == each))
    layout = kept.get("layout")
    if not there:
        return None
    return spec.Window(
        name=name,
        title=_text(kept.get("title")),
        layout=_text(layout),
        zoomed=kept.get("zoomed") is True,
        options=_texts(kept.get("options")),
        panes=tuple(there),
    )


def _session(
    name: str, live: status.Session, windows: Mapping[str, spec.Window], found: seen.Seen
) -> spec.Session:
    kept = record.parse(live.record)
    listed = (
        _list(kept.get("windows"))
        if kept
        else _standing(name, [window.mark for window in live.windows], found)
    )
    return spec.Session(
        name=name,
        title=_text(kept.get("title")),
        labels=_texts(kept.get("labels")),
        options=_texts(kept.get("options")),
        windows=tuple(
            dataclasses.replace(window, focus=kept.get("focus") == each)
            for each in listed
            if (window := windows.get(names.window(name, str(each)))) is not None
        ),
    )


def _standing(session: str, marks: Sequence[status.Mark | None], found: seen.Seen) -> list[object]:
    """The names of this session's own among them, in the order they stand in."""
    ours = [mark.address for mark in marks if mark is not None and found.ours(mark)]
    return [address.partition("/")[2] for address in ours if names.session_of(address) == session]


def _size(kept: object) -> spec.Size | None:
    if isinstance(kept, int):
        return spec.Size(cells=kept)
    percent = kept.removesuffix("%") if isinstance(kept, str) else ""
    return spec.Size(percent=int(percent)) if percent.isdecimal() else None


def _text(kept: object) -> str | None:
    return kept if isinstance(kept, str) else None


def _texts(kept: object) -> dict[str, str]:
    return (
        {name: each for name, each in kept.items() if isinstance(each, str)} if isinstance(kept, dict) else {}
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
