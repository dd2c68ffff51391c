"""The order a manifest asks for: its dependencies as a graph, cycles refused, what a target needs."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.graph import dag
from orchestra.model import diagnostic, errors, spec


def edges(workspace: spec.Workspace) -> Mapping[str, tuple[str, ...]]:
    """Pane -> the panes it waits for."""
    return {pane.address: tuple(edge.pane for edge in pane.depends_on) for pane in workspace.panes}


def refuse_cycles(workspace: spec.Workspace, locations: Mapping[str, diagnostic.Location]) -> None:
    """`ManifestError` that prints the cycle as a path."""
    path = dag.cycle(edges(workspace))
    if path:
        raise errors.ManifestError(
            [
                diagnostic.Diagnostic(
                    severity=diagnostic.Severity.ERROR,
                    summary="depends_on goes in a circle: " + " -> ".join(path),
                    location=locations.get(path[0]),
                    hint="take one of these dependencies away",
                )
            ]
        )


def targets(workspace: spec.Workspace, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Pane addresses that `--target` means, with all they depend on: addresses, sessions, windows, `@group`, `@all`.

    Addresses that the manifest no longer has are kept as they are: they may be what is to be deleted.
    """
    found: list[str] = []
    groups = {group.name: group for group in workspace.groups}
    for each in wanted:
        if each == "@all":
            found += [pane.address for pane in workspace.panes]
        elif each.startswith("@"):
            if each[1:] not in groups:
                raise errors.UsageError(
                    f"no group {each} in the manifest", hint=f"it has {', '.join(sorted(groups)) or 'none'}"
                )
            found += groups[each[1:]].panes
        else:
            inside = [
                pane.address
                for session in workspace.sessions
                for window in session.windows
                for pane in window.panes
                if each in (session.name, pane.address)
            ]
            inside = inside or [
                pane.address
                for session in workspace.sessions
                for window in session.windows
                for pane in window.panes
                if each == f"{session.name}/{window.name}"
            ]
            found += inside or [each]
    return tuple(sorted(dag.needed(edges(workspace), dict.fromkeys(found))))
