"""Which pane is meant, and how a command tells of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from orchestra.cli import codes, options, output, suggest

if TYPE_CHECKING:  # see options
    from orchestra.engine import hands
    from orchestra.model import hand


def address(function: Callable[..., Any]) -> Callable[..., Any]:
    """`session/pane` (a name, or its position from 0), or tmux's `%id`; the command gets it as `address`."""
    return click.argument("address", shell_complete=suggest.panes)(function)


def leave_mode(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--leave-mode",
        is_flag=True,
        help="Where somebody looks at the pane's history, bring it back to the present first.",
    )(function)


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--once",
        metavar="KEY",
        help="Type it once, however often this is run with this KEY: for scripts that try again.",
    )(function)


def line(words: Sequence[str]) -> str:
    """One word is a line for the shell; several are quoted, each as it is."""
    if len(words) > 1 and words[0] == "--":
        words = words[1:]
    if len(words) == 1:
        return words[0]
    import shlex  # see options

    return shlex.join(words)


def id_of(key: str | None) -> str:
    if key is None:
        return ""
    import hashlib  # only who says --once

    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:12]


def finding(text: str) -> hands.Find:
    from orchestra.plan import addressing

    return lambda server: addressing.pane(server, text)


def tell(
    common: options.Common,
    command: str,
    body: Mapping[str, object],
    text: str | Sequence[str] = (),
    *,
    meant: hand.Meant | None = None,
    code: int = codes.OK,
) -> int:
    """`text`: lines for people."""
    if common.json:
        output.result(command, {**(where(meant) if meant is not None else {}), **body})
    else:
        for line in [text] if isinstance(text, str) else text:
            output.say(line)
    return code


def where(meant: hand.Meant) -> dict[str, object]:
    """A pane in JSON: `pane_id` is its position in its session, as old scripts know it; `id` is tmux's."""
    from orchestra.model import names

    return {
        "session": names.given(meant.place.session.name),
        "pane_id": meant.number,
        "address": meant.address,
        "id": meant.id,
    }
