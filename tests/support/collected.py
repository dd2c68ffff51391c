"""The daemon's collector on a real tmux, with a clock that is set by hand, and people who come at the worst moments.

Sessions are made by plain tmux commands, with our marks on them. What must stay is known by who made it; whether it stayed is asked of a
plain tmux client.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from unittest import mock

from orchestra.daemon.react import collecting, parts, taking
from orchestra.engine.react import collect
from orchestra.host import clock
from orchestra.model import event, rules, spec
from orchestra.plan import record, rules_changes
from orchestra.tmux import observe, quote, rest
from tests.support import live

TTL = timedelta(hours=2)
GC = rules.Gc(idle=TTL, completed=TTL, budget=1000)


class Wrong(AssertionError):
    """It took what must stay, or left what nobody needs."""


class Killed(BaseException):
    """The daemon, at this very point."""


class Clock(clock.Clock):
    def __init__(self) -> None:
        self.passed = 0.0
        self.set = 0.0
        """By how much somebody has put the time of day forward."""

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.passed + self.set)


class Journal:
    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.die_at = -1
        """The write after which the daemon is killed."""
        self.writes = 0

    def written(self, state: Any) -> None:
        if self.writes == self.die_at:
            raise Killed
        self.state.update(state)
        self.writes += 1


@dataclass(slots=True)
class Session:
    name: str
    id: str = ""
    panes: list[str] = field(default_factory=list)
    uids: list[str] = field(default_factory=list)
    stays: str = ""
    """Why; "": nobody needs it."""
    dead: list[str] = field(default_factory=list)
    """Panes in it that have completed, and that nobody needs."""


class House:
    """One server. Close it."""

    def __init__(self) -> None:
        self.live = live.Live()
        self.clock = Clock()
        self.journal = Journal()
        self.told: list[event.Body] = []
        self.is_busy = False
        self.numbers = 0
        self.clients: list[tuple[int, int]] = []
        self.source(["new-session", "-d", "-s", "keeper", "sleep", "2147483647"])
        self.part = self.begun()

    def begun(self) -> collecting.Collecting:
        """A daemon's, as it starts."""

        async def say(body: event.Body, workspace: str, address: str, state: Any) -> None:
            self.journal.written(state)
            self.told.append(body)

        async def keep(state: Any) -> None:
            self.journal.written(state)

        reach = parts.Reach(
            assembly=self.live.assembly,
            found=self.live.assembly.directories(),
            clock=self.clock,
            bus=cast(Any, None),
            journal=cast(Any, self.journal),
            recordings=cast(Any, None),
            say=lambda _: say,
            keep=keep,
            publish=cast(Any, None),
            is_busy=lambda: self.is_busy,
            look=lambda: None,
            look_soon=lambda: None,
        )
        made = collecting.Collecting(reach)
        made.resume(self.journal.state.get(collecting.STATE))
        return made

    def close(self) -> None:
        for pid, fd in self.clients:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)
        for process in self.live.processes().values():
            if process.argv[:1] == ("sleep",):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        self.live.close()

    # --- tmux

    def source(self, *lines: list[str]) -> str:
        done = self.live.client(
            "start-server",
            ";",
            "source-file",
            "-",
            text="\n".join(quote.command(*each) for each in lines) + "\n",
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rules(self, gc: rules.Gc) -> None:
        text = rules_changes.text(rules.Rules(gc=gc))
        self.source(["set-option", "-s", observe.RULES, observe.rules_option({"w": text})])

    def clean(self) -> None:
        """All but the keeper goes; a new daemon."""
        listed = self.live.tmux("list-sessions", "-F", "#{session_id} #{session_name}").splitlines()
        for line in listed:
            id_, _, name = line.partition(" ")
            if name != "keeper":
                self.live.client("kill-session", "-t", id_)
        for pid, fd in self.clients:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)
        self.clients.clear()
        self.told.clear()
        self.journal.__init__()  # type: ignore[misc]
        self.part = self.begun()

    def made(
        self,
        panes: int = 1,
        *,
        stage: str = "done",
        declared: dict[str, Any] | None = None,
        argv: tuple[str, ...] = ("sh",),
        marked: bool = True,
        workspace: str = "w",
        session: Session | None = None,
    ) -> Session:
        """A session of idle shells of ours; or more panes into one."""
        self.numbers += 1
        made = session or Session(name=f"s{self.numbers}")
        lines: list[list[str]] = []
        for number in range(panes):
            first = not made.panes and not number
            uid = f"u{self.numbers}x{number}"
            address = f"{made.name}/p{self.numbers}x{number}"
            words = (
                ["new-session", "-s", made.name, "-x", "200", "-y", "60"]
                if first
                else ["split-window", "-t", f"={made.name}:"]
            )
            lines.append(
                [
                    *words,
                    "-d",
                    "-P",
                    "-F",
                    "#{session_id} #{pane_id}",
                    "--",
                    "env",
                    f"ORCHESTRA_PANE={uid}",
                    *argv,
                ]
            )
            made.uids.append(uid)
            if not marked:
                continue
            if first:
                lines.append(
                    [
                        "set-option",
                        "-t",
                        f"={made.name}:",
                        observe.SESSION,
                        f"{workspace} {made.name} s{uid} - done 0",
                    ]
                )
                lines.append(
                    [
                        "set-option",
                        "-wt",
                        f"={made.name}:",
                        observe.WINDOW,
                        f"{workspace} {made.name}/main w{uid} - done 0",
                    ]
                )
                lines.append(["set-option", "-wt", f"={made.name}:", "remain-on-exit", "on"])
                lines.append(["set-option", "-wt", f"={made.name}:", "automatic-rename", "off"])
                lines.append(["rename-window", "-t", f"={made.name}:", "main"])
            pane = spec.Pane(address=address, dir="/", **(declared or {}))
            mark = f"{workspace} {address} {uid} f {stage} 0"
            lines.append(["set-option", "-pt", _NEW, observe.PANE, mark])
            lines.append(
                ["set-option", "-pt", _NEW, observe.PANE + observe.RECORD, record.pane_text(pane, {})]
            )
        self._run(made, lines)
        return made

    def _run(self, made: Session, lines: list[list[str]]) -> None:
        """A new pane's id is known once it is there."""
        pending: list[list[str]] = []
        for line in lines:
            if line[0] in ("new-session", "split-window"):
                if pending:
                    self.source(*pending)
                    pending = []
                made.id, pane = self.source(line).split()
                made.panes.append(pane)
            else:
                pending.append([made.panes[-1] if word == _NEW else word for word in line])
        if pending:
            self.source(*pending)

    def completed(self, session: Session, code: str = "exit 0", **declared: Any) -> str:
        """A pane whose command has ended, in a session in which something runs."""
        self.made(1, session=session, argv=("sh", "-c", code), declared={"command": "true", **declared})
        pane, server = session.panes[-1], self.live.server_pid()

        def ended() -> bool:
            os.kill(server, signal.SIGCHLD)  # tmux is in no hurry
            told = self.shown(pane, "#{pane_dead} #{pane_dead_status}#{pane_dead_signal}")
            return len(told.split()) == 2 and told.startswith("1")

        live.until(ended)
        return pane

    def shown(self, pane: str, what: str) -> str:
        return self.live.tmux("display-message", "-p", "-t", pane, what).strip()

    def is_there(self, id_: str) -> bool:
        kind = "list-sessions" if id_.startswith("$") else "list-panes"
        words = (kind, "-F", "#{session_id}") if id_.startswith("$") else (kind, "-a", "-F", "#{pane_id}")
        return id_ in self.live.tmux(*words).split()

    # --- the collector

    def sweep(self, **options: Any) -> collecting.Report:
        return asyncio.run(self.part.sweep(**options))

    def calm(self, sessions: list[Session]) -> None:
        """Waits until every shell shows its prompt."""
        wanted = {pane for each in sessions if not each.stays for pane in each.panes}
        own = self.live.assemble()

        def rests() -> bool:
            server, rests = own.tmux.observe_rest()
            # A shell may wait for a line before tmux has shown its prompt.
            listed = self.live.tmux("list-panes", "-a", "-F", "#{pane_id} #{cursor_x}").split("\n")
            empty = {line.split()[0] for line in listed if line.endswith(" 0")}
            return wanted <= taking.seen(own, server, rests).calm - empty

        live.until(rests, "calm")

    def attach(self, session: str) -> None:
        pid, fd = pty.fork()
        if not pid:
            os.execvpe(
                "tmux", ["tmux", "-S", str(self.live.socket), "attach", "-t", session], self.live.environ
            )
        self.clients.append((pid, fd))
        live.until(lambda: self.shown(session, "#{session_attached}") != "0")


