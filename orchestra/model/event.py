"""What happened: one record a happening, the same in the journal, on the bus, in the API and on the command line.

`dump` gives the flat JSON of `schemas/event.schema.json`: the envelope's fields, `type`, and the body's own.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

from orchestra.model import codec
from orchestra.model.frozen import frozen


@frozen
class TmuxStarted:
    """A tmux server was found where none was, or another one than before: what was on the old one is gone."""

    type: ClassVar[str] = "tmux.started"
    epoch: str
    """Names this server's life: `pid.started`."""
    version: str


@frozen
class TmuxGone:
    """The tmux server ended. Of what ran on it nothing more is known."""

    type: ClassVar[str] = "tmux.gone"
    epoch: str


@frozen
class SessionCreated:
    type: ClassVar[str] = "session.created"
    id: str
    name: str


@frozen
class SessionClosed:
    type: ClassVar[str] = "session.closed"
    id: str
    name: str


@frozen
class SessionRenamed:
    type: ClassVar[str] = "session.renamed"
    id: str
    before: str
    after: str


@frozen
class SessionAttached:
    """How many clients show it changed."""

    type: ClassVar[str] = "session.attached"
    id: str
    before: int
    after: int


@frozen
class WindowCreated:
    type: ClassVar[str] = "window.created"
    id: str
    session: str
    """tmux's id of it."""
    name: str


@frozen
class WindowClosed:
    type: ClassVar[str] = "window.closed"
    id: str
    session: str
    name: str


@frozen
class WindowRenamed:
    type: ClassVar[str] = "window.renamed"
    id: str
    before: str
    after: str


@frozen
class WindowMoved:
    """Into another session."""

    type: ClassVar[str] = "window.moved"
    id: str
    before: str
    after: str


@frozen
class WindowLayoutChanged:
    type: ClassVar[str] = "window.layout_changed"
    id: str
    layout: str


@frozen
class WindowBell:
    """One of its panes rang; tmux does not say which."""

    type: ClassVar[str] = "window.bell"
    id: str


@frozen
class PaneCreated:
    type: ClassVar[str] = "pane.created"
    id: str
    window: str
    pid: int


@frozen
class PaneStarted:
    """Another process runs in it now: it was started again."""

    type: ClassVar[str] = "pane.started"
    id: str
    pid: int


@frozen
class PaneExited:
    """Its process ended, with an exit code or by a signal; both are null where nobody can know any more."""

    type: ClassVar[str] = "pane.exited"
    id: str
    pid: int
    exit_code: int | None = None
    signal: int | None = None


@frozen
class PaneRestarting:
    """Its process ended, and is started again after the delay; or it is stopped and started again, because what it depends on was."""

    type: ClassVar[str] = "pane.restarting"
    id: str
    delay: timedelta
    number: int
    """How many restarts that makes in the time in which they are counted; 0 where it does not count."""
    reason: str = ""


@frozen
class PaneFailed:
    """Its process ended and is not started again, though it has a policy: it ended too often, or cannot be started."""

    type: ClassVar[str] = "pane.failed"
    id: str
    reason: str


@frozen
class PaneClosed:
    type: ClassVar[str] = "pane.closed"
    id: str


@frozen
class PaneMoved:
    """Into another window."""

    type: ClassVar[str] = "pane.moved"
    id: str
    before: str
    after: str


@frozen
class PaneTitleChanged:
    type: ClassVar[str] = "pane.title_changed"
    id: str
    title: str


@frozen
class PaneOutput:
    """Whole lines that were printed, without escape sequences. On the bus only: the pane's log holds them, the journal does not."""

    type: ClassVar[str] = "pane.output"
    id: str
    lines: tuple[str, ...]
    position: str
    """Where the last of these lines ended in the pane's recording: what reads on from there misses nothing and gets nothing twice."""
    typed: tuple[int, ...] = ()
    """Which of the lines, from 0, are a prompt with what somebody typed there, as far as the shell tells."""

    def printed(self) -> tuple[str, ...]:
        """The others."""
        if not self.typed:
            return self.lines
        return tuple(line for number, line in enumerate(self.lines) if number not in self.typed)


@frozen
class PaneOutputLost:
    """Output that nobody will see: the recording was interrupted, or its ring went round before it was read."""

    type: ClassVar[str] = "pane.output_lost"
    id: str
    size: int | None
    """Bytes; null where they cannot be counted."""
    reason: str


@frozen
class CommandStarted:
    """Typed into a shell, and told by it."""

    type: ClassVar[str] = "command.started"
    id: str
    command: str


@frozen
class CommandFinished:
    type: ClassVar[str] = "command.finished"
    id: str
    command: str
    exit_code: int | None
    duration: timedelta


@frozen
class PaneIdle:
    """It runs, and has printed nothing for so long: a trigger asked for that."""

    type: ClassVar[str] = "pane.idle"
    id: str
    duration: timedelta


@frozen
class PaneTimeout:
    """Its process has run for so long: a trigger asked for that."""

    type: ClassVar[str] = "pane.timeout"
    id: str
    pid: int
    duration: timedelta


