"""What a shell offers when Tab is pressed. Quick, and silent whatever goes wrong: a completion that fails offers nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestra.model import names

DEFAULT_FILES = ("orchestra.yaml", "orchestra.yml")
"""What FILE is when none is given."""

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from orchestra.daemon import assemble
    from orchestra.model import spec


def workspaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return _items(_silently(lambda: _workspaces(ctx)), incomplete)


def files_and_workspaces(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # only a shell asks

    return [CompletionItem(incomplete, type="file"), *workspaces(ctx, param, incomplete)]


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Live ones."""
    return _items(_silently(lambda: _live(ctx)), incomplete)


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Of the manifest that stands on the line; where there is none that loads, live ones."""
    return _items(_silently(lambda: _declared(ctx)) or _silently(lambda: _live(ctx)), incomplete)


def panes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Every live pane, whoever made it."""
    return _items(_silently(lambda: _panes(ctx)), incomplete)


def sessions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Every live one, whoever made it."""
    return _items(
        _silently(lambda: [each.name for each in _assembly(ctx).tmux.observe().sessions]), incomplete
    )


def groups(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Made by hand."""
    return _items(_silently(lambda: _groups(ctx)), incomplete)


def signals(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    import signal  # only a shell asks

    every = [name for name in signal.Signals.__members__ if not name.startswith("SIGRT")]
    short = incomplete and not "SIGNAL".startswith(incomplete[:3].upper())
    return _items([name.removeprefix("SIG") if short else name for name in every], incomplete.upper())


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return _items(_KEYS, incomplete)


def labels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Those that are on any pane, to be set or printed."""
    return _items(_silently(lambda: _labels(ctx)), incomplete)


_KEYS = (
    *("Enter", "Escape", "Tab", "Space", "BSpace", "Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown"),
    *("C-c", "C-d", "C-z", "C-l", "C-r", "C-u", "C-w", "F1", "F2", "F5", "F10"),
)  # fmt: skip


def _panes(ctx: click.Context) -> Iterable[str]:
    from orchestra.plan import addressing

    return addressing.known(_assembly(ctx).tmux.observe())


def _groups(ctx: click.Context) -> Iterable[str]:
    from orchestra.plan import grouping

    return grouping.parse(_assembly(ctx).tmux.observe().groups).groups


def _labels(ctx: click.Context) -> Iterable[str]:
    from orchestra.model import status

    for place in status.places(_assembly(ctx).tmux.observe()):
        yield from place.pane.labels


def snapshots(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Those that are kept; their names hold dots, too."""
    from click.shell_completion import CompletionItem  # only a shell asks

    found = _silently(lambda: _kept(ctx))
    return [CompletionItem(each) for each in found if each.startswith(incomplete)]


def schedules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Those that stand on the server, with their workspace and without."""
    return _items(_silently(lambda: _standing(ctx)), incomplete)


def _standing(ctx: click.Context) -> Iterable[str]:
    from orchestra.engine.react import schedules

    every = schedules.standing(_assembly(ctx).tmux.observe()).values()
    return [*(each.what.name for each in every), *(each.key for each in every)]


def _kept(ctx: click.Context) -> Iterable[str]:
    from orchestra.daemon import snapshots

    return [each.name for each in snapshots.keeper(_assembly(ctx)).all(check=False)]


def _silently(ask: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(ask())
    except Exception:  # noqa: BLE001  # nobody reads an error between two keystrokes
        return []


def _items(found: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    from click.shell_completion import CompletionItem  # only a shell asks

    return [
        CompletionItem(each)
        for each in dict.fromkeys(found)
        if each.startswith(incomplete) and _is_safe(each)
    ]


def _is_safe(word: str) -> bool:
    """Marks can be forged, and what is offered may be run: names of ours hold nothing that a shell reads."""
    return all(names.NAME.match(part) for part in word.removeprefix("@").split("/"))


def _assembly(ctx: click.Context) -> assemble.Assembly:
    from orchestra.daemon import assemble

    given: dict[str, Any] = {}
    above = ctx.parent
    while above is not None:
        given = {**{key: value for key, value in above.params.items() if value is not None}, **given}
        above = above.parent
    given.update({key: value for key, value in ctx.params.items() if value is not None})
    return assemble.assemble(given.get("socket_name"), given.get("socket_path"), os.environ)


def _workspaces(ctx: click.Context) -> Iterable[str]:
    from orchestra.plan import overview

    return overview.names_of(_assembly(ctx).tmux.observe())


def _live(ctx: click.Context) -> Iterable[str]:
    from orchestra.plan import overview

    for workspace in overview.workspaces(_assembly(ctx).tmux.observe()):
        for session in workspace.sessions:
            yield session.address
            yield from (window.address for window in session.windows if len(session.windows) > 1)
            yield from (pane.address for pane in session.panes)


def _declared(ctx: click.Context) -> Iterable[str]:
    from orchestra.daemon import assemble
    from orchestra.manifest import load

    pairs = (each.partition("=") for each in ctx.params.get("variables") or ())
    inputs = load.Inputs(
        environment=ctx.params.get("environment"),
        variables={name: value for name, _, value in pairs},
        variable_files=tuple(ctx.params.get("variable_files") or ()),
        environ=dict(os.environ),
        user_settings=assemble.settings_file(),
    )
    # While an option waits for its value, what came before it is not yet taken for FILE.
    file = ctx.params.get("file") or next((word for word in ctx.args if not word.startswith("-")), None)
    file = file or next((name for name in DEFAULT_FILES if Path(name).is_file()), None)
    if file is None or file == "-":
        return []
    return _targets(load.load(Path(file), inputs).workspace)


def _targets(workspace: spec.Workspace) -> Iterable[str]:
    yield from (f"@{group.name}" for group in workspace.groups)
    for session in workspace.sessions:
        yield session.name
        if len(session.windows) > 1:
            yield from (names.window(session.name, window.name) for window in session.windows)
        yield from (pane.address for pane in session.panes)
