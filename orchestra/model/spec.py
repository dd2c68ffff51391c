"""What a manifest wants, after variables, overlays and expansion: no shorthand is left and every default is filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from enum import StrEnum

from orchestra.model import rules, selector
from orchestra.model.frozen import frozen


class Condition(StrEnum):
    STARTED = "started"
    HEALTHY = "healthy"
    COMPLETED = "completed"
    COMPLETED_SUCCESSFULLY = "completed_successfully"


@frozen
class Dependency:
    """`pane` (an address; sessions and groups are already expanded to their panes) must reach `condition` first."""

    pane: str
    condition: Condition
    required: bool = True
    cascades: bool = False
    """When `pane` was restarted, and has reached the condition again, this one is restarted, too."""


@frozen
class CommandProbe:
    """Healthy when it exits 0. A string is run by `/bin/sh -c`, a list as it is."""

    command: str | tuple[str, ...]


@frozen
class HttpProbe:
    """Healthy on a 2xx or 3xx answer, or on `status` alone when it is given. Redirects are not followed."""

    url: str
    status: int | None = None


@frozen
class TcpProbe:
    """Healthy when a connection opens."""

    host: str
    port: int


@frozen
class OutputProbe:
    """Healthy once a line of the pane's output matches (Python regular expression, searched)."""

    pattern: str


Probe = CommandProbe | HttpProbe | TcpProbe | OutputProbe


@frozen
class Health:
    probe: Probe | None = None
    """None: it works while it runs, and prints none of `errors`."""
    interval: timedelta = timedelta(seconds=10)
    timeout: timedelta = timedelta(seconds=1)
    failure_threshold: int = 3
    success_threshold: int = 1
    start_period: timedelta = timedelta(0)
    errors: str | None = None
    """A line of output in which this is found makes a healthy pane degraded."""
    recovery: timedelta = timedelta(seconds=30)
    """So long after the last such line it is healthy again."""
    restart_unhealthy: bool = False


@frozen
class Stop:
    """How a pane's processes are asked to end: by `keys` typed, else by `command`, else by `signal` (None: SIGTERM for
    commands, SIGHUP for interactive shells, which ignore SIGTERM); after `timeout` the whole tree gets SIGKILL."""

    keys: tuple[str, ...] = ()
    signal: str | None = None
    command: str | tuple[str, ...] | None = None
    timeout: timedelta = timedelta(seconds=10)


class Policy(StrEnum):
    NO = "no"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"
    UNLESS_STOPPED = "unless-stopped"


@frozen
class Restart:
    """`delay` before the first restart, `factor` times as long before each further one, at most `longest`."""

    policy: Policy = Policy.NO
    delay: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    longest: timedelta = timedelta(seconds=60)
    max_restarts: int = 5
    """Within `window`."""
    window: timedelta = timedelta(minutes=10)


class SourceKind(StrEnum):
    ENV = "from_env"
    FILE = "from_file"
    COMMAND = "from_command"
    ENV_FILE = "env_file"


@frozen
class Secret:
    """A reference, never a value: `name` is the variable panes see; `source` says where the value is read at apply.

    `source` is a variable's name (`from_env`), an absolute path (`from_file`), a command line for `/bin/sh -c`
    (`from_command`), or an absolute path of a file that holds `name=value` (`env_file`).
    """

    name: str
    kind: SourceKind
    source: str


@frozen
class Size:
    """Along the layout's axis: `cells`, or `percent` of the window. Exactly one is set."""

    cells: int | None = None
    percent: int | None = None


@frozen
class Pane:
    address: str
    command: str | tuple[str, ...] | None = None
    """None: an interactive shell."""
    send_keys: tuple[str, ...] = ()
    was: str | tuple[str, ...] | None = None
    """What ran in this interactive shell when a snapshot was saved. Known, and never run by an apply."""
    opened: bool = False
    """A person had opened it when a snapshot was saved: it is made with its session, and not into one that is there."""
    shell: str | None = None
    """None: the user's login shell."""
    shell_integration: bool = True
    """Whether an interactive shell tells when each typed command starts and ends. Holds from its next start on."""
    dir: str
    """Absolute."""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    title: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    scrollback_file: str | None = None
    """An absolute path: its text is shown before the process starts, if it is there."""
    history_file: str | None = None
    """An absolute path: what stands in it (model/history.py) an integrated shell knows as typed, if it is there."""
    focus: bool = False
    size: Size | None = None
    depends_on: tuple[Dependency, ...] = ()
    health: Health | None = None
    restart: Restart = field(default_factory=Restart)
    limits: rules.Limits | None = None
    watch: rules.Watch | None = None
    pin: bool = False
    """Garbage collection leaves it alone."""
    stop: Stop = field(default_factory=Stop)

    @property
    def name(self) -> str:
        return self.address.partition("/")[2]


@frozen
class Window:
    name: str
    title: str | None = None
    layout: str | None = None
    """A tmux layout name, an exact layout string, or None: `tiled`, or `even-vertical` when a pane has a size."""
    focus: bool = False
    zoomed: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    panes: tuple[Pane, ...]

    @property
    def shown(self) -> str:
        """What tmux calls it."""
        return self.title or self.name

    @property
    def names_itself(self) -> bool:
        """tmux calls it after what runs in it."""
        return self.options.get("automatic-rename") == "on"


@frozen
class Session:
    name: str
    title: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    windows: tuple[Window, ...]

    @property
    def shown(self) -> str:
        """What tmux calls it."""
        return self.title or self.name

    @property
    def panes(self) -> tuple[Pane, ...]:
        return tuple(pane for window in self.windows for pane in window.panes)


Group = rules.Group


def candidates(sessions: Sequence[Session], groups: Sequence[Group] = ()) -> tuple[selector.Candidate, ...]:
    """The panes that a selector may mean, with the labels they have of themselves, their session and their groups."""
    grouped: dict[str, dict[str, str]] = {}
    for group in groups:
        for address in group.panes:
            grouped.setdefault(address, {}).update(group.labels)
    return tuple(
        selector.Candidate(
            address=pane.address,
            window=f"{session.name}/{window.name}",
            labels={**grouped.get(pane.address, {}), **session.labels, **pane.labels},
        )
        for session in sessions
        for window in session.windows
        for pane in window.panes
    )


@frozen
class Snapshots:
    """Those that the daemon makes of a workspace by itself."""

    autosave: timedelta
    keep: int = 10
    max_age: timedelta = timedelta(days=7)
    scrollback: bool = False
    history: bool = False


@frozen
class Workspace:
    name: str
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    file: str
    """The manifest's absolute path; "-" for standard input."""
    sessions: tuple[Session, ...]
    groups: tuple[Group, ...] = ()
    snapshots: Snapshots | None = None
    rules: rules.Rules = field(default_factory=rules.Rules)

    @property
    def panes(self) -> tuple[Pane, ...]:
        return tuple(pane for session in self.sessions for pane in session.panes)


@frozen
class Restore:
    """The user's own settings about what ran in shells: lines by pattern."""

    allow: tuple[str, ...] = ()
    remap: Mapping[str, str] = field(default_factory=dict)