@frozen
class PaneMatched:
    """It printed a line that a trigger's pattern matches."""

    type: ClassVar[str] = "pane.matched"
    id: str
    pattern: str
    line: str
    left_out: int = 0
    """How many lines before it matched as well and are not told: its triggers were limited, or it came too fast."""


@frozen
class PaneMetric:
    """What its processes use went over, or under, what a trigger asked for."""

    type: ClassVar[str] = "pane.metric"
    id: str
    metric: str
    value: float
    bound: float


@frozen
class HealthChanged:
    """Of a pane; of a session, as its worst pane, where the address is a session's."""

    type: ClassVar[str] = "health.changed"
    id: str
    before: str
    after: str
    """`unknown`, `healthy`, `degraded` or `unhealthy`."""
    reason: str
    duration: timedelta | None = None
    """For how long it was as before; null where that is not known."""


@frozen
class LimitExceeded:
    """A pane's processes use more than they may, and so many times in a row that something is done."""

    type: ClassVar[str] = "limit.exceeded"
    id: str
    limit: str
    """`memory`, `cpu`, `processes`, `output` or `time`."""
    value: float
    allowed: float
    action: str
    """What is done: `warn`, `throttle`, `restart`, `stop` or `kill`."""


@frozen
class LimitKept:
    """They use no more than they may, again; what was throttled is not any more."""

    type: ClassVar[str] = "limit.kept"
    id: str
    limit: str


@frozen
class WatchChanged:
    """Files that a pane watches."""

    type: ClassVar[str] = "watch.changed"
    paths: tuple[str, ...]
    """The first hundred."""
    count: int


@frozen
class FileChanged:
    """Files that a trigger watches."""

    type: ClassVar[str] = "file.changed"
    trigger: str
    paths: tuple[str, ...]
    """The first hundred."""
    count: int


@frozen
class ScheduleDue:
    """`at`: the instant it was due, ISO 8601 in UTC; each is told once."""

    type: ClassVar[str] = "schedule.due"
    schedule: str
    at: str


@frozen
class ScheduleMissed:
    """So many times it was due and nothing was done, because of the reason."""

    type: ClassVar[str] = "schedule.missed"
    schedule: str
    count: int
    reason: str


@frozen
class SchedulePaused:
    """By a person: it is not due until it is resumed."""

    type: ClassVar[str] = "schedule.paused"
    schedule: str


@frozen
class ScheduleResumed:
    type: ClassVar[str] = "schedule.resumed"
    schedule: str


@frozen
class TriggerFired:
    """What it does begins. `run` names it in what is told after, and to what it calls."""

    type: ClassVar[str] = "trigger.fired"
    trigger: str
    run: str
    event: str
    """The type of what it reacts to."""
    source: int
    """Its sequence; 0 where it is not kept."""


@frozen
class TriggerSucceeded:
    type: ClassVar[str] = "trigger.succeeded"
    trigger: str
    run: str
    duration: timedelta


@frozen
class TriggerFailed:
    """`final`: it is not tried again by itself; `orchestra events replay` does it anew."""

    type: ClassVar[str] = "trigger.failed"
    trigger: str
    run: str
    action: str
    """Of what it does, which: `run`, `webhook` and so on."""
    attempt: int
    reason: str
    output: str = ""
    """What it printed, the last of it."""
    final: bool = False


@frozen
class TriggerLimited:
    """It would have fired more often than it may. Told once for each time that it begins."""

    type: ClassVar[str] = "trigger.limited"
    trigger: str
    reason: str


@frozen
class TriggerLogged:
    """What a trigger had to say: `log`."""

    type: ClassVar[str] = "trigger.logged"
    trigger: str
    text: str


@frozen
class NoticeKept:
    """A trigger's notice that nobody was there to hear: neither a desktop nor anybody attached. Who attaches next is shown it."""

    type: ClassVar[str] = "notice.kept"
    trigger: str
    text: str


@frozen
class GcPlanned:
    """What the next pass will take, unless somebody comes back to it."""

    type: ClassVar[str] = "gc.planned"
    victims: Mapping[str, str]
    """Address -> why."""


@frozen
class GcCollected:
    type: ClassVar[str] = "gc.collected"
    taken: Mapping[str, str]
    """Address -> why."""
    spared: Mapping[str, str]
    """What was marked and is not taken after all."""
    snapshot: str = ""
    """Where what was taken can be had back from."""


@frozen
class BreakerChanged:
    """Something outside (a webhook's host, a notifier) is not called for a while, or again."""

    type: ClassVar[str] = "breaker.changed"
    name: str
    before: str
    after: str
    """`closed`, `open` or `half_open`."""
    reason: str = ""


@frozen
class ApplyStarted:
    type: ClassVar[str] = "apply.started"
    changes: Mapping[str, int]
    """How many, by verb."""
    file: str = ""


@frozen
class ApplyFinished:
    type: ClassVar[str] = "apply.finished"
    ok: bool
    changes: Mapping[str, int]
    """How many were planned, by verb."""
    failed: Mapping[str, str]
    """Address -> reason."""
    skipped: Mapping[str, str]
    rolled_back: bool = False
    file: str = ""


