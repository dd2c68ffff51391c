"""Holds a document against the schema. What fits is let through at once; what does not is explained with jsonschema."""

from __future__ import annotations

from orchestra.manifest import fits, schemas, tree
from orchestra.manifest.problem import Problems
from orchestra.manifest.tree import Map, Node

UNEVALUATED = ("include", "saved", "variables", "environments", "defaults")


def written(root: Map, problems: Problems) -> None:
    """The parts that other parts are made from, before they are."""
    for key in UNEVALUATED:
        if (node := tree.child(root, key)) is not None:
            _check(node, f"#/properties/{key}", schemas.written(), problems)
    for _, session in tree.children(tree.child(root, "sessions")):
        _check_defaults(session.node, "session", problems)
        for window in tree.items(tree.child(session.node, "windows")):
            _check_defaults(window, "window", problems)


def settings(node: Map, problems: Problems) -> None:
    """The user's own file."""
    _check(node, "#/$defs/settings", schemas.written(), problems)


def trigger(node: Node, problems: Problems) -> None:
    """One that stands in no manifest."""
    _check(node, "#/$defs/trigger", schemas.evaluated(), problems)


def evaluated(root: Map, problems: Problems) -> None:
    _check(root, "#", schemas.evaluated(), problems)


def _check_defaults(node: Node, kind: str, problems: Problems) -> None:
    if (defaults := tree.child(node, "defaults")) is not None:
        _check(defaults, f"#/$defs/{kind}/properties/defaults", schemas.written(), problems)


def _check(node: Node, part: str, schema: schemas.Schema, problems: Problems) -> None:
    if fits.fits(node, part, schema):
        return
    from orchestra.manifest import explain  # jsonschema takes 120 ms, and most documents fit

    explain.misfits(node, part, schema, problems)
