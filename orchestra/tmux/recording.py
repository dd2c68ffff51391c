"""What a pane prints, byte for byte, into files: tmux's `pipe-pane` to one `split` a pane. Pure; what reads them is `host/output.py`.

`split` never waits for anyone, so no program is ever held up; it lives as long as the pane, whatever becomes of us; and it ends by
itself when its names run out, so that a daemon that never comes back costs `MOST` bytes of disk a pane and no more
(docs/decisions/0011-output.md).
"""

from __future__ import annotations

import shlex

from orchestra.tmux import quote

SEGMENT = 256 * 1024
"""Bytes of a file."""
SUFFIX = 2
"""Letters that number a recording's files: `aa` to `zz`."""
MOST = SEGMENT * 26**SUFFIX

FREE = "#{==:#{pane_pipe},0}"
"""`pipe-pane` would end whatever a person pipes the pane to."""
ASKED = "@orchestra_asked"
"""On a pane that is nobody's, while it is recorded because a person wants to hear of what it prints."""


def opening(base: str) -> str:
    """The argument of `pipe-pane`: tmux expands it, first as a time, then as a format, and gives it to a shell.

    A recording's files are `BASE/SERVER/PANE/SECONDS-PID-aa`, `…-ab`: later ones sort behind earlier ones.
    """
    folder = quote.literal(shlex.quote(base)).replace("%", "%%")
    folder = f"{folder}/#{{pid}}.#{{start_time}}/#{{pane_id}}"
    return f"umask 077; mkdir -p {folder} && cd {folder} && exec split -b {SEGMENT} -a {SUFFIX} - %s-$$-"


def recorded(target: str, base: str) -> tuple[str, ...]:
    """The command that records a pane that nothing is piped from."""
    return (
        "if-shell",
        "-F",
        "-t",
        target,
        FREE,
        quote.command("pipe-pane", "-O", "-t", target, opening(base)),
    )


def asked(target: str, base: str) -> tuple[tuple[str, ...], ...]:
    """The same of a pane that is nobody's, with a mark that says that the recording is ours to end."""
    noted = quote.command("set-option", "-pt", target, ASKED, base)
    return ("if-shell", "-F", "-t", target, FREE, noted), recorded(target, base)


def if_asked(target: str, *commands: tuple[str, ...]) -> tuple[str, ...]:
    what = " ; ".join(quote.command(*each) for each in commands)
    return ("if-shell", "-F", "-t", target, f"#{{!=:#{{{ASKED}}},}}", what)


def again(target: str, base: str) -> tuple[str, ...]:
    """A recording whose names run out goes on in another: what the old one has not been given by then is lost."""
    return ("pipe-pane", "-O", "-t", target, opening(base))


def closed(target: str) -> tuple[str, ...]:
    return ("pipe-pane", "-t", target)
