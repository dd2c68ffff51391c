"""Which fields an event can have: one that none of the events meant has is a slip, and would be silently nothing for ever."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from orchestra.manifest.problem import Problems, listed
from orchestra.manifest.tree import List, Map, Node, Scalar
from orchestra.model import event
from orchestra.model.diagnostic import Location

BESIDE = ("session", "pane", "pane_id")
"""Told beside an event's own: of what is nobody's its session and its pane's number, and a command that number of any pane."""
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_READ = re.compile(r"(?<![\w.])event\.([A-Za-z_]\w*)")


def refuse_unknown(
    types: Collection[str], problems: Problems, *, when: Node | None = None, do: Node | None = None
) -> None:
    """In a condition and in what is done."""
    known = list(dict.fromkeys(name for each in types for name in event.readable(each)))
    what = next(iter(types)) if len(types) == 1 else "any of these events"
    for at, name in (*_of_condition(when), *_of_templates(do)):
        if name not in known and name not in BESIDE:
            problems.add(
                at,
                f"`event.{name}` is no field of {what}",
                hint=f"there are {listed(known, most=30)}",
                word=name,
                among=known,
            )


def _of_condition(node: Node | None) -> Iterator[tuple[Location, str]]:
    if isinstance(node, Map):
        for name, entry in node.entries.items():
            yield entry.at, name
    elif isinstance(node, Scalar):
        yield from ((node.at, name) for name in _read(node.text))


def _of_templates(node: Node | None) -> Iterator[tuple[Location, str]]:
    match node:
        case Scalar():
            yield from ((node.at, name) for part in _TEMPLATE.findall(node.text) for name in _read(part))
        case List():
            for item in node.items:
                yield from _of_templates(item)
        case Map():
            for key, entry in node.entries.items():
                is_command = key == "command" or (key == "run" and not isinstance(entry.node, Map))
                if not is_command:  # nothing of an event is put into one at all
                    yield from _of_templates(entry.node)
        case _:
            return


def _read(text: str) -> Iterator[str]:
    """What a text quotes is no field: `event.line == "event.x"`."""
    return (found[1] for found in _READ.finditer(_QUOTED.sub("''", text)))
