"""What is seen on a tmux server, in one reading."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from orchestra.model.frozen import frozen


class Stage(StrEnum):
    """How far a pane of ours has come; the last word of its mark."""

    WAITING = "waiting"
    """The pane holds its place; its process has not been started (a dependency is not there yet, or apply was cut off)."""
    TYPING = "typing"
    """The shell runs; some `send_keys` lines are not typed yet (how many are is `Mark.typed`)."""
    DONE = "done"
    STOPPED = "stopped"
    """A person stopped it; it stays so until a person starts it."""


_MARK = re.compile(
    r"[a-z0-9][a-z0-9_-]{0,62}+"
    r" [A-Za-z0-9_-]{1,64}+(/(?! )[A-Za-z0-9_-]{0,64}+(\.hold-[A-Za-z0-9]{1,32}+)?)?"
    r" [A-Za-z0-9]{1,32}+ ([A-Za-z0-9]{1,64}+|-) (waiting|typing|done|stopped) (0|[1-9][0-9]{0,5})"
)
"""Nothing in it means anything to tmux, whoever wrote it."""


@frozen
class Mark:
    """Whose an object is. It stands on the live object as a tmux user option, and every destructive command compares it whole.

    `uid` is made once when the object is created and never changes; `fingerprint` covers the fields whose change restarts
    a pane ("-" on sessions and windows).
    """

    workspace: str
    address: str
    uid: str
    fingerprint: str = "-"
    stage: Stage = Stage.DONE
    typed: int = 0

    def __str__(self) -> str:
        return f"{self.workspace} {self.address} {self.uid} {self.fingerprint} {self.stage} {self.typed}"

    @classmethod
    def parse(cls, text: str) -> Mark | None:
        """None when the text is not a mark of ours: such an object is not owned."""
        return _parsed(text) if text else None


@functools.lru_cache(maxsize=8192)
def _parsed(text: str) -> Mark | None:
    """The same ones are read again and again."""
    if _MARK.fullmatch(text) is None:
        return None
    workspace, address, uid, fingerprint, stage, typed = text.split(" ")
    return Mark(
        workspace=workspace,
        address=address,
        uid=uid,
        fingerprint=fingerprint,
        stage=Stage(stage),
        typed=int(typed),
    )


@frozen
class Pane:
    id: str
    index: int
    pid: int
    """Of the pane's first process; 0 when it never had one."""
    dead: bool
    exit_code: int | None = None
    signal: int | None = None
    active: bool = False
    tty: str = ""
    title: str = ""
    piped: bool = False
    """What it prints goes to a program as well: our recording, or what a person set up."""
    in_mode: bool = False
    """A person looks at its history (copy mode), or at a menu of tmux's: keys go there."""
    deaf: bool = False
    """Its input is switched off (`select-pane -d`)."""
    name: str = ""
    """What it was called by hand; a pane of a manifest has its address instead."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Put on it by hand."""
    uid: str = ""
    """Of one that was made by hand, by us: what its shell signs its marks with comes of this."""
    mark: Mark | None = None
    record: str = ""
    """The `spec.Pane` last applied and the digests of its secrets, as JSON text (`plan/record.py`)."""
    limits: str = ""
    """What a person has set by hand, as JSON text (`plan/limits.py`); it goes before the record's."""


@frozen
class Window:
    id: str
    index: int
    name: str
    layout: str
    width: int
    height: int
    active: bool = False
    zoomed: bool = False
    bells: int = 0
    """How often it rang since the daemon first listened."""
    mark: Mark | None = None
    record: str = ""
    applied_layout: str = ""
    """What `layout` was right after we last set it: a difference is somebody's doing."""
    panes: tuple[Pane, ...]


@frozen
class Session:
    id: str
    name: str
    created: int = 0
    """Unix time."""
    attached: int = 0
    mark: Mark | None = None
    record: str = ""
    windows: tuple[Window, ...]


@frozen
class Server:
    """`running` is False when there is surely no server; when nobody can tell, observing raises `TmuxUnavailable`."""

    running: bool = False
    pid: int = 0
    started: int = 0
    version: str = ""
    key: str = ""
    """Of this server's digests of secrets: random, stands in a server option, dies with the server. Empty: none yet."""
    recordings: str = ""
    """The directory where panes' output is recorded; empty while no daemon has asked for that."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Workspace → its triggers, schedules and garbage collection as they were applied last, as JSON text (`plan/rules_changes.py`)."""
    groups: str = ""
    """Groups and dependencies made by hand, as `plan/grouping.py` writes them."""
    sessions: tuple[Session, ...] = ()

    @property
    def epoch(self) -> str:
        """Names this server's life: ids start again with the next one."""
        return f"{self.pid}.{self.started}" if self.running else "none"


@frozen
class Rest:
    """What shows whether anybody is or was at a session or a pane. `text` is all of it in tmux's own words, and more (where the cursor
    stands, what was printed last and when, the marks): what is taken because it rested is compared with it whole, right then."""

    text: str
    attached: bool
    shared: bool
    """Its windows stand in other sessions too: linked, or by a group."""
    pinned: bool
    moded: bool
    """Somebody reads or chooses in it (copy mode and the like), or has switched its input off."""


@frozen
class Place:
    """A pane with where it is."""

    session: Session
    window: Window
    pane: Pane


def places(server: Server) -> Iterator[Place]:
    """Every pane once, a linked window in the session that stands first."""
    seen: set[str] = set()
    for session in server.sessions:
        for window in session.windows:
            for pane in window.panes:
                if pane.id not in seen:
                    seen.add(pane.id)
                    yield Place(session=session, window=window, pane=pane)


def owned(server: Server, workspace: str) -> Mapping[str, Place]:
    """This workspace's panes by address. Of two with one address (a person linked or forged one) the first counts."""
    found: dict[str, Place] = {}
    for place in places(server):
        mark = place.pane.mark
        if mark is not None and mark.workspace == workspace:
            found.setdefault(mark.address, place)
    return found


@frozen
class Ending:
    """How far tmux is with a pane whose process may have ended: that it is dead is told before how it died."""

    pid: int
    dead: bool
    exit_code: int | None = None
    signal: int | None = None


@frozen
class Process:
    """A process that cannot be mistaken for a later one with its number: `started` is its start time."""

    pid: int
    started: float
    name: str = field(default="", compare=False)


@frozen
class Attempt:
    """One probe's result. `reason` says what was seen («connection refused»), one printable line."""

    healthy: bool
    reason: str = ""
    measured: bool = True
    """False: nothing was found out, because of ourselves (no more files, a probe that is not there)."""


class Health(StrEnum):
    """From the best to the worst."""

    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    """Not measured: never taken for healthy."""
    DEGRADED = "degraded"
    """It does its work, and said not long ago that something is wrong."""
    UNHEALTHY = "unhealthy"
