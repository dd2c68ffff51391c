"""Data into tmux's command language. Everything we send goes through here, and nothing sent can become a format or a second command.

In double quotes tmux's parser (3.0 and newer, `cmd-parse.y`) reads `\\ooo` as one byte; every ASCII byte that could mean anything
is written so.
"""

from __future__ import annotations

import re
import string

_PLAIN = frozenset(string.ascii_letters + string.digits + "_./:=@+- ")
_OCTAL = {
    **{byte: f"\\{byte:03o}" for byte in range(0x80) if chr(byte) not in _PLAIN},
    # Bytes that are no UTF-8, as Python carries them: 3.3a takes a raw 0xff for the end of what it reads.
    **{0xDC00 + byte: f"\\{byte:03o}" for byte in range(0x80, 0x100)},
}


def word(text: str) -> str:
    """One argument, byte for byte. ValueError on NUL, which no argument can hold."""
    if "\0" in text:
        raise ValueError("an argument cannot hold a NUL byte")
    return '"' + text.translate(_OCTAL) + '"'


def command(*words: str) -> str:
    """A command on one line."""
    return " ".join(word(each) for each in words)


def literal(text: str) -> str:
    """Text for an argument that tmux expands as a format (`-c`, `-n`, `-T`): itself, and nothing is run.

    Each run of `#` is doubled, but one right before `[` stays: tmux leaves `#[` alone and would leave `##[` too (measured, tmux-facts.md).
    """
    return _HASHES.sub(lambda run: run[0] if run[2] else run[1] * 2, text)


def compared(text: str) -> str:
    """Text inside a format's `#{==:…,…}`."""
    return re.sub(r"[,}]", r"#\g<0>", literal(text))


_HASHES = re.compile(r"(#+)(\[?)")
