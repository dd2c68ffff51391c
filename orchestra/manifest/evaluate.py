"""Templates become values and `replicas` become panes: the walk over the whole document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestra.manifest import fault, limits, merge, reacting, scalar, template, tree
from orchestra.manifest.problem import Problems, quoted
from orchestra.manifest.tree import UNKNOWN, Entry, List, Map, Node, Scalar, Value
from orchestra.model.diagnostic import Location

TYPED = frozenset(
    {
        "focus",
        "replicas",
        "size",
        "status",
        "failure_threshold",
        "success_threshold",
        "required",
        "shell_integration",
        "zoomed",
        "opened",
        "scrollback",
        "history",
        "keep",
        "factor",
        "max_restarts",
        "processes",
        "after",
        "above",
        "below",
        "retries",
        "budget",
        "restart_unhealthy",
        "pin",
        "enabled",
        "orphans",
        "yes",
    }
)
"""Where `{{ port }}` stays the number it is; everywhere else text is meant."""
LATER = frozenset({"do", "when"})
"""Below these keys texts may speak of `event`: what is known now is put in, and the rest is evaluated when something happens."""
SETTLED = frozenset({"include", "saved", "variables", "environments", "defaults"})
"""Done with before templates are evaluated."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    root: Map
    scaled_away: frozenset[str]
    """Sessions all of whose panes have `replicas: 0`: they may be named, and are nothing."""


def document(
    root: Map,
    variables: Mapping[str, Value],
    environment: str | None,
    allowance: merge.Allowance,
    problems: Problems,
) -> Evaluated:
    walk = _Walk(template.Engine(), allowance, problems)
    scope: dict[str, Value] = {**variables, "environment": environment}
    entries = {key: entry for key, entry in root.entries.items() if key not in SETTLED}
    if (name := entries.get("workspace")) is not None:
        entries["workspace"] = Entry(name.at, walk.node(name.node, scope))
        scope["workspace"] = tree.text(entries["workspace"].node) or UNKNOWN
    else:
        scope["workspace"] = UNKNOWN
    for key, entry in entries.items():
        if key != "workspace":
            entries[key] = Entry(entry.at, walk.node(entry.node, scope, key))
    return _without_empty(Map(root.at, entries), walk.emptied)


