"""What a comparison finds: for every object what is wanted, what is there, and what has to be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestra.model import action, diagnostic, plan, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import record, seen


@dataclass(slots=True, kw_only=True)
class Pane:
    want: spec.Pane | None
    have: status.Place | None
    record: record.PaneRecord | None = None
    change: plan.Change
    adopt: bool = False
    move: bool = False
    start: bool = False
    """Its process is to be started: it is new, is replaced, or was never started."""
    stop: bool = False
    """Its process is to be stopped, and to stay so."""
    end: bool = False
    """Its process is to be stopped, and its restart policy to say what follows."""
    type_on: bool = False
    options: bool = False
    """tmux options of it are to be set or taken off."""
    typed: tuple[str, bool] | None = None
    """What is typed into its shell after it started, and whether Enter is."""
    write: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    """As `record.PaneRecord`, where its process runs on."""

    @property
    def arrives(self) -> bool:
        """In its window it is new."""
        return self.have is None or self.move


@dataclass(slots=True, kw_only=True)
class Window:
    address: str
    session: str
    want: spec.Window
    have: status.Window | None
    have_session: status.Session | None = None
    change: plan.Change
    panes: list[Pane]
    record: str
    """To be written on it: without panes that are out of reach now."""
    mark: bool = False
    """It has to be marked first: it is adopted, or got another name in the manifest."""
    adopt: bool = False
    rename: bool = False
    move: bool = False
    order: bool = False
    arrange: bool = False
    focus: bool = False
    zoom: bool = False
    options: bool = False
    write: bool = False
    """The record, last of all: what it says has then been done."""
    tight: bool = False
    """Panes stand in it that are not to be moved about."""

    @property
    def new_panes(self) -> list[Pane]:
        return [pane for pane in self.panes if pane.have is None]

    @property
    def arrives(self) -> bool:
        """In its session it is new."""
        return self.have is None or self.move


@dataclass(slots=True, kw_only=True)
class Session:
    address: str
    want: spec.Session
    have: status.Session | None
    change: plan.Change
    windows: list[Window]
    record: str = ""
    mark: bool = False
    adopt: bool = False
    rename: bool = False
    order: bool = False
    focus: bool = False
    options: bool = False
    write: bool = False

    @property
    def first(self) -> Window | None:
        """The window that a new session is made with; None when all of its windows move in."""
        return next((each for each in self.windows if each.have is None and each.new_panes), None)


@frozen
class Forgotten:
    kind: action.Kind
    address: str
    mark: status.Mark
    windows: tuple[str, ...]
    """Ids of the windows it is or holds."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    workspace: str
    seen: seen.Seen
    sessions: list[Session] = field(default_factory=list)
    deleted: list[Pane] = field(default_factory=list)
    """Panes of ours that are declared no more."""
    forgotten: list[Forgotten] = field(default_factory=list)
    rules: str | None = None
    """To be written onto the server; None: they stay as they are."""
    changes: list[plan.Change] = field(default_factory=list)
    notes: list[diagnostic.Diagnostic] = field(default_factory=list)

    @property
    def windows(self) -> Iterable[Window]:
        return (window for session in self.sessions for window in session.windows)

    @property
    def panes(self) -> Iterable[Pane]:
        return (pane for window in self.windows for pane in window.panes)
