"""Data into tmux's command language. Everything we send goes through here, and nothing sent can become a format or a second command.

In double quotes tmux's parser (3.0 and newer, `cmd-parse.y`) reads `\\ooo` as one byte; every ASCII byte that could mean anything is written so.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(rb"[A-Za-z0-9_./:=@+\x80-\xff-]")


def word(text: str) -> str:
    """One argument, byte for byte. ValueError on NUL, which no argument can hold."""
    raw = text.encode(errors="surrogateescape")
    if 0 in raw:
        raise ValueError("an argument cannot hold a NUL byte")
    if raw and all(_PLAIN.match(raw, at) for at in range(len(raw))) and not raw.startswith(b"="):
        return '"' + raw.decode(errors="surrogateescape") + '"'
    return '"' + "".join(_escape(byte) for byte in raw) + '"'


def _escape(byte: int) -> str:
    if byte >= 0x80:
        return bytes((byte,)).decode(errors="surrogateescape")
    return _TABLE[byte]


_TABLE = tuple(
    chr(byte) if _PLAIN.match(bytes((byte,))) or byte == 0x20 else f"\\{byte:03o}" for byte in range(0x80)
)


def command(*words: str) -> str:
    """A command on one line."""
    return " ".join(word(each) for each in words)


def literal(text: str) -> str:
    """Text for an argument that tmux expands as a format (`-c`, `-T`): itself, and nothing is run."""
    return text.replace("#", "##")
