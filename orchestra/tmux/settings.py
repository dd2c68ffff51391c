"""What people have set on a server and its windows and panes: options, environment.

`show-options` of one object prints what stands on it alone, a line an option, the value quoted as tmux's own configuration is.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping

from orchestra.model import errors, live, status
from orchestra.tmux import quote, server

OURS = ("@orchestra", "remain-on-exit ", "allow-rename ", "destroy-unattached ")
"""Beginnings of lines about options that orchestra sets itself on what it makes."""
_ASSIGNED = re.compile(
    r'^(?P<name>[A-Za-z_][A-Za-z0-9_]*)="(?P<value>(?:[^"\\]|\\.)*)"; export (?P=name);$', re.S | re.M
)
_ESCAPED = re.compile(r"\\(?:([0-7]{3})|(.))", re.S)
_NAMED = {"n": 10, "r": 13, "b": 8, "a": 7, "v": 11, "t": 9, "f": 12, "s": 32, "E": 27, "0": 0}
"""What vis(3) writes with a letter."""


def read(host: server.Server, seen: status.Server) -> live.Settings:
    """One round trip. `TmuxUnavailable` when the server cannot be asked."""
    nonce = secrets.token_hex(4)

    def head(kind: str, id_: str) -> str:
        return quote.command(
            "display-message", "-p", f"{nonce} {kind} {id_.replace('%', '%%')}"
        )  # as in a time

    windows = {window.id for session in seen.sessions for window in session.windows}
    panes = {place.pane.id for place in status.places(seen)}
    lines = [
        head("environment", "-"),
        quote.command("show-environment", "-g", "-s"),
        head("fleeting", "-"),
        quote.command("show-options", "-gv", "update-environment"),
        head("renames", "-"),
        quote.command("show-options", "-gwv", "automatic-rename"),
        head("dirs", "-"),
        quote.command("list-panes", "-a", "-F", "#{pane_id} #{n:pane_current_path}:#{pane_current_path}"),
    ]
    sessions = {session.id for session in seen.sessions}
    for kind, flags, ids in (
        ("session", "-qt", sessions),
        ("window", "-wqt", windows),
        ("pane", "-pqt", panes),
    ):
        for id_ in sorted(ids):
            lines += [head(kind, id_), quote.command("show-options", flags, id_)]
    reply = host.source(lines)
    if not reply.out.startswith(nonce.encode()):
        raise errors.TmuxUnavailable(f"the tmux server cannot be asked for its options: {reply.err.strip()}")
    parts = {
        (kind, id_): body
        for each in reply.out.decode("utf-8", "surrogateescape").split(f"{nonce} ")[1:]
        for top, _, body in [each.partition("\n")]
        for kind, _, id_ in [top.partition(" ")]
    }
    return live.Settings(
        environment=_environment(parts.get(("environment", "-"), "")),
        fleeting=frozenset(parts.get(("fleeting", "-"), "").split()),
        renames=parts.get(("renames", "-"), "").strip() == "on",
        sessions=_of("session", parts),
        windows=_of("window", parts),
        panes=_of("pane", parts),
        dirs=_dirs(parts.get(("dirs", "-"), "")),
    )


def _of(wanted: str, parts: Mapping[tuple[str, str], str]) -> Mapping[str, Mapping[str, str]]:
    return {id_: options(body.split("\n")) for (kind, id_), body in parts.items() if kind == wanted}


def _environment(text: str) -> dict[str, str]:
    return {
        found["name"]: re.sub(r"\\(.)", r"\1", found["value"], flags=re.S)
        for found in _ASSIGNED.finditer(text)
    }


def _dirs(text: str) -> dict[str, str]:
    """A directory's name may hold a newline: then its length, in bytes, tells where it ends."""
    found: dict[str, str] = {}
    raw, at = text.encode("utf-8", "surrogateescape"), 0
    while (colon := raw.find(b":", at)) >= 0:
        id_, _, length = raw[at:colon].partition(b" ")
        end = colon + 1 + int(length)
        found[id_.decode()] = raw[colon + 1 : end].decode("utf-8", "surrogateescape")
        at = end + 1
    return found


def options(lines: Iterable[str]) -> Mapping[str, str]:
    return {
        name: _unquoted(value)
        for line in lines
        if line and not line.startswith(OURS)
        for name, _, value in [line.partition(" ")]
    }


def _unquoted(value: str) -> str:
    """The way back from tmux's `args_escape`."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return _plain(value[1:-1])
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _plain(value[1:-1])
    return _plain(value)


def _plain(value: str) -> str:
    """vis(3), undone."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(_meant, value)


def _meant(found: re.Match[str]) -> str:
    if found[1] is not None:  # a byte
        return bytes([int(found[1], 8) & 0xFF]).decode("utf-8", "surrogateescape")
    return chr(_NAMED[found[2]]) if found[2] in _NAMED else found[2]
