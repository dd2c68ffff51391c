"""What a workspace wants done when something happens, or at times. What does it is the daemon's engine; this says only what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

# --- what is done


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A string is run by `/bin/sh -c`, a list as it is. The event is in its environment and on its standard input."""

    command: str | tuple[str, ...]
    dir: str
    """Absolute."""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKeys:
    """`to`, here and below: a selector, "" for the event's own pane."""

    keys: tuple[str, ...]
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    signal: str
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    scrollback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    text: str
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """One pass of garbage collection over the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """The workspace's manifest anew; `yes`: what runs may be stopped."""

    yes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    title: str
    text: str = ""
    urls: tuple[str, ...] = ()
    """Names of the daemon's environment variables that hold Apprise's addresses: those are secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Header -> the environment variable of the daemon that holds its value."""
    body: str | None = None
    """None: the event, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    text: str


Act = (
    Run
    | SendKeys
    | Signal
    | Start
    | Stop
    | Restart
    | Snapshot
    | Message
    | Collect
    | Apply
    | Notify
    | Webhook
    | Log
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Texts in it may hold `{{ event.… }}` and nothing else that is to be evaluated."""

    act: Act
    timeout: timedelta = timedelta(seconds=30)
    retries: int = 2


# --- when


@dataclass(frozen=True, slots=True, kw_only=True)
class OnEvent:
    """`types` as `event.matches` takes them."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnOutput:
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnIdle:
    """A pane that runs has printed nothing for so long."""

    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTimeout:
    """A pane's process has run for so long."""

    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFile:
    paths: tuple[str, ...]
    """Absolute globs."""


class Metric(StrEnum):
    CPU = "cpu"
    """Percent of a core."""
    MEMORY = "memory"
    """Bytes, resident."""
    PROCESSES = "processes"
    THREADS = "threads"
    IO = "io"
    """Bytes a second, read and written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnMetric:
    """Exactly one of `above` and `below` is set."""

    metric: Metric
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSchedule:
    schedule: str


On = OnEvent | OnOutput | OnIdle | OnTimeout | OnFile | OnMetric | OnSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Often:
    """At most `count` times in any stretch of `within`."""

    count: int
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    name: str
    on: On
    source: str = ""
    """A selector; "": everything in the workspace."""
    when: str = ""
    """An expression over `event`; "": always."""
    limit: Often = field(default_factory=lambda: Often(count=60, within=timedelta(minutes=1)))
    debounce: timedelta = timedelta(0)
    held: timedelta = timedelta(0)
    """So long it has to stay so."""
    enabled: bool = True
    do: tuple[Reaction, ...]


class Misfire(StrEnum):
    RUN = "run"
    SKIP = "skip"


class Overlap(StrEnum):
    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    interval: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    time: str
    """ISO 8601, with its offset or in the schedule's zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    name: str
    time: Cron | Every | At
    timezone: str = ""
    """IANA's name; "": the machine's."""
    jitter: timedelta = timedelta(0)
    misfire: Misfire = Misfire.RUN
    overlap: Overlap = Overlap.SKIP
    enabled: bool = True
    do: tuple[Reaction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gc:
    """None: of that kind nothing is collected."""

    idle: timedelta | None = None
    completed: timedelta | None = None
    events: timedelta | None = None
    logs: timedelta | None = None
    orphans: bool = True
    budget: int = 10
    """Sessions and panes that one pass may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    panes: tuple[str, ...]
    """Addresses, in the manifest's order."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of one workspace. It stands on the tmux server, so that the daemon and `diff` see what was applied last."""

    triggers: tuple[Trigger, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    gc: Gc | None = None
    groups: tuple[Group, ...] = ()
    """Where triggers or schedules may speak of them: the live objects do not know."""


# --- of one pane


class Breach(StrEnum):
    WARN = "warn"
    THROTTLE = "throttle"
    RESTART = "restart"
    STOP = "stop"
    KILL = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of all the pane's processes together; None: no limit."""

    memory: int | None = None
    """Bytes, resident."""
    cpu: float | None = None
    """Percent of one core."""
    processes: int | None = None
    output: int | None = None
    """Bytes a second."""
    time: timedelta | None = None
    on_exceed: Breach = Breach.WARN
    after: int = 3
    """So many times in a row it is seen above a limit before something is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    paths: tuple[str, ...]
    """Absolute globs."""
    ignore: tuple[str, ...] = ()
    debounce: timedelta = timedelta(milliseconds=300)
    do: tuple[Reaction, ...] = (Reaction(act=Restart()),)
