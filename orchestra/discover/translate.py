"""From a source to a manifest in plain words, with everything there is to tell about it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from orchestra.discover import (
    bridge,
    compose,
    json_text,
    kinds,
    limits,
    naming,
    process_compose,
    procfile,
    resurrect,
    smug,
    source,
    supervisord,
    teamocil,
    tmuxinator,
    tmuxp,
    variables,
    yaml_text,
)
from orchestra.discover.context import Context, Draft, Room
from orchestra.discover.kinds import Kind
from orchestra.discover.tree import Map, Node
from orchestra.model import errors
from orchestra.model.diagnostic import Diagnostic
from orchestra.model.frozen import frozen

READERS: Mapping[Kind, Callable[[Map, Context], Draft]] = {
    Kind.TMUXP: tmuxp.manifest,
    Kind.TMUXINATOR: tmuxinator.manifest,
    Kind.TEAMOCIL: teamocil.manifest,
    Kind.SMUG: smug.manifest,
    Kind.COMPOSE: compose.manifest,
    Kind.PROCESS_COMPOSE: process_compose.manifest,
    Kind.BRIDGE: bridge.manifest,
}
LINE_READERS: Mapping[Kind, Callable[[Context], Draft]] = {
    Kind.RESURRECT: resurrect.manifest,
    Kind.PROCFILE: procfile.manifest,
    Kind.SUPERVISORD: supervisord.manifest,
}
ORDER = (
    "name",
    "title",
    "layout",
    "focus",
    "command",
    "send_keys",
    "replicas",
    "size",
    "dir",
    "shell",
    "env_file",
    "env",
)
JSON = re.compile(r"\s*[{\[]\s*(?:[\"\]}]|\Z)")
HINT = f"say which one it is with --from: {', '.join(kinds.Kind)}"


@frozen
class Imported:
    kind: Kind
    document: Mapping[str, object]
    """Paths in it are relative to where the source lies."""
    warnings: tuple[Diagnostic, ...]


def imported(found: source.Source, kind: Kind | None, room: Room) -> Imported:
    """Without a `kind`, what it is is found out. Raises ManifestError for what cannot be read at all."""
    context = Context(source=found, room=room)
    kind = kind or kinds.by_name(found) or kinds.by_text(found.text)
    if found.text.count("\n") > limits.LINES:
        raise source.refused(f"{found.file} has more than {limits.LINES} lines")
    if kind is not None and (by_line := LINE_READERS.get(kind)):
        return _finished(by_line(context), kind, context)
    root, chosen = _root(kind, context)
    by_line = LINE_READERS.get(chosen)
    draft = by_line(context) if by_line else READERS[chosen](root, context)
    return _finished(draft, chosen, context)


def _root(kind: Kind | None, context: Context) -> tuple[Map, Kind]:
    """The document, and what it is; a Procfile looks like YAML to some extent."""
    text = context.source.text
    if kind is Kind.TMUXINATOR or (kind is None and "<%" in text):
        text = tmuxinator.prepared(text, context)
    try:
        root = _parsed(text, context)
    except errors.ManifestError:
        if kind is None and kinds.is_procfile(context.source):
            return Map(source.location(context.source.file, 1, 1), {}), Kind.PROCFILE
        raise
    chosen = kind or kinds.by_content(root)
    if chosen is None and kinds.is_manifest(root):
        raise source.refused(f"{context.source.file} is a manifest of orchestra's already")
    if chosen is None and kinds.is_procfile(context.source):
        chosen = Kind.PROCFILE
    if chosen is None:
        raise source.refused(f"it cannot be told what {context.source.file} is", hint=HINT)
    if not isinstance(root, Map):
        at = source.location(context.source.file, 1, 1)
        raise source.refused("the file must be a map of keys and values", at)
    return root, chosen


def _parsed(text: str, context: Context) -> Node | None:
    file = context.source.file
    if JSON.match(text):
        return json_text.document(file, text, context.notes)
    return yaml_text.document(file, text, context.notes)


def _finished(draft: Draft, kind: Kind, context: Context) -> Imported:
    if not any(draft.sessions.values()) and not draft.groups:
        raise errors.ManifestError(
            [
                *source.refused(
                    f"there is nothing to import in {context.source.file}", hint=HINT
                ).diagnostics,
                *context.notes.warnings,
            ]
        )
    for name, session in draft.sessions.items():
        windows = session.get("windows")
        every = windows if isinstance(windows, list) else []
        panes = [pane for window in every for pane in window.get("panes", ())]
        if len(panes) > limits.PANES:
            raise source.refused(f"the file has more than {limits.PANES} panes")
        naming.settle_positions(name, "window", every, context.notes)
        naming.settle_positions(name, "pane", panes, context.notes)
        _one_focus(every, context)
    document: dict[str, object] = {"version": 1, "workspace": naming.workspace(draft.workspace)}
    if draft.description:
        document["description"] = variables.written(draft.description)
    if declared := context.variables.document():
        document["variables"] = declared
    if _values(draft.sessions) > limits.VALUES:
        raise source.refused("the manifest would get too large")
    document["sessions"] = variables.written(_ordered(draft.sessions))
    if draft.groups:
        document["groups"] = variables.written(draft.groups)
    if draft.schedules:
        document["schedules"] = variables.written(draft.schedules)
    return Imported(kind=kind, document=document, warnings=context.notes.warnings)


def _one_focus(windows: list[dict[str, object]], context: Context) -> None:
    """The first that says so, of windows and of each one's panes."""
    for kind, items in (("window", windows), *(("pane", _panes(window)) for window in windows)):
        for more in [each for each in items if each.get("focus")][1:]:
            del more["focus"]
            context.notes.warn(
                None, f"only one {kind} can be shown first: the focus of a second one is left out"
            )