@dataclass(frozen=True, slots=True)
class _Walk:
    engine: template.Engine
    allowance: merge.Allowance
    problems: Problems
    emptied: set[Location] = field(default_factory=set)
    """Where the lists of panes stand that held only `replicas: 0`."""

    def node(self, node: Node, scope: Mapping[str, Value], key: str = "") -> Node:
        self.allowance.spend(1, node.at)
        match node:
            case List() if key in LATER:
                return self._later(node, scope)
            case Scalar(value=str(text)) if key == "when":
                return self._put_in(node, text, scope, whole=True)
            case Scalar(value=str(text)) if template.is_template(text):
                return self._scalar(node, text, scope, typed=key in TYPED)
            case Scalar():
                return node
            case List() if key == "panes":
                panes = tuple(pane for item in node.items for pane in self._panes(item, scope))
                if node.items and not panes:
                    self.emptied.add(node.at)
                return List(node.at, panes)
            case List():
                return List(node.at, tuple(self.node(item, scope) for item in node.items))
            case Map():
                return Map(
                    node.at, {k: Entry(e.at, self.node(e.node, scope, k)) for k, e in node.entries.items()}
                )

    def _later(self, node: Node, scope: Mapping[str, Value], key: str = "") -> Node:
        """Of what is done when something happens."""
        self.allowance.spend(1, node.at)
        match node:
            case Scalar(value=str(text)) if template.is_template(text) and reacting.speaks_of_event(text):
                return self._put_in(node, text, scope)
            case Scalar():
                return self.node(node, scope, key)
            case List():
                return List(node.at, tuple(self._later(item, scope) for item in node.items))
            case Map():
                return Map(
                    node.at, {k: Entry(e.at, self._later(e.node, scope, k)) for k, e in node.entries.items()}
                )

    def _put_in(self, node: Scalar, text: str, scope: Mapping[str, Value], *, whole: bool = False) -> Scalar:
        """`whole`: all of the text is one expression, without braces."""
        try:
            made = reacting.put_in(text, scope, whole=whole)
        except fault.Faulty as wrong:
            summary, hint = _of_expression(text, wrong) if whole else (wrong.summary, wrong.hint)
            self.problems.add(node.at, summary, hint=hint, word=wrong.word, among=wrong.among)
            return Scalar(node.at, UNKNOWN, text)
        return tree.written(node.at, made)

    def _scalar(self, node: Scalar, text: str, scope: Mapping[str, Value], *, typed: bool) -> Scalar:
        try:
            value = self.engine.evaluate(text, scope)
        except fault.Faulty as wrong:
            self.problems.add(node.at, wrong.summary, hint=wrong.hint, word=wrong.word, among=wrong.among)
            return Scalar(node.at, UNKNOWN, text)
        if value is None or isinstance(value, tree.Unknown):
            return Scalar(node.at, value, text)
        spelled = scalar.spelled(value)
        return Scalar(node.at, value if typed else spelled, spelled)

    def _panes(self, pane: Node, scope: Mapping[str, Value]) -> Iterator[Node]:
        replicas = tree.child(pane, "replicas")
        if not isinstance(pane, Map) or replicas is None:
            yield self.node(pane, scope)
            return
        count = tree.whole(self.node(replicas, scope, "replicas"))
        if count is None or not 0 <= count <= limits.PANES:
            # The schema says what is wrong with it.
            yield self.node(pane, {**scope, "replica": UNKNOWN})
            return
        single = tree.with_entries(pane, {"replicas": None})
        name = tree.text(tree.child(pane, "name"))
        for replica in range(count):
            yield _numbered(self.node(single, {**scope, "replica": replica}), name, replica)


def _of_expression(text: str, wrong: fault.Faulty) -> tuple[str, str | None]:
    """What is wrong with a `when`, and the next step."""
    if "{{" in text:
        return wrong.summary, "`when` is an expression as it stands: no braces"
    match wrong:
        case fault.Unreadable():
            return f"{quoted(text)} is no expression", "for example `event.exit_code != 0`"
        case fault.Undefined():
            return wrong.summary, f"a field of the event is written `event.{wrong.word}`"
        case _:
            return wrong.summary, wrong.hint


def _numbered(pane: Node, written: str | None, replica: int) -> Node:
    """A name that says where the number goes (`w{{ replica }}`) is left as it is."""
    name = tree.child(pane, "name")
    if (
        not isinstance(pane, Map)
        or not isinstance(name, Scalar)
        or not isinstance(name.value, str)
        or written is None
    ):
        return pane
    if template.is_template(written) and "replica" in written:
        return pane
    return tree.with_entries(pane, {"name": tree.written(name.at, f"{name.value}-{replica}")})


def _without_empty(root: Map, emptied: set[Location]) -> Evaluated:
    """Windows whose panes were all scaled away are not made, and sessions whose windows were."""
    sessions = tree.child(root, "sessions")
    if not emptied or not isinstance(sessions, Map):
        return Evaluated(root, frozenset())
    changed: dict[str, Node | None] = {}
    for name, entry in sessions.entries.items():
        windows = tree.child(entry.node, "windows")
        if not isinstance(entry.node, Map) or not isinstance(windows, List):
            continue
        left = tuple(window for window in windows.items if not _is_empty(window, emptied))
        if len(left) < len(windows.items):
            kept = tree.with_entries(entry.node, {"windows": List(windows.at, left)})
            changed[name] = kept if left else None
    scaled_away = frozenset(name for name, session in changed.items() if session is None)
    return Evaluated(tree.with_entries(root, {"sessions": tree.with_entries(sessions, changed)}), scaled_away)


def _is_empty(window: Node, emptied: set[Location]) -> bool:
    panes = tree.child(window, "panes")
    return isinstance(panes, List) and not panes.items and panes.at in emptied
