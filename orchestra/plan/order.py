"""The order a manifest asks for: its dependencies as a graph, cycles refused, what a target needs."""

from __future__ import annotations

from collections.abc import Mapping

from orchestra.graph import dag
from orchestra.model import diagnostic, errors, names, spec


def edges(workspace: spec.Workspace) -> Mapping[str, tuple[str, ...]]:
    """Pane -> the panes it waits for."""
    return {pane.address: tuple(edge.pane for edge in pane.depends_on) for pane in workspace.panes}


def generations(workspace: spec.Workspace) -> tuple[tuple[str, ...], ...]:
    """Panes by the step they start in, in the manifest's order; each waits only for panes of earlier steps. Refuse cycles first."""
    place = {pane.address: number for number, pane in enumerate(workspace.panes)}
    return tuple(tuple(sorted(each, key=place.__getitem__)) for each in dag.generations(edges(workspace)))


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
    """What `--target` means: panes with all they depend on, and sessions, in which more may stand than the manifest has.

    `wanted` are addresses of sessions, panes and windows, `@group` and `@all`. Addresses that the manifest does not have are kept as
    they are: they may be what is to be deleted.
    """
    panes: list[str] = []
    others: list[str] = []
    sessions = {session.name: session for session in workspace.sessions}
    windows = {
        names.window(session.name, window.name): window
        for session in workspace.sessions
        for window in session.windows
    }
    declared = {pane.address for pane in workspace.panes}
    for each in wanted:
        if each.startswith("@"):
            panes += _group(workspace, each)
        elif each in sessions:
            others.append(each)
            panes += [pane.address for pane in sessions[each].panes]
        elif each in windows and each not in declared:
            panes += [pane.address for pane in windows[each].panes]
        else:
            (panes if each in declared else others).append(each)
    if wanted and not (panes or others):
        raise errors.UsageError(f"no pane is meant by {', '.join(wanted)}")  # and never everything
    return tuple(sorted({*dag.needed(edges(workspace), dict.fromkeys(panes)), *others}))


def _group(workspace: spec.Workspace, wanted: str) -> tuple[str, ...]:
    if wanted == "@all":
        return tuple(pane.address for pane in workspace.panes)
    groups = {f"@{group.name}": group.panes for group in workspace.groups}
    if wanted not in groups:
        raise errors.UsageError(
            f"no group {wanted} in the manifest",
            hint=f"it has {', '.join(sorted(groups))}" if groups else "it declares no groups",
        )
    return groups[wanted]
