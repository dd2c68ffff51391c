"""`orchestra pane send-text`, `send-keys` and `signal`: to whatever runs in a pane."""

from __future__ import annotations

import signal as signals
import sys
from pathlib import Path

import click

from orchestra.cli import options, output, suggest
from orchestra.cli.by_hand import meaning
from orchestra.model import errors

MOST = 1024 * 1024
"""Bytes of a text."""


@click.command("send-text")
@meaning.address
@click.argument("text", required=False)
@click.option("--file", "path", metavar="FILE", help="From a file, byte for byte; - is standard input.")
@click.option("--enter", is_flag=True, help="And Enter after it.")
@click.option("--paste", is_flag=True, help="As a paste, where the program asks for pastes to be marked.")
@meaning.leave_mode
@meaning.once
@options.common
def text(
    common: options.Common,
    address: str,
    text: str | None,
    path: str | None,
    enter: bool,
    paste: bool,
    leave_mode: bool,
    once: str | None,
) -> int:
    """Type text into a pane, byte for byte and without Enter: up to 1 MB, of any number of lines, to whatever program reads it.

    \b
    Examples:
      orchestra pane send-text repl/python 'print(6 * 7)' --enter
      orchestra pane send-text api/psql --file dump.sql
    """
    from orchestra.engine import hands
    from orchestra.model import hand

    data = _data(text, path)
    strokes = (hand.Paste(data=data, bracketed=paste), *((hand.ENTER,) if enter else ()))
    meant = common.assembly().hands.put(
        meaning.finding(address),
        lambda _: hands.Prepared(strokes=strokes),
        leave_mode=leave_mode,
        id=meaning.id_of(once),
    )
    return meaning.tell(common, "pane send-text", {"bytes": len(data)}, meant=meant)


def _data(text: str | None, path: str | None) -> bytes:
    if (text is None) == (path is None):
        raise errors.UsageError("say what to type: TEXT, or --file")
    if path is None:
        assert text is not None
        data = text.encode(errors="surrogateescape")
    else:
        try:
            data = sys.stdin.buffer.read(MOST + 1) if path == "-" else Path(path).read_bytes()
        except OSError as error:
            raise errors.OrchestraError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MOST:
        raise errors.UsageError(f"it is longer than {MOST} bytes", hint="send it in pieces")
    return data


@click.command(
    "send-keys", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@meaning.address
@click.argument("keys", metavar="KEY…", nargs=-1, required=True, shell_complete=suggest.keys)
@click.option("--literal", is_flag=True, help="Every KEY is text, also one that is called like a key.")
@meaning.leave_mode
@meaning.once
@options.common
def keys(
    common: options.Common,
    address: str,
    keys: tuple[str, ...],
    literal: bool,
    leave_mode: bool,
    once: str | None,
) -> int:
    """Press keys in a pane: C-c, C-d, Enter, Escape, Tab, Up, F5, M-x … What is no key's name is typed as it is.

    Options stand before ADDRESS.

    \b
    Examples:
      orchestra pane send-keys api/server C-c
      orchestra pane send-keys repl/python 'import os' Enter
    """
    from orchestra.engine import hands
    from orchestra.model import hand

    strokes = (hand.Keys(keys=keys, literal=literal),)
    meant = common.assembly().hands.put(
        meaning.finding(address),
        lambda _: hands.Prepared(strokes=strokes),
        leave_mode=leave_mode,
        id=meaning.id_of(once),
    )
    return meaning.tell(common, "pane send-keys", {"keys": list(keys)}, meant=meant)


@click.command("signal")
@meaning.address
@click.argument("name", metavar="SIGNAL", shell_complete=suggest.signals)
@click.option(
    "--force", is_flag=True, help="Also to the pane's shell, where nothing but it has the terminal."
)
@options.common
def signal(common: options.Common, address: str, name: str, force: bool) -> int:
    """Send a signal to the process group that has a pane's terminal: TERM, KILL, INT, HUP, STOP, CONT, USR1 …, with SIG before it or not.

    \b
    Examples:
      orchestra pane signal api/server SIGHUP
      orchestra pane signal batch/job STOP
    """
    number = _signal(name)
    assembly = common.assembly()
    from orchestra.host import foreground

    meant = assembly.hands.find(meaning.finding(address))
    terminals = foreground.Terminals()
    found = None if meant.place.pane.dead else terminals.foreground(meant.place.pane.pid)
    if found is None:
        raise errors.Conflict(
            f"{meant.address}: its process has ended", hint="there is nothing to send it to"
        )
    if found.shell and found.own and not force:
        raise errors.Conflict(
            f"{meant.address}: nothing runs there but its shell, {found.argv[0]} (pid {found.pid})",
            hint="--force sends it to the shell; orchestra pane kill ends the pane",
        )
    if not terminals.signal(found, number.name):
        raise errors.ActionFailed(f"{meant.address}: `{found.line}` has ended, or is another user's")
    body = {"signal": number.name, "pid": found.pid, "group": found.group, "to": found.line}
    said = output.one_line(f"{number.name} to `{found.line}` (pid {found.pid})")
    return meaning.tell(common, "pane signal", body, said, meant=meant)


def _signal(name: str) -> signals.Signals:
    wanted = name.upper()
    if wanted.isdecimal():
        try:
            return signals.Signals(int(wanted))
        except ValueError:
            raise errors.UsageError(f"there is no signal {name}") from None
    wanted = wanted if wanted.startswith("SIG") else f"SIG{wanted}"
    if wanted not in signals.Signals.__members__:
        import difflib  # only a slip pays for it

        near = difflib.get_close_matches(wanted, signals.Signals.__members__, n=1)
        hint = f"did you mean {near[0]}?" if near else "kill -l lists them"
        raise errors.UsageError(f"there is no signal {name}", hint=hint)
    return signals.Signals[wanted]