_NEW = "\0"

# --- people: what one does to a session that was idle, seen when it returns

Act = Callable[[House, Session], None]


def types(house: House, session: Session) -> None:
    pane = session.panes[0]
    before = house.shown(pane, "#{cursor_x}")
    house.live.tmux("send-keys", "-t", pane, "x")
    live.until(lambda: house.shown(pane, "#{cursor_x}") != before)


def runs_something(house: House, session: Session) -> None:
    pane = session.panes[-1]
    house.live.tmux("send-keys", "-t", pane, "exec cat", "Enter")
    live.until(lambda: house.shown(pane, "#{pane_current_command}") == "cat")


def attaches(house: House, session: Session) -> None:
    house.attach(session.id)


def attaches_and_leaves(house: House, session: Session) -> None:
    house.attach(session.id)
    house.live.tmux("detach-client", "-s", session.id)
    live.until(lambda: house.shown(session.id, "#{session_attached}") == "0")


def attaches_beside(house: House, session: Session) -> None:
    """To a session of his own that shows the same windows."""
    house.numbers += 1
    house.live.tmux("new-session", "-d", "-t", session.id, "-s", f"beside{house.numbers}")


def splits(house: House, session: Session) -> None:
    house.live.tmux("split-window", "-d", "-t", session.panes[0], "sh")


