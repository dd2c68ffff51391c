"""The chosen environment, laid over the manifest."""

from __future__ import annotations

from orchestra.manifest import merge, shorthand, tree
from orchestra.manifest.problem import Problems, listed, quoted
from orchestra.manifest.tree import Entry, Map


def chosen(
    root: Map, environment: str | None, allowance: merge.Allowance, problems: Problems
) -> tuple[Map, Map | None]:
    """The manifest with the overlay on, and the overlay's `variables`, which say values rather than declarations."""
    if environment is None:
        return root, None
    environments = tree.child(root, "environments")
    names = [name for name, _ in tree.children(environments)]
    if environment not in names:
        known = f"the manifest has {listed(names)}" if names else "the manifest has no `environments`"
        at = environments.at if environments else None
        problems.add(
            at, f"there is no environment {quoted(environment)}", hint=known, word=environment, among=names
        )
        return root, None
    overlay = tree.child(environments, environment)
    if not isinstance(overlay, Map):
        return root, None
    values = tree.child(overlay, "variables")
    rest = shorthand.windows(Map(overlay.at, {k: e for k, e in overlay.entries.items() if k != "variables"}))
    merged = merge.over(root, rest, allowance)
    assert isinstance(merged, Map)
    if not isinstance(values, Map):
        return merged, None
    return _with_declarations(merged, values, allowance), values


def _with_declarations(root: Map, values: Map, allowance: merge.Allowance) -> Map:
    """A variable only this environment knows is declared by it; a full declaration changes the one below."""
    declared = tree.child(root, "variables")
    entries = dict(declared.entries) if isinstance(declared, Map) else {}
    for name, entry in values.entries.items():
        below = entries.get(name)
        if below is None:
            entries[name] = entry
        elif isinstance(entry.node, Map) and isinstance(below.node, Map):
            entries[name] = Entry(below.at, merge.over(below.node, entry.node, allowance))
        elif isinstance(entry.node, Map):
            entries[name] = entry
    return tree.with_entries(root, {"variables": Map(declared.at if declared else values.at, entries)})
