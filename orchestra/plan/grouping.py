"""Groups of sessions and who waits for whom, as people make them by hand. Pure: they stand on the tmux server as one text."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from orchestra.model import errors, names, status
from orchestra.model.frozen import frozen


@frozen
class Member:
    """A session, by the name it had and tmux's id: one that is renamed stays in."""

    name: str
    id: str


@frozen
class Group:
    created_at: str
    members: tuple[Member, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@frozen
class ByHand:
    groups: Mapping[str, Group] = field(default_factory=dict)
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Session → the sessions it waits for, by name."""


Change = Callable[[ByHand], ByHand]


def text(found: ByHand) -> str:
    """Letters that mean nothing to tmux. "" where there is nothing."""
    if not found.groups and not found.dependencies:
        return ""
    plain = {
        "groups": {
            name: {
                "created_at": each.created_at,
                "sessions": [member.name for member in each.members],
                "ids": [member.id for member in each.members],
                "metadata": dict(each.metadata),
            }
            for name, each in found.groups.items()
        },
        "dependencies": {name: list(others) for name, others in found.dependencies.items()},
    }
    return base64.b64encode(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).decode()


def parse(text: str) -> ByHand:
    """What cannot be read (another version wrote it, or a person) is refused: it would be written over."""
    if not text:
        return ByHand()
    try:
        plain = json.loads(base64.b64decode(text, validate=True))
        groups = {
            str(name): Group(
                created_at=str(each["created_at"]),
                members=tuple(
                    Member(name=str(name), id=str(id_))
                    for name, id_ in zip(each["sessions"], each["ids"], strict=True)
                ),
                metadata={str(key): str(value) for key, value in each["metadata"].items()},
            )
            for name, each in plain["groups"].items()
        }
        needs = {str(name): tuple(map(str, others)) for name, others in plain["dependencies"].items()}
    except (ValueError, binascii.Error, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise errors.Conflict(
            "the groups that stand on the tmux server cannot be read: another version wrote them",
            hint="tmux set-option -su @orchestra_groups forgets them",
        ) from error
    return ByHand(groups=groups, dependencies=needs)


# --- changes


def created(found: ByHand, name: str, now: str) -> ByHand:
    _named(name)
    if name in found.groups:
        return found
    return dataclasses.replace(found, groups={**found.groups, name: Group(created_at=now)})


def added(found: ByHand, name: str, sessions: Iterable[status.Session], now: str) -> ByHand:
    """The group is made where there is none."""
    base = created(found, name, now)
    group = base.groups[name]
    there = {member.id for member in group.members}
    new = [Member(name=names.given(each.name), id=each.id) for each in sessions if each.id not in there]
    return dataclasses.replace(
        base, groups={**base.groups, name: dataclasses.replace(group, members=(*group.members, *new))}
    )


def removed(found: ByHand, name: str, words: Sequence[str], server: status.Server) -> ByHand:
    group = known(found, name)
    now = {member.id: called(member, server) or member.name for member in group.members}
    for word in words:
        if word not in {*now.values(), *(member.name for member in group.members)}:
            raise errors.UsageError(
                f"{word} is not in the group {name}", hint=f"in it are: {', '.join(now.values()) or 'none'}"
            )
    kept = tuple(
        member for member in group.members if member.name not in words and now[member.id] not in words
    )
    return dataclasses.replace(found, groups={**found.groups, name: dataclasses.replace(group, members=kept)})


def deleted(found: ByHand, name: str) -> ByHand:
    known(found, name)
    return dataclasses.replace(
        found, groups={each: group for each, group in found.groups.items() if each != name}
    )


def forgotten(found: ByHand, session: status.Session) -> ByHand:
    """Of a session that is ended on purpose nothing remains."""
    name = names.given(session.name)
    groups = {
        each: dataclasses.replace(
            group, members=tuple(member for member in group.members if member.id != session.id)
        )
        for each, group in found.groups.items()
    }
    needs = {
        each: tuple(other for other in others if other != name)
        for each, others in found.dependencies.items()
        if each != name
    }
    return ByHand(groups=groups, dependencies={each: others for each, others in needs.items() if others})


def depending(found: ByHand, session: str, other: str) -> ByHand:
    """`session` waits for `other`. A circle is refused, and told."""
    circle = _path(found.dependencies, other, session)
    if circle is not None:
        raise errors.Conflict(
            f"{session} cannot wait for {other}: they would wait in a circle, {' → '.join([session, *circle])}"
        )
    others = found.dependencies.get(session, ())
    if other in others:
        return found
    return dataclasses.replace(found, dependencies={**found.dependencies, session: (*others, other)})


def independent(found: ByHand, session: str, other: str) -> ByHand:
    others = found.dependencies.get(session, ())
    if other not in others:
        raise errors.UsageError(
            f"{session} does not wait for {other}", hint=f"it waits for: {', '.join(others) or 'none'}"
        )
    left = tuple(each for each in others if each != other)
    rest = {name: each for name, each in found.dependencies.items() if name != session}
    return dataclasses.replace(found, dependencies={**rest, session: left} if left else rest)


def _path(needs: Mapping[str, Sequence[str]], start: str, end: str) -> list[str] | None:
    paths = [[start]]
    seen = {start}
    while paths:
        path = paths.pop()
        if path[-1] == end:
            return path
        for other in needs.get(path[-1], ()):
            if other not in seen:
                seen.add(other)
                paths.append([*path, other])
    return None


def order(needs: Mapping[str, Sequence[str]], session: str) -> tuple[str, ...]:
    """What it waits for, first things first, and itself at the end."""
    found: dict[str, None] = {}
    _visit(needs, session, found)
    return tuple(found)


def _visit(needs: Mapping[str, Sequence[str]], session: str, found: dict[str, None]) -> None:
    for other in needs.get(session, ()):
        if other not in found:
            _visit(needs, other, found)
    found[session] = None


# --- questions


def known(found: ByHand, name: str) -> Group:
    """`UsageError` with what may be meant."""
    if name in found.groups:
        return found.groups[name]
    import difflib  # only a slip pays for it

    near = difflib.get_close_matches(name, found.groups, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"there are: {', '.join(found.groups)}"
        if found.groups
        else "orchestra group create makes one"
    )
    raise errors.UsageError(f"there is no group {name} on this tmux server", hint=hint)


def called(member: Member, server: status.Server) -> str | None:
    """Its session's name now; None when that is gone."""
    found = session_of(member, server)
    return names.given(found.name) if found is not None else None


def session_of(member: Member, server: status.Server) -> status.Session | None:
    """By tmux's id; of one that was ended and made anew, by its name."""
    by_id = next((each for each in server.sessions if each.id == member.id), None)
    return by_id or next((each for each in server.sessions if names.given(each.name) == member.name), None)


def of_session(found: ByHand, session: status.Session) -> tuple[str, ...]:
    name = names.given(session.name)
    return tuple(
        each
        for each, group in found.groups.items()
        if any(member.id == session.id or member.name == name for member in group.members)
    )


def _named(name: str) -> None:
    if not names.NAME.match(name):
        raise errors.UsageError(f"{name!r} cannot be a group's name", hint="letters, digits, - and _")
