"""How workspaces are, told from the marks and records on the live objects alone: no manifest is asked."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from orchestra.model import names, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import record


class Condition(StrEnum):
    RUNNING = "running"
    TYPING = "typing"
    """The shell runs; lines of `send_keys` are not typed yet."""
    WAITING = "waiting"
    """Its process was never started."""
    COMPLETED = "completed"
    """Its command ended with exit code 0."""
    FAILED = "failed"
    """Its command ended with another exit code, or by a signal."""
    STOPPED = "stopped"
    """A person stopped it."""
    ENDED = "ended"
    """Its shell ended, or it is not known yet how its command did."""


@frozen
class Pane:
    address: str
    id: str
    condition: Condition
    detail: str = ""
    """How it ended, or what it waits for."""
    pid: int = 0
    """Of what runs in it; 0 when nothing does."""
    exit_code: int | None = None
    signal: int | None = None
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    checked: bool = False
    """It has a health check."""


@frozen
class Window:
    """`address` is ours when it is marked, else made of tmux's names: a person has moved our panes there."""

    address: str
    panes: tuple[Pane, ...]
    foreign: int = 0
    """Panes in it that are not this workspace's."""


@frozen
class Session:
    address: str
    live_name: str
    """What tmux calls it now; "" when it is gone and only panes of it are left, elsewhere."""
    attached: int
    labels: Mapping[str, str]
    windows: tuple[Window, ...]
    foreign: int = 0
    """Panes in it that are not this workspace's, those of `windows` included."""

    @property
    def panes(self) -> tuple[Pane, ...]:
        return tuple(pane for window in self.windows for pane in window.panes)


@frozen
class Workspace:
    name: str
    sessions: tuple[Session, ...]

    @property
    def panes(self) -> tuple[Pane, ...]:
        return tuple(pane for session in self.sessions for pane in session.panes)

    def count(self, condition: Condition) -> int:
        return sum(pane.condition is condition for pane in self.panes)


def names_of(server: status.Server) -> tuple[str, ...]:
    """The workspaces that own anything, in order."""
    marks = {mark.workspace for session in server.sessions if (mark := session.mark) is not None}
    marks |= {mark.workspace for place in status.places(server) if (mark := place.pane.mark) is not None}
    return tuple(sorted(marks))


def workspaces(server: status.Server) -> tuple[Workspace, ...]:
    return tuple(_workspace(server, name) for name in names_of(server))


def _workspace(server: status.Server, name: str) -> Workspace:
    live: dict[str, status.Session] = {}
    for session in server.sessions:
        if session.mark is not None and session.mark.workspace == name:
            live.setdefault(session.mark.address, session)
    owned = status.owned(server, name)
    addresses = dict.fromkeys([*live, *(names.session_of(address) for address in owned)])
    return Workspace(
        name=name,
        sessions=tuple(_session(address, live.get(address), owned, name) for address in addresses),
    )


def _session(
    address: str, live: status.Session | None, owned: Mapping[str, status.Place], workspace: str
) -> Session:
    grouped: dict[str, tuple[status.Place, list[Pane]]] = {}
    for place in owned.values():
        mark = place.pane.mark
        if mark is not None and names.session_of(mark.address) == address:
            grouped.setdefault(place.window.id, (place, []))[1].append(_pane(place, owned))
    windows = tuple(
        Window(
            address=_window_address(place, workspace),
            panes=tuple(panes),
            foreign=_foreign(place.window, workspace),
        )
        for place, panes in grouped.values()
    )
    labels = record.parse(live.record).get("labels") if live is not None else None
    return Session(
        address=address,
        live_name=live.name if live is not None else "",
        attached=live.attached if live is not None else 0,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
        windows=windows,
        foreign=sum(_foreign(window, workspace) for window in live.windows) if live is not None else 0,
    )


def _window_address(place: status.Place, workspace: str) -> str:
    mark = place.window.mark
    if mark is not None and mark.workspace == workspace:
        return mark.address
    return f"{place.session.name}/{place.window.name}"


def _foreign(window: status.Window, workspace: str) -> int:
    return sum(pane.mark is None or pane.mark.workspace != workspace for pane in window.panes)


def _pane(place: status.Place, owned: Mapping[str, status.Place]) -> Pane:
    pane, mark = place.pane, place.pane.mark
    assert mark is not None
    read = record.parse_pane(pane.record)
    declared = read.pane if read is not None else None
    condition, detail = _condition(pane, mark, declared, owned)
    ended = condition in (Condition.COMPLETED, Condition.FAILED, Condition.ENDED)
    return Pane(
        address=mark.address,
        id=pane.id,
        condition=condition,
        detail=detail,
        pid=pane.pid if condition in (Condition.RUNNING, Condition.TYPING) else 0,
        exit_code=pane.exit_code if ended else None,
        signal=pane.signal if ended else None,
        title=(declared.title or "") if declared is not None else "",
        labels=declared.labels if declared is not None else {},
        checked=declared is not None and declared.health is not None,
    )


def _condition(
    pane: status.Pane, mark: status.Mark, declared: spec.Pane | None, owned: Mapping[str, status.Place]
) -> tuple[Condition, str]:
    if mark.stage is status.Stage.WAITING:
        return Condition.WAITING, _waits(declared, owned)
    if pane.dead and mark.stage is status.Stage.STOPPED:
        return Condition.STOPPED, "by a person"
    if not pane.dead:
        if mark.stage is status.Stage.TYPING:
            lines = len(declared.send_keys) if declared is not None else mark.typed
            return Condition.TYPING, f"{mark.typed} of {lines} lines typed"
        return Condition.RUNNING, ""
    if pane.signal is not None:
        return Condition.FAILED, f"ended by {_signal(pane.signal)}"
    if pane.exit_code is None:
        return Condition.ENDED, "how is not known yet"
    if declared is not None and declared.command is None:
        return Condition.ENDED, f"its shell exited with {pane.exit_code}"
    return (Condition.FAILED if pane.exit_code else Condition.COMPLETED), f"exit {pane.exit_code}"


def _waits(declared: spec.Pane | None, owned: Mapping[str, status.Place]) -> str:
    """Why it was never started, as far as can be seen now."""
    if declared is None or not declared.depends_on:
        return "never started"
    return "never started: waits for " + ", ".join(
        f"{edge.pane} ({edge.condition.replace('_', ' ')}), {_is(edge.pane, owned)}"
        for edge in declared.depends_on
    )


def _is(address: str, owned: Mapping[str, status.Place]) -> str:
    place = owned.get(address)
    if place is None or place.pane.mark is None:
        return "which is not there"
    if place.pane.mark.stage is status.Stage.WAITING:
        return "which waits itself"
    if not place.pane.dead:
        return "which runs"
    if place.pane.signal is not None:
        return f"which was ended by {_signal(place.pane.signal)}"
    return f"which exited with {place.pane.exit_code}" if place.pane.exit_code is not None else "which ended"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return f"signal {number}"
