"""Triggers that stand in no manifest: a person's own, written as in one."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from orchestra.manifest import evaluate, expand, merge, parse, rules, tree, validate
from orchestra.manifest.problem import Problems
from orchestra.manifest.tree import Entry, List, Map, Scalar
from orchestra.model import rules as model
from orchestra.model import selector
from orchestra.model.diagnostic import Location


def triggers(
    file: str,
    text: str,
    workspace: str,
    candidates: Collection[selector.Candidate],
    groups: Mapping[str, Collection[str]],
    schedules: Collection[str] = (),
) -> tuple[model.Trigger, ...]:
    """One, or a list. `ManifestError` with every problem there is. Paths begin where the file lies."""
    problems = Problems()
    given = parse.document(file, text, problems)
    problems.next_step()
    at = Location(file=file, line=1, column=1)
    every = given if isinstance(given, List) else List(at, (given,) if given is not None else ())
    root = Map(
        at,
        {
            "version": Entry(at, Scalar(at, 1, "1")),
            "workspace": Entry(at, tree.written(at, workspace)),
            "triggers": Entry(at, every),
        },
    )
    evaluated = evaluate.document(root, {}, None, merge.Allowance(), problems).root
    problems.next_step()
    for each in tree.items(tree.child(evaluated, "triggers")):
        validate.trigger(each, problems)
    problems.next_step()
    full = expand.full(evaluated, os.environ, problems, {})
    known = rules.Known(
        problems=problems, patterns={}, candidates=candidates, groups=groups, schedules=schedules
    )
    made = rules.workspace(full, known)
    problems.raise_all()
    return made.triggers
