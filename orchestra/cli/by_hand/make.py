"""`orchestra pane create` and `kill`, `orchestra session create` and `kill`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestra.cli import options, output, suggest
from orchestra.cli.by_hand import meaning
from orchestra.model import errors, names

if TYPE_CHECKING:  # see options
    from orchestra.model import status

LAYOUTS = {
    "tiled": "tiled",
    "horizontal": "even-horizontal",
    "even-horizontal": "even-horizontal",
    "vertical": "even-vertical",
    "even-vertical": "even-vertical",
    "main-horizontal": "main-horizontal",
    "main-vertical": "main-vertical",
}
"""As old scripts call them, and tmux's own."""
layout_option = click.option(
    "--layout", type=click.Choice(list(LAYOUTS)), help="Arrange the window's panes so."
)
dir_option = click.option(
    "--dir", "folder", metavar="DIR", type=click.Path(), help="Where it begins; without it, here."
)


@click.command("create")
@click.argument("name")
@dir_option
@layout_option
@click.option("--pane", "label", metavar="NAME", help="What its pane is called.")
@options.common
def session(
    common: options.Common, name: str, folder: str | None, layout: str | None, label: str | None
) -> int:
    """Make a session of one pane, a shell, detached. The tmux server is started where none runs.

    \b
    Examples:
      orchestra session create scratch
      orchestra session create api --dir ~/src/api --pane server
    """
    if not names.NAME.match(name):
        raise errors.UsageError(
            f"{name!r} cannot be a session's name", hint="letters, digits, - and _, at most 64"
        )
    from orchestra.daemon import making

    assembly = common.assembly()
    made = making.session(assembly, name, _folder(folder), _label(label))
    meant = assembly.hands.find(meaning.finding(made))
    if layout is not None:
        assembly.keyboard.arrange(meant.place.window.id, LAYOUTS[layout])
    body = {"session_id": meant.place.session.id, "dir": _folder(folder)}
    return meaning.tell(common, "session create", body, f"made {name}", meant=meant)


@click.command("create")
@click.argument("session", shell_complete=suggest.sessions)
@click.argument("label", metavar="[NAME]", required=False)
@dir_option
@layout_option
@options.common
def pane(
    common: options.Common, session: str, label: str | None, folder: str | None, layout: str | None
) -> int:
    """Make a pane, a shell, in a session's window. Its NAME is what commands call it by: session/NAME.

    The shell tells orchestra of its commands, so that pane exec --wait and pane wait know how they ended.

    \b
    Examples:
      orchestra pane create dev server
      orchestra pane create dev logs --layout main-vertical
    """
    from orchestra.daemon import making

    assembly = common.assembly()
    arranged = LAYOUTS[layout] if layout is not None else ""
    made = making.pane(assembly, session, _folder(folder), _label(label), arranged)
    meant = assembly.hands.find(meaning.finding(made))
    return meaning.tell(
        common,
        "pane create",
        {"label": label},
        output.one_line(f"made {meant.address} ({made})"),
        meant=meant,
    )


def _folder(given: str | None) -> str:
    if given is None:
        return os.getcwd()  # noqa: PTH109 - as it is named, links and all
    found = Path(given).expanduser().absolute()
    if not found.is_dir():
        raise errors.UsageError(f"there is no directory {found}")
    return str(found)


def _label(given: str | None) -> str:
    if given is None:
        return ""
    if not names.NAME.match(given) or given.isdecimal():
        raise errors.UsageError(
            f"{given!r} cannot be a pane's name",
            hint="letters, digits, - and _, at most 64, and not only digits",
        )
    return given


grace_option = click.option(
    "--timeout",
    "grace",
    type=options.Duration(),
    help="How long what runs may take to end, before it is killed (10s, or what its manifest says).",
)


@click.command("kill")
@meaning.address
@grace_option
@options.common
def kill_pane(common: options.Common, address: str, grace: timedelta | None) -> int:
    """End what runs in a pane, gracefully first, and the pane. Nothing that it started is left behind.

    \b
    Example:
      orchestra pane kill dev/logs
    """
    from orchestra.cli import apply
    from orchestra.daemon import assemble, ending

    assembly = common.assembly()
    meant = assembly.hands.find(meaning.finding(address))
    with assembly.world.locks.hold(assemble.LOCK, "pane kill", LOCK_WAIT, output.note):
        apply.run(ending.pane(assembly, meant, grace))
    return meaning.tell(common, "pane kill", {}, output.one_line(f"ended {meant.address}"), meant=meant)


LOCK_WAIT = timedelta(seconds=60)
"""Nobody may start again what is being ended."""


@click.command("kill")
@click.argument("name", metavar="SESSION", shell_complete=suggest.sessions)
@grace_option
@options.common
def kill_session(common: options.Common, name: str, grace: timedelta | None) -> int:
    """End what runs in a session, gracefully first, and the session. Groups and dependencies by hand forget it.

    \b
    Example:
      orchestra session kill scratch
    """
    from orchestra.plan import addressing

    assembly = common.assembly()
    found = addressing.session(assembly.tmux.observe(), name)
    failed = killed(common, [found], grace)
    if any(failed.values()):
        raise errors.ActionFailed(f"{name}: {failed[found.name]}")
    return meaning.tell(common, "session kill", {"session": name}, output.one_line(f"ended {name}"))


def killed(
    common: options.Common, found: Sequence[status.Session], grace: timedelta | None
) -> dict[str, str]:
    """Name → what could not be ended, "" where all was."""
    from orchestra.cli import apply
    from orchestra.daemon import assemble, ending

    assembly = common.assembly()
    with assembly.world.locks.hold(assemble.LOCK, "session kill", LOCK_WAIT, output.note):
        return apply.run(ending.sessions(assembly, found, grace))
