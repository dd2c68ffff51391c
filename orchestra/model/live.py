"""What a snapshot wants to know of a live server beside `status`: what runs in panes, where, and what is set on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from orchestra.model.frozen import frozen


@frozen
class Program:
    argv: tuple[str, ...]
    """As it was exec'd, or as it calls itself since."""
    dir: str = ""
    """Where it is now; "" when that cannot be seen."""
    path: str = ""
    """Of its executable; "" likewise."""


@frozen
class Running:
    """In one pane."""

    first: Program
    """The pane's own process: a shell, mostly."""
    foreground: tuple[Program, ...] = ()
    """What has the terminal now, if that is not the first: several of them are a pipeline, in its order."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The first one's, as it was exec'd."""


@frozen
class Settings:
    """What is set on the objects of a server themselves, not inherited; none of it ours."""

    environment: Mapping[str, str]
    """The server's, which panes start with."""
    fleeting: frozenset[str]
    """Variables that tmux renews from each client (`update-environment`)."""
    renames: bool
    """Whether windows are called after what runs in them, unless they say otherwise."""
    sessions: Mapping[str, Mapping[str, str]]
    """Options by the session's id."""
    windows: Mapping[str, Mapping[str, str]]
    panes: Mapping[str, Mapping[str, str]]
    dirs: Mapping[str, str]
    """Where tmux says that a pane is, by its id."""
