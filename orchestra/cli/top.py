"""`orchestra top`: panes, live, full screen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from orchestra.cli import codes, figures, options
from orchestra.model import errors

if TYPE_CHECKING:  # see options
    from orchestra.model import metrics, status


@click.command("top")
@click.option(
    "--interval", type=options.Duration(), default="2s", show_default=True, help="Between two looks."
)
@click.option(
    "--filter", "wanted", default="", metavar="WORDS", help="Begin with only what holds these words."
)
@options.common
def command(common: options.Common, interval: timedelta, wanted: str) -> int:
    """Watch workspaces and panes: how they are, what they use, and act on them.

    All panes of the tmux server are shown, also those orchestra did not make. With a daemon the past is known and restarts are counted;
    without one this command measures by itself.

    \b
    Keys:
      /        show only what holds some words: of addresses, workspaces, conditions (Escape: all again)
      s        sort: as a tree, by processor, memory, restarts, uptime
      l        what the pane printed, and goes on to print
      r        restart the pane, after a question
      Enter    attach to the pane (inside tmux your client goes there)
      Space    look now
      q        leave

    \b
    Examples:
      orchestra top
      orchestra top --filter 'shop failed'
    """
    if common.json:
        raise errors.UsageError("top is for people", hint="orchestra metrics --watch -o json is for programs")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise errors.UsageError(
            "top needs a terminal, and this is none", hint="orchestra metrics prints once"
        )
    from orchestra.cli import top_screen  # textual: half a second, and only here

    top_screen.Top(
        source=lambda: figures.source(common, interval, watch=True, patient=False),
        acts=_Acts(common),
        interval=interval.total_seconds(),
        wanted=wanted,
        colours=not os.environ.get("NO_COLOR"),
    ).run()
    return codes.OK


class _Acts:
    """`top_screen.Acts`, by the commands people would type."""

    def __init__(self, common: options.Common) -> None:
        self._common = common

    def _words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "orchestra", *self._common.server_words(), *words]

    def log_words(self, row: metrics.Row) -> list[str] | None:
        if not row.pane.workspace:
            return None
        return self._words("logs", "--tail", "500", "--follow", "--", row.pane.address)

    def shown(self, row: metrics.Row) -> str:
        return self._common.assembly().tmux.capture(row.pane.id)

    def restart(self, row: metrics.Row) -> str:
        if not row.pane.workspace:
            raise errors.UsageError(f"{row.pane.address} is not orchestra's to restart")
        done = subprocess.run(
            self._words("restart", "--", row.pane.address), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            raise errors.ActionFailed(
                (said or done.stderr.splitlines() or ["it failed"])[-1].removeprefix("error: ")
            )
        return done.stdout.strip()

    def attach_words(self, row: metrics.Row) -> tuple[Sequence[str], bool]:
        assembly = self._common.assembly()
        attaching = assembly.attaching
        if attaching.where == "elsewhere":
            raise errors.Conflict("this terminal is a pane of another tmux server")
        place = next((each for each in _places(assembly.tmux.observe()) if each.pane.id == row.pane.id), None)
        if place is None:
            raise errors.UsageError(f"{row.pane.address} is gone")
        attaching.select(place, window=True, pane=True)
        return attaching.argv(place), attaching.where == "outside"


def _places(server: status.Server) -> Iterator[status.Place]:
    from orchestra.model import status

    return status.places(server)
