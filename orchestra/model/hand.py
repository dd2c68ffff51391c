"""What hands do to panes, whoever made them: which pane is meant, what is put into it, and what became of that."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from enum import StrEnum

from orchestra.model import names, status
from orchestra.model.frozen import frozen


@frozen
class Meant:
    """A pane, and what it was found by. It must be that still when something is done to it: tmux compares, in the same step."""

    place: status.Place
    epoch: str
    """Of the server's life: ids begin again with the next one."""
    number: int
    """Its position in its session, from 0: what old scripts call it by."""
    order: tuple[str, ...] = ()
    """The ids of the session's panes, where it was meant by its number."""
    called: bool = True
    """It was meant by what it is called; else by tmux's id."""

    @property
    def id(self) -> str:
        return self.place.pane.id

    @property
    def address(self) -> str:
        """What it can be called by: its manifest's address, its name, or its number."""
        pane = self.place.pane
        if pane.mark is not None:
            return pane.mark.address
        return f"{names.given(self.place.session.name)}/{pane.name or self.number}"


@frozen
class Paste:
    """Bytes as they are, to this pane only, whatever `synchronize-panes` says."""

    data: bytes
    bracketed: bool = False
    """As a paste, where the program asks for that: then a newline in it ends no line."""


@frozen
class Keys:
    """tmux's names of keys (`C-c`, `Enter`, `Up`); what is no such name is text."""

    keys: tuple[str, ...]
    literal: bool = False


EMPTIED = Paste(data=b"\x05 \x15")
"""C-e, space, C-u: what somebody has half typed in a shell's line is not run with what comes; C-y brings it back. A C-u at an empty line
would ring the bell of bash."""
ENTER = Paste(data=b"\r")
INTERRUPT = Paste(data=b"\x03")


@frozen
class Message:
    """Goes into the pane whole, or not at all; and once, however often it is sent."""

    meant: Meant
    strokes: tuple[Paste | Keys, ...]
    id: str
    """Hexadecimal digits: what the pane remembers it by."""
    leave_mode: bool = False
    """A person who looks at the pane's history is brought back to the present."""
    force: bool = False
    """Also while somebody looks at its history."""
    hear: str = ""
    """A directory: what the pane prints from here on is recorded there, if nothing is piped from it."""


class Verdict(StrEnum):
    DONE = "done"
    ALREADY = "already"
    """It was typed before: an answer had been lost."""
    HELD = "held"
    """Another one of those that were to go together could not."""
    MOVED = "moved"
    """The pane is not called so any more, or gone."""
    DEAD = "dead"
    IN_MODE = "in mode"
    DEAF = "deaf"
    UNKNOWN = "unknown"
    """Nobody answered."""


WENT = (Verdict.DONE, Verdict.ALREADY)


@frozen
class Foreground:
    """What has a pane's terminal now."""

    pid: int
    """Of the group's leader, or of who is left of it."""
    group: int
    argv: tuple[str, ...]
    program: str
    """The executable's own name, where the system tells it."""
    own: bool
    """It is the pane's first process and what that runs in its own group."""
    shell: bool
    """An interactive shell, which waits for lines."""
    started: float
    """As `status.Process.started`."""

    @property
    def line(self) -> str:
        return " ".join(self.argv)[:200]


@frozen
class Screen:
    """What a pane shows."""

    lines: tuple[bytes, ...]
    """With their colours; those that go on from line to line are not said again."""
    width: int
    height: int
    column: int
    row: int
    cursor: bool
    application_cursor: bool
    """Arrow keys are to be sent in the other of their two spellings."""
    application_keypad: bool
    dead: bool


class Stop(StrEnum):
    """How a command was ended that took too long."""

    KEY = "C-c"
    TERM = "SIGTERM"
    KILL = "SIGKILL"


@frozen
class Ran:
    """A command that a shell was given, when it has ended."""

    meant: Meant
    lines: tuple[str, ...] = ()
    exit_code: int | None = None
    """None when nobody can say: its shell ended with it, or was interrupted."""
    duration: timedelta = field(default_factory=timedelta)
    stopped: Stop | None = None
    lost: int = 0
    """Bytes of its output that came faster than they were read."""
