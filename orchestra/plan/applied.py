"""The workspace as it was last applied, read back from the records on its live objects.

Rolling back is planning towards this; so is deleting by name, and telling a status without a manifest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from orchestra.model import names, spec, status
from orchestra.plan import record


def workspace(name: str, observed: status.Server) -> spec.Workspace:
    """What is unreadable, or was never started, is left out. No sessions when the server holds nothing of that name."""
    panes: dict[str, spec.Pane] = {}
    for address, place in status.owned(observed, name).items():
        read = record.parse_pane(place.pane.record)
        if read is not None:
            panes[address] = read.pane
    windows: dict[str, spec.Window] = {}
    sessions: dict[str, spec.Session] = {}
    for session in observed.sessions:
        for window in session.windows:
            if window.mark is not None and window.mark.workspace == name:
                found = _window(window.mark.address, record.parse(window.record), panes)
                if found is not None:
                    windows.setdefault(window.mark.address, found)
    for session in observed.sessions:
        if session.mark is not None and session.mark.workspace == name:
            found_session = _session(session.mark.address, record.parse(session.record), windows)
            if found_session is not None:
                sessions.setdefault(session.mark.address, found_session)
    return spec.Workspace(name=name, file="", sessions=tuple(sessions.values()))


def _window(address: str, kept: Mapping[str, object], panes: Mapping[str, spec.Pane]) -> spec.Window | None:
    session, _, name = address.partition("/")
    listed, sizes = _list(kept.get("panes")), _list(kept.get("sizes"))
    found: list[spec.Pane] = []
    for place, each in enumerate(listed):
        pane = panes.get(names.pane(session, str(each)))
        if pane is not None:
            size = sizes[place] if place < len(sizes) else None
            found.append(dataclasses.replace(pane, size=_size(size), focus=kept.get("focus") == each))
    layout = kept.get("layout")
    if not found:
        return None
    return spec.Window(name=name, layout=layout if isinstance(layout, str) else None, panes=tuple(found))


def _session(
    name: str, kept: Mapping[str, object], windows: Mapping[str, spec.Window]
) -> spec.Session | None:
    found = [
        dataclasses.replace(window, focus=kept.get("focus") == each)
        for each in _list(kept.get("windows"))
        if (window := windows.get(names.window(name, str(each)))) is not None
    ]
    labels = kept.get("labels")
    if not found:
        return None
    return spec.Session(
        name=name, labels=dict(labels) if isinstance(labels, dict) else {}, windows=tuple(found)
    )


def _size(kept: object) -> spec.Size | None:
    if isinstance(kept, int):
        return spec.Size(cells=kept)
    if isinstance(kept, str):
        return spec.Size(percent=int(kept.rstrip("%")))
    return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
