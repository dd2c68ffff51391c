"""What `depends_on` and `groups` speak of: names of sessions, panes and groups, resolved to panes' addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestra.manifest import limits, tree
from orchestra.manifest.problem import Problems, listed, quoted
from orchestra.manifest.tree import List, Map, Node
from orchestra.model import names, spec
from orchestra.model.diagnostic import Location

STRENGTH = {condition: strength for strength, condition in enumerate(spec.Condition)}


@dataclass(slots=True)
class Known:
    """What there is to refer to. A session whose panes' names are not all known answers for any name."""

    problems: Problems
    sessions: Mapping[str, Sequence[str]]
    """To their panes' addresses."""
    unclear: frozenset[str]
    with_health: frozenset[str]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    panes: frozenset[str] = frozenset()
    dependencies: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One entry of a `depends_on`; no condition: what fits each pane."""

    name: str
    at: Location
    condition: spec.Condition | None
    required: bool


def groups(node: Node | None, known: Known) -> tuple[spec.Group, ...]:
    made = tuple(_group(name, entry.node, known) for name, entry in tree.children(node))
    known.groups.update((group.name, group.panes) for group in made)
    return made


def _group(name: str, node: Node, known: Known) -> spec.Group:
    addresses: set[str] = set()
    for item in tree.items(tree.child(node, "sessions")):
        if (session := tree.text(item)) is None:
            continue
        if session not in known.sessions:
            known.problems.add(
                item.at, f"unknown session {quoted(session)} in a group", word=session, among=known.sessions
            )
        addresses.update(known.sessions.get(session, ()))
    for item in tree.items(tree.child(node, "panes")):
        if (address := tree.text(item)) is None:
            continue
        if address in known.panes:
            addresses.add(address)
        elif names.session_of(address) not in known.unclear:
            hint = "a pane is named `session/pane` here"
            known.problems.add(
                item.at,
                f"unknown pane {quoted(address)} in a group",
                hint=hint,
                word=address,
                among=known.panes,
            )
    ordered = tuple(
        address for session in known.sessions.values() for address in session if address in addresses
    )
    labels = tree.child(node, "labels")
    return spec.Group(
        name=name,
        panes=ordered,
        labels={k: v for k, e in tree.children(labels) if (v := tree.text(e.node)) is not None},
    )


def dependencies(
    pane: str, own: Node | None, inherited: Node | None, known: Known
) -> tuple[spec.Dependency, ...]:
    """The strongest condition wins where several entries mean the same pane."""
    found: dict[str, spec.Dependency] = {}
    session = names.session_of(pane)
    for wanted, addresses in (
        *((one, _of_session(one, session, known)) for one in _wanted(inherited)),
        *((one, _of_pane(one, pane, known)) for one in _wanted(own)),
    ):
        for address in addresses:
            condition = wanted.condition or _fitting(address, known)
            before = found.get(address)
            if before is None:
                found[address] = spec.Dependency(pane=address, condition=condition, required=wanted.required)
            else:
                found[address] = spec.Dependency(
                    pane=address,
                    condition=max(before.condition, condition, key=STRENGTH.__getitem__),
                    required=before.required or wanted.required,
                )
    known.dependencies += len(found)
    if known.dependencies > limits.DEPENDENCIES and (node := own or inherited):
        known.problems.add(
            node.at, f"the panes depend on more than {limits.DEPENDENCIES} others, all counted"
        )
        return ()
    return tuple(found.values())


def _wanted(node: Node | None) -> Iterator[Wanted]:
    match node:
        case List():
            for item in node.items:
                if (name := tree.text(item)) is not None:
                    yield Wanted(name, item.at, None, required=True)
        case Map():
            for name, entry in node.entries.items():
                said = entry.node if isinstance(entry.node, Map) else None
                condition = tree.text(tree.child(said, "condition") if said else entry.node)
                required = tree.flag(tree.child(said, "required"))
                yield Wanted(name, entry.at, _condition(condition), required is not False)


def _condition(text: str | None) -> spec.Condition | None:
    return spec.Condition(text) if text in STRENGTH else None


def _fitting(address: str, known: Known) -> spec.Condition:
    return spec.Condition.HEALTHY if address in known.with_health else spec.Condition.STARTED


def _of_session(wanted: Wanted, session: str, known: Known) -> Sequence[str]:
    addresses = _resolved(wanted, session, known, siblings=False)
    if any(names.session_of(address) == session for address in addresses):
        known.problems.add(
            wanted.at,
            f"the session {quoted(session)} depends on itself",
            hint="say it at the pane that needs it",
        )
        return ()
    return addresses


def _of_pane(wanted: Wanted, pane: str, known: Known) -> Sequence[str]:
    addresses = _resolved(wanted, names.session_of(pane), known, siblings=True)
    if pane in addresses:
        how = (
            ""
            if wanted.name in (pane, pane.partition("/")[2])
            else f", which is part of {quoted(wanted.name)}"
        )
        known.problems.add(wanted.at, f"the pane {quoted(pane)} depends on itself{how}")
        return ()
    return addresses


def _resolved(wanted: Wanted, session: str, known: Known, *, siblings: bool) -> Sequence[str]:
    name = wanted.name
    if name.startswith("@"):
        return _of_group(wanted, known)
    if name in known.sessions:
        return known.sessions[name]
    address = names.pane(session, name) if siblings and "/" not in name else name
    if address in known.panes:
        return (address,)
    if names.session_of(address) in known.unclear:
        return ()
    _complain(wanted, session, known, siblings=siblings)
    return ()


def _of_group(wanted: Wanted, known: Known) -> Sequence[str]:
    name = wanted.name.removeprefix("@")
    if name not in known.groups:
        among = tuple(f"@{group}" for group in known.groups)
        hint = f"there are {listed(among)}" if among else "the manifest declares no groups"
        known.problems.add(
            wanted.at,
            f"unknown group {quoted(wanted.name)} in depends_on",
            hint=hint,
            word=wanted.name,
            among=among,
        )
    return known.groups.get(name, ())


def _complain(wanted: Wanted, session: str, known: Known, *, siblings: bool) -> None:
    name = wanted.name
    own = [address.partition("/")[2] for address in known.sessions.get(session, ())] if siblings else []
    if "/" in name:
        what, among = "pane", list(known.panes)
    elif siblings:
        what, among = "session or pane", [*known.sessions, *own]
    else:
        what, among = "session", list(known.sessions)
    hint = "name a session, a pane as `session/pane`, or a group as `@group`"
    known.problems.add(
        wanted.at, f"unknown {what} {quoted(name)} in depends_on", hint=hint, word=name, among=among
    )
