"""What can be said of a tmux before anything is asked of it: is it there, is it new enough, which of its faults touch us."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping

from orchestra.model.frozen import frozen
from orchestra.tmux import server

OLDEST = "3.2a"
NEWEST_TRIED = "3.7c"

Version = tuple[int, int, str]
_VERSION = re.compile(
    r"(?:next-|openbsd-)?(\d{1,4})\.(\d{1,4})([a-z]?)(?![\w.])|(?:next-)(\d{1,4})\.(\d{1,4})"
)


@frozen
class Fault:
    """Of tmux's own, as measured. `reference` is where tmux's authors speak of it; `last` None: no release is without it."""

    summary: str
    reference: str = ""
    last: str | None = None


FAULTS = (
    Fault(
        summary="two windows, panes or sessions closed in one command list, or processes of a whole session ending at once,"
        " can crash the server",
        reference="tmux#5243",
    ),
    Fault(
        summary="restarting a pane whose output the client has not read yet can crash the server",
        reference="tmux#5498",
    ),
    Fault(summary="a client that is killed at work takes the server along, 3 times in 1000", last="3.6b"),
    Fault(summary="a client that stops reading can freeze the programs in the panes"),
)
"""All of them only while a control-mode client is attached (`tmux -C`, iTerm2's integration): without one, none was ever seen."""


def parsed(text: str) -> Version | None:
    """Of `tmux 3.3a`, `tmux next-3.8` or `3.4`; None for what has no number (`tmux master`)."""
    found = _VERSION.search(text)
    if found is None:
        return None
    major, minor, letter = found[1] or found[4], found[2] or found[5], found[3] or ""
    return int(major), int(minor), letter


def too_old(version: Version) -> bool:
    oldest = parsed(OLDEST)
    assert oldest is not None
    return version < oldest


def untried(version: Version) -> bool:
    newest = parsed(NEWEST_TRIED)
    assert newest is not None
    return version > newest


def faults(version: Version | None) -> tuple[Fault, ...]:
    """Those of this version; of an unknown one: all."""
    found = []
    for fault in FAULTS:
        last = parsed(fault.last) if fault.last is not None else None
        if last is None or version is None or version <= last:
            found.append(fault)
    return tuple(found)


def program(environ: Mapping[str, str]) -> str | None:
    return shutil.which("tmux", path=environ.get("PATH"))


def program_version(environ: Mapping[str, str]) -> str | None:
    """As the program says it, without its name; None when there is no program, "" when it does not say."""
    path = program(environ)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, "-V"], capture_output=True, text=True, errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().removeprefix("tmux ")


def control_clients(host: server.Server) -> int:
    """How many clients are attached in control mode: other people's, we have none. No server, none."""
    reply = host.ask("list-clients", "-F", "#{client_control_mode}")
    return reply.out.split().count(b"1")
