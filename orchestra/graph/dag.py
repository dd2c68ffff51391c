"""Who must come before whom. The only module that knows networkx, which costs more to load than all the rest: it is imported when asked."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx

Edges = Mapping[str, Collection[str]]
"""Node -> the nodes that must come before it."""


def _graph(edges: Edges) -> networkx.DiGraph[str]:
    import networkx  # 150 ms: a plan without dependencies, and one that changes nothing, never pay for it

    graph: networkx.DiGraph[str] = networkx.DiGraph()
    graph.add_nodes_from(edges)
    graph.add_edges_from((before, node) for node, befores in edges.items() for before in befores)
    return graph


def cycle(edges: Edges) -> tuple[str, ...]:
    """A cycle as a closed path, each waiting for the next (`a, b, a`); empty when there is none."""
    if not any(edges.values()):
        return ()
    try:
        graphlib.TopologicalSorter(edges).prepare()
        return ()  # as nearly always, and said in microseconds
    except graphlib.CycleError:
        import networkx  # see above

    try:
        found = networkx.find_cycle(_graph(edges).reverse(copy=False))
    except networkx.NetworkXNoCycle:
        return ()
    return (*(edge[0] for edge in found), found[0][0])


def generations(edges: Edges) -> tuple[tuple[str, ...], ...]:
    """Nodes in the order of starting: each generation needs only earlier ones. ValueError on a cycle."""
    import networkx  # see above

    try:
        return tuple(tuple(sorted(each)) for each in networkx.topological_generations(_graph(edges)))
    except networkx.NetworkXUnfeasible as error:
        raise ValueError("the graph has a cycle") from error


def needed(edges: Edges, roots: Collection[str]) -> frozenset[str]:
    """The roots and all that must come before them."""
    if not roots or not any(edges.values()):
        return frozenset(roots)
    import networkx  # see above

    graph = _graph(edges)
    return frozenset(roots).union(*(networkx.ancestors(graph, root) for root in roots if root in graph))


def reduced(edges: Edges) -> Edges:
    """The same order with the fewest edges, for drawing. ValueError on a cycle."""
    import networkx  # see above

    try:
        graph = networkx.transitive_reduction(_graph(edges))
    except networkx.NetworkXError as error:
        raise ValueError("the graph has a cycle") from error
    return {node: tuple(sorted(graph.predecessors(node))) for node in edges}
