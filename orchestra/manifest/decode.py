"""The full document as a spec, checking what a schema cannot: names that meet, focus, layouts, references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from orchestra.manifest import environment, files, health, layout, limits, references, rules, tree
from orchestra.manifest.problem import Problems, quoted
from orchestra.manifest.tree import UNKNOWN, List, Map, Node
from orchestra.model import names, spec
from orchestra.model.diagnostic import Location


@dataclass(frozen=True, slots=True)
class Decoded:
    workspace: spec.Workspace
    locations: Mapping[str, Location]
    """By address; windows as `window session/name`."""


@dataclass(frozen=True, slots=True)
class _Context:
    problems: Problems
    reader: environment.Reader
    known: references.Known
    locations: dict[str, Location] = field(default_factory=dict)
    patterns: health.Patterns = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Above:
    """What a session or window hands down."""

    environment: environment.Environment
    dir: str
    depends_on: references.Dependencies = field(default_factory=dict)


def workspace(root: Map, file: str, scaled_away: frozenset[str], problems: Problems) -> Decoded:
    known = _known(tree.child(root, "sessions"), scaled_away, problems)
    context = _Context(problems, environment.Reader(problems), known)
    groups = references.groups(tree.child(root, "groups"), known)
    outermost = _Above(context.reader.inside(environment.Environment(), root), files.folder(file))
    sessions = tuple(
        _session(name, entry.node, entry.at, outermost, context)
        for name, entry in tree.children(tree.child(root, "sessions"))
        if isinstance(entry.node, Map)
    )
    made = spec.Workspace(
        name=tree.text(tree.child(root, "workspace")) or "",
        description=tree.text(tree.child(root, "description")) or "",
        labels=_labels(root),
        file=file,
        sessions=sessions,
        groups=groups,
        snapshots=_snapshots(tree.child(root, "snapshots"), problems),
        rules=rules.workspace(root, _rules_of(context, sessions, groups), groups),
    )
    if len(made.panes) > limits.PANES:
        problems.add(
            root.at, f"the workspace has {len(made.panes)} panes: more than {limits.PANES} are not supported"
        )
    schedules = {
        f"schedule {tree.text(tree.child(each, 'name'))}": each.at
        for each in tree.items(tree.child(root, "schedules"))
    }
    return Decoded(made, {**context.locations, **schedules})


def _known(sessions: Node | None, scaled_away: frozenset[str], problems: Problems) -> references.Known:
    panes: dict[str, list[str]] = {name: [] for name in scaled_away}
    unclear: set[str] = set()
    with_health: set[str] = set()
    with_command: set[str] = set()
    for session, entry in tree.children(sessions):
        panes[session] = []
        for pane in _panes_below(entry.node):
            name = tree.text(tree.child(pane, "name"))
            if name is None:
                unclear.add(session)
                continue
            address = names.pane(session, name)
            panes[session].append(address)
            if any(tree.child(tree.child(pane, "health"), probe) is not None for probe in health.PROBES):
                with_health.add(address)
            if tree.child(pane, "command") is not None:
                with_command.add(address)
    return references.Known(
        problems, panes, frozenset(unclear), frozenset(with_health), frozenset(with_command)
    )


def _panes_below(session: Node) -> Iterator[Node | None]:
    """None for what is no list of windows or panes."""
    windows = tree.child(session, "windows")
    if not isinstance(windows, List):
        yield None
    for window in tree.items(windows):
        panes = tree.child(window, "panes")
        if not isinstance(panes, List):
            yield None
        yield from tree.items(panes)


def _session(name: str, node: Map, at: Location, above: _Above, context: _Context) -> spec.Session:
    context.locations[name] = at
    inside = _Above(
        context.reader.inside(above.environment, node),
        tree.text(tree.child(node, "dir")) or above.dir,
        references.of_session(name, tree.child(node, "depends_on"), context.known),
    )
    windows = [item for item in tree.items(tree.child(node, "windows")) if isinstance(item, Map)]
    _refuse_twins("window", windows, context)
    _refuse_twins("pane", [pane for window in windows for pane in _panes_of(window)], context)
    _refuse_two_in_focus("window", windows, context)
    selected = _selected(windows)
    return spec.Session(
        name=name,
        title=tree.text(tree.child(node, "title")),
        labels=_labels(node),
        options=_texts(node, "options"),
        windows=tuple(_window(window, name, inside, context, focus=window is selected) for window in windows),
    )


def _window(node: Map, session: str, above: _Above, context: _Context, *, focus: bool) -> spec.Window:
    name = tree.text(tree.child(node, "name")) or ""
    context.locations[f"window {names.window(session, name)}"] = node.at
    inside = _Above(
        context.reader.inside(above.environment, node),
        tree.text(tree.child(node, "dir")) or above.dir,
        above.depends_on,
    )
    panes = _panes_of(node)
    _refuse_two_in_focus("pane", panes, context)
    chosen = _layout(node, panes, context)
    return spec.Window(
        name=name,
        title=tree.text(tree.child(node, "title")),
        layout=chosen,
        focus=focus,
        zoomed=tree.flag(tree.child(node, "zoomed")) or False,
        options=_texts(node, "options"),
        panes=tuple(_pane(pane, session, inside, context) for pane in panes),
    )


def _pane(node: Map, session: str, above: _Above, context: _Context) -> spec.Pane:
    address = names.pane(session, tree.text(tree.child(node, "name")) or "")
    context.locations.setdefault(address, node.at)
    level = context.reader.inside(above.environment, node)
    check = health.health(tree.child(node, "health"), context.patterns, context.problems)
    restart = health.restart(tree.child(node, "restart"), context.problems)
    if check is not None and check.restart_unhealthy and restart.policy is spec.Policy.NO:
        at = tree.child(tree.child(node, "health"), "restart_unhealthy") or node
        context.problems.warn(
            at.at,
            f"{quoted(address)} is stopped when it is unhealthy, and not started again: its `restart` is `no`",
            hint="add `restart: on-failure`",
        )
    return spec.Pane(
        address=address,
        command=health.command(tree.child(node, "command")),
        send_keys=tree.texts(tree.child(node, "send_keys")),
        was=health.command(tree.child(node, "was")),
        opened=tree.flag(tree.child(node, "opened")) or False,
        shell=level.shell,
        shell_integration=tree.flag(tree.child(node, "shell_integration")) is not False,
        dir=tree.text(tree.child(node, "dir")) or above.dir,
        env=environment.env_of(level),
        secrets=environment.secrets_of(level),
        title=tree.text(tree.child(node, "title")),
        labels=_labels(node),
        options=_texts(node, "options"),
        scrollback_file=tree.text(tree.child(node, "scrollback_file")),
        history_file=tree.text(tree.child(node, "history_file")),
        focus=tree.flag(tree.child(node, "focus")) or False,
        size=_size(tree.child(node, "size")),
        depends_on=references.of_pane(address, node, above.depends_on, context.known),
        health=check,
        restart=restart,
        limits=rules.limits(tree.child(node, "limits"), context.problems),
        watch=rules.watch(tree.child(node, "watch"), _rules_of(context)),
        pin=tree.flag(tree.child(node, "pin")) or False,
        stop=health.stop(tree.child(node, "stop"), context.problems),
    )


def _rules_of(
    context: _Context, sessions: Sequence[spec.Session] | None = None, groups: Sequence[spec.Group] = ()
) -> rules.Known:
    if sessions is None or context.known.unclear:
        return rules.Known(problems=context.problems, patterns=context.patterns)
    members = {group.name: frozenset(group.panes) for group in groups}
    return rules.Known(
        problems=context.problems,
        patterns=context.patterns,
        candidates=spec.candidates(sessions, groups),
        groups=members,
    )


def _panes_of(window: Map) -> list[Map]:
    return [pane for pane in tree.items(tree.child(window, "panes")) if isinstance(pane, Map)]


def _labels(node: Map) -> dict[str, str]:
    return _texts(node, "labels")


def _texts(node: Map, key: str) -> dict[str, str]:
    pairs = tree.children(tree.child(node, key))
    return {name: text for name, entry in pairs if (text := tree.text(entry.node)) is not None}


def _snapshots(node: Node | None, problems: Problems) -> spec.Snapshots | None:
    if not isinstance(node, Map):
        return None
    default = spec.Snapshots(autosave=timedelta(minutes=5))
    return spec.Snapshots(
        autosave=health.duration_of(node, "autosave", default.autosave, problems, positive=True),
        keep=tree.whole(tree.child(node, "keep")) or default.keep,
        max_age=health.duration_of(node, "max_age", default.max_age, problems),
        scrollback=tree.flag(tree.child(node, "scrollback")) or False,
        history=tree.flag(tree.child(node, "history")) or False,
    )


def _size(node: Node | None) -> spec.Size | None:
    if (cells := tree.whole(node)) is not None:
        return spec.Size(cells=cells)
    text = tree.text(node)
    if text is not None and text.endswith("%") and text[:-1].isdecimal():
        return spec.Size(percent=int(text[:-1]))
    return None


def _refuse_twins(kind: str, nodes: list[Map], context: _Context) -> None:
    first: dict[str, Location] = {}
    for node in nodes:
        name = tree.child(node, "name")
        text = tree.text(name)
        if name is None or text is None:
            continue
        if text in first:
            hint = f"the other one is in {first[text]}; a {kind} without a name is called by its position, from `0`"
            context.problems.add(name.at, f"two {kind}s of one session are called {quoted(text)}", hint=hint)
        else:
            first[text] = name.at


def _refuse_two_in_focus(kind: str, nodes: list[Map], context: _Context) -> None:
    focused = [focus for node in nodes if tree.flag(focus := tree.child(node, "focus")) and focus is not None]
    for second in focused[1:]:
        outer = "window" if kind == "pane" else "session"
        context.problems.add(
            second.at,
            f"only one {kind} of a {outer} can have the focus",
            hint=f"{focused[0].at} has it already",
        )


def _selected(windows: list[Map]) -> Map | None:
    """The window that says so, or the first with a pane that does."""
    for window in windows:
        if tree.flag(tree.child(window, "focus")):
            return window
    for window in windows:
        if any(tree.flag(tree.child(pane, "focus")) for pane in _panes_of(window)):
            return window
    return None


def _layout(window: Map, panes: list[Map], context: _Context) -> str | None:
    node = tree.child(window, "layout")
    chosen = tree.text(node)
    if node is None or chosen is None:
        return None
    if layout.is_exact(chosen):
        try:
            room = layout.panes(chosen)
        except layout.Malformed as failed:
            context.problems.add(
                node.at, str(failed), hint="take it from `tmux display -p '#{window_layout}'`"
            )
            return None
        if room != len(panes):
            context.problems.add(
                node.at, f"the layout has room for {room} panes, and the window has {len(panes)}"
            )
    if chosen not in layout.SIZED:
        for pane in panes:
            size = tree.child(pane, "size")
            if size is not None and tree.value(size) is not UNKNOWN:
                kind = "an exact layout" if layout.is_exact(chosen) else f"{quoted(chosen)}"
                hint = "leave the size out, or choose a layout such as `main-vertical`"
                context.problems.add(size.at, f"a size means nothing in {kind}", hint=hint)
    return chosen
