"""Worlds for garbage collection in memory: nearly all that stands in one could go, but for one thing each.

An oracle of its own says what may go: whatever was made without a flaw. `judged` runs a decider, any decider, through two passes of such a
world with people between them, and raises at the first thing that it takes wrongly, or leaves.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from orchestra.model import action, rules, spec, status
from orchestra.plan import record, rules_changes

TTL = timedelta(hours=2)
GC = rules.Gc(idle=TTL, completed=TTL, budget=100)


class Wrong(AssertionError):
    """It took what must stay, or left what nobody needs."""


@dataclass(slots=True)
class Pane:
    id: str
    session: str
    name: str
    workspace: str = "w"
    marked: bool = True
    uid: str = ""
    stage: status.Stage = status.Stage.DONE
    dead: bool = False
    exit_code: int | None = None
    signal: int | None = None
    calm: bool = True
    spec: dict[str, Any] = field(default_factory=dict)
    readable: bool = True
    rest: dict[str, bool] = field(default_factory=dict)
    looked_at: bool = True

    @property
    def address(self) -> str:
        return f"{self.session}/{self.name}"


@dataclass(slots=True)
class Session:
    id: str
    name: str
    windows: list[list[Pane]]
    workspace: str = "w"
    marked: bool = True
    window_marked: bool = True
    attached: int = 0
    rest: dict[str, bool] = field(default_factory=dict)
    looked_at: bool = True
    text: int = 0
    """What stands on it; another number, and somebody was there."""

    @property
    def panes(self) -> list[Pane]:
        return [pane for window in self.windows for pane in window]


@dataclass(slots=True)
class Made:
    """`goes`: ids of what has no flaw."""

    dice: random.Random
    sessions: list[Session] = field(default_factory=list)
    goes: set[str] = field(default_factory=set)
    flawed: dict[str, str] = field(default_factory=dict)
    """Id → why it must stay."""
    gc: rules.Gc = GC
    rules: dict[str, str] = field(default_factory=dict)
    epoch: int = 1
    numbers: int = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def session(self, panes: int, windows: int = 1) -> Session:
        number = self.number()
        name = f"s{number}"
        made = Session(id=f"${number}", name=name, windows=[[] for _ in range(windows)])
        for place in range(panes):
            made.windows[place % windows].append(self.pane(name))
        self.sessions.append(made)
        return made

    def pane(self, session: str, **rest: Any) -> Pane:
        number = self.number()
        return Pane(id=f"%{number}", session=session, name=f"p{number}", uid=f"u{number}", **rest)

    def completed(self, session: str) -> Pane:
        return self.pane(session, dead=True, exit_code=0, spec={"command": "true"})

    # --- as a collector sees it

    def server(self) -> status.Server:
        return status.Server(
            running=True,
            pid=self.epoch,
            started=1,
            rules=dict(self.rules),
            sessions=tuple(map(_session, self.sessions)),
        )

    def rests(self) -> dict[str, status.Rest]:
        found: dict[str, status.Rest] = {}
        for session in self.sessions:
            for pane in session.panes:
                if pane.looked_at:
                    at = {"attached": session.attached > 0, **pane.rest}
                    found[pane.id] = _rest(f"{pane.id} {pane.dead} {pane.stage} {sorted(at.items())}", at)
            if session.looked_at:
                at = {"attached": session.attached > 0, **session.rest}
                for pane in session.panes:
                    at |= {name: True for name, value in pane.rest.items() if value}
                found[session.id] = _rest(f"{session.id} {session.text} {sorted(at.items())}", at)
        return found

    def calm(self) -> frozenset[str]:
        return frozenset(pane.id for session in self.sessions for pane in session.panes if pane.calm)


def _rest(text: str, at: dict[str, bool]) -> status.Rest:
    known = {name: at.get(name, False) for name in ("attached", "shared", "pinned", "moded")}
    return status.Rest(text=text, **known)


def _session(made: Session) -> status.Session:
    mark = status.Mark(workspace=made.workspace, address=made.name, uid=f"u{made.id[1:]}")
    return status.Session(
        id=made.id,
        name=made.name,
        attached=made.attached,
        mark=mark if made.marked else None,
        windows=tuple(
            status.Window(
                id=f"@{made.id[1:]}{number}",
                index=number,
                name="main",
                layout="",
                width=80,
                height=24,
                mark=dataclasses.replace(mark, address=f"{made.name}/w{number}")
                if made.marked and made.window_marked
                else None,
                panes=tuple(map(_pane, panes)),
            )
            for number, panes in enumerate(made.windows)
        ),
    )


def _pane(made: Pane) -> status.Pane:
    mark = status.Mark(
        workspace=made.workspace, address=made.address, uid=made.uid, fingerprint="f", stage=made.stage
    )
    known = _record(made.address, tuple(made.spec.items()))
    return status.Pane(
        id=made.id,
        index=0,
        pid=int(made.id[1:]) + 1000,
        dead=made.dead,
        exit_code=made.exit_code,
        signal=made.signal,
        mark=mark if made.marked else None,
        record=(known if made.readable else "{}") if made.marked else "",
    )


@functools.lru_cache(maxsize=4096)
def _record(address: str, declared: tuple[tuple[str, Any], ...]) -> str:
    return record.pane_text(spec.Pane(address=address, dir="/", **dict(declared)), {})


# --- flaws: each of them is enough

Flaw = Callable[[Made, Session, Pane], None]


def _edge(address: str) -> tuple[spec.Dependency, ...]:
    return (spec.Dependency(pane=address, condition=spec.Condition.STARTED),)


def _dependant(made: Made, pane: Pane, **rest: Any) -> None:
    other = made.session(1)
    rest = {"calm": False, "spec": {"command": "serve", "depends_on": _edge(pane.address)}, **rest}
    other.windows[0] = [made.pane(other.name, **rest)]
    made.flawed[other.id] = "a command"


def attached(made: Made, session: Session, pane: Pane) -> None:
    session.attached = 1


def attached_to_a_group(made: Made, session: Session, pane: Pane) -> None:
    """Seen only by what the pane says of itself."""
    session.rest["attached"] = pane.rest["attached"] = True


def shared(made: Made, session: Session, pane: Pane) -> None:
    pane.rest["shared"] = True


def pinned_by_hand(made: Made, session: Session, pane: Pane) -> None:
    pane.rest["pinned"] = True


def pinned(made: Made, session: Session, pane: Pane) -> None:
    pane.spec["pin"] = True


def read_in(made: Made, session: Session, pane: Pane) -> None:
    pane.rest["moded"] = True


def waiting(made: Made, session: Session, pane: Pane) -> None:
    pane.stage = status.Stage.WAITING


def typing(made: Made, session: Session, pane: Pane) -> None:
    pane.stage = status.Stage.TYPING


def stopped(made: Made, session: Session, pane: Pane) -> None:
    pane.stage = status.Stage.STOPPED


def running(made: Made, session: Session, pane: Pane) -> None:
    pane.calm = False


def unreadable(made: Made, session: Session, pane: Pane) -> None:
    pane.readable = False


def copied(made: Made, session: Session, pane: Pane) -> None:
    """Somebody gave his own pane our mark."""
    other = made.session(1)
    other.marked = False
    other.windows[0] = [made.pane(session.name, calm=False)]
    other.windows[0][0].uid = pane.uid
    made.flawed[other.id] = "a person's"


def needed(made: Made, session: Session, pane: Pane) -> None:
    _dependant(made, pane)


def needed_by_what_waits(made: Made, session: Session, pane: Pane) -> None:
    _dependant(made, pane, stage=status.Stage.WAITING)


def needed_by_what_starts_again(made: Made, session: Session, pane: Pane) -> None:
    restart = spec.Restart(policy=spec.Policy.ALWAYS)
    declared = {"command": "serve", "restart": restart, "depends_on": _edge(pane.address)}
    _dependant(made, pane, dead=True, exit_code=0, calm=True, spec=declared)


def of_nobody(made: Made, session: Session, pane: Pane) -> None:
    session.marked = False
    for each in session.panes:
        each.marked = False


def of_another(made: Made, session: Session, pane: Pane) -> None:
    """A workspace in which nothing is collected."""
    session.workspace = "other"
    for each in session.panes:
        each.workspace = "other"


def not_looked_at(made: Made, session: Session, pane: Pane) -> None:
    session.looked_at = pane.looked_at = False


def opened_pane(made: Made, session: Session, pane: Pane) -> None:
    session.windows[0].append(made.pane(session.name, marked=False))


def opened_window(made: Made, session: Session, pane: Pane) -> None:
    session.window_marked = False


def pane_of_another(made: Made, session: Session, pane: Pane) -> None:
    session.windows[0].append(made.pane(session.name, workspace="other"))


def moved_in(made: Made, session: Session, pane: Pane) -> None:
    session.windows[0].append(made.pane("elsewhere"))


def command(made: Made, session: Session, pane: Pane) -> None:
    """It is at its prompt, and it is not what we call an idle shell."""
    pane.spec["command"] = "bash"


def own_stop(made: Made, session: Session, pane: Pane) -> None:
    pane.spec["stop"] = spec.Stop(keys=("exit", "Enter"))


def own_stop_command(made: Made, session: Session, pane: Pane) -> None:
    pane.spec["stop"] = spec.Stop(command="./down")


def failed_in_it(made: Made, session: Session, pane: Pane) -> None:
    session.windows[0].append(made.pane(session.name, dead=True, exit_code=1, spec={"command": "false"}))


def restarts_in_it(made: Made, session: Session, pane: Pane) -> None:
    restart = spec.Restart(policy=spec.Policy.ALWAYS)
    declared = {"command": "serve", "restart": restart}
    session.windows[0].append(made.pane(session.name, dead=True, exit_code=0, spec=declared))


def left_something(made: Made, session: Session, pane: Pane) -> None:
    """A dead pane of which something runs on, in the background."""
    session.windows[0].append(made.completed(session.name))
    session.windows[0][-1].calm = False


def failed(made: Made, session: Session, pane: Pane) -> None:
    pane.exit_code = 1


def killed(made: Made, session: Session, pane: Pane) -> None:
    pane.exit_code, pane.signal = None, 9


def restarts(made: Made, session: Session, pane: Pane) -> None:
    pane.spec["restart"] = spec.Restart(policy=spec.Policy.UNLESS_STOPPED)


def shell_that_ended(made: Made, session: Session, pane: Pane) -> None:
    del pane.spec["command"]


def alive(made: Made, session: Session, pane: Pane) -> None:
    pane.dead, pane.exit_code, pane.calm = False, None, False


ANYWHERE: tuple[Flaw, ...] = (
    attached, attached_to_a_group, shared, pinned_by_hand, pinned, read_in, waiting, typing, stopped, running, unreadable, copied,
    needed, needed_by_what_waits, needed_by_what_starts_again, of_nobody, of_another, not_looked_at,
)  # fmt: skip
OF_SESSIONS: tuple[Flaw, ...] = (
    *ANYWHERE, opened_pane, opened_window, pane_of_another, moved_in, command, own_stop, own_stop_command, failed_in_it,
    restarts_in_it, left_something,
)  # fmt: skip
OF_PANES: tuple[Flaw, ...] = (*ANYWHERE, failed, killed, restarts, shell_that_ended, alive)


def sessions(made: Made, flaw: Flaw | None) -> None:
    session = made.session(made.dice.randint(1, 3), made.dice.randint(1, 2))
    session.windows = [each for each in session.windows if each]
    if made.dice.random() < 0.3:
        session.windows[0].append(made.completed(session.name))
    _mar(made, flaw, session, made.dice.choice([each for each in session.panes if not each.dead]), session.id)


def panes(made: Made, flaw: Flaw | None) -> None:
    """A session in which something runs, and a pane that ended well."""
    session = made.session(1)
    session.panes[0].calm = False
    made.flawed[session.id] = "something runs in it"
    pane = made.completed(session.name)
    if made.dice.random() < 0.3:
        pane.spec["restart"] = spec.Restart(policy=spec.Policy.ON_FAILURE)
    session.windows[0].append(pane)
    _mar(made, flaw, session, pane, pane.id)


def _mar(made: Made, flaw: Flaw | None, session: Session, pane: Pane, id_: str) -> None:
    if flaw is None:
        made.goes.add(id_)
    else:
        flaw(made, session, pane)
        made.flawed[id_] = flaw.__name__
        made.flawed.setdefault(session.id, flaw.__name__)


def world(dice: random.Random) -> Made:
    made = Made(dice)
    keeper = made.session(1)  # so that tmux never ends
    keeper.panes[0].calm = False
    made.flawed[keeper.id] = "something runs in it"
    for _ in range(dice.randint(2, 8)):
        make, flaws = dice.choice(((sessions, OF_SESSIONS), (panes, OF_PANES)))
        make(made, None if dice.random() < 0.25 else dice.choice(flaws))
    for (
        each
    ) in made.sessions:  # what was dead in a flawless session is a completed pane of a session that goes
        if each.id in made.goes:
            made.goes |= {pane.id for pane in each.panes if pane.dead}
    return made


# --- the trial


@dataclass(slots=True)
class Count:
    near: int = 0
    """Decisions about what must stay."""
    taken: int = 0


def judged(collector: Any, dice: random.Random, count: Count) -> None:
    """`collector`: the module `engine/react/collect.py`, or one like it."""
    made = world(dice)
    budget = dice.choice((100, 100, 1))
    made.gc = dataclasses.replace(GC, budget=budget)
    since: dict[str, Any] = {}
    marked: tuple[Any, ...] = ()

    def passed(now: float) -> tuple[Any, Any]:
        nonlocal since, marked
        server, rests, calm = made.server(), made.rests(), made.calm()
        since = collector.watched(since, server, rests, calm, now)
        quiet = {id_: timedelta(seconds=now - each.at) for id_, each in since.items()}
        rules_ = {"w": made.gc}
        decided = collector.decide(
            collector.World(server=server, rests=rests, calm=calm, quiet=quiet, rules=rules_)
        )
        settled = collector.settle(decided, marked, {"w": budget})
        marked = settled.mark
        return decided, settled

    late = TTL.total_seconds() + 10
    for now in (0.0, 10.0, late - 11):  # nothing is old enough
        if now == 10:
            for session in made.sessions:  # somebody was at some of them, long ago
                session.text += dice.randrange(2)
        decided, settled = passed(now)
        count.near += len(made.flawed) + len(made.goes)
        if decided.victims or settled.take:
            raise Wrong(f"too early: {decided.victims}")
    decided, settled = passed(late)
    if settled.take:
        raise Wrong(f"taken without a mark: {settled.take}")
    _right(made, decided.victims, made.goes, count)
    goes = set(made.goes)
    for session in made.sessions:  # and people, between the two
        if session.id in goes and dice.random() < 0.5:
            session.text += 1
            goes -= {session.id, *(pane.id for pane in session.panes)}
            made.flawed[session.id] = "somebody was there"
    before = {(each.id, each.rest) for each in marked}
    decided, settled = passed(late + 1)
    again = {each.id for each in decided.victims} - goes
    dead = {
        pane.id for session in made.sessions if session.id not in goes for pane in session.panes if pane.dead
    }
    _right(made, list(settled.take), goes, count, most=budget)
    if strange := again - dead:
        raise Wrong(f"may go at once: {strange}")
    if settled.take and budget == 1:
        longest = max(each.quiet for each in decided.victims if (each.id, each.rest) in before)
        if settled.take[0].quiet < longest:
            raise Wrong("not what has rested longest")
    count.taken += len(settled.take)
    _still(collector, made, settled.take, decided)
    busy = made.calm() - {pane.id for each in made.sessions if each.id in goes for pane in each.panes}
    world_ = collector.World(
        server=made.server(),
        rests=made.rests(),
        calm=busy,
        quiet={each.id: each.quiet for each in settled.take},
        rules={"w": made.gc},
    )
    if [each for each in collector.still(collector.decide(world_), settled.take) if each.id.startswith("$")]:
        raise Wrong("taken although something runs in it by now")


def _right(made: Made, victims: Any, goes: set[str], count: Count, most: int = 1000) -> None:
    found = {each.id for each in victims}
    count.near += len(made.flawed)
    for each in sorted(found):
        if each in made.flawed:
            raise Wrong(f"{each} goes: {made.flawed[each]}")
    inside = {pane.id for session in made.sessions if session.id in goes for pane in session.panes}
    left = {each for each in goes if each not in found and each not in inside}
    if left and len(found) < most:
        raise Wrong(f"left: {left}")
    if len(found) > most:
        raise Wrong(f"{len(found)} at once, of {most}")


def _still(collector: Any, made: Made, take: Any, decided: Any) -> None:
    """Right before they go: whoever does not rest alike stays, and the steps compare what was decided on."""
    if not take:
        return
    other = dataclasses.replace(take[0], rest=take[0].rest + " ")
    if collector.still(decided, [other]):
        raise Wrong("taken although it does not rest as it did")
    if list(collector.still(decided, take)) != list(take):
        raise Wrong("not taken although nothing changed")
    steps = collector.lower("w", take, made.server()).steps
    for victim, step in zip(take, steps, strict=True):
        what = step.action
        assert isinstance(what, action.Collect)
        if (what.rest, what.id, what.expect) != (victim.rest, victim.id, victim.mark):
            raise Wrong("the step compares something else")


def schedules(*names: str) -> str:
    """Rules that want tmux to live on."""
    wanted = tuple(
        rules.Schedule(
            name=name,
            time=rules.Every(interval=timedelta(hours=1)),
            do=(rules.Reaction(act=rules.Log(text="x")),),
        )
        for name in names
    )
    return rules_changes.text(rules.Rules(schedules=wanted))
