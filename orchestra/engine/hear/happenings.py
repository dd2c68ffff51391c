"""What happened between two looks at a server: events out of two readings. Decides; looks at nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from orchestra.model import event, status
from orchestra.model.frozen import frozen


@frozen
class Session:
    name: str
    attached: int = 0
    workspace: str = ""
    address: str = ""


@frozen
class Window:
    session: str
    name: str
    layout: str
    bells: int = 0
    workspace: str = ""
    address: str = ""


@frozen
class Pane:
    window: str
    pid: int
    title: str = ""
    ended: bool = False
    """And tmux knows how. Until it does, a dead pane counts as one that runs."""
    exit_code: int | None = None
    signal: int | None = None
    workspace: str = ""
    address: str = ""


@frozen
class Seen:
    """A server as events see it, by tmux's ids; `epoch` is empty when there is none."""

    epoch: str = ""
    version: str = ""
    sessions: Mapping[str, Session] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    panes: Mapping[str, Pane] = field(default_factory=dict)


@frozen
class Happening:
    """An event before it has its time and its place in the journal."""

    body: event.Body
    workspace: str = ""
    address: str = ""


def seen(server: status.Server, before: Seen) -> Seen:
    """Of a linked window the session that had it before, else the first, counts."""
    if not server.running:
        return Seen()
    known = before if before.epoch == server.epoch else Seen()
    sessions: dict[str, Session] = {}
    windows: dict[str, Window] = {}
    panes: dict[str, Pane] = {}
    for session in server.sessions:
        owner, address = _whose(session.mark)
        sessions[session.id] = Session(
            name=session.name, attached=session.attached, workspace=owner, address=address
        )
        for window in session.windows:
            if window.id in windows:
                stayed = known.windows.get(window.id)
                if stayed is None or stayed.session != session.id:
                    continue
            owner, address = _whose(window.mark)
            windows[window.id] = Window(
                session=session.id,
                name=window.name,
                layout=window.layout,
                bells=window.bells,
                workspace=owner,
                address=address,
            )
            for pane in window.panes:
                panes[pane.id] = _pane(pane, window.id)
    return Seen(epoch=server.epoch, version=server.version, sessions=sessions, windows=windows, panes=panes)


def _pane(pane: status.Pane, window: str) -> Pane:
    owner, address = _whose(pane.mark)
    # What holds the place of a process that waits for another one is nobody's process: it neither starts nor ends.
    holds = pane.mark is not None and pane.mark.stage is status.Stage.WAITING
    ended = pane.dead and not holds and (pane.exit_code is not None or pane.signal is not None)
    return Pane(
        window=window,
        pid=0 if holds else pane.pid,
        title=pane.title,
        ended=ended,
        exit_code=pane.exit_code if ended else None,
        signal=pane.signal if ended else None,
        workspace=owner,
        address=address,
    )


def _whose(mark: status.Mark | None) -> tuple[str, str]:
    return (mark.workspace, mark.address) if mark is not None else ("", "")


def between(before: Seen, after: Seen) -> Iterator[Happening]:
    """In an order that makes sense to who hears them one by one: what is new before what is in it, what ended before what is gone."""
    if before.epoch != after.epoch:
        if before.epoch:
            yield Happening(body=event.TmuxGone(epoch=before.epoch))
        if after.epoch:
            yield Happening(body=event.TmuxStarted(epoch=after.epoch, version=after.version))
        before = Seen(epoch=after.epoch)
    yield from _sessions(before, after)
    yield from _windows(before, after)
    yield from _panes(before, after)
    yield from _gone(before, after)


def _sessions(before: Seen, after: Seen) -> Iterator[Happening]:
    for id_, now in after.sessions.items():
        was = before.sessions.get(id_)
        whose = {"workspace": now.workspace, "address": now.address}
        if was is None:
            yield Happening(body=event.SessionCreated(id=id_, name=now.name), **whose)
        elif was.name != now.name:
            yield Happening(body=event.SessionRenamed(id=id_, before=was.name, after=now.name), **whose)
        attached = was.attached if was is not None else 0
        if attached != now.attached:
            yield Happening(body=event.SessionAttached(id=id_, before=attached, after=now.attached), **whose)


def _windows(before: Seen, after: Seen) -> Iterator[Happening]:
    for id_, now in after.windows.items():
        was = before.windows.get(id_)
        whose = {"workspace": now.workspace, "address": now.address}
        if was is None:
            yield Happening(body=event.WindowCreated(id=id_, session=now.session, name=now.name), **whose)
            was = replace(now, bells=0)
        if was.session != now.session:
            yield Happening(body=event.WindowMoved(id=id_, before=was.session, after=now.session), **whose)
        if was.name != now.name:
            yield Happening(body=event.WindowRenamed(id=id_, before=was.name, after=now.name), **whose)
        if was.layout != now.layout:
            yield Happening(body=event.WindowLayoutChanged(id=id_, layout=now.layout), **whose)
        if was.bells < now.bells:
            yield Happening(body=event.WindowBell(id=id_), **whose)


def _panes(before: Seen, after: Seen) -> Iterator[Happening]:
    for id_, now in after.panes.items():
        was = before.panes.get(id_)
        whose = {"workspace": now.workspace, "address": now.address}
        if was is None:
            yield Happening(body=event.PaneCreated(id=id_, window=now.window, pid=now.pid), **whose)
        else:
            if was.window != now.window:
                yield Happening(body=event.PaneMoved(id=id_, before=was.window, after=now.window), **whose)
            if was.pid != now.pid:
                if was.pid and not was.ended:  # ended and started again between two looks
                    yield Happening(body=event.PaneExited(id=id_, pid=was.pid), **whose)
                yield Happening(body=event.PaneStarted(id=id_, pid=now.pid), **whose)
            if was.title != now.title:
                yield Happening(body=event.PaneTitleChanged(id=id_, title=now.title), **whose)
        if now.ended and not (was is not None and was.pid == now.pid and was.ended):
            yield exited(id_, now)


def exited(id_: str, now: Pane) -> Happening:
    return Happening(
        body=event.PaneExited(id=id_, pid=now.pid, exit_code=now.exit_code, signal=now.signal),
        workspace=now.workspace,
        address=now.address,
    )


def _gone(before: Seen, after: Seen) -> Iterator[Happening]:
    for id_, pane in before.panes.items():
        if id_ not in after.panes:
            whose = {"workspace": pane.workspace, "address": pane.address}
            if pane.pid and not pane.ended:
                yield Happening(body=event.PaneExited(id=id_, pid=pane.pid), **whose)
            yield Happening(body=event.PaneClosed(id=id_), **whose)
    for id_, window in before.windows.items():
        if id_ not in after.windows:
            yield Happening(
                body=event.WindowClosed(id=id_, session=window.session, name=window.name),
                workspace=window.workspace,
                address=window.address,
            )
    for id_, session in before.sessions.items():
        if id_ not in after.sessions:
            yield Happening(
                body=event.SessionClosed(id=id_, name=session.name),
                workspace=session.workspace,
                address=session.address,
            )