def opens_window(house: House, session: Session) -> None:
    house.live.tmux("new-window", "-d", "-t", f"{session.id}:", "sh")


def renames(house: House, session: Session) -> None:
    house.live.tmux("rename-session", "-t", session.id, f"mine-{session.name}")


def renames_window(house: House, session: Session) -> None:
    house.live.tmux("rename-window", "-t", session.panes[0], "mine")


def reads(house: House, session: Session) -> None:
    house.live.tmux("copy-mode", "-t", session.panes[0])


def switches_input_off(house: House, session: Session) -> None:
    house.live.tmux("select-pane", "-d", "-t", session.panes[0])


def pins(house: House, session: Session) -> None:
    house.live.tmux("set-option", "-pt", session.panes[-1], rest.PIN, "1")


def links(house: House, session: Session) -> None:
    house.live.tmux("link-window", "-d", "-s", session.panes[0], "-t", "=keeper:")


def takes_over(house: House, session: Session) -> None:
    """The pane is his from now on."""
    house.live.tmux("set-option", "-put", session.panes[-1], observe.PANE)


def takes_the_session_over(house: House, session: Session) -> None:
    house.live.tmux("set-option", "-ut", session.id, observe.SESSION)


def moves_in(house: House, session: Session) -> None:
    """A pane of his own, made somewhere else."""
    house.live.tmux("new-session", "-d", "-s", f"from{session.name}", "sh")
    house.live.tmux("join-pane", "-d", "-s", f"=from{session.name}:", "-t", session.panes[0])


def starts_quietly(house: House, session: Session) -> None:
    """A program of this pane that shows nowhere on it."""
    house.live.tmux(
        "new-window",
        "-d",
        "-t",
        "=keeper:",
        "env",
        f"ORCHESTRA_PANE={session.uids[0]}",
        "sleep",
        "2147483646",
    )
    house.live.tmux("set-option", "-wt", "=keeper:{end}", "remain-on-exit", "off")


ACTS: tuple[Act, ...] = (
    types, runs_something, attaches, attaches_and_leaves, attaches_beside, splits, opens_window, renames, renames_window, reads,
    switches_input_off, pins, links, takes_over, takes_the_session_over, moves_in,
)  # fmt: skip
QUIET: tuple[Act, ...] = (starts_quietly,)
"""Seen by looking at processes only: before the last look."""


def respawns(house: House, pane: str) -> None:
    house.live.tmux("respawn-pane", "-t", pane, "sleep", "2147483647")


