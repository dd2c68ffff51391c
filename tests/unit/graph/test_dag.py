from __future__ import annotations

import sys
from itertools import pairwise

import hypothesis
import pytest
from hypothesis import strategies as st

from orchestra.graph import dag

DIAMOND = {"top": ("left", "right"), "left": ("base",), "right": ("base",), "base": (), "alone": ()}
NODES = tuple("abcdefg")


def graphs() -> st.SearchStrategy[dict[str, tuple[str, ...]]]:
    befores = st.lists(st.sampled_from(NODES), unique=True, max_size=3).map(tuple)
    return st.fixed_dictionaries(dict.fromkeys(NODES, befores))


def acyclic() -> st.SearchStrategy[dict[str, tuple[str, ...]]]:
    """Each needs only ones that stand before it."""
    return st.fixed_dictionaries(
        {
            node: st.lists(st.sampled_from(NODES[:place]), unique=True).map(tuple) if place else st.just(())
            for place, node in enumerate(NODES)
        }
    )


def reachable(edges: dag.Edges, start: str) -> set[str]:
    """All that must come before it, by hand."""
    found: set[str] = set()
    open_ = list(edges.get(start, ()))
    while open_:
        node = open_.pop()
        if node not in found:
            found.add(node)
            open_ += edges.get(node, ())
    return found


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({}, ()),
        ({"a": ()}, ()),
        (DIAMOND, ()),
        ({"a": ("a",)}, ("a", "a")),
        ({"a": ("b",), "b": ("a",), "c": ()}, ("a", "b", "a")),
        ({"x": ("a",), "a": ("b",), "b": ("c",), "c": ("a",)}, ("a", "b", "c", "a")),
    ],
)
def test_cycle(edges: dag.Edges, cycle: tuple[str, ...]) -> None:
    """Each waits for the next; whichever of its nodes it begins with."""
    found = dag.cycle(edges)
    assert sorted(set(found)) == sorted(set(cycle))
    assert len(found) == len(cycle)
    assert all(after in edges[before] for before, after in pairwise(found))


@hypothesis.given(graphs())
def test_a_cycle_is_found_when_there_is_one(edges: dict[str, tuple[str, ...]]) -> None:
    found = dag.cycle(edges)
    assert bool(found) == any(node in reachable(edges, node) for node in edges)
    if found:
        assert found[0] == found[-1]
        assert all(after in edges[before] for before, after in pairwise(found))


def test_generations() -> None:
    assert dag.generations(DIAMOND) == (("alone", "base"), ("left", "right"), ("top",))
    assert dag.generations({}) == ()
    with pytest.raises(ValueError, match="cycle"):
        dag.generations({"a": ("b",), "b": ("a",)})


@hypothesis.given(acyclic())
def test_each_generation_needs_only_earlier_ones(edges: dict[str, tuple[str, ...]]) -> None:
    done: set[str] = set()
    for generation in dag.generations(edges):
        assert all(set(edges[node]) <= done for node in generation)
        assert all(node not in done for node in generation)
        done |= set(generation)
    assert done == set(edges)


@pytest.mark.parametrize(
    ("roots", "needed"),
    [
        ([], set()),
        (["base"], {"base"}),
        (["left"], {"left", "base"}),
        (["top", "alone"], {"top", "left", "right", "base", "alone"}),
        (["gone"], {"gone"}),  # what is declared no more may be meant
    ],
)
def test_needed(roots: list[str], needed: set[str]) -> None:
    assert dag.needed(DIAMOND, roots) == needed
    assert dag.needed(dict.fromkeys(DIAMOND, ()), roots) == set(roots)


@hypothesis.given(graphs(), st.lists(st.sampled_from(NODES)))
def test_needed_is_all_that_must_come_before(edges: dict[str, tuple[str, ...]], roots: list[str]) -> None:
    assert dag.needed(edges, roots) == set(roots).union(*(reachable(edges, root) for root in roots))


def test_reduced() -> None:
    edges = {**DIAMOND, "top": ("left", "right", "base")}
    assert dag.reduced(edges) == {**DIAMOND, "top": ("left", "right")}
    with pytest.raises(ValueError, match="cycle"):
        dag.reduced({"a": ("b",), "b": ("a",)})


@hypothesis.given(acyclic())
def test_reduced_keeps_the_order_with_the_fewest_edges(edges: dict[str, tuple[str, ...]]) -> None:
    fewer = dag.reduced(edges)
    assert all(set(fewer[node]) <= set(edges[node]) for node in edges)
    for node in edges:
        assert reachable(fewer, node) == reachable(edges, node)
        for before in fewer[node]:
            without = {**fewer, node: tuple(each for each in fewer[node] if each != before)}
            assert before not in reachable(without, node)


def test_a_plan_without_cycles_does_not_load_networkx(monkeypatch: pytest.MonkeyPatch) -> None:
    """150 ms that nearly no command need pay."""
    monkeypatch.setitem(sys.modules, "networkx", None)
    assert dag.cycle(DIAMOND) == ()
    assert dag.needed({"a": ()}, ["a"]) == {"a"}
    assert dag.needed(DIAMOND, []) == set()
    with pytest.raises(ImportError):
        dag.cycle({"a": ("a",)})
