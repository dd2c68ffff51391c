"""What `depends_on` and `groups` speak of: names of sessions, panes and groups, resolved to panes' addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestra.manifest import limits, tree
from orchestra.manifest.problem import Problems, listed, quoted
from orchestra.manifest.tree import List, Map, Node
from orchestra.model import names, spec
from orchestra.model.diagnostic import Location

CASCADE = "cascade"
STRENGTH = {condition: strength for strength, condition in enumerate(spec.Condition)}


@dataclass(slots=True)
class Known:
    """What there is to refer to. A session whose panes' names are not all known answers for any name."""

    problems: Problems
    sessions: Mapping[str, Sequence[str]]
    """To their panes' addresses."""
    unclear: frozenset[str]
    with_health: frozenset[str]
    with_command: frozenset[str]
    panes: Mapping[str, int] = field(init=False)
    """Every address, to its position in the manifest."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    named: int = 0
    """How many panes were named so far, once for each time."""

    def __post_init__(self) -> None:
        every = (address for addresses in self.sessions.values() for address in addresses)
        self.panes = {address: position for position, address in enumerate(every)}

    def count(self, panes: int, at: Location) -> bool:
        """Whether so many panes may still be named."""
        if self.named > limits.DEPENDENCIES:
            return False  # told already
        self.named += panes
        if self.named <= limits.DEPENDENCIES:
            return True
        most = limits.DEPENDENCIES
        self.problems.add(
            at, f"`depends_on` and `groups` name more than {most} panes, each counted each time"
        )
        return False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One entry of a `depends_on`; no condition: what fits each pane."""

    name: str
    at: Location
    condition: spec.Condition | None
    required: bool
    cascades: bool


def groups(node: Node | None, known: Known) -> tuple[spec.Group, ...]:
    made = tuple(_group(name, entry.node, known) for name, entry in tree.children(node))
    known.groups.update((group.name, group.panes) for group in made)
    return made


def _group(name: str, node: Node, known: Known) -> spec.Group:
    addresses: set[str] = set()
    for item in tree.items(tree.child(node, "sessions")):
        session = tree.text(item)
        if session is None:
            continue
        if session not in known.sessions:
            summary = f"unknown session {quoted(session)} in a group"
            is_pane = session in known.panes
            hint = f"a pane stands under `panes`: `panes: [{session}]`" if is_pane else None
            known.problems.add(
                item.at, summary, hint=hint, word=None if is_pane else session, among=known.sessions
            )
        elif known.count(len(known.sessions[session]), item.at):
            addresses.update(known.sessions[session])
    for item in tree.items(tree.child(node, "panes")):
        address = tree.text(item)
        if address is None:
            continue
        if address in known.panes:
            addresses.add(address)
        elif names.session_of(address) not in known.unclear:
            summary = f"unknown pane {quoted(address)} in a group"
            hint = "a pane is named `session/pane` here"
            known.problems.add(item.at, summary, hint=hint, word=address, among=known.panes)
    labels = tree.children(tree.child(node, "labels"))
    return spec.Group(
        name=name,
        panes=tuple(sorted(addresses, key=known.panes.__getitem__)),
        labels={key: text for key, entry in labels if (text := tree.text(entry.node)) is not None},
    )


Dependencies = Mapping[str, spec.Dependency]
"""By the address of the pane that comes first."""


def of_session(session: str, node: Node | None, known: Known) -> Dependencies:
    """What all panes of a session depend on."""
    found: dict[str, spec.Dependency] = {}
    for wanted in _wanted(node):
        addresses = _resolved(wanted, session, known, siblings=False)
        if not known.count(len(addresses), wanted.at):
            continue
        if any(names.session_of(address) == session for address in addresses):
            summary = f"the session {quoted(session)} depends on itself"
            known.problems.add(wanted.at, summary, hint="say it at the pane that needs it")
        else:
            _add(found, wanted, addresses, known)
    return found


def of_pane(pane: str, node: Map, inherited: Dependencies, known: Known) -> tuple[spec.Dependency, ...]:
    """Its session's and its own; the strongest condition wins where several entries mean the same pane."""
    if not known.count(len(inherited), node.at):
        return ()
    found = dict(inherited)
    if pane not in known.with_command:  # somebody may be at work in a shell: it has to say so itself
        found = {address: dataclasses.replace(each, cascades=False) for address, each in found.items()}
    session, _, name = pane.partition("/")
    for wanted in _wanted(tree.child(node, "depends_on")):
        addresses = _resolved(wanted, session, known, siblings=True)
        if not known.count(len(addresses), wanted.at):
            continue
        if pane in addresses:
            how = "" if wanted.name in (pane, name) else f", which is part of {quoted(wanted.name)}"
            known.problems.add(wanted.at, f"the pane {quoted(pane)} depends on itself{how}")
        else:
            _add(found, wanted, addresses, known)
    return tuple(found.values())


def _add(found: dict[str, spec.Dependency], wanted: Wanted, addresses: Sequence[str], known: Known) -> None:
    for address in addresses:
        fitting = spec.Condition.HEALTHY if address in known.with_health else spec.Condition.STARTED
        condition = wanted.condition or fitting
        # A shell that is started again is meant only where it is named itself.
        is_named = wanted.name in (address, address.partition("/")[2])
        cascades = wanted.cascades and (address in known.with_command or is_named)
        before = found.get(address)
        if before is None:
            found[address] = spec.Dependency(
                pane=address, condition=condition, required=wanted.required, cascades=cascades
            )
        else:
            found[address] = spec.Dependency(
                pane=address,
                condition=max(before.condition, condition, key=STRENGTH.__getitem__),
                required=before.required or wanted.required,
                cascades=before.cascades or cascades,
            )


def _wanted(node: Node | None) -> Iterator[Wanted]:
    match node:
        case List():
            for item in node.items:
                if (name := tree.text(item)) is not None:
                    yield Wanted(name, item.at, None, required=True, cascades=False)
        case Map():
            for name, entry in node.entries.items():
                said = entry.node if isinstance(entry.node, Map) else None
                condition = tree.text(tree.child(said, "condition") if said else entry.node)
                required = tree.flag(tree.child(said, "required"))
                cascades = tree.text(tree.child(said, "on_restart")) == CASCADE
                yield Wanted(
                    name, entry.at, _condition(condition), required=required is not False, cascades=cascades
                )


def _condition(text: str | None) -> spec.Condition | None:
    return spec.Condition(text) if text in STRENGTH else None


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
