"""One operation on the world. Plans, and later triggers, yield these; `engine/apply/execute.py` alone carries them out.

Objects are named by address; `expect` is the mark the live object must still bear when the action reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from orchestra.model import spec, status
from orchestra.model.frozen import frozen


class Kind(StrEnum):
    SESSION = "session"
    WINDOW = "window"
    PANE = "pane"
    TRIGGER = "trigger"
    SCHEDULE = "schedule"
    GC = "gc"


@frozen
class Seed:
    """A pane to be made: started at once when `start`, else holding its place with `notice` on its screen."""

    pane: spec.Pane
    mark: status.Mark
    start: bool = True
    notice: str = ""


@frozen
class CreateSession:
    """With its first window and pane: tmux has no empty ones."""

    address: str
    mark: status.Mark
    record: str
    width: int
    height: int
    window: CreateWindow
    title: str = ""
    """What tmux calls it, where that is not its address."""


@frozen
class CreateWindow:
    address: str
    mark: status.Mark
    record: str
    seed: Seed
    title: str = ""
    """What tmux calls it, where that is not its name."""


@frozen
class CreatePane:
    address: str
    window: str
    seed: Seed
    spread: bool = True
    """Even the window out to make room; not where a person's panes stand in it."""


@frozen
class StopPane:
    """Ends every process of the pane, gracefully first; the pane itself stays, dead."""

    address: str
    expect: status.Mark
    pid: int
    stop: spec.Stop
    shell: bool
    """An interactive shell: it ignores SIGTERM."""


@frozen
class StartPane:
    """Runs the pane's command in place: same id, same position."""

    address: str
    expect: status.Mark
    mark: status.Mark
    pane: spec.Pane


@frozen
class TypeLines:
    """Types `pane.send_keys` from `mark.typed` on, each when the shell shows its prompt, each exactly once."""

    address: str
    mark: status.Mark
    pane: spec.Pane


@frozen
class TypeAhead:
    """Types `line` into the pane's shell once it shows its prompt, and Enter only if `enter`."""

    address: str
    mark: status.Mark
    line: str
    enter: bool


@frozen
class DeletePane:
    """Removes the pane, whose processes `StopPane` has ended before. tmux removes what is empty then."""

    address: str
    expect: status.Mark


@frozen
class Collect:
    """Removes a session or a pane at which nobody is and in which nothing happens: if it bears its mark and rests exactly as it did
    when `rest` was read (`status.Rest.text`), in one step with the removal. An idle shell is hung up on by it, and so asked to end."""

    kind: Kind
    address: str
    expect: status.Mark
    id: str
    rest: str


@frozen
class Rename:
    kind: Kind
    address: str
    expect: status.Mark
    name: str
    id: str = ""
    """tmux's id, where the address is new to the object."""


@frozen
class MovePane:
    """Into `window`; when `create` is given that window is made around it (its own is gone)."""

    address: str
    expect: status.Mark
    window: str
    create: WindowMark | None = None


@frozen
class WindowMark:
    mark: status.Mark
    record: str
    title: str = ""


@frozen
class MoveWindow:
    address: str
    expect: status.Mark
    session: str
    id: str = ""


@frozen
class OrderWindows:
    """Ours come in this order; what people opened keeps its places."""

    session: str
    windows: tuple[str, ...]


@frozen
class OrderPanes:
    window: str
    panes: tuple[str, ...]


@frozen
class ArrangeWindow:
    window: str
    layout: str
    """An exact tmux layout string."""


@frozen
class Write:
    """Mark and record of an object, and a pane's title. `expect` None: nobody's object, adopted; `id` names it then."""

    kind: Kind
    address: str
    expect: status.Mark | None
    mark: status.Mark
    record: str
    title: str | None = None
    id: str = ""


@frozen
class Focus:
    """Selects a window in its session or a pane in its window; nobody's client is switched to another session."""

    kind: Kind
    address: str


@frozen
class SetOptions:
    """tmux options of a window or a pane: those in `unset` are taken off, the others set; whatever else stands there stays."""

    kind: Kind
    address: str
    options: Mapping[str, str]
    unset: tuple[str, ...] = ()


@frozen
class Zoom:
    """Its active pane fills the window, or no pane does."""

    window: str
    zoomed: bool


@frozen
class Await:
    """Waits until the pane meets the condition."""

    address: str
    condition: spec.Condition
    pane: spec.Pane


@frozen
class Forget:
    """Takes mark and record off an object that is no longer ours and holds what a person opened."""

    kind: Kind
    address: str
    expect: status.Mark


@frozen
class WriteRules:
    """A workspace's triggers, schedules and garbage collection, onto the server; "" takes them off."""

    workspace: str
    text: str


@frozen
class Join:
    """Does nothing; what comes after it comes after all before it."""


Action = (
    CreateSession
    | CreateWindow
    | CreatePane
    | StopPane
    | StartPane
    | TypeLines
    | TypeAhead
    | DeletePane
    | Collect
    | Rename
    | MovePane
    | MoveWindow
    | OrderWindows
    | OrderPanes
    | ArrangeWindow
    | Write
    | Focus
    | SetOptions
    | Zoom
    | Await
    | Forget
    | WriteRules
    | Join
)


@frozen
class Launch:
    """A process as it is exec'd. `env` may hold secrets, so a launch is never stored, printed or compared."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    dir: str


@frozen
class Order:
    """An action with what the plan must not hold: how to start a pane's process, and the record with its secrets' digests."""

    action: Action
    launch: Launch | None = None
    record: str = ""


@frozen
class Outcome:
    """`error` is None when it was done. `moved`: the object was no longer what the plan had seen, so nothing was done."""

    error: str | None = None
    moved: bool = False