@frozen
class SnapshotSaved:
    """The daemon made one by itself."""

    type: ClassVar[str] = "snapshot.saved"
    name: str
    workspaces: Mapping[str, int]
    """Those that are in it, and how many panes of each."""


@frozen
class DaemonStarted:
    type: ClassVar[str] = "daemon.started"
    pid: int
    version: str
    unclean: bool = False
    """The one before it did not stop, it was killed or crashed."""


@frozen
class DaemonStopped:
    type: ClassVar[str] = "daemon.stopped"
    pid: int
    reason: str


@frozen
class DaemonFault:
    """Something of its own went wrong; what it does about it is in the text."""

    type: ClassVar[str] = "daemon.fault"
    part: str
    reason: str


Body = (
    TmuxStarted
    | TmuxGone
    | SessionCreated
    | SessionClosed
    | SessionRenamed
    | SessionAttached
    | WindowCreated
    | WindowClosed
    | WindowRenamed
    | WindowMoved
    | WindowLayoutChanged
    | WindowBell
    | PaneCreated
    | PaneStarted
    | PaneExited
    | PaneRestarting
    | PaneFailed
    | PaneClosed
    | PaneMoved
    | PaneTitleChanged
    | PaneOutput
    | PaneOutputLost
    | CommandStarted
    | CommandFinished
    | PaneIdle
    | PaneTimeout
    | PaneMatched
    | PaneMetric
    | HealthChanged
    | LimitExceeded
    | LimitKept
    | WatchChanged
    | FileChanged
    | ScheduleDue
    | ScheduleMissed
    | SchedulePaused
    | ScheduleResumed
    | TriggerFired
    | TriggerSucceeded
    | TriggerFailed
    | TriggerLimited
    | TriggerLogged
    | NoticeKept
    | GcPlanned
    | GcCollected
    | BreakerChanged
    | ApplyStarted
    | ApplyFinished
    | SnapshotSaved
    | DaemonStarted
    | DaemonStopped
    | DaemonFault
)

BODIES: Mapping[str, type[Body]] = {kind.type: kind for kind in typing.get_args(Body)}


@frozen
class Event:
    body: Body
    time: datetime
    """When it was noticed, aware, in UTC."""
    sequence: int = 0
    """Its place in the journal, from 1 on, never used twice; 0: it is not kept there."""
    workspace: str = ""
    """Empty: it belongs to none."""
    address: str = ""
    """Ours, where the object bears one."""
    cause: str = ""
    """What made it happen, where that is known: `apply`, `observation` (found, nobody knows since when)."""

    @property
    def type(self) -> str:
        return self.body.type


def dump(event: Event) -> dict[str, Any]:
    """`time` is ISO 8601 with microseconds and `Z`; what is empty is left out, save in the body."""
    plain: dict[str, Any] = {"sequence": event.sequence} if event.sequence else {}
    plain |= {"time": stamp(event.time), "type": event.type}
    for name in ("workspace", "address", "cause"):
        if value := getattr(event, name):
            plain[name] = value
    return plain | dump_body(event.body)


def dump_body(body: Body) -> dict[str, Any]:
    """Every field, also those that hold their default: readers need not know the defaults."""
    return {name: _plain(getattr(body, name)) for name in _names(cast(type, type(body)))}


def readable(type_: str) -> tuple[str, ...]:
    """The names of all fields that `dump` may give of an event of this type."""
    return ("sequence", "time", "type", "workspace", "address", "cause", *_names(cast(type, BODIES[type_])))


def load(plain: Mapping[str, Any]) -> Event:
    """Raises `codec.LoadError`."""
    try:
        kind = BODIES[plain["type"]]
        time = datetime.fromisoformat(plain["time"])
    except (KeyError, TypeError, ValueError) as error:
        raise codec.LoadError(f"not an event: {error}") from error
    return Event(
        body=load_body(kind, plain),
        time=time,
        sequence=plain.get("sequence", 0),
        workspace=plain.get("workspace", ""),
        address=plain.get("address", ""),
        cause=plain.get("cause", ""),
    )


def load_body(kind: type[Body], plain: Mapping[str, Any]) -> Body:
    return codec.load(kind, {name: plain[name] for name in _names(cast(type, kind)) if name in plain})


def blank(kind: type[Body]) -> dict[str, Any]:
    """A value for each field that must have one, for who says only what matters."""
    empty = {"str": "", "int": 0, "float": 0.0, "bool": False, "timedelta": 0.0}
    return {
        each.name: empty.get(str(each.type), [] if "tuple" in str(each.type) else {})
        for each in dataclasses.fields(kind)
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    }


def stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _plain(value: object) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, enum.Enum):
        return value.value
    return dict(value) if isinstance(value, Mapping) else value


def concerns(asked: str, address: str) -> bool:
    """A session's are those of everything in it."""
    return address == asked or address.startswith(f"{asked}/")


def matches(pattern: str, type_: str) -> bool:
    """`pane.exited`, `pane.*` or `*`."""
    return _pattern(pattern).fullmatch(type_) is not None


@functools.lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\*", ".*"))