def reads_dead(house: House, pane: str) -> None:
    house.live.tmux("copy-mode", "-t", pane)


def pins_dead(house: House, pane: str) -> None:
    house.live.tmux("set-option", "-pt", pane, rest.PIN, "1")


def attaches_to_dead(house: House, pane: str) -> None:
    house.attach(house.shown(pane, "#{session_id}"))


def takes_dead_over(house: House, pane: str) -> None:
    house.live.tmux("set-option", "-put", pane, observe.PANE)


OF_DEAD: tuple[Callable[[House, str], None], ...] = (
    respawns, reads_dead, pins_dead, attaches_to_dead, takes_dead_over,
)  # fmt: skip

# --- near misses: from the beginning

Near = Callable[[House], Session]


def _stays(house: House, why: str, act: Act | None = None, **made: Any) -> Session:
    session = house.made(**made)
    if act is not None:
        act(house, session)
    session.stays = why
    return session


def running(house: House) -> Session:
    return _stays(house, "runs", runs_something)


def in_background(house: House) -> Session:
    def starts(house: House, session: Session) -> None:
        pid = int(house.shown(session.panes[0], "#{pane_pid}"))
        house.live.tmux("send-keys", "-t", session.panes[0], "sleep 2147483645 &", "Enter")
        live.until(lambda: live.children(pid))

    return _stays(house, "a job runs in the background", starts)


def with_dependant(house: House) -> Session:
    session = house.made()
    session.stays = "needed"
    edge = spec.Dependency(pane=f"{session.name}/p{house.numbers}x0", condition=spec.Condition.STARTED)
    other = house.made(declared={"command": "sleep", "depends_on": (edge,)}, argv=("sleep", "2147483647"))
    other.stays = "runs a command"
    return session


NEAR: tuple[Near, ...] = (
    lambda house: _stays(house, "attached", attaches),
    lambda house: _stays(house, "beside", attaches_beside),
    lambda house: _stays(house, "a person's pane", splits),
    lambda house: _stays(house, "a person's window", opens_window),
    lambda house: _stays(house, "moved in", moves_in),
    lambda house: _stays(house, "copy mode", reads),
    lambda house: _stays(house, "input is off", switches_input_off),
    lambda house: _stays(house, "pinned by hand", pins),
    lambda house: _stays(house, "linked", links),
    lambda house: _stays(house, "taken over", takes_over),
    lambda house: _stays(house, "taken over as a whole", takes_the_session_over),
    lambda house: _stays(house, "quietly started", starts_quietly),
    lambda house: _stays(house, "pinned", declared={"pin": True}),
    lambda house: _stays(house, "stopped", stage="stopped"),
    lambda house: _stays(house, "waits", stage="waiting"),
    lambda house: _stays(house, "is typed into", stage="typing"),
    lambda house: _stays(house, "a person's", marked=False),
    lambda house: _stays(house, "another workspace's", workspace="other"),
    lambda house: _stays(house, "a command", declared={"command": ("sleep", "1")}, argv=("sleep", "2147483647")),
    lambda house: _stays(house, "a program at its own prompt", argv=("perl", "-e", "<STDIN>")),
    running, in_background, with_dependant,
)  # fmt: skip


def idle(house: House, dice: random.Random) -> Session:
    return house.made(dice.choice((1, 1, 2)))


def with_dead(house: House, dice: random.Random) -> Session:
    """Something runs in it, and something has ended."""
    session = house.made(declared={"command": "sleep"}, argv=("sleep", "2147483647"))
    session.stays = "runs"
    match dice.randrange(5):
        case 0:
            house.completed(session, "exit 1")
        case 1:
            house.completed(session, restart=spec.Restart(policy=spec.Policy.ALWAYS))
        case 2:
            house.completed(session, "trap '' HUP; setsid sleep 2147483644 & exit 0")
        case _:
            session.dead.append(house.completed(session))
    return session


# --- the trial


@dataclass(slots=True)
class Count:
    near: int = 0
    taken: int = 0


MOMENTS = ("marked", "saved", "decided")
"""Between two passes; after the snapshot; right before the removal."""


