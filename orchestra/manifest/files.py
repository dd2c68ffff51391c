"""A manifest and what it includes, as one tree: every file read once, a clash told with both its places."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestra.manifest import limits, parse, read, tree
from orchestra.manifest.problem import Problems, quoted
from orchestra.manifest.tree import Entry, List, Map, Node, Scalar
from orchestra.model.diagnostic import Location

OWN = frozenset({"version", "workspace", "description", "include", "saved"})
"""What an included file says only for itself, for when it is used alone."""
DEEPER = frozenset({"defaults", "environments"})
"""Where two files may speak about the same thing, as long as no single setting is given twice."""
SHARED = frozenset({"sessions", "groups", "variables", "env", "labels", "secrets"})


@dataclass(slots=True)
class _Reading:
    problems: Problems
    seen: set[str] = field(default_factory=set)
    counts: parse.Counts = field(default_factory=parse.Counts)
    texts: list[str] = field(default_factory=list)
    given: Mapping[str, str] = field(default_factory=dict)
    """Of files that are not to be read."""


def whole(file: str, problems: Problems, text: str | None = None) -> tuple[Map | None, tuple[str, ...]]:
    """With the texts that were read, the manifest's own first. None: nothing to go on with; problems in included files leave the rest
    to be checked."""
    reading = _Reading(problems, given={} if text is None else {file: text})
    return _read(file, reading, (), None), tuple(reading.texts)


def folder(file: str) -> str:
    """Where a file's relative paths begin."""
    return os.getcwd() if file == read.STDIN else os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH109, PTH120


def single(
    file: str,
    problems: Problems,
    *,
    named_at: Location | None = None,
    counts: parse.Counts | None = None,
    text: str | None = None,
) -> Map | None:
    text = read.text(file, problems, named_at=named_at) if text is None else text
    root = None if text is None else parse.document(file, text, problems, counts)
    if root is None or isinstance(root, Map):
        return root
    problems.add(
        root.at,
        "the file must be a map of keys and values",
        hint="begin with `version: 1`, `workspace: NAME` and `sessions:`",
    )
    return None


def _read(file: str, reading: _Reading, chain: tuple[str, ...], named_at: Location | None) -> Map | None:
    real = file if file == read.STDIN else os.path.realpath(file)
    if real in chain:
        circle = " → ".join((*chain[chain.index(real) :], real))
        reading.problems.add(named_at, "files include each other in a circle", detail=circle)
        return None
    if real in reading.seen:
        return None
    reading.seen.add(real)
    if len(reading.seen) > limits.FILES:
        reading.problems.add(named_at, f"more than {limits.FILES} files are included")
        return None
    text = reading.given.get(file) or read.text(file, reading.problems, named_at=named_at)
    if text is None:
        return None
    reading.texts.append(text)
    root = single(file, reading.problems, named_at=named_at, counts=reading.counts, text=text)
    if root is None:
        return None
    for item in tree.items(tree.child(root, "include")):
        included = _included(item, file, reading, (*chain, real))
        if included is not None:
            root = _merged(root, included, reading.problems)
    return root


def _included(item: Node, file: str, reading: _Reading, chain: tuple[str, ...]) -> Map | None:
    path = tree.text(item)
    if path is None or "\0" in path:
        return None
    if "{{" in path or "{%" in path:
        reading.problems.add(
            item.at, "an included path cannot be a template", hint="files are read before variables are known"
        )
        return None
    if not isinstance(item, Scalar) or not path:
        return None
    relative = os.path.join(os.path.dirname(file) if file != read.STDIN else "", path)  # noqa: PTH118, PTH120
    return _read(os.path.normpath(relative), reading, chain, item.at)


def _merged(root: Map, included: Map, problems: Problems) -> Map:
    entries = dict(root.entries)
    for key, entry in included.entries.items():
        if key in OWN:
            continue
        mine = entries.get(key)
        if mine is None:
            entries[key] = entry
        elif key == "env_file" and isinstance(mine.node, List) and isinstance(entry.node, List):
            entries[key] = Entry(mine.at, List(mine.node.at, (*entry.node.items, *mine.node.items)))
        elif key in SHARED or key in DEEPER:
            entries[key] = _united(key, mine, entry, problems, deeper=key in DEEPER)
        else:
            _clash(key, mine, entry, problems)
    return Map(root.at, entries)


def _united(key: str, mine: Entry, other: Entry, problems: Problems, *, deeper: bool) -> Entry:
    if not isinstance(mine.node, Map) or not isinstance(other.node, Map):
        if not (deeper or key in SHARED):
            _clash(key, mine, other, problems)
        return mine
    entries = dict(mine.node.entries)
    for name, entry in other.node.entries.items():
        if name not in entries:
            entries[name] = entry
        elif deeper and isinstance(entry.node, Map) and isinstance(entries[name].node, Map):
            entries[name] = _united(name, entries[name], entry, problems, deeper=True)
        else:
            _clash(name, entries[name], entry, problems)
    return Entry(mine.at, Map(mine.node.at, entries))


def _clash(name: str, mine: Entry, other: Entry, problems: Problems) -> None:
    problems.add(
        mine.at,
        f"{quoted(name)} is declared in two files",
        hint=f"the other place is {other.at}",
    )
