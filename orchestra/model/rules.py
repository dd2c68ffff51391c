"""What a workspace wants done when something happens, or at times. What does it is the daemon's engine; this says only what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from enum import StrEnum

from orchestra.model.frozen import frozen

# --- what is done


@frozen
class Run:
    """A string is run by `/bin/sh -c`, a list as it is. The event is in its environment and on its standard input."""

    command: str | tuple[str, ...]
    dir: str
    """Absolute."""
    env: Mapping[str, str] = field(default_factory=dict)


@frozen
class SendKeys:
    """`to`, here and below: a selector, "" for the event's own pane."""

    keys: tuple[str, ...]
    to: str = ""


@frozen
class Signal:
    signal: str
    to: str = ""


@frozen
class Start:
    to: str = ""


@frozen
class Stop:
    to: str = ""


@frozen
class Restart:
    to: str = ""


@frozen
class Snapshot:
    scrollback: bool = False


@frozen
class Message:
    text: str
    to: str = ""


@frozen
class Collect:
    """One pass of garbage collection over the workspace."""


@frozen
class Apply:
    """The workspace's manifest anew; `yes`: what runs may be stopped."""

    yes: bool = False


@frozen
class Notify:
    title: str
    text: str = ""
    urls: tuple[str, ...] = ()
    """Names of the daemon's environment variables that hold Apprise's addresses: those are secrets."""


@frozen
class Webhook:
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Header -> the environment variable of the daemon that holds its value."""
    body: str | None = None
    """None: the event, as JSON."""


@frozen
class Log:
    text: str


OUTSIDE = 10
"""Retries of what is outside of this machine where nobody says how many: over about five minutes, in which a service is started anew."""

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


@frozen
class Reaction:
    """Texts in it may hold `{{ event.… }}` and nothing else that is to be evaluated."""

    act: Act
    timeout: timedelta = timedelta(seconds=30)
    retries: int = 2


# --- when


@frozen
class OnEvent:
    """`types` as `event.matches` takes them."""

    types: tuple[str, ...]


@frozen
class OnOutput:
    pattern: str


@frozen
class OnIdle:
    """A pane that runs has printed nothing for so long."""

    after: timedelta


@frozen
class OnTimeout:
    """A pane's process has run for so long."""

    after: timedelta


@frozen
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


@frozen
class OnMetric:
    """Exactly one of `above` and `below` is set."""

    metric: Metric
    above: float | None = None
    below: float | None = None


@frozen
class OnSchedule:
    schedule: str


On = OnEvent | OnOutput | OnIdle | OnTimeout | OnFile | OnMetric | OnSchedule


@frozen
class Often:
    """At most `count` times in any stretch of `within`."""

    count: int
    within: timedelta


@frozen
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


@frozen
class Cron:
    expression: str


@frozen
class Every:
    interval: timedelta


@frozen
class At:
    time: str
    """ISO 8601, with its offset or in the schedule's zone."""


@frozen
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


@frozen
class Gc:
    """None: of that kind nothing is collected."""

    idle: timedelta | None = None
    completed: timedelta | None = None
    events: timedelta | None = None
    logs: timedelta | None = None
    orphans: bool = True
    budget: int = 10
    """Sessions and panes that one pass may take."""


@frozen
class Group:
    name: str
    panes: tuple[str, ...]
    """Addresses, in the manifest's order."""
    labels: Mapping[str, str] = field(default_factory=dict)


@frozen
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


@frozen
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


@frozen
class Watch:
    paths: tuple[str, ...]
    """Absolute globs."""
    ignore: tuple[str, ...] = ()
    debounce: timedelta = timedelta(milliseconds=300)
    do: tuple[Reaction, ...] = (Reaction(act=Restart()),)
