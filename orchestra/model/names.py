"""Names and addresses: ours, stable, never a tmux index."""

from __future__ import annotations

import re

WORKSPACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
"""Sessions, windows, panes and groups: what tmux neither rewrites (`a.b` -> `a_b`) nor takes for a target's syntax."""

LABEL = re.compile(r"[A-Za-z0-9_./-]{1,64}\Z")

_SPELLED = re.compile(r"\\([\\$])")


def given(name: str) -> str:
    """A session's or window's name that tmux lists, as it was given: tmux puts a `\\` before a `\\`, and before some a `$`."""
    return _SPELLED.sub(r"\1", name)


def pane(session: str, name: str) -> str:
    return f"{session}/{name}"


def window(session: str, name: str) -> str:
    """A window's address; a window and a pane of one session may share a name, so plans say the kind beside it."""
    return f"{session}/{name}"


def session_of(address: str) -> str:
    return address.partition("/")[0]
