"""What is declared no more: stopped backwards through the graph, and removed only when that does not take what stays along.

tmux removes a window with its last pane, a session with its last window, and itself with its last session. So where all that stands in
one goes, something of the new has to be there first: its first new pane, or, where panes move, one that holds the place meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestra.model import action, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import deltas
from orchestra.plan.draft import Draft


def stops(draft: Draft, comparison: deltas.Comparison) -> None:
    """Backwards through the graph: what needs another pane ends before it."""
    leaving = {delta.change.address: delta for delta in comparison.deleted}
    needed_by: dict[str, list[str]] = {address: [] for address in leaving}
    for address, delta in leaving.items():
        for edge in _depends_on(delta):
            if edge.pane in needed_by:
                needed_by[edge.pane].append(address)
    for address in _dependants_first(leaving):
        delta = leaving[address]
        assert delta.have is not None
        assert delta.have.pane.mark is not None
        known = delta.record.pane if delta.record is not None else None
        stop = action.StopPane(
            address=address,
            expect=delta.have.pane.mark,
            pid=delta.have.pane.pid,
            stop=known.stop if known is not None else spec.Stop(),
            shell=known is not None and known.command is None,
        )
        dependants = [draft.stopped[other] for other in needed_by[address] if other in draft.stopped]
        draft.stopped[address] = draft.add(stop, address, optional_after=dependants)
    if draft.stopped and any(delta.start for delta in comparison.panes):
        draft.freed.append(draft.add(action.Join(), "", optional_after=draft.stopped.values()))


def _depends_on(delta: deltas.Pane) -> tuple[spec.Dependency, ...]:
    return delta.record.pane.depends_on if delta.record is not None else ()


def _dependants_first(leaving: Mapping[str, deltas.Pane]) -> list[str]:
    """Depth first; a cycle cannot be (the plan that made them refused it), and if a record lies it only costs the order."""
    order: list[str] = []
    seen: set[str] = set()
    for root in leaving:
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(_depends_on(leaving[root])))]
        while stack:
            address, edges = stack[-1]
            step = next((edge.pane for edge in edges if edge.pane in leaving and edge.pane not in seen), None)
            if step is not None:
                seen.add(step)
                stack.append((step, iter(_depends_on(leaving[step]))))
            else:
                stack.pop()
                order.append(address)
    return order[::-1]


@dataclass(slots=True)
class Emptied:
    """Where all that stands in it goes: what has to be there before, and what holds the place until then."""

    windows: dict[str, deltas.Window] = field(default_factory=dict)
    """By id: their panes are deleted after the first one of these has arrived."""
    sessions: dict[str, deltas.Session] = field(default_factory=dict)
    """By the id of each of their windows, likewise."""
    server: bool = False
    holds: list[Hold] = field(default_factory=list)


@frozen
class Hold:
    mark: status.Mark
    change: str
    made: int
    """The step that makes it."""
    arriving: list[str]
    """Keys of `Draft.made`: once these are there it can go."""
    window: str | None = None
    """Id of the window it stands in, when that is not its own."""


def holds(draft: Draft, comparison: deltas.Comparison) -> Emptied:
    """To be called before anything is made or moved."""
    fate = _Fate(comparison)
    found = Emptied()
    for window in comparison.windows:
        if window.have is None or not fate.goes(window.have):
            continue
        if not fate.moved(window.have):
            found.windows[window.have.id] = window
            continue
        seed = draft.hold(window.address)
        step = draft.add(
            action.CreatePane(
                address=seed.pane.address, window=window.address, seed=seed, spread=not window.tight
            ),
            window.address,
        )
        draft.held.setdefault(window.have.id, []).append(step)
        arriving = [f"pane {pane.change.address}" for pane in window.panes if pane.arrives]
        found.holds.append(
            Hold(mark=seed.mark, change=window.address, made=step, arriving=arriving, window=window.have.id)
        )
    for session in comparison.sessions:
        if session.have is None or any(
            fate.stays(window, session.address) for window in session.have.windows
        ):
            continue
        if not any(fate.moved(window) for window in session.have.windows):
            found.sessions.update((window.id, session) for window in session.have.windows)
            continue
        made = hold_window(draft, session.address)
        step = draft.add(made, session.address)
        for place in session.have.windows:
            draft.held.setdefault(place.id, []).append(step)
        found.holds.append(holding(session, made, step))
    kept = {each.have.id for each in comparison.sessions if each.have is not None}
    found.server = not any(
        session.id in kept or any(fate.stays(window, None) for window in session.windows)
        for session in comparison.seen.names.values()
    )
    return found


def hold_window(draft: Draft, session: str) -> action.CreateWindow:
    seed = draft.hold(f"{session}/")
    address = seed.pane.address
    return action.CreateWindow(address=address, mark=draft.mark(address), record="", seed=seed)


def holding(session: deltas.Session, window: action.CreateWindow, step: int) -> Hold:
    arriving = arriving_windows(session)
    return Hold(mark=window.seed.mark, change=session.address, made=step, arriving=arriving)


def arriving_windows(session: deltas.Session) -> list[str]:
    return [f"window {window.address}" for window in session.windows if window.arrives]


class _Fate:
    """What becomes of the panes and windows that are there."""

    def __init__(self, comparison: deltas.Comparison) -> None:
        self._moving = {pane.have.pane.id for pane in comparison.panes if pane.have is not None and pane.move}
        self._deleted = {pane.have.pane.id for pane in comparison.deleted if pane.have is not None}
        self._windows = {window.have.id: window for window in comparison.windows if window.have is not None}

    def goes(self, window: status.Window) -> bool:
        return all(pane.id in self._moving or pane.id in self._deleted for pane in window.panes)

    def moved(self, window: status.Window) -> bool:
        """Some of it is moved elsewhere."""
        delta = self._windows.get(window.id)
        return (delta is not None and delta.move) or any(pane.id in self._moving for pane in window.panes)

    def stays(self, window: status.Window, session: str | None) -> bool:
        """Whether it is still there, in this session, when all is done."""
        delta = self._windows.get(window.id)
        if delta is None:
            return not self.goes(window)
        return not delta.move or delta.session == session


def deletes(draft: Draft, comparison: deltas.Comparison, emptied: Emptied) -> None:
    """To be called when all is made and moved."""
    created = next((step.id for step in draft.steps if isinstance(step.action, action.CreateSession)), None)
    server = [created] if emptied.server and created is not None else []
    for delta in comparison.deleted:
        assert delta.have is not None
        assert delta.have.pane.mark is not None
        address, window = delta.change.address, delta.have.window.id
        before = [draft.stopped[address], *draft.held.get(window, ()), *server]
        if window in emptied.windows:
            panes = emptied.windows[window].panes
            before += _first(draft, [f"pane {pane.change.address}" for pane in panes if pane.arrives])
        if window in emptied.sessions:
            before += _first(draft, arriving_windows(emptied.sessions[window]))
        step = draft.add(action.DeletePane(address=address, expect=delta.have.pane.mark), address, before)
        draft.left.setdefault(window, []).append(step)
    for hold in emptied.holds:
        step = draft.add(
            action.DeletePane(address=hold.mark.address, expect=hold.mark),
            hold.change,
            [hold.made, *draft.after(*hold.arriving)],
        )
        if hold.window is not None:
            draft.left.setdefault(hold.window, []).append(step)


def _first(draft: Draft, keys: Iterable[str]) -> list[int]:
    return sorted(draft.after(*keys))[:1]


def forgets(draft: Draft, comparison: deltas.Comparison) -> None:
    for each in comparison.forgotten:
        after = [step for window in each.windows for step in draft.left.get(window, ())]
        draft.add(action.Forget(kind=each.kind, address=each.address, expect=each.mark), each.address, after)
