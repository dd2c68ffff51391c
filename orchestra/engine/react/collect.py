"""Garbage collection: what nobody needs any more, and that nothing else is taken.

Pure: of one look at the world, and of what the looks before it knew, `decide` says what may go. It is marked in one pass (`settle`) and
taken in a later one, if it rests exactly as it did; the removal compares that once more, in the same step of the server. Everything
fails closed: what was not looked at, or cannot be understood, stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import timedelta

from orchestra.engine.trigger import triggers
from orchestra.model import action, names, plan, rules, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import build, causes, record, rules_changes

ORPHANED = timedelta(days=1)
"""For so long a workspace owns nothing before what is remembered of it is forgotten."""
LIVES = (status.Stage.WAITING, status.Stage.TYPING, status.Stage.STOPPED)
"""Stages of what is not at its end: still to be started, being typed into, or stopped by a person (an apply would start it anew)."""


@frozen
class World:
    server: status.Server
    rests: Mapping[str, status.Rest]
    """By id, of sessions and panes; whoever is not in it does not rest."""
    calm: frozenset[str]
    """Ids of panes in which nothing runs at all, or nothing but an interactive shell at its prompt."""
    quiet: Mapping[str, timedelta]
    """By id: how long it has rested, as far as we saw it ourselves, on a clock that nobody sets."""
    rules: Mapping[str, rules.Gc]
    """By workspace."""
    remembered: frozenset[str] = frozenset()
    """Workspaces of which a manifest's text is kept."""
    forgotten: Mapping[str, timedelta] = field(default_factory=dict)
    """Workspaces that own nothing: for how long we have seen that."""


@frozen
class Victim:
    kind: action.Kind
    """A session, a pane; GC: what is remembered of a workspace that owns nothing."""
    workspace: str
    address: str
    id: str
    mark: status.Mark | None
    rest: str
    """As it rested. What is marked and what is taken must have rested alike."""
    why: str
    panes: tuple[str, ...] = ()
    """Addresses."""
    uids: tuple[str, ...] = ()
    """Of these panes."""
    quiet: timedelta = timedelta(0)


