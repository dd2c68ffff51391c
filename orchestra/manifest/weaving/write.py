"""New pieces of YAML in the style of the text they come into."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from orchestra.manifest import dump
from orchestra.manifest.weaving.syntax import Kind, Node
from orchestra.model.frozen import frozen

UNLIMITED = 2**24
STRING = "tag:yaml.org,2002:str"
OTHERS = yaml.resolver.Resolver()
TICKLISH = re.compile(r"[ \t]\n|\A[\s]|[ \t]\Z|[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")
"""What a block scalar would lose, or ask an indentation indicator for."""


@frozen
class Style:
    newline: str = "\n"
    mapping: int = 2
    """How far a map stands in its key."""
    offset: int = 2
    """How far a list's dashes stand in its key."""
    item: int = 2
    """From a dash to what stands behind it."""


def style_of(text: str, root: Node) -> Style:
    """As most of the text has it."""
    mappings: Counter[int] = Counter()
    offsets: Counter[int] = Counter()
    items: Counter[int] = Counter()
    for node in root.inner():
        if node.shared or node.flow:
            continue
        for child in node.items:
            if text[dash(text, child) + 1 : child.start].isspace() and child.kind is Kind.MAP:
                items[child.start - dash(text, child)] += 1
        for value in (entry.value for entry in node.entries):
            if value.flow or value.shared or value.kind is Kind.SCALAR:
                continue
            if value.kind is Kind.MAP:
                mappings[column(text, value.first) - column(text, node.first)] += 1
            else:
                offsets[column(text, dash(text, value.items[0])) - column(text, node.first)] += 1
    return Style(
        newline="\r\n" if "\r\n" in text else "\n",
        mapping=_most(mappings),
        offset=_most(offsets),
        item=_most(items),
    )


def _most(seen: Counter[int]) -> int:
    return seen.most_common(1)[0][0] if seen else 2


def column(text: str, position: int) -> int:
    """From 0."""
    return position - (text.rfind("\n", 0, position) + 1)


def dash(text: str, item: Node) -> int:
    """Where a block list's item begins."""
    return text.rindex("-", 0, item.start)


def block(value: Mapping[str, object] | Sequence[object], style: Style) -> list[str]:
    """Lines, as they stand at the left edge."""
    lines = _written(value, style, flow=False).removesuffix("\n").split("\n")
    shift = style.offset if isinstance(value, list | tuple) else 0
    return [line[shift:] for line in lines]


def flow(value: object, style: Style, *, inside: bool) -> str:
    """In one line; `inside` other flow, where commas and brackets mean something."""
    if inside or isinstance(value, Mapping | list | tuple):
        return _written({"k": value}, style, flow=True).strip()[len("{k:") : -1].strip()
    return _written({"k": value}, style, flow=False, lines=False).strip()[len("k:") :].strip()


def is_simple(value: object) -> bool:
    """A list of words and numbers, such as a command, which is written in one line."""
    return isinstance(value, list | tuple) and not any(
        isinstance(each, Mapping | list | tuple) for each in value
    )


def _written(value: object, style: Style, *, flow: bool, lines: bool = True) -> str:
    from ruamel.yaml import (
        YAML,
        comments,
        representer,
    )  # takes 100 ms, and most weaving finds nothing to write

    class Representer(representer.RoundTripRepresenter):
        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(made: Any, data: str) -> Any:
        quotes = None
        if dump.HIDDEN.search(data):
            quotes = '"'
        elif "\n" in data:
            quotes = '"' if flow or not lines or TICKLISH.search(data) else "|"
        elif not _is_plain(data):
            quotes = "'"
        return made.represent_scalar(STRING, data, style=quotes)

    def pieces(plain: object, *, inside: bool) -> object:
        match plain:
            case Mapping():
                made: Any = comments.CommentedMap(
                    {str(key): pieces(each, inside=inside) for key, each in plain.items()}
                )
            case list() | tuple():
                made = comments.CommentedSeq(pieces(each, inside=inside) for each in plain)
                inside = inside or (plain is not value and is_simple(plain))
            case _:
                return plain
        if inside:
            made.fa.set_flow_style()
        return made

    Representer.add_representer(str, text)
    Representer.add_representer(
        type(None), lambda made, _: made.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    writer = YAML()
    writer.Representer = Representer
    writer.indent(mapping=style.mapping, sequence=style.offset + style.item, offset=style.offset)
    writer.width = UNLIMITED
    writer.brace_single_entry_mapping_in_flow_sequence = True
    out = io.StringIO()
    writer.dump(pieces(value, inside=flow), out)
    return dump.HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", out.getvalue())


def _is_plain(text: str) -> bool:
    """For readers of YAML 1.1 too, to whom `yes` is no text."""
    tag = OTHERS.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag == STRING and dump.is_plain(text)
