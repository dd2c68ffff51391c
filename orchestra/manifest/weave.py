"""Live state woven into the text of a manifest that a person wrote: what is new is added, what agrees is left, the rest is told."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.manifest import load
from orchestra.manifest.weaving import declared, edit, report, session, syntax
from orchestra.manifest.weaving.declared import Place
from orchestra.model.diagnostic import Diagnostic, Location
from orchestra.model.frozen import frozen

NOTHING: Mapping[str, object] = {}


@frozen
class Woven:
    text: str
    added: tuple[str, ...]
    """`session web`, `window api/logs`, `api/worker`, `group backend`; not what is inside of these."""
    changed: tuple[str, ...]
    """`window api/main: layout`."""
    conflicts: tuple[Diagnostic, ...]


def woven(
    text: str,
    loaded: load.Loaded,
    live: Mapping[str, object],
    *,
    overwrite: frozenset[str] = frozenset(),
    extra: Mapping[str, object] = NOTHING,
) -> Woven:
    """`loaded` is what the loader made of exactly this text; raises Conflict where it is not, and where no safe edit is known.

    `live` is a document in full form; a key with None is one that should be absent. Windows and panes are matched by name within
    their session. Keys in `overwrite` are set or taken out where they differ; `extra` are keys of the whole document.
    """
    root = syntax.read(text)
    notes = report.Notes(root=root, overwrite=overwrite)
    places = declared.places(root, loaded)
    _sessions(notes, places, loaded, report.mapping(live.get("sessions")))
    _groups(notes, loaded, report.mapping(live.get("groups")))
    rest = {key: value for key, value in live.items() if key not in ("sessions", "groups")}
    whole = Place(at=_location(loaded, root, ""), node=root, overlaid=_said_by_environments(root, None))
    notes.compare("the manifest", whole, loaded.document, rest)
    stands_now = edit.plain(text)
    for key, value in extra.items():
        if stands_now.get(key) == value:
            continue
        stands = root.entry(key)
        if stands is not None and (stands.value.shared or syntax.holds_shared(stands.value)):
            notes.conflict(f"`{key}` cannot be written", whole, why=declared.SHARED)
        elif value is not None:
            notes.edits.append(edit.Put(path=(), key=key, value=value))
        elif stands is not None:
            notes.edits.append(edit.Drop(path=(), key=key))
    return Woven(
        text=edit.applied(text, notes.edits),
        added=tuple(notes.added),
        changed=tuple(notes.changed),
        conflicts=tuple(notes.conflicts),
    )


def _sessions(
    notes: report.Notes, places: Mapping[str, Place], loaded: load.Loaded, live: Mapping[str, object]
) -> None:
    documents = report.mapping(loaded.document.get("sessions"))
    new: dict[str, object] = {}
    for name, wanted in live.items():
        if name in documents:
            session.weave(notes, places, name, report.mapping(documents[name]), report.mapping(wanted))
        else:
            new[name] = wanted
    _add(notes, loaded, "sessions", "session", new)


def _groups(notes: report.Notes, loaded: load.Loaded, live: Mapping[str, object]) -> None:
    documents = report.mapping(loaded.document.get("groups"))
    groups = notes.root.value("groups")
    for name, wanted in live.items():
        if name not in documents:
            continue
        node = groups and groups.value(name)
        path: syntax.Path = ("groups", name)
        place = Place(
            at=_location(loaded, node or notes.root, f"groups.{name}"),
            path=path,
            node=node,
            fixed="it is declared elsewhere" if node is None else None,
            overlaid=_said_by_environments(notes.root, "groups"),
        )
        notes.compare(f"group {name}", place, report.mapping(documents[name]), report.mapping(wanted))
    _add(notes, loaded, "groups", "group", {name: one for name, one in live.items() if name not in documents})


def _add(notes: report.Notes, loaded: load.Loaded, key: str, kind: str, new: Mapping[str, object]) -> None:
    holder = notes.root.value(key)
    added: dict[str, object] = {}
    for name, value in new.items():
        node = holder and holder.value(name)
        place = Place(at=_location(loaded, node or holder or notes.root, f"{key}.{name}" if node else key))
        if node is not None:
            why = "the manifest has one of that name, all of whose panes have `replicas: 0`"
            notes.conflict(f"{kind} {name} is new and cannot be added", place, why=why)
        elif syntax.is_shared(notes.root, (key,)):
            notes.conflict(f"{kind} {name} is new and cannot be added", place, why=declared.SHARED)
        else:
            added[name] = report.without_nothing(value)
            notes.added.append(f"{kind} {name}")
    if holder is None and added:
        notes.edits.append(edit.Put(path=(), key=key, value=added))
        return
    notes.edits += [edit.Put(path=(key,), key=name, value=value) for name, value in added.items()]


def _said_by_environments(root: syntax.Node, key: str | None) -> frozenset[str]:
    """Keys of the whole document, or those below one of them, that some environment gives too."""
    environments = root.value("environments")
    each = [entry.value for entry in environments.entries] if environments else []
    if key is None:
        return frozenset(entry.name for node in each for entry in node.entries)
    return frozenset().union(*(declared.keys_in(node.value(key)) for node in each))


def _location(loaded: load.Loaded, node: syntax.Node, path: str) -> Location:
    of_text = (at.file for at in loaded.locations.values() if declared.is_of_text(at, loaded))
    file = next(of_text, loaded.workspace.file)
    return Location(file=file, line=node.line, column=node.column, path=path)
