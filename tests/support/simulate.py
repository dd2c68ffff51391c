"""A tmux server of plain values, and what carrying a plan out leaves on it: as tmux and `orchestra/tmux/adapter.py` do it, without either.

Steps go in any order their edges allow, so a missing edge shows. Stricter than the real ones: a step that would find its object gone,
changed, running where it must not, or somebody else's raises `Impossible`.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

from orchestra.model import action, names, plan, spec, status
from orchestra.plan import cascade, layout, record

SIZE = (200, 50)


class Impossible(AssertionError):
    """A step that the real world would refuse, or must never be asked."""


@dataclass(eq=False)
class Pane:
    id: str
    pid: int
    dead: bool = False
    exit_code: int | None = None
    signal: int | None = None
    mark: status.Mark | None = None
    record: str = ""
    title: str = ""


@dataclass(eq=False)
class Window:
    id: str
    name: str
    width: int
    height: int
    panes: list[Pane]
    active: Pane
    applied: str = ""
    mark: status.Mark | None = None
    record: str = ""
    _layout: str | None = None
    _tiled: bool = True

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def layout(self) -> str:
        """Computed when somebody looks: many panes may come before."""
        if self._layout is None:
            count = len(self.panes)
            if self._tiled:
                self._layout = layout.arrange("tiled", [None] * count, *self.size)
            else:
                sizes = [None, *(spec.Size(cells=1) for _ in range(count - 1))]
                self._layout = layout.arrange("even-horizontal", sizes, *self.size)
        return self._layout

    @layout.setter
    def layout(self, text: str) -> None:
        self._layout = text

    def disturb(self) -> None:
        """tmux made room or gave it away: some layout that no manifest asks for."""
        if self.width < 2 * len(self.panes) - 1:
            raise Impossible(f"no space for a new pane in {self.name}")
        self._layout, self._tiled = None, False

    def tile(self) -> None:
        self._layout, self._tiled = None, True

    def resize(self, width: int, height: int) -> None:
        if self.size != (width, height):
            self._layout = layout.to_text(layout.scaled(layout.parse(self.layout), width, height))
            self.width, self.height = width, height


@dataclass(eq=False)
class Session:
    id: str
    name: str
    windows: list[Window]
    """Grouped sessions share one list."""
    current: Window
    mark: status.Mark | None = None
    record: str = ""


@dataclass(eq=False)
class World:
    running: bool = False
    lives: int = 0
    key: str = ""
    rules: dict[str, str] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    """Of secrets, by name; one that is not here has a value made of its name."""
    size: tuple[int, int] = SIZE
    numbers: dict[str, int] = field(default_factory=dict)

    def fresh(self, sign: str) -> int:
        number = self.numbers.get(sign, 0)
        self.numbers[sign] = number + 1
        return number

    def start(self) -> None:
        if not self.running:
            self.running = True
            self.lives += 1
            self.rules.clear()
            self.numbers.update({"$": 0, "@": 0, "%": 0})

    # --- looking

    def seen(self) -> status.Server:
        if not self.running:
            return status.Server()
        return status.Server(
            running=True,
            pid=100 + self.lives,
            started=1_000_000 + self.lives,
            version="3.3a",
            key=self.key,
            rules=dict(self.rules),
            sessions=tuple(_session(each) for each in sorted(self.sessions, key=lambda each: each.name)),
        )

    def digests(self, known: Mapping[spec.Secret, str | None]) -> Mapping[spec.Secret, str]:
        """As the reconciler makes them: of what can be read now, once the server has a key."""
        if not self.key:
            return {}
        return {
            secret: record.digest(self.key, secret.name, value)
            for secret, value in known.items()
            if value is not None
        }

    def value(self, name: str) -> str:
        return self.values.get(name, f"value of {name}")

    def windows(self) -> Iterator[Window]:
        found: dict[str, Window] = {}
        for session in self.sessions:
            for window in session.windows:
                found.setdefault(window.id, window)
        yield from found.values()

    def home(self, pane: Pane) -> Window:
        return next(window for window in self.windows() if pane in window.panes)

    def strangers(self, among: Collection[str] | None = None) -> Mapping[str, object]:
        """What bears no mark (or has these ids): sessions and windows with their names, panes with their processes and windows.

        Not a session that only shows our windows: it goes when they go home.
        """

        def theirs(id_: str, *marks: status.Mark | None) -> bool:
            return not any(marks) if among is None else id_ in among

        rows: dict[str, object] = {
            each.id: each.name
            for each in self.sessions
            if theirs(each.id, each.mark)
            and any(pane.mark is None for window in each.windows for pane in window.panes)
        }
        for window in self.windows():
            if theirs(window.id, window.mark, *(pane.mark for pane in window.panes)):
                rows[window.id] = window.name
            rows.update(
                (pane.id, (pane.pid, pane.dead, window.id))
                for pane in window.panes
                if theirs(pane.id, pane.mark)
            )
        return rows

    # --- making and unmaking, as tmux does

    def new_pane(self, mark: status.Mark | None = None) -> Pane:
        return Pane(id=f"%{self.fresh('%')}", pid=1000 + self.fresh("pid"), mark=mark)

    def new_window(self, name: str, pane: Pane, session: Session | None = None) -> Window:
        width, height = self.size if session is None else session.windows[0].size
        return Window(
            id=f"@{self.fresh('@')}", name=name, width=width, height=height, panes=[pane], active=pane
        )

    def new_session(self, name: str, window: Window) -> Session:
        self.start()
        if any(each.name == name for each in self.sessions):
            raise Impossible(f"duplicate session: {name}")
        session = Session(id=f"${self.fresh('$')}", name=name, windows=[window], current=window)
        self.sessions.append(session)
        return session

    def insert(self, window: Window, pane: Pane) -> None:
        """Behind the active pane: where split-window and join-pane put it."""
        window.panes.insert(window.panes.index(window.active) + 1, pane)
        window.disturb()

    def remove(self, pane: Pane) -> None:
        window = self.home(pane)
        place = window.panes.index(pane)
        window.panes.remove(pane)
        if not window.panes:
            self.unlink(window)
            return
        if window.active is pane:
            window.active = window.panes[max(0, place - 1)]
        window.disturb()

    def unlink(self, window: Window, only: Session | None = None) -> None:
        for session in list(self.sessions):
            if window in session.windows and (only is None or session.windows is only.windows):
                session.windows.remove(window)
        for session in self.sessions:
            if session.windows and session.current not in session.windows:
                session.current = session.windows[0]
        self.sessions[:] = [each for each in self.sessions if each.windows]
        if not self.sessions:
            self.running, self.key = False, ""


def _session(session: Session) -> status.Session:
    return status.Session(
        id=session.id,
        name=session.name,
        mark=session.mark,
        record=session.record,
        windows=tuple(
            _window(window, place, active=window is session.current)
            for place, window in enumerate(session.windows)
        ),
    )


def _window(window: Window, index: int, *, active: bool) -> status.Window:
    return status.Window(
        id=window.id,
        index=index,
        name=window.name,
        layout=window.layout,
        width=window.width,
        height=window.height,
        active=active,
        mark=window.mark,
        record=window.record,
        applied_layout=window.applied,
        panes=tuple(
            status.Pane(
                id=pane.id,
                index=place,
                pid=pane.pid,
                dead=pane.dead,
                exit_code=pane.exit_code,
                signal=pane.signal,
                active=pane is window.active,
                mark=pane.mark,
                record=pane.record,
            )
            for place, pane in enumerate(window.panes)
        ),
    )


# --- carrying a plan out


def carry_out(
    world: World, made: plan.Plan, order: str | random.Random = "first", *, until: int | None = None
) -> None:
    """`order`: which of the ready steps goes next, the `first`, the `last`, or one by chance. `until`: cut off after so many."""
    run = _Run(world, made.workspace)
    known = {step.id for step in made.steps}
    waits = {step.id: {*step.after, *step.optional_after} for step in made.steps}
    followers: dict[int, list[int]] = {}
    for id_, befores in waits.items():
        if not befores <= known:
            raise Impossible(f"step {id_} waits for steps that are not there")
        for before in befores:
            followers.setdefault(before, []).append(id_)
    steps = {step.id: step for step in made.steps}
    ready = [id_ for id_ in steps if not waits[id_]]
    done = 0
    while ready and (until is None or done < until):
        ready.sort()
        place = {"first": 0, "last": -1}[order] if isinstance(order, str) else order.randrange(len(ready))
        step = steps[ready.pop(place)]
        try:
            run.step(step.action)
        except Impossible as wrong:
            raise Impossible(f"#{step.id} {type(step.action).__name__} {step.change}: {wrong}") from None
        done += 1
        for follower in followers.get(step.id, ()):
            waits[follower].discard(step.id)
            if not waits[follower]:
                ready.append(follower)
    if until is None and done != len(steps):
        raise Impossible(f"{len(steps) - done} steps wait for each other")


class _Run:
    """The adapter's part: what addresses mean while one plan is carried out."""

    def __init__(self, world: World, workspace: str) -> None:
        self.world = world
        self.workspace = workspace
        self.began_running = world.running
        self.made: set[Window] = set()
        self.sessions: dict[str, Session] = {}
        self.windows: dict[str, Window] = {}
        self.panes: dict[str, Pane] = {}
        for session in sorted(
            world.sessions, key=lambda each: (self.theirs(each.mark), each.name)
        ):  # ours first
            if session.mark is not None and not self.theirs(session.mark):
                self.sessions.setdefault(session.mark.address, session)
            for window in session.windows:
                if window.mark is not None and not self.theirs(window.mark):
                    self.windows.setdefault(window.mark.address, window)
                for pane in window.panes:
                    if pane.mark is not None and not self.theirs(pane.mark):
                        self.panes.setdefault(pane.mark.address, pane)

    def theirs(self, mark: status.Mark | None) -> bool:
        return mark is None or mark.workspace != self.workspace

    # --- finding

    def session(self, address: str, id_: str = "") -> Session:
        every = self.world.sessions
        found = next((each for each in every if each.id == id_), None) if id_ else self.sessions.get(address)
        if found is None or found not in every:
            raise Impossible(f"session {address} is not there")
        return found

    def window(self, address: str, id_: str = "") -> Window:
        every = list(self.world.windows())
        found = next((each for each in every if each.id == id_), None) if id_ else self.windows.get(address)
        if found is None or found not in every:
            raise Impossible(f"window {address} is not there")
        return found

    def pane(self, address: str, id_: str = "") -> Pane:
        every = [pane for window in self.world.windows() for pane in window.panes]
        found = next((each for each in every if each.id == id_), None) if id_ else self.panes.get(address)
        if found is None or found not in every:
            raise Impossible(f"pane {address} is not there")
        return found

    def marked(self, what: _Marked) -> Session | Window | Pane:
        """The object of a step that names it by kind and address, if it still bears the mark that was seen."""
        id_ = getattr(what, "id", "")
        found: Session | Window | Pane
        match what.kind:
            case action.Kind.SESSION:
                found = self.session(what.address, id_)
            case action.Kind.WINDOW:
                found = self.window(what.address, id_)
            case action.Kind.PANE:
                found = self.pane(what.address, id_)
        self.expected(found.mark, what.expect)
        return found

    def expected(self, mark: status.Mark | None, expect: status.Mark | None) -> None:
        if expect is not None and self.theirs(expect):
            raise Impossible(f"it is somebody else's: {expect}")
        if mark != expect:
            raise Impossible(f"it is no longer what was seen: {mark} instead of {expect}")

    def ours(self, mark: status.Mark) -> status.Mark:
        if self.theirs(mark):
            raise Impossible(f"it would be marked as somebody else's: {mark}")
        if status.Mark.parse(str(mark)) != mark:
            raise Impossible(f"nobody would know it again by its mark: {mark}")
        return mark

    # --- doing

    def step(self, what: action.Action) -> None:
        world = self.world
        if not world.running and (self.began_running or not isinstance(what, action.CreateSession)):
            if isinstance(what, action.Join | action.StopPane):
                return
            raise Impossible("no server is running")
        match what:
            case action.CreateSession():
                window = self._new_window(what.window)
                session = world.new_session(what.title or what.address, window)
                session.mark, session.record = self.ours(what.mark), what.record
                window.resize(what.width, what.height)
                self.sessions[what.address] = session
            case action.CreateWindow():
                session = self.session(names.session_of(what.address))
                session.windows.append(self._new_window(what, session))
            case action.CreatePane():
                self._create_pane(what)
            case action.StopPane():
                pane = self.pane(what.address)
                self.expected(pane.mark, what.expect)
                if not pane.dead:
                    if pane.pid != what.pid:
                        raise Impossible(f"pid {what.pid} is not its process {pane.pid}")
                    pane.dead, pane.signal = True, 15
            case action.StartPane():
                pane = self.pane(what.address)
                self.expected(pane.mark, what.expect)
                if not pane.dead:
                    raise Impossible("its process still runs")
                self._launch(pane, what.pane, what.mark, start=True)
            case action.TypeLines():
                pane = self.pane(what.address)
                self.expected(pane.mark, what.mark)
                if pane.dead or what.mark.stage is not status.Stage.TYPING:
                    raise Impossible("there is no shell to type into")
                pane.mark = replace(what.mark, stage=status.Stage.DONE, typed=len(what.pane.send_keys))
            case action.DeletePane():
                pane = self.pane(what.address)
                self.expected(pane.mark, what.expect)
                if not pane.dead:
                    raise Impossible("its process still runs")
                world.remove(pane)
            case action.Collect():
                raise Impossible("no manifest's plan collects")
            case action.Rename():
                self._rename(what)
            case action.MovePane():
                self._move_pane(what)
            case action.MoveWindow():
                window = self.window(what.address, what.id)
                self.expected(window.mark, what.expect)
                session = self.session(what.session)
                if window in session.windows:
                    raise Impossible("it is there already")
                session.windows.append(window)
                for other in list(world.sessions):
                    if other.windows is not session.windows and window in other.windows:
                        world.unlink(window, only=other)
            case action.OrderWindows():
                session = self.session(what.session)
                wanted = [self.window(each) for each in what.windows]
                session.windows[:] = _ordered(session.windows, wanted)
            case action.OrderPanes():
                window = self.window(what.window)
                window.panes[:] = _ordered(window.panes, [self.pane(each) for each in what.panes])
            case action.ArrangeWindow():
                window = self.window(what.window)
                if layout.count(layout.parse(what.layout)) != len(window.panes):
                    raise Impossible(f"the layout is not for {len(window.panes)} panes: {what.layout}")
                cell = layout.scaled(layout.parse(what.layout), *window.size)
                window.layout = window.applied = layout.to_text(cell)
            case action.Write():
                self._write(what)
            case action.Focus():
                if what.kind is action.Kind.WINDOW:
                    session = self.session(names.session_of(what.address))
                    session.current = self.window(what.address)
                    if session.current not in session.windows:
                        raise Impossible("it is in another session")
                else:
                    pane = self.pane(what.address)
                    world.home(pane).active = pane
            case action.TypeAhead():
                pane = self.pane(what.address)
                self.expected(pane.mark, what.mark)
                if pane.dead:
                    raise Impossible("there is no shell to type into")
            case action.SetOptions(kind=action.Kind.WINDOW):
                self.window(what.address)
            case action.SetOptions():
                self.pane(what.address)
            case action.Zoom():
                self.window(what.window)
            case action.Await():
                pane = self.pane(what.address)
                if pane.mark is None or pane.mark.stage is not status.Stage.DONE:
                    raise Impossible("what is awaited was never started")
                if what.condition in (spec.Condition.COMPLETED, spec.Condition.COMPLETED_SUCCESSFULLY):
                    if not pane.dead:
                        pane.dead, pane.exit_code = True, 0
                elif what.condition is spec.Condition.HEALTHY and pane.dead:
                    raise Impossible("what is dead does not become healthy")
            case action.Forget():
                found = self.marked(what)
                found.mark, found.record = None, ""
                if isinstance(found, Window):
                    found.applied = ""
            case action.WriteRules():
                self.world.rules[what.workspace] = what.text
            case action.Join():
                pass
            case _:
                assert_never(what)

    def _launch(self, pane: Pane, want: spec.Pane, mark: status.Mark, *, start: bool) -> None:
        world = self.world
        pane.mark = self.ours(mark)
        pane.title = want.title if want.title is not None else pane.title
        if start:
            if want.secrets and not world.key:
                world.key = f"key {world.lives}"
            digests = {
                each.name: record.digest(world.key, each.name, world.value(each.name))
                for each in want.secrets
            }
            pane.pid, pane.dead, pane.exit_code, pane.signal = 1000 + world.fresh("pid"), False, None, None
        else:  # the placeholder ends by itself
            digests = {}
            pane.dead, pane.exit_code = True, 0
        asks = start and any(cascade.cascading(want))  # else a thousand panes look at a thousand panes
        there = status.owned(world.seen(), mark.workspace) if asks else {}
        pane.record = record.pane_text(want, digests, cascade.beside(want, there) if start else {})

    def _seeded(self, seed: action.Seed) -> Pane:
        pane = self.world.new_pane()
        self._launch(pane, seed.pane, seed.mark, start=seed.start)
        self.panes[seed.pane.address] = pane
        return pane

    def _new_window(self, what: action.CreateWindow, session: Session | None = None) -> Window:
        self.world.start()
        window = self.world.new_window(what.title or _name(what.address), self._seeded(what.seed), session)
        window.mark, window.record = self.ours(what.mark), what.record
        self.windows[what.address] = window
        self.made.add(window)
        return window

    def _create_pane(self, what: action.CreatePane) -> None:
        window = self.window(what.window)
        pane = self._seeded(what.seed)
        self.world.insert(window, pane)
        if window in self.made:  # in others a person's active pane stays active
            window.active = pane
        if what.spread:
            window.tile()

    def _rename(self, what: action.Rename) -> None:
        found = self.marked(what)
        if isinstance(found, Session) and any(
            each.name == what.name and each is not found for each in self.world.sessions
        ):
            raise Impossible(f"duplicate session: {what.name}")
        assert not isinstance(found, Pane)
        found.name = what.name

    def _move_pane(self, what: action.MovePane) -> None:
        pane = self.pane(what.address)
        self.expected(pane.mark, what.expect)
        if what.create is None:
            window = self.window(what.window)
            if pane in window.panes:
                raise Impossible("it is there already")
            self.world.insert(window, pane)
            self._leave(pane, window)
            return
        session = self.session(names.session_of(what.window))
        window = self.world.home(pane)
        if len(window.panes) > 1:
            window.panes.remove(pane)
            if window.active is pane:
                window.active = window.panes[0]
            window.disturb()
            window = self.world.new_window(_name(what.window), pane, session)
        else:  # it goes with its window
            window.name = what.create.title or _name(what.window)
        session.windows.append(window)
        for other in list(self.world.sessions):
            if other.windows is not session.windows and window in other.windows:
                self.world.unlink(window, only=other)
        while session.windows.count(window) > 1:
            session.windows.remove(window)
        window.mark, window.record = self.ours(what.create.mark), what.create.record
        self.windows[what.window] = window

    def _leave(self, pane: Pane, arrived: Window) -> None:
        for window in list(self.world.windows()):
            if window is not arrived and pane in window.panes:
                place = window.panes.index(pane)
                window.panes.remove(pane)
                if not window.panes:
                    self.world.unlink(window)
                else:
                    if window.active is pane:
                        window.active = window.panes[max(0, place - 1)]
                    window.disturb()

    def _write(self, what: action.Write) -> None:
        found = self.marked(what)
        found.mark, found.record = self.ours(what.mark), what.record
        if isinstance(found, Pane):
            found.title = what.title if what.title is not None else found.title
            self.panes[what.address] = found
        elif isinstance(found, Window):
            if what.expect is None:
                found.applied = found.layout
            self.windows[what.address] = found
        else:
            self.sessions[what.address] = found


_Marked = action.Rename | action.Write | action.Forget
T = TypeVar("T")


def _ordered(now: Sequence[T], wanted: Sequence[T]) -> list[T]:
    """`wanted` in its order on the places its members hold; others keep theirs."""
    missing = [each for each in wanted if each not in now]
    if missing:
        raise Impossible("what is to be put in order is elsewhere")
    queue = iter(wanted)
    return [next(queue) if each in wanted else each for each in now]


def _name(address: str) -> str:
    return address.partition("/")[2]
