"""What detectors propose: panes, each with where it comes from, and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from orchestra.model.diagnostic import Diagnostic, Severity
from orchestra.model.frozen import frozen


class Role(StrEnum):
    DATABASE = "database"
    ONCE = "once"
    """Ends, and the servers and workers beside it wait for that."""
    SERVER = "server"
    WORKER = "worker"
    CHECK = "check"
    """Tests and the like: nobody waits for them."""


@frozen
class Listening:
    port: int
    path: str | None = None
    """Known to answer over HTTP with 2xx or 3xx; without one, that a connection opens must do."""
    host: str = "127.0.0.1"
    said: bool = False
    """The project says so; otherwise it is the tool's default."""
    flag: str = ""
    """How another port is said behind the command: `--port {port}`."""
    variable: str = ""
    """Or in the environment."""
    written: bool = False
    """The flag or variable is needed for this port, too."""
    patience: str = ""
    """How long one probe may take, where that is longer than usual."""


@frozen
class Pane:
    name: str
    command: str
    """A line for a shell; what comes from names in the project is quoted in it."""
    role: Role
    source: str
    """The file, from its package."""
    reason: str
    listening: Listening | None = None
    tools: tuple[str, ...] = ()
    """Programs that must be on PATH."""
    env: Mapping[str, str] = field(default_factory=dict)
    env_file: tuple[str, ...] = ()
    after: Mapping[str, str] = field(default_factory=dict)
    """Full addresses → condition; filled in when all panes are known."""
    needs: tuple[str, ...] = ()
    """Panes that its own detector made and it waits for, by name."""
    stores: bool = False
    """Whether it talks to databases."""
    calls: tuple[int, ...] = ()
    """Ports it hands requests on to."""
    spare: bool = False
    """Only for where nothing else does the same."""
    whole: bool = False
    """Stands for the packages inside as well."""
    signal: str | None = None
    patience: str = ""
    """How long it may take to stop, where that is longer than usual."""
    dir: str | None = None
    """From the root, where it is not its package's."""


@frozen
class Session:
    name: str
    dir: str
    panes: tuple[Pane, ...] = ()
    shell: bool = False
    activate: str | None = None
    """What the shell pane types."""


Found = Iterator[Pane | Diagnostic]


def note(summary: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(severity=Severity.NOTE, summary=summary, hint=hint)


def warning(summary: str, hint: str | None = None) -> Diagnostic:
    return Diagnostic(severity=Severity.WARNING, summary=summary, hint=hint)