@frozen
class Decision:
    victims: tuple[Victim, ...] = ()
    """Those that have rested longest first."""
    spared: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(Workspace, address) -> why it stays although its time may have come."""


# --- how long


@frozen
class Since:
    text: str
    at: float
    """Seconds of a clock that is never set."""


def watched(
    before: Mapping[str, Since],
    server: status.Server,
    rests: Mapping[str, status.Rest],
    calm: frozenset[str],
    now: float,
) -> dict[str, Since]:
    """What rests as it did goes on resting. What something runs in does not rest, also where nothing shows it."""
    restless = {place.pane.id for place in status.places(server)} - calm
    restless |= {
        session.id
        for session in server.sessions
        if any(pane.id in restless for window in session.windows for pane in window.panes)
    }
    found: dict[str, Since] = {}
    for id_, rest in rests.items():
        known = before.get(id_)
        is_same = known is not None and known.text == rest.text and id_ not in restless
        found[id_] = known if known is not None and is_same else Since(text=rest.text, at=now)
    return found


# --- what may go


def decide(world: World) -> Decision:
    victims: list[Victim] = []
    spared: dict[tuple[str, str], str] = {}
    around = _around(world)
    for each in (*_sessions(world, around), *_panes(world, around), *_remembered(world)):
        if isinstance(each, Victim):
            victims.append(each)
        else:
            workspace, address, why = each
            spared.setdefault((workspace, address), why)
    whole = {
        (each.workspace, pane) for each in victims if each.kind is action.Kind.SESSION for pane in each.panes
    }
    kept = [
        each
        for each in victims
        if each.kind is not action.Kind.PANE or (each.workspace, each.address) not in whole
    ]
    kept = list(_but_not_the_server(world, kept, spared))
    kept.sort(key=lambda each: (-each.quiet, each.workspace, each.address))
    taken = {(each.workspace, each.address) for each in kept}
    return Decision(victims=tuple(kept), spared={key: why for key, why in spared.items() if key not in taken})


_Found = Victim | tuple[str, str, str]
"""Or workspace, address and why it stays."""


@frozen
class _Around:
    """Read once: what stands on all panes."""

    records: Mapping[str, record.PaneRecord | None]
    """By id, of ours."""
    bearers: Mapping[str, int]
    """By uid: how many panes bear it."""
    needed: Mapping[tuple[str, str], frozenset[str]]
    """(Workspace, address) → addresses of panes that depend on it, and are not at their end."""


def _around(world: World) -> _Around:
    records: dict[str, record.PaneRecord | None] = {}
    bearers: dict[str, int] = {}
    needed: dict[tuple[str, str], set[str]] = {}
    for place in status.places(world.server):
        pane, mark = place.pane, place.pane.mark
        if mark is None:
            continue
        known = records[pane.id] = record.parse_pane(pane.record)
        bearers[mark.uid] = bearers.get(mark.uid, 0) + 1
        if known is None or (pane.dead and mark.stage not in LIVES and _ended_for_good(pane, known.pane)):
            continue
        for edge in known.pane.depends_on:
            needed.setdefault((mark.workspace, edge.pane), set()).add(mark.address)
    return _Around(
        records=records,
        bearers=bearers,
        needed={key: frozenset(found) for key, found in needed.items()},
    )


def _sessions(world: World, around: _Around) -> Iterator[_Found]:
    """Those in which there is nothing but idle shells, and what has ended for good."""
    for session in world.server.sessions:
        mark = session.mark
        gc = world.rules.get(mark.workspace) if mark is not None else None
        if mark is None or gc is None or gc.idle is None:
            continue
        why = _session_stays(world, around, session, mark)
        quiet = world.quiet.get(session.id, timedelta(0))
        if why:
            yield mark.workspace, mark.address, why
        elif quiet >= gc.idle:
            yield Victim(
                kind=action.Kind.SESSION,
                workspace=mark.workspace,
                address=mark.address,
                id=session.id,
                mark=mark,
                rest=world.rests[session.id].text,
                why=f"idle for {words(quiet)}",
                panes=tuple(each.address for each in _in(session)),
                uids=tuple(each.uid for each in _in(session)),
                quiet=quiet,
            )


def _in(session: status.Session) -> Iterator[status.Mark]:
    """The marks of its panes."""
    for window in session.windows:
        for pane in window.panes:
            if pane.mark is not None:
                yield pane.mark


def _session_stays(world: World, around: _Around, session: status.Session, mark: status.Mark) -> str:
    """Why it stays; "" when nothing speaks for it."""
    panes = [(window, pane) for window in session.windows for pane in window.panes]
    for window, pane in panes:
        if pane.mark is None or pane.mark.workspace != mark.workspace:
            return "somebody opened a pane in it"
        if window.mark is None or window.mark.workspace != mark.workspace:
            return "somebody opened a window in it"
        if names.session_of(pane.mark.address) != mark.address:
            return f"{pane.mark.address} was moved into it"
    if why := _nobody(world, session.id, session.attached):
        return why
    own = {pane.mark.address for _, pane in panes if pane.mark is not None}
    for _, pane in panes:
        assert pane.mark is not None
        known = around.records[pane.id]
        why = _pane_stays(world, around, pane, pane.mark, own)
        if not why and not pane.dead:
            why = _no_idle_shell(known.pane if known is not None else None)
        if why:
            return f"{pane.mark.address}: {why}"
    if all(pane.dead for _, pane in panes):
        return "no shell in it: what has ended is a matter of `completed`"
    return ""


def _no_idle_shell(declared: spec.Pane | None) -> str:
    if declared is None or declared.command is not None:
        return "it runs a command"
    if declared.stop.keys or declared.stop.command is not None:
        return "it has a stop of its own"
    return ""


def _panes(world: World, around: _Around) -> Iterator[_Found]:
    """Those whose command ended well."""
    for place in status.places(world.server):
        pane, mark = place.pane, place.pane.mark
        gc = world.rules.get(mark.workspace) if mark is not None else None
        if mark is None or gc is None or gc.completed is None or not pane.dead:
            continue
        known = around.records[pane.id]
        if known is None or known.pane.command is None or pane.exit_code != 0:
            continue
        why = _nobody(world, pane.id, place.session.attached)
        why = why or _pane_stays(world, around, pane, mark, {mark.address})
        quiet = world.quiet.get(pane.id, timedelta(0))
        if why:
            yield mark.workspace, mark.address, why
        elif quiet >= gc.completed:
            yield Victim(
                kind=action.Kind.PANE,
                workspace=mark.workspace,
                address=mark.address,
                id=pane.id,
                mark=mark,
                rest=world.rests[pane.id].text,
                why=f"completed {words(quiet)} ago",
                panes=(mark.address,),
                uids=(mark.uid,),
                quiet=quiet,
            )


def _nobody(world: World, id_: str, attached: int) -> str:
    """Why somebody may be there."""
    rest = world.rests.get(id_)
    if rest is None:
        return "it could not be looked at"
    if attached or rest.attached:
        return "somebody is attached"
    if rest.shared:
        return "a window of it is in another session too"
    if rest.pinned:
        return "pinned"
    if rest.moded:
        return "somebody reads in it"
    return ""


def _pane_stays(world: World, around: _Around, pane: status.Pane, mark: status.Mark, going: set[str]) -> str:
    """`going`: what would go with it."""
    known = around.records[pane.id]
    if known is None:
        return "what it is cannot be read"
    if known.pane.pin:
        return "pinned"
    if mark.stage in LIVES:
        return _STAGES[mark.stage]
    if pane.dead and not _ended_for_good(pane, known.pane):
        return "its end calls for somebody"
    if pane.id not in world.calm:
        return "something runs in it"
    if around.bearers[mark.uid] > 1:
        return "another pane bears its mark"
    dependants = sorted(around.needed.get((mark.workspace, mark.address), frozenset()) - going)
    return f"{dependants[0]} depends on it" if dependants else ""


_STAGES = {
    status.Stage.WAITING: "it waits to be started",
    status.Stage.TYPING: "lines are being typed into it",
    status.Stage.STOPPED: "a person stopped it",
}


def _ended_for_good(pane: status.Pane, declared: spec.Pane) -> bool:
    """Well, and nobody starts it again."""
    policy = declared.restart.policy
    return pane.exit_code == 0 and pane.signal is None and policy in (spec.Policy.NO, spec.Policy.ON_FAILURE)


def _remembered(world: World) -> Iterator[_Found]:
    """Rules and texts of workspaces that own nothing."""
    if not world.server.running:
        return
    owning = {mark.workspace for mark in marks(world.server)}
    for name in sorted({*world.server.rules, *world.remembered} - owning):
        gc, quiet = world.rules.get(name), world.forgotten.get(name, timedelta(0))
        if gc is None or not gc.orphans or quiet < ORPHANED:
            continue
        text = world.server.rules.get(name, "")
        known = rules_changes.parse(text)
        if known is None or known.schedules or known.triggers:
            yield name, "rules:", "it has triggers or schedules"
            continue
        yield Victim(
            kind=action.Kind.GC,
            workspace=name,
            address="rules:",
            id=name,
            mark=None,
            rest=text,
            why=f"the workspace has owned nothing for {words(quiet)}",
            quiet=quiet,
        )


def marks(server: status.Server) -> Iterator[status.Mark]:
    """All that stand on it."""
    for session in server.sessions:
        found = [session.mark]
        for window in session.windows:
            found += [window.mark, *(pane.mark for pane in window.panes)]
        yield from (mark for mark in found if mark is not None)


def _but_not_the_server(
    world: World, victims: Sequence[Victim], spared: dict[tuple[str, str], str]
) -> Iterator[Victim]:
    """tmux ends with its last session, and the rules that stand on it with tmux."""
    lives_on = any(_goes_on(text) for name, text in world.server.rules.items() if name != triggers.ADDED)
    left = {session.id: _left(session, victims) for session in world.server.sessions}
    if not lives_on or any(left.values()):
        yield from victims
        return
    for each in victims:
        if each.kind is action.Kind.GC:
            yield each
        else:
            why = "tmux would end, and triggers and schedules with it"
            spared.setdefault((each.workspace, each.address), why)


def _left(session: status.Session, victims: Sequence[Victim]) -> bool:
    """Whether something of it would stay."""
    ids = {each.id for each in victims}
    panes = {pane.id for window in session.windows for pane in window.panes}
    return session.id not in ids and not panes <= ids


def _goes_on(text: str) -> bool:
    known = rules_changes.parse(text)
    return (
        known is None
        or any(each.enabled for each in known.triggers)
        or any(each.enabled for each in known.schedules)
    )


# --- marked, then taken


@frozen
class Pass:
    take: tuple[Victim, ...]
    mark: tuple[Victim, ...]
    """All that may go and is not taken in this pass."""
    new: tuple[Victim, ...]
    """Of `mark`, what was not marked before."""
    spared: Mapping[tuple[str, str], str]
    """What was marked, and is not to go after all."""


def settle(decision: Decision, marked: Sequence[Victim], budgets: Mapping[str, int]) -> Pass:
    """`marked` in an earlier pass."""
    before = {_key(each): each for each in marked}
    room = dict(budgets)
    take: list[Victim] = []
    for each in decision.victims:
        known = before.get(_key(each))
        if known is None or known.rest != each.rest or room.get(each.workspace, 0) < 1:
            continue
        take.append(each)
        room[each.workspace] -= 1
    taken = {_key(each) for each in take}
    mark = [each for each in decision.victims if _key(each) not in taken]
    now = {_key(each) for each in decision.victims}
    gone = {
        (each.workspace, each.address): decision.spared.get(
            (each.workspace, each.address), "it does not rest any more"
        )
        for key, each in before.items()
        if key not in now
    }
    new = [each for each in mark if _key(each) not in before or before[_key(each)].rest != each.rest]
    return Pass(take=tuple(take), mark=tuple(mark), new=tuple(new), spared=gone)


def still(decision: Decision, victims: Sequence[Victim]) -> tuple[Victim, ...]:
    """Those of them that may go now as well, and rest as they did."""
    now = {(*_key(each), each.rest) for each in decision.victims}
    return tuple(each for each in victims if (*_key(each), each.rest) in now)


def _key(victim: Victim) -> tuple[str, str, str, str]:
    uid = victim.mark.uid if victim.mark is not None else ""
    return victim.kind, victim.workspace, victim.id, uid


def lower(workspace: str, victims: Sequence[Victim], observed: status.Server) -> plan.Plan:
    """The way everything goes: a plan, of this workspace alone."""
    changes: list[plan.Change] = []
    steps: list[plan.Step] = []
    for each in victims:
        what: action.Action
        if each.kind is action.Kind.GC:
            if observed.rules.get(workspace, "") != each.rest or any(
                mark.workspace == workspace for mark in marks(observed)
            ):
                continue
            what = action.WriteRules(workspace=workspace, text="")
        else:
            assert each.mark is not None
            what = action.Collect(
                kind=each.kind, address=each.address, expect=each.mark, id=each.id, rest=each.rest
            )
        cause = plan.Cause(reason=each.why)
        changes.append(
            plan.Change(kind=each.kind, address=each.address, verb=plan.Verb.DELETE, causes=(cause,))
        )
        steps.append(plan.Step(id=len(steps), action=what, change=each.address))
    return plan.Plan(
        workspace=workspace,
        file="",
        world=build.world(workspace, changes, observed),
        changes=tuple(changes),
        steps=tuple(steps),
    )


def words(time: timedelta) -> str:
    """In the largest unit that says it."""
    seconds = int(time.total_seconds())
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return causes.count(seconds // size, noun)
    return causes.count(seconds, "second")
