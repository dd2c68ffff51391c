"""What of a server is one workspace's, by address, and what other names are taken there."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra.model import errors, names, status


@dataclass(frozen=True, slots=True)
class Seen:
    workspace: str
    sessions: dict[str, status.Session]
    windows: dict[str, tuple[status.Session, status.Window]]
    panes: dict[str, status.Place]
    names: dict[str, status.Session]
    """Every session of the server, whoever's it is, by the name it has now."""

    def named(self, title: str) -> status.Session | None:
        found = self.names.get(title)
        return found or next((each for name, each in self.names.items() if names.given(name) == title), None)

    def ours(self, mark: status.Mark | None) -> bool:
        return mark is not None and mark.workspace == self.workspace


def is_called(name: str, title: str) -> bool:
    """Whether tmux lists that as `name` which is to be called `title`."""
    return title in (name, names.given(name))


def seen(server: status.Server, workspace: str) -> Seen:
    found = Seen(workspace, {}, {}, {}, {session.name: session for session in server.sessions})
    # A window may be linked into a person's session too; ours is the one that counts.
    for session in sorted(server.sessions, key=lambda each: not found.ours(each.mark)):
        if session.mark is not None and found.ours(session.mark):
            found.sessions.setdefault(session.mark.address, session)
        for window in session.windows:
            if window.mark is not None and found.ours(window.mark):
                found.windows.setdefault(window.mark.address, (session, window))
            for pane in window.panes:
                if pane.mark is not None and found.ours(pane.mark):
                    place = status.Place(session=session, window=window, pane=pane)
                    found.panes.setdefault(pane.mark.address, place)
    _refuse_copies(found, server)
    return found


def _refuse_copies(found: Seen, server: status.Server) -> None:
    """A mark's id is made once. On two panes it tells nothing any more: somebody copied it, or set it for all (`set-option -g`),
    and what is ours cannot be told from what is not."""
    bearers: dict[str, str] = {}
    for place in status.places(server):
        mark = place.pane.mark
        if mark is None or not found.ours(mark):
            continue
        other = bearers.setdefault(mark.uid, place.pane.id)
        if other != place.pane.id:
            raise errors.Conflict(
                f"the panes {other} and {place.pane.id} both bear the mark of {mark.address}",
                hint="one was copied or set globally: tmux set-option -gu @orchestra_pane; -su, -wu or -pu for the other levels",
            )