@contextlib.contextmanager
def at(house: House, moment: str, act: Callable[[], None]) -> Iterator[None]:
    """`act` is done once, at this moment of the pass inside."""
    left = [act]

    def now() -> None:
        while left:
            left.pop()()

    if moment == "marked":
        now()
        yield
        return
    owner, name = (house.part._hands, "save") if moment == "saved" else (collect, "lower")
    real = getattr(owner, name)

    def wrapped(*arguments: Any) -> Any:
        done = real(*arguments)
        now()
        return done

    with mock.patch.object(owner, name, wrapped):
        yield


def trial(
    house: House, sessions: list[Session], acts: list[tuple[str, Act, Session]], count: Count, dead: Any = ()
) -> None:
    """Through all passes; `acts` at their moments, `dead` likewise upon completed panes. Raises `Wrong`."""
    house.rules(GC)
    house.calm([each for each in sessions if not each.stays])
    late = TTL.total_seconds()
    for passed in (0.0, late - 1):
        house.clock.passed += passed
        house.sweep()
        _look(house, sessions, count, early=True)
    house.clock.passed += 2
    house.sweep()
    _look(house, sessions, count, early=True)

    def act(moment: str) -> Callable[[], None]:
        def done() -> None:
            for when, what, session in acts:
                if when == moment:
                    what(house, session)
                    session.stays = what.__name__
            for when, what, session in dead:
                if when == moment:
                    what(house, session.dead[0])
                    session.dead.clear()

        return done

    touched = {id(session) for _, _, session in (*acts, *dead)}
    before = [each for each in sessions if not each.stays and id(each) not in touched]
    gone_panes = [pane for each in sessions if id(each) not in touched for pane in each.dead]
    with contextlib.ExitStack() as stack:
        for moment in MOMENTS:
            stack.enter_context(at(house, moment, act(moment)))
        house.clock.passed += 1
        house.sweep()
    _look(house, sessions, count, early=False)
    for session in before:
        _had_back(house, session.name)
    count.taken += len(before) + len(gone_panes)


def at_random(house: House, seed: int, count: Count) -> None:
    """A few sessions of any kind, and people who come to some of them at any moment."""
    dice = random.Random(seed)
    sessions: list[Session] = []
    acts: list[tuple[str, Act, Session]] = []
    dead: list[tuple[str, Any, Session]] = []
    for _ in range(dice.randint(2, 5)):
        moment = dice.choice(MOMENTS)
        match dice.randrange(4):
            case 0:
                sessions.append(dice.choice(NEAR)(house))
            case 1:
                sessions.append(with_dead(house, dice))
                if sessions[-1].dead and dice.random() < 0.5:
                    dead.append((moment, dice.choice(OF_DEAD), sessions[-1]))
            case _:
                sessions.append(idle(house, dice))
                if dice.random() < 0.5:
                    acts.append((moment, dice.choice(ACTS), sessions[-1]))
    try:
        trial(house, sessions, acts, count, dead)
    except AssertionError as wrong:
        raise Wrong(f"world {seed}: {wrong}; {acts} {dead}") from wrong


def _look(house: House, sessions: list[Session], count: Count, *, early: bool) -> None:
    there = set(house.live.tmux("list-panes", "-a", "-F", "#{pane_id}").split())
    open_ = house.live.tmux("list-sessions", "-F", "#{session_id}").split()
    for session in sessions:
        count.near += 1
        is_there = set(session.panes) - set(session.dead) <= there and session.id in open_
        if not is_there and (early or session.stays):
            raise Wrong(f"{session.name} was taken{' too early' if early else f': {session.stays}'}")
        if is_there and not early and not session.stays:
            raise Wrong(f"{session.name} was left: {house.part.describe()}")
        for pane in session.dead:
            count.near += 1
            if (pane in there) is not early:
                raise Wrong(f"{pane} of {session.name} was {'taken too early' if early else 'left'}")


def _had_back(house: House, address: str) -> None:
    """It is said which snapshot holds it, and that one does."""
    found = [each for each in house.part._kept.collections if address in each.taken]
    if not found or not (house.live.assembly.expected().snapshots / found[-1].snapshot / "w.yaml").exists():
        raise Wrong(f"{address} cannot be had back")