def _panes(window: dict[str, object]) -> list[dict[str, object]]:
    panes = window.get("panes")
    return panes if isinstance(panes, list) else []


def _values(value: object) -> int:
    match value:
        case dict():
            return 1 + sum(map(_values, value.values()))
        case list() | tuple():
            return 1 + sum(map(_values, value))
        case str():
            return 1 + len(value) // limits.TEXT
        case _:
            return 1


def _ordered(sessions: dict[str, dict[str, object]]) -> dict[str, object]:
    """What is short and says what something is stands before what is long."""
    return {name: _sorted(session) for name, session in sessions.items()}


def _sorted(node: dict[str, object]) -> dict[str, object]:
    made = {key: node[key] for key in (*ORDER, *node) if key in node}
    for key in ("windows", "panes"):
        if isinstance(inner := made.get(key), list):
            made[key] = [_sorted(each) for each in inner]
    return made


def moved(document: Mapping[str, object], prefix: str) -> dict[str, object]:
    """The document for another directory: `prefix` leads from there to where the source lies."""
    sessions = document["sessions"]
    assert isinstance(sessions, dict)
    return {**document, "sessions": {name: _moved(each, prefix) for name, each in sessions.items()}}


def _moved(session: dict[str, object], prefix: str) -> dict[str, object]:
    made = _files_moved(session, prefix)
    made["dir"] = _joined(prefix, str(session.get("dir", ".")))
    return made


def _files_moved(node: dict[str, object], prefix: str) -> dict[str, object]:
    made = dict(node)
    if isinstance(files := node.get("env_file"), list):
        made["env_file"] = [_joined(prefix, str(each)) for each in files]
    for key in ("windows", "panes"):
        if isinstance(inner := node.get(key), list):
            made[key] = [_files_moved(each, prefix) for each in inner]
    return made


def _joined(prefix: str, path: str) -> str:
    if path.startswith(("/", "~", "{{")):
        return path
    return os.path.normpath(os.path.join(prefix, path))  # noqa: PTH118 - a text, with templates in it
