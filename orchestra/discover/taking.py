"""Values of a source by what they should be; what is something else is told and left out."""

from __future__ import annotations

from orchestra.discover.notes import Notes, quoted
from orchestra.discover.tree import List, Map, Node, Scalar, child, is_nothing
from orchestra.model.diagnostic import Location

TRUE = frozenset({"true", "yes", "on", "y"})
FALSE = frozenset({"false", "no", "off", "n"})


def text(node: Node | None, key: str, notes: Notes) -> str | None:
    found = child(node, key)
    if found is None or isinstance(found, Scalar):
        return None if found is None else found.text
    notes.left_out(key, found.at, "text was expected here")
    return None


def place(node: Node, key: str) -> Location:
    """Of the value, if there is one."""
    found = child(node, key)
    return node.at if found is None else found.at


def texts(node: Node | None, key: str, notes: Notes) -> list[Scalar]:
    """One text, or a list of them."""
    return every(child(node, key), key, notes)


def every(found: Node | None, key: str, notes: Notes) -> list[Scalar]:
    made: list[Scalar] = []
    for item in items(found):
        if isinstance(item, Scalar):
            if not is_nothing(item):
                made.append(item)
        else:
            notes.left_out(key, item.at, "text was expected here")
    return made


def items(found: Node | None) -> tuple[Node, ...]:
    """Of a list; of anything else it is itself the only one."""
    if is_nothing(found) or found is None:
        return ()
    return found.items if isinstance(found, List) else (found,)


def table(node: Node | None, key: str, notes: Notes) -> Map | None:
    found = child(node, key)
    if found is None or isinstance(found, Map):
        return found
    notes.left_out(key, found.at, "a map was expected here")
    return None


def flag(node: Node | None, key: str, notes: Notes) -> bool | None:
    said = text(node, key, notes)
    if said is None:
        return None
    if said.lower() in TRUE | FALSE:
        return said.lower() in TRUE
    found = child(node, key)
    assert found is not None
    notes.left_out(key, found.at, f"{quoted(said)} is neither true nor false")
    return None


def whole(node: Node | None, key: str, notes: Notes, *, least: int = 0, most: int = 10**6) -> int | None:
    said = text(node, key, notes)
    if said is None:
        return None
    if (
        said.isascii()
        and said.removeprefix("-").isdecimal()
        and len(said) < 12
        and least <= int(said) <= most
    ):
        return int(said)
    found = child(node, key)
    assert found is not None
    notes.left_out(key, found.at, f"{quoted(said)} is not a whole number from {least} to {most}")
    return None
