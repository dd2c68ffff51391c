"""Bringing a person's terminal to a place: the one client that stays attached, because it is theirs and not ours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum

from orchestra.model import errors, status
from orchestra.tmux import quote, server


class Where(StrEnum):
    """What the terminal is before it is attached."""

    OUTSIDE = "outside"
    INSIDE = "inside"
    """A pane of the same server: its client is switched, not nested."""
    ELSEWHERE = "elsewhere"
    """A pane of another server."""


class Attaching:
    def __init__(self, host: server.Server, environ: Mapping[str, str]) -> None:
        self._host = host
        self._environ = environ

    @property
    def where(self) -> Where:
        socket = self._environ.get("TMUX", "").partition(",")[0]
        if not socket:
            return Where.OUTSIDE
        same = os.path.realpath(socket) == os.path.realpath(self._host.path)
        return Where.INSIDE if same else Where.ELSEWHERE

    def select(self, place: status.Place, *, window: bool, pane: bool) -> None:
        """Shows the place's window, and makes its pane the active one."""
        lines: list[Sequence[str]] = []
        if window or pane:
            lines.append(("select-window", "-t", f"{place.session.id}:{place.window.id}"))
        if pane:
            lines.append(("select-pane", "-t", place.pane.id))
        if not lines:
            return
        reply = self._host.source([" ; ".join(quote.command(*each) for each in lines)])
        if reply.code != 0 or reply.err:
            raise errors.ActionFailed(f"it is there no more: {reply.err.strip()}")

    def argv(self, place: status.Place) -> tuple[str, ...]:
        """The client to become. Without -u: whether this terminal shows UTF-8 is for its own locale to say."""
        verb = "switch-client" if self.where is Where.INSIDE else "attach-session"
        arguments = self._host.choice.arguments(self._environ)
        return (self._host.binary, *arguments, verb, "-t", place.session.id)
