"""Edits as data, and a text with them: each is a splice, and the whole is read again to see that nothing else changed."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

import yaml

from orchestra.manifest import parse, tree
from orchestra.manifest.problem import Problems
from orchestra.manifest.weaving import syntax, write
from orchestra.manifest.weaving.splices import Splices, unsafe
from orchestra.manifest.weaving.syntax import Kind, Node, Path
from orchestra.model.frozen import frozen


@frozen
class Put:
    """A map's key gets a value, which is there already or not."""

    path: Path
    key: str
    value: object


@frozen
class Drop:
    path: Path
    key: str


@frozen
class Append:
    """A list gets one more item."""

    path: Path
    value: object


@frozen
class Lengthen:
    """A session's `panes:` become those of the first of its `windows:`."""

    path: Path
    window: Mapping[str, object]
    """What that window says besides its panes."""
    more: tuple[object, ...]


Edit = Put | Drop | Append | Lengthen


@dataclass(slots=True)
class _Changes:
    """Of one map or list, or of one short session."""

    puts: dict[str, object] = field(default_factory=dict)
    drops: set[str] = field(default_factory=set)
    items: list[object] = field(default_factory=list)


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Nothing on the way to what is edited may be shared. Raises Conflict rather than give a text that says something else."""
    edits = tuple(edits)
    if not edits:
        return text
    lengthened = [edit for edit in edits if isinstance(edit, Lengthen)]
    others = [edit for edit in edits if not isinstance(edit, Lengthen)]
    changed = _lengthened(_spliced(text, others), lengthened)
    # Nobody reads every way to write YAML right: what came of it is read by the loader's own reader.
    if plain(changed) != _edited(plain(text), (*others, *lengthened)):
        raise unsafe()
    return changed


def _spliced(text: str, edits: list[Put | Drop | Append]) -> str:
    root = syntax.read(text)
    splices = Splices(text, write.style_of(text, root))
    changes: dict[Path, _Changes] = {}
    for edit in edits:
        of_one = changes.setdefault(edit.path, _Changes())
        match edit:
            case Put(key=key, value=value):
                of_one.puts[key] = value
            case Drop(key=key):
                of_one.drops.add(key)
            case Append(value=value):
                of_one.items.append(value)
            case _:
                assert_never(edit)
    for path, of_one in changes.items():
        node = _found(root, path)
        left = [entry for entry in node.entries if entry.name not in of_one.drops]
        if of_one.items and not node.items:
            splices.whole(root, path, of_one.items)
        elif of_one.items:
            splices.append(node, of_one.items)
        elif not left and path:
            splices.whole(root, path, of_one.puts)
        else:
            splices.change(root, path, of_one.puts, of_one.drops)
    return splices.text()


def _lengthened(text: str, edits: list[Lengthen]) -> str:
    if not edits:
        return text
    try:
        root = syntax.read(text)
    except yaml.YAMLError as failed:
        raise unsafe() from failed
    splices = Splices(text, write.style_of(text, root))
    for edit in edits:
        splices.lengthen(_found(root, edit.path), edit.window, edit.more)
    return splices.text()


def _found(root: Node, path: Path) -> Node:
    node = syntax.at(root, path)
    assert node is not None
    assert not syntax.is_shared(root, path)
    assert node.kind is not Kind.SCALAR or node.is_null
    return node


def plain(text: str) -> Any:
    """The document that the loader's reader sees."""
    root = parse.document("", text, problems := Problems())
    return None if problems or root is None else tree.plain(root)


def _edited(document: Any, edits: Iterable[Edit]) -> Any:
    """The same done to the plain document, in which nothing is shared either."""
    document = copy.deepcopy(document)
    for edit in edits:
        *way, last = edit.path or ("",)
        holder = document
        for step in way:
            holder = holder[step]
        if edit.path and holder[last] is None:
            holder[last] = [] if isinstance(edit, Append) else {}
        target = holder[last] if edit.path else document
        match edit:
            case Put(key=key, value=value):
                target[key] = _jsonish(value)
            case Drop(key=key):
                del target[key]
            case Append(value=value):
                target.append(_jsonish(value))
            case Lengthen(window=window, more=more):
                panes = target.pop("panes")
                target["windows"] = [
                    {**_jsonish(window), "panes": panes},
                    *(_jsonish(one) for one in more),
                ]
            case _:
                assert_never(edit)
    return document


def _jsonish(value: object) -> Any:
    match value:
        case Mapping():
            return {str(key): _jsonish(each) for key, each in value.items()}
        case list() | tuple():
            return [_jsonish(each) for each in value]
        case _:
            return value
