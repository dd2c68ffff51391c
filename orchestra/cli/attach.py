"""`orchestra attach`: this terminal becomes a tmux client that shows what an address means."""

from __future__ import annotations

import os
import sys

import click

from orchestra.cli import codes, options, output, suggest
from orchestra.model import action, errors, status
from orchestra.model.frozen import frozen
from orchestra.plan import record


@click.command("attach")
@click.argument("address", required=False, shell_complete=suggest.addresses)
@click.option(
    "--workspace",
    "-w",
    metavar="NAME",
    shell_complete=suggest.workspaces,
    help="Where several workspaces have such an address: this one's.",
)
@options.common
def command(common: options.Common, address: str | None, workspace: str | None) -> int:
    """Attach this terminal to a session, or to a window or pane in it. Inside tmux your client is switched there.

    Without ADDRESS: the only session, or, of the only workspace, the first with a `focus`.
    With -o json nothing is attached; what would be run is printed.

    \b
    Examples:
      orchestra attach
      orchestra attach api/server
    """
    assembly = common.assembly()
    there = _places(assembly.tmux.observe(), workspace)
    found = _named(there, address) if address is not None else _only(there)
    attaching = assembly.attaching
    if attaching.where == "elsewhere":
        raise errors.Conflict(
            "this terminal is a pane of another tmux server, and one tmux in another takes the same keys",
            hint="attach from outside it, or unset TMUX first",
        )
    if not common.json and attaching.where == "outside" and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise errors.UsageError(
            "attach needs a terminal, and this is none",
            hint="orchestra status shows how things are; orchestra attach -o json prints what to run",
        )
    argv = attaching.argv(found.place)
    if common.json:
        output.result("attach", {"address": found.address, "workspace": found.workspace, "argv": argv})
        return codes.OK
    attaching.select(
        found.place, window=found.kind is not action.Kind.SESSION, pane=found.kind is action.Kind.PANE
    )
    sys.stdout.flush()
    os.execv(argv[0], argv)  # words, no shell


@frozen
class _There:
    kind: action.Kind
    address: str
    workspace: str
    place: status.Place
    focus: bool = False


def _places(server: status.Server, workspace: str | None) -> list[_There]:
    """All that is marked, sessions first, then panes: `session/name` means a pane before it means a window."""
    found: dict[tuple[action.Kind, str, str], _There] = {}

    def add(kind: action.Kind, mark: status.Mark | None, place: status.Place, focus: bool = False) -> None:
        if mark is not None and workspace in (None, mark.workspace):
            each = _There(kind=kind, address=mark.address, workspace=mark.workspace, place=place, focus=focus)
            found.setdefault((kind, mark.workspace, mark.address), each)

    for place in status.places(server):
        add(
            action.Kind.SESSION,
            place.session.mark,
            place,
            focus=record.parse(place.session.record).get("focus") is not None,
        )
        add(action.Kind.WINDOW, place.window.mark, place)
        add(action.Kind.PANE, place.pane.mark, place)
    order = [action.Kind.SESSION, action.Kind.PANE, action.Kind.WINDOW]
    return sorted(found.values(), key=lambda each: order.index(each.kind))


def _named(there: list[_There], address: str) -> _There:
    found = [each for each in there if each.address == address]
    found = [each for each in found if each.kind is found[0].kind]
    if not found:
        raise _unclear(f"there is no {address} of orchestra's on this tmux server", there)
    if len(found) > 1:
        owners = ", ".join(each.workspace for each in found)
        raise errors.UsageError(
            f"{address} is in several workspaces: {owners}", hint="say which one with --workspace"
        )
    return found[0]


def _only(there: list[_There]) -> _There:
    sessions = [each for each in there if each.kind is action.Kind.SESSION]
    if len(sessions) == 1:
        return sessions[0]
    focused = [each for each in sessions if each.focus]
    if focused and len({each.workspace for each in sessions}) == 1:
        return focused[0]
    if not sessions:
        raise _unclear("there is no session of orchestra's on this tmux server", there)
    raise _unclear("which one? say the address", there)


def _unclear(summary: str, there: list[_There]) -> errors.UsageError:
    listed = ", ".join(dict.fromkeys(each.address for each in there))
    hint = f"there are: {listed}" if there else "orchestra apply makes some; -L and -S choose another server"
    return errors.UsageError(summary, hint=hint)
