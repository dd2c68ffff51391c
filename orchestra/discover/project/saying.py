"""Where texts say a port, an address or a path plainly. Every pattern takes time in proportion to the text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PORT = r"(?P<port>[1-9][0-9]{1,4})(?![0-9])"
COMMANDS = tuple(
    re.compile(pattern + _PORT)
    for pattern in (
        r"\bPORT=",
        r"--(?:http-)?port[= ]{1,4}",
        r"(?<!\S)(?<!mkdir )-p[= ]{0,4}",
        r"\bhttp\.server(?: {1,4}-[-\w]{1,20}(?:[= ]{1,4}[\w./:-]{1,60})?){0,4} {1,4}",
        r"\brunserver(?: {1,4}--\w[\w-]{0,20}){0,4} {1,4}(?:[\w.\[\]-]{1,40}:)?",
        r"(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\]):",
        r"(?:-b|--bind|-a|--addr|--listen|-l)[= ]{1,4}(?:tcp://)?[\w.]{0,40}:",
    )
)
"""In the order of how plainly they say it."""
MOST_COMMAND = 10_000
"""Characters; what is longer is no command."""
LOCAL = re.compile(r"\b(?:https?|wss?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):" + _PORT)
HEALTH = ("/health", "/healthz", "/api/health", "/up", "/ping", "/")
"""Paths that answer if they are there, the best first."""


def port(command: str) -> int | None:
    """Of a command line, or a few."""
    for pattern in COMMANDS:
        if (said := pattern.search(command, 0, MOST_COMMAND)) and int(said["port"]) < 65536:
            return int(said["port"])
    return None


def first(patterns: Iterable[re.Pattern[str]], text: str) -> int | None:
    """The port that the first of the patterns to match calls `port`."""
    for pattern in patterns:
        if (said := pattern.search(text)) and 0 < int(said["port"]) < 65536:
            return int(said["port"])
    return None


def local_ports(text: str) -> tuple[int, ...]:
    """Of this machine, as addresses in the text name them."""
    return tuple(sorted({int(said["port"]) for said in LOCAL.finditer(text) if int(said["port"]) < 65536}))


def route(texts: Iterable[str], pattern: re.Pattern[str]) -> str | None:
    """The best path to ask among those that are routed; `pattern` calls it `path`."""
    there = {said["path"].rstrip("/") or "/" for text in texts for said in pattern.finditer(text)}
    return next((path for path in HEALTH if path in there), None)
