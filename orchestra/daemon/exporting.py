"""A group made by hand as a manifest: its sessions as they are, who waits for whom, and the group."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from orchestra.daemon import assemble, snapshots
from orchestra.manifest import dump
from orchestra.model import errors, names, spec, status
from orchestra.model.frozen import frozen
from orchestra.plan import grouping
from orchestra.snapshot import document, take


@frozen
class Exported:
    text: str
    left_out: Sequence[str]
    missing: Sequence[str]
    """Sessions of the group that are gone."""


def group(assembly: assemble.Assembly, name: str) -> Exported:
    seen = snapshots.seen(assembly)
    made = grouping.parse(seen.server.groups)
    known = grouping.known(made, name)
    live = [grouping.session_of(member, seen.server) for member in known.members]
    missing = [member.name for member, found in zip(known.members, live, strict=True) if found is None]
    wanted = [each for each in live if each is not None]
    if not wanted:
        raise errors.ActionFailed(f"no session of the group {name} is there: nothing can be written")
    taken = take.taken(seen)
    called: dict[str, spec.Session] = {}
    for each in wanted:
        found = _spec(each, taken)
        if found is not None:
            theirs = each.mark is None and seen.settings.renames
            called[names.given(each.name)] = _as_usual(found) if theirs else found
    workspace = spec.Workspace(
        name=_workspace(name), file="", sessions=_distinct(tuple(called.values())), description=""
    )
    renamed = {live: made.name for live, made in zip(called, workspace.sessions, strict=True)}
    plain = document.document(take.declared(workspace), seen.home)
    text = dump.text(_with_groups(plain, name, known.metadata, made, renamed))
    return Exported(text=text, left_out=[line for each in taken for line in each.left_out], missing=missing)


def _spec(session: status.Session, taken: Sequence[take.Taken]) -> spec.Session | None:
    """Of one of ours by its address; of anyone's by its name, which stands in its title where it could not be a name of ours."""
    for each in taken:
        for found in each.workspace.sessions:
            if session.mark is not None:
                if each.workspace.name == session.mark.workspace and found.name == session.mark.address:
                    return found
            elif not each.owned and (found.title or found.name) == names.given(session.name):
                return found
    return None


def _as_usual(session: spec.Session) -> spec.Session:
    """That tmux names each of their windows after what runs in it is its usual way, and nobody's wish."""
    windows = (
        dataclasses.replace(
            each, options={key: value for key, value in each.options.items() if key != "automatic-rename"}
        )
        if each.names_itself
        else each
        for each in session.windows
    )
    return dataclasses.replace(session, windows=tuple(windows))


def _distinct(sessions: tuple[spec.Session, ...]) -> tuple[spec.Session, ...]:
    """Two sessions whose names differ only in letters that a name of ours cannot have."""
    found: list[spec.Session] = []
    for each in sessions:
        name, number = each.name, 2
        while name in {one.name for one in found}:
            name, number = f"{each.name[:60]}-{number}", number + 1
        found.append(dataclasses.replace(each, name=name))
    return tuple(found)


def _with_groups(
    plain: document.Document,
    name: str,
    metadata: Mapping[str, str],
    made: grouping.ByHand,
    renamed: Mapping[str, str],
) -> document.Document:
    sessions = plain["sessions"]
    assert isinstance(sessions, dict)
    for live, called in renamed.items():
        needs = [renamed[other] for other in made.dependencies.get(live, ()) if other in renamed]
        if needs:
            sessions[called] = {**sessions[called], "depends_on": dict.fromkeys(needs, "healthy")}
    group: dict[str, object] = {"sessions": list(renamed.values())}
    if metadata:
        group["labels"] = dict(metadata)
    return {**plain, "groups": {name: group}}


def _workspace(name: str) -> str:
    found = name.lower().lstrip("-_")[:63]
    return found if names.WORKSPACE.match(found) else "group"
